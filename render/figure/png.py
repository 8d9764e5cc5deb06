"""A PNG written row by row, so that a picture may be larger than memory.

Source: "Portable Network Graphics (PNG) Specification", W3C.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from render.encoding.claim import claim
from render.errors import EncodingError

LARGEST_SIDE = 2**31 - 1
COMPRESSION = 4  # half the time of 6, a few per cent larger
ROWS_AT_ONCE = 64  # rows whose filters are chosen together: the filters' work space is a few times as large


class PngWriter:
    """Takes rows from the top and gives the file its name when all are there.

    with PngWriter("grid.png", width=512, height=512) as writer:
        writer.write(rows)  # uint8 [h, 512, 3], sRGB; any number of rows at a time

    A file that is not finished leaves no trace. Raises EncodingError.
    """

    def __init__(self, path: str | Path, width: int, height: int):
        self.path, self.width, self.height = Path(path), width, height
        if self.path.suffix.lower() != ".png":
            found = f"unknown extension '{self.path.suffix}'" if self.path.suffix else "there is no extension"
            raise EncodingError(f"{path}: {found}; a grid is written as .png")
        if not 0 < min(width, height) <= max(width, height) <= LARGEST_SIDE:
            raise EncodingError(f"{path}: a PNG of {width}×{height} pixels cannot be written")
        self.rows_written = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._part = claim(self.path)
        self._file = self._part.open("wb")
        self._packer = zlib.compressobj(COMPRESSION)
        self._above = np.zeros((self.width, 3), np.uint8)
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
        self._put(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"sRGB", b"\0"))
        return self

    def write(self, rows: np.ndarray) -> None:
        """Add rows, uint8 [h, W, 3]."""
        if rows.dtype != np.uint8 or rows.shape[1:] != (self.width, 3):
            raise EncodingError(
                f"{self.path}: rows are {rows.dtype} {list(rows.shape)}; expected uint8 [h, {self.width}, 3]"
            )
        if self.rows_written + len(rows) > self.height:
            raise EncodingError(f"{self.path}: more than {self.height} rows")
        for start in range(0, len(rows), ROWS_AT_ONCE):
            band = rows[start : start + ROWS_AT_ONCE]
            self._put_data(self._packer.compress(filtered(band, self._above)))
            self._above = band[-1].copy()
        self.rows_written += len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self.rows_written != self.height:
            raise EncodingError(f"{self.path}: {self.rows_written} of {self.height} rows were written")
        self._put_data(self._packer.flush())
        self._put(_chunk(b"IEND", b""))
        try:
            self._file.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._failure(error) from None

    def _put_data(self, data: bytes) -> None:
        if data:
            self._put(_chunk(b"IDAT", data))

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> EncodingError:
        return EncodingError(f"{self.path}: cannot be written: {error.strerror or error}")


def filtered(rows: np.ndarray, above: np.ndarray) -> bytes:
    """Rows [h, W, 3] as PNG stores them: in each the filter whose differences are smallest.

    above  the row before them, [W, 3]; zeros at the top
    """
    count, width, _ = rows.shape
    up = np.concatenate([above[None], rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, 1:], corner[:, 1:] = rows[:, :-1], up[:, :-1]
    mean = ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)
    stored = np.empty((count, 1 + 3 * width), np.uint8)
    smallest = np.full(count, np.iinfo(np.int64).max)
    for number, guess in enumerate((0, left, up, mean, _paeth(left, up, corner))):
        differences = (rows - guess).reshape(count, -1)
        cost = np.abs(differences.view(np.int8).astype(np.int16)).sum(1, dtype=np.int64)
        better = cost < smallest
        smallest[better] = cost[better]
        stored[better, 0], stored[better, 1:] = number, differences[better]
    return stored.tobytes()


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Of the three neighbours, the one nearest to left + up - corner."""
    a, b, c = (plane.astype(np.int16) for plane in (left, up, corner))
    to_left, to_up, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    by_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(by_left, left, np.where(to_up <= to_corner, up, corner))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
