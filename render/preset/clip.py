"""The section `clip`: length, rate, tempo, markers and sound."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ModelWrapValidatorHandler

from render.errors import EncodingError, PresetError
from render.timeline import Clock, Term, Time, marker_name, parse_time

from .beats import DETECT, BeatTimes, heard
from .folder import current_folder
from .mistakes import Mistake, Place, carried, shown
from .part import Part
from .sound import Sound
from .values import Flag, FrameRate, Tempo, TimeValue, leaf

_MAX_SECONDS = 24 * 3600
_MAX_MARKERS = 1000
_EARLY = Fraction(3, 100)  # seconds: so much before the start a beat is still the first one


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


Markers = Annotated[dict[str, Time], *leaf(read_markers, {"$ref": "#/definitions/markers"})]


class Clip(Part):
    """Length, rate, tempo, markers and sound of the clip."""

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
        description="In place of bpm: seconds in a list, or in a file, or detect: found in the sound.",
    )
    markers: Markers | None = Field(
        default=None, description="Names for moments, such as {drop: 16b}, used wherever a time is written."
    )
    audio: Sound | None = Field(
        default=None, description="The sound, of all films and for formulas: a file, or {file, start, fade}."
    )
    loop: Flag = Field(default=False, description="Whether the end runs into the start, and the walk closes.")

    @classmethod
    def _attempt(
        cls, data: Mapping, handler: ModelWrapValidatorHandler[Self]
    ) -> tuple[Self | None, list[Mistake]]:
        return super()._attempt(data, lambda data: cls._listened(handler(data)))

    @classmethod
    def _listened(cls, clip: Self) -> Self:
        """A clip that was just built, with the beats that are to be found in its sound."""
        if clip.beats is not None and clip.beats.file == DETECT:
            if clip.audio is None:
                text = (
                    "detect finds the beats of the clip's sound: give clip.audio, for example audio: song.mp3"
                )
                raise carried([Mistake(("beats",), text)])
            try:
                clip.__dict__["beats"] = heard(clip.beats, clip.audio, clip.bpm)
            except (EncodingError, PresetError) as error:
                raise carried([Mistake(("audio",), str(error))]) from None
            except ValueError as error:
                raise carried([Mistake(("beats",), str(error))]) from None
        return clip

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
            # Beside detect a tempo says which one is looked for.
            useless = ("offset",) if self.beats.file == DETECT else ("bpm", "offset")
            given = [name for name in useless if name in self.model_fields_set]
            text = "has no meaning beside clip.beats, which says when every beat falls"
            mistakes += [Mistake((name,), text, at_key=True) for name in given]
        mistakes += self._start_mistakes()
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
        found = self.audio.timing_mistakes(self.clock) if self.audio else []
        return [*(mistake.within("audio") for mistake in found), *self._marker_mistakes()]

    def _start_mistakes(self) -> list[Mistake]:
        """Where the sound cannot begin; what lies in beats may depend on it."""
        if self.audio is None:
            return []
        try:
            self.audio.resolved(current_folder())
        except PresetError as error:
            return [Mistake(("audio",), str(error))]
        if self.audio.start.units - {"s", "f"}:
            text = f"{self.audio.start} depends on the clip itself; write seconds or frames"
            return [Mistake(("audio", "start"), text)]
        if self.beats is not None and len(self.beat_times) < 2:
            text = f"there are no two beats from {self.audio.start} on, where the clip begins in the sound"
            return [Mistake(("beats",), text)]
        return []

    def _marker_mistakes(self) -> list[Mistake]:
        clock, mistakes = self.clock, []
        for name, time in (self.markers or {}).items():
            try:
                clock.resolve(Time((Term(Fraction(1), name),)))
            except ValueError as error:
                mistakes.append(Mistake(("markers", name), f"{time}: {error}"))
        return mistakes

    @property
    def audio_start(self) -> Fraction:
        """The second of the sound at which the clip begins."""
        return Clock(Fraction(1), self.fps).length(self.audio.start) if self.audio else Fraction(0)

    @property
    def beat_times(self) -> tuple[Fraction, ...]:
        """The seconds of the clip at which given beats fall; a file speaks of the sound, if there is one."""
        if self.beats is None or self.beats.file is None or self.audio is None:
            return self.beats.seconds if self.beats else ()
        start = self.audio_start
        return tuple(time - start for time in self.beats.seconds if time - start >= -_EARLY)

    @property
    def clock(self) -> Clock:
        """The clock of this clip."""
        return Clock(
            duration=self._seconds(self.duration),
            fps=self.fps,
            loop=self.loop,
            **self._tempo,
            offset=self._seconds(self.offset),
            **({"markers": tuple(self.markers.items())} if self.markers else {}),
        )

    @property
    def _tempo(self) -> dict[str, Any]:
        return {"beat_times": self.beat_times} if self.beats else {"bpm": self.bpm}

    def _seconds(self, time: Time) -> Fraction:
        return Clock(Fraction(1), self.fps, **self._tempo).length(time)
