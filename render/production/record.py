"""What a film says of its making, as text: the preset, the models' checksums, the program and its precision.

    # Made by blendreel 0.1.0; blendreel render FILE --again makes it once more.
    title: hello
    precision: exact (float32)
    models: {portrait: {portrait.safetensors: 9f86d08…}}
    ---
    version: 1
    …

Behind the line of three dashes the preset stands as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from render.checkpoints.library import is_remote
from render.encoding import Tags
from render.encoding.sequence import is_sequence
from render.errors import BlendreelError
from render.preset import Output, Preset
from render.preset.portable import files_of, portable_name, portable_text, resolved_data
from render.preset.reader import read_text
from render.preset.writer import entry_text
from render.production.checksums import begin, sha256_of
from render.reach import placed
from render.scene.cast import model_files, used_models
from render.scene.channels import taken_channels

_FIRST = re.compile(r"# Made by blendreel (\S+);")
_BREAK = "\n---\n"

Sums = dict[str, str]  # file name → sha256


@dataclass(frozen=True)
class Record:
    """What a film says of its making.

    title       of the film
    version     of the program
    precision   that pictures were computed with
    models      the sha256 of each model's files by their names, by the model's name
    files       the same of latents, sounds and other files
    settings    of the render that decide about pixels, where they are not the usual ones, by their names
    preset      the text of one that makes this film, whose files are named from the film's folder
    """

    title: str
    version: str
    precision: str
    models: Mapping[str, Sums]
    files: Sums = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)
    preset: str = ""

    def tags(self) -> Tags:
        """What a file carries."""
        head = {"title": self.title, "precision": self.precision}
        head |= {"settings": dict(self.settings)} if self.settings else {}
        head |= {"models": dict(self.models)} | ({"files": self.files} if self.files else {})
        lines = [f"# Made by blendreel {self.version}; blendreel render FILE --again makes it once more."]
        lines += [entry_text(key, value) for key, value in head.items()]
        return Tags(self.title, "\n".join(lines) + _BREAK + self.preset)

    @classmethod
    def read(cls, text: str) -> Record | None:
        """The record in a film's comment; None if it is another's comment, or damaged."""
        first, (head, _, preset) = _FIRST.match(text), text.partition(_BREAK)
        if not first or not preset:
            return None
        try:
            data = read_text(head, "record").data
            return cls(
                title=str(data["title"]),
                version=first[1],
                precision=str(data["precision"]),
                models={str(name): _texts(sums) for name, sums in data["models"].items()},
                files=_texts(data.get("files") or {}),
                settings={str(name): int(value) for name, value in (data.get("settings") or {}).items()},
                preset=preset,
            )
        except (BlendreelError, KeyError, TypeError, ValueError, AttributeError):
            return None


def _texts(data: Mapping) -> Sums:
    return {str(name): str(found) for name, found in data.items()}


class Recorder:
    """Knows what all films of one rendering have to say, and what each says beside it.

    precision  that pictures are computed with, in words
    settings   that decide about pixels, and are not the usual ones
    """

    def __init__(self, preset: Preset, precision: str, settings: Mapping[str, int]) -> None:
        self.preset, self.precision, self.settings = preset, precision, settings
        taken = taken_channels(preset, None) if preset.channels else ()
        self.channels = {one.channels.name: one.channels.channels for one in taken if one.file is not None}
        self.models = sums_of_models(preset)

    def record(self, path: Path, output: Output) -> Record:
        """What the film at `path` says."""
        path = path.absolute()
        is_numbered = is_sequence(path)
        folder = path.parent.parent if is_numbered else path.parent
        word = self.precision.split(" ")[0]  # another machine may choose otherwise
        data = resolved_data(self.preset.replace(precision=word), output, self.channels)
        return Record(
            title=path.parent.name if is_numbered else path.stem,
            version=program_version(),
            precision=self.precision,
            models=self.models,
            files=sums_of_files(self.preset, data, folder),
            settings=self.settings,
            preset=portable_text(self.preset, data, folder),
        )


def program_version() -> str:
    """The version of blendreel; `unknown` where it runs without having been installed."""
    try:
        return metadata.version("blendreel")
    except metadata.PackageNotFoundError:
        return "unknown"


def sums_of_models(preset: Preset) -> dict[str, Sums]:
    """The sha256 of the files of every model that a preset shows. Raises CheckpointError: one is missing."""
    found = {}
    for name in used_models(preset):
        try:
            paths = [path for _, path in model_files(preset, name)]
        except BlendreelError as error:
            raise type(error)(f"models.{name}: {error}") from None
        names = [path.name for path in paths]
        if len(set(names)) < len(names):
            names = [f"{path.parent.name}/{path.name}" for path in paths]
        found[name] = {each: sha256_of(path) for each, path in zip(names, paths, strict=True)}
    return found


def begin_sums(preset: Preset) -> None:
    """Begin with the sums of models that lie here, while they are opened: each takes one core for a while."""
    for name in used_models(preset):
        if not is_remote(preset.models[name].source):
            with suppress(BlendreelError):  # told by who opens it
                begin(path for _, path in model_files(preset, name))


def sums_of_files(preset: Preset, data: Mapping, folder: Path) -> Sums:
    """The sha256 of all other files that `data`, resolved, speaks of; those that are missing have none.

    They go by the names that they have from `folder` on.
    """
    found = {}
    for name in files_of(preset, data):
        path = placed(preset.base_dir, name)
        if path.is_file():
            found[portable_name(name, preset.base_dir, folder)] = sha256_of(path)
    return found


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> Iterable[str]:
    """How files differ from those that a film was made with; their order counts, not their names."""
    for (name, is_), (_, was) in zip(found.items(), wanted.items(), strict=False):
        if is_ != was:
            yield f"{name} has the sha256 {is_}, and the film was made with {was}"
            return
    if len(found) != len(wanted):
        yield f"there are {len(found)} files, and the film was made with {len(wanted)}"
