"""What a render gives back: paths and arrays, which Jupyter and Colab show as films and pictures."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from render.console import size_text

EMBED_LIMIT = 8_000_000  # bytes: a notebook of many films must still open
_FILMS = {".mp4": "video/mp4", ".webm": "video/webm"}
_PICTURES = {f".{name}": f"image/{name}" for name in ("gif", "webp", "apng", "avif", "png")}
_STYLE = "max-width:100%"


class Clip(list[Path]):
    """The files of a render: a list of their paths. In a notebook the first one that a browser plays plays.

    It is embedded in the notebook, unless it is larger than 8 MB; others are links.
    """

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Mapping[str, str]:
        return {"text/html": self.html(), "text/plain": "\n".join(map(_line, self)) or "no files"}

    def html(self) -> str:
        """The files as HTML."""
        shown = next((path for path in self if _is_embedded(path)), None)
        links = "".join(f"<div>{_link(path)}</div>" for path in self)
        return f"<div>{_player(shown) if shown else ''}{links or 'no files'}</div>"


class Frame(np.ndarray):
    """A frame uint8 [H, W, 3] or [H, W, 4] that a notebook shows as a picture; an array like any other.

    What is computed from it is a plain array; a part of it, or several side by side, are pictures, too.
    """

    __array_priority__ = 1  # what is made of frames and other arrays, such as a row of them, is one

    def __array_wrap__(self, array: np.ndarray, context: object = None, return_scalar: bool = False) -> Any:
        array = np.asarray(array)
        return array[()] if return_scalar or not array.ndim else array  # NumPy 1 says nothing of scalars

    def _repr_png_(self) -> bytes | None:
        if self.dtype != np.uint8 or self.ndim != 3 or self.shape[2] not in (3, 4) or not self.size:
            return None
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(self)).save(file, "PNG")
        return file.getvalue()


def _is_embedded(path: Path) -> bool:
    known = path.suffix.lower() in (*_FILMS, *_PICTURES)
    return known and path.is_file() and path.stat().st_size <= EMBED_LIMIT


def _player(path: Path) -> str:
    suffix = path.suffix.lower()
    kind = _FILMS.get(suffix) or _PICTURES[suffix]
    data = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    if suffix in _FILMS:
        return f'<video src="{data}" style="{_STYLE}" autoplay loop muted controls playsinline></video>'
    return f'<img src="{data}" style="{_STYLE}" alt="{escape(path.name)}">'


def _link(path: Path) -> str:
    try:
        place = Path(os.path.relpath(path)).as_posix()
    except ValueError:  # another drive
        place = path.as_posix()
    text = f'<a href="{escape(quote(place))}" target="_blank">{escape(str(path))}</a> {escape(_size(path))}'
    if path.suffix.lower() in (*_FILMS, *_PICTURES) and path.is_file() and not _is_embedded(path):
        text += f" (files over {EMBED_LIMIT // 10**6} MB are not put into the notebook)"
    return text


def _line(path: Path) -> str:
    return f"{path}  {_size(path)}".rstrip()


def _size(path: Path) -> str:
    if path.is_dir():
        return f"{sum(1 for _ in path.iterdir())} pictures"
    return size_text(path.stat().st_size) if path.is_file() else "is gone"
