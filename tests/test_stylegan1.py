"""StyleGAN1 agrees with the published code's arrays, and with its definition where there are none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import REFERENCE, make_network
from tensorflow_files import make_stylegan1

import render
from render.errors import BlendError, CheckpointError
from render.networks import StyleGAN1, StyleGAN1Config, build
from render.networks.stylegan1 import fused_upscale

FOLDER = REFERENCE / "stylegan1-tf"


@pytest.fixture(scope="module")
def reference():
    return render.load(FOLDER / "network.pkl"), dict(np.load(FOLDER / "expected.npz"))


@pytest.fixture(scope="module")
def network() -> StyleGAN1:
    return make_stylegan1(seed=1)


@pytest.fixture(scope="module")
def ws(network):
    """[3, 6, 8]: a row of its own for every layer."""
    return torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(("key", "psi", "cutoff"), [("ws", 1.0, None), ("ws_psi0.6_cutoff4", 0.6, 4)])
def test_mapping_agrees(reference, key, psi, cutoff):
    generator, expected = reference
    z, c = torch.tensor(expected["z"]), torch.tensor(expected["c"])
    ws = generator.mapping(z, c, truncation_psi=psi, truncation_cutoff=cutoff)
    assert ws.shape == expected[key].shape
    assert np.abs(ws.numpy() - expected[key]).max() < 1e-4


def test_images_agree(reference):
    generator, expected = reference
    images = generator.synthesis(torch.tensor(expected["ws"]))
    assert images.dtype == torch.float32
    assert np.abs(images.numpy() - expected["image_const"]).max() < 1e-4


def transposed_by_definition(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The gradient of a stride-2 convolution, as TensorFlow defines its transposed one, summed by hand."""
    o, i, _, _ = weight.shape
    kernel = torch.zeros(i, o, 4, 4)
    for y in range(3):
        for k in range(3):
            for dy in (0, 1):
                for dx in (0, 1):
                    kernel[:, :, y + dy, k + dx] += weight[:, :, y, k].t()
    wide = torch.zeros(len(x), o, 2 * x.shape[2], 2 * x.shape[3], requires_grad=True)
    narrow = F.conv2d(F.pad(wide, (1, 1, 1, 1)), kernel, stride=2)
    return torch.autograd.grad(narrow, wide, x)[0]


def test_fused_upscaling_is_the_transposed_convolution_of_its_definition():
    random = torch.Generator().manual_seed(1)
    x, weight = torch.randn(2, 3, 5, 4, generator=random), torch.randn(6, 3, 3, 3, generator=random)
    ours = fused_upscale(x, weight)
    assert ours.shape == (2, 6, 10, 8)
    torch.testing.assert_close(ours, transposed_by_definition(x, weight), atol=1e-5, rtol=1e-5)
    # With a kernel that is its own mirror image, it is the unfused way.
    even = weight + weight.flip([2, 3])
    plain = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), even, padding=1)
    torch.testing.assert_close(fused_upscale(x, even), plain, atol=1e-5, rtol=1e-5)


def test_auto_fuses_from_128_px_on():
    def fused(config: StyleGAN1Config) -> list[int]:
        return [resolution for resolution in config.resolutions[1:] if config.is_fused(resolution)]

    assert fused(StyleGAN1Config(512)) == [128, 256, 512]
    assert fused(StyleGAN1Config(64)) == []
    assert fused(StyleGAN1Config(16, fused=True)) == [8, 16]
    assert fused(StyleGAN1Config(512, fused=False)) == []
    assert fused(StyleGAN1Config(256, const_size=(2, 9))) == [256]  # 128×576: the shorter side counts
    assert make_stylegan1(fused=True).structure()["fused upscaling"] == "from 8 px on"


def by_hand(generator: StyleGAN1, ws: torch.Tensor) -> torch.Tensor:
    """A network without noise and fusing, written out from the paper's figure 1."""
    blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16

    def finish(unit, x, w):
        x = F.leaky_relu(x + unit.bias[:, None, None], 0.2)
        x = F.instance_norm(x, eps=1e-8)
        style = w @ unit.affine.weight.t() / w.shape[1] ** 0.5 + unit.affine.bias
        scale, shift = style[:, : x.shape[1]], style[:, x.shape[1] :]
        return x * (scale + 1)[:, :, None, None] + shift[:, :, None, None]

    def convolve(unit, x):
        return F.conv2d(x, unit.weight * (2 / (9 * x.shape[1])) ** 0.5, padding=1)

    for index, block in enumerate(generator.synthesis.blocks):
        if index == 0:
            x = finish(block.input, block.input.const.expand(len(ws), -1, -1, -1), ws[:, 0])
        else:
            x = convolve(block.conv0, x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
            x = F.conv2d(x, blur.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])
            x = finish(block.conv0, x, ws[:, 2 * index])
        x = finish(block.conv1, convolve(block.conv1, x), ws[:, 2 * index + 1])
    rgb = generator.synthesis.blocks[-1].torgb
    return (
        torch.einsum("nchw,oc->nohw", x, rgb.weight[:, :, 0, 0]) / x.shape[1] ** 0.5 + rgb.bias[:, None, None]
    )


def test_synthesis_is_what_the_figure_shows(network, ws):
    ours = network.synthesis(ws, noise_mode="none")
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, by_hand(network, ws), atol=1e-4, rtol=1e-4)


def test_noise_modes(network, ws):
    const = network.synthesis(ws)
    assert torch.equal(const, network.synthesis(ws, noise_mode="const"))
    assert not torch.allclose(const, network.synthesis(ws, noise_mode="none"))
    with torch.random.fork_rng():
        assert not torch.equal(
            network.synthesis(ws, noise_mode="random"), network.synthesis(ws, noise_mode="random")
        )
    silent = make_stylegan1(seed=1, use_noise=False)
    assert torch.equal(silent.synthesis(ws), silent.synthesis(ws, noise_mode="none"))
    with pytest.raises(ValueError, match=r"loud.*const, none, random"):
        network.synthesis(ws, noise_mode="loud")
    with pytest.raises(ValueError, match=r"\[N, 6, 8\], not \[3, 5, 8\]"):
        network.synthesis(ws[:, 1:])


def test_a_smaller_picture_is_the_large_one_averaged(network, ws):
    small = network.synthesis(ws, resolution=8)
    torch.testing.assert_close(small, F.avg_pool2d(network.synthesis(ws), 2))


def test_shared_weights_change_nothing(network, ws):
    before = network.synthesis(ws)
    assert torch.equal(make_stylegan1(seed=1).use_shared_weights().synthesis(ws), before)


def test_labels_change_the_picture_and_default_to_none():
    network = make_stylegan1(seed=2, c_dim=3)
    z = torch.ones(2, 8)
    first, second = network.mapping(z, torch.eye(3)[:2])
    assert (first - second).abs().max() > 0.05
    torch.testing.assert_close(network.mapping(z), network.mapping(z, torch.zeros(2, 3)))


def test_roles_and_layers(network):
    roles = {name: network.role(name) for name in network.state_dict()}
    expected = {
        "mapping.w_avg": ("mapping", None),
        "synthesis.b4.input.const": ("layer", 0),
        "synthesis.b4.input.affine.bias": ("layer", 0),
        "synthesis.b4.input.noise_const": ("noise_map", 0),
        "synthesis.b4.conv1.weight": ("layer", 1),
        "synthesis.b8.conv0.noise_strength": ("layer", 2),
        "synthesis.b8.conv0.blur_filter": ("filter", 2),
        "synthesis.b16.conv1.bias": ("layer", 5),
        "synthesis.b16.torgb.weight": ("to_rgb", 5),
    }
    assert {name: (roles[name].kind, roles[name].position) for name in expected} == expected
    assert [layer.name for layer in network.layers] == ["4/0", "4/1", "8/0", "8/1", "16/0", "16/1"]
    assert len([name for name in roles if "torgb" in name]) == 2


def test_blending_goes_by_the_same_words(network, ws):
    other = make_stylegan1(seed=9)
    mixed = render.blend(network, other, swap="8/1")
    for name, tensor in mixed.state_dict().items():
        role = network.role(name)
        of_high = role.kind in ("layer", "to_rgb") and role.position >= 3
        assert torch.equal(tensor, (other if of_high else network).state_dict()[name]), name
    assert torch.equal(render.blend(network, other, swap=32).synthesis(ws), network.synthesis(ws))
    half = render.blend(network, other, swap=4, weight=0.5)
    expected = (network.synthesis.b8.conv0.weight + other.synthesis.b8.conv0.weight) / 2
    torch.testing.assert_close(half.synthesis.b8.conv0.weight, expected)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"fused": True}, "fused upscaling"),
        ({"blur_filter": (1, 3, 3, 1)}, "filters"),
        ({"c_dim": 2}, "labels"),
    ],
)
def test_other_structures_are_refused_with_what_differs(network, config, words):
    with pytest.raises(BlendError, match=words):
        render.blend(network, make_stylegan1(seed=1, **config))


def test_the_two_architectures_do_not_mix(network):
    with pytest.raises(BlendError, match=r"architecture +stylegan1 +stylegan2"):
        render.blend(network, make_network())


@pytest.mark.parametrize(
    "config", [{}, {"const_size": (4, 6), "fused": True, "c_dim": 2}, {"channels": (8, 5, 3)}]
)
def test_files_of_ours_keep_everything(tmp_path, config):
    network = make_stylegan1(seed=4, **config)
    loaded = render.load(render.save(network, tmp_path / "one.safetensors"))
    assert loaded.config == network.config
    z = torch.ones(1, 8)
    assert torch.equal(loaded(z), network(z))


def test_building_adopts_tensors_and_checks_them(network):
    rebuilt = build(network.config, dict(network.state_dict()))
    assert rebuilt.synthesis.b4.input.const.data_ptr() == network.synthesis.b4.input.const.data_ptr()
    short = {name: tensor for name, tensor in network.state_dict().items() if name != "mapping.w_avg"}
    with pytest.raises(CheckpointError, match=r"stylegan1.*\n.*missing: mapping\.w_avg"):
        build(network.config, short)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": 100},
        {"fused": "sometimes"},
        {"activation": "gelu"},
        {"channels": (4, 4), "resolution": 16},
        {"const_size": (0, 4)},
        {"resolution": 2**30},
    ],
)
def test_impossible_configs_are_refused(wrong):
    with pytest.raises(CheckpointError):
        StyleGAN1Config(**{"resolution": 16, **wrong})
