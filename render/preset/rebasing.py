"""The files that a preset names: where they stand in it, and how they are said from another folder.

The latter is for `extends`, and for saving elsewhere; the former for the sandbox.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .beats import DETECT
from .mistakes import Place
from .shapes import ANY

_ENDINGS = (".npz", ".npy", ".pt")
_KIND = re.compile(r"[A-Za-z][\w+.-]+:(?!\\)")  # sample:, https:, …; C:\ is a drive
_SEED = re.compile(r"\s*(seed\s+)?[\d\s,-]+\s*", re.IGNORECASE)

Move = Callable[[str], str]


def rebased(data: Any, old: Path, new: Path) -> Any:
    """The data of a preset in folder `old`, as it must be written in folder `new`; changed in place."""
    old, new = old.resolve(), new.resolve()
    return data if old == new else moved(data, old, partial(_moved, old=old, new=new))


def moved(data: Any, old: Path, move: Move) -> Any:
    """The data of a preset in folder `old` with `move(name)` for the name of every file; changed in place."""
    for pattern, change in _PLACES.items():
        for holder, step, _ in list(_meant(data, pattern)):
            holder[step] = change(holder[step], move=move, old=old)
    return data


def files_read(data: Any, folder: Path) -> Iterator[tuple[Place, str]]:
    """Every file that the data of a preset in `folder` reads, as it is written, with its place.

    Models are among them whatever their kind: `sample:portrait`, an https URL.
    """
    for pattern, change in _PLACES.items():
        look = _file if change is _model else change
        for holder, step, place in _meant(data, pattern):
            found: list[str] = []
            look(holder[step], move=lambda text, found=found: found.append(text.strip()) or text, old=folder)
            yield from ((place, text) for text in found)


def files_written(data: Any) -> Iterator[tuple[Place, str]]:
    """Every file that the data of a preset asks for, as it is written, with its place."""
    for pattern in _OUTPUTS:
        for holder, step, place in _meant(data, pattern):
            if isinstance(holder[step], str):
                yield place, holder[step].strip()


def _meant(data: Any, pattern: Place, place: Place = ()) -> Iterator[tuple[Any, str | int, Place]]:
    """Every value that a pattern means: what holds it, its key or index there, and its place."""
    first, *rest = pattern
    if isinstance(data, dict):
        steps = list(data) if first == ANY else [first] if first in data else []
    elif isinstance(data, list):
        steps = list(range(len(data))) if first == ANY else [first] if first in range(len(data)) else []
    else:
        return
    for step in steps:
        if rest:
            yield from _meant(data[step], tuple(rest), (*place, step))
        else:
            yield data, step, (*place, step)


def _moved(text: str, old: Path, new: Path) -> str:
    path = text.strip()
    if not path or path.startswith("~") or os.path.isabs(path):
        return text
    try:
        return Path(os.path.relpath(old / path, new)).as_posix()
    except ValueError:  # another drive, or a name that no file can have
        return str(old / path)


def _model(value: Any, move: Move, old: Path) -> Any:
    return move(value) if isinstance(value, str) and not _KIND.match(value.strip()) else value


def _file(value: Any, move: Move, old: Path) -> Any:
    return move(value) if isinstance(value, str) else value


def _beats(value: Any, move: Move, old: Path) -> Any:
    return value if value == DETECT else _file(value, move, old)


def _latent(value: Any, move: Move, old: Path) -> Any:
    """A latent by its words: a seed stays, a file moves, and so does the file that a name means."""
    if isinstance(value, dict):
        return {key: _latent(item, move, old) if key == "file" else item for key, item in value.items()}
    if isinstance(value, list):
        return [_latent(item, move, old) for item in value]
    if not isinstance(value, str) or _SEED.fullmatch(value):
        return value
    word, row = re.fullmatch(r"(.*?)((?:#\d+|\[\d+\])\s*)?", value, re.DOTALL).groups()
    keyword = re.match(r"\s*file\s+", word)
    if keyword:
        return f"{keyword[0].lstrip()}{move(word[keyword.end() :])}{row or ''}"
    if word.strip().lower().endswith(_ENDINGS):
        return f"{move(word)}{row or ''}"
    for folder in ("", "latents"):
        for ending in _ENDINGS:
            path = Path(folder, word.strip() + ending)
            if (old / path).is_file():
                return f"file {move(path.as_posix())}{row or ''}"
    return value


_Change = Callable[..., Any]
_PLACES: dict[Place, _Change] = {
    ("models", ANY): _model,
    ("models", ANY, "file"): _model,
    ("models", ANY, "snapshots"): _model,
    ("clip", "beats"): _beats,
    ("clip", "audio"): _file,
    ("clip", "audio", "file"): _file,
    ("panels", "font"): _file,
    ("channels", ANY, "file"): _file,
    ("outputs", "audio"): _file,  # of a single output
    ("outputs", "audio", "file"): _file,
    ("outputs", ANY, "audio"): _file,
    ("outputs", ANY, "audio", "file"): _file,
}
for _walk in (("latents",), ("latents", "mixing")):
    _PLACES |= {
        (*_walk, "files"): _latent,
        (*_walk, "keys", ANY, 1): _latent,
        (*_walk, "directions", ANY, "file"): _file,
    }
_OUTPUTS: tuple[Place, ...] = (("outputs",), ("outputs", "file"), ("outputs", ANY), ("outputs", ANY, "file"))
