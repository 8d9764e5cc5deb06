"""Presets over networks that are measured: their files in a folder of their own, gone afterwards."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from render.bench.subject import Subject
from render.checkpoints.native import save
from render.errors import BlendreelWarning
from render.networks import Generator
from render.preset import Preset
from render.renderer import Renderer
from render.scene import Scene


@contextmanager
def saved(networks: dict[str, Generator]) -> Iterator[Path]:
    """A folder with these networks as NAME.safetensors."""
    with tempfile.TemporaryDirectory(prefix="blendreel-bench-") as folder:
        for name, network in networks.items():
            save(network, Path(folder) / f"{name}.safetensors")
        yield Path(folder)


def preset_of(folder: Path, models: list[str], text: str) -> Preset:
    """A preset of the networks in that folder."""
    named = ", ".join(f"{name}: {name}.safetensors" for name in models)
    return Preset.from_yaml(f"version: 1\nmodels: {{{named}}}\n{text}", base_dir=folder)


def open_scene(preset: Preset, subject: Subject) -> Scene:
    """Its scene on the subject's device, without remarks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BlendreelWarning)
        return Scene.open(preset, subject.device)


def renderer_of(scene: Scene, **options) -> Renderer:
    """What draws it; random networks are no reason to stop."""
    return Renderer(scene, allow_broken=True, **options)
