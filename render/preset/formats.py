"""What files can hold, in a preset's words: codecs by extension, what each allows, bytes, and places to post.

The encoders know the same and more; a test holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .mistakes import shown


@dataclass(frozen=True)
class Codec:
    """A way to store pictures.

    worst_crf       the end of its scale of quality; 0 where it has one quality only
    bits            it can store, a channel
    usual_bits      of these, unless asked otherwise: 10 where that costs nothing
    clear_bits      it can store beside transparency; none where it holds none
    pixels_in_step  columns and rows that share a colour
    """

    title: str
    worst_crf: int = 0
    bits: tuple[int, ...] = (8,)
    pixels_in_step: tuple[int, int] = (1, 1)
    usual_bits: int = 8
    clear_bits: tuple[int, ...] = ()


CODECS: dict[str, Codec] = {
    "h264": Codec("H.264", 51, (8,), (2, 2)),
    "hevc": Codec("HEVC", 51, (8, 10), (2, 2), 10),
    "av1": Codec("AV1", 63, (8, 10), (2, 2), 10, clear_bits=(8, 10)),
    "vp9": Codec("VP9", 63, (8, 10), (2, 2), clear_bits=(8,)),
    "prores": Codec("ProRes 422 HQ", 0, (10,), (2, 1), 10),
    "prores4444": Codec("ProRes 4444", 0, (10,), usual_bits=10, clear_bits=(10,)),
    "ffv1": Codec("FFV1", 0, (8, 10, 16), clear_bits=(8, 10, 16)),
    "webp": Codec("animated WebP", 100, clear_bits=(8,)),
    "apng": Codec("APNG", 0, (8, 16), clear_bits=(8, 16)),
    "png": Codec("PNG", 0, (8, 16), clear_bits=(8, 16)),
}
VIDEO_CODECS = ("h264", "hevc", "av1", "vp9", "prores", "prores4444", "ffv1")
# What an extension can hold; the first is usual.
CONTAINERS: dict[str, tuple[str, ...]] = {
    ".mp4": ("h264", "hevc", "av1"),
    ".webm": ("vp9", "av1"),
    ".mov": ("h264", "hevc", "prores", "prores4444"),
    ".mkv": ("ffv1", "h264", "hevc", "av1", "vp9"),
    ".webp": ("webp",),
    ".apng": ("apng",),
    ".avif": ("av1",),
    ".png": ("png",),
}
# Those that hold transparency there; the first is usual where it is asked for.
CLEAR: dict[str, tuple[str, ...]] = {
    ".webm": ("vp9",),
    ".mov": ("prores4444",),
    ".mkv": ("ffv1", "vp9"),
    ".webp": ("webp",),
    ".apng": ("apng",),
    ".avif": ("av1",),
    ".png": ("png",),
}
ENCODERS = ("software", "auto", "nvenc", "videotoolbox", "qsv", "amf", "vaapi")
DITHERS = {"none": 0.0, "bayer": 0.15, "floyd-steinberg": 1.0}  # of a GIF, with their usual strengths
PALETTES = ("frame", "global")  # of a GIF
PLACES = (
    *("discord", "x", "instagram-reels", "instagram-feed", "tiktok"),
    *("mastodon", "giphy", "slack", "web"),
)
DITHER_PATTERN = r"^\s*(none|(bayer|floyd-steinberg)(\s+(0?\.[0-9]+|0|1(\.0+)?))?)\s*$"
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*(k|M|G|Ki|Mi|Gi|)B")
_BITRATE = re.compile(r"\d+(\.\d+)?[kM]")


def read_budget(value: Any) -> str:
    """An amount of bytes as text, `8 MB`. Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    if not _BYTES.fullmatch(text):
        raise ValueError(
            f"a budget is a size with its unit, such as 8 MB, 500 kB or 16 MiB, not {shown(value)}"
        )
    if bytes_of(text) < 1:
        raise ValueError("a budget is at least one byte")
    return text


def read_dither(value: Any) -> float | str:
    """A dither: the strength of `bayer`, or `floyd-steinberg 0.5`. Raises ValueError."""
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool) and 0 <= value <= 1:
        return value
    if not (isinstance(value, str) and re.match(DITHER_PATTERN, value)):
        raise ValueError(
            f"a dither is a strength from 0 to 1, or one of {', '.join(DITHERS)}, with a strength if you "
            f"like: bayer 0.5; not {shown(value)}"
        )
    kind, *strength = value.split()
    if kind == "floyd-steinberg":
        return " ".join((kind, *strength))
    return float(strength[0]) if strength else DITHERS[kind]


def without_alpha(channels: int) -> str:
    """Why networks whose pictures have so many channels draw no transparency, in words."""
    what = "1 channel" if channels == 1 else f"{channels} channels"
    return f"their pictures have {what}, without a fourth for alpha"


def bytes_of(text: str) -> int:
    """How many bytes `8 MB` are (8,000,000), or `8 MiB` (8,388,608)."""
    number, unit = _BYTES.fullmatch(text).groups()
    return int(float(number) * _UNITS[unit])


def read_bitrate(value: Any) -> str:
    """Bits a second as text, `5M`. Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    if not _BITRATE.fullmatch(text) or not float(text[:-1]):
        raise ValueError(f"a bitrate is bits a second, such as 5M or 800k, not {shown(value)}")
    return text
