"""Seeds as people write them: a list, text such as `0-5,9`, or so and so many drawn from one seed."""

from __future__ import annotations

import random
import re
from typing import Annotated, Any, ClassVar

from pydantic import Field

from .latent_words import MAX_SEED, read_seed
from .mistakes import Place, gather, shown
from .part import Part
from .values import whole

MOST_STOPS = 10_000  # of a walk, and so the most seeds of one


class RandomSeeds(Part):
    """So and so many seeds drawn from one."""

    section: ClassVar[Place] = ("latents", "random")
    shorthand: ClassVar[str | None] = "count"
    example: ClassVar[str] = "{count: 8, seed: 1}"

    count: Annotated[int, *whole(1, MOST_STOPS)] = Field(description="How many seeds are drawn.")
    seed: Annotated[int, *whole(0, MAX_SEED)] = Field(default=0, description="What they are drawn from.")

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds drawn, all different; a larger count begins with the same ones."""
        source, found = _mersenne_twister(self.seed), {}
        while len(found) < self.count:
            found[source.getrandbits(32) & (2**31 - 1)] = None
        return tuple(found)


def _mersenne_twister(seed: int) -> random.Random:
    """Python's generator in the state of NumPy's `RandomState(seed)`, which takes long to import."""
    state = [seed]
    for index in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + index) & 0xFFFFFFFF)
    source = random.Random()
    source.setstate((3, (*state, 624), None))
    return source


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
    if not 0 < len(seeds) <= MOST_STOPS:
        raise ValueError(f"a walk needs 1 to {MOST_STOPS} seeds, not {len(seeds)}")
    return tuple(seeds)


def _place(value: Any, index: int, item: Any) -> tuple[Place, Any]:
    return ((index,) if isinstance(value, list | tuple) else ()), item


def _seeds(item: Any) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool):
        return [read_seed(item)]
    seeds: list[int] = []
    for part in item.split(",") if isinstance(item, str) else [""]:
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
        if match is None:
            raise ValueError(
                f"seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not {shown(item)}"
            )
        first, last = read_seed(int(match[1])), read_seed(int(match[2] or match[1]))
        if abs(last - first) >= MOST_STOPS:
            raise ValueError(f"{part.strip()} is more than {MOST_STOPS} seeds")
        seeds += range(first, last + 1) if last >= first else range(first, last - 1, -1)
    return seeds
