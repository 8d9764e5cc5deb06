"""Checkpoints inside gzip, or alone in a zip archive: unpacked for as long as they are read. No torch.

Weights hardly shrink, so a file that unpacks to far more than it weighs is no checkpoint: what comes out is
limited to 20 times the packed size (but always to 64 MiB at least, and to 32 GiB at most).
"""

from __future__ import annotations

import gzip
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from render.errors import CheckpointError

GZIP_START, ZIP_START = b"\x1f\x8b\x08", b"PK\x03\x04"
SMALL_BYTES, MAX_BYTES, MAX_RATIO = 64 * 2**20, 32 * 2**30, 20
MAX_LAYERS = 3  # a gzip in a zip in a gzip
CHUNK_BYTES = 2**20
MAX_DIRECTORY_BYTES = 4 * 2**20  # of a zip archive: some 40,000 files
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGE = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, ValueError, LookupError)
DAMAGE += (RuntimeError, NotImplementedError, OverflowError)  # encrypted, or packed in an unknown way
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


def most_unpacked(packed_bytes: int) -> int:
    """How many bytes may come out of that many."""
    return min(max(SMALL_BYTES, MAX_RATIO * packed_bytes), MAX_BYTES)


@contextmanager
def unwrapped(path: Path) -> Iterator[Path]:
    """The file itself, or what is wrapped in it, which is there until the block ends.

    Content decides, never the name. A zip archive with several files is left as it is: torch writes such.
    Raises CheckpointError for damaged wrappings and those that unpack to far too much.
    """
    if not _beginning(path).startswith((GZIP_START, ZIP_START)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="blendreel-", ignore_cleanup_errors=True) as folder:
        most, inner = most_unpacked(path.stat().st_size), path
        for layer in range(MAX_LAYERS):
            part = Path(folder) / str(layer)
            part.mkdir()
            found = _unpack(inner, part, most, path.name)
            if found is None:
                break
            if inner != path:
                inner.unlink()
            inner = found
        yield inner


def _unpack(path: Path, folder: Path, most: int, label: str) -> Path | None:
    """The file inside `path`, written into `folder`; None if `path` is no wrapping."""
    with path.open("rb") as stream:
        start = stream.read(4)
    try:
        if start.startswith(GZIP_START):
            target = folder / re.sub(r"\.(gz|gzip)$", "", path.name, flags=re.IGNORECASE)
            with gzip.open(path) as packed:
                return _copy(packed, target, most, label)
        if start == ZIP_START:
            with path.open("rb") as stream, opened_archive(stream, label) as archive:
                only = _only_file(archive)
                if only is None:
                    return None
                with archive.open(only) as packed:
                    return _copy(packed, folder / _plain_name(only.filename), most, label)
    except DAMAGE as error:
        if start == ZIP_START and isinstance(error, zipfile.BadZipFile) and b"data.pkl" in _beginning(path):
            return None  # torch's own archive, cut off: its reader says so
        kind = "gzip file" if start.startswith(GZIP_START) else "zip archive"
        raise CheckpointError(f"{label} is cut off or damaged: its {kind} can't be unpacked") from error
    return None


class _Careful:
    """A stream of which no more than `most` bytes can be read at once, until `most` is None."""

    def __init__(self, stream: BinaryIO, label: str, most: int):
        self.stream, self.label, self.most = stream, label, most
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, count: int = -1) -> bytes:
        if self.most is not None and count > self.most:
            raise CheckpointError(f"{self.label} is a zip archive of far too many files for a checkpoint")
        return self.stream.read(count)

    def seekable(self) -> bool:
        return True


@contextmanager
def opened_archive(
    stream: BinaryIO, label: str, most_directory: int = MAX_DIRECTORY_BYTES
) -> Iterator[zipfile.ZipFile]:
    """The zip archive in that stream, whose table of contents is read at once and has at most so many bytes.

    Only what is stored as it is or deflated can be read: other methods may ask for memory without limit.
    """
    careful = _Careful(stream, label, most_directory)
    with zipfile.ZipFile(careful) as archive:
        careful.most = None
        if any(entry.compress_type not in METHODS for entry in archive.infolist()):
            raise CheckpointError(f"{label} is a zip archive packed in a way that is not known here")
        yield archive


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4096)


def _only_file(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """The archive's file, if it has just one besides folders and what file managers leave."""
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not _JUNK.search(entry.filename)]
    return files[0] if len(files) == 1 else None


def _plain_name(name: str) -> str:
    """The last part of a name in an archive, in letters that are safe anywhere."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.-]", "_", last)[-100:].lstrip(".") or "checkpoint"


def _copy(packed: BinaryIO, target: Path, most: int, label: str) -> Path:
    with target.open("wb") as out:
        while chunk := packed.read(CHUNK_BYTES):
            if out.tell() + len(chunk) > most:
                raise CheckpointError(
                    f"{label} unpacks to more than {most / 2**20:,.0f} MiB, far more than weights ever do"
                )
            if shutil.disk_usage(target.parent).free < len(chunk):
                raise CheckpointError(f"{label} can't be unpacked: {target.parent} is full")
            out.write(chunk)
    return target
