"""Teams of threads that work side by side: each at a batch of its own, with its share of the processors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

MOST_TEAMS = 2  # each needs the memory that a batch needs


class Teams:
    """Up to `count` teams, but no more than PyTorch has threads. To be closed.

    The threads of a team wait for each other after every layer, and all of them while Python gets to the
    next. Where there are two teams, one works while the other waits.

    A team of its own draws in the caller's thread.
    """

    def __init__(self, count: int = MOST_TEAMS) -> None:
        threads = torch.get_num_threads()
        self.count = max(1, min(count, threads))
        self._free = threading.Semaphore(self.count)
        self._pool: ThreadPoolExecutor | None = None
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count, "team")
            ready = threading.Barrier(self.count + 1)
            for number in range(self.count):
                own = threads // self.count + (number < threads % self.count)
                self._pool.submit(_begin, own, ready)
            ready.wait()
            # A thread's own number is also what threads begin with that are started later, anywhere.
            torch.set_num_threads(threads)

    def start(self, function: Callable, *arguments: Any) -> Future:
        """function(*arguments), begun by the first team that is free; who asks waits for that."""
        if self._pool is None:
            return _done(function, *arguments)
        self._free.acquire()
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: self._free.release())
        return future

    def together(self, function: Callable, *arguments: Any) -> Future:
        """The same done by all threads, once no team is at work."""
        for _ in range(self.count):
            self._free.acquire()
        try:
            return _done(function, *arguments)
        finally:
            self._free.release(self.count)

    def close(self) -> None:
        """Wait for what was begun."""
        if self._pool is not None:
            self._pool.shutdown()


def _begin(threads: int, ready: threading.Barrier) -> None:
    torch.get_num_threads()  # which sets what a new thread begins with
    torch.set_num_threads(threads)
    ready.wait()


def _done(function: Callable, *arguments: Any) -> Future:
    future: Future = Future()
    future.set_result(function(*arguments))
    return future
