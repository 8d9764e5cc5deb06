"""A preset file as a whole: its text with what it extends and what is set over it, and back to text."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from render.errors import PresetError
from render.reach import current_sandbox, within_reach

from .merging import extended
from .mistakes import place_text
from .models import SOURCE_KINDS, WEB_KINDS
from .overrides import Overrides, overridden
from .part import Part
from .reader import read_file, read_text
from .rebasing import files_read, files_written, rebased
from .source import Source
from .splicing import spliced
from .writer import fresh_text, given, preset_data, revised_fields

if TYPE_CHECKING:
    from .model import Preset


@dataclass(frozen=True)
class Reading:
    """What was read, before it is validated.

    Attributes:
        source: the data and where everything in it is written.
        text: the text of the file itself, without what it extends.
        folder: where relative files start.
    """

    source: Source
    text: str
    folder: Path

    def origin_of(self, preset: Part) -> Origin:
        """What the preset, once it is validated, remembers of this reading."""
        return Origin(self.text, self.source.data, given(preset))


@dataclass(frozen=True)
class Origin:
    """What a preset was read from, so that an edited copy can be written with the comments of its text.

    Attributes:
        text: the text of the preset's file.
        data: what the text says together with what it extends and what was set over it.
        fields: the fields of the preset that was read from the data.
    """

    text: str
    data: dict[str, Any]
    fields: dict[str, Any]


def read_preset(path: Path, overrides: Overrides = ()) -> Reading:
    """The preset in a file. Raises PresetError, located."""
    return _complete(read_file(within_reach(path)), path.resolve().parent, overrides, (path.resolve(),))


def read_preset_text(text: str, name: str, folder: Path, overrides: Overrides = ()) -> Reading:
    """The preset in a text; relative files start from `folder`. Raises PresetError, located."""
    return _complete(read_text(text, name), folder, overrides)


def _complete(source: Source, folder: Path, overrides: Overrides, chain: tuple[Path, ...] = ()) -> Reading:
    text = source.pages[0].text
    source = overridden(extended(source, folder, chain), overrides)
    _confine(source, folder)
    return Reading(source, text, folder)


def _confine(source: Source, folder: Path) -> None:
    """In a sandbox, note every file that lies outside of it as a mistake of the source."""
    confined = current_sandbox()
    if confined is None:
        return
    named = [(place, folder, text, True) for place, text in files_read(source.data, folder)]
    named += [(place, confined.folder, text, False) for place, text in files_written(source.data)]
    for place, start, text, is_read in named:
        if place[0] == "models" and text.startswith(SOURCE_KINDS):
            wrong = confined.refusal_of_web(text) if text.startswith(WEB_KINDS) else ""
        else:
            wrong = confined.refusal(start, text, shipped=is_read)
        if wrong:
            source.mistakes.append((source.span_of(place), f"{place_text(place)}: {wrong}"))


# --- writing ------------------------------------------------------------------------------------------------


def preset_text(preset: Part, origin: Origin | None) -> str:
    """The YAML text of a preset; of one that was read, its own text, changed where it must be."""
    return _text_of(_wanted(preset, origin), origin)


def save_preset(preset: Preset, origin: Origin | None, path: Path) -> Path:
    """Write a preset to a file, all of it or nothing. Raises PresetError if that cannot be done."""
    path = path.expanduser()
    write_text(
        path, _text_of(rebased(deepcopy(_wanted(preset, origin)), preset.base_dir, path.parent), origin)
    )
    return path


def write_text(path: Path, text: str) -> None:
    """Write the text of a preset, all of it or nothing. Raises PresetError if that cannot be done."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise PresetError(f"{path}: cannot be written: {reason.lower()}") from None


def _wanted(preset: Part, origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return preset_data(preset)
    return revised_fields(origin.data, origin.fields, given(preset))


def _text_of(wanted: dict[str, Any], origin: Origin | None) -> str:
    return fresh_text(wanted) if origin is None else spliced(origin.text, wanted)
