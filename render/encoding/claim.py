"""A place on the disk for a file that is only then called by its name when it is whole."""

from __future__ import annotations

from pathlib import Path

from render.errors import EncodingError


def part_of(path: Path) -> Path:
    """What a file is called while it is written."""
    return path.with_name(path.name + ".part")


def fresh(part: Path) -> Path:
    """An empty file there, instead of whatever lies there; never written through a link. Raises OSError."""
    part.unlink(missing_ok=True)
    part.open("xb").close()
    return part


def claim(path: Path) -> Path:
    """Make the folder and an empty part file, and return that: a bad place is found out at once.

    Raises EncodingError.
    """
    part = part_of(path)
    try:
        if path.is_dir():
            raise EncodingError(f"{path}: is a folder; give the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh(part)
    except (FileExistsError, NotADirectoryError):
        raise EncodingError(f"{path}: cannot be written: {path.parent} is no folder") from None
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error
    return part
