"""Facts about one checkpoint: true for every architecture and format, and the sheet of its seeds."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from render.checkpoints.native import save
from render.drawing import to_frames
from render.inspection import SEEDS, describe, inspect, sheet
from render.latents import seed_latents
from tests.conftest import REFERENCE, make_network, write_nvlabs


@pytest.fixture
def file(tmp_path, low):
    return save(low, tmp_path / "toon-000024.safetensors", kimg=24, lineage=["portrait", "base"])


def test_the_facts_are_those_of_the_file(file, low):
    facts, generator = inspect(file)
    assert (facts.format, facts.architecture, facts.resolution) == ("native", "stylegan2", 16)
    assert (facts.picture, facts.z_dim, facts.w_dim, facts.num_ws, facts.c_dim) == ((16, 16), 8, 8, 6, 0)
    assert facts.channels == {"4/0": 8, "4/1": 8, "8/0": 8, "8/1": 8, "16/0": 8, "16/1": 8}
    assert facts.parameters["in all"] == sum(tensor.numel() for tensor in low.parameters())
    assert facts.parameters["in all"] == facts.parameters["mapping"] + facts.parameters["synthesis"]
    assert (facts.kimg, facts.lineage, facts.precision) == (24, ("portrait", "base"), "float32")
    assert facts.size_bytes == file.stat().st_size
    assert facts.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert generator.resolution == 16


def test_channels_are_told_layer_by_layer(tmp_path):
    narrow = make_network(resolution=32, channel_base=256, channel_max=16, c_dim=3)
    facts, _ = inspect(save(narrow, tmp_path / "a.safetensors"))
    assert facts.channels["8/1"], facts.channels["32/0"] == (16, 8)
    assert facts.c_dim == 3


def test_half_precision_is_named_with_what_stays_whole(tmp_path, low):
    facts, _ = inspect(save(low, tmp_path / "half.safetensors", dtype=torch.float16))
    assert facts.precision.startswith("float16 (")
    assert "float32 (" in facts.precision


def test_kimg_comes_from_the_name_where_the_file_does_not_tell(tmp_path, low):
    path = write_nvlabs(tmp_path / "network-snapshot-000040.pkl", low, _init_kwargs={
        "z_dim": 8, "c_dim": 0, "w_dim": 8, "img_resolution": 16, "img_channels": 3,
        "synthesis_kwargs": {"channel_base": 128, "channel_max": 8}, "mapping_kwargs": {"num_layers": 2},
    })  # fmt: skip
    facts, _ = inspect(path)
    assert (facts.format, facts.kimg, facts.lineage) == ("nvlabs", 40, ())


def references():
    return sorted(path for path in REFERENCE.glob("*/network.*"))


@pytest.mark.parametrize("path", references(), ids=lambda path: path.parent.name)
def test_every_known_format_is_described(path):
    facts, generator = inspect(path)
    assert list(facts.channels) == [layer.name for layer in generator.layers]
    assert all(count > 0 for count in facts.channels.values())
    text = describe(facts)
    assert max(map(len, text.splitlines())) <= 100 or facts.path in text
    for word in (facts.architecture, facts.sha256, "parameters", "float32"):
        assert word in text
    assert json.loads(json.dumps(facts.as_json()))["sha256"] == facts.sha256


def test_the_text_tells_training_and_lineage(file):
    text = describe(inspect(file)[0])
    assert "lineage   toon-000024 ← portrait ← base" in text
    assert "kimg      24" in text


def test_the_sheet_shows_the_seeds_in_order(low, file):
    steps = []
    drawn = sheet(inspect(file)[1], progress=lambda *step: steps.append(step))
    assert steps[-1] == (32, 32)
    z = torch.from_numpy(seed_latents(SEEDS, low.z_dim))
    pictures = to_frames(low(z, truncation_psi=0.7))
    # Cells are enlarged and lie evenly; their means are those of the pictures.
    bottom, right = drawn.shape[0] - 16, drawn.shape[1] - 16
    for seed in (0, 7, 8, 31):
        row, column = divmod(seed, 8)
        y, x = bottom - (4 - row) * 70 + 6, right - (8 - column) * 70 + 6
        mean = drawn[y : y + 64, x : x + 64].mean(axis=(0, 1))
        assert np.abs(mean - pictures[seed].mean(axis=(0, 1))).max() < 2


def test_a_network_with_labels_and_alpha_has_a_sheet_too(tmp_path):
    network = make_network(c_dim=2, img_channels=4)
    facts, generator = inspect(save(network, tmp_path / "a.safetensors"))
    assert facts.structure["labels"].startswith("2,")
    assert sheet(generator).shape[2] == 3
