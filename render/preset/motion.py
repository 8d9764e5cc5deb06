"""Everything of a preset that moves: its animated numbers by name, each after those that it reads.

A formula reads other numbers by their names, `blend.weight`, and variables by their bare names, `peak`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from render.timeline import Clock, ExpressionTrack, Track

from .animated import Animated
from .layer_maps import Layered, LayerMap
from .mistakes import Place
from .quantities import SWAP
from .walk import Walk

if TYPE_CHECKING:
    from .model import Preset

VARS = "vars."
BARE_TRACKS = ("truncation", "truncation_cutoff")
_IN_BLEND = ("swap", "width", "weight", "snapshot", "to_rgb")
_LAYER_DEFAULTS = {"blend.weight": 0.0, "truncation": 1.0}  # of layers that a map does not speak of


@dataclass(frozen=True)
class Spot:
    """An animated number of a preset.

    Attributes:
        name: of its track: `blend.swap`, `blend.weight{16-32}`, `latents.directions[0].strength`.
        place: where it is written.
    """

    name: str
    place: Place
    value: Animated

    def sources(self) -> set[str]:
        """Names of the tracks that its formulas read, as far as they exist."""
        return {track_name(reference) for reference in self.value.references}


def track_name(reference: str) -> str:
    """The name of the track that a formula means: bare names are variables, except for the two sections."""
    return reference if "." in reference or reference in BARE_TRACKS else f"{VARS}{reference}"


def spots_of(preset: Preset) -> tuple[Spot, ...]:
    """Every animated number; those of the blend only where they have a meaning."""
    found = [
        *_number("truncation", ("truncation",), preset.truncation),
        *_number("truncation_cutoff", ("truncation_cutoff",), preset.truncation_cutoff),
        *_of_latents(preset),
    ]
    if preset.transform is not None:
        for name in type(preset.transform).model_fields:
            found += _number(f"transform.{name}", ("transform", name), getattr(preset.transform, name))
    if preset.blend is not None:
        for name in _IN_BLEND if preset.blend.is_mix else ("snapshot",):
            value = preset.blend.swap_used if name == "swap" else getattr(preset.blend, name)
            found += _number(f"blend.{name}", ("blend", name), value)
    for name, value in (preset.vars or {}).items():
        found += _number(f"{VARS}{name}", ("vars", name), value)
    return tuple(found)


def _of_latents(preset: Preset) -> list[Spot]:
    latents, found = preset.latents, []
    walks: list[tuple[Place, Walk]] = [(("latents",), latents)]
    if latents.mixing is not None:
        walks.append((("latents", "mixing"), latents.mixing))
    for place, walk in walks:
        found += _number(".".join((*place, "position")), (*place, "position"), walk.position)
    if latents.mixing is not None:
        place = ("latents", "mixing", "weight")
        found += _number("latents.mixing.weight", place, latents.mixing.weight)
    for index, direction in enumerate(latents.directions):
        place = ("latents", "directions", index, "strength")
        found += _number(f"latents.directions[{index}].strength", place, direction.strength)
    return found


def _number(name: str, place: Place, value: Animated | Layered | None) -> list[Spot]:
    if isinstance(value, Layered):
        return [Spot(f"{name}{{{layers}}}", (*place, layers.text), cell) for layers, cell in value.cells]
    return [] if value is None else [Spot(name, place, value)]


def layer_maps_of(preset: Preset) -> dict[str, LayerMap]:
    """The numbers that differ from layer to layer, with the tracks of their cells."""
    values = {"truncation": preset.truncation}
    if preset.blend is not None and preset.blend.is_mix:
        values["blend.weight"] = preset.blend.weight
    return {
        name: value.layer_map(name, _LAYER_DEFAULTS[name])
        for name, value in values.items()
        if isinstance(value, Layered)
    }


def in_order(spots: Iterable[Spot]) -> list[Spot]:
    """The spots in an order in which each one comes after those that its formulas read.

    Raises:
        ValueError: some read each other in a circle; its `args` are the sentence and the names around.
    """
    by_name = {spot.name: spot for spot in spots}
    graph = {name: spot.sources() & by_name.keys() for name, spot in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        around = list(reversed(error.args[1]))
        first = around.index(min(around[:-1], key=list(by_name).index))
        around = [*around[first:-1], *around[: first + 1]]
        raise ValueError(f"formulas read each other in a circle: {' → '.join(around)}", around) from None


class Motion:
    """The tracks of a preset on a clock, each built after those that it reads.

    position_at: where a bare resolution lies in the network at hand, for swaps. Formulas that read a swap get
    the resolution, whatever the network.
    """

    def __init__(self, clock: Clock, position_at: Callable[[float], float] | None = None):
        self.clock, self.position_at = clock, position_at
        self.tracks: dict[str, Track | ExpressionTrack] = {}
        self._readers: dict[str, Callable[[float], float]] = {}

    def others(self, spot: Spot) -> dict[str, Callable[[float], float]]:
        """What the names in the spot's formulas stand for."""
        references = {name: track_name(name) for name in spot.value.references}
        return {name: self._readers[track] for name, track in references.items() if track in self._readers}

    def add(self, spot: Spot) -> Track | ExpressionTrack:
        """The spot's track; the ones it reads are there already. Raises ValueError as `Animated.track`."""
        others, quantity = self.others(spot), spot.value.quantity
        plain = track = spot.value.track(self.clock, None, others)
        if self.position_at is not None and quantity == SWAP:
            track = spot.value.track(self.clock, self.position_at, others)
        self._readers[spot.name] = _reader(plain, quantity.written)
        self.tracks[spot.name] = track
        return track


def _reader(track: Track | ExpressionTrack, written: Callable[[float], float]) -> Callable[[float], float]:
    @lru_cache(maxsize=4)  # several formulas read a number at one time; it is worked out once
    def read(seconds: float) -> float:
        return written(track.value_at(seconds))

    return read


def tracks_of(
    spots: Iterable[Spot], clock: Clock, position_at: Callable[[float], float] | None = None
) -> dict[str, Track | ExpressionTrack]:
    """The tracks of all spots by name, in the order of the spots. Raises ValueError as `in_order`."""
    motion, spots = Motion(clock, position_at), tuple(spots)
    for spot in in_order(spots):
        motion.add(spot)
    return {spot.name: motion.tracks[spot.name] for spot in spots}


def read_by_formulas(spots: Iterable[Spot]) -> set[str]:
    """Names of all tracks that some formula reads."""
    return set().union(*(spot.sources() for spot in spots))


def known_names(spots: Iterable[Spot]) -> Mapping[str, str]:
    """What formulas of this preset may read: each name as it is written in a formula → its track's name."""
    names = [spot.name for spot in spots if not set(spot.name) & set("[{")]
    return {name.removeprefix(VARS): name for name in names}
