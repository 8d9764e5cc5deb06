"""Where a result comes from, as a sum that is kept in it: earlier results are replaced, and nothing else is.

The sum is over the photographs and the network, and not over how they were searched: to search the same faces
longer, or cropped, replaces what was found before. A preset counts only while nobody has changed it.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from render.checkpoints.download import hash_file
from render.checkpoints.header import header_of
from render.errors import BlendreelError, PresetError
from render.preset.files import write_text
from render.projection.films import pictures_in

KEY = "origin"  # of the sum, in every kind of file
DIGITS = 32
_NOTE = "# Written by blendreel toonify, which replaces it as long as nothing in it is changed: "
_SCHEMA = re.compile(r"# yaml-language-server: \$schema=(?P<file>(?!\w+://)\S+)[^\r\n]*\r?\n")
_MOST_BYTES = 4096  # of the array that holds the sum


def origin_of(photos: Iterable[str | Path], network: str | Path) -> str:
    """The sum of photographs, films or folders of frames, in their order, and of a network's file.

    Raises PhotoError: a folder has no pictures in it. What cannot be read counts as nothing.
    """
    files = [Path(network)]
    for photo in map(Path, photos):
        files += pictures_in(photo) if photo.is_dir() else [photo]
    return _sum(*map(_sum_of_file, files))


def check_free(paths: Iterable[Path], origin: str) -> None:
    """Raises PresetError: there are files of these names that are no earlier results of this origin."""
    taken = [path for path in paths if path.exists() and not is_of(path, origin)]
    if len(taken) == 1:
        raise PresetError(
            f"{taken[0]} exists already, and is no untouched result of the same photos and network; "
            "choose another name with -o, or replace it with --force"
        )
    if taken:
        raise PresetError(
            f"{', '.join(map(str, taken))} exist already, and are no untouched results of the same photos "
            "and network; choose another name with -o, or replace them with --force"
        )


def is_of(path: Path, origin: str) -> bool:
    """Whether a file is a result of that origin, and a preset one that nobody has changed."""
    reader = _READERS.get(path.suffix)
    try:
        return reader is not None and reader(path, origin)
    except (OSError, ValueError, LookupError, BlendreelError, zipfile.BadZipFile, NotImplementedError):
        return False  # damaged, or something else under this name


def was_changed(preset: Path, latents: Path, origin: str) -> bool:
    """Whether a preset was written with these latents of that origin, and is another by now."""
    try:
        with preset.open(encoding="utf-8", newline="") as stream:
            is_signed = stream.readline().startswith(_NOTE)
    except (OSError, ValueError):
        return False
    return is_signed and is_of(latents, origin) and not is_of(preset, origin)


def sign(preset: Path, origin: str) -> Path:
    """Put a line over a preset that tells later whether it was changed. Raises PresetError."""
    with preset.open(encoding="utf-8", newline="") as stream:
        text = _without_lost_schema(stream.read(), preset.parent)
    write_text(preset, f"{_NOTE}{_sum(origin, text)}\n{text}")
    return preset


def _without_lost_schema(text: str, folder: Path) -> str:
    """The text without the line that names a schema for editors, where that is no file of the folder's."""
    line = _SCHEMA.match(text)
    return text[line.end() :] if line and not (folder / line["file"]).exists() else text


def picture_notes(origin: str) -> PngInfo:
    """What a .png keeps of where it comes from."""
    notes = PngInfo()
    notes.add_text(KEY, origin)
    return notes


def _latents_are_of(path: Path, origin: str) -> bool:
    with zipfile.ZipFile(path) as archive, archive.open(f"{KEY}.npy") as stream:
        return np.array(origin).tobytes() in stream.read(_MOST_BYTES)


def _picture_is_of(path: Path, origin: str) -> bool:
    with Image.open(path) as picture:
        return picture.info.get(KEY) == origin


def _network_is_of(path: Path, origin: str) -> bool:
    header = header_of(path)
    return header is not None and header.base is not None and header.origin == origin


def _preset_is_of(path: Path, origin: str) -> bool:
    with path.open(encoding="utf-8", newline="") as stream:
        note, _, text = stream.read().partition("\n")
    return note == _NOTE + _sum(origin, text)


_READERS: dict[str, Callable[[Path, str], bool]] = {
    ".npz": _latents_are_of,
    ".png": _picture_is_of,
    ".safetensors": _network_is_of,
    ".yaml": _preset_is_of,
}


def _sum_of_file(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError:
        return ""


def _sum(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]
