"""The models of a preset as files: where each is, what its header says, and what it is used for. No torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from render.checkpoints.header import Header, header_of
from render.checkpoints.library import is_cached, is_remote, kimg_in_name, resolve, resolve_series
from render.errors import CheckpointError
from render.preset import Preset, name_of

from .words import kimg_range

_PYRAMIDS = ("stylegan1", "stylegan2")  # two layers for every resolution: 4, 8, 16 …
_WRITES_CHANNELS = re.compile(
    r"synthesis\.(b(?P<resolution>\d+)\.((input\.)?const|conv(?P<level>[01])\.bias)"
    r"|input\.weight|L(?P<signal>\d+)_\w+\.bias)"
)
_SIGNAL_LAYER = re.compile(r"synthesis\.L(\d{1,3})_(\d{1,5})_")


class KnownLayer(NamedTuple):
    """A layer as a network has it; see `render.networks.Layer`."""

    position: int
    name: str
    resolution: int
    level: int


@dataclass(frozen=True)
class Sizes:
    """What a header tells of a network's shape.

    resolution  nominal pixels of the picture's side
    picture     width and height in pixels
    num_ws      rows of ws; None where only the opened network knows
    channels    how many output channels each layer has, by its name
    img_channels  of the picture: 1, 3 or, with alpha, 4; None where nothing tells
    """

    architecture: str
    resolution: int
    picture: tuple[int, int]
    z_dim: int
    w_dim: int
    c_dim: int
    num_ws: int | None
    layers: tuple[KnownLayer, ...]
    channels: Mapping[str, int]
    img_channels: int | None = None

    @classmethod
    def of(cls, header: Header) -> Sizes | None:
        """The sizes in a header; None where they are not all there."""
        config = header.config
        numbers = [config.get(name) for name in ("resolution", "z_dim", "w_dim", "c_dim")]
        if not all(isinstance(number, int) and number >= 0 for number in numbers) or numbers[0] < 4:
            return None
        resolution, *widths = numbers
        height, width = config.get("const_size") or (4, 4)
        picture = (width * resolution // 4, height * resolution // 4)
        layers = _signal_layers(header)
        if header.architecture in _PYRAMIDS:
            count = 2 * int(math.log2(resolution)) - 2
            layers = tuple(
                KnownLayer(position, name_of(position), 4 << position // 2, position % 2)
                for position in range(count)
            )
        channels = _channels(header, layers)
        count = len(layers) or None
        of_picture = config.get("img_channels")
        return cls(header.architecture, resolution, picture, *widths, count, layers, channels, of_picture)


def _signal_layers(header: Header) -> tuple[KnownLayer, ...]:
    """StyleGAN3's layers, from the sizes in their tensors' names; () where these do not tell."""
    sizes = {int(match[1]): int(match[2]) for name in header.tensors if (match := _SIGNAL_LAYER.match(name))}
    margin, count = header.config.get("margin_size"), header.config.get("num_layers")
    if not (isinstance(margin, int) and isinstance(count, int) and set(sizes) == set(range(count + 1))):
        return ()
    # All but the last two layers keep a margin around the picture.
    rates = [sizes[index] - 2 * margin * (index < count - 1) for index in range(count + 1)]
    rates = [rates[0], *rates]  # the input's is that of L0
    return tuple(
        KnownLayer(position, f"L{position - 1}" if position else "input", rate, position - rates.index(rate))
        for position, rate in enumerate(rates)
    )


def _channels(header: Header, layers: Sequence[KnownLayer]) -> dict[str, int]:
    """Channels of the layers, as many as each has biases, or rows of its constant or input."""
    found = {}
    for name, (_, shape) in header.tensors.items():
        if shape and (match := _WRITES_CHANNELS.fullmatch(name)):
            resolution, level, signal = match["resolution"], match["level"], match["signal"]
            layer = f"{resolution}/{level or 0}" if resolution else f"L{signal}" if signal else "input"
            found[layer] = shape[0]
    of_picture = {layers[-1].name} if layers and header.architecture == "stylegan3" else set()
    return {layer.name: found[layer.name] for layer in layers if layer.name in found.keys() - of_picture}


@dataclass(frozen=True)
class FoundModel:
    """Files of one of the preset's models.

    files    (kimg or None where nothing tells, file), by rising kimg; one, or a series of snapshots
    headers  of the files that are ours
    """

    name: str
    files: tuple[tuple[float | None, Path], ...]
    headers: tuple[Header, ...]

    @property
    def sizes(self) -> Sizes | None:
        """Its shape, where a file says it."""
        return next((sizes for header in self.headers if (sizes := Sizes.of(header))), None)

    @property
    def kimgs(self) -> tuple[float, ...]:
        """What is known of how far it was trained, rising."""
        return tuple(kimg for kimg, _ in self.files if kimg is not None)


Models = dict[str, FoundModel]


def find_models(preset: Preset) -> Models:
    """The files of every model, by its name. Raises CheckpointError with a line for each mistake."""
    found, mistakes = {}, []
    for name in preset.models:
        try:
            found[name] = _find_model(preset, name)
        except CheckpointError as error:
            mistakes.append(f"models.{name}: {error}")
        except OSError as error:
            mistakes.append(f"models.{name}: {error.filename} can't be read: {error.strerror}")
    if mistakes:
        raise CheckpointError("\n".join(mistakes))
    return found


def _find_model(preset: Preset, name: str) -> FoundModel:
    source = preset.models[name]
    if is_remote(source.source) and not is_cached(source.source):
        return FoundModel(name, (), ())
    if source.is_series:
        files = resolve_series(source.source, preset.base_dir)
    else:
        path = resolve(source.source, preset.base_dir, sha256=source.sha256, offline=True)
        files = ((kimg_in_name(path), path),)
    headers = tuple(header for _, path in files if (header := header_of(path)) is not None)
    if not source.is_series and headers and headers[0].kimg is not None:
        files = ((headers[0].kimg, files[0][1]),)
    return FoundModel(name, tuple(files), headers)


def roles_of(preset: Preset) -> dict[str, list[str]]:
    """What each model is used for at any time: `low`, `high`, `mapping`, `channels`, `panel` …"""
    uses = dict(preset.mix.all_names())
    for track, names in preset.names().items():
        section, _, role = track.partition(".")
        if section == "blend":
            uses.setdefault(role, names.names)
    uses["channels"] = tuple(taken.model for taken in (preset.channels or {}).values())
    shown = {panel.word for row in preset.panels.rows for panel in row}
    uses["panel"] = tuple(name for name in preset.models if name in shown)
    return {name: [role for role, names in uses.items() if name in names] for name in preset.models}


def used_models(preset: Preset, models: Models) -> list[FoundModel]:
    """Those that are opened when the preset is rendered."""
    return [models[name] for name, roles in roles_of(preset).items() if roles]


def sizes_in(models: Iterable[FoundModel]) -> Sizes | None:
    """The shape of a preset's networks, if any file tells it: they all have one."""
    return next((model.sizes for model in models if model.sizes), None)


def model_rows(preset: Preset, models: Models) -> list[list[str]]:
    """Name, roles, size, kimg and files of each model."""
    roles = roles_of(preset)
    return [
        [
            name,
            _joined(roles[name]) or "not used",
            f"{model.sizes.resolution} px" if model.sizes else "",
            kimg_range(model.kimgs),
            _source_text(preset.models[name].source, model),
        ]
        for name, model in models.items()
    ]


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def _source_text(source: str, model: FoundModel) -> str:
    names = [path.name for _, path in model.files]
    if not names:
        return f"{source} (not fetched yet)"
    # Of a foreign file only the first bytes were looked at: it may still be damaged, or of another size.
    state = "" if len(model.headers) == len(names) else " (not opened yet)"
    if len(names) > 1:
        return f"{source}: {len(names)} snapshots, {names[0]} to {names[-1]}{state}"
    return f"{source}{state}" if source.endswith(names[0]) else f"{source}: {names[0]}{state}"
