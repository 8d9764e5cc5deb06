"""Who has the processors: of several renders on one machine the first is not slowed down by the others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

GIVEN_WAY = 10  # added to the process's niceness: the system then gives nine tenths of the time to the other


@contextmanager
def shared_processors(tell: Callable[[str], None]) -> Iterator[bool]:
    """Within the block this process counts as rendering; where another one did before, it gives way to that.

    Two renders with as many threads as there are processors wait for each other at every step, so that each
    is slowed to less than half. `tell` is told, once. Yields whether the processors are this process's own.
    """
    lock = filelock.FileLock(_lock_file())
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        if hasattr(os, "nice"):
            os.nice(GIVEN_WAY)
            tell("another render is using the processors; this one gives way to it, and takes what is left")
        yield False
        return
    except OSError:  # a folder for temporary files that can't be written
        yield True
        return
    try:
        yield True
    finally:
        lock.release()


def _lock_file() -> Path:
    """One for each user, for niceness orders nobody else's processes."""
    name = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"blendreel-rendering-{name}.lock"
