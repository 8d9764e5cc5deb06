"""The section `latents`: the walk through latent space."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from render.timeline import Clock

from .animated import AnimatedPlace
from .mistakes import Mistake, Place, gather, shown
from .part import Part
from .values import TimeValue, choice, leaf, whole

_MAX_SEEDS = 10_000  # also of stops of a walk


class Waypoint(NamedTuple):
    """A seed that the walk passes at a moment of the clip."""

    seconds: Fraction
    seed: int


def read_seeds(value: Any) -> tuple[int, ...]:
    """Seeds from a list, or from text such as `0-5,9`; items of a list may be ranges too.

    Raises:
        ValueError: something is no seed (0 to 2³² − 1), or there are none or far too many.
    """
    items = value if isinstance(value, list | tuple) else [value]
    seeds = [
        seed
        for part in gather((_place(value, i, item) for i, item in enumerate(items)), _seeds)
        for seed in part
    ]
    if not 0 < len(seeds) <= _MAX_SEEDS:
        raise ValueError(f"a walk needs 1 to {_MAX_SEEDS} seeds, not {len(seeds)}")
    return tuple(seeds)


def _place(value: Any, index: int, item: Any) -> tuple[Place, Any]:
    return ((index,) if isinstance(value, list | tuple) else ()), item


def _seeds(item: Any) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool):
        return [_seed(item)]
    seeds: list[int] = []
    for part in item.split(",") if isinstance(item, str) else [""]:
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
        if match is None:
            raise ValueError(
                f"seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not {shown(item)}"
            )
        first, last = _seed(int(match[1])), _seed(int(match[2] or match[1]))
        if abs(last - first) >= _MAX_SEEDS:
            raise ValueError(f"{part.strip()} is more than {_MAX_SEEDS} seeds")
        seeds += range(first, last + 1) if last >= first else range(first, last - 1, -1)
    return seeds


def _seed(number: int) -> int:
    if not 0 <= number < 2**32:
        raise ValueError(f"a seed lies from 0 to 4294967295, not {number}")
    return number


class Latents(Part):
    """The walk through latent space: which seeds, how far apart, along which path."""

    section: ClassVar[Place] = ("latents",)
    shorthand: ClassVar[str | None] = "seeds"
    example: ClassVar[str] = "{seeds: [3, 14, 15], every: 2s}"

    seeds: Annotated[tuple[int, ...], *leaf(read_seeds, {"$ref": "#/definitions/seeds"})] = Field(
        default=(0,), description="The seeds the walk passes: a list, or text such as 0-5,9."
    )
    seed: Annotated[int, *whole(0, 2**32 - 1)] | None = Field(
        default=None, description="A single seed: the latent stands still."
    )
    every: TimeValue | None = Field(
        default=None, description="Time from one seed to the next; default: evenly over the clip."
    )
    position: AnimatedPlace | None = Field(
        default=None,
        description="How far the walk is, in seeds: 0 the first, 1.5 half-way from the second to the third.",
    )
    path: Annotated[str, *choice("linear", "spline", "slerp")] = Field(
        default="spline", description="Straight lines, a smooth curve, or arcs on the sphere of z."
    )
    space: Annotated[str, *choice("z", "w")] | None = Field(
        default=None, description="Where the path lies; default: w, and z for slerp."
    )

    def conflicts(self) -> list[Mistake]:
        mistakes = []
        if self.seed is not None and "seeds" in self.model_fields_set:
            mistakes.append(Mistake(("seed",), "give either seed or seeds, not both", at_key=True))
        if self.position is not None and self.every is not None:
            text = "give either every, for an even walk, or position, which says how far it is"
            mistakes.append(Mistake(("position",), text, at_key=True))
        if self.path == "slerp" and self.space == "w":
            mistakes.append(
                Mistake(("space",), "slerp follows the sphere of z; use space: z, or path: spline")
            )
        return mistakes

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds in the order the walk passes them; one for a still latent."""
        return self.seeds if self.seed is None else (self.seed,)

    def round_seeds(self, loop: bool) -> tuple[int, ...]:
        """The seeds of one round: a loop comes back by itself, so a first seed that is repeated at the end
        of the list is left out."""
        seeds = self.all_seeds
        return seeds[:-1] if loop and len(seeds) > 1 and seeds[0] == seeds[-1] else seeds

    @property
    def walk_space(self) -> str:
        """`z` or `w`: the space the path lies in, with the default filled in."""
        return self.space or ("z" if self.path == "slerp" else "w")

    def waypoints(self, clock: Clock) -> tuple[Waypoint, ...]:
        """The seeds with their moments, in order of time; the first one lies at 0.

        In a looping clip the last waypoint is the first seed again, at the duration: `every` is fitted so
        that a whole number of equal segments fills the clip. Otherwise the walk rests at its last seed.

        Raises:
            ValueError: `every` is not above 0, far too short for a loop, or has no meaning on this clock.
        """
        seeds = self.round_seeds(clock.loop)
        if len(seeds) == 1:
            return (Waypoint(Fraction(0), seeds[0]),)
        segments = len(seeds) if clock.loop else len(seeds) - 1
        step = clock.duration / segments if self.every is None else clock.length(self.every)
        if step <= 0:
            raise ValueError(f"the time from seed to seed is above 0, not {self.every}")
        if clock.loop:
            segments = max(1, round(clock.duration / step))
            if segments > _MAX_SEEDS:
                raise ValueError(f"{self.every} is too short: a walk has at most {_MAX_SEEDS} steps")
            step = clock.duration / segments
        points = [Waypoint(index * step, seeds[index % len(seeds)]) for index in range(segments)]
        return (*points, Waypoint(segments * step, seeds[0] if clock.loop else seeds[-1]))
