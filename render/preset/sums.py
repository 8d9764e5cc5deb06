"""Whether the weights of a mix sum to 1 in every layer at every frame, before any network is open."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any

from render.timeline import Clock, Timeline
from render.timeline.trial import moments_within

from .animated import Animated
from .layer_maps import Layered
from .layer_ranges import LayerRange
from .layers import MAX_RESOLUTION, MIN_RESOLUTION
from .mistakes import Mistake, Place
from .motion import spots_of, timeline_of
from .quantities import FARTHEST

if TYPE_CHECKING:
    from .model import Preset

TOLERANCE = 1e-6  # as the blends themselves have it
_FEW = 5000  # numbers in all
_MOST_TRIED = 1000  # of doubtful moments
_TRACK_WEIGHT = 10  # plain operations that a track costs at a moment, about
_PLACES = (("blend", "mix"), ("blend", "to_rgb"))
Step = tuple[int, int]


@dataclass(frozen=True)
class Column:
    """Layers that take their weights from the same tracks.

    Attributes:
        layers: in words: `16-32`; empty where it is all of them.
        tracks: (model, name of its track); models that say nothing of these layers are left out.
    """

    layers: str
    tracks: tuple[tuple[str, str], ...]


def sum_mistakes(preset: Preset) -> list[Mistake]:
    """Weights of a mix that don't sum to 1 in layers that it speaks of, or that can't be normalised.

    Where only a network can tell which layers there are, `unsummed` does.
    """
    if preset.blend is None or preset.blend.form != "mix":
        return []
    places = [(place, columns_of(weights, place)) for place, weights in _weights(preset)]
    return [
        Mistake(place, text)
        for place, columns in places
        for text in _wrong_sums(columns, preset, timeline_of(spots_of(preset), preset.clock))
    ]


def unsummed(preset: Preset, layers: Sequence[Any]) -> list[str]:
    """The same in a network's own layers (with name, resolution, level, position), each with its place."""
    if preset.blend is None or preset.blend.form != "mix":
        return []
    found = []
    for place, weights in _weights(preset):
        done = {column.tracks for column in columns_of(weights, place)}
        columns = [column for column in _columns_in(layers, weights, place) if column.tracks not in done]
        texts = _wrong_sums(columns, preset, timeline_of(spots_of(preset), preset.clock)) if columns else []
        found += [f"{'.'.join(place)}: {text}" for text in texts]
    return found


def clocks_of(preset: Preset) -> list[Clock]:
    """The clock at every rate that is rendered."""
    clock = preset.clock
    rates = {clock.fps, *(output.rate(clock.fps) for output in preset.outputs)}
    return [clock.with_fps(fps) for fps in sorted(rates)]


def _weights(preset: Preset) -> list[tuple[Place, Mapping[str, Animated | Layered]]]:
    written = [(place, getattr(preset.blend, place[1])) for place in _PLACES]
    return [(place, weights) for place, weights in written if weights is not None]


# --- which layers share their weights -----------------------------------------------------------------------


def columns_of(weights: Mapping[str, Animated | Layered], place: Place) -> list[Column]:
    """The layers that weights speak of, as far as no network is needed to compare them.

    Before the first and behind the last layer that is written, only what is said to go on (`64+`) counts:
    whether there are such layers is the network's affair. (StyleGAN3's begin at 16.) So is everything where
    some models count by resolution and others by name.
    """
    ranges = [layers for value in weights.values() for layers in _ranges(value)]
    if not ranges:
        return [Column("", tuple(_tracks(weights, place, lambda layers: True)))]
    kinds = {layers.by_name for layers in ranges}
    if len(kinds) > 1:
        return []
    by_name = kinds.pop()
    first = min(layers.first for layers in ranges)
    last = max(step for layers in ranges for step in (layers.first, layers.last) if math.inf not in step[:1])
    goes_on = any(math.inf in layers.last[:1] for layers in ranges)
    steps = [step for step in _steps(by_name) if first <= step and (step <= last or goes_on)]
    words = _named if by_name else _resolved
    return [
        Column(words(group), tracks)
        for tracks, group in _groups(
            steps, lambda step: _tracks(weights, place, lambda layers: layers.first <= step <= layers.last)
        )
    ]


def _columns_in(
    layers: Sequence[Any], weights: Mapping[str, Animated | Layered], place: Place
) -> list[Column]:
    """The columns of a network's own layers."""
    groups = _groups(layers, lambda layer: _tracks(weights, place, lambda one: _covers(one, layer)))
    return [Column(_between([layer.name for layer in group]), tracks) for tracks, group in groups]


def _ranges(value: Animated | Layered) -> list[LayerRange]:
    return [layers for layers, _ in value.cells] if isinstance(value, Layered) else []


def _steps(by_name: bool) -> list[Step]:
    """All layers there may be, as ranges count them."""
    if by_name:
        return [(position, 0) for position in range(101)]
    octaves = range(int(math.log2(MAX_RESOLUTION // MIN_RESOLUTION)) + 1)
    return [(MIN_RESOLUTION << octave, level) for octave in octaves for level in (0, 1)]


def _tracks(
    weights: Mapping[str, Animated | Layered], place: Place, covers: Callable[[LayerRange], bool]
) -> tuple[tuple[str, str], ...]:
    """The track of each model, for layers that only those ranges cover."""
    found = []
    for model, value in weights.items():
        name = ".".join((*place, model))
        if isinstance(value, Layered):
            found += [(model, f"{name}{{{layers}}}") for layers in _ranges(value) if covers(layers)]
        else:
            found.append((model, name))
    return tuple(found)


def _covers(layers: LayerRange, layer: Any) -> bool:
    return layers.covers(layer.resolution, layer.level, layer.name, layer.position)


def _groups(steps: Sequence[Any], key: Callable[[Any], Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Neighbours that have the same key."""
    return ((tracks, list(group)) for tracks, group in groupby(steps, key))


def _resolved(steps: list[Step]) -> str:
    (first, level), (last, end) = steps[0], steps[-1]
    begin = f"{first}/1" if level else f"{first}"
    if last == MAX_RESOLUTION:
        return f"{begin}+"
    if first == last:
        return f"{first}" if level != end else f"{first}/{level}"
    return f"{first}-{last}" if (level, end) == (0, 1) else f"{first}/{level}-{last}/{end}"


def _named(steps: list[Step]) -> str:
    names = ["input" if position == 0 else f"L{position - 1}" for position, _ in steps]
    return f"{names[0]}+" if names[-1] == "L99" else _between(names)


def _between(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


# --- what they sum to ---------------------------------------------------------------------------------------


def is_wrong(shares: Mapping[str, float], normalise: bool) -> bool:
    """Whether one layer's weights by model neither sum to 1 nor, where they may be, can be normalised."""
    total, largest = math.fsum(shares.values()), max(map(abs, shares.values()), default=0.0)
    if normalise:
        return not 0 < largest <= FARTHEST * abs(total)
    return not abs(total - 1) <= TOLERANCE * max(1.0, largest)


def sum_text(layers: str, shares: Mapping[str, float], normalise: bool, when: str = "") -> str:
    """What is wrong with the sum, in a sentence."""
    where = f"layers {layers}" if layers else "all layers"
    if not shares:
        return f"no model gives {where}; in every layer the weights must sum to 1"
    parts = ", ".join(f"{model} {_number(share)}" for model, share in shares.items())
    text = f"the weights of {where} sum to {_number(math.fsum(shares.values()))}{when} ({parts})"
    if normalise:
        return f"{text}, which can't be normalised"
    offer = "" if is_wrong(shares, normalise=True) else ", and normalise: true divides them by their sum"
    return f"{text}; they must sum to 1{offer}"


def _wrong_sums(columns: Iterable[Column], preset: Preset, timeline: Timeline) -> list[str]:
    found, normalise = [], preset.blend.normalise
    for column in columns:
        moments = _moments(column, timeline, clocks_of(preset), normalise)
        for seconds in moments:
            shares = {model: timeline.value_at(track, seconds) for model, track in column.tracks}
            if is_wrong(shares, normalise):
                when = f" at {float(seconds):.4g}s" if len(moments) > 1 else ""
                found.append(sum_text(column.layers, shares, normalise, when))
                break
    return found


def _moments(column: Column, timeline: Timeline, clocks: Sequence[Clock], normalise: bool) -> list[Fraction]:
    """The moments of frames at which a column's weights are worth looking at: few, if most are surely right.

    The work is bounded as that of formulas is: of a very long clip, frames evenly spread over it are tried.
    """
    names = [track for _, track in column.tracks]
    if all(timeline.is_constant(name) for name in names):
        return [Fraction(0)]
    if sum(clock.frame_count for clock in clocks) * len(names) <= _FEW:  # NumPy alone takes longer to import
        return sorted({clock.seconds(index) for clock in clocks for index in range(clock.frame_count)})
    import numpy as np

    moments = moments_within(clocks, _TRACK_WEIGHT * len(names))
    table = np.array([timeline.values_at_many(name, moments.seconds) for name in names])
    total, largest = table.sum(axis=0), np.abs(table).max(axis=0)
    doubtful = np.abs(total - 1) > 0.5 * TOLERANCE * np.maximum(1.0, largest)
    if normalise:
        doubtful = largest >= 0.99 * FARTHEST * np.abs(total)
    return [Fraction(0), *(moments.exact(int(index)) for index in np.flatnonzero(doubtful)[:_MOST_TRIED])]


def _number(number: float) -> str:
    return f"{number:.6g}"
