"""Animated GIF, a palette for each frame or one for all of them; what stands still is not drawn again.

Where frames have alpha, what is less than half there is transparent.

Source: CompuServe, "Graphics Interchange Format, version 89a" (1990), and Netscape's loop extension.
The LZW coding is Pillow's.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import GifImagePlugin, Image

from render.encoding.base import Writer
from render.encoding.cutout import OPAQUE, Cutout
from render.encoding.dither import DITHERS, Dither
from render.encoding.feeder import Feeder
from render.encoding.film import Film
from render.encoding.quantize import Palette, Plan, Quantizer
from render.encoding.steady import MAX_LAG, Steady, box_of
from render.encoding.tags import Tags, gif_comment
from render.errors import EncodingError
from render.pixels import has_alpha, whole_levels
from render.timeline import nearest_gif_rate, rate_text
from render.timeline.rates import GIF_TICKS_PER_SECOND

MAX_SIDE = 65_535
MAX_COLORS = 256
PALETTES = ("frame", "global")
_HEADER_FLAGS = 0x70  # 8 bits a channel
_GLOBAL_TABLE = 0x80 | 7  # of 256 colours
_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TRAILER = b";"
_LAG = 0.8  # how far a pixel may fall behind, in parts of the error that the palette makes anyhow


@dataclass(frozen=True)
class _Picture:
    """One frame on its way from the colour stage to the drawing stage."""

    plan: Plan | None  # None: nothing changed
    still: np.ndarray | None  # bool [H, W] of the box, the pixels not to be drawn; None: draw all
    origin: tuple[int, int]
    wiped: bool = False  # whether its box is transparent again before the next one


@dataclass(frozen=True)
class GifSettings:
    """loop: play for ever, or once. colors: 2–256 a palette.

    dither: 0 (none) to 1 (strongest) of a fixed pattern; or `none`, `bayer` (that pattern) or
    `floyd-steinberg`, with a strength or without: `floyd-steinberg 0.5`.
    palette: `frame`, one for each frame; or `global`, one for all, which needs all frames before the first
    is drawn: they wait on the disk.
    """

    loop: bool = True
    colors: int = 256
    dither: float | str = DITHERS["bayer"]
    palette: str = "frame"

    def __post_init__(self) -> None:
        if not isinstance(self.loop, bool):
            raise EncodingError(f"loop is {self.loop!r}; give true (play for ever) or false (play once)")
        if type(self.colors) is not int or not 2 <= self.colors <= MAX_COLORS:
            raise EncodingError(f"colors is {self.colors!r}; give a whole number from 2 to 256")
        Dither.read(self.dither)
        if self.palette not in PALETTES:
            raise EncodingError(f"palette is {self.palette!r}; choose one of {', '.join(PALETTES)}")


class GifWriter(Writer):
    """Chooses colours in one thread and draws and writes in another; memory does not grow with the clip.

    Only what changed since the frame before is stored: a rectangle, and in it the still pixels are
    transparent. Panels that stand still cost nothing. Of frames with alpha one waits for the next, which may
    open holes, see `cutout`.

    film  width, height, fps and the rest, as `Writer` takes them
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        settings: GifSettings | None = None,
        **film: Any,
    ) -> None:
        super().__init__(path, **film)
        self.settings = settings or GifSettings()
        if max(self.width, self.height) > MAX_SIDE:
            raise EncodingError(
                f"{self.path}: {self.width}×{self.height} is too large; "
                f"a side of a GIF has at most {MAX_SIDE} pixels"
            )
        exact = nearest_gif_rate(self.fps)
        if exact != self.fps:
            raise EncodingError(
                f"{self.path}: a GIF cannot play {rate_text(self.fps)} frames a second exactly; "
                f"the nearest rate it can is {exact}"
            )
        self._ticks = int(GIF_TICKS_PER_SECOND / self.fps)
        self._quantizer = self._quantizer_of(None)
        self._steady, self._cutout = Steady(), Cutout()
        self._waiting: _Levels | None = None  # for the frame after it
        self._film: Film | None = None
        self._file: IO[bytes] | None = None
        self._colours: Feeder[np.ndarray] | Feeder[_Levels] | None = None
        self._drawing: Feeder[_Picture] | None = None

    def _quantizer_of(self, palette: Palette | None) -> Quantizer:
        return Quantizer(self.settings.colors, self.settings.dither, fixed=palette)

    def _begin(self) -> None:
        try:
            self._file = self.part_path.open("wb")
            if self.settings.palette == "global":
                size = {"width": self.width, "height": self.height, "fps": self.fps}
                self._film = Film(self.path, **size, transparent=self.transparent)
                self._colours = Feeder(self._film.add, depth=2, name="gif-counting")
                return
        except OSError as error:
            raise self._failure(error) from error
        self._start_drawing(None)

    def _start_drawing(self, palette: Palette | None) -> None:
        """Write what comes before the first frame, a palette for all of them in it, and start the threads."""
        flags = _HEADER_FLAGS | (_GLOBAL_TABLE if palette else 0)
        try:
            self._file.write(b"GIF89a" + struct.pack("<HHBBB", self.width, self.height, flags, 0, 0))
            if palette:
                self._file.write(palette.colours.tobytes().ljust(3 * MAX_COLORS, b"\0"))
            if self.settings.loop:
                self._file.write(_LOOP_FOREVER)
            if self.tags:
                self._file.write(gif_comment(self.tags))
        except OSError as error:
            raise self._failure(error) from error
        self._drawing = Feeder(self._draw, depth=2, name="gif-drawing")
        self._colours = Feeder(self._choose, depth=2, name="gif-colours")

    def _sign(self, tags: Tags) -> None:
        """The comment stands before the first frame already."""

    def _put(self, frame: np.ndarray) -> None:
        levels = whole_levels(frame, 8)
        self._colours.put(levels.copy() if self._film else _levels(levels))

    def _choose(self, frame: _Levels) -> None:
        """Find what changed in a frame, and the colours for it; runs in the first thread."""
        if self.transparent:
            waiting, self._waiting = self._waiting, frame
            if waiting is not None:
                self._cut(waiting, frame.opaque)
            return
        changed = self._steady.changed(frame.planes, self._lag)
        if changed is None:
            self._drawing.put(_Picture(self._quantizer.plan(frame.planes), None, (0, 0)))
            return
        self._plan(frame.planes, changed, box_of(changed))

    def _cut(self, frame: _Levels, after: np.ndarray | None) -> None:
        """The same for a frame with alpha; `after`: what is seen of the next one, bool [H, W]."""
        cut = self._cutout.cut(frame.planes, frame.opaque, after, self._lag)
        self._plan(frame.planes, cut.drawn, cut.box, cut.wiped)

    def _plan(
        self, planes: np.ndarray, drawn: np.ndarray, box: tuple[int, int, int, int], wiped: bool = False
    ) -> None:
        x, y, right, bottom = box
        drawn, planes = drawn[y:bottom, x:right], planes[:, y:bottom, x:right]
        plan = None
        if drawn.any():
            plan = self._quantizer.plan(planes, drawn, room=MAX_COLORS - 1)  # one is for transparent
        self._drawing.put(_Picture(plan, ~drawn, (x, y), wiped))

    @property
    def _lag(self) -> int:
        """Levels that a pixel may fall behind."""
        return min(int(_LAG * self._quantizer.error), MAX_LAG)

    def _draw(self, picture: _Picture) -> None:
        """Draw and write one frame; runs in the second thread."""
        if picture.plan is None:
            palette = self._quantizer.fixed.colours if self._film else np.zeros((1, 3), dtype=np.uint8)
            indices = np.zeros(picture.still.shape, dtype=np.uint8)
        else:
            indices, palette = picture.plan.draw(picture.origin), picture.plan.palette
        control: dict[str, object] = {"duration": self._ticks * 10, "disposal": 1 + picture.wiped}
        control["include_color_table"] = self._film is None
        # Some programs wipe to a colour where a picture names no transparent one.
        if self.transparent or (picture.still is not None and picture.still.any()):
            control["transparency"] = len(palette)
            indices[picture.still] = len(palette)
            palette = np.concatenate([palette, palette[:1]])
        image = Image.fromarray(indices)  # mode L
        image.putpalette(palette.tobytes())  # mode P
        try:
            for block in GifImagePlugin.getdata(image, picture.origin, **control):
                self._file.write(block)
        except OSError as error:
            raise self._failure(error) from error

    def _end(self) -> None:
        self._colours.close()
        if self._film:
            palette = self._film.palette(min(self.settings.colors, MAX_COLORS - 1))  # one is for transparent
            self._quantizer = self._quantizer_of(palette)
            self._start_drawing(palette)
            for done, frame in enumerate(self._film.frames(), start=1):
                self._colours.put(_levels(frame))
                if self.progress:
                    self.progress(done, self.frames_written)
            self._colours.close()
        if self._waiting is not None:
            self._cut(self._waiting, None)
        self._drawing.close()
        try:
            self._file.write(_TRAILER)
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error
        if self._film:
            self._film.close()

    def _drop(self) -> None:
        feeders = [feeder for feeder in (self._colours, self._drawing) if feeder is not None]
        for feeder in feeders:
            feeder.cancel()
        for feeder in feeders:
            feeder.join()
        if self._film is not None:
            self._film.close()
        if self._file is not None:
            with suppress(OSError):  # what was still buffered may have nowhere to go; it closes all the same
                self._file.close()

    def _failure(self, error: OSError) -> EncodingError:
        return EncodingError(f"{self.path}: cannot be written: {error.strerror}")


@dataclass(frozen=True)
class _Levels:
    """A frame channel by channel, since what follows runs on whole planes.

    planes  uint8 [3, H, W]
    opaque  bool [H, W], what is seen of a frame with alpha
    """

    planes: np.ndarray
    opaque: np.ndarray | None = None


def _levels(frame: np.ndarray) -> _Levels:
    """Of a frame uint8 [H, W, 3] or [H, W, 4]."""
    planes = frame[..., :3].transpose(2, 0, 1).copy()
    if not has_alpha(frame):
        return _Levels(planes)
    opaque = frame[..., 3] >= OPAQUE
    if opaque.any():  # what is not seen has a colour of what is: none is looked for that nobody needs
        planes[:, ~opaque] = planes[:, opaque][:, :1]
    return _Levels(planes, opaque)
