"""Time: the way people write it (`end-1s`, `4b+12f`) and the clock that gives every frame an exact moment.

How frames lie in a clip of N = round(duration · fps) frames (halves round up, at least 1):

* `loop: true`: frame n shows the moment n · duration / N. That is n / fps whenever the clip is a whole
  number of frames. 100 % is 0 % again, and no moment is shown twice.
* otherwise frame n shows n · duration / (N − 1): the first frame is 0 %, the last is 100 %, and the steps
  between them are equal.

The file lasts N / fps either way. While frame n is on the screen, from n / fps to (n + 1) / fps, the clip
passes the moment that the frame shows (where the duration is a whole number of frames). So any two rates
agree to within one frame at every second, and a cut on a whole frame k < N happens exactly at frame k.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from .spelling import did_you_mean

UNITS: dict[str, str] = {
    "s": "seconds",
    "f": "frames",
    "b": "beats",
    "%": "of the clip",
}
ANCHORS: dict[str, str] = {"end": "the end of the clip"}
_UNIT_HELP = "units are s (seconds), f (frames), b (beats), % (of the clip); end is its end"
_TERM = re.compile(r"\s*([+-])?\s*((?:\d+(?:\.\d*)?|\.\d+)(?:\s*/\s*[1-9]\d*)?)?\s*(%|[^\W\d][\w]*)?\s*")
_MAX_TEXT = 100


@dataclass(frozen=True)
class Term:
    """One part of a time: an exact amount of a unit (`2s`), or an anchor (`end`) taken `amount` times."""

    amount: Fraction
    unit: str

    def __str__(self) -> str:
        if self.unit in UNITS:
            return f"{exact_text(self.amount)}{self.unit}"
        return self.unit if self.amount > 0 else f"-{self.unit}"


@dataclass(frozen=True)
class Time:
    """A moment or a length as written: a sum of terms. No terms is 0. `Clock` turns it into seconds."""

    terms: tuple[Term, ...] = ()

    @property
    def units(self) -> frozenset[str]:
        """The units and anchors it is written in."""
        return frozenset(term.unit for term in self.terms)

    def __str__(self) -> str:
        text = ""
        for term in self.terms:
            text += str(term) if not text or term.amount < 0 else f"+{term}"
        return text or "0s"


def parse_time(value: str | int | Time) -> Time:
    """The time written as `value`: `2s`, `48f`, `4b`, `50%`, `end`, 0, or a sum such as `end-1s`.

    Amounts are decimals or ratios (`1/3b`) and stay exact.

    Raises:
        ValueError: a number without a unit, an unknown unit, or text that is not a sum of terms.
    """
    if isinstance(value, Time):
        return value
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
        return _bare(str(value), value == 0)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a time is written like 2s, 48f, 4b, 50% or end-1s; {_UNIT_HELP}")
    if len(value) > _MAX_TEXT:
        raise ValueError(f"a time of {len(value)} characters is too long; at most {_MAX_TEXT}")
    terms: list[Term] = []
    at = 0
    while at < len(value):
        match = _TERM.match(value, at)
        if match is None or match.end() == at or (at > 0 and match[1] is None) or not (match[2] or match[3]):
            raise ValueError(f"cannot read the time {value!r}; write sums such as end-1s or 4b+12f")
        terms.append(_term(match, value))
        at = match.end()
    if len(terms) == 1 and terms[0].amount == 0:
        return Time()
    return Time(tuple(term for term in terms if term.amount != 0))


def _term(match: re.Match[str], text: str) -> Term:
    sign, number, unit = match.groups()
    amount = -Fraction(1) if sign == "-" else Fraction(1)
    if unit is None:
        value = Fraction(number.replace(" ", ""))
        _bare(number, value == 0)
        return Term(Fraction(0), "s")
    if number is None:
        if unit in ANCHORS:
            return Term(amount, unit)
        if unit in UNITS:
            raise ValueError(f"{text!r} has no number before {unit!r}; write for example 2{unit}")
        raise ValueError(f"unknown time {text!r}{_near(unit)}; {_UNIT_HELP}")
    if unit in ANCHORS:
        raise ValueError(f"{unit!r} takes no number: write {unit}, or for example {unit}-1s, not {text!r}")
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r} in {text!r}; {_UNIT_HELP}")
    return Term(amount * Fraction(number.replace(" ", "")), unit)


def _near(word: str) -> str:
    return did_you_mean(word, ANCHORS, limit=0)


def _bare(text: str, zero: bool) -> Time:
    if not zero:
        raise ValueError(f"{text} has no unit: write {text}s, {text}f, {text}b or {text}%; {_UNIT_HELP}")
    return Time()


def exact_text(number: Fraction) -> str:
    """The shortest exact text of a number: `8`, `0.25`, or a ratio where decimals have no end."""
    twos_and_fives = number.denominator
    for prime in (2, 5):
        while twos_and_fives % prime == 0:
            twos_and_fives //= prime
    if twos_and_fives != 1:
        return f"{number.numerator}/{number.denominator}"
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(int(number * 10**digits))).rjust(digits + 1, "0")
    text = whole if digits == 0 else f"{whole[:-digits]}.{whole[-digits:]}"
    return f"-{text}" if number < 0 else text


@dataclass(frozen=True)
class Clock:
    """Duration and rate of a clip: which moment each frame shows, and what written times mean.

    Attributes:
        duration: length of the clip in seconds, above 0.
        fps: frames a second, exact.
        loop: whether 100 % is 0 % again.
        bpm: beats a minute; without it the unit b has no meaning.
        offset: seconds at which beat 0 falls.
        frame_unit: frames a second that the unit f stands for; stays when `with_fps` changes the rate.
    """

    duration: Fraction
    fps: Fraction = Fraction(30)
    loop: bool = False
    bpm: Fraction | None = None
    offset: Fraction = Fraction(0)
    frame_unit: Fraction | None = None

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.fps <= 0 or (self.bpm is not None and self.bpm <= 0):
            raise ValueError("the duration, the frame rate and the beats a minute of a clip are above 0")

    @property
    def frame_count(self) -> int:
        """Number of frames: duration · fps to the nearest whole number, at least 1."""
        return max(1, math.floor(self.duration * self.fps + Fraction(1, 2)))

    def seconds(self, frame_index: int) -> Fraction:
        """The moment frame `frame_index` shows, exactly; 0 to duration.

        Raises:
            IndexError: the clip has no such frame.
        """
        return self.progress(frame_index) * self.duration

    def progress(self, frame_index: int) -> Fraction:
        """The moment frame `frame_index` shows as a part of the clip, 0 to 1."""
        count = self.frame_count
        if not 0 <= frame_index < count:
            raise IndexError(f"frame {frame_index} is not in this clip: its frames are 0 to {count - 1}")
        return Fraction(frame_index, count if self.loop else max(1, count - 1))

    def resolve(self, time: Time) -> Fraction:
        """The moment `time` in seconds from the start of the clip; it may lie outside the clip.

        A time that begins with beats counts from beat 0, which falls at `offset`; after another term
        beats are a length (`end-1b`).

        Raises:
            ValueError: beats in a clip without bpm.
        """
        anchored = bool(time.terms) and time.terms[0].unit == "b"
        return self.length(time) + (self.offset if anchored else 0)

    def length(self, time: Time) -> Fraction:
        """`time` as a length in seconds: beats are counted without the offset.

        Raises:
            ValueError: beats in a clip without bpm.
        """
        return sum((term.amount * self._unit_seconds(term.unit) for term in time.terms), Fraction(0))

    def with_fps(self, fps: Fraction) -> Clock:
        """The same clip at another frame rate: every written time keeps its second, `48f` included."""
        return replace(self, fps=fps, frame_unit=self.frame_unit or self.fps)

    def frames(self, seconds: float) -> float:
        """`seconds` in the unit f."""
        return seconds * float(self.frame_unit or self.fps)

    def beats(self, seconds: float) -> float:
        """`seconds` as a beat number; beat 0 falls at `offset`. Raises ValueError without bpm."""
        return (seconds - float(self.offset)) / float(self._unit_seconds("b"))

    def _unit_seconds(self, unit: str) -> Fraction:
        if unit == "b" and self.bpm is None:
            raise ValueError("beats need a tempo: give clip.bpm, for example bpm: 120")
        return {
            "s": Fraction(1),
            "f": 1 / (self.frame_unit or self.fps),
            "b": 60 / self.bpm if self.bpm else Fraction(0),
            "%": self.duration / 100,
            "end": self.duration,
        }[unit]
