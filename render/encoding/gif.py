"""Animated GIF, streamed frame by frame, each with a palette of its own.

Source: CompuServe, "Graphics Interchange Format, version 89a" (1990), and Netscape's loop extension.
The LZW coding is Pillow's.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import numpy as np
from PIL import GifImagePlugin, Image

from render.encoding.base import Writer
from render.encoding.feeder import Feeder
from render.encoding.quantize import Quantizer
from render.errors import EncodingError
from render.timeline import nearest_gif_rate, rate_text
from render.timeline.rates import GIF_TICKS_PER_SECOND

MAX_SIDE = 65_535
_HEADER_FLAGS = 0x70  # no global palette, 8 bits a channel
_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TRAILER = b";"


@dataclass(frozen=True)
class GifSettings:
    """loop: play for ever, or once. colors: 2–256 a frame. dither: 0 (none) to 1 (strongest)."""

    loop: bool = True
    colors: int = 256
    dither: float = 0.6

    def __post_init__(self) -> None:
        if not isinstance(self.loop, bool):
            raise EncodingError(f"loop is {self.loop!r}; give true (play for ever) or false (play once)")
        if type(self.colors) is not int or not 2 <= self.colors <= 256:
            raise EncodingError(f"colors is {self.colors!r}; give a whole number from 2 to 256")
        if type(self.dither) not in (int, float) or not 0 <= self.dither <= 1:
            raise EncodingError(f"dither is {self.dither!r}; it runs from 0 (none) to 1 (strongest)")


class GifWriter(Writer):
    """Quantises and writes in a thread; memory does not grow with the clip's length.

    Only the rectangle that changed since the frame before is stored, so panels that stand still cost nothing.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        fps: Fraction | int | str,
        settings: GifSettings | None = None,
    ) -> None:
        super().__init__(path, width=width, height=height, fps=fps)
        self.settings = settings or GifSettings()
        if max(self.width, self.height) > MAX_SIDE:
            raise EncodingError(
                f"{self.path}: {width}×{height} is too large; a side of a GIF has at most {MAX_SIDE} pixels"
            )
        exact = nearest_gif_rate(self.fps)
        if exact != self.fps:
            raise EncodingError(
                f"{self.path}: a GIF cannot play {rate_text(self.fps)} frames a second exactly; "
                f"the nearest rate it can is {exact}"
            )
        self._ticks = int(GIF_TICKS_PER_SECOND / self.fps)
        self._quantizer = Quantizer(self.settings.colors, float(self.settings.dither))
        self._previous: np.ndarray | None = None
        self._file: IO[bytes] | None = None
        self._feeder: Feeder[np.ndarray] | None = None

    def _begin(self) -> None:
        try:
            self._file = self.part_path.open("wb")
            self._file.write(b"GIF89a" + struct.pack("<HHBBB", self.width, self.height, _HEADER_FLAGS, 0, 0))
            if self.settings.loop:
                self._file.write(_LOOP_FOREVER)
        except OSError as error:
            raise self._failure(error) from error
        self._feeder = Feeder(self._encode, name="gif")

    def _put(self, frame: np.ndarray) -> None:
        self._feeder.put(frame.copy())

    def _encode(self, frame: np.ndarray) -> None:
        """Write one frame's blocks; runs in the feeder's thread."""
        x, y, right, bottom = changed_box(self._previous, frame)
        self._previous = frame
        indices, palette = self._quantizer.quantize(frame[y:bottom, x:right], origin=(x, y))
        image = Image.fromarray(indices)  # mode L
        image.putpalette(palette.tobytes())  # mode P
        blocks = GifImagePlugin.getdata(
            image, (x, y), duration=self._ticks * 10, disposal=1, include_color_table=True
        )
        try:
            for block in blocks:
                self._file.write(block)
        except OSError as error:
            raise self._failure(error) from error

    def _end(self) -> None:
        self._feeder.close()
        try:
            self._file.write(_TRAILER)
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def _drop(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
            self._feeder.join()
        if self._file is not None:
            with suppress(OSError):  # what was still buffered may have nowhere to go; it closes all the same
                self._file.close()

    def _failure(self, error: OSError) -> EncodingError:
        return EncodingError(f"{self.path}: cannot be written: {error.strerror}")


def changed_box(before: np.ndarray | None, frame: np.ndarray) -> tuple[int, int, int, int]:
    """The smallest box (left, top, right, bottom) outside of which two frames [H, W, 3] are equal.

    Half-open; the whole frame where there is none before; one pixel where nothing changed, since a
    GIF has no empty pictures.
    """
    height, width = frame.shape[:2]
    if before is None:
        return 0, 0, width, height
    changed = (before != frame).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    if not len(rows):
        return 0, 0, 1, 1
    columns = np.flatnonzero(changed.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
