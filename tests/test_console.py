"""Progress without a terminal: a line now and then, and no guess before there is something to go by."""

from __future__ import annotations

import io
import re

import pytest

from render import console


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    clock = {"now": 0.0}
    monkeypatch.setattr(console.time, "monotonic", lambda: clock["now"])
    return clock


def test_lines_come_every_few_seconds_and_at_the_end(clock, capsys):
    show = console.Lines("rendering")
    for done in range(1, 101):
        clock["now"] += 0.3
        show(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert 5 <= len(lines) <= 7
    assert lines[-1] == "rendering: frame 100 of 100, 3.3 frames/s"
    assert lines[1] == "rendering: frame 34 of 100, 3.3 frames/s, 20 s left"


def test_the_first_line_guesses_nothing(clock, capsys):
    show = console.Lines("rendering")
    clock["now"] = 60.0
    show(1, 250)
    assert capsys.readouterr().err == ""
    show(2, 250)
    assert capsys.readouterr().err == "rendering: frame 2 of 250, 0.0 frames/s\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.6, "8 s"), (125, "2 min 05 s"), (3599.6, "1 h 00 min"), (4320, "1 h 12 min")]
)
def test_durations_are_written_for_people(seconds, text):
    assert console.duration_text(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(1, "1 kB"), (640_400, "640 kB"), (1_900_000, "1.9 MB")])
def test_sizes_are_written_for_people(count, text):
    assert console.size_text(count) == text


def test_what_was_there_before_counts_as_done_and_not_as_speed(monkeypatch, capsys):
    from render import console

    now = iter([0.0, 0.0, 10.0, 20.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(now))
    lines = console.Lines("rendering")
    for done in (900, 950, 1000):
        lines(done, 1000)
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1] == "rendering: frame 1000 of 1000, 5.0 frames/s"


def test_a_part_of_the_work_is_told_only_if_it_takes_a_while(clock, capsys):
    whole = console.Lines("rendering")
    quick, slow = whole.stage("a.gif"), whole.stage("b.gif")
    for done in range(1, 11):
        clock["now"] += 0.1
        quick(done, 10)
    assert capsys.readouterr().err == ""
    for done in range(1, 11):
        clock["now"] += 2
        slow(done, 10)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "b.gif: frame 2 of 10, 0.4 frames/s"
    assert lines[-1].startswith("b.gif: frame 10 of 10")


def test_a_terminal_has_a_bar_for_each_part_below_that_of_the_whole(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    screen = Screen()
    monkeypatch.setattr(console.sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress("rendering", quiet=False) as show:
        show(10, 10)
        part, silent = show.stage("a.gif"), show.stage("nothing.gif")
        part(3, 10)
        show.bars.refresh()
        assert re.search(r"rendering .*10/10.*a\.gif .* 3/10", screen.getvalue(), re.DOTALL)
        part(10, 10)
        assert silent.task is None
        assert [task.visible for task in show.bars.tasks] == [True, False]
