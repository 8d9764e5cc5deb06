"""Teams of threads that work side by side: each at a batch of its own, with its share of the processors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

from render.networks.threads import become_a_team, with_threads

MOST_TEAMS = 2  # each needs the memory that a batch needs


class Teams:
    """Up to `count` teams, but no more than PyTorch has threads. To be closed.

    The threads of a team wait for each other after every layer, and all of them while Python gets to the
    next. Where there are two teams, one works while the other waits.

    ahead  how many chunks of frames are at work while the next is begun
    """

    def __init__(self, count: int = MOST_TEAMS) -> None:
        self.threads = torch.get_num_threads()
        self.count = max(1, min(count, self.threads))
        self.ahead = self.count if self.count > 1 else 0
        self._free = threading.Semaphore(self.count)
        self._pool = ThreadPoolExecutor(self.count, "team")
        ready = threading.Barrier(self.count + 1)
        for number in range(self.count):
            share = self.threads // self.count + (number < self.threads % self.count)
            self._pool.submit(_begin, share, ready)
        ready.wait()
        torch.set_num_threads(self.threads)  # for threads that are started later, anywhere

    def start(self, function: Callable, *arguments: Any) -> Future:
        """function(*arguments), begun by the first team that is free; who asks waits for that."""
        self._free.acquire()
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: self._free.release())
        return future

    def together(self, function: Callable, *arguments: Any) -> Future:
        """The same done with all threads, once no team is at work."""
        for _ in range(self.count):
            self._free.acquire()
        future = self._pool.submit(_with_all, self.threads, function, *arguments)
        future.add_done_callback(lambda _: self._free.release(self.count))
        return future

    def close(self) -> None:
        """Wait for what was begun."""
        self._pool.shutdown()


class Alone:
    """Works in the thread that asks, with all that PyTorch has: for GPUs, and what rounds by its threads."""

    count = 1
    ahead = 1  # for a GPU may be at it, though whoever asked it has gone on

    def start(self, function: Callable, *arguments: Any) -> Future:
        """function(*arguments), done."""
        future: Future = Future()
        future.set_result(function(*arguments))
        return future

    together = start

    def close(self) -> None:
        """There is nothing to wait for."""


def _begin(share: int, ready: threading.Barrier) -> None:
    become_a_team(share)
    ready.wait()


def _with_all(threads: int, function: Callable, *arguments: Any) -> Any:
    with with_threads(threads):
        return function(*arguments)
