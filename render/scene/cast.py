"""The models of a preset, open: which of them are used, and the networks behind each name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from render.blending.blend import snapshots
from render.blending.blender import Blender
from render.checkpoints.library import resolve, resolve_series
from render.checkpoints.load import load
from render.errors import BlendError, BlendreelError, CheckpointError
from render.networks import Generator
from render.preset import Preset
from render.preset.mistakes import shown


@dataclass(frozen=True)
class Cast:
    """One of the preset's models, open: a single checkpoint, or a series by rising kimg."""

    name: str
    kimgs: tuple[float, ...]
    generators: tuple[Generator, ...]

    def mix(self, kimg: float | None) -> np.ndarray:
        """Weights [K] of its checkpoints at `kimg`; None: the last one."""
        return snapshots(self.kimgs, self.kimgs[-1] if kimg is None else kimg)


def blended_models(preset: Preset) -> list[str]:
    """Names of the models that the blend, its mapping or channels speak of at any time, the blend's first."""
    names = [name for role in preset.mix.all_names().values() for name in role]
    names += [name for track in preset.names().values() for name in track.names]
    names += [taken.model for taken in (preset.channels or {}).values()]
    return [name for name in dict.fromkeys(names) if name in preset.models]


def used_models(preset: Preset) -> list[str]:
    """Names of the models that the blend, its mapping or a panel speaks of; the blend's first."""
    panels = [panel.word for row in preset.panels.rows for panel in row]
    names = [*blended_models(preset), *panels]
    return [name for name in dict.fromkeys(names) if name in preset.models]


def model_files(preset: Preset, name: str) -> tuple[tuple[float, Path], ...]:
    """The files of one of the preset's models, as (kimg, file) by rising kimg. Raises CheckpointError."""
    source = preset.models[name]
    if source.is_series:
        return resolve_series(source.source, preset.base_dir)
    return ((0.0, resolve(source.source, preset.base_dir, sha256=source.sha256)),)


def open_cast(preset: Preset, name: str, device: str | torch.device) -> Cast:
    """Load one of the preset's models. Raises CheckpointError that begins with its place in the preset."""
    source = preset.models[name]
    try:
        kimgs, paths = zip(*model_files(preset, name), strict=True)
        generators = tuple(load(path, device=device) for path in paths)
    except BlendreelError as error:
        raise type(error)(f"models.{name}: {error}") from None
    except OSError as error:
        raise CheckpointError(
            f"models.{name}: {shown(source.source)} can't be read: {error.strerror or error}"
        ) from None
    if preset.noise.mode == "random":
        for generator in generators:
            draw_noise_maps(generator, preset.noise.seed)
    return Cast(name, kimgs, generators)


def blender_of(casts: Iterable[Cast]) -> Blender:
    """What blends them. Raises BlendError, with the place in the preset, unless all have one structure."""
    try:
        return Blender([model for cast in casts for model in cast.generators])
    except BlendError as error:
        raise BlendError(f"models: {error}") from None


def draw_noise_maps(generator: Generator, seed: int) -> None:
    """Replace the network's noise maps by ones drawn from `seed`: the same for every model, still in time."""
    for name, buffer in generator.named_buffers():
        if generator.role(name).kind == "noise_map":
            source = torch.Generator().manual_seed(seed * 1009 + generator.role(name).position)
            buffer.copy_(torch.randn(buffer.shape, generator=source))
