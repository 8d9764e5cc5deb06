"""Deltas: what sets a network apart from its base, which is found again, or refused with both checksums."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import render
from render.checkpoints.delta import save_delta
from render.checkpoints.download import hash_file
from render.checkpoints.native import save
from render.errors import CheckpointError
from render.inspection import inspect
from tests.conftest import make_network, make_relative


@pytest.fixture
def base(tmp_path):
    """A network that came from a file, in a folder of its own."""
    (tmp_path / "nets").mkdir()
    save(make_network(1), tmp_path / "nets" / "base.safetensors", lineage=["older"])
    return render.load(tmp_path / "nets" / "base.safetensors")


@pytest.fixture
def tuned(base):
    """The base with one layer changed."""
    moved = make_relative(base, seed=3, distance=0.1).state_dict()
    changed = {name: moved[name] if "b16" in name else tensor for name, tensor in base.state_dict().items()}
    return render.networks.build(base.config, changed)


def test_a_delta_is_the_network_again_and_holds_only_what_changed(base, tuned, tmp_path):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    found = render.load(path)
    for name, tensor in tuned.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)
    held = load_file(path)
    assert held
    assert all("b16" in name and tensor.dtype == torch.float16 for name, tensor in held.items())
    assert path.stat().st_size < 0.5 * (tmp_path / "nets" / "base.safetensors").stat().st_size
    assert found.provenance.lineage == ("base", "older")


def test_a_delta_blends_with_the_family(base, tuned, tmp_path):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    relative = make_relative(base, seed=9)
    mixed = render.blend(render.load(path), relative, swap=16)
    ws = mixed.mapping(torch.randn(1, mixed.z_dim))
    assert bool(mixed.synthesis(ws).isfinite().all())
    assert not render.blending.kinship.unrelated({"me": render.load(path), "other": relative})


def test_the_base_moves_with_the_delta(base, tuned, tmp_path):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    away = tmp_path / "away"
    away.mkdir()
    path.rename(away / "me.safetensors")
    with pytest.raises(CheckpointError, match="its base is not here") as caught:
        render.load(away / "me.safetensors")
    sha = hash_file(tmp_path / "nets" / "base.safetensors")
    assert sha in str(caught.value)
    (tmp_path / "nets" / "base.safetensors").rename(away / "base.safetensors")
    assert render.load(away / "me.safetensors").resolution == 16


def test_another_base_is_refused_with_both_checksums(base, tuned, tmp_path):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    before = hash_file(tmp_path / "nets" / "base.safetensors")
    save(make_network(2), tmp_path / "nets" / "base.safetensors")
    after = hash_file(tmp_path / "nets" / "base.safetensors")
    with pytest.raises(CheckpointError, match="delta of another network") as caught:
        render.load(path)
    assert before in str(caught.value)
    assert after in str(caught.value)
    assert "\n" not in str(caught.value)


def test_samples_are_named_as_samples(sample_folder, tmp_path):
    base = render.load("sample:portrait")
    path = save_delta(make_relative(base), base, "sample:portrait", tmp_path / "me.safetensors")
    assert described(path)["base"]["source"] == "sample:portrait"
    assert render.load(path).resolution == 16
    assert inspect(path)[0].precision == "float16, differences from sample:portrait"


def described(path):
    """What a file's header says."""
    size = int.from_bytes(path.read_bytes()[:8], "little")
    return json.loads(json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]["blendreel"])


def rewritten(path, **changes):
    """The same file with another description."""
    own = described(path) | changes
    save_file(load_file(path), path, metadata={"blendreel": json.dumps(own)})
    return path


def test_damaged_deltas_are_told(base, tuned, tmp_path):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    for broken in ("text", {"source": "nets/base.safetensors"}, {"source": 3, "sha256": "0" * 64}):
        with pytest.raises(CheckpointError, match=r"me\.safetensors is damaged"):
            render.load(rewritten(path, base=broken))
    reference = {"source": "nets/base.safetensors", "sha256": hash_file(tmp_path / "nets/base.safetensors")}
    rewritten(path, base=reference)
    other = {"config": described(path)["config"] | {"w_dim": 9}}
    with pytest.raises(CheckpointError, match="config is not that of its base"):
        render.load(rewritten(path, **other))
    for extra in ({"synthesis.b99.weight": torch.zeros(3)}, {"synthesis.b4.const": torch.zeros(1)}):
        save_delta(tuned, base, "nets/base.safetensors", path)
        save_file(load_file(path) | extra, path, metadata={"blendreel": json.dumps(described(path))})
        with pytest.raises(CheckpointError, match="does not fit its base"):
            render.load(path)


def test_nothing_is_fetched_and_no_delta_stands_on_a_delta(base, tuned, tmp_path, monkeypatch):
    path = save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.safetensors")
    again = save_delta(base, render.load(path), str(path), tmp_path / "again.safetensors")
    with pytest.raises(CheckpointError, match="a delta of a delta"):
        render.load(again)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    remote = {"source": "https://example.com/base.safetensors", "sha256": "0" * 64}
    with pytest.raises(CheckpointError, match="its base is not here"):
        render.load(rewritten(path, base=remote))


def test_what_makes_no_delta_is_refused(base, tuned, tmp_path):
    target = tmp_path / "me.safetensors"
    with pytest.raises(CheckpointError, match="the networks are equal"):
        save_delta(base, base, "nets/base.safetensors", target)
    with pytest.raises(CheckpointError, match="differ in structure"):
        save_delta(make_network(1, w_dim=9), base, "nets/base.safetensors", target)
    with pytest.raises(CheckpointError, match="the base is no file"):
        save_delta(tuned, make_network(1), "nowhere", target)
    with pytest.raises(CheckpointError, match=r"name it me\.safetensors"):
        save_delta(tuned, base, "nets/base.safetensors", tmp_path / "me.pkl")
    assert not target.exists()
