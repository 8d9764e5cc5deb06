"""The section `clip`: length, rate, tempo and markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import Field

from render.errors import PresetError
from render.reach import placed
from render.timeline import (
    Clock,
    Term,
    Time,
    exact_text,
    marker_name,
    parse_beats,
    parse_time,
    read_beat,
)
from render.timeline.beats import MOST_BEATS, GivenBeats

from .folder import current_folder
from .mistakes import Mistake, Place, carried, gather, shown
from .part import Part
from .values import Flag, FrameRate, Tempo, TimeValue, leaf

_MAX_SECONDS = 24 * 3600
_MAX_BYTES = 4_000_000
_MAX_MARKERS = 1000


@dataclass(frozen=True)
class Beats:
    """When the beats of a piece of music fall.

    Attributes:
        seconds: of every beat, rising.
        file: where they were read from, as written; None where they stand in the preset.
    """

    seconds: tuple[Fraction, ...]
    file: str | None = None

    def as_data(self) -> Any:
        """As a preset file writes it."""
        return self.file or [_plain(seconds) for seconds in self.seconds]


def read_beats(value: Any) -> Beats:
    """Beats from a list of seconds, or from a file with one time in seconds a line; `#` begins a comment.

    A relative file starts from `current_folder()`.

    Raises:
        ValueError: the file can't be read, or something is no rising list of times; a ValidationError
            carries the mistakes of a list.
    """
    if isinstance(value, Beats):
        return value
    if isinstance(value, str) and value.strip():
        return Beats(_beats_in(value.strip()), value.strip())
    if not isinstance(value, list | tuple):
        raise ValueError(
            f"beats are a file with a time a line, or a list such as [0.31, 0.82], not {shown(value)}"
        )
    times = gather((((index,), item) for index, item in enumerate(value[: MOST_BEATS + 1])), read_beat)
    return Beats(GivenBeats(tuple(times)).times)


def _beats_in(file: str) -> tuple[Fraction, ...]:
    try:
        path = placed(current_folder(), file)
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES // 10**6} MB, too large for a list of beats")
        return parse_beats(path.read_text("utf-8-sig"))
    except PresetError as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ValueError(f"cannot read the beats in {file}: {why}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no text; beats are a file with one time in seconds a line") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _plain(number: Fraction) -> int | float | str:
    text = exact_text(number)
    return text if "/" in text else int(text) if number.denominator == 1 else float(text)


def read_markers(value: Any) -> dict[str, Time]:
    """Names for moments. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, Mapping):
        raise ValueError(f"markers are names with their times, such as {{drop: 16b}}, not {shown(value)}")
    if len(value) > _MAX_MARKERS:
        raise ValueError(f"at most {_MAX_MARKERS} markers, not {len(value)}")
    markers, mistakes = {}, []
    for name, time in value.items():
        for read, written, at_key in ((marker_name, name, True), (parse_time, time, False)):
            try:
                markers[name] = read(written)
            except ValueError as error:
                mistakes.append(Mistake((name,), str(error), at_key))
    if mistakes:
        raise carried(mistakes)
    return markers


BeatTimes = Annotated[Beats, *leaf(read_beats, {"$ref": "#/definitions/beats"})]
Markers = Annotated[dict[str, Time], *leaf(read_markers, {"$ref": "#/definitions/markers"})]


class Clip(Part):
    """Length, rate, tempo and markers of the clip."""

    section: ClassVar[Place] = ("clip",)
    example: ClassVar[str] = "{duration: 8s, fps: 30}"

    duration: TimeValue = Field(description="How long the clip lasts, such as 8s, 240f or 16b.")
    fps: FrameRate = Field(
        default=Fraction(30), description="Frames a second; a ratio such as 24000/1001 is exact."
    )
    bpm: Tempo | None = Field(default=None, description="Beats a minute, which give the unit b its meaning.")
    offset: TimeValue = Field(default=Time(), description="When beat 0 falls, such as 0.25s.")
    beats: BeatTimes | None = Field(
        default=None,
        description="In place of bpm: when each beat falls, as a list of seconds or a file with one a line.",
    )
    markers: Markers | None = Field(
        default=None, description="Names for moments, such as {drop: 16b}, used wherever a time is written."
    )
    loop: Flag = Field(default=False, description="Whether the end runs into the start, and the walk closes.")

    def conflicts(self) -> list[Mistake]:
        mistakes = [
            Mistake((name,), f"{time} depends on the clip itself; write seconds, frames{more}")
            for name, time, known, more in (
                ("duration", self.duration, {"s", "f", "b"}, " or beats"),
                ("offset", self.offset, {"s", "f"}, ""),
            )
            if time.units - known
        ]
        if self.beats is not None:
            given = [name for name in ("bpm", "offset") if name in self.model_fields_set]
            text = "has no meaning beside clip.beats, which says when every beat falls"
            mistakes += [Mistake((name,), text, at_key=True) for name in given]
        if mistakes:
            return mistakes
        try:
            seconds = self._seconds(self.duration)
        except ValueError as error:
            return [Mistake(("duration",), f"{self.duration}: {error}")]
        if not 0 < seconds <= _MAX_SECONDS:
            return [
                Mistake(("duration",), f"a clip lasts more than 0 s and at most a day, not {self.duration}")
            ]
        return self._marker_mistakes()

    def _marker_mistakes(self) -> list[Mistake]:
        clock, mistakes = self.clock, []
        for name, time in (self.markers or {}).items():
            try:
                clock.resolve(Time((Term(Fraction(1), name),)))
            except ValueError as error:
                mistakes.append(Mistake(("markers", name), f"{time}: {error}"))
        return mistakes

    @property
    def clock(self) -> Clock:
        """The clock of this clip."""
        return Clock(
            duration=self._seconds(self.duration),
            fps=self.fps,
            loop=self.loop,
            bpm=self.bpm,
            offset=self._seconds(self.offset),
            **({"beat_times": self.beats.seconds} if self.beats else {}),
            **({"markers": tuple(self.markers.items())} if self.markers else {}),
        )

    def _seconds(self, time: Time) -> Fraction:
        more = {"beat_times": self.beats.seconds} if self.beats else {}
        return Clock(Fraction(1), self.fps, bpm=self.bpm, **more).length(time)
