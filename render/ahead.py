"""Work done in advance: what a loop will ask for next is made in a thread of its own meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_NAP_SECONDS = 0.2  # waiting in short naps: Ctrl-C, and a loop that ends early, are noticed
_START_SECONDS = 2  # that a thread may take to begin
_END = object()


def ahead(items: Iterable[Item], depth: int, name: str) -> Generator[Item, None, None]:
    """The same items; a thread makes them, and at most `depth` of them wait.

    What the making raises is raised where that item would have come. A loop that is left early ends the
    thread, once the item it is at is made.
    """
    waiting: queue.Queue = queue.Queue(depth)
    is_begun, is_left = threading.Event(), threading.Event()

    def put(found: object, error: BaseException | None = None) -> bool:
        while not is_left.is_set():
            try:
                waiting.put((found, error), timeout=_NAP_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        is_begun.set()
        source = iter(items)
        try:
            for item in source:
                if not put(item):
                    break
            else:
                put(_END)
        except BaseException as error:  # raised again where somebody waits for the item
            put(_END, error)
        finally:
            if hasattr(source, "close"):
                source.close()

    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
        while True:
            try:
                item, error = waiting.get(timeout=_NAP_SECONDS)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        is_left.set()
        is_another = thread is not threading.current_thread()  # as the collector of garbage may run anywhere
        if is_another and is_begun.wait(_START_SECONDS):  # an interrupt may come while it starts
            thread.join()
