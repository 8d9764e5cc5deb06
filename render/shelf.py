"""Pictures that will be shown again, on disk until then: memory stays what it is, however long the clip."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Set
from typing import IO

import numpy as np

SHELF_BYTES = 2**30  # what does not fit any more is drawn again


class Shelf:
    """Arrays by key, in one temporary file that has no name and is gone with the process.

    max_bytes  how much it takes; the first ones stay
    """

    def __init__(self, max_bytes: int = SHELF_BYTES) -> None:
        self.max_bytes, self.nbytes = max_bytes, 0
        self._file: IO[bytes] | None = None
        self._places: dict[bytes, tuple[int, tuple[int, ...], np.dtype]] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def keys(self) -> Set[bytes]:
        """Of all that is in it."""
        return self._places.keys()

    def put(self, key: bytes, array: np.ndarray) -> None:
        """Keep an array, if there is room for it; a full disk only means that it is drawn again."""
        if key in self._places or self.nbytes + array.nbytes > self.max_bytes:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="blendreel-")  # noqa: SIM115 (open as long as the shelf)
                weakref.finalize(self, self._file.close)
            self._file.seek(self.nbytes)
            self._file.write(np.ascontiguousarray(array))
            self._file.flush()
        except OSError:
            self.max_bytes = 0
            return
        self._places[key] = self.nbytes, array.shape, array.dtype
        self.nbytes += array.nbytes

    def get(self, key: bytes) -> np.ndarray:
        """The array under a key that is in it."""
        place, shape, dtype = self._places[key]
        array = np.empty(shape, dtype)
        self._file.seek(place)
        self._file.readinto(array.reshape(-1).view(np.uint8))
        return array
