"""The clock of a clip: it gives every frame an exact moment, and written times their seconds.

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
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

from .beats import Beats, GivenBeats, SteadyBeats, whole_beats
from .spelling import did_you_mean, nearest
from .times import ANCHORS, UNITS, Term, Time

_DEEPEST = 40  # markers that a marker may refer to, one through the other
_NO_MARKERS = "; give it a place under clip.markers, for example markers: {drop: 16b}"


class Levels(Protocol):
    """What knows how loud the sound in a file is: a value, equal to another of the same sound."""

    file: Any

    def check(self) -> None:
        """Raises ValueError where the sound cannot be read."""

    def at(self, band: str, seconds: Any) -> Any:
        """The level of a band (low, mid, high) at a moment or at an array of moments, 0 to 1."""


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
        beat_times: where the beats fall, in seconds, instead of bpm and offset; two or more, rising.
        markers: (name, time) pairs; a marker may be written with others.
        levels: how loud the clip's sound is.

    Raises:
        ValueError: a number that must be above 0 is not, or both bpm and beat_times are given.
    """

    duration: Fraction
    fps: Fraction = Fraction(30)
    loop: bool = False
    bpm: Fraction | None = None
    offset: Fraction = Fraction(0)
    frame_unit: Fraction | None = None
    beat_times: tuple[Fraction, ...] = ()
    markers: tuple[tuple[str, Time], ...] = ()
    levels: Levels | None = None

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.fps <= 0 or (self.bpm is not None and self.bpm <= 0):
            raise ValueError("the duration, the frame rate and the beats a minute of a clip are above 0")
        if self.beat_times:
            GivenBeats(self.beat_times)
            if self.bpm is not None or self.offset:
                raise ValueError("a clip has a tempo (bpm, offset) or a list of beats, not both")

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

        A time that begins with beats counts from beat 0; after another term beats are counted from the
        moment reached so far (`end-1b`, `drop+2b`).

        Raises:
            ValueError: beats in a clip without a tempo, an unknown marker, or markers that go in a circle.
        """
        return self._resolved(time, ())

    def length(self, time: Time) -> Fraction:
        """`time` as a length in seconds: beats are counted without the offset; of a list of beats the mean
        interval counts (`after` is exact there).

        Raises:
            ValueError: as `resolve`.
        """
        return sum((self._term_seconds(term, ()) for term in time.terms), Fraction(0))

    def after(self, seconds: Fraction, time: Time) -> Fraction:
        """The moment that lies the length `time` after the moment `seconds`, counting real beats.

        Raises:
            ValueError: as `resolve`.
        """
        for term in time.terms:
            seconds = self._step(seconds, term, ())
        return seconds

    @cached_property
    def marker_seconds(self) -> dict[str, Fraction]:
        """Where each marker lies, in seconds. Raises ValueError if one of them has no moment."""
        return {name: self._marker(name, ()) for name, _ in self.markers}

    def with_fps(self, fps: Fraction) -> Clock:
        """The same clip at another frame rate: every written time keeps its second, `48f` included."""
        return replace(self, fps=fps, frame_unit=self.frame_unit or self.fps)

    def frames(self, seconds: float) -> float:
        """`seconds` in the unit f."""
        return seconds * float(self.frame_unit or self.fps)

    @property
    def has_tempo(self) -> bool:
        """Whether the unit b has a meaning."""
        return bool(self.bpm or self.beat_times)

    def beats(self, seconds: float) -> float:
        """`seconds` as a beat number; beat 0 falls at `offset`. Raises ValueError without a tempo."""
        return float(self._beats.beat_at(seconds))

    def beats_many(self, seconds: Any) -> Any:
        """The same for a NumPy array of seconds."""
        return self._beats.beats_at_many(seconds)

    def seconds_of_beat(self, beat: Fraction | float) -> Fraction | float:
        """The moment of a beat number, exact for a Fraction. Raises ValueError without a tempo."""
        return self._beats.seconds_of(beat)

    def beat_seconds(self) -> tuple[Fraction, ...]:
        """The moments of all whole beats within the clip, both ends counted; none without a tempo."""
        return tuple(whole_beats(self._beats, self.duration)) if self.has_tempo else ()

    def level(self, band: str, seconds: Any) -> Any:
        """How loud the clip's sound is in a band at `seconds`, a float or a NumPy array of floats: 0 to 1.

        Raises:
            ValueError: the clip has no sound, or it cannot be read.
        """
        if self.levels is None:
            raise ValueError(f"audio({band}) needs a sound: give clip.audio, for example audio: song.mp3")
        return self.levels.at(band, seconds)

    # --- what written times mean ------------------------------------------------------------------------

    @cached_property
    def _beats(self) -> Beats:
        if self.beat_times:
            return GivenBeats(self.beat_times)
        if self.bpm is None:
            raise ValueError("beats need a tempo: give clip.bpm, for example bpm: 120")
        return SteadyBeats(60 / self.bpm, self.offset)

    def _resolved(self, time: Time, through: tuple[str, ...]) -> Fraction:
        seconds = Fraction(0)
        for index, term in enumerate(time.terms):
            if index == 0 and term.unit == "b":
                seconds = self._beats.seconds_of(term.amount)
            else:
                seconds = self._step(seconds, term, through)
        return seconds

    def _step(self, seconds: Fraction, term: Term, through: tuple[str, ...]) -> Fraction:
        if term.unit == "b":
            return self._beats.seconds_of(self._beats.beat_at(seconds) + term.amount)
        return seconds + self._term_seconds(term, through)

    def _term_seconds(self, term: Term, through: tuple[str, ...]) -> Fraction:
        if term.unit not in UNITS and term.unit not in ANCHORS:
            return term.amount * self._marker(term.unit, through)
        one = {
            "s": Fraction(1),
            "f": 1 / (self.frame_unit or self.fps),
            "b": self._beats.interval if term.unit == "b" else None,
            "%": self.duration / 100,
            "end": self.duration,
        }[term.unit]
        return term.amount * one

    def _marker(self, name: str, through: tuple[str, ...]) -> Fraction:
        """Where a marker lies; `through`: the markers on the way to it, outermost first."""
        known = self._known_markers
        if name in known:
            return known[name]
        if name in through:
            circle = [*through[through.index(name) :], name]
            raise ValueError(f"markers go in a circle: {' → '.join(circle)}")
        written = self._written_markers.get(name)
        if written is None:
            names = [*self._written_markers, *ANCHORS]
            near = did_you_mean(name, names) if len(names) > 1 or nearest(name, names) else _NO_MARKERS
            raise ValueError(f"unknown time {name!r}{near}")
        if len(through) >= _DEEPEST:
            raise ValueError(f"marker {name!r} lies more than {_DEEPEST} markers deep")
        known[name] = self._resolved(written, (*through, name))
        return known[name]

    @cached_property
    def _written_markers(self) -> dict[str, Time]:
        return dict(self.markers)

    @cached_property
    def _known_markers(self) -> dict[str, Fraction]:
        return {}
