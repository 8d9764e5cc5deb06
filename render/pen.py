"""Lines, dots and text with smooth edges, drawn by Pillow on a larger ground that is then reduced."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from render.lettering import font_of, readable
from render.panels import Color

SUPERSAMPLING = 3
DASH = 4  # pixels of a dash, and of the gap after it
RADIUS = 6  # of a box's corners
# Of curves, on dark ground, one after the other.
HUES = ((242, 179, 94), (94, 196, 182), (167, 139, 250), (242, 125, 143), (106, 169, 244), (155, 207, 107))


class Pen:
    """Draws in pixels of the finished picture; everything inside is larger by SUPERSAMPLING."""

    def __init__(self, width: int, height: int, ground: Color):
        self.width = width
        self.image = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING), ground)
        self.ink = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        return self.image.reduce(SUPERSAMPLING)

    def line(self, points: Sequence[tuple[float, float]], width: float, color: Color) -> None:
        self.ink.line(self._scaled(points), color, round(width * SUPERSAMPLING), joint="curve")

    def area(self, points: Sequence[tuple[float, float]], color: Color) -> None:
        self.ink.polygon(self._scaled(points), color)

    def dashes(self, x: float, top: float, bottom: float, color: Color) -> None:
        """An upright dashed line."""
        for start in range(round(top), round(bottom), 2 * DASH):
            self.line([(x, start), (x, min(start + DASH, bottom))], 1, color)

    def box(
        self, left: float, top: float, right: float, bottom: float, color: Color, radius: float = RADIUS
    ) -> None:
        corners = self._scaled([(left, top), (right, bottom)])
        self.ink.rounded_rectangle(corners, radius * SUPERSAMPLING, color)

    def picture(self, left: float, top: float, right: float, bottom: float, pixels: np.ndarray) -> None:
        """Pixels uint8 [H, W, 3] stretched over a box with round corners, each with sharp edges."""
        corners = self._scaled([(left, top), (right, bottom)])
        x, y, end, floor = (round(number) for corner in corners for number in corner)
        size = (end - x, floor - y)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle([(0, 0), size], 4 * SUPERSAMPLING, 255)
        self.image.paste(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST), (x, y), mask)

    def dot(self, x: float, y: float, radius: float, color: Color, ring: Color) -> None:
        for size, shade in ((radius + 2, ring), (radius, color)):
            self.ink.ellipse(self._scaled([(x - size, y - size), (x + size, y + size)]), shade)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int,
        color: Color,
        anchor: str = "lm",
        room: float = math.inf,
    ) -> float:
        """Write a line, shortened to `room`; returns its width."""
        font, text = font_of(size * SUPERSAMPLING), readable(text)
        while font.getlength(text) > room * SUPERSAMPLING and text:
            text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
        self.ink.text((x * SUPERSAMPLING, y * SUPERSAMPLING), text, color, font, anchor)
        return font.getlength(text) / SUPERSAMPLING

    @staticmethod
    def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]


def text_width(text: str, size: int) -> float:
    """Pixels that a line of text takes."""
    return font_of(size * SUPERSAMPLING).getlength(readable(text)) / SUPERSAMPLING


def mixed(color: Color, ground: Color, share: float) -> Color:
    """`share` of a colour on a ground."""
    return tuple(round(a * share + b * (1 - share)) for a, b in zip(color, ground, strict=True))
