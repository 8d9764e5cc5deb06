"""A whole film before its GIF is drawn: its colours counted, its frames kept on the disk to be read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.encoding.claim import folder_beside
from render.encoding.cutout import OPAQUE
from render.encoding.quantize import Grid, Histogram, Palette, as_numbers
from render.encoding.spool import Spool
from render.pixels import has_alpha

_EVERY_COLOUR = Grid((0, 0, 0), (256, 256, 256), (0, 0, 0))


class Film:
    """Takes the frames of a film one by one, then gives a palette for all, and the frames again.

    transparent  whether they are [H, W, 4] instead of [H, W, 3]; what is not opaque needs no colours

    Memory does not grow with the film: frames go without loss into a folder beside `path`, and there is a
    counter for each colour (64 MiB, of which only what is used is ever touched).

    Raises OSError where the folder cannot be made.
    """

    def __init__(
        self, path: Path, *, width: int, height: int, fps: Fraction, transparent: bool = False
    ) -> None:
        self._folder = folder_beside(path)
        place = Path(self._folder.name) / "film.mkv"
        self._spool = Spool(place, width=width, height=height, fps=fps, transparent=transparent)
        self._counts = np.zeros(_EVERY_COLOUR.count, dtype=np.uint32)
        try:
            self._spool.writer.start()
        except BaseException:
            self._folder.cleanup()
            raise

    def add(self, frame: np.ndarray) -> None:
        """Take a frame, uint8."""
        seen = frame[frame[..., 3] >= OPAQUE][:, :3] if has_alpha(frame) else frame.reshape(-1, 3)
        np.add.at(self._counts, as_numbers(seen.T), np.uint32(1))
        self._spool.writer.write(frame)

    def palette(self, size: int) -> Palette:
        """The one palette of all frames taken, of no more than `size` entries; no frame can follow."""
        self._spool.writer.finish()
        places = np.flatnonzero(self._counts)
        if not len(places):  # of a film that shows nothing
            places = np.array([0])
        counts = np.maximum(self._counts[places], 1).astype(np.float64)
        self._counts = None
        histogram = Histogram(places, counts, _EVERY_COLOUR.colours(places))
        return Palette.of(histogram, _EVERY_COLOUR, size)

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, in order; read-only arrays. Raises EncodingError if some cannot be read again."""
        return self._spool.frames()

    def close(self) -> None:
        """Stop whatever state it is in, and leave nothing on the disk."""
        with suppress(OSError):
            self._spool.writer.abort()
        self._folder.cleanup()
