"""What a person sees while frames are made: a bar, a line now and then in a log, or nothing."""

from __future__ import annotations

import html
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_SECONDS = 5.0
BAR_SECONDS = 0.2  # between two pictures of a notebook's bar


def plain(text: object) -> str:
    """Text for a terminal; � stands for what would steer it instead of being shown."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in str(text))


@contextmanager
def progress(title: str, quiet: bool, unit: str = "frame") -> Iterator[Callable[..., None] | None]:
    """A function of (frames done, frames in all) that shows how far it is, or None when quiet.

    A third argument is a note to show beside them. unit: what is counted, if not frames. Its `stage(title)`
    gives such a function for a part of the work that counts for itself, and is told only if it takes a while.
    """
    if quiet:
        yield None
    elif in_notebook():
        yield NotebookBar(title, unit)
    elif sys.stderr.isatty():
        with _bar(title, unit) as show:
            yield show
    else:
        yield Lines(title, unit)


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook: of Jupyter, Colab and their like."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class NotebookBar:
    """A bar in a notebook's output, which is one line of text when all is done. It needs no widgets."""

    def __init__(self, title: str, unit: str = "frame", wait: float = 0):
        self.title, self.unit, self.wait = title, unit, wait  # wait: seconds before anything is shown
        self.began, self.shown, self.seconds = time.monotonic(), -math.inf, 0.0
        self.done = self.total = 0
        self.note = ""
        self._handle: Any = None

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        self.done, self.total, self.note, self.seconds = done, total, note, now - self.began
        is_early = self._handle is None and self.seconds < self.wait
        if is_early or (done < total and now - self.shown < BAR_SECONDS):
            return
        self.shown = now
        if self._handle is None:
            from IPython.display import display

            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def stage(self, title: str) -> NotebookBar:
        """A bar for a part of the work."""
        return NotebookBar(title, self.unit, LINE_SECONDS)

    def __repr__(self) -> str:
        fps = self.done / max(self.seconds, 1e-9)
        pace, note = f"{fps:.1f} {self.unit}s/s", f", {self.note}" if self.note else ""
        if self.done == self.total:
            return f"{self.title}: {self.total} {self.unit}s in {duration_text(self.seconds)}, {pace}{note}"
        left = duration_text((self.total - self.done) / max(fps, 1e-9))
        return f"{self.title}: {self.unit} {self.done} of {self.total}, {pace}, {left} left{note}"

    def _repr_html_(self) -> str:
        words = f"<small>{html.escape(repr(self))}</small>"
        if self.done == self.total:
            return words
        return f'<progress value="{self.done}" max="{self.total}" style="width:20em"></progress> {words}'


class Lines:
    """A line every few seconds, and one at the end. Time left is told once there is something to go by."""

    def __init__(self, title: str, unit: str = "frame", is_part: bool = False):
        self.title, self.unit, self.is_part = title, unit, is_part
        self.began = self.shown = time.monotonic()
        self.lines, self.before = 0, None

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if self.before is None:
            self.before = known_before(done)
        is_soon = now - self.shown < LINE_SECONDS
        if (done == 1 or is_soon) if done < total else (self.is_part and is_soon and not self.lines):
            return
        self.shown, self.lines = now, self.lines + 1
        fps = (done - self.before) / max(now - self.began, 1e-9)
        known = done < total and self.lines > 1
        left = f", {duration_text((total - done) / max(fps, 1e-9))} left" if known else ""
        note = f", {note}" if note else ""
        line = f"{self.title}: {self.unit} {done} of {total}, {fps:.1f} {self.unit}s/s{left}{note}"
        print(line, file=sys.stderr, flush=True)

    def stage(self, title: str) -> Lines:
        """Lines for a part of the work; none if it is done at once."""
        return Lines(title, self.unit, is_part=True)


def known_before(done: int) -> int:
    """How many frames were there before the run, if its first report is of `done`."""
    return done if done > 1 else 0


class Bar:
    """A bar in a terminal, which is gone when all is done; parts of the work have one below it."""

    def __init__(self, bars: Any, title: str, is_whole: bool):
        self.bars, self.title, self.is_whole = bars, title, is_whole
        self.began = time.monotonic()
        self.task = self._task() if is_whole else None  # a part may have nothing to tell
        self.before: int | None = None

    def _task(self) -> Any:
        return self.bars.add_task(self.title, total=None, fps="…", note="")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        if self.before is None:
            self.before = known_before(done)
        if self.task is None:
            self.task = self._task()
        fps = (done - self.before) / max(time.monotonic() - self.began, 1e-9)
        is_over = done == total and not self.is_whole
        self.bars.update(
            self.task, completed=done, total=total, fps=f"{fps:.1f}", note=note, visible=not is_over
        )

    def stage(self, title: str) -> Bar:
        """A bar for a part of the work."""
        return Bar(self.bars, title, is_whole=False)


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn(f"{{task.fields[fps]}} {unit}s/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bar(bars, title, is_whole=True)


@contextmanager
def transfers(quiet: bool) -> Iterator[Callable[[str, int, int | None], None] | None]:
    """A function of (file name, bytes so far, bytes in all or None) that shows how far a transfer is."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _transfer_bar() as show:
            yield show
    else:
        yield TransferLines()


class TransferLines:
    """A line for each file as it begins and ends, and every few seconds in between."""

    def __init__(self) -> None:
        self.name, self.shown = "", 0.0

    def __call__(self, name: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if name == self.name and done != total and now - self.shown < LINE_SECONDS:
            return
        self.name, self.shown = name, now
        whole = f" of {size_text(total)}" if total else ""
        print(f"fetching {name}: {size_text(done)}{whole}", file=sys.stderr, flush=True)


@contextmanager
def _transfer_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(f"fetching {name}", total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def duration_text(seconds: float) -> str:
    """`8 s`, `2 min 05 s`, `1 h 12 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size_text(count: int) -> str:
    """A number of bytes for people: `640 kB`, `1.9 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
