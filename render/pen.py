"""Lines, dots and text with smooth edges, drawn by Pillow on a larger ground that is then reduced."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from render.lettering import font_of, readable
from render.panels import Color

SUPERSAMPLING = 3


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

    def box(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        corners = self._scaled([(left, top), (right, bottom)])
        self.ink.rounded_rectangle(corners, 6 * SUPERSAMPLING, color)

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
