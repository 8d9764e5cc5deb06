"""TensorFlow's files open as what they are: names, turns, labels, sizes; and nothing in them runs."""

from __future__ import annotations

import gzip
import os
import pickletools
import re
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import REFERENCE, make_network, make_relative, write_nvlabs
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_files import make_stylegan1, network_of, variables_of, write_tensorflow

import render
from render.errors import BlendError, CheckpointError, UnsafeCheckpointError
from render.networks import ops

STYLEGAN2 = REFERENCE / "stylegan2-tf"


def same(ours, theirs) -> bool:
    """Whether all tensors are equal (the +1 on modulation biases rounds)."""
    own, other = ours.state_dict(), theirs.state_dict()
    return own.keys() == other.keys() and all(
        torch.allclose(tensor, other[name], atol=3e-7, rtol=0)
        if name.endswith("affine.bias")
        else torch.equal(tensor, other[name])
        for name, tensor in own.items()
    )


@pytest.fixture(scope="module")
def reference():
    return render.load(STYLEGAN2 / "network.pkl"), dict(np.load(STYLEGAN2 / "expected.npz"))


@pytest.mark.parametrize(
    ("key", "psi", "cutoff"), [("ws", 1.0, None), ("ws_psi0.6", 0.6, None), ("ws_psi0.6_cutoff4", 0.6, 4)]
)
def test_mapping_agrees(reference, key, psi, cutoff):
    generator, expected = reference
    ws = generator.mapping(torch.tensor(expected["z"]), truncation_psi=psi, truncation_cutoff=cutoff)
    assert np.abs(ws.numpy() - expected[key]).max() < 1e-4


def test_images_agree(reference):
    generator, expected = reference
    ws = torch.tensor(expected["ws"])
    for noise_mode in ("const", "none"):
        images = generator.synthesis(ws, noise_mode=noise_mode)
        assert np.abs(images.numpy() - expected[f"image_{noise_mode}"]).max() < 1e-4
    apart = np.abs(ops.to_uint8(generator.synthesis(ws)).numpy().astype(int) - expected["uint8_const"])
    assert apart.max() <= 1


CASES = {
    "skip": lambda: make_network(seed=1),
    "orig": lambda: make_network(seed=2, architecture="orig"),
    "resnet": lambda: make_network(seed=3, architecture="resnet", resolution=32),
    "embedded labels": lambda: make_network(seed=4, c_dim=3),
    "embedded labels of another width": lambda: make_network(seed=4, c_dim=3, mapping_embed=5),
    "concatenated labels": lambda: make_network(seed=5, c_dim=3, label_concat=True),
    "grey": lambda: make_network(seed=6, img_channels=1, mapping_layers=3, mapping_features=12),
    "alpha": lambda: make_network(seed=7, img_channels=4, mapping_lr_multiplier=0.1),
    "clamped": lambda: make_network(seed=8, conv_clamp=0.5, resample_filter=(1, 2, 1)),
    "narrowed": lambda: make_network(seed=9, channels=(8, 6, 4), w_dim=6),
    "without noise": lambda: make_network(seed=10, use_noise=False),
    "rectifiers": lambda: make_network(seed=11, activation="relu", mapping_activation="linear"),
    "wide": lambda: make_network(seed=12, const_size=(4, 6)),
    "wide resnet": lambda: make_network(seed=12, const_size=(7, 4), architecture="resnet"),
    "one": lambda: make_stylegan1(seed=13),
    "one with labels": lambda: make_stylegan1(seed=14, c_dim=4, img_channels=1),
    "one, 256 px": lambda: make_stylegan1(seed=15, resolution=256, channel_base=1024, channel_max=4),
    "one, all fused": lambda: make_stylegan1(seed=16, fused=True, blur_filter=(1, 3, 3, 1)),
    "one, never fused": lambda: make_stylegan1(seed=17, fused=False, blur_filter=None, resolution=128),
    "one without noise": lambda: make_stylegan1(seed=18, use_noise=False, activation="relu"),
    "one, wide": lambda: make_stylegan1(seed=19, const_size=(3, 5), channels=(8, 7, 4), mapping_features=5),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_written_comes_back(tmp_path, case):
    network = CASES[case]()
    loaded = render.load(write_tensorflow(tmp_path / "net.pkl", network))
    assert type(loaded) is type(network)
    wanted = network.config
    if wanted.channels:  # widths given one by one; the rule for them says nothing
        wanted = replace(wanted, channel_base=loaded.config.channel_base, channel_max=512)
    assert loaded.config == wanted
    assert same(loaded, network)
    z, c = torch.ones(1, network.z_dim), torch.ones(1, network.c_dim)
    picture = loaded(z, c, truncation_psi=0.5)
    torch.testing.assert_close(picture, network(z, c, truncation_psi=0.5), atol=1e-5, rtol=1e-5)
    width, height = network.picture_size
    assert picture.shape == (1, network.config.img_channels, height, width)
    assert loaded.provenance.format == "tensorflow"


def test_pictures_of_wide_networks_are_wide():
    network = make_network(seed=12, const_size=(4, 6), resolution=64, channel_base=512)
    assert network.picture_size == (96, 64)
    ws = network.mapping(torch.ones(1, 8))
    assert network.synthesis(ws).shape == (1, 3, 64, 96)
    assert network.synthesis(ws, resolution=16).shape == (1, 3, 16, 24)
    assert network.structure()["resolution"] == "96×64"
    with pytest.raises(BlendError, match="resolution"):
        render.blend(network, make_network(seed=12, resolution=64, channel_base=512))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("old_numpy", [False, True])
def test_every_protocol_and_both_spellings_of_numpy(tmp_path, protocol, old_numpy, low):
    path = write_tensorflow(tmp_path / "net.pkl", low, protocol, old_numpy and protocol < 4)
    assert same(render.load(path), low)


def test_strings_of_python_2_are_bytes(tmp_path, low):
    """There all text and numbers were byte strings (SHORT_BINSTRING, BINSTRING)."""
    path = write_tensorflow(tmp_path / "net.pkl", low, old_numpy=True)
    stream, out, at = path.read_bytes(), bytearray(), 0
    for op, argument, position in list(pickletools.genops(stream)):
        if op.name == "BINUNICODE":
            data = argument.encode("latin-1")
            out += stream[at:position]
            at = position + 5 + len(argument.encode("utf-8", "surrogatepass"))
            short = len(data) < 256
            out += (b"U" + bytes([len(data)]) if short else b"T" + len(data).to_bytes(4, "little")) + data
    path.write_bytes(bytes(out + stream[at:]))
    assert b"Unoise0" in path.read_bytes().replace(b"U\x06", b"U")
    assert same(render.load(path), low)


def test_the_averaged_network_is_used_wherever_it_lies(tmp_path, low, high):
    d = write_tensorflow
    assert same(render.load(d(tmp_path / "a.pkl", network_of(low))), low)
    assert same(render.load(d(tmp_path / "b.pkl", (network_of(high), network_of(low)))), low)
    assert same(render.load(d(tmp_path / "c.pkl", [network_of(low), network_of(high, "G")])), low)
    named = {"Gs": network_of(low, "x"), "G": network_of(high, "y"), "step": 3}
    assert same(render.load(d(tmp_path / "d.pkl", named)), low)
    packed = tmp_path / "e.pkl"
    packed.write_bytes(gzip.compress((tmp_path / "a.pkl").read_bytes()))
    assert same(render.load(packed), low)


def test_progressive_names_mean_the_last_to_rgb_alone(tmp_path):
    orig = make_network(seed=2, architecture="orig")
    names = {}
    for name, value in variables_of(orig).items():
        names[name.replace("16x16/ToRGB", "ToRGB_lod0")] = value
    for k in (1, 2):
        names |= {f"synthesis/ToRGB_lod{k}/{leaf}": np.ones([3]) for leaf in ("weight", "bias", "mod_bias")}
    path = write_tensorflow(tmp_path / "net.pkl", network_of(orig, variables=names, architecture="skip"))
    assert same(render.load(path), orig)


def test_a_grown_network_uses_the_resolution_it_has_grown_to(tmp_path):
    whole = make_stylegan1(seed=3, resolution=16)
    small = make_stylegan1(seed=3, resolution=8, channels=(8, 8))
    variables = variables_of(whole)
    small.synthesis.b4.load_state_dict(whole.synthesis.b4.state_dict())
    for name in ("conv0", "conv1"):
        getattr(small.synthesis.b8, name).load_state_dict(getattr(whole.synthesis.b8, name).state_dict())
    small.mapping.load_state_dict(whole.mapping.state_dict())
    rgb = small.synthesis.b8.torgb
    variables["synthesis/ToRGB_lod1/weight"] = rgb.weight.numpy().transpose(2, 3, 1, 0)
    variables["synthesis/ToRGB_lod1/bias"] = rgb.bias.numpy()
    grown = network_of(whole, variables=variables | {"lod": np.float32(1), "synthesis/lod": np.float32(0)})
    grown.variables = [pair for pair in grown.variables if pair[0] != "lod"] + [("lod", np.float32(1))]
    assert same(render.load(write_tensorflow(tmp_path / "a.pkl", grown)), small)
    grown.variables[-1] = ("lod", np.float32(0.5))
    with pytest.raises(CheckpointError, match=r"b\.pkl was saved while it was growing.*lod 0\.5"):
        render.load(write_tensorflow(tmp_path / "b.pkl", grown))


def test_labels_are_concatenated_before_they_are_normalised(tmp_path):
    network = render.load(write_tensorflow(tmp_path / "n.pkl", CASES["concatenated labels"]()))
    z, c = torch.randn(2, 8, generator=torch.Generator().manual_seed(1)), torch.eye(3)[:2]
    joint = torch.cat([z, network.mapping.label.weight.t()[:2]], dim=1)  # one-hot labels pick a row
    x = joint / joint.square().mean(dim=1, keepdim=True).sqrt()
    for layer in (network.mapping.fc0, network.mapping.fc1):
        x = layer(x)
    torch.testing.assert_close(network.mapping(z, c)[:, 0], x, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(network.mapping(z, c), network.mapping(z))
    with pytest.raises(BlendError, match=r"labels.*embedded"):
        render.blend(network, make_network(seed=4, c_dim=3))


@pytest.mark.parametrize("swap", [4, 8, 23, "16/1"])
def test_a_tensorflow_network_blends_with_one_from_pytorch(tmp_path, low, high, swap, ws):
    theirs = render.load(write_tensorflow(tmp_path / "low.pkl", low))
    ours = render.load(write_nvlabs(tmp_path / "high.pkl", high))
    mixed, expected = render.blend(theirs, ours, swap=swap), render.blend(low, high, swap=swap)
    torch.testing.assert_close(mixed.synthesis(ws), expected.synthesis(ws), atol=1e-5, rtol=1e-5)
    back = render.blend(ours, theirs, swap=swap).synthesis(ws)
    torch.testing.assert_close(back, render.blend(high, low, swap=swap).synthesis(ws), atol=1e-5, rtol=1e-5)


HARMLESS = [
    {"impl": "cuda"},
    {"min_h": 4, "min_w": 4, "res_log2": 2},
    {"truncation_psi": 0.7, "truncation_cutoff": 8, "structure": "linear", "dtype": "float32"},
    {"self_attention": False, "extra": None, "blocks": []},
    {"normalize_latents": True, "use_pixel_norm": False, "randomize_noise": True},
    {"gpu_count": 8, "train_seed": 1, "verbose": True, "dataset_note": "faces"},
    {"resample_kernel": np.array([1, 3, 3, 1])},
]
MEANINGFUL = [
    ({"self_attention": True}, "self_attention=True"),
    ({"normalize_latents": False}, "normalize_latents=False"),
    ({"style_strength": 0.5}, r"style_strength=0\.5"),
    ({"nonlinearity": "mish"}, "activation 'mish'"),
    ({"resample_kernel": "sharp"}, "resample_kernel=sharp; it must be a list"),
    ({"mapping_lrmul": 0}, "mapping_lrmul=0; it must be a number above 0"),
    ({"conv_clamp": float("nan")}, "conv_clamp=nan"),
    ({"resample_kernel": [1.0] * 1000}, "resample_kernel=a list"),
    ({"odd\nname": [1]}, r"odd\?name"),
]


@pytest.mark.parametrize("options", HARMLESS, ids=lambda options: next(iter(options)))
def test_harmless_options_pass(tmp_path, low, options):
    assert same(render.load(write_tensorflow(tmp_path / "n.pkl", network_of(low, **options))), low)


@pytest.mark.parametrize(("options", "words"), MEANINGFUL, ids=lambda value: str(value)[:30])
def test_meaningful_options_are_refused_by_name(tmp_path, low, options, words):
    path = write_tensorflow(tmp_path / "n.pkl", network_of(low, **options))
    with pytest.raises(CheckpointError, match=words) as caught:
        render.load(path)
    assert "n.pkl" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_parts_are_refused_by_name(tmp_path, low):
    variables = variables_of(low) | {"synthesis/16x16/Attention/query": np.ones([8, 8])}
    path = write_tensorflow(tmp_path / "n.pkl", network_of(low, variables=variables))
    with pytest.raises(CheckpointError, match=r"n\.pkl.*not known here: synthesis/16x16/Attention/query"):
        render.load(path)


def test_missing_and_misshaped_variables_are_named(tmp_path, low):
    variables = variables_of(low)
    variables["synthesis/8x8/Conv1/bias"] = np.ones(3)
    del variables["mapping/Dense0/bias"]
    path = write_tensorflow(tmp_path / "n.pkl", network_of(low, variables=variables))
    with pytest.raises(
        CheckpointError, match=r"(?s)n\.pkl.*missing: mapping\.fc0\.bias.*b8\.conv1\.bias: \[3\]"
    ):
        render.load(path)


def test_files_without_a_generator_say_what_they_hold(tmp_path, low):
    path = write_tensorflow(tmp_path / "d.pkl", network_of(low).components["synthesis"])
    with pytest.raises(CheckpointError, match=r"d\.pkl holds no StyleGAN generator.*networks G_synthesis"):
        render.load(path)
    lost = {name: value for name, value in variables_of(low).items() if "8x8" not in name}
    path = write_tensorflow(tmp_path / "e.pkl", network_of(low, variables=lost))
    with pytest.raises(CheckpointError, match=r"e\.pkl has resolutions that do not double.*4x4, 16x16"):
        render.load(path)


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(place: str, low, mark):
    """A network with a call in it that leaves a mark if it is made."""
    network, call = network_of(low), Calls(os.system, f"touch {mark}")
    if place == "beside":
        return network, call
    if place == "option":
        network.static_kwargs["func_name"] = call
    elif place == "variable":
        network.components["mapping"].variables[0] = ("Dense0/weight", call)
    elif place == "source":
        network.build_module_src = call
    return network


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("place", ["beside", "option", "variable", "source"])
def test_a_call_is_refused_by_name_and_never_made(tmp_path, low, place, protocol):
    mark = tmp_path / "it-ran"
    path = write_tensorflow(tmp_path / "n.pkl", hostile(place, low, mark), protocol)
    with pytest.raises(UnsafeCheckpointError, match=r"n\.pkl asks to run os\.system .*not opened"):
        render.load(path)
    assert not mark.exists()


def test_embedded_source_is_never_run(tmp_path, low):
    mark, network = tmp_path / "it-ran", network_of(low)
    network.build_module_src = f"open({str(mark)!r}, 'w').close()\nthis is not Python"
    network.build_func_name = "__import__"
    assert same(render.load(write_tensorflow(tmp_path / "n.pkl", network)), low)
    assert not mark.exists()


def test_shared_numbers_and_endless_parts_do_not_fill_memory(tmp_path, low):
    block = np.zeros([512, 512], "f4")
    shared = network_of(
        low, variables=variables_of(low) | {f"mapping/Dense{n}/weight": block for n in range(900)}
    )
    nested = network_of(low)
    nested.components |= {"synthesis": nested}
    many = network_of(low)
    many.components |= {f"part{n}": many for n in range(1000)}
    deep = network_of(low)
    deep.static_kwargs |= {"resolution": 2**60, "fmap_base": 10**300, "fmap_max": -1}
    for name, network, words in (
        ("shared", shared, "share their numbers"),
        ("nested", nested, "doubl"),
        ("many", many, "table of parts"),
    ):
        started = time.monotonic()
        with pytest.raises(CheckpointError, match=words):
            render.load(write_tensorflow(tmp_path / f"{name}.pkl", network))
        assert time.monotonic() - started < 5
    assert same(render.load(write_tensorflow(tmp_path / "deep.pkl", deep)), low)  # the tensors know better


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_damaged_files_load_or_are_refused(tmp_path_factory, data):
    whole = bytearray((STYLEGAN2 / "network.pkl").read_bytes())
    kind = data.draw(st.sampled_from(["bytes", "cut", "names"]))
    if kind == "cut":
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        places = [found.start() for found in re.finditer(rb"Conv|mod_|noise|Dense|Network|variables", whole)]
        for _ in range(data.draw(st.integers(1, 6))):
            near = data.draw(st.sampled_from(places)) if kind == "names" else data.draw(st.integers(0, 5000))
            whole[min(near + data.draw(st.integers(0, 30)), len(whole) - 1)] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged-tf.pkl"
    path.write_bytes(whole)
    try:
        outcome = f"damaged-tf.pkl has {render.load(path).resolution} px"
    except CheckpointError as error:
        outcome = str(error)
    assert "damaged-tf.pkl" in outcome


def test_relatives_in_this_format_stay_relatives(tmp_path, low):
    moved = make_relative(low, seed=3)
    loaded = render.load(write_tensorflow(tmp_path / "network-snapshot-000120.pkl", moved))
    assert loaded.provenance.kimg == 120
    assert loaded.structure() == low.structure()
