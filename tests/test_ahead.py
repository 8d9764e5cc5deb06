"""What is made in advance comes in order, and its errors come where it would have come."""

from __future__ import annotations

import threading

import pytest

from render.ahead import ahead


def test_items_come_in_order_from_another_thread():
    makers = []

    def items():
        for number in range(20):
            makers.append(threading.current_thread().name)
            yield number

    assert list(ahead(items(), 3, "maker")) == list(range(20))
    assert set(makers) == {"maker"}


def test_no_more_is_made_than_may_wait():
    made = []
    found = ahead((made.append(number) or number for number in range(100)), 2, "maker")
    assert next(found) == 0
    found.close()
    assert len(made) <= 1 + 2 + 1 + 1  # taken, waiting, in the maker's hand, and one begun meanwhile


def test_an_error_comes_after_what_was_made_before_it():
    def items():
        yield 1
        raise ZeroDivisionError("at the second")

    found = ahead(items(), 5, "maker")
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError, match="at the second"):
        next(found)


def test_leaving_early_ends_thread_and_source():
    closed = []

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    found = ahead(items(), 2, "maker")
    next(found)
    found.close()
    assert closed == ["maker"]
    assert not any(thread.name == "maker" for thread in threading.enumerate())


def test_an_interrupt_while_the_thread_starts_ends_it(monkeypatch):
    real, threads = threading.Thread.start, []

    def start(thread):
        real(thread)
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    items = (number for number in range(10**9))
    with pytest.raises(KeyboardInterrupt):
        next(ahead(items, 2, "maker"))
    assert not threads[0].is_alive()
    items.close()  # nobody is at it any more
