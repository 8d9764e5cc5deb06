"""The generator agrees with what NVIDIA's code computed, in every array kept of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import REFERENCE, make_network

import render
from render.errors import CheckpointError
from render.networks import StyleGAN2, StyleGAN2Config, build, ops

FOLDERS = ["stylegan2-ada", "stylegan2-ada-finetuned", "stylegan2-ada-conditional"]


@pytest.fixture(scope="module", params=FOLDERS)
def case(request):
    """A reference network and its expected arrays."""
    folder = REFERENCE / request.param
    return render.load(folder / "network.pkl"), dict(np.load(folder / "expected.npz"))


def difference(ours: torch.Tensor, theirs: np.ndarray) -> float:
    assert ours.dtype == torch.float32
    assert tuple(ours.shape) == theirs.shape
    return float(np.abs(ours.numpy() - theirs).max())


@pytest.mark.parametrize(
    ("key", "psi", "cutoff"), [("ws", 1.0, None), ("ws_psi0.6", 0.6, None), ("ws_psi0.6_cutoff4", 0.6, 4)]
)
def test_mapping_agrees(case, key, psi, cutoff):
    generator, expected = case
    z, c = torch.tensor(expected["z"]), torch.tensor(expected["c"])
    ws = generator.mapping(z, c, truncation_psi=psi, truncation_cutoff=cutoff)
    assert difference(ws, expected[key]) < 1e-4


@pytest.mark.parametrize("noise_mode", ["const", "none"])
def test_images_agree(case, noise_mode):
    generator, expected = case
    images = generator.synthesis(torch.tensor(expected["ws"]), noise_mode=noise_mode)
    assert difference(images, expected[f"image_{noise_mode}"]) < 1e-4


def test_bytes_agree(case):
    generator, expected = case
    images = ops.to_uint8(generator(torch.tensor(expected["z"]), torch.tensor(expected["c"])))
    apart = np.abs(images.numpy().astype(int) - expected["uint8_const"])
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3


def test_labels_change_the_picture():
    generator = render.load(REFERENCE / "stylegan2-ada-conditional" / "network.pkl")
    z = torch.randn(1, generator.z_dim, generator=torch.Generator().manual_seed(0)).expand(2, -1)
    first, second = generator.mapping(z, torch.eye(generator.c_dim)[:2])
    assert (first - second).abs().max() > 0.05


def resnet_by_hand(generator: StyleGAN2, ws: torch.Tensor) -> torch.Tensor:
    """A residual network, written out from the paper's figure with the published convolution."""
    blocks, root = generator.synthesis.blocks, 0.5**0.5

    def layer(unit, x, w, up=1, gain=1.0):
        x = ops.modulated_conv2d(x, unit.weight, unit.affine(w), up=up, kernel=unit.resample_filter)
        x = x + unit.noise_const * unit.noise_strength + unit.bias[:, None, None]
        return torch.nn.functional.leaky_relu(x, 0.2) * 2**0.5 * gain

    x = layer(blocks[0].conv1, blocks[0].const.expand(len(ws), -1, -1, -1), ws[:, 0])
    for index, block in enumerate(blocks[1:]):
        weight = block.skip.weight / block.skip.weight.shape[1] ** 0.5
        short = torch.nn.functional.conv2d(ops.upsample2d(x, block.resample_filter), weight)
        x = layer(block.conv0, x, ws[:, 2 * index + 1], up=2)
        x = layer(block.conv1, x, ws[:, 2 * index + 2], gain=root) + short * root
    rgb = blocks[-1].torgb
    styles = rgb.affine(ws[:, -1]) / rgb.weight.shape[1] ** 0.5
    return ops.modulated_conv2d(x, rgb.weight, styles, demodulate=False) + rgb.bias[:, None, None]


def test_resnet_is_two_branches_of_half_the_power(ws):
    generator = make_network(seed=3, architecture="resnet")
    ours = generator.synthesis(ws)
    assert ours.std() > 0.05
    torch.testing.assert_close(ours, resnet_by_hand(generator, ws), atol=1e-5, rtol=1e-5)


def test_orig_has_one_to_rgb_and_skip_sums_them(ws):
    skip, orig = make_network(seed=4), make_network(seed=4, architecture="orig")
    names = [name for name in orig.state_dict() if "torgb" in name]
    assert {name.split(".")[1] for name in names} == {"b16"}
    orig.load_tensors({name: skip.state_dict()[name] for name in orig.state_dict()})
    # Without the smaller pictures, a skip network is an orig network.
    silent = {
        n: torch.zeros_like(t) if "torgb" in n and "b16" not in n else t for n, t in skip.state_dict().items()
    }
    skip.load_tensors(silent)
    torch.testing.assert_close(orig.synthesis(ws), skip.synthesis(ws))


def test_random_noise_is_fresh_and_constant_noise_is_not(low, ws):
    assert torch.equal(low.synthesis(ws), low.synthesis(ws))
    with torch.random.fork_rng():
        assert not torch.equal(low.synthesis(ws, noise_mode="random"), low.synthesis(ws, noise_mode="random"))


def test_conv_clamp_bounds_activations(ws):
    free, clamped = make_network(seed=6), make_network(seed=6, conv_clamp=0.05)
    assert free.synthesis(ws).abs().max() > 0.5
    assert (
        clamped.synthesis(ws).abs().max() < 0.05 * 3.5
    )  # three pictures of at most 0.05, a little overshoot


def test_filters_only_matter_where_something_is_resampled():
    generator = make_network(seed=7, resample_filter=(1, 2, 1))
    shapes = {name: tuple(t.shape) for name, t in generator.state_dict().items() if "filter" in name}
    assert shapes["synthesis.b8.conv0.resample_filter"] == (3, 3)
    assert shapes["synthesis.b8.conv1.resample_filter"] == (4, 4)  # published files keep the default there
    assert generator(torch.ones(1, 8)).shape == (1, 3, 16, 16)


def test_roles_tell_where_a_tensor_belongs(low):
    roles = {name: low.role(name) for name in low.state_dict()}
    assert (roles["synthesis.b4.const"].kind, roles["synthesis.b4.const"].position) == ("layer", 0)
    assert roles["synthesis.b8.conv0.noise_strength"].position == 2
    assert roles["synthesis.b8.conv0.noise_const"].kind == "noise_map"
    assert (roles["synthesis.b16.torgb.affine.weight"].kind, roles["synthesis.b16.torgb.bias"].position) == (
        "to_rgb",
        5,
    )
    assert roles["mapping.w_avg"].kind == "mapping"
    assert [layer.name for layer in low.layers] == ["4/0", "4/1", "8/0", "8/1", "16/0", "16/1"]


def test_tensors_that_do_not_fit_are_listed_at_once(low):
    tensors = dict(low.state_dict())
    del tensors["mapping.w_avg"]
    tensors["extra"] = torch.zeros(2)
    tensors["synthesis.b4.const"] = torch.zeros(8, 4, 6)
    with pytest.raises(CheckpointError) as caught:
        make_network().load_tensors(tensors)
    message = str(caught.value)
    assert "missing: mapping.w_avg [8]" in message
    assert "unexpected: extra [2]" in message
    assert "synthesis.b4.const: [8, 4, 6] in the file, [8, 4, 4]" in message


@pytest.mark.parametrize(
    "wrong", [{"resolution": 100}, {"resolution": 2}, {"architecture": "unet"}, {"activation": "gelu"}]
)
def test_impossible_configs_are_refused(wrong):
    with pytest.raises(CheckpointError, match=str(*wrong.values())):
        StyleGAN2Config(**{"resolution": 16, **wrong})


def test_building_around_tensors_draws_no_random_numbers(low):
    before = torch.random.get_rng_state()
    rebuilt = build(low.config, dict(low.state_dict()))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert rebuilt.mapping.w_avg.data_ptr() == low.mapping.w_avg.data_ptr()


def test_wrong_ws_are_explained(low):
    with pytest.raises(ValueError, match=r"\[N, 6, 8\], not \[1, 5, 8\]"):
        low.synthesis(torch.zeros(1, 5, 8))
    with pytest.raises(ValueError, match=r"loud.*const, none, random"):
        low.synthesis(torch.zeros(1, 6, 8), noise_mode="loud")
