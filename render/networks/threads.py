"""How many threads this thread may draw with.

PyTorch's convolutions of small pictures round otherwise when they have more threads: in float32, 28 of 160
shapes of 3×3 up to 16 px did with three or more, and 25 of the transposed ones with four (a trial). What the
library does is the same with any number. So a team's own thread leaves PyTorch one, and the library all of
the team's: a picture depends neither on the team nor on the machine's cores.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_own = threading.local()


def thread_count() -> int:
    """Of the library, in the thread that asks."""
    return getattr(_own, "count", None) or torch.get_num_threads()


def become_a_team(count: int) -> None:
    """From here on this thread draws with `count` threads of the library, and with one of PyTorch's.

    Threads that are started later begin with one, too, until somebody sets another number in any thread.
    """
    torch.get_num_threads()  # which sets what a new thread begins with, and not later
    torch.set_num_threads(1)
    _own.count = count


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """For a while, in a team's own thread, that many."""
    before, _own.count = _own.count, count
    try:
        yield
    finally:
        _own.count = before
