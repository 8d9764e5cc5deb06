"""Single pictures on the disk: a file has its name only when it is whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from render.encoding.claim import claim
from render.errors import EncodingError

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@contextmanager
def picture_file(path: str | Path) -> Iterator[Callable[..., None]]:
    """Claim `path` before something slow is drawn; gives the function that writes the picture there.

    It takes the picture, and what Pillow shall note in the file: `pnginfo` and the like.

    Raises EncodingError: the extension is no picture's, or the file cannot be written.
    """
    path = Path(path)
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        found = f"unknown extension '{path.suffix}'" if path.suffix else "the name has no extension"
        raise EncodingError(f"{path}: {found}; a sheet is a picture: {', '.join(SUFFIXES)}")
    part = claim(path)
    try:
        yield lambda picture, **notes: _write(picture, kind, part, path, notes)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write(picture: Image.Image, kind: str, part: Path, path: Path, notes: dict[str, Any]) -> None:
    """Write the part file, and give it its name when it is whole."""
    try:
        picture.save(part, format=kind, **notes)
        os.replace(part, path)
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror or error}") from None
