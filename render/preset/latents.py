"""The section `latents`: the walk through latent space, labels, style mixing and directions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from .animated import AnimatedNumber, AnimatedWeight, constant
from .layer_ranges import Rows, read_rows
from .mistakes import Mistake, Place, gather, shown
from .names import Classes
from .part import Part
from .quantities import NUMBER, WEIGHT
from .values import Text, choice, leaf, whole
from .walk import Walk

_MOST_DIRECTIONS = 100
RowsOfWs = Annotated[Rows, *leaf(read_rows, {"$ref": "#/definitions/rows_of_ws"})]


class Mixing(Walk):
    """Style mixing: some rows of ws come from another walk."""

    section: ClassVar[Place] = ("latents", "mixing")
    shorthand: ClassVar[str | None] = None
    example: ClassVar[str] = "{seeds: [5, 6], layers: 8+}"

    layers: RowsOfWs = Field(description="The rows of ws that come from it, such as 8+ or 0-3.")
    weight: AnimatedWeight = Field(
        default=constant(1, WEIGHT), description="How much they come from it: 0 not at all, 1 wholly."
    )

    def conflicts(self) -> list[Mistake]:
        if not self.given_sources:
            text = "says what is mixed in: give seeds, seed, random, files or keys"
            return [Mistake((), text)]
        return super().conflicts()


class Direction(Part):
    """One direction in w along which the latents are moved."""

    section: ClassVar[Place] = ("latents", "directions")
    example: ClassVar[str] = "{sefa: 0, strength: [[0s, -3], [end, 3]]}"

    sefa: Annotated[int, *whole(0, 511)] | None = Field(
        default=None,
        description="A direction found in the network's own weights: 0 is the one that changes most.",
    )
    file: Text | None = Field(default=None, description="A file with a direction in w, such as age.npy.")
    layers: RowsOfWs | None = Field(
        default=None, description="The rows of ws that are moved, such as 0-5; default: all."
    )
    strength: AnimatedNumber = Field(
        default=constant(1, NUMBER), description="How far along it, in lengths of the direction; animatable."
    )

    def conflicts(self) -> list[Mistake]:
        given = [name for name in ("sefa", "file") if getattr(self, name) is not None]
        if len(given) == 1:
            return []
        return [Mistake((), f"a direction is sefa or file{', not both' if given else ''}")]


def read_directions(value: Any) -> tuple[Direction, ...]:
    """A list of directions. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"directions are a list such as [{Direction.example}], not {shown(value)}")
    if len(value) > _MOST_DIRECTIONS:
        raise ValueError(f"at most {_MOST_DIRECTIONS} directions, not {len(value)}")
    return tuple(gather((((index,), item) for index, item in enumerate(value)), Direction.model_validate))


class Latents(Walk):
    """The walk through latent space: which latents, how far apart, along which path."""

    labels: Classes | None = Field(
        default=None,
        description="The class of a network with labels: a number, a mix {3: 0.5, 5: 0.5}, or keys.",
    )
    pace: Annotated[str, *choice("clock", "even")] = Field(
        default="clock", description="clock: even steps in latent space; even: even change of the picture."
    )
    mixing: Mixing | None = Field(
        default=None, description="Another walk that gives some rows of ws, such as the fine styles."
    )
    directions: Annotated[
        tuple[Direction, ...], *leaf(read_directions, {"$ref": "#/definitions/directions"})
    ] = Field(default=(), description="Directions along which the latents are moved, each by its strength.")

    def conflicts(self) -> list[Mistake]:
        mistakes = super().conflicts()
        if self.pace == "even" and self.position is not None:
            text = "latents.position says how far the walk is; pace: even would move it elsewhere"
            mistakes.append(Mistake(("pace",), text))
        return mistakes
