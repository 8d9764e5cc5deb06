"""Checks across the sections of a preset: names that must exist, times that need the clip, formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os.path import normpath
from typing import TYPE_CHECKING

from render.timeline import CycleError, KeyFormulaError, check_amount, did_you_mean, unknown_name

from .blend import MODEL_WORDS
from .mistakes import Mistake, Place
from .motion import Spot, spots_of, timeline_of
from .names import NameKeys
from .panels import PANEL_WORDS

if TYPE_CHECKING:
    from .model import Preset


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
    """Times, names, circles and values, in this order: where one is wrong, what reads it is not looked at."""
    clock, spots = preset.clock, spots_of(preset)
    formulas = [str(expression) for spot in spots for _, expression in spot.value.formulas()]
    try:
        check_amount(formulas)
    except ValueError as error:
        return [Mistake(_first_formula(spots), str(error))]
    known = [spot.formula_name for spot in spots if spot.is_readable]
    found: dict[str, list[Mistake]] = {}
    for spot in spots:
        mistakes = [*_unknown_names(spot, known), *spot.value.mistakes(clock)]
        if mistakes:
            found[spot.formula_name] = [mistake.within(*spot.place) for mistake in mistakes]
    _check_values(spots, preset, found)
    return [mistake for spot in spots for mistake in found.get(spot.formula_name, [])]


def _check_values(spots: Sequence[Spot], preset: Preset, found: dict[str, list[Mistake]]) -> None:
    """Adds to what is `found` the circles, and the first moments at which formulas have no value."""
    clock = preset.clock
    while True:
        right = _untouched(spots, found)
        try:
            timeline = timeline_of(right.values(), clock)
        except CycleError as error:
            name = min(error.chain, key=list(right).index)
            found[name] = [Mistake(right[name].place, str(error))]
        except KeyFormulaError as error:
            for one in error.errors:
                place = (*right[one.name].place, *right[one.name].value.at_keys, one.index, 1)
                found[one.name] = [Mistake(place, str(one))]
        except ValueError as error:
            place = _first_formula(right.values())
            found[next(name for name, spot in right.items() if spot.place == place)] = [
                Mistake(place, str(error))
            ]
            return
        else:
            break
    rates = {clock.fps, *(output.rate(clock.fps) for output in preset.outputs)}
    for failure in timeline.failures([clock.with_fps(fps) for fps in sorted(rates)]):
        found[failure.name] = [Mistake(right[failure.name].place, failure.message)]


def _untouched(spots: Iterable[Spot], wrong: Iterable[str]) -> dict[str, Spot]:
    """The spots that are right, and read only such ones, by the names that formulas use."""
    right = {spot.formula_name: spot for spot in spots if spot.formula_name not in wrong}
    while True:
        readers = [name for name, spot in right.items() if spot.value.references - right.keys()]
        if not readers:
            return right
        for name in readers:
            del right[name]


def _first_formula(spots: Iterable[Spot]) -> Place:
    return next(spot.place for spot in spots if spot.value.formulas())


def _unknown_names(spot: Spot, known: Sequence[str]) -> list[Mistake]:
    """Names in the spot's formulas that mean nothing in this preset; places within the number."""
    return [
        Mistake(place, unknown_name(name, [one for one in known if one != spot.formula_name]))
        for place, expression in spot.value.formulas()
        for name in sorted(expression.references - set(known))
    ]


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
