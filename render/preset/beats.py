"""Beats as a preset gives them: a list, a file, or the word that has them found in the clip's sound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from render.errors import EncodingError, PresetError
from render.reach import placed
from render.timeline import exact_text, parse_beats, read_beat
from render.timeline.beats import MOST_BEATS, GivenBeats

from .folder import current_folder
from .mistakes import gather, shown
from .sound import Sound
from .values import leaf

DETECT = "detect"
_MAX_BYTES = 4_000_000


@dataclass(frozen=True)
class Beats:
    """When the beats of a piece of music fall.

    Attributes:
        seconds: of every beat, rising.
        file: where they were read from, as written, or `detect`; None where they stand in the preset.
        found_in: the sound they were found in, as written, and the tempo that was looked for.
    """

    seconds: tuple[Fraction, ...]
    file: str | None = None
    found_in: tuple[str, Fraction | None] | None = None

    def as_data(self) -> Any:
        """As a preset file writes it."""
        return self.file or [_plain(seconds) for seconds in self.seconds]


def read_beats(value: Any) -> Beats:
    """Beats from a list of seconds, or from a file with one time in seconds a line; `#` begins a comment.

    A relative file starts from `current_folder()`. `detect` has no times yet: see `heard`.

    Raises:
        ValueError: the file can't be read, or something is no rising list of times; a ValidationError
            carries the mistakes of a list.
    """
    if isinstance(value, Beats):
        return value
    if isinstance(value, str) and value.strip() == DETECT:
        return Beats((), DETECT)
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
        if path.exists() and not path.is_file():  # a device has no end, a pipe no beginning
            raise ValueError("it is no file")
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


def heard(beats: Beats, sound: Sound, bpm: Fraction | None) -> Beats:
    """`detect` with the beats that are found in a sound; a relative one starts from `current_folder()`.

    bpm: about how many there are a minute, where that is known.

    Raises:
        EncodingError: there is no such sound; PresetError: it is out of reach.
        ValueError: they cannot be found.
    """
    if beats.found_in == (sound.file, bpm):
        return beats
    from render.sound import beats_of

    path = sound.resolved(current_folder())
    try:
        return Beats(beats_of(path, bpm).seconds, DETECT, (sound.file, bpm))
    except EncodingError as error:
        raise EncodingError(str(error).replace(str(path), sound.file)) from None


BeatTimes = Annotated[Beats, *leaf(read_beats, {"$ref": "#/definitions/beats"})]
