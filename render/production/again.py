"""A film made once more from what it says of its own making."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from render.encoding import read_tags
from render.encoding.sequence import is_sequence
from render.errors import CheckpointError, EncodingError, PresetError
from render.networks.precision import find_precision
from render.preset import Output, Preset, load_output
from render.preset.overrides import Overrides
from render.preset.portable import resolved_data
from render.preset.shipped import shipped_presets
from render.production.record import Record, differences, sums_of_files, sums_of_models
from render.reach import placed

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Retake:
    """A film's own preset, with the film as its only output; `Retake.of` reads it.

    film        the file; of numbered pictures their folder
    record      all that the film says
    is_changed  whether values are set over the preset
    """

    film: Path
    record: Record
    preset: Preset
    is_changed: bool = False

    @classmethod
    def of(cls, film: str | Path, overrides: Overrides = ()) -> Retake:
        """What a film says of its making. Raises PresetError: there is no such film, or it says nothing."""
        film = Path(film)
        check_is_film(film)
        record = record_of(film)
        if film.suffix.lower() == ".png" and is_sequence(_output(record, film).file):
            film = film.absolute().parent  # one of its pictures was named
        preset = _preset(record, film, overrides)
        preset = preset.replace(outputs=(_named(preset.outputs[0], film),))
        return cls(film, record, preset, bool(overrides))

    def to(self, files: Iterable[str]) -> Preset:
        """The preset that makes other files: one of the film's own kind is made as the film was."""
        [output] = self.preset.outputs
        others = [load_output(file) for file in files]
        kinds = [(type(other), Path(other.file).suffix.lower()) for other in others]
        own = (type(output), Path(output.file).suffix.lower())
        outputs = [
            output.replace(file=other.file) if kind == own else other
            for other, kind in zip(others, kinds, strict=True)
        ]
        return self.preset.replace(outputs=tuple(outputs)) if outputs else self.preset

    def other_precision(self, device: torch.device) -> str:
        """What to say where pictures will be computed with other numbers than the film was; or nothing."""
        found = str(find_precision(self.preset.precision, device))
        if found == self.record.precision:
            return ""
        return (
            f"{self.film}: was made with the precision {self.record.precision}, and this is {found}: "
            "its colours may differ a little"
        )

    @property
    def settings(self) -> dict[str, int]:
        """Options of `render` that the film was made with."""
        known = ("resolution", "segment_frames")
        return {name: value for name, value in self.record.settings.items() if name in known and value > 0}

    @property
    def folder(self) -> Path:
        """Where the film lies."""
        return self.film.absolute().parent

    def check(self) -> None:
        """Raises CheckpointError where a file is another than the one that the film was made with."""
        try:
            models = sums_of_models(self.preset)
        except CheckpointError as error:
            raise CheckpointError(f"{self.film}: {error}; {_HINT}") from None
        data = resolved_data(self.preset, self.preset.outputs[0])
        files = sums_of_files(self.preset, data, self.folder)
        wrong = [
            f"{self.film}: models.{name}: {text}; {_HINT}"
            for name, wanted in self.record.models.items()
            for text in differences(models.get(name, {}), wanted)
        ]
        wrong += [f"{self.film}: {text}" for text in differences(files, self.record.files)]
        if wrong:
            raise CheckpointError("\n".join(wrong))


_HINT = "say where the right one is with --set models.NAME=FILE"


def check_is_film(film: Path) -> None:
    """Raises PresetError where there is no such file, or a preset is meant."""
    if film.suffix.lower() in (".yaml", ".yml") or str(film) in shipped_presets():
        raise PresetError(f"{film}: this is a preset, and films are made again; render it without --again")
    if not placed(Path(), film).exists():
        raise PresetError(f"{film}: there is no such film")


def record_of(film: str | Path) -> Record:
    """What a film says of its making. Raises PresetError: there is no such film, or it says nothing."""
    try:
        record = Record.read(read_tags(placed(Path(), film)).comment)
    except EncodingError as error:
        raise PresetError(str(error)) from None
    if record is None:
        raise PresetError(
            f"{film}: does not say how it was made: --private left that out, another program made it, "
            "or a site that it passed through took it away"
        )
    return record


def _preset(record: Record, film: Path, overrides: Overrides) -> Preset:
    return Preset.from_yaml(record.preset, f"{film}'s own preset", film.absolute().parent, overrides)


def _output(record: Record, film: Path) -> Output:
    return _preset(record, film, ()).outputs[0]


def _named(output: Output, film: Path) -> Output:
    name = f"{film.name}/{Path(output.file).name}" if is_sequence(output.file) else film.name
    return output.replace(file=name)
