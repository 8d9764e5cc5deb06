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
from render.encoding.gif import GifSettings, GifWriter
from render.encoding.video import VideoSettings, VideoWriter
from render.errors import EncodingError


@dataclass(frozen=True)
class Container:
    """A kind of file: its name for people, who writes it, and what can be set."""

    name: str
    make: Callable[..., Writer]
    settings: type


KNOWN_EXTENSIONS: dict[str, Container] = {
    ".mp4": Container("MP4 video (H.264)", partial(VideoWriter, muxer="mp4"), VideoSettings),
    ".mov": Container("QuickTime video (H.264)", partial(VideoWriter, muxer="mov"), VideoSettings),
    ".gif": Container("animated GIF", GifWriter, GifSettings),
}


def container_of(path: str | os.PathLike[str]) -> Container:
    """The container a file's extension stands for; EncodingError lists the known ones."""
    extension = Path(path).suffix.lower()
    if extension not in KNOWN_EXTENSIONS:
        found = f"unknown extension '{extension}'" if extension else "the name has no extension"
        raise EncodingError(f"{path}: {found}; known are {', '.join(KNOWN_EXTENSIONS)}")
    return KNOWN_EXTENSIONS[extension]


def open_writer(
    path: str | os.PathLike[str], *, width: int, height: int, fps: Fraction | int | str, **settings: object
) -> Writer:
    """A writer for a file of width × height pixels at fps frames a second; use it in a `with` block.

    Nothing is touched before the block is entered. settings: the fields of VideoSettings (crf, preset,
    threads) or GifSettings (loop, colors, dither). Raises EncodingError for an unknown extension or
    setting, and for a rate that the container cannot play exactly.
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
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None
    return container.make(path, width=width, height=height, fps=fps, settings=checked)
