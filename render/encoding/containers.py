"""Which extension means which container, and the one function that opens a writer for a path."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from render.encoding.base import Writer
from render.encoding.framing import Framing
from render.encoding.gif import GifSettings, GifWriter
from render.encoding.sequence import SequenceWriter, is_sequence
from render.encoding.tags import Tags
from render.encoding.video import VideoSettings, VideoWriter
from render.errors import EncodingError


@dataclass(frozen=True)
class Container:
    """A kind of file: its name for people, who writes it, and what can be set."""

    name: str
    make: Callable[..., Writer]
    settings: type


def _video(name: str, muxer: str, *codecs: str, clear: tuple[str, ...] = ()) -> Container:
    """clear: those of its codecs that hold transparency in it."""
    make = partial(VideoWriter, muxer=muxer, codecs=codecs, clear_codecs=clear)
    return Container(name, make, VideoSettings)


KNOWN_EXTENSIONS: dict[str, Container] = {
    ".mp4": _video("MP4 video", "mp4", "h264", "hevc", "av1"),
    ".webm": _video("WebM video", "webm", "vp9", "av1", clear=("vp9",)),
    ".mov": _video("QuickTime video", "mov", "h264", "hevc", "prores", "prores4444", clear=("prores4444",)),
    ".mkv": _video("Matroska video", "matroska", "ffv1", "h264", "hevc", "av1", "vp9", clear=("ffv1", "vp9")),
    ".gif": Container("animated GIF", GifWriter, GifSettings),
    ".webp": _video("animated WebP", "webp", "webp", clear=("webp",)),
    ".apng": _video("animated PNG", "apng", "apng", clear=("apng",)),
    ".avif": _video("animated AVIF", "avif", "av1", clear=("av1",)),
}
SEQUENCE = Container("sequence of PNG pictures", SequenceWriter, VideoSettings)


def container_of(path: str | os.PathLike[str]) -> Container:
    """The container a file's extension stands for; EncodingError lists the known ones.

    `frames/%05d.png` is a numbered sequence.
    """
    extension = Path(path).suffix.lower()
    if is_sequence(path):
        return SEQUENCE
    if extension not in KNOWN_EXTENSIONS:
        found = f"unknown extension '{extension}'" if extension else "the name has no extension"
        hint = "; for numbered pictures write frames/%05d.png" if extension == ".png" else ""
        raise EncodingError(f"{path}: {found}; known are {', '.join(KNOWN_EXTENSIONS)}{hint}")
    return KNOWN_EXTENSIONS[extension]


def open_writer(
    path: str | os.PathLike[str],
    *,
    width: int,
    height: int,
    fps: Fraction | int | str,
    dtype: str = "uint8",
    size: tuple[int, int] | None = None,
    fit: str = "pad",
    background: str = "#000000",
    transparent: bool = False,
    tags: Tags | None = None,
    **settings: object,
) -> Writer:
    """A writer for frames of width × height pixels, shown at fps frames a second; use it in a `with` block.

    dtype       of the frames: uint8, uint16, or float32 in [0, 1]
    size        of the file in pixels, if not the frames'; `fit` (pad, crop or stretch) and `background` say
                what happens where the shapes differ
    transparent frames are [H, W, 4] with straight alpha, and the file keeps it; bars are transparent, too
    tags        what the file says of itself; by default nothing
    settings    the fields of VideoSettings (codec, crf, bitrate, preset, bits, dither, threads) or of
                GifSettings (loop, colors, dither, palette)

    Nothing is touched before the block is entered. Raises EncodingError for an unknown extension or
    setting, for a rate that the container cannot play exactly, and for transparency that it cannot hold.
    """
    container = container_of(path)
    known = [field.name for field in dataclasses.fields(container.settings)]
    for name in settings:
        if name not in known:
            raise EncodingError(
                f"{path}: unknown setting '{name}' for {container.name}; known are {', '.join(known)}"
            )
    try:
        checked = container.settings(**settings)
        framing = Framing(tuple(size) if isinstance(size, list) else size, fit, background) if size else None
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None
    return container.make(
        path,
        width=width,
        height=height,
        fps=fps,
        dtype=dtype,
        transparent=transparent,
        framing=framing,
        tags=tags,
        settings=checked,
    )
