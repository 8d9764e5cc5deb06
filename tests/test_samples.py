"""The networks that ship: there, small, related, and drawing pictures that differ."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import render
from render.checkpoints.header import read_header
from render.checkpoints.library import resolve, resolve_series, sample_folder, sample_names
from render.drawing import to_frames
from render.encoding import facts_of
from render.latents import seed_latents
from render.preset import Preset
from render.preset.shipped import preset_folder
from render.renderer import Renderer
from render.scene import Scene
from samples import painter

MEGABYTES = 25
SEEDS = (3, 14, 15, 92, 26, 35)


def drawn(name: str) -> np.ndarray:
    """Seeds of a sample network as uint8 [N, H, W, 3]."""
    import torch

    generator = render.load(f"sample:{name}")
    z = torch.from_numpy(seed_latents(SEEDS, generator.z_dim))
    with torch.inference_mode():
        return to_frames(generator(z, truncation_psi=0.7))


def test_every_style_ships_in_a_small_folder():
    assert sample_names() == sorted(painter.STYLES)
    assert sum(path.stat().st_size for path in sample_folder().iterdir()) <= MEGABYTES * 1e6
    assert all(read_header(path).resolution == 128 for path in sample_folder().glob("*.safetensors"))


@pytest.mark.parametrize("style", ["ukiyoe", "toon"])
def test_a_fine_tuned_style_ships_as_a_training_run_that_starts_from_the_base(style):
    series = resolve_series(f"sample:{style}")
    assert len(series) >= 6
    assert series[0][0] == 0
    assert read_header(series[-1][1]).lineage == ("portrait",)
    start, base = render.load(series[0][1]).state_dict(), render.load("sample:portrait").state_dict()
    assert all(np.array_equal(start[name], base[name]) for name in base)


@pytest.mark.parametrize("style", painter.STYLES)
def test_networks_draw_different_people_in_the_colours_of_what_they_learnt_from(style):
    pictures = drawn(style).astype(float)
    assert min(np.abs(a - b).mean() for a, b in pairwise(pictures)) > 5
    painted = to_frames(painter.paint(painter.sample_parameters(32, seed=1), style, 128)).astype(float)
    assert np.abs(pictures.mean(axis=(0, 1, 2)) - painted.mean(axis=(0, 1, 2))).max() < 32


def test_the_styles_are_worlds_apart_and_a_swap_lies_between_them():
    import torch

    portrait, ukiyoe = render.load("sample:portrait"), render.load("sample:ukiyoe")
    ws = portrait.mapping(torch.from_numpy(seed_latents(SEEDS, portrait.z_dim)), truncation_psi=0.7)
    low, mixed, high = (
        to_frames(network.synthesis(ws)).astype(float)
        for network in (portrait, render.blend(portrait, ukiyoe, 16), ukiyoe)
    )
    apart = np.abs(low - high).mean()
    assert apart > 15
    assert 0.2 * apart < np.abs(low - mixed).mean()
    assert 0.2 * apart < np.abs(high - mixed).mean()


@pytest.mark.parametrize("path", sorted(preset_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_preset_checks_out_and_draws_its_first_and_last_frame(path):
    preset = Preset.load(path)
    assert preset.warnings() == []
    scene = Scene.open(preset)
    frames = list(Renderer(scene).frames(scene.moments([0, scene.clock.frame_count - 1])))
    assert all(frame.std() > 10 for frame in frames)


def test_the_readme_shows_the_preset_it_explains():
    folder = preset_folder()
    readme = (folder.parent / "README.md").read_text(encoding="utf-8")
    assert (folder / "hello.yaml").read_text(encoding="utf-8").strip() in readme


def test_the_last_snapshot_is_what_the_bare_name_means():
    assert resolve("sample:ukiyoe") == resolve_series("sample:ukiyoe")[-1][1]


@pytest.mark.parametrize(("name", "budget"), [("256kB", 256_000), ("1MB", 10**6), ("4MB", 4 * 10**6)])
def test_gifs_made_for_a_budget_keep_it(name: str, budget: int) -> None:
    path = preset_folder().parent / "samples" / "pictures" / f"budget-{name}.gif"
    assert 0.9 * budget <= path.stat().st_size <= budget
    facts = facts_of(path)
    assert facts.frames >= 30
    assert facts.fps >= 10
