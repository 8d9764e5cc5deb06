"""The presets that come with the project, and how the name of a preset becomes a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from render.errors import PresetError
from render.timeline import nearest

from .mistakes import shown
from .outputs import FORMATS

_PACKAGE = Path(__file__).resolve().parent.parent
_ENDINGS = (".yaml", ".yml")
OF_FILMS = "blendreel render FILM --again makes one once more, and blendreel check FILM tells how it was made"


def preset_folder() -> Path:
    """Where the shipped presets are: inside an installed package, or beside it in a checkout."""
    packed = _PACKAGE / "presets"
    return packed if packed.is_dir() else _PACKAGE.parent / "presets"


def shipped_presets() -> dict[str, Path]:
    """The shipped presets by their names: `hello` and others."""
    return {path.stem: path for path in sorted(preset_folder().glob("*.yaml"))}


def find_preset(name: str | Path) -> Path:
    """A preset's file, or that of a shipped preset by its bare name; a file of that name comes first.

    Raises:
        PresetError: there is no such preset; says what may have been meant.
    """
    if not isinstance(name, str | PathLike):
        hint = "; Preset(**it) is made of a mapping" if isinstance(name, dict) else ""
        raise PresetError(f"a preset is named by its file or its name, not by {name!r:.60}{hint}")
    path = Path(name)
    is_film = path.suffix.lower() in FORMATS
    try:
        if path.exists() and not path.is_dir():
            if is_film:
                raise PresetError(f"{name}: this is a film; {OF_FILMS}")
            return path
        shipped = shipped_presets()
        if str(name) in shipped:
            return shipped[str(name)]
        if path.is_dir():
            raise PresetError(f"{name}: this is a folder; name a preset file in it")
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise PresetError(f"{shown(str(name))} can't be read: {reason}") from None
    near = similar_file(path)
    if near is None and path.parent == Path():
        near = nearest(path.name, shipped)
        if near is None and not path.suffix:
            raise PresetError(f"there is no preset {name}; shipped ones are {', '.join(shipped)}")
    hint = f"; did you mean {near}?" if near else ""
    kind = "file" if is_film else "preset"
    raise PresetError(f"there is no {kind} {name if str(name).isprintable() else repr(name)}{hint}")


def similar_file(path: Path) -> Path | None:
    """The preset file beside a missing one that has most nearly its name."""
    if not path.parent.is_dir():
        return None
    # By stems: .yaml against .yaml would make any short name near.
    by_stem = {each.stem: each for each in sorted(path.parent.iterdir()) if each.suffix in _ENDINGS}
    near = nearest(path.stem, by_stem)
    return by_stem[near] if near else None
