"""The section `clip`: length, rate and tempo."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from render.timeline import Clock, Time

from .mistakes import Mistake, Place
from .part import Part
from .values import Flag, FrameRate, Tempo, TimeValue

_MAX_SECONDS = 24 * 3600


class Clip(Part):
    """Length, rate and tempo of the clip."""

    section: ClassVar[Place] = ("clip",)
    example: ClassVar[str] = "{duration: 8s, fps: 30}"

    duration: TimeValue = Field(description="How long the clip lasts, such as 8s, 240f or 16b.")
    fps: FrameRate = Field(
        default=Fraction(30), description="Frames a second; a ratio such as 24000/1001 is exact."
    )
    bpm: Tempo | None = Field(default=None, description="Beats a minute, which give the unit b its meaning.")
    offset: TimeValue = Field(default=Time(), description="When beat 0 falls, such as 0.25s.")
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
        return []

    @property
    def clock(self) -> Clock:
        """The clock of this clip."""
        return Clock(
            duration=self._seconds(self.duration),
            fps=self.fps,
            loop=self.loop,
            bpm=self.bpm,
            offset=self._seconds(self.offset),
        )

    def _seconds(self, time: Time) -> Fraction:
        return Clock(Fraction(1), self.fps, bpm=self.bpm).length(time)
