"""Warnings: a preset that renders, though perhaps not as meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from render.timeline import HOLD, Clock, ExpressionTrack, Time, Track, rate_text

from .animated import Animated
from .idle import idle_settings
from .layers import name_of
from .mistakes import place_text
from .motion import VARS, Spot, read_by_formulas, spots_of
from .names import NameKeys
from .outputs import GifOutput
from .part import Part
from .quantities import WEIGHT
from .walk import ROUND_PATHS, Walk

if TYPE_CHECKING:
    from .model import Preset

TAME_WEIGHTS = (-2, 3)  # symmetric: what one of two models has beyond, the other lacks
_MOVING = frozenset("tfbu")
_NEAR = 1e-6
_TELEVISION = tuple(Fraction(1000 * fps, 1001) for fps in (24, 30, 48, 60, 120))


def warnings_of(preset: Preset) -> list[str]:
    """What may not be meant, one readable line each."""
    clock, tracks, found = preset.clock, preset.tracks(), []
    for spot in spots_of(preset):
        found += _of_number(spot, tracks[spot.name], clock)
    for place, names in preset.written_name_places().items():
        found += [f"{place_text(place)}{text}" for text in _of_names(names, clock)]
    found += [f"latents{text}" for text in _of_walk(preset.latents, clock)]
    if preset.latents.mixing is not None:
        found += [f"latents.mixing{text}" for text in _of_walk(preset.latents.mixing, clock)]
    found += _of_rate(clock)
    found += _of_markers(preset)
    found += _of_variables(preset)
    found += idle_settings(preset)
    found += [f"outputs[{index}]: {text}" for index, text in _of_gifs(preset)]
    return list(dict.fromkeys(found))


# --- numbers ------------------------------------------------------------------------------------------------


def _of_number(spot: Spot, track: Track | ExpressionTrack, clock: Clock) -> list[str]:
    found = _about_keys(spot.value, clock)
    found += [f": {text}" for text in (*_standing_still(spot, track), *_far_out(spot, track))]
    # a seam that its own reader hides, or shows, is that track's to tell
    found += [] if spot.name.startswith(VARS) else [f": {text}" for text in _at_the_seam(spot, track, clock)]
    return [f"{spot.name}{text}" for text in found]


def _about_keys(value: Animated, clock: Clock) -> list[str]:
    times = [key.time for key in value.keys]
    found = _outside(times, clock) if value.repeat == "once" else []
    moments = [clock.resolve(time) for time in times]
    found += [
        f"[{index + 1}]: two keys at {times[index]}; the value jumps there"
        for index, (earlier, later) in enumerate(pairwise(moments))
        if earlier == later
    ]
    if len(times) > 1 and value.keys[-1].easing != value.ease:
        found.append(f"[{len(times) - 1}]: an easing governs what follows its key, and this key is the last")
    changes = [
        (index + 1, later, before.easing == HOLD)
        for index, (before, after, later) in enumerate(
            zip(value.keys, value.keys[1:], moments[1:], strict=False)
        )
        if before.value != after.value
    ]
    found += [
        f"[{index}]: the value cuts at {times[index]}, off the beat and the whole second, "
        "while the rest moves smoothly"
        for index in _stray_cuts(changes, clock)
    ]
    return found


def _outside(times: Iterable[Time], clock: Clock) -> list[str]:
    return [
        f"[{index}]: {time} lies outside the clip, which lasts {float(clock.duration):g}s"
        for index, time in enumerate(times)
        if not 0 <= clock.resolve(time) <= clock.duration
    ]


def _stray_cuts(changes: list[tuple[int, Fraction, bool]], clock: Clock) -> list[int]:
    """Of (index, moment, whether it is a cut) the cuts that nobody seems to have placed.

    A cut is meant where it falls on a beat, a marker or a whole second, and where all changes are cuts.
    """
    if all(is_cut for _, _, is_cut in changes):
        return []
    return [index for index, moment, is_cut in changes if is_cut and not _is_placed(moment, clock)]


def _is_placed(moment: Fraction, clock: Clock) -> bool:
    """Whether a moment is a whole second, a marker or a beat."""
    if moment.denominator == 1 or moment in clock.marker_seconds.values():
        return True
    return clock.has_tempo and clock.seconds_of_beat(Fraction(round(clock.beats(moment)))) == moment


def _standing_still(spot: Spot, track: Track | ExpressionTrack) -> list[str]:
    value = spot.value
    if value.expression is not None:
        # a formula of constants alone names a number; one that reads the time is meant to move
        if not value.expression.names & _MOVING or track.minimum != track.maximum:
            return []
        return [f"the formula never changes: it is {_shown(spot, track.first)} all the time"]
    if len(value.keys) > 1 and track.is_constant:
        return [f"never changes: all keys say {_shown(spot, track.first)}"]
    return []


def _far_out(spot: Spot, track: Track | ExpressionTrack) -> list[str]:
    """Weights of models that extrapolate further than pictures usually bear."""
    if spot.place[0] not in ("blend", "channels") or spot.value.quantity != WEIGHT:
        return []
    lowest, highest = TAME_WEIGHTS
    return [
        f"reaches {number:g}; beyond {lowest} to {highest} pictures mostly fall apart"
        for number in (track.minimum, track.maximum)
        if not lowest - _NEAR <= number <= highest + _NEAR
    ][:1]


def _shown(spot: Spot, number: float) -> str:
    return name_of(number) if spot.value.quantity.name == "swap" else f"{number:g}"


def _at_the_seam(spot: Spot, track: Track | ExpressionTrack, clock: Clock) -> list[str]:
    if not clock.loop:
        return []
    try:
        first, last = track.value_at(0), track.value_at(clock.duration)
    except ValueError:  # a formula without a value at 100 %, which a looping clip never shows
        return []
    turn = 360 if spot.name == "transform.rotate" else 0
    apart = abs(first - last) % turn if turn else abs(first - last)
    if min(apart, abs(turn - apart)) <= _NEAR * max(1.0, abs(first)) or apart <= _NEAR * max(1.0, abs(first)):
        return []
    return [f"jumps from {_shown(spot, last)} to {_shown(spot, first)} when the clip starts over"]


# --- names --------------------------------------------------------------------------------------------------


def _of_names(names: NameKeys, clock: Clock) -> list[str]:
    times = [key.time for key in names.keys]
    moments = [clock.resolve(time) for time in times]
    found = _outside(times, clock)
    if len(times) > 1 and len({key.mix for key in names.keys}) == 1:
        found.append(f": never changes: all keys say {names.names[0]}")
    ends = [*moments[1:], moments[0] + clock.duration if clock.loop else None]
    for index, (key, moment, end) in enumerate(zip(names.keys, moments, ends, strict=True)):
        length = clock.length(key.fade) if key.fade else 0
        if key.fade is None:
            continue
        if end is not None and moment + length > end and len(times) > 1:
            text = (
                f"the fade of {key.fade} is not over when the next key comes, {float(end - moment):g}s later"
            )
            found.append(f"[{index}]: {text}")
        elif end is None and moment + length > clock.duration:
            found.append(f"[{index}]: the fade of {key.fade} is not over when the clip ends")
    changes = [
        (index, moments[index], key.fade is None)
        for index, (before, key) in enumerate(pairwise(names.keys), 1)
        if before.mix != key.mix and not before.blends
    ]
    found += [
        f"[{index}]: the name cuts at {times[index]}, off the beat and the whole second, while others fade; "
        "for a soft change write fade 0.5s"
        for index in _stray_cuts(changes, clock)
    ]
    return found


# --- the walk -----------------------------------------------------------------------------------------------


def _of_walk(walk: Walk, clock: Clock) -> list[str]:
    if walk.keys is not None:
        return _of_latent_keys(walk, clock)
    if walk.path in ROUND_PATHS or walk.files is not None:
        return []
    stops, seeds = walk.stops(clock), walk.round_seeds(clock.loop)
    if len(seeds) == 1:
        return []
    visited = sum(stop.seconds < clock.duration + (0 if clock.loop else 1e-9) for stop in stops)
    unseen = len(seeds) - len({index % len(seeds) for index in range(visited)})
    if walk.position is None and unseen > 0:
        return [f": the walk does not reach {unseen} of its {len(seeds)} seeds within the clip"]
    if clock.loop and (len(stops) - 1) % len(seeds):
        return [f": {len(stops) - 1} steps through {len(seeds)} seeds do not end where the round began"]
    if stops[-1].seconds < clock.duration:
        return [f": the walk ends at {float(stops[-1].seconds):g}s and then stands still"]
    return []


def _of_latent_keys(walk: Walk, clock: Clock) -> list[str]:
    times = [key.time for key in walk.keys]
    moments = [clock.resolve(time) for time in times]
    found = [f".keys{text}" for text in _outside(times, clock)]
    if walk.path == "hold":
        return found
    changes = [
        (index, moments[index], before.easing == HOLD)
        for index, (before, key) in enumerate(pairwise(walk.keys), 1)
        if before.latent != key.latent
    ]
    return found + [
        f".keys[{index}]: the picture cuts at {times[index]}, off the beat and the whole second, "
        "while the rest moves smoothly"
        for index in _stray_cuts(changes, clock)
    ]


# --- rate, markers, variables, files ------------------------------------------------------------------------


def _of_rate(clock: Clock) -> list[str]:
    """Television's rates, written rounded: players and editors take them for others."""
    return [
        f"clip.fps: the rate called {rate_text(clock.fps)} is exactly {exact}; write that"
        for exact in _TELEVISION
        if 0 < abs(exact - clock.fps) < Fraction(1, 200)
    ]


def _of_markers(preset: Preset) -> list[str]:
    clock, markers = preset.clock, preset.clip.markers or {}
    used = {name for time in _times(preset) for name in time.markers}
    found = [
        f"clip.markers.{name}: {markers[name]} lies outside the clip, which lasts {float(clock.duration):g}s"
        for name, seconds in clock.marker_seconds.items()
        if not 0 <= seconds <= clock.duration
    ]
    return found + [f"clip.markers.{name}: no time speaks of it" for name in markers if name not in used]


def _times(value: Any) -> Iterator[Time]:
    """Every time that is written anywhere in a part of a preset."""
    if isinstance(value, Time):
        yield value
    elif isinstance(value, Part):
        for name in type(value).model_fields:
            yield from _times(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _times(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _times(item)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _times(getattr(value, one.name))


def _of_variables(preset: Preset) -> list[str]:
    used = read_by_formulas(spots_of(preset))
    names = [name for name in preset.vars or {} if name not in used]
    return [f"{VARS}{name}: no formula reads it; a formula would write ={name}" for name in names]


def _of_gifs(preset: Preset) -> list[tuple[int, str]]:
    found = []
    for index, output in enumerate(preset.outputs):
        if isinstance(output, GifOutput) and output.fps is not None:
            rate = output.rate(preset.clock.fps)
            if rate != output.fps:
                text = f"a GIF cannot keep {rate_text(output.fps)} frames a second; it gets {rate_text(rate)}"
                found.append((index, text))
    return found
