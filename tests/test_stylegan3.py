"""StyleGAN3, T and R: every kept array of NVIDIA's, the laws of its signals, files and blends."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import REFERENCE, make_network, make_relative, write_nvlabs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin

import render
from render.errors import BlendError, CheckpointError
from render.networks import StyleGAN3, StyleGAN3Config, build, filters3, ops
from render.networks.stylegan3 import picture_transform

FOLDERS = ["stylegan3-t", "stylegan3-r"]
R = {"conv_kernel": 1, "use_radial_filters": True}
OPTIONS = ("channel_base", "channel_max", "num_layers", "num_critical", "margin_size", "output_scale")


def make_stylegan3(seed: int = 0, **config) -> StyleGAN3:
    """A StyleGAN3 of 32 px and 8 channels with random, lively weights: w turns and shifts the input too."""
    size = {"resolution": 32, "z_dim": 8, "w_dim": 8, "channel_base": 1024, "channel_max": 8}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StyleGAN3(StyleGAN3Config(**size | config))
        tensors = network.state_dict()
        for name, tensor in tensors.items():
            if name.endswith(("bias", "w_avg")):
                tensors[name] = tensor + 0.3 * torch.randn_like(tensor)
            elif name.endswith("magnitude_ema"):
                tensors[name] = torch.rand([]) + 0.5
            elif name.endswith("input.affine.weight"):
                tensors[name] = 0.3 * torch.randn_like(tensor)
    return build(network.config, tensors)


@pytest.fixture(scope="module", params=FOLDERS)
def case(request):
    """A reference network and its expected arrays."""
    folder = REFERENCE / request.param
    return render.load(folder / "network.pkl"), dict(np.load(folder / "expected.npz"))


@pytest.fixture(scope="module", params=["T", "R"])
def network(request):
    """A small network of either kind."""
    return make_stylegan3(seed=3, **(R if request.param == "R" else {}))


@pytest.fixture(scope="module")
def ws():
    return torch.randn(2, 16, 8, generator=torch.Generator().manual_seed(8))


def difference(ours: torch.Tensor, theirs) -> float:
    assert ours.dtype == torch.float32
    assert tuple(ours.shape) == tuple(theirs.shape)
    return float(np.abs(ours.numpy() - np.asarray(theirs)).max())


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


def test_a_config_builds_the_filters_that_files_hold(case):
    generator, _ = case
    designed = StyleGAN3(generator.config).state_dict()
    held = {name: t for name, t in generator.state_dict().items() if name.endswith("filter")}
    assert len(held) == 28  # two for each of L0–L13, none for to-RGB
    for name, kernel in held.items():
        torch.testing.assert_close(designed[name], kernel, rtol=0, atol=1e-7)


@settings(deadline=None, max_examples=40)
@given(
    taps=st.integers(2, 40),
    cutoff=st.floats(0.02, 0.45),
    half_width=st.floats(0.01, 0.45),
    rate=st.sampled_from([1.0, 64.0]),
)
def test_lines_are_kaisers_design(taps, cutoff, half_width, rate):
    ours = filters3.lowpass_filter(taps, cutoff * rate, half_width * rate, rate)
    expected = firwin(taps, cutoff * rate, width=2 * half_width * rate, fs=rate)
    np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("taps", [5, 12])
def test_planes_pass_low_frequencies_alike_in_all_directions(taps):
    kernel = filters3.lowpass_filter(taps, 0.2, 0.2, 1.0, radial=True)
    assert kernel.isfinite().all()
    assert kernel.sum() == pytest.approx(1)
    torch.testing.assert_close(kernel, kernel.t())
    torch.testing.assert_close(kernel, kernel.flip(0))
    places = np.arange(taps) - (taps - 1) / 2

    def response(along: float, across: float) -> float:
        wave = np.cos(2 * np.pi * (along * places[:, None] + across * places[None, :]))
        return float((kernel.numpy() * wave).sum())

    assert response(0.15, 0) == pytest.approx(response(0.15 / math.sqrt(2), 0.15 / math.sqrt(2)), abs=0.02)
    assert response(0.05, 0) > 0.8 > 0.3 > abs(response(0.4, 0))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_resampling_is_zeros_between_then_a_filter(data):
    up, taps = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    before, after = (data.draw(st.integers(-3, 9)) for _ in range(2))
    plane = data.draw(st.booleans())
    random = torch.Generator().manual_seed(taps)
    x = torch.randn(2, 3, 9, 11, generator=random)
    line = torch.randn(taps, generator=random)
    kernel = torch.randn(taps, taps, generator=random) if plane else line
    dense = kernel if plane else torch.outer(line, line)
    if min(9, 11) * up + before + after < taps:
        return
    zeros = torch.zeros(2, 3, 9 * up, 11 * up)
    zeros[:, :, ::up, ::up] = x
    weight = dense.flip([0, 1]).expand(3, 1, -1, -1)
    expected = F.conv2d(F.pad(zeros, (before, after) * 2), weight, groups=3)
    spread = filters3.upsample(x, kernel, up, before, after)
    torch.testing.assert_close(spread, expected * up**2, rtol=1e-4, atol=1e-4)
    if taps <= 9:
        filtered = F.conv2d(x, weight, groups=3)[:, :, ::up, ::up]
        torch.testing.assert_close(filters3.downsample(x, kernel, up), filtered, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "wanted", "up", "down"), [(38, 36, 2, 2), (38, 52, 4, 2), (86, 64, 2, 2)])
def test_a_layer_keeps_the_middle_in_the_middle(size, wanted, up, down):
    rate = 16.0 * up
    kernels = [filters3.lowpass_filter(6 * n, 4, 4, rate) for n in (up, down)]
    padding = filters3.centered_padding(size, wanted, up, down, 6 * up, 6 * down)
    x = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(size))
    y = filters3.filtered_lrelu(x, *kernels, up, down, padding)
    assert y.shape[-2:] == (wanted, wanted)
    mirrored = filters3.filtered_lrelu(x.flip(3), *kernels, up, down, padding)
    torch.testing.assert_close(mirrored.flip(3), y, rtol=1e-4, atol=1e-5)


def test_layer_names_are_the_published_ones():
    """From a training log of a 128 px R network: https://github.com/NVlabs/stylegan3/issues/40."""
    config = StyleGAN3Config(resolution=128, channel_base=65536, channel_max=1024, **R)
    names = [f"L{i}_{band.size}_{band.channels}" for i, band in enumerate(config.bands)]
    assert names[8:] == (
        ["L8_84_1024", "L9_148_1024", "L10_148_912", "L11_148_683", "L12_148_512", "L13_128_512", "L14_128_3"]
    )


@pytest.mark.parametrize("resolution", [16, 32, 128, 256, 512, 1024])
def test_rates_rise_to_the_pictures(resolution):
    bands = StyleGAN3Config(resolution=resolution).bands
    rates = [band.rate for band in bands]
    assert rates == sorted(rates)
    assert rates[0] == 16
    assert [band.size for band in bands[-2:]] == [resolution] * 2
    for band in bands:  # what the filters let through fits the samples
        assert band.cutoff <= band.rate / 2
        assert band.half_width > 0


def test_at_256_px_the_borderline_rate_is_not_doubled():
    rates = [band.rate for band in StyleGAN3Config(resolution=256).bands]
    assert rates == [16, 16, 16, 32, 32, 64, 64, 128, 128, 128, 256, 256, 256, 256, 256]


def test_shared_weights_draw_the_same(network, ws):
    plain = network.synthesis(ws)
    assert plain.std() > 0.01
    other = build(network.config, network.state_dict()).use_shared_weights()
    assert difference(other.synthesis(ws), plain) < 1e-5


def test_samples_of_a_batch_do_not_touch_each_other(network, ws):
    assert difference(network.synthesis(ws)[1:], network.synthesis(ws[1:])) < 1e-5


def test_each_row_of_ws_styles_its_layer(network, ws):
    for row in range(16):
        changed = ws.clone()
        changed[:, row] = 0
        assert (network.synthesis(changed) - network.synthesis(ws)).abs().max() > 1e-4, row


def test_the_picture_moves_with_its_transform(ws):
    network = make_stylegan3(seed=5, resolution=64)
    still = network.synthesis(ws)
    moved = network.synthesis(ws, transform=picture_transform(translate=(8 / 64, 4 / 64)))
    apart = (moved - still.roll((4, 8), dims=(2, 3)))[:, :, 16:-8, 16:-8]  # down 4 px, right 8 px
    assert apart.abs().max() < 0.02 * (moved - still).abs().max()


def test_a_quarter_turn_is_a_turned_picture(ws):
    network = make_stylegan3(seed=5, **R)
    still = network.synthesis(ws)
    turned = network.synthesis(ws, transform=picture_transform(rotate=90))
    assert difference(turned, still.rot90(1, dims=(2, 3))) < 1e-4 < 1e-2 < difference(turned, still)


def test_zoom_enlarges(ws):
    network = make_stylegan3(seed=5, resolution=64, **R)
    still = network.synthesis(ws)
    enlarged = network.synthesis(ws, transform=picture_transform(zoom=2.0))
    small, middle = F.avg_pool2d(enlarged, 2)[:, :, 4:-4, 4:-4], still[:, :, 20:-20, 20:-20]
    waves = [(x - x.mean(dim=(2, 3), keepdim=True)).flatten() for x in (small, middle)]
    assert torch.corrcoef(torch.stack(waves))[0, 1] > 0.8


def test_a_transform_for_each_sample(network, ws):
    transforms = torch.stack([torch.eye(3), picture_transform(rotate=30)])
    images = network.synthesis(ws, transform=transforms)
    assert difference(images[:1], network.synthesis(ws[:1])) < 1e-5
    assert difference(images[1:], network.synthesis(ws[1:], transform=transforms[1])) < 1e-5


def test_the_transform_in_a_file_counts(network, ws):
    tensors = network.state_dict() | {"synthesis.input.transform": picture_transform(rotate=45)}
    other = build(network.config, tensors)
    assert (
        difference(other.synthesis(ws), network.synthesis(ws, transform=picture_transform(rotate=45))) < 1e-4
    )


def test_w_turns_and_shifts_the_input():
    network = make_stylegan3()
    placing = network.synthesis.input
    placing.affine.weight.zero_()
    placing.affine.bias.copy_(torch.tensor([0.0, 2.0, 0.2, 0.4]))  # a quarter turn, of length 2
    # The picture's place (x, y) is shifted by (-0.1, -0.2), then turned: (x, y) → (-y, x).
    expected = torch.tensor([[0, -1, 0.2], [1, 0, -0.1], [0, 0, 1]])
    torch.testing.assert_close(placing.placement(torch.zeros(1, 8))[0], expected)


def test_smaller_pictures_are_averaged(network, ws):
    small = network.synthesis(ws, resolution=8)
    assert difference(small, F.avg_pool2d(network.synthesis(ws), 4)) < 1e-6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"noise_mode": "loud"}, "'loud'; there are const, none, random"),
        ({"ws": torch.zeros(2, 14, 8)}, r"\[N, 16, 8\], not \[2, 14, 8\]"),
        ({"transform": torch.eye(2)}, r"\[3, 3\] or \[2, 3, 3\], not \[2, 2\]"),
    ],
)
def test_wrong_arguments_are_named(network, ws, wrong, message):
    with pytest.raises(ValueError, match=message):
        network.synthesis(**{"ws": ws} | wrong)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"resolution": 48}, "48 is not a power of two"),
        ({"resolution": 4}, "resolution lies from 8 to 8192, not at 4"),
        ({"first_cutoff": math.nan}, "first_cutoff lies .* not at nan"),
        ({"filter_size": 10**9}, "filter_size lies .* not at 1000000000"),
        ({"num_critical": 14}, "below the 14 layers, not at 14"),
        ({"conv_kernel": 2}, "odd number such as 1 or 3, not 2"),
        ({"channels": (8, 8)}, "2 channel widths for 14 layers"),
        ({"first_stopband": 1.0}, "no transition band"),
    ],
)
def test_impossible_configs_are_refused(config, message):
    with pytest.raises(CheckpointError, match=message):
        StyleGAN3Config(**{"resolution": 64} | config)


CONFIGS = [
    {},
    {"c_dim": 3, "mapping_layers": 4},
    {"resolution": 64, "img_channels": 1, **R},
    {"resolution": 16, "img_channels": 4, "conv_clamp": None},
    {"num_layers": 9, "num_critical": 3, "margin_size": 6, "output_scale": 0.5},
    {"channel_base": 256, "channel_max": 12, "filter_size": 4, "first_cutoff": 2.5},
    {"channels": (9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3)},
    {"conv_kernel": 1},
    {"use_radial_filters": True, "lrelu_upsampling": 4},
]


@pytest.mark.parametrize("config", CONFIGS)
def test_files_of_every_structure_load(tmp_path, config):
    network = make_stylegan3(seed=9, **config)
    options = {
        name: value
        for name, value in vars(network.config).items()
        if name in {*OPTIONS, "first_cutoff", "filter_size", "lrelu_upsampling", "conv_clamp", *R}
    }
    z, c = torch.ones(1, 8), torch.eye(network.c_dim)[:1] if network.c_dim else None
    expected = network(z, c, truncation_psi=0.5)
    assert expected.shape == (1, network.config.img_channels, network.resolution, network.resolution)
    path = write_nvlabs(tmp_path / "net.pkl", network, _init_kwargs=options)
    for loaded in (render.load(path), render.load(render.save(network, tmp_path / "net.safetensors"))):
        assert loaded.structure() == network.structure()
        assert torch.equal(loaded(z, c, truncation_psi=0.5), expected)


def test_half_precision_files_keep_frequencies_exact(tmp_path, network):
    path = render.save(network, tmp_path / "half.safetensors", dtype=torch.float16)
    loaded = render.load(path)
    assert torch.equal(loaded.synthesis.input.freqs, network.synthesis.input.freqs)
    assert not torch.equal(loaded.synthesis.input.weight, network.synthesis.input.weight)


def test_unknown_options_are_refused_unless_off(tmp_path, network):
    options = {**vars(network.config), "mapping_kwargs": {"num_layers": 2}, "spare": None}
    options = {name: options[name] for name in (*OPTIONS, "mapping_kwargs", "spare")}
    assert render.load(write_nvlabs(tmp_path / "a.pkl", network, _init_kwargs=options)).resolution == 32
    wrong = write_nvlabs(tmp_path / "b.pkl", network, _init_kwargs={**options, "super_res": 4})
    with pytest.raises(CheckpointError, match=r"b\.pkl is a variant of StyleGAN3 with super_res=4"):
        render.load(wrong)


def test_a_file_of_other_layers_is_refused(tmp_path, network):
    other = write_nvlabs(tmp_path / "odd.pkl", network, _init_kwargs={"channel_max": 8, "margin_size": 4})
    with pytest.raises(CheckpointError, match=r"odd\.pkl.*do not fit"):
        render.load(other)


def test_a_file_that_announces_more_than_it_holds_is_refused_before_memory_is_taken(tmp_path):
    network = make_stylegan3()
    for name, layer in network.synthesis.named_children():
        if name != "input":
            layer.weight = torch.nn.Parameter(torch.zeros(10**9, 0, 3, 3), requires_grad=False)
    with pytest.raises(CheckpointError, match=r"vast\.pkl"):
        render.load(write_nvlabs(tmp_path / "vast.pkl", network, _init_kwargs={"channel_max": 8}))


@pytest.fixture(scope="module")
def pair(network):
    return network, make_relative(network, seed=4, distance=0.2)


def test_a_swap_at_a_layer_takes_each_tensor_from_its_side(pair):
    low, high = pair
    mixed = render.blend(low, high, swap="L7").state_dict()
    assert set(mixed) == set(low.state_dict())
    for name, tensor in mixed.items():
        layer = name.split(".")[1]
        index = -1 if layer == "input" or name.startswith("mapping") else int(layer[1:].split("_")[0])
        assert torch.equal(tensor, (high if index >= 7 else low).state_dict()[name]), name
    names = {name.split(".")[-1] for name in mixed if mixed[name] is not None}
    assert {"magnitude_ema", "weight", "bias", "freqs", "phases", "transform"} <= names


def test_layers_are_named_in_order(network):
    assert [layer.name for layer in network.layers] == ["input", *(f"L{i}" for i in range(15))]
    assert [layer.position for layer in network.layers] == list(range(16))
    assert network.role("synthesis.L14_32_3.weight").kind == "to_rgb"
    assert network.role("synthesis.input.freqs").position == 0


def test_a_resolution_is_the_first_layer_with_so_many_samples(pair, ws):
    low, high = pair
    assert low.layers[6].resolution == 32 > low.layers[5].resolution
    at_32 = render.blend(low, high, swap=32)
    assert torch.equal(at_32.synthesis(ws), render.blend(low, high, swap="L5").synthesis(ws))
    for swap, side in ((4, high), (16, high), (64, low)):
        mixed = render.blend(low, high, swap=swap)
        assert torch.equal(mixed.synthesis(ws), side.synthesis(ws)), swap
    with pytest.raises(BlendError, match=r"128 lies outside this network.* 4 .* 64"):
        render.blend(low, high, swap=128)
    with pytest.raises(BlendError, match=r"no layer '32/1'; there are input, L0, L1"):
        render.blend(low, high, swap="32/1")


def test_a_blend_saves_and_loads(tmp_path, pair, ws):
    mixed = render.blend(*pair, swap="L6", width=1.5)
    loaded = render.load(render.save(mixed, tmp_path / "mixed.safetensors"))
    assert torch.equal(loaded.synthesis(ws), mixed.synthesis(ws))


def test_far_extrapolation_stays_finite(pair, ws):
    low, high = pair
    beyond = render.blend(low, high, swap=4, weight=-40.0)
    averages = [t for name, t in beyond.state_dict().items() if name.endswith("magnitude_ema")]
    assert min(averages) < 0  # no magnitude at all, and its root is no number
    assert beyond.synthesis(ws).isfinite().all()


def test_t_with_r_is_refused_with_the_reason():
    t, r = (render.load(REFERENCE / folder / "network.pkl") for folder in FOLDERS)
    with pytest.raises(BlendError, match="can't be blended") as caught:
        render.blend(t, r)
    assert "T: 3×3 convolutions, separable filters" in str(caught.value)
    assert "R: 1×1 convolutions, radial filters" in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 250


def test_stylegan2_with_stylegan3_is_refused():
    with pytest.raises(BlendError, match="architecture") as caught:
        render.blend(make_network(resolution=32), make_stylegan3())
    assert (
        "filters " not in str(caught.value).split("convolutions", 1)[1].partition("\n")[2]
    )  # of course they do
    assert max(map(len, str(caught.value).splitlines())) < 150
