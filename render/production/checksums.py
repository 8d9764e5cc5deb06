"""Checksums of the files that a film is made of, which may be begun while others read the same files."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from render.production.manifest import digest_of

_Version = tuple[Path, int, int]
_found: dict[_Version, Future[str]] = {}
_MOST = 4096  # files that are remembered
_THREADS = 2


def sha256_of(path: Path) -> str:
    """The sha256 of a file; one that has not changed since is not read again."""
    version = _version(path)
    if version not in _found:
        begin([path])
    try:
        return _found[version].result()
    except BaseException:
        _found.pop(version, None)  # another time it may be readable
        raise


def begin(paths: Iterable[Path]) -> None:
    """Begin to read these files in threads of their own. What can't be read is told by `sha256_of`."""
    pool = ThreadPoolExecutor(_THREADS, "checksums")
    for path in paths:
        with suppress(OSError):
            version = _version(path)
            if version not in _found:
                _found[version] = pool.submit(digest_of, path)
    pool.shutdown(wait=False)
    while len(_found) > _MOST:
        _found.pop(next(iter(_found)))


def _version(path: Path) -> _Version:
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns
