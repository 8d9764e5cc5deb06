"""Beats: where they fall in a clip, from a tempo or from a list of times (a beat tracker's, or tapped)."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Protocol

from .rates import exact_number, given_text

MOST_BEATS = 20_000
CLOSEST = Fraction(1, 100)  # seconds between two beats of a list
_FARTHEST = 1_000_000  # seconds


class Beats(Protocol):
    """What knows beats: numbers of beats (0 is the first one) to seconds and back, exact for Fractions."""

    interval: Fraction  # the length of a beat in seconds; of a list the mean

    def beat_at(self, seconds: Any) -> Any:
        """The beat number at `seconds`; a Fraction or a float, as `seconds` is."""

    def beats_at_many(self, seconds: Any) -> Any:
        """The same for a NumPy array of seconds."""

    def seconds_of(self, beat: Any) -> Any:
        """The moment of a beat number, which need not be whole."""


@dataclass(frozen=True)
class SteadyBeats:
    """Beats of one length: beat n falls at offset + n · interval."""

    interval: Fraction
    offset: Fraction = Fraction(0)

    def beat_at(self, seconds: Any) -> Any:
        return (seconds - self.offset) / self.interval

    def beats_at_many(self, seconds: Any) -> Any:
        return (seconds - float(self.offset)) / float(self.interval)

    def seconds_of(self, beat: Any) -> Any:
        return self.offset + beat * self.interval


@dataclass(frozen=True)
class GivenBeats:
    """Beats at given times; linear between them, and outside them at the nearest interval's pace.

    Raises:
        ValueError: fewer than two times, too many, or times that do not rise by a hundredth of a second.
    """

    times: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.times) <= MOST_BEATS:
            raise ValueError(f"a list of beats has 2 to {MOST_BEATS} times, not {len(self.times)}")
        for number, (earlier, later) in enumerate(pairwise(self.times), 1):
            if later - earlier < CLOSEST:
                raise ValueError(
                    f"beats rise by at least {float(CLOSEST)} s, but beat {number} at {float(later):g} s "
                    f"follows one at {float(earlier):g} s"
                )

    @property
    def interval(self) -> Fraction:
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)

    def beat_at(self, seconds: Any) -> Any:
        index = self._interval_of(bisect.bisect_right(self.times, seconds))
        start, end = self.times[index : index + 2]
        return index + (seconds - start) / (end - start)

    def beats_at_many(self, seconds: Any) -> Any:
        import numpy as np

        times = np.array([float(time) for time in self.times])
        index = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(times) - 2)
        return index + (seconds - times[index]) / (times[index + 1] - times[index])

    def seconds_of(self, beat: Any) -> Any:
        index = self._interval_of(math.floor(beat) + 1)
        start, end = self.times[index : index + 2]
        return start + (beat - index) * (end - start)

    def _interval_of(self, passed: int) -> int:
        return min(max(passed - 1, 0), len(self.times) - 2)


def parse_beats(text: str) -> tuple[Fraction, ...]:
    """The times in a beat file: one time in seconds a line (what follows it on the line is not read), and
    comments after `#`.

    Raises:
        ValueError: a line without a time, or beats that do not rise; names the line.
    """
    times = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(times) >= MOST_BEATS:
            raise ValueError(f"a list of beats has 2 to {MOST_BEATS} times; this file has more")
        try:
            time = read_beat(words[0])
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if times and time - times[-1] < CLOSEST:
            raise ValueError(
                f"line {number}: beats rise by at least {float(CLOSEST)} s, but {float(time):g} s "
                f"follows {float(times[-1]):g} s"
            )
        times.append(time)
    return GivenBeats(tuple(times)).times


def read_beat(value: object) -> Fraction:
    """One beat's time in seconds, exactly as its decimals say. Raises ValueError."""
    seconds = exact_number(value)
    if seconds is None or abs(seconds) > _FARTHEST:
        raise ValueError(f"a beat is a time in seconds such as 0.51, not {given_text(value)}")
    return seconds


def whole_beats(beats: Beats, duration: Fraction) -> Sequence[Fraction]:
    """The moments of all whole beats within [0, duration]."""
    first, last = math.ceil(beats.beat_at(Fraction(0))), math.floor(beats.beat_at(duration))
    return [beats.seconds_of(Fraction(number)) for number in range(first, last + 1)]
