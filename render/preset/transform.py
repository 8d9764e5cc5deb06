"""The section `transform`: where the picture lies, for StyleGAN3, whose input can be moved."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .animated import AnimatedNumber, AnimatedZoom
from .mistakes import Place
from .part import Part


class Transform(Part):
    """How StyleGAN3's picture is moved, turned and enlarged; what is not written stays as it is."""

    section: ClassVar[Place] = ("transform",)
    example: ClassVar[str] = "{rotate: [[0s, 0], [end, 360]]}"

    x: AnimatedNumber | None = Field(
        default=None, description="How far to the right, in widths of the picture; animatable."
    )
    y: AnimatedNumber | None = Field(
        default=None, description="How far down, in widths of the picture; animatable."
    )
    rotate: AnimatedNumber | None = Field(default=None, description="Degrees counter-clockwise; animatable.")
    zoom: AnimatedZoom | None = Field(
        default=None, description="How many times larger, above 0: 2 shows the middle twice as large."
    )
