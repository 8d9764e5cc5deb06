"""docs/photos.md: every preset on the page passes `check`, beside files as `project` writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from markdown_examples import blocks_of

import render
from render.checkpoints.delta import save_delta
from render.checkpoints.native import save
from render.cli import main
from render.projection.files import save_latents
from tests.conftest import make_network, make_relative

PAGE = Path(__file__).parent.parent / "docs" / "photos.md"
PRESETS = [block for block in blocks_of(PAGE) if block.language == "yaml"]
EXAMPLES = [line for block in PRESETS for line in block.text.splitlines() if line.startswith("latents:")]
STANDARD = {
    "models": "{me: sample:portrait, toon: sample:toon}",
    "clip": "{duration: 4s, fps: 25, loop: true}",
    "blend": "{low: me, high: toon, swap: 16}",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with latents of three people and of a film, and a network tuned to one of them."""
    from render.checkpoints import library

    portrait = make_network(seed=1, resolution=64, channel_max=4)
    save(portrait, tmp_path / "portrait.safetensors", kimg=100)
    toon = make_relative(portrait, seed=2, distance=0.1)
    save(toon, tmp_path / "toon.safetensors", kimg=20, lineage=["portrait"])
    monkeypatch.setattr(library, "sample_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    base = render.load("sample:portrait")
    save_delta(make_relative(base, seed=3, distance=0.1), base, "sample:portrait", "me.safetensors")
    random = np.random.default_rng(0)
    for name, count in (("me", 1), ("friend", 1), ("us", 2), ("clip", 12)):
        ws = random.normal(size=(count, base.num_ws, base.w_dim)).astype(np.float32)
        save_latents(tmp_path / f"{name}.npz", ws, [name] * count, model="portrait")
    return tmp_path


def checked(text: str) -> str:
    """What `check` says of a preset that the standard keys complete."""
    missing = (key for key in STANDARD if f"{key}:" not in text)
    Path("preset.yaml").write_text(text + "".join(f"\n{key}: {STANDARD[key]}" for key in missing))
    done = CliRunner().invoke(main, ["check", "preset.yaml"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("latents", EXAMPLES)
def test_the_latents_of_the_page_pass_check(here, latents):
    assert ".npz" in checked(latents)


@pytest.mark.parametrize("preset", [block.text for block in PRESETS if "models:" in block.text])
def test_the_presets_of_the_page_pass_check(here, preset):
    said = checked(preset)
    assert "me.safetensors" in said
    assert "standing still" in said


def test_the_page_shows_every_way_to_use_faces():
    assert len(EXAMPLES) >= 6
    for words in (
        "every: 2s",
        "keys:",
        "mixing: {seeds:",
        "mixing: {files:",
        "every: 1/25s",
        "[me.npz, friend.npz]",
    ):
        assert any(words in example for example in EXAMPLES), words
