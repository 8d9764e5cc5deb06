"""Our own files: what is written comes back, whole or not at all; the header needs no torch."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import pytest
import torch
from conftest import make_network
from safetensors.torch import save_file

import render
from render.checkpoints import native
from render.checkpoints.header import read_header
from render.errors import CheckpointError


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"architecture": "resnet", "conv_clamp": 256.0},
        {"architecture": "orig", "resample_filter": (1, 2, 1), "use_noise": False},
        {"c_dim": 3, "img_channels": 1, "channels": (8, 6, 4), "mapping_features": 12, "mapping_embed": 5},
    ],
)
def test_round_trip_in_float32_is_exact(tmp_path, config):
    generator = make_network(seed=3, **config)
    path = render.save(generator, tmp_path / "net.safetensors", kimg=40.5, lineage=["toon", "portrait"])
    loaded = render.load(path)
    assert loaded.config == generator.config
    assert all(torch.equal(loaded.state_dict()[name], t) for name, t in generator.state_dict().items())
    assert (loaded.provenance.format, loaded.provenance.kimg) == ("native", 40.5)
    assert loaded.provenance.lineage == ("toon", "portrait")
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(z), generator(z))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_half_precision_halves_the_file_and_keeps_the_picture(tmp_path, low, ws):
    whole = render.save(low, tmp_path / "32.safetensors")
    half = render.save(low, tmp_path / "16.safetensors", dtype=torch.float16)
    weights = sum(t.nbytes for t in low.state_dict().values() if t.ndim >= 2)
    assert whole.stat().st_size - half.stat().st_size > 0.45 * weights
    loaded = render.load(half)
    assert {t.dtype for t in loaded.state_dict().values()} == {torch.float32}
    assert torch.equal(loaded.mapping.w_avg, low.mapping.w_avg)
    images, ours = low.synthesis(ws), loaded.synthesis(ws)
    assert (images - ours).abs().max() < 0.02 * images.std()


def test_a_loaded_network_saves_what_it_knew(tmp_path, low):
    first = render.save(low, tmp_path / "a.safetensors", kimg=12, lineage=["base"])
    header = read_header(render.save(render.load(first), tmp_path / "b.safetensors"))
    assert (header.kimg, header.lineage) == (12.0, ("base",))


def test_weights_too_big_for_half_precision_are_refused(tmp_path):
    generator = make_network(seed=1)
    generator.synthesis.b4.conv1.weight.data *= 1e6
    with pytest.raises(CheckpointError, match=r"b4\.conv1\.weight.*float32"):
        render.save(generator, tmp_path / "x.safetensors", dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, low, monkeypatch):
    path = render.save(low, tmp_path / "net.safetensors")
    before = path.read_bytes()

    def full(tensors, part, metadata):
        part.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(native, "save_file", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        render.save(low, path, kimg=5)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_missing_folder_is_one_clear_error(tmp_path, low):
    with pytest.raises(CheckpointError, match=r"nowhere.*could not be written"):
        render.save(low, tmp_path / "nowhere" / "net.safetensors")


def test_header_is_read_without_torch(tmp_path, low):
    path = render.save(low, tmp_path / "net.safetensors", kimg=7, lineage=["base"])
    code = (
        "import sys; from render.checkpoints.header import read_header; h = read_header(sys.argv[1]);"
        "print(h.architecture, h.resolution, h.kimg, h.lineage[0], len(h.tensors), 'torch' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
    assert shown.split() == ["stylegan2", "16", "7.0", "base", str(len(low.state_dict())), "False"]


def test_a_cut_file_is_said_to_be_cut(tmp_path, low):
    whole = render.save(low, tmp_path / "net.safetensors").read_bytes()
    path = tmp_path / "cut.safetensors"
    for keep in (9, 12, 500, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(CheckpointError, match=r"cut\.safetensors.*(cut off|damaged|no checkpoint)"):
            render.load(path)


def rewrite(path, change):
    """Change the `blendreel` entry of a file of ours in place of the old one."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    own = json.loads(header["__metadata__"]["blendreel"])
    change(own)
    header["__metadata__"]["blendreel"] = json.dumps(own)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own: own.update(version=2), "version 2 of the format; this blendreel reads version 1"),
        (lambda own: own.update(architecture="stylegan9"), "a stylegan9 network.*stylegan2"),
        (lambda own: own["config"].update(hyper=1), "newer blendreel: it has hyper"),
        (lambda own: own["config"].update(resolution=17), "resolution 17"),
        (lambda own: own["config"].update(resolution=32), "missing: synthesis.b32"),
        (lambda own: own.pop("config"), "not complete"),
    ],
)
def test_what_does_not_fit_is_explained(tmp_path, low, change, message):
    path = render.save(low, tmp_path / "net.safetensors")
    rewrite(path, change)
    with pytest.raises(CheckpointError, match=rf"(?s)net\.safetensors.*{message}"):
        render.load(path)


def test_other_safetensors_are_told_apart(tmp_path):
    path = tmp_path / "lora.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"lora\.safetensors.*not blendreel's"):
        render.load(path)


def test_impossible_kimg_is_refused(tmp_path, low):
    with pytest.raises(ValueError, match="kimg"):
        render.save(low, tmp_path / "x.safetensors", kimg=-1)


def test_a_saved_file_has_the_rights_of_any_new_file(low, tmp_path):
    (tmp_path / "any").touch()
    path = native.save(low, tmp_path / "net.safetensors")
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_another_ending_is_refused(low, tmp_path):
    with pytest.raises(CheckpointError, match=r"written as \.safetensors; name it net\.safetensors"):
        native.save(low, tmp_path / "net.pkl")
    assert not list(tmp_path.iterdir())
