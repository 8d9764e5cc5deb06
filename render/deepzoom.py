"""Deep-zoom pyramids: a picture of any size as tiles on every scale, made while its rows arrive.

Source: Microsoft, "Deep Zoom File Format Overview" (DZI). Level n is
half of level n + 1, and level 0 is one pixel.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from render.errors import EncodingError

TILE, OVERLAP = 510, 1  # pixels; a tile inside the picture then has 512, and no seam shows between two
FORMAT, QUALITY = "jpg", 90
PAGE, NAME = "index.html", "grid"


class Pyramid:
    """Cuts rows, as they come from the top, into `NAME_files/LEVEL/COLUMN_ROW.jpg`, and writes `NAME.dzi`.

    Of every level only the rows of one row of tiles are held, so memory grows with the width alone.
    """

    def __init__(self, folder: Path, width: int, height: int, name: str = NAME):
        self.folder, self.width, self.height, self.name = folder, width, height, name
        levels, size = [], (width, height)
        for number in reversed(range(level_count(width, height))):
            place = folder / f"{name}_files" / str(number)
            place.mkdir(parents=True)
            levels.append(_Level(place, *size))
            size = tuple((side + 1) // 2 for side in size)
        for level, smaller in pairwise(levels):
            level.smaller = smaller
        self._largest = levels[0]

    def write(self, rows: np.ndarray) -> None:
        """Add rows, uint8 [h, W, 3] in sRGB."""
        self._largest.write(rows)

    def finish(self) -> None:
        self._largest.finish()
        (self.folder / f"{self.name}.dzi").write_text(dzi(self.width, self.height), encoding="utf-8")


class _Level:
    """One level: rows wait until a row of tiles is complete, and pairs of them go on to the next level."""

    def __init__(self, folder: Path, width: int, height: int):
        self.folder, self.width, self.height = folder, width, height
        self.smaller: _Level | None = None
        self._rows = np.empty((0, width, 3), np.uint8)  # from row `_first` on
        self._first = self._tile_row = 0
        self._odd = np.empty((0, width, 3), np.uint8)  # a row without its partner

    def write(self, rows: np.ndarray) -> None:
        self._rows = np.concatenate([self._rows, rows])
        self._cut()
        if self.smaller:
            rows = np.concatenate([self._odd, rows])
            even = len(rows) // 2 * 2
            self._odd = rows[even:].copy()
            if even:
                self.smaller.write(halved(rows[:even]))

    def finish(self) -> None:
        assert self._first + len(self._rows) == self.height, "all rows are there"
        if self.smaller:
            if len(self._odd):
                self.smaller.write(halved(self._odd))
            self.smaller.finish()

    def _cut(self) -> None:
        """Write the rows of tiles that are complete, and let go of what no later one needs."""
        while True:
            top = max(0, self._tile_row * TILE - OVERLAP)
            bottom = min(self.height, (self._tile_row + 1) * TILE + OVERLAP)
            if self._tile_row * TILE >= self.height or self._first + len(self._rows) < bottom:
                return
            rows = self._rows[top - self._first : bottom - self._first]
            for column in range(-(-self.width // TILE)):
                left, right = max(0, column * TILE - OVERLAP), (column + 1) * TILE + OVERLAP
                file = self.folder / f"{column}_{self._tile_row}.{FORMAT}"
                tile = Image.fromarray(np.ascontiguousarray(rows[:, left:right]))
                tile.save(file, quality=QUALITY, subsampling=0)
            self._tile_row += 1
            keep = min(max(0, self._tile_row * TILE - OVERLAP), self._first + len(self._rows))
            self._rows, self._first = self._rows[keep - self._first :].copy(), keep


class VipsPyramid:
    """The same files by libvips, which is several times faster; rows wait in a file of raw pixels."""

    def __init__(self, folder: Path, width: int, height: int, name: str = NAME):
        self.folder, self.width, self.height, self.name = folder, width, height, name
        self._raw = folder / "rows.raw"
        self._file = self._raw.open("wb")

    def write(self, rows: np.ndarray) -> None:
        """Add rows, uint8 [h, W, 3] in sRGB."""
        self._file.write(np.ascontiguousarray(rows))

    def finish(self) -> None:
        import pyvips

        self._file.close()
        try:
            image = pyvips.Image.rawload(str(self._raw), self.width, self.height, 3, access="sequential")
            image.copy(interpretation="srgb").dzsave(
                str(self.folder / self.name),
                tile_size=TILE,
                overlap=OVERLAP,
                depth="onepixel",
                suffix=f".{FORMAT}[Q={QUALITY},subsample_mode=off]",
            )
        except pyvips.Error as error:
            raise EncodingError(f"{self.folder}: {str(error).strip()}") from None
        self._raw.unlink()
        for extra in self.folder.rglob("vips-properties.xml"):
            extra.unlink()


def pyramid_in(folder: Path, width: int, height: int) -> Pyramid | VipsPyramid:
    """A pyramid to be written to: by libvips where pyvips is installed, else by Pillow."""
    has_vips = importlib.util.find_spec("pyvips") is not None
    return (VipsPyramid if has_vips else Pyramid)(folder, width, height)


def level_count(width: int, height: int) -> int:
    """How many levels there are, from one pixel to the whole picture."""
    return (max(width, height) - 1).bit_length() + 1


def dzi(width: int, height: int) -> str:
    """The description of a pyramid, in XML."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{FORMAT}" '
        f'Overlap="{OVERLAP}" TileSize="{TILE}">\n'
        f'  <Size Width="{width}" Height="{height}"/>\n</Image>\n'
    )


def halved(rows: np.ndarray) -> np.ndarray:
    """Rows at half the size, [⌈h/2⌉, ⌈W/2⌉, 3]: means of four pixels, edges repeated where odd."""
    height, width = rows.shape[:2]
    wide = np.pad(rows, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge").astype(np.uint16)
    total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)


@contextmanager
def zoom_folder(folder: str | Path) -> Iterator[Path]:
    """A new folder to write a pyramid in, which takes the place of `folder` when the block ends well.

    An older pyramid there is replaced. Raises EncodingError: something else is there, or nothing can be
    written.
    """
    folder = Path(folder)
    part = folder.with_name(folder.name + ".part")
    if folder.is_dir():
        others = sorted(path.name for path in folder.iterdir())
        if others and not ((folder / f"{NAME}.dzi").is_file() and (folder / PAGE).is_file()):
            raise EncodingError(f"{folder}: there are other things in this folder, such as {others[0]}")
    elif folder.exists():
        raise EncodingError(f"{folder}: is a file; name a folder for the tiles")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(part, folder)
    except OSError as error:
        raise EncodingError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            shutil.rmtree(part, ignore_errors=True)
