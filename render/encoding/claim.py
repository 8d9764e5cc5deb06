"""A place on the disk for a file that is only then called by its name when it is whole."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from render.errors import EncodingError

_SOUND = ".sound.part"
_UNSETTLED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF)  # where there is no such wait


def part_of(path: Path) -> Path:
    """What a file is called while it is written."""
    return path.with_name(path.name + ".part")


def folder_beside(path: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder for what is thrown away when the file is whole, on the disk where that will be.

    Raises OSError.
    """
    beside, ending = _around(path)
    return tempfile.TemporaryDirectory(
        dir=path.parent, prefix=beside, suffix=ending, ignore_cleanup_errors=True
    )


def parts_of(path: Path) -> list[Path]:
    """All that lies there of a file that is being written, or whose writer was killed."""
    parts = [part_of(path), sound_part_of(path), *_folders_beside(path)]
    return [each for each in parts if each.exists() and not each.is_symlink()]


def clear_folders(path: Path) -> None:
    """Remove the folders of `folder_beside` that killed writers of the file left; nobody writes it now."""
    for folder in _folders_beside(path):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _folders_beside(path: Path) -> list[Path]:
    beside, ending = _around(path)
    folders = path.parent.glob(f"{glob.escape(beside)}*{ending}")
    # Those of `film.mp4-2.gif` begin as those of `film.mp4` do, and have a point more.
    return sorted(each for each in folders if "." not in each.name[len(beside) : -len(ending)])


def _around(path: Path) -> tuple[str, str]:
    return f".{path.name}-", ".part"


def sound_part_of(path: Path) -> Path:
    """What a file with a sound is called while the sound is put beside its pictures."""
    return part_of(path).with_suffix(_SOUND)


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
    with writable(path):
        if path.is_dir():
            raise EncodingError(f"{path}: is a folder; give the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh(part)
    return part


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """What the disk refuses inside this block is told as an EncodingError of the file `path`."""
    try:
        yield
    except (FileExistsError, NotADirectoryError):
        raise EncodingError(f"{path}: cannot be written: {path.parent} is no folder") from None
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error


def settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk and not only in memory."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _UNSETTLED:
            raise
