"""`extends`: one preset laid over another. Mappings merge key by key; anything else is replaced.

A mapping laid over a short form adds to what the short form stands for. `key: null` takes an inherited key
away. Of keys that exclude each other (seed, seeds, …), the new one takes the place of the inherited one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from render.errors import PresetError
from render.reach import placed
from render.timeline import nearest

from .misplaced import EXTENDS as KEY
from .mistakes import Place, shown
from .reader import read_file
from .rebasing import rebased
from .shapes import are_alike, excluded_by, shorthand_at
from .shipped import shipped_presets, similar_file
from .source import Source

_DEEPEST = 8  # files that extend one another in a row


def extended(source: Source, folder: Path, chain: tuple[Path, ...] = ()) -> Source:
    """The source laid over the file that it extends, if it extends one; relative files start from `folder`.

    chain: the files that led here, each of which extends the next.

    Raises:
        PresetError: there is no such file, it cannot be read, or the chain is a circle or too long.
    """
    if KEY not in source.data:
        return source
    file, name = _base_file(source, folder)
    files = (*chain, file.resolve())
    if files[-1] in files[:-1]:
        names = [path.name for path in files[files.index(files[-1]) :]]
        raise _refused(source, f"a preset can't extend itself: {' → '.join(names)}")
    if len(files) > _DEEPEST:
        raise _refused(source, f"more than {_DEEPEST} presets extend one another; put some of them together")
    base = extended(read_file(file, name), file.parent, files)
    rebased(base.data, file.parent, folder)
    source.cut((KEY,))
    return _laid_over(base, source)


def _base_file(source: Source, folder: Path) -> tuple[Path, str]:
    """The file that a source extends, and its name in messages."""
    value = source.data[KEY]
    if not isinstance(value, str) or not value.strip():
        raise _refused(
            source, f"name the preset that this one builds on, such as base.yaml, not {shown(value)}"
        )
    written = value.strip()
    try:
        file = placed(folder, written)
    except PresetError as error:
        raise _refused(source, str(error)) from None
    try:
        shipped = shipped_presets()
        if written in shipped and (file.is_dir() or not file.exists()):
            return shipped[written], str(shipped[written])
        if not file.exists():
            raise _refused(source, _missing(written, file, folder))
        if file.is_dir():
            raise _refused(source, f"{written} is a folder; name a preset file in it")
        if not file.is_file():  # a pipe that nobody writes to is read for ever
            raise _refused(source, f"{_printable(written)} is no file")
    except (OSError, ValueError) as error:  # a name too long, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(source, f"{shown(written)} cannot be read: {reason.lower()}") from None
    return file, os.path.normpath(placed(_beside(source, folder), written))


def _missing(written: str, file: Path, folder: Path) -> str:
    """What to say about a preset that is neither a file nor shipped."""
    text, shipped = f"there is no file {_printable(written)}", shipped_presets()
    if near := similar_file(file):
        return f"{text}; did you mean {Path(written).with_name(near.name)}?"
    if Path(written).name != written:
        return f"{text} in {folder}"
    near = nearest(Path(written).stem, shipped)
    hint = f"did you mean {near}?" if near else f"presets that come with the project are {', '.join(shipped)}"
    return f"{text} in {folder}; {hint}"


def _beside(source: Source, folder: Path) -> Path:
    """The folder of a source as its user named it, for short names in messages."""
    try:
        named = Path(source.pages[0].name)
        return named.parent if named.is_file() else folder
    except OSError:
        return folder


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _refused(source: Source, text: str) -> PresetError:
    return PresetError(source.span_of((KEY,)).pointed(f"{KEY}: {text}"))


def _laid_over(base: Source, top: Source) -> Source:
    """`base`, changed in place to what the two say together."""
    base.pages = (*top.pages, *base.pages)
    base.mistakes += top.mistakes
    base.values[()] = top.values[()]
    _lay(base, top, ())
    base.aside += top.aside
    return base


def _lay(base: Source, top: Source, place: Place) -> None:
    written = top.at(place)
    for key, value in written.items():
        inner = (*place, key)
        inherited = base.at(place)
        if key in inherited and value is None:
            base.cut(inner)
            continue
        for gone in excluded_by(place, key) & inherited.keys() - written.keys():
            base.cut((*place, gone))
        if key in inherited and isinstance(value, dict) and _merges(base, inner, value):
            base.values[inner], base.keys[inner] = top.values[inner], top.keys[inner]
            _lay(base, top, inner)
        else:
            base.graft(inner, top, inner)


def _merges(base: Source, place: Place, value: dict) -> bool:
    """Whether the mapping `value` adds to what is at the place; a short form there becomes a mapping."""
    old: Any = base.at(place)
    if isinstance(old, dict):
        return are_alike(place, old, value)
    short = None if old is None else shorthand_at(place, old, value)
    if short is None or short in value or excluded_by(place, short) & value.keys():
        return False
    base.wrap(place, short)
    return True
