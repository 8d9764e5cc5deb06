"""Any known file opens as what it is; every other file gets one clear line."""

from __future__ import annotations

import pytest
import torch
from conftest import REFERENCE, describe_module, make_network, write_nvlabs
from PIL import Image

import render
from render.checkpoints.formats import FORMATS, sniff
from render.errors import CheckpointError

ADA = REFERENCE / "stylegan2-ada" / "network.pkl"


def same(ours, theirs) -> bool:
    state = theirs.state_dict()
    return all(torch.equal(tensor, state[name]) for name, tensor in ours.state_dict().items())


def test_the_average_is_used_and_not_the_raw_generator():
    generator = render.load(ADA)
    assert generator.synthesis.b4.const.abs().max() > 0  # `G` in that file is zeros


def test_format_is_found_by_content(tmp_path, low):
    picture = tmp_path / "holiday.png"
    picture.write_bytes(ADA.read_bytes())
    assert sniff(picture) == "nvlabs"
    assert render.load(picture).resolution == 32
    weights = tmp_path / "weights.pkl"
    render.save(low, tmp_path / "a.safetensors").rename(weights)
    assert sniff(weights) == "native"
    assert same(render.load(str(weights)), low)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"architecture": "resnet", "c_dim": 3},
        {"architecture": "orig", "use_noise": False},
        {"resample_filter": (1, 2, 1), "img_channels": 4, "mapping_layers": 3, "mapping_features": 12},
        {"channels": (8, 6, 4), "c_dim": 2, "mapping_embed": 5},
        {"const_size": (4, 6), "architecture": "resnet"},
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_every_structure_is_read_from_the_tensors(tmp_path, config, protocol):
    network = make_network(seed=9, **config)
    path = write_nvlabs(tmp_path / "net.pkl", network, protocol=protocol)
    loaded = render.load(path)
    assert loaded.structure() == network.structure()
    assert loaded.config.resample_filter == network.config.resample_filter
    z, c = torch.ones(1, 8), torch.ones(1, network.c_dim)
    assert torch.equal(loaded(z, c, truncation_psi=0.5), network(z, c, truncation_psi=0.5))


def test_a_lone_module_and_a_file_without_average_load(tmp_path, low):
    alone = write_nvlabs(tmp_path / "alone.pkl", data=describe_module(low))
    assert same(render.load(alone), low)
    plain = write_nvlabs(tmp_path / "plain.pkl", data={"G": describe_module(low), "D": None})
    assert same(render.load(plain), low)


@pytest.mark.parametrize(
    ("options", "clamp"),
    [
        ({"synthesis_kwargs": {"channel_base": 128, "channel_max": 8}}, None),
        ({"synthesis_kwargs": {"channel_base": 128, "conv_clamp": 64}}, 64.0),
        ({"channel_base": 128, "channel_max": 8}, 256.0),  # written by stylegan3's code: other defaults
        ({"channel_base": 128, "conv_clamp": None}, None),
    ],
)
def test_defaults_depend_on_the_code_base(tmp_path, low, options, clamp):
    path = write_nvlabs(tmp_path / "net.pkl", low, _init_kwargs=options)
    assert render.load(path).config.conv_clamp == clamp


def test_harmless_options_pass_and_meaningful_ones_are_refused(tmp_path, low):
    fine = {
        "synthesis_kwargs": {
            "fp16_channels_last": True,
            "fused_modconv_default": "inference_only",
            "extra": None,
        }
    }
    assert same(render.load(write_nvlabs(tmp_path / "a.pkl", low, _init_kwargs=fine)), low)
    strange = {"synthesis_kwargs": {"self_attention": [32]}}
    path = write_nvlabs(tmp_path / "b.pkl", low, _init_kwargs=strange)
    with pytest.raises(CheckpointError, match=r"b\.pkl is a variant of StyleGAN2 with self_attention=\[32\]"):
        render.load(path)


def test_kimg_comes_from_the_name_of_a_snapshot(tmp_path, low):
    assert render.load(write_nvlabs(tmp_path / "network-snapshot-000040.pkl", low)).provenance.kimg == 40
    assert render.load(write_nvlabs(tmp_path / "ffhq-1024.pkl", low)).provenance.kimg is None


def test_files_with_no_generator_say_what_they_hold(tmp_path, low):
    path = write_nvlabs(tmp_path / "d.pkl", data={"D": describe_module(low), "epoch": 3})
    with pytest.raises(CheckpointError, match=r"d\.pkl holds no generator.*D, epoch"):
        render.load(path)
    path = write_nvlabs(tmp_path / "m.pkl", data={"G_ema": describe_module(low.mapping)})
    with pytest.raises(CheckpointError, match=r"m\.pkl holds a module that is no StyleGAN2 generator"):
        render.load(path)


def test_tensors_that_do_not_fit_name_the_file(tmp_path):
    network = make_network(seed=2)
    network.synthesis.b16.conv0.bias = torch.nn.Parameter(torch.zeros(3), requires_grad=False)
    path = write_nvlabs(tmp_path / "odd.pkl", network)
    with pytest.raises(CheckpointError, match=r"(?s)odd\.pkl.*b16\.conv0\.bias: \[3\] in the file, \[8\]"):
        render.load(path)


MISTAKES = {
    "empty.pkl": (b"", "is empty"),
    "page.pkl": (b"  <!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
    "notes.pkl": (b"These are my notes.\nNothing else.\n", "a text file"),
    "photo.pkl": (None, "a PNG picture"),
    "lfs.pkl": (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "git lfs pull"),
    "noise.pkl": (bytes(range(200, 256)) * 4, "first bytes are c8 c9"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_wrong_files_get_one_clear_line(tmp_path, name):
    path, (data, words) = tmp_path / name, MISTAKES[name]
    if data is None:
        Image.new("RGB", (8, 8)).save(path, "png")
    else:
        path.write_bytes(data)
    with pytest.raises(CheckpointError, match=words) as caught:
        render.load(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(known.description in str(caught.value) for known in FORMATS.values()) or data == b""


def test_missing_files_and_folders_are_explained(tmp_path):
    (tmp_path / "portrait.pkl").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"portrat\.pkl does not exist; did you mean portrait\.pkl\?"):
        render.load(tmp_path / "portrat.pkl")
    with pytest.raises(CheckpointError, match=r"is a folder; name one file in it \(there: portrait\.pkl\)"):
        render.load(tmp_path)
    with pytest.raises(CheckpointError, match="there is no folder"):
        render.load(tmp_path / "nowhere" / "a.pkl")


def test_samples_load_by_name(sample_folder, low):
    assert same(render.load("sample:portrait"), low)
    assert render.load("sample:ukiyoe").provenance.kimg == 40


def test_a_name_that_the_system_refuses_is_one_line():
    with pytest.raises(CheckpointError, match=r"can't be read: File name too long$"):
        render.load("n" * 300)
