"""The channels that a preset takes: their sets found in files, and checked against the networks. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from render.blending.channels import SUFFIX, ChannelSet, channel_file, misfits, overlaps, read_channels
from render.checkpoints.library import is_remote, resolve, resolve_series
from render.errors import BlendreelError, PresetError
from render.preset import Preset, TakenChannels
from render.preset.mistakes import Mistake
from render.reach import placed, within_reach
from render.timeline import did_you_mean

OF_PRESET = "channels.yaml"  # beside it
_SNAPSHOT = re.compile(r"[-_]\d{6,}$")


@dataclass(frozen=True)
class Taken:
    """A set of channels that a preset takes from a model.

    model  its name in the preset
    track  of how much
    file   that the set stands in; None where the preset itself has it
    """

    channels: ChannelSet
    model: str
    track: str
    file: Path | None = None


def taken_channels(preset: Preset, counts: Mapping[str, int] | None) -> tuple[Taken, ...]:
    """All that the preset takes, in its order.

    counts  how many channels each layer of the networks has, by its name; None where nobody knows yet

    Raises PresetError with all mistakes: sets that are nowhere, that share channels or that don't fit the
    networks, each where the preset names it; and those in a file of sets, each with its line there.
    """
    search = _Search(preset, counts)
    found = [one for name, taken in (preset.channels or {}).items() if (one := search.find(name, taken))]
    texts, mistakes = search.texts, [*search.mistakes, *_shared(found)]
    if mistakes:
        texts = [preset.located(mistakes), *texts]
    if texts:
        raise PresetError("\n".join(texts))
    return tuple(found)


def files_of_sets(preset: Preset) -> list[Path]:
    """Where sets without a file of their own are looked for; the first file that has one wins.

    Beside the preset `channels.yaml` and `NAME.channels.yaml`, then NAME.channels.yaml beside the model
    itself. NAME is that of the model whose layers are changed: low, the base, or the first of a mix.
    """
    model = preset.models[next(iter(preset.mix.names().values()))]
    stem = Path(re.split(r"[:/\\]", model.source)[-1]).stem
    folder, places = preset.base_dir, []
    if not is_remote(model.source):
        with suppress(BlendreelError, OSError):  # a model that is not there is told of elsewhere
            find = resolve_series if model.is_series else resolve
            found = find(model.source, folder)
            checkpoint = found[-1][1] if model.is_series else found
            plain = _SNAPSHOT.sub("", checkpoint.stem)
            places = [
                channel_file(checkpoint),
                *(checkpoint.with_name(f"{one}{SUFFIX}") for one in (plain, stem)),
            ]
    return list(dict.fromkeys([folder / OF_PRESET, folder / f"{stem}{SUFFIX}", *places]))


class _Search:
    """Finds sets, reads each file once, and collects what is wrong.

    mistakes  places in the preset
    texts     messages of files, complete
    """

    def __init__(self, preset: Preset, counts: Mapping[str, int] | None):
        self.preset, self.counts = preset, counts
        self.mistakes: list[Mistake] = []
        self.texts: list[str] = []
        self._read: dict[Path, dict[str, ChannelSet]] = {}
        self._damaged: set[Path] = set()

    def find(self, name: str, taken: TakenChannels) -> Taken | None:
        """The set called `name`; None if something is wrong."""
        track = f"channels.{name}.weight"
        if taken.layers is not None:
            found = ChannelSet(name, taken.layers)
            return Taken(found, taken.model, track) if self._fits(found) else None
        known: list[str] = []
        damaged = False
        try:
            paths = self._files(name, taken)
        except PresetError as error:
            self.mistakes.append(Mistake(("channels", name, "file"), str(error)))
            return None
        for path in paths:
            if not path.is_file():
                text = f"there is no file {path}"
                self.mistakes.append(Mistake(("channels", name, "file"), text))
                return None
            sets = self._sets(path)
            if name in sets:
                return Taken(sets[name], taken.model, track, path)
            known += sets
            damaged = damaged or path in self._damaged
        if not damaged:
            self.mistakes.append(self._missing(name, taken, known))
        return None

    def _files(self, name: str, taken: TakenChannels) -> list[Path]:
        if taken.file is not None:
            return [placed(self.preset.base_dir, taken.file)]
        return [path for path in files_of_sets(self.preset) if path.is_file()]

    def _sets(self, path: Path) -> dict[str, ChannelSet]:
        if path not in self._read:
            try:
                self._read[path] = read_channels(within_reach(path), self.counts)
            except PresetError as error:
                self._read[path] = {}
                self._damaged.add(path)
                self.texts.append(str(error))
        return self._read[path]

    def _missing(self, name: str, taken: TakenChannels, known: list[str]) -> Mistake:
        if known:
            where = f" in {taken.file}" if taken.file else ""
            return Mistake(
                ("channels", name),
                f"there is no set {name!r}{where}{did_you_mean(name, list(dict.fromkeys(known)))}",
                at_key=True,
            )
        stem = files_of_sets(self.preset)[1].name
        text = f"nothing says which these are; write layers: {{32/0: [3, 17]}}, or have {name} in {stem}"
        return Mistake(("channels", name), text, at_key=True)

    def _fits(self, found: ChannelSet) -> bool:
        """Whether layers written in the preset are those of the networks."""
        if self.counts is None:
            return True
        wrong = [
            Mistake(("channels", found.name, "layers", layer), text, at_key=layer not in self.counts)
            for layer, numbers in found.channels.items()
            for text in misfits(layer, numbers, self.counts)
        ]
        self.mistakes += wrong
        return not wrong


def _shared(found: Iterable[Taken]) -> Iterator[Mistake]:
    """Sets that want channels which an earlier one has."""
    earlier: list[Taken] = []
    for one in found:
        for other in earlier:
            for text in overlaps([other.channels, one.channels]):
                yield Mistake(("channels", one.channels.name), text, at_key=True)
        earlier.append(one)
