"""The section `noise`: what is added inside the network."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .mistakes import Place
from .part import Part
from .values import choice, whole


class Noise(Part):
    """The noise added inside the network; it never flickers from frame to frame."""

    section: ClassVar[Place] = ("noise",)
    shorthand: ClassVar[str | None] = "mode"
    example: ClassVar[str] = "{mode: random, seed: 7}"

    mode: Annotated[str, *choice("const", "none", "random")] = Field(
        default="const", description="const: the network's own; none; random: fixed noise from a seed."
    )
    seed: Annotated[int, *whole(0, 2**32 - 1)] = Field(default=0, description="The seed of random noise.")
