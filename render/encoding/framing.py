"""A frame made to fit another size: shrunk or grown, then padded, cropped or stretched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageColor

from render.errors import EncodingError
from render.pixels import TOP, has_alpha, resized

FITS = ("pad", "crop", "stretch")


@dataclass(frozen=True)
class Framing:
    """Another size, in pixels; what happens where the shapes differ; the colour of the padding.

    pad      the whole frame, with bars of the background beside it; beside a frame with alpha nothing
    crop     the whole size is filled, and what hangs over is cut off, the same on both sides
    stretch  the whole frame in the whole size
    """

    size: tuple[int, int]
    fit: str = "pad"
    background: str = "#000000"

    def __post_init__(self) -> None:
        is_pair = isinstance(self.size, tuple | list) and len(self.size) == 2
        if not is_pair or not all(type(side) is int and side >= 1 for side in self.size):
            raise EncodingError(
                f"size is {self.size!r}; give a width and a height in pixels, such as 512, 512"
            )
        if self.fit not in FITS:
            raise EncodingError(f"fit is {self.fit!r}; choose one of {', '.join(FITS)}")
        self._colour()

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """A frame RGB or RGBA of any dtype that a writer takes, in this size."""
        width, height = self.size
        if frame.shape[:2] == (height, width):
            return frame
        if self.fit == "stretch":
            return resized(frame, self.size)
        ratios = width / frame.shape[1], height / frame.shape[0]
        scale = min(ratios) if self.fit == "pad" else max(ratios)
        inner = tuple(max(1, round(side * scale)) for side in (frame.shape[1], frame.shape[0]))
        frame = resized(frame, inner)
        x, y = (inner[0] - width) // 2, (inner[1] - height) // 2
        if self.fit == "crop":
            return frame[y : y + height, x : x + width]
        canvas = np.zeros((height, width, frame.shape[2]), frame.dtype)
        if not has_alpha(frame):
            canvas[:] = np.array(self._colour()) / 255 * TOP[frame.dtype.name]
        canvas[-y : -y + inner[1], -x : -x + inner[0]] = frame
        return canvas

    def _colour(self) -> tuple[int, int, int]:
        try:
            return ImageColor.getrgb(self.background)[:3]
        except (ValueError, AttributeError):
            raise EncodingError(
                f"background is {self.background!r}; give a colour such as '#203040' or 'white'"
            ) from None
