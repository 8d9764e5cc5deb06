"""A preset as one text that stands alone: all it needs is in it, and files are named for any machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .beats import Beats
from .channels import LayerChannels
from .outputs import NUMBERED, Output
from .rebasing import files_read, moved
from .writer import data_of, fresh_text, preset_data

if TYPE_CHECKING:
    from .model import Preset

_USER = re.compile(r"(?<=://)[^/@]*@")  # a user's name and password in a URL


def resolved_data(
    preset: Preset, output: Output, channels: Mapping[str, LayerChannels] | None = None
) -> dict[str, Any]:
    """The plain data of a preset that makes one file, `output`; beats and channels are written out.

    Defaults, comments, and what the preset extends are not in it.

    channels  the sets that the preset reads from files, by their names
    """
    data = preset_data(preset)
    if preset.clip.beats is not None:
        data["clip"] = {key: value for key, value in data["clip"].items() if key not in ("bpm", "offset")}
        data["clip"]["beats"] = data_of(Beats(preset.clip.beat_times))
    for name, layers in (channels or {}).items():
        taken = data["channels"][name]
        taken = dict(taken) if isinstance(taken, dict) else {"from": taken}
        taken.pop("file", None)
        data["channels"][name] = taken | {"layers": data_of(layers)}
    written = data_of(output)
    return data | {"outputs": [{"file": written} if isinstance(written, str) else written]}


def portable_text(preset: Preset, data: dict[str, Any], folder: Path) -> str:
    """The YAML text of a preset's resolved data, as if it lay in `folder`."""
    data = moved(deepcopy(data), preset.base_dir, partial(portable_name, old=preset.base_dir, new=folder))
    for index, output in enumerate(data["outputs"]):
        file = portable_output(output["file"])
        data["outputs"][index] = output | {"file": file} if len(output) > 1 else file
    for name, source in data["models"].items():
        data["models"][name] = _without_user(source)
    return fresh_text(data)


def files_of(preset: Preset, data: dict[str, Any]) -> list[str]:
    """The names of all files but models that a preset's resolved data speaks of."""
    found = [text for place, text in files_read(data, preset.base_dir) if place[0] != "models"]
    return list(dict.fromkeys(found))


def portable_name(name: str, old: Path, new: Path) -> str:
    """A file's name that tells as little of this machine as it can.

    From the folder `new` on, where the two have a folder of the user in common; from the user's own folder
    (`~`), if it lies there; otherwise what it is called, without any folder.

    old  the folder that a relative `name` starts from
    """
    try:
        path = Path(os.path.normpath(old.resolve() / Path(name.strip()).expanduser()))
        home, new = Path.home(), new.resolve()
        common = Path(os.path.commonpath([path.parent, new]))
    except (RuntimeError, ValueError):  # no such user's folder; another drive
        return Path(name).name
    if len(common.parts) > 1 and common not in home.parents:
        return Path(os.path.relpath(path, new)).as_posix()
    if path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return path.name


def portable_output(file: str) -> str:
    """The name of an output without the folders it lies in; numbered pictures keep their own."""
    path = Path(file)
    is_numbered = path.suffix.lower() == ".png" and NUMBERED.search(path.stem) and path.parent.name
    return Path(*path.parts[-2:]).as_posix() if is_numbered else path.name


def _without_user(source: Any) -> Any:
    if isinstance(source, dict):
        return {key: _without_user(value) for key, value in source.items()}
    return _USER.sub("", source) if isinstance(source, str) else source
