"""Ctrl-C once: the segment that is being drawn is finished first. Twice: at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

TEXT = "stopping when this segment is finished; Ctrl-C once more stops at once"


class Patience:
    """In its `with` block, Ctrl-C waits for a segment's end where there is one to wait for.

    tell  says so to whoever pressed it
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.is_asked = False
        self._tell, self._can_wait, self._before = tell, False, None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *reason: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Here the first Ctrl-C is only noted, in `is_asked`."""
        self._can_wait = True
        try:
            yield
        finally:
            self._can_wait = False

    def _interrupt(self, number: int, frame: Any) -> None:
        if self.is_asked or not self._can_wait:
            raise KeyboardInterrupt
        self.is_asked = True
        self._tell(TEXT)
