"""The sound of a clip, or of one film: a file, where in it the clip begins, and how it ends."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from render.reach import placed
from render.timeline import Clock, parse_time

from .mistakes import Mistake, Place
from .part import Part
from .values import Text, TimeValue, leaf


class Sound(Part):
    """The sound to a clip, trimmed to its length."""

    section: ClassVar[Place] = ("outputs", "audio")
    shorthand: ClassVar[str | None] = "file"
    example: ClassVar[str] = "{file: song.mp3, start: 10s, fade: 1s}"

    file: Text = Field(description="A file with sound, from the preset's folder on.")
    start: TimeValue = Field(default=parse_time(0), description="The time in it at which the clip begins.")
    fade: TimeValue = Field(default=parse_time(0), description="How long it fades out at the end.")

    def resolved(self, base_dir: Path) -> Path:
        """The file, a relative one from `base_dir`. Raises PresetError: it is out of reach."""
        return placed(base_dir, self.file, shipped=True)  # it is only read

    def seconds(self, clock: Clock) -> tuple[Fraction, Fraction]:
        """Where it starts and how long it fades. Raises ValueError: such a time has no length here."""
        return clock.length(self.start), clock.length(self.fade)

    def timing_mistakes(self, clock: Clock) -> list[Mistake]:
        """Times that cannot be told in seconds, or are negative."""
        found = []
        for name in ("start", "fade"):
            try:
                if clock.length(getattr(self, name)) < 0:
                    found.append(Mistake((name,), "this is a time from 0s on"))
            except ValueError as error:
                found.append(Mistake((name,), str(error)))
        return found


def _read_sound(value: Any) -> Sound | bool:
    """A sound, or false for none. Raises ValueError, or a ValidationError that carries mistakes."""
    if value is False:
        return False
    if value is True:
        raise ValueError("a sound is a file such as song.mp3; false is silence")
    return Sound.model_validate(value)


FilmSound = Annotated[
    Sound | bool,
    *leaf(_read_sound, {"anyOf": [{"$ref": "#/definitions/Sound"}, {"const": False}]}),
]
