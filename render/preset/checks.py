"""Checks across the sections of a preset: names that must exist, times that need the clip, formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from os.path import normpath
from typing import TYPE_CHECKING

from render.timeline import FUNCTIONS, VARIABLES, Clock, did_you_mean

from .animated import references_of
from .blend import MODEL_WORDS
from .mistakes import Mistake, Place
from .motion import Motion, Spot, in_order, known_names, spots_of
from .names import NameKeys
from .panels import PANEL_WORDS

if TYPE_CHECKING:
    from .model import Preset

_MOST_TRIALS = 50_000  # frames of one rate at which a formula is tried before anything is rendered


def cross_mistakes(preset: Preset) -> list[Mistake]:
    """Every mistake between sections, in the order of the sections."""
    checks: tuple[Callable[[Preset], list[Mistake]], ...] = (
        _latents,
        _tracks,
        _names_over_time,
        _blend_names,
        _snapshot,
        _panels,
        _outputs,
    )
    return [mistake for check in checks for mistake in check(preset)]


def _latents(preset: Preset) -> list[Mistake]:
    latents, clock = preset.latents, preset.clock
    found = latents.timing_mistakes(clock)
    if latents.mixing is not None:
        found += [mistake.within("mixing") for mistake in latents.mixing.timing_mistakes(clock)]
    return [mistake.within("latents") for mistake in found]


# --- numbers that move --------------------------------------------------------------------------------------


def _tracks(preset: Preset) -> list[Mistake]:
    spots = spots_of(preset)
    known = known_names(spots)
    mistakes = [mistake for spot in spots for mistake in _unknown_names(spot, known)]
    if mistakes:
        wrong = {mistake.place for mistake in mistakes}
        spots = tuple(spot for spot in spots if not any(_inside(place, spot.place) for place in wrong))
    try:
        order = in_order(spots)
    except ValueError as error:
        text, around = error.args
        first = next(spot for spot in spots if spot.name == around[0])
        return [*mistakes, Mistake(first.place, text)]
    return mistakes + _values(order, spots, preset)


def _values(order: list[Spot], spots: tuple[Spot, ...], preset: Preset) -> list[Mistake]:
    """Times and values that only the clip can tell; what reads a wrong number is not looked at."""
    clock = preset.clock
    rates = {output.rate(clock.fps) for output in preset.outputs}
    motion, found = Motion(clock), {}
    for spot in order:
        if spot.sources() - motion.tracks.keys():
            continue
        mistakes = spot.value.mistakes(clock, motion.others(spot))
        if not mistakes:
            motion.add(spot)
            mistakes = _trial(spot, motion, clock, rates)
        if mistakes:
            motion.tracks.pop(spot.name, None)
            found[spot.name] = [mistake.within(*spot.place) for mistake in mistakes]
    return [mistake for spot in spots for mistake in found.get(spot.name, [])]


def _inside(place: Place, outer: Place) -> bool:
    return place[: len(outer)] == outer


def _unknown_names(spot: Spot, known: Iterable[str]) -> list[Mistake]:
    """Names in the spot's formulas that mean nothing in this preset."""
    found = []
    for place, expression in spot.value.formulas():
        for name in sorted(references_of(expression) - set(known)):
            near = did_you_mean(name, [*known, *VARIABLES, *FUNCTIONS], limit=0)
            more = (
                f"; there are {', '.join(known)}" if known else "; variables are given by vars: {peak: 0.8}"
            )
            text = f"unknown name {name!r} in {_shortened(expression)}{near or more}"
            found.append(Mistake((*spot.place, *place), text))
    return found


def _shortened(expression: object) -> str:
    """A formula as its writer would recognise it, cut short."""
    text = str(expression)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _trial(spot: Spot, motion: Motion, clock: Clock, rates: Iterable[Fraction]) -> list[Mistake]:
    """The first frame of any rate at which a formula has no value."""
    if spot.value.expression is None:
        return []
    track = motion.tracks[spot.name]
    clocks = [clock.with_fps(fps) for fps in {clock.fps, *rates}]
    moments = {Fraction(0)} if track.is_constant else set().union(*map(_moments, clocks))
    for seconds in sorted(moments):
        try:
            track.value_at(seconds)
        except ValueError as error:
            return [Mistake((), str(error))]
    return []


def _moments(clock: Clock) -> set[Fraction]:
    """The moments of all frames; of a very long clip, of frames evenly spread over it."""
    last = clock.frame_count - 1
    count = min(last, _MOST_TRIALS)
    return {clock.seconds(last * part // max(1, count)) for part in range(count + 1)}


# --- names --------------------------------------------------------------------------------------------------


def _names_over_time(preset: Preset) -> list[Mistake]:
    """Times of names that change."""
    found = []
    for place, value in preset.name_places().items():
        found += [mistake.within(*place) for mistake in value.mistakes(preset.clock)]
    return found


def _blend_names(preset: Preset) -> list[Mistake]:
    names = list(preset.models)
    if preset.blend is None:
        if len(names) == 1:
            return []
        text = f"missing; say which of {', '.join(names)} is low and which is high"
        return [Mistake(("blend",), text)] if names else []
    mistakes = []
    for role, written in preset.blend.written_names().items():
        known = [*MODEL_WORDS, *names] if role == "mapping" else names
        for place, name in _each_name(written):
            if name not in known:
                text = f"unknown model {name!r}{did_you_mean(name, known)}"
                mistakes.append(Mistake(("blend", role, *place), text))
    return mistakes


def _each_name(written: str | NameKeys) -> list[tuple[Place, str]]:
    if isinstance(written, str):
        return [((), written)]
    return [((index, 1), name) for index, key in enumerate(written.keys) for name, _ in key.mix]


def _snapshot(preset: Preset) -> list[Mistake]:
    blend = preset.blend
    if blend is None or blend.snapshot is None:
        return []
    roles = blend.all_names().values()
    names = [name for role in roles for name in role if name in preset.models]
    if len(names) < sum(map(len, roles)) or any(preset.models[name].is_series for name in names):
        return []
    text = f"needs a series of snapshots; write models: {{{names[-1]}: {{snapshots: …}}}}"
    return [Mistake(("blend", "snapshot"), text)]


def _panels(preset: Preset) -> list[Mistake]:
    is_mix = preset.blend is not None and preset.blend.is_mix
    words = PANEL_WORDS if is_mix else ("blend",)
    known = [*words, *preset.models]
    mistakes = []
    rows = preset.panels.rows
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            if panel.show in known:
                continue
            place = ("panels", "show", *((row,) if len(rows) > 1 else ()), column)
            if panel.show in PANEL_WORDS:
                text = f"there is no {panel.show} here: a single model is shown; use blend"
            else:
                text = f"unknown panel {panel.show!r}{did_you_mean(panel.show, known)}"
            mistakes.append(Mistake(place, text))
    return mistakes


def _outputs(preset: Preset) -> list[Mistake]:
    seen: dict[str, int] = {}
    mistakes = []
    for index, output in enumerate(preset.outputs):
        first = seen.setdefault(normpath(output.file), index)
        if first != index:
            text = f"{output.file} is written twice; outputs[{first}] has the same name"
            mistakes.append(Mistake(("outputs", index), text))
    return mistakes
