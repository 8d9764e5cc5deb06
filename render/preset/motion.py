"""Everything of a preset that moves: its animated numbers by name, each after those that it reads.

A formula reads other numbers by their names, `blend.weight`, and variables by their bare names, `peak`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from render.timeline import Clock, ExpressionTrack, Timeline, Track, parse_expression
from render.timeline.functions import LEVELS

from .animated import Animated
from .layer_maps import Layered, LayerMap
from .layers import resolution_of
from .mistakes import Place
from .quantities import NUMBER, SWAP
from .walk import Walk

if TYPE_CHECKING:
    from .model import Preset

VARS = "vars."
BARE_TRACKS = ("truncation", "truncation_cutoff")
UNSPOKEN_TRUNCATION, UNSPOKEN_WEIGHT = 1.0, 0.0  # of layers that a map does not speak of


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

    @property
    def formula_name(self) -> str:
        """The name under which formulas read it: a variable's bare name."""
        return self.name.removeprefix(VARS)

    @property
    def is_readable(self) -> bool:
        """Whether a formula can write its name."""
        return all(part.isidentifier() for part in self.formula_name.split("."))


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
        for place, value in preset.blend.numbers().items():
            found += _number(".".join(("blend", *place)), ("blend", *place), value)
    for name, taken in (preset.channels or {}).items():
        found += _number(f"channels.{name}.weight", ("channels", name, "weight"), taken.weight)
    for name, value in (preset.vars or {}).items():
        found += _number(f"{VARS}{name}", ("vars", name), value)
    return (*found, *_of_sound(preset, found))


def _of_sound(preset: Preset, spots: list[Spot]) -> list[Spot]:
    """The levels of the clip's sound that formulas read by their bare names, `low`."""
    if preset.clip.audio is None:
        return []
    taken, read = preset.vars or {}, read_by_formulas(spots)
    return [
        Spot(band, ("clip", "audio"), Animated(NUMBER, expression=parse_expression(level)))
        for level, band in LEVELS.items()
        if band in read and band not in taken
    ]


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
    values = {"truncation": (preset.truncation, UNSPOKEN_TRUNCATION)}
    for place, value in preset.blend.numbers().items() if preset.blend is not None else ():
        values[".".join(("blend", *place))] = value, UNSPOKEN_WEIGHT
    return {
        name: value.layer_map(name, default)
        for name, (value, default) in values.items()
        if isinstance(value, Layered)
    }


def timeline_of(
    spots: Iterable[Spot], clock: Clock, position_at: Callable[[float], float] | None = None
) -> Timeline:
    """All numbers together, by the names under which formulas read them: variables by their bare names.

    position_at: where a bare resolution lies in the network at hand, for swaps. Formulas that read a swap get
    the resolution, whatever the network.

    Raises:
        CycleError, KeyFormulaError, ValueError: as `Timeline`; a preset that was made has been checked.
    """
    drafts, written = {}, {}
    for spot in spots:
        is_swap = spot.value.quantity == SWAP
        drafts[spot.formula_name] = spot.value.draft(clock, position_at if is_swap else None)
        if is_swap:
            written[spot.formula_name] = _inverse(position_at) if position_at else resolution_of
    return Timeline(clock, drafts, written)


def tracks_of(
    spots: Iterable[Spot], clock: Clock, position_at: Callable[[float], float] | None = None
) -> dict[str, Track | ExpressionTrack]:
    """The tracks of all spots by name, each able to answer alone. Raises as `timeline_of`."""
    spots = tuple(spots)
    timeline = timeline_of(spots, clock, position_at)
    return {spot.name: timeline.track(spot.formula_name) for spot in spots}


def _inverse(position_at: Callable[[float], float]) -> Callable[[Any], Any]:
    """The resolution at a position of a network's own axis, for numbers and arrays alike."""

    @cache
    def table() -> tuple[list[float], list[float]]:
        octaves = [step / 16 for step in range(16 * 11 + 1)]  # 4 to 8192 pixels
        return [position_at(4 * 2**octave) for octave in octaves], octaves

    def resolution(position: Any) -> Any:
        import numpy as np

        found = 4 * 2 ** np.interp(position, *table())
        return found if np.ndim(position) else float(found)

    return resolution


def read_by_formulas(spots: Iterable[Spot]) -> set[str]:
    """All names that formulas read."""
    return set().union(*(spot.value.references for spot in spots))
