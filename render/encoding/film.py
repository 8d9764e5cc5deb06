"""A whole film before its GIF is drawn: its colours counted, its frames kept on the disk to be read again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.encoding.quantize import Grid, Histogram, Palette, as_numbers
from render.encoding.spool import Spool

_EVERY_COLOUR = Grid((0, 0, 0), (256, 256, 256), (0, 0, 0))


class Film:
    """Takes the frames [H, W, 3] of a film one by one, then gives a palette for all, and the frames again.

    Memory does not grow with the film: frames go without loss into a folder beside `path`, and there is a
    counter for each colour (64 MiB, of which only what is used is ever touched).

    Raises OSError where the folder cannot be made.
    """

    def __init__(self, path: Path, *, width: int, height: int, fps: Fraction) -> None:
        self._folder = tempfile.TemporaryDirectory(
            dir=path.parent, prefix=f".{path.stem}-", suffix=".part", ignore_cleanup_errors=True
        )
        self._spool = Spool(Path(self._folder.name) / "film.mkv", width=width, height=height, fps=fps)
        self._counts = np.zeros(_EVERY_COLOUR.count, dtype=np.uint32)
        try:
            self._spool.writer.start()
        except BaseException:
            self._folder.cleanup()
            raise

    def add(self, frame: np.ndarray) -> None:
        """Take a frame, uint8 [H, W, 3]."""
        np.add.at(self._counts, as_numbers(frame.transpose(2, 0, 1)).ravel(), np.uint32(1))
        self._spool.writer.write(frame)

    def palette(self, size: int) -> Palette:
        """The one palette of all frames taken, of no more than `size` entries; no frame can follow."""
        self._spool.writer.finish()
        places = np.flatnonzero(self._counts)
        counts = self._counts[places].astype(np.float64)
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
