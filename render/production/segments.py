"""A film cut into segments: runs of frames that are drawn and encoded by themselves, in any order, anywhere.

A segment is a pure function of its number: it begins with a batch and with key frames of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from render.timeline import Clock

SEGMENT_FRAMES = 320  # a multiple of every usual batch size; 13 s at 25 frames a second

Shown = tuple[int, tuple[Fraction, ...]]  # a frame's index at the first of the rates that show it, and these


@dataclass(frozen=True)
class Segment:
    """A run of the schedule.

    number    0, 1, 2 … in order of time
    schedule  what is drawn
    """

    number: int
    schedule: tuple[Shown, ...]

    def __len__(self) -> int:
        return len(self.schedule)

    def count(self, fps: Fraction) -> int:
        """How many of its frames are shown at a rate."""
        return sum(fps in rates for _, rates in self.schedule)

    @property
    def rates(self) -> tuple[Fraction, ...]:
        """The rates that show something of it."""
        return tuple(dict.fromkeys(fps for _, rates in self.schedule for fps in rates))


def cut(schedule: list[Shown], length: int = SEGMENT_FRAMES) -> tuple[Segment, ...]:
    """The schedule in segments of `length` moments; the last one may be shorter."""
    starts = range(0, len(schedule), length)
    return tuple(
        Segment(number, tuple(schedule[start : start + length])) for number, start in enumerate(starts)
    )


def schedule_of(clocks: Iterable[Clock]) -> list[Shown]:
    """What to draw, in order of time, for the same clip at several rates.

    A moment that several rates show (every second frame of 25 a second is one of 12.5) is drawn once.
    """
    shown: dict[Fraction, tuple[int, list[Fraction]]] = {}
    for clock in clocks:
        for index in range(clock.frame_count):
            shown.setdefault(clock.seconds(index), (index, []))[1].append(clock.fps)
    return [(index, tuple(rates)) for _, (index, rates) in sorted(shown.items())]
