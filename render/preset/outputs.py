"""The files a preset asks for, one class per kind of file, chosen by the extension."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Annotated, Any, ClassVar

from pydantic import Field, create_model

from render.timeline import nearest, nearest_gif_rate

from .formats import (
    CLEAR,
    CODECS,
    CONTAINERS,
    DITHER_PATTERN,
    DITHERS,
    ENCODERS,
    PALETTES,
    PLACES,
    VIDEO_CODECS,
    Codec,
    read_bitrate,
    read_budget,
    read_dither,
)
from .mistakes import Mistake, Place, carried, gather, shown
from .part import Part
from .sound import FilmSound
from .values import Color, Flag, FrameRate, Text, TimeValue, choice, leaf, number, whole

_SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_BUDGET = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(k|M|G|Ki|Mi|Gi)?B\s*$"}
_DITHER = {
    "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": DITHER_PATTERN}]
}
_BITRATE = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?[kM]\s*$"}

_WITH_TRANSPARENCY = ".webm, .mov (ProRes 4444), .mkv, .gif, .webp, .apng, .avif and numbered .png pictures"
# What other programs call these keys: the first word is one that this kind of file must have.
OTHER_WORDS = {
    **dict.fromkeys(("alpha", "transparency"), "transparent"),
    **dict.fromkeys(("quality", "qp", "cq"), "crf"),
    **dict.fromkeys(("rate", "framerate", "frame_rate"), "fps"),
    **dict.fromkeys(("name", "path", "filename", "out", "output"), "file"),
    **dict.fromkeys(("preset", "effort"), "speed"),
    **dict.fromkeys(("size", "resolution", "dimensions"), "width and height"),
    **dict.fromkeys(("aspect", "aspect_ratio", "ratio"), "width and height, with fit: crop or pad"),
    **dict.fromkeys(("max_size", "max_bytes", "filesize"), "budget"),
    **dict.fromkeys(("platform", "target", "place"), "for"),
    **dict.fromkeys(("sound", "music"), "audio"),
    **dict.fromkeys(("bit_depth", "depth"), "bits"),
    **dict.fromkeys(("thumbnail", "cover"), "poster"),
}
OTHER_FITS = {"contain": "pad", "letterbox": "pad", "cover": "crop", "fill": "stretch"}  # CSS's, mostly
OTHER_PLACES = {
    **dict.fromkeys(("twitter", "x.com", "tweet"), "x"),
    **dict.fromkeys(
        ("reels", "reel", "instagram", "instagram-story", "instagram-stories"), "instagram-reels"
    ),
    **dict.fromkeys(("instagram-post", "insta"), "instagram-feed"),
    **dict.fromkeys(("tik-tok", "tiktok.com"), "tiktok"),
    **dict.fromkeys(("website", "html", "browser"), "web"),
}
MOST_OUTPUTS = 100
NUMBERED = re.compile(r"%0?\d*d")  # in the name of numbered pictures: where the number stands
Side = Annotated[int, *whole(16, 16384)]


class Output(Part):
    """What every kind of file has in common."""

    section: ClassVar[Place] = ("outputs",)
    shorthand: ClassVar[str | None] = "file"
    example: ClassVar[str] = "{file: morph.mp4}"

    file: Text = Field(description="Name of the file; its extension says what kind it is.")
    fps: FrameRate | None = Field(default=None, description="Frames a second, if not the clip's.")
    width: Side | None = Field(
        default=None,
        description="Width in pixels; the height follows, unless it is given. Default: as rendered.",
    )
    height: Side | None = Field(
        default=None,
        description="Height in pixels; the width follows, unless it is given. Default: as rendered.",
    )
    scale: Annotated[float, *number(0.01, 16)] | None = Field(
        default=None, description="A factor on the size as rendered, instead of width and height."
    )
    fit: Annotated[str, *choice("pad", "crop", "stretch", **OTHER_FITS)] = Field(
        default="pad",
        description="Where width and height ask for another shape: pad with bars, crop, or stretch.",
    )
    background: Color = Field(default="#000000", description='Colour of the bars, "#rrggbb".')
    transparent: Flag = Field(
        default=False,
        description="Whether the file keeps the transparency of pictures with alpha, and has no background.",
    )
    budget: Annotated[str, *leaf(read_budget, _BUDGET)] | None = Field(
        default=None,
        description="The most that the file may take, such as 8 MB; quality is given up until it fits.",
    )
    poster: TimeValue | None = Field(
        default=None, description="Also write a PNG of the frame at this time, NAME-poster.png."
    )
    filmstrip: Annotated[int, *whole(2, 64)] | None = Field(
        default=None, description="Also write a PNG of so many frames side by side, NAME-strip.png."
    )

    def rate(self, clip_fps: Fraction) -> Fraction:
        """Frames a second of the file, exact."""
        return self.fps or clip_fps

    @property
    def kind(self) -> str:
        """The kind of file in a word or two, for people."""
        return PurePath(self.file).suffix.removeprefix(".").upper()

    @property
    def pixels_in_step(self) -> tuple[int, int]:
        """Columns and rows that share a colour: the file's width and height are multiples of them."""
        return 1, 1

    def framed(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Width and height asked for, where frames have the size `frame`."""
        width, height = frame
        if self.scale:
            return max(1, round(width * self.scale)), max(1, round(height * self.scale))
        if self.width and self.height:
            return self.width, self.height
        if self.width:
            return self.width, max(1, round(height * self.width / width))
        if self.height:
            return max(1, round(width * self.height / height)), self.height
        return frame

    def size(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the file's pictures, where frames have the size `frame`."""
        (width, height), (columns, rows) = self.framed(frame), self.pixels_in_step
        return width + -width % columns, height + -height % rows

    @classmethod
    def _in_words(cls, entry: Mapping, place: Place) -> Mistake:
        meant = OTHER_WORDS.get(str(place[-1])) if entry["type"] == "extra_forbidden" and place else None
        if meant and meant.split()[0] in cls.model_fields:
            return Mistake(place, f"unknown key; did you mean {meant}?", at_key=True)
        if entry["type"] == "extra_forbidden" and place and cls is not Output:
            others = [word for kind, word in _kinds().items() if place[-1] in kind.model_fields]
            if others:
                text = f"only for {' and '.join(others)}; this kind of file has no such key"
                return Mistake(place, text, at_key=True)
        return super()._in_words(entry, place)

    def conflicts(self) -> list[Mistake]:
        has_shape = self.width is not None and self.height is not None
        found = []
        if self.scale is not None and (self.width is not None or self.height is not None):
            text = "is a factor on the size as rendered; give it, or width and height"
            found.append(Mistake(("scale",), text, at_key=True))
        if "fit" in self.model_fields_set and not has_shape:
            found.append(Mistake(("fit",), "has a meaning only where width and height are both given"))
        elif "background" in self.model_fields_set and not (has_shape and self.fit == "pad"):
            text = "is the colour of bars: it needs width, height and fit: pad"
            found.append(Mistake(("background",), text))
        elif "background" in self.model_fields_set and self.transparent:
            found.append(
                Mistake(("background",), "is the colour of bars, which transparent: true leaves empty")
            )
        return found


_read_place, _PLACE = choice(*PLACES, **OTHER_PLACES)


def _place(value: Any) -> str:
    """The name of a place, which has no capitals here. Raises ValueError."""
    return _read_place.read(value.strip().lower() if isinstance(value, str) else value)


# `for` is one of Python's own words: a field of that name cannot be written as the others are.
_Posted = create_model(
    "_Posted",
    __base__=Output,
    **{
        "for": (
            Annotated[str, *leaf(_place, _PLACE.schema)] | None,
            Field(
                default=None, description="Where it will be posted; the file is made to fit what that takes."
            ),
        )
    },
)


class _Coded(Part):
    """What films and animated pictures have in common: a codec, and what that allows."""

    @property
    def coding(self) -> Codec:
        """The codec of the file, chosen or usual."""
        usual = self._clear if self.transparent and self._clear else self._possible
        return CODECS[getattr(self, "codec", None) or usual[0]]

    @property
    def pixels_in_step(self) -> tuple[int, int]:
        return self.coding.pixels_in_step

    @property
    def _possible(self) -> tuple[str, ...]:
        return CONTAINERS[PurePath(self.file).suffix.lower()]

    @property
    def _clear(self) -> tuple[str, ...]:
        """The codecs of such a file that hold transparency."""
        return CLEAR.get(PurePath(self.file).suffix.lower(), ())

    def _coding_mistakes(self) -> Iterator[Mistake]:
        chosen, suffix = getattr(self, "codec", None), PurePath(self.file).suffix
        if self.transparent and not self._clear:
            text = f"a {suffix} file holds no transparency; {_WITH_TRANSPARENCY} do"
            yield Mistake(("transparent",), text, at_key=True)
            return
        if chosen and chosen not in self._possible:
            known = ", ".join(self._possible)
            yield Mistake(("codec",), f"a {suffix} file cannot hold {chosen}; it can hold {known}")
            return
        codec, bits = self.coding, self.coding.bits
        if self.transparent and chosen and chosen not in self._clear:
            known = " or ".join(self._clear)
            yield Mistake(("codec",), f"{codec.title} holds no transparency; in a {suffix} file {known} does")
            return
        if self.transparent:
            bits = codec.clear_bits
        if self.crf is not None and not codec.worst_crf:
            yield Mistake(("crf",), f"{codec.title} has one quality only; leave crf out", at_key=True)
        elif self.crf is not None and self.crf > codec.worst_crf:
            text = f"for {codec.title} it runs from 0 (best) to {codec.worst_crf} (worst), not to {self.crf}"
            yield Mistake(("crf",), text)
        if self.bits is not None and self.bits not in bits:
            known = " or ".join(map(str, bits))
            title = f"{codec.title} with transparency" if bits != codec.bits else codec.title
            yield Mistake(("bits",), f"{title} has {known} bits a channel here, not {self.bits}")


class VideoOutput(_Coded, _Posted):
    """A film: MP4, WebM, MOV or MKV."""

    codec: Annotated[str, *choice(*VIDEO_CODECS)] | None = Field(
        default=None, description="How the pictures are stored. Default: what is usual for the extension."
    )
    crf: Annotated[int, *whole(0, 63)] | None = Field(
        default=None, description="Quality: 0 is the best, 17 looks lossless in H.264, 28 is small."
    )
    bitrate: Annotated[str, *leaf(read_bitrate, _BITRATE)] | None = Field(
        default=None, description="Bits a second instead of a quality, such as 5M or 800k."
    )
    bits: Annotated[int, *whole(8, 16)] | None = Field(
        default=None,
        description="Bits a channel: 8; or 10 in HEVC, AV1, VP9 and ProRes; or 10 or 16 in FFV1.",
    )
    speed: Annotated[str, *choice(*_SPEEDS)] = Field(
        default="medium", description="How long the encoder thinks: slower makes smaller files."
    )
    encoder: Annotated[str, *choice(*ENCODERS)] = Field(
        default="software",
        description="software, the best for its size; or hardware, the fastest: auto, or a family by name.",
    )
    audio: FilmSound | None = Field(
        default=None,
        description="The sound, in place of the clip's: a file, {file, start, fade}, or false for silence.",
    )

    @property
    def kind(self) -> str:
        return "video"

    def conflicts(self) -> list[Mistake]:
        found = [*super().conflicts(), *self._coding_mistakes()]
        if self.bitrate is not None and self.crf is not None:
            text = "crf asks for a quality, bitrate for a size; give one of them"
            found.append(Mistake(("bitrate",), text, at_key=True))
        elif self.bitrate is not None and not self.coding.worst_crf:
            found.append(Mistake(("bitrate",), f"{self.coding.title} has none to choose", at_key=True))
        return found


class AnimationOutput(_Coded, Output):
    """An animated picture (WebP, APNG, AVIF), or numbered PNG pictures in a folder of their own."""

    crf: Annotated[int, *whole(0, 100)] | None = Field(
        default=None, description="Quality of WebP (0 to 100) and AVIF (0 to 63): 0 is the best."
    )
    bits: Annotated[int, *whole(8, 16)] | None = Field(
        default=None, description="Bits a channel: 8; or 10 in AVIF; or 16 in APNG and PNG."
    )
    speed: Annotated[str, *choice(*_SPEEDS)] = Field(
        default="medium", description="How long the encoder of AVIF thinks: slower makes smaller files."
    )

    def conflicts(self) -> list[Mistake]:
        found = [*super().conflicts(), *self._coding_mistakes()]
        path = PurePath(self.file)
        if path.suffix.lower() == ".png":
            if path.parent == PurePath():
                text = f"numbered pictures need a folder of their own, such as frames/{path.name}"
                found.append(Mistake(("file",), text))
            if self.budget is not None:
                found.append(Mistake(("budget",), "numbered pictures have none", at_key=True))
        return found


class GifOutput(_Posted):
    """An animated GIF, whose frames last whole hundredths of a second."""

    colors: Annotated[int, *whole(2, 256)] = Field(default=256, description="Colours in a palette.")
    dither: Annotated[float | str, *leaf(read_dither, _DITHER)] = Field(
        default=DITHERS["bayer"],
        description="How strongly missing colours are mixed from dots of others, 0 to 1; or none, bayer or "
        "floyd-steinberg, with a strength or without.",
    )
    palette: Annotated[str, *choice(*PALETTES)] = Field(
        default="frame", description="frame: colours chosen for each frame; global: once for all frames."
    )
    loop: Flag = Field(default=True, description="Whether the GIF plays again and again.")

    def rate(self, clip_fps: Fraction) -> Fraction:
        """Frames a second of the file: the nearest rate not above the asked one that a GIF can keep."""
        return nearest_gif_rate(self.fps or clip_fps)


def _kinds() -> dict[type[Output], str]:
    """The kinds of files, for people."""
    return {
        VideoOutput: "video",
        GifOutput: "GIF",
        AnimationOutput: "animations (WebP, APNG, AVIF, numbered pictures)",
    }


FORMATS: dict[str, type[Output]] = {
    **dict.fromkeys((".mp4", ".webm", ".mov", ".mkv"), VideoOutput),
    ".gif": GifOutput,
    **dict.fromkeys((".webp", ".apng", ".avif"), AnimationOutput),
}


def name_pattern(part: type[Output] | None = None) -> str:
    """A regular expression for the names of one kind of file, or of all."""
    suffixes = [suffix.lstrip(".") for suffix, kind in FORMATS.items() if part in (None, kind)]
    plain = rf"\.({'|'.join(suffixes)})\s*$"
    return rf"({plain}|{NUMBERED.pattern}[^/]*\.png\s*$)" if part in (None, AnimationOutput) else plain


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
    path = PurePath(file.strip())
    if path.suffix.lower() == ".png" and NUMBERED.search(path.stem):
        if path.stem.count("%") != 1:
            text = f"{shown(file)} needs one place for the number, such as %05d"
            raise carried([Mistake(() if is_name else ("file",), text)])
        return AnimationOutput.model_validate(value)
    if path.suffix.lower() not in FORMATS:
        raise carried([Mistake(() if is_name else ("file",), _unknown(file, path))])
    return FORMATS[path.suffix.lower()].model_validate(value)


def _unknown(file: str, path: PurePath) -> str:
    """What to say of a name whose extension means nothing here."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        folder = path.with_suffix("").as_posix().replace("%", "")
        text = f"a film has one as its poster: 3s, numbered ones are {folder}/%05d.png"
        return f"{shown(file)} is one picture; {text}"
    near = nearest(suffix, FORMATS) if suffix else None
    hint = f"; did you mean {path.with_suffix(near)}?" if near else ""
    text = f"{shown(file)} has {f'the unknown extension {suffix}' if suffix else 'no extension'}"
    return f"{text}; known: {', '.join(FORMATS)}, and frames/%05d.png for pictures{hint}"


def read_outputs(value: Any) -> tuple[Output, ...]:
    """All outputs: a list, or a single one. Raises as `read_output` does."""
    if not isinstance(value, list | tuple):
        return (read_output(value),)
    if len(value) > MOST_OUTPUTS:
        raise ValueError(f"a preset makes at most {MOST_OUTPUTS} files, not {len(value)}")
    return tuple(gather((((index,), item) for index, item in enumerate(value)), read_output))
