"""The files a preset asks for, one class per kind of file, chosen by the extension."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Annotated, Any, ClassVar

from pydantic import Field

from render.timeline import nearest, nearest_gif_rate

from .mistakes import Mistake, Place, carried, gather, shown
from .part import Part
from .values import Flag, FrameRate, Text, choice, number, whole

_SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


class Output(Part):
    """What every kind of file has in common."""

    section: ClassVar[Place] = ("outputs",)
    shorthand: ClassVar[str | None] = "file"
    example: ClassVar[str] = "{file: morph.mp4}"

    file: Text = Field(description="Name of the file; its extension says what kind it is.")
    fps: FrameRate | None = Field(default=None, description="Frames a second, if not the clip's.")
    width: Annotated[int, *whole(16, 16384)] | None = Field(
        default=None, description="Width in pixels; the height follows. Default: as rendered."
    )

    def rate(self, clip_fps: Fraction) -> Fraction:
        """Frames a second of the file, exact."""
        return self.fps or clip_fps


class VideoOutput(Output):
    """An H.264 video in an MP4 or MOV file."""

    crf: Annotated[int, *whole(0, 51)] = Field(
        default=17, description="Quality: 0 is lossless, 17 looks lossless, 28 is small."
    )
    speed: Annotated[str, *choice(*_SPEEDS)] = Field(
        default="medium", description="How long the encoder thinks: slower makes smaller files."
    )


class GifOutput(Output):
    """An animated GIF, whose frames last whole hundredths of a second."""

    colors: Annotated[int, *whole(2, 256)] = Field(
        default=256, description="Colours in each frame's palette."
    )
    dither: Annotated[float, *number(0, 1)] = Field(
        default=0.6, description="How strongly missing colours are mixed from dots of others: 0 none, 1 most."
    )
    loop: Flag = Field(default=True, description="Whether the GIF plays again and again.")

    def rate(self, clip_fps: Fraction) -> Fraction:
        """Frames a second of the file: the nearest rate not above the asked one that a GIF can keep."""
        return nearest_gif_rate(self.fps or clip_fps)


FORMATS: dict[str, type[Output]] = {".mp4": VideoOutput, ".mov": VideoOutput, ".gif": GifOutput}


def read_output(value: Any) -> Output:
    """The output written as `value`: a file name, or a mapping with `file` in it.

    Raises:
        ValueError: one mistake, or a ValidationError that carries many with their places.
    """
    if isinstance(value, Output):
        return value
    if not isinstance(value, str | Mapping):
        raise ValueError(
            f"an output is a file name or a mapping such as {Output.example}, not {shown(value)}"
        )
    is_name = isinstance(value, str)
    file = value if is_name else value.get("file")
    if not isinstance(file, str):
        return Output.model_validate(value)  # a missing or wrong `file`: explained there
    suffix = PurePath(file.strip()).suffix.lower()
    if suffix not in FORMATS:
        near = nearest(suffix, FORMATS) if suffix else None
        hint = f"; did you mean {PurePath(file.strip()).with_suffix(near)}?" if near else ""
        text = f"{shown(file)} has {f'the unknown extension {suffix}' if suffix else 'no extension'}"
        place = () if is_name else ("file",)
        raise carried([Mistake(place, f"{text}; known: {', '.join(FORMATS)}{hint}")])
    return FORMATS[suffix].model_validate(value)


def read_outputs(value: Any) -> tuple[Output, ...]:
    """All outputs: a list, or a single one. Raises as `read_output` does."""
    if not isinstance(value, list | tuple):
        return (read_output(value),)
    return tuple(gather((((index,), item) for index, item in enumerate(value)), read_output))
