"""Checks across the sections of a preset: names that must exist, times that need the clip, formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os.path import normpath
from typing import TYPE_CHECKING

from render.timeline import Clock, CycleError, KeyFormulaError, Time, check_amount, did_you_mean, unknown_name
from render.timeline.functions import LEVELS

from .blend import FORMS, MODEL_WORDS, Blend
from .mistakes import Mistake, Place
from .motion import Spot, spots_of, timeline_of
from .names import NameKeys, names_in
from .outputs import VideoOutput
from .panel_checks import panel_mistakes
from .sums import clocks_of, sum_mistakes

if TYPE_CHECKING:
    from .model import Preset


def cross_mistakes(preset: Preset) -> list[Mistake]:
    """Every mistake between sections, in the order of the sections."""
    checks: tuple[Callable[[Preset], list[Mistake]], ...] = (
        _latents,
        _tracks_and_sums,
        _names_over_time,
        _blend_names,
        _channels,
        _snapshot,
        panel_mistakes,
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


def _tracks_and_sums(preset: Preset) -> list[Mistake]:
    """Numbers, and where all are right the sums of a mix."""
    return _tracks(preset) or sum_mistakes(preset)


def _tracks(preset: Preset) -> list[Mistake]:
    """Times, names, circles and values, in this order: where one is wrong, what reads it is not looked at."""
    clock, spots = preset.clock, spots_of(preset)
    formulas = [str(expression) for spot in spots for _, expression in spot.value.formulas()]
    try:
        check_amount(formulas)
    except ValueError as error:
        return [Mistake(_first_formula(spots), str(error))]
    silent = _unheard(preset, spots)
    if silent:
        return silent
    known = [spot.formula_name for spot in spots if spot.is_readable]
    found: dict[str, list[Mistake]] = {}
    for spot in spots:
        mistakes = [*_unknown_names(spot, known), *spot.value.mistakes(clock)]
        if mistakes:
            found[spot.formula_name] = [mistake.within(*spot.place) for mistake in mistakes]
    _check_values(spots, preset, found)
    return [mistake for spot in spots for mistake in found.get(spot.formula_name, [])]


def _unheard(preset: Preset, spots: Iterable[Spot]) -> list[Mistake]:
    """A sound that formulas listen to, and that cannot be read."""
    names = {name for spot in spots for _, formula in spot.value.formulas() for name in formula.names}
    levels = preset.clock.levels
    if levels is None or not names & LEVELS.keys():
        return []
    try:
        levels.check()
    except ValueError as error:
        text = str(error).replace(str(levels.file), preset.clip.audio.file)
        return [Mistake(("clip", "audio"), text)]
    return []


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
    for failure in timeline.failures(clocks_of(preset)):
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
    for place, value in preset.written_name_places().items():
        found += [mistake.within(*place) for mistake in value.mistakes(preset.clock)]
    return found


def _blend_names(preset: Preset) -> list[Mistake]:
    names = list(preset.models)
    if preset.blend is None:
        if len(names) == 1:
            return []
        text = f"missing; say which of {', '.join(names)} is low and which is high"
        if preset.channels:
            text += ", or name the one whose channels are taken from others"
        return [Mistake(("blend",), text)] if names else []
    mistakes, words = [], FORMS[preset.blend.form].words
    for role, written in preset.blend.written_names().items():
        known = [*words, *names] if role in ("mapping", "noise") else names
        for place, name in _each_name(written):
            if name in MODEL_WORDS and name not in known and role in ("mapping", "noise"):
                text = f"there is no {name} beside {preset.blend.form}; name a model, or blend"
                mistakes.append(Mistake(("blend", role, *place), text))
            elif name not in known:
                text = f"unknown model {name!r}{did_you_mean(name, known)}"
                mistakes.append(Mistake(("blend", role, *place), text))
    return mistakes + _keys_that_are_models(preset.blend, names)


def _keys_that_are_models(blend: Blend, names: Sequence[str]) -> list[Mistake]:
    """Models that weights and kimgs speak of."""
    found = []
    used = [name for role in blend.all_names().values() for name in role]
    for key in ("mix", "add", "to_rgb", "snapshot"):
        written = getattr(blend, key)
        for name in written if isinstance(written, Mapping) else ():
            place = ("blend", key, name)
            if name not in names:
                text = f"unknown model {name!r}{did_you_mean(name, names)}"
                found.append(Mistake(place, text, at_key=True))
            elif key == "add" and name in names_in(blend.base):
                text = f"{name} is the base itself, from which it learnt nothing"
                found.append(Mistake(place, text, at_key=True))
            elif key == "to_rgb" and name not in used:
                text = f"{name} is not among the models blended here: {', '.join(used)}"
                found.append(Mistake(place, text, at_key=True))
    return found


def _each_name(written: str | NameKeys) -> list[tuple[Place, str]]:
    if isinstance(written, str):
        return [((), written)]
    return [((index, 1), name) for index, key in enumerate(written.keys) for name, _ in key.mix]


def _channels(preset: Preset) -> list[Mistake]:
    """Models that channels are taken from."""
    names = list(preset.models)
    return [
        Mistake(
            ("channels", name, "from"), f"unknown model {taken.model!r}{did_you_mean(taken.model, names)}"
        )
        for name, taken in (preset.channels or {}).items()
        if taken.model not in names
    ]


def _snapshot(preset: Preset) -> list[Mistake]:
    blend = preset.blend
    if blend is None or blend.snapshot is None:
        return []
    if isinstance(blend.snapshot, Mapping):
        return [
            Mistake(("blend", "snapshot", name), _no_series(name), at_key=True)
            for name in blend.snapshot
            if name in preset.models and not preset.models[name].is_series
        ]
    roles = blend.all_names().values()
    names = [name for role in roles for name in role if name in preset.models]
    series = [name for name in names if preset.models[name].is_series]
    if len(names) < sum(map(len, roles)) or len(series) == 1 or (series and blend.form in ("swap", "model")):
        return []
    text = _no_series(names[-1])
    if series:
        example = ", ".join(f"{name}: …" for name in series)
        text = f"{' and '.join(series)} are series; say whose it is: snapshot: {{{example}}}"
    return [Mistake(("blend", "snapshot"), text)]


def _no_series(name: str) -> str:
    return f"needs a series of snapshots; write models: {{{name}: {{snapshots: …}}}}"


def _outputs(preset: Preset) -> list[Mistake]:
    seen: dict[str, int] = {}
    mistakes = []
    for index, output in enumerate(preset.outputs):
        first = seen.setdefault(normpath(output.file), index)
        if first != index:
            text = f"{output.file} is written twice; outputs[{first}] has the same name"
            mistakes.append(Mistake(("outputs", index), text))
        if isinstance(output, VideoOutput) and output.audio:
            found = output.audio.timing_mistakes(preset.clock)
            mistakes += [mistake.within("outputs", index, "audio") for mistake in found]
        if output.poster is not None and (text := _outside(output.poster, preset.clock)):
            mistakes.append(Mistake(("outputs", index, "poster"), text))
    return mistakes


def _outside(time: Time, clock: Clock) -> str:
    """What is wrong with a time that must lie within the clip; nothing if it does."""
    try:
        seconds = clock.resolve(time)
    except ValueError as error:
        return str(error)
    if 0 <= seconds <= clock.duration:
        return ""
    return f"{time} lies outside the clip, which lasts {float(clock.duration):g}s"
