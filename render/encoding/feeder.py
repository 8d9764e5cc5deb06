"""One background thread behind a short queue: frames are encoded while the next ones are rendered."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

_WAKE_SECONDS = 0.5  # waiting in short naps keeps Ctrl-C alive on systems where a lock cannot be interrupted


class Feeder(Generic[Item]):
    """Calls consume(item) for every item, in order, in a thread of its own; at most `depth` items wait.

    The first exception of `consume` ends the thread and is raised by every later `put` and by `close`.
    """

    def __init__(self, consume: Callable[[Item], None], depth: int = 3, name: str = "encoder") -> None:
        self._consume, self._depth = consume, depth
        self._waiting: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queue an item, waiting while the queue is full."""
        with self._changed:
            while len(self._waiting) >= self._depth and self._failure is None:
                self._changed.wait(_WAKE_SECONDS)
            self._raise_failure()
            self._waiting.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until every item is consumed, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.join()
        self._raise_failure()

    def cancel(self) -> None:
        """Forget what waits. The thread ends after the item it is busy with; `join` waits for that."""
        with self._changed:
            self._waiting.clear()
            self._closing = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the thread to end."""
        while self._thread.is_alive():
            self._thread.join(_WAKE_SECONDS)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                item = self._waiting.popleft()
                self._changed.notify_all()
            try:
                self._consume(item)
            except BaseException as error:
                with self._changed:
                    self._failure = error
                    self._waiting.clear()
                    self._changed.notify_all()
                return
