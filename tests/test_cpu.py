"""The C++ convolutions give what PyTorch's give, for every size, format and kind of finish."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from conftest import REFERENCE, make_network
from hypothesis import given, settings
from hypothesis import strategies as st

import render
from render.errors import BlendreelWarning
from render.networks import compiling, cpu, kernels, ops
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import DOUBLING, DOUBLING_FOUR, EVEN, AliasFree, Colours, Finish, LowPass
from render.networks.fast import fast
from render.networks.filters3 import GAIN, SLOPE, centered_padding, filtered_lrelu
from render.networks.modulated import depthwise, flat, separate, spatial

FLOAT, SHORT = torch.float32, torch.bfloat16
# Formats of activations and factors, and the relative error that they come to.
FORMATS = {(FLOAT, FLOAT): 3e-6, (SHORT, FLOAT): 4e-3, (SHORT, SHORT): 2e-2}


pytestmark = pytest.mark.usefixtures("compiled_here")


@pytest.fixture
def library():
    return CpuLibrary.find(True, torch.device("cpu"), FLOAT)


@pytest.fixture
def two_threads(use_threads):
    use_threads(2)


def relative_error(ours: torch.Tensor, exact: torch.Tensor) -> float:
    assert ours.shape == exact.shape
    return float((ours.double() - exact).norm() / exact.norm())


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    pad=st.integers(1, 2),
    scheme=st.sampled_from([EVEN, DOUBLING, DOUBLING_FOUR]),
    formats=st.sampled_from(list(FORMATS)),
)
def test_convolutions_are_those_of_pytorch(n, channels, size, pad, scheme, formats):
    library = CpuLibrary.find(True, torch.device("cpu"), FLOAT)
    (inputs, outputs), (dtype, products) = channels, formats
    if products == SHORT and not library.has_short_products:
        return
    x = drawn(1, n, inputs, *size).to(dtype).contiguous(memory_format=torch.channels_last)
    style, weight = drawn(2, n, inputs), drawn(3, outputs, inputs, scheme.taps, scheme.taps)
    exact = x.double() * style[:, :, None, None]
    if scheme.doubles:
        pad = 1
        padding = scheme.taps - 3
        exact = F.conv_transpose2d(exact, weight.double().transpose(0, 1), stride=2, padding=padding)
    else:
        exact = F.conv2d(exact, weight.double(), padding=pad)
    ours = library.convolve(x, library.weights(weight, scheme, products), style, Finish(), pad)
    assert ours.dtype == dtype
    assert ours.is_contiguous(memory_format=torch.channels_last)
    assert relative_error(ours, exact) < FORMATS[formats]
    energy = library.weights(weight, scheme, products).energy
    torch.testing.assert_close(energy, weight.square().sum(dim=(2, 3)).t())


@pytest.mark.parametrize("samples", [1, 3])
def test_a_finish_is_the_kernel_of_that_name(library, samples):
    x, weight = drawn(1, 3, 20, 9, 6).contiguous(memory_format=torch.channels_last), drawn(2, 24, 20, 3, 3)
    scale, noise, bias, style = drawn(3, 3, 24), drawn(4, samples, 54), drawn(5, 24), drawn(6, 3, 24)
    y = F.conv2d(x, weight, padding=1)
    flat_y = flat(y.contiguous(memory_format=torch.channels_last))
    plain, scaled = kernels.finish_both.plain(flat_y, scale, noise, bias, style, slope=0.2, clamp=20)
    finish = Finish(scale, noise, None, bias, 0.2, 20, style)
    packed = library.weights(weight, EVEN, FLOAT)
    both = library.convolve(x, packed, None, finish)
    for ours, expected in zip(both, (plain, scaled), strict=True):
        torch.testing.assert_close(ours, spatial(expected, y), atol=1e-3, rtol=1e-4)
    alone = library.convolve(x, packed, None, Finish(scale, noise, None, bias, 0.2, 20, style, keep=False))
    assert torch.equal(alone, both[1])
    assert (both[0].abs() == 20).any()


def test_noise_has_a_strength_for_every_channel(library):
    y, noise = drawn(1, 2, 24, 5, 7), drawn(2, 1, 35)
    strength, bias = drawn(3, 24), drawn(4, 24)
    like = y.contiguous(memory_format=torch.channels_last)
    expected = kernels.leaky.plain(flat(like), noise, strength, bias, slope=0.2)
    ours = library.low_pass(like, LowPass(torch.ones(1), 0, (5, 7)), Finish(None, noise, strength, bias, 0.2))
    torch.testing.assert_close(ours, spatial(expected, y))


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 4, 6, 4, 1), (1, 2)], ids=str)
@pytest.mark.parametrize("channels", [16, 21])
def test_filters_are_those_of_pytorch(library, taps, channels):
    x = drawn(1, 2, channels, 9, 11).contiguous(memory_format=torch.channels_last)
    kernel = ops.setup_filter(taps)
    before = (len(taps) + 1) // 2 - 1
    after = len(taps) - 2 - before  # one pixel fewer than there were
    expected = depthwise(x, kernel * 4, (before, after, before, after))
    ours = library.low_pass(x, LowPass(separate(kernel, 2), before, tuple(expected.shape[2:])), Finish())
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 7, 21, 35, 35, 21, 7, 1)], ids=str)
@pytest.mark.parametrize("scheme", [DOUBLING, DOUBLING_FOUR, EVEN], ids=str)
@pytest.mark.parametrize("dtype", [FLOAT, SHORT])
@pytest.mark.parametrize(
    ("samples", "size"),
    [(3, (41, 50)), (4, (41, 50)), (3, (250, 8))],
    ids=["drawn together", "drawn by a thread each", "drawn by halves"],
)
def test_a_filter_in_the_same_pass_is_one_after_it(library, two_threads, scheme, taps, dtype, samples, size):
    x = drawn(1, samples, 20, *size).to(dtype).contiguous(memory_format=torch.channels_last)
    style, weight = drawn(2, samples, 20), drawn(3, 21, 20, scheme.taps, scheme.taps)
    packed = library.weights(weight, scheme, FLOAT)
    between = library.convolve(x, packed, style, Finish())
    height, width = between.shape[2:]
    low_pass = LowPass(torch.tensor(taps).float(), 1, (height - 1, width))
    noise, next_style = drawn(5, samples, (height - 1) * width), drawn(7, samples, 21)
    finish = Finish(drawn(4, samples, 21), noise, None, drawn(6, 21), 0.2, 9, next_style)
    apart = library.low_pass(between, low_pass, finish)
    for ours, expected in zip(
        library.convolve(x, packed, style, finish, low_pass=low_pass), apart, strict=True
    ):
        assert torch.equal(ours, expected)


@pytest.mark.parametrize(("dtype", "channels", "size"), [(SHORT, 32, (370, 370)), (FLOAT, 48, (210, 211))])
def test_results_that_are_written_past_the_caches_are_the_same(library, dtype, channels, size):
    """Those of two pictures are too large for them, those of one are not."""
    x = drawn(1, 2, 4, *size).to(dtype).contiguous(memory_format=torch.channels_last)
    packed, noise = library.weights(drawn(2, channels, 4, 3, 3), EVEN, FLOAT), drawn(3, 2, math.prod(size))
    together = library.convolve(x, packed, None, Finish(noise=noise))
    assert together[:1].nbytes < 2**24 <= together.nbytes
    for index in range(2):
        own = slice(index, index + 1)
        alone = library.convolve(x[own], packed, None, Finish(noise=noise[own]))
        assert torch.equal(together[own], alone)


@pytest.mark.parametrize("channels", [3, 32, 37])
@pytest.mark.parametrize("dtype", [FLOAT, SHORT])
def test_channels_are_scaled_as_pytorch_does(library, dtype, channels):
    x = drawn(1, 2, channels, 5, 7).to(dtype).contiguous(memory_format=torch.channels_last)
    factor, mean, shift = drawn(2, 3, 2, channels)
    assert torch.equal(library.scale(x, factor), (x.float() * factor[..., None, None]).to(dtype))
    expected = kernels.stylize.plain(flat(x), mean, factor, shift)
    tolerance = {FLOAT: 1e-6, SHORT: 1e-2}[dtype]
    torch.testing.assert_close(
        library.scale(x, factor, mean, shift), spatial(expected, x), atol=tolerance, rtol=tolerance
    )


@pytest.mark.parametrize("channels", [3, 32, 37])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (9, 130)])
@pytest.mark.parametrize("dtype", [FLOAT, SHORT])
def test_averages_are_those_of_double_precision(library, use_threads, dtype, size, channels):
    """Also of channels that hardly vary far from 0."""
    x = drawn(1, 2, channels, *size)
    x[:, 0] = x[:, 0] * 1e-4 + 5
    x = x.to(dtype).contiguous(memory_format=torch.channels_last)
    variance, mean = torch.var_mean(x.double(), dim=(2, 3), correction=0)
    ours = library.averages(x)
    torch.testing.assert_close(ours[0].double(), mean, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours[1].double(), variance, rtol=1e-4, atol=1e-12)
    use_threads(2)
    assert all(map(torch.equal, library.averages(x), ours))


def symmetric(kernel: torch.Tensor) -> torch.Tensor:
    """Of all axes, with a sum of 1."""
    for axis in range(kernel.ndim):
        kernel = kernel + kernel.flip(axis)
    return kernel / kernel.sum()


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 3),
    channels=st.integers(1, 40),
    size=st.integers(1, 23),
    factor=st.sampled_from([2, 4]),
    is_radial=st.booleans(),
    wanted=st.integers(1, 30),
    moved=st.integers(-4, 4),
    dtype=st.sampled_from([FLOAT, SHORT]),
)
def test_the_alias_free_relu_is_the_definitions(n, channels, size, factor, is_radial, wanted, moved, dtype):
    library = CpuLibrary.find(True, torch.device("cpu"), FLOAT)
    up, down = symmetric(drawn(1, 6 * factor).abs()), symmetric(drawn(2, *([12] * (1 + is_radial))).abs())
    before, after = centered_padding(size, wanted, factor, 2, len(up), 12)
    before, after = before + moved, after - moved
    x = drawn(3, n, channels, size, size).to(dtype).contiguous(memory_format=torch.channels_last)
    scale, bias = drawn(4, n, channels), drawn(5, channels)
    y = x.double() * scale[..., None, None] + bias[:, None, None]
    exact = filtered_lrelu(y, up.double(), down.double(), factor, 2, (before, after), 1.5)
    activation = AliasFree.of(up, down, factor, 2, before, (wanted, wanted), SLOPE, GAIN, 1.5)
    ours = library.alias_free(x, scale, bias, activation)
    assert ours.dtype == dtype
    assert ours.is_contiguous(memory_format=torch.channels_last)
    atol = {FLOAT: 2e-6, SHORT: 4e-3}[dtype] * max(1, float(exact.abs().max()))
    torch.testing.assert_close(ours.double(), exact, atol=atol, rtol=0)


@pytest.mark.parametrize("is_radial", [False, True])
def test_bands_of_the_alias_free_relu_are_as_the_whole(library, use_threads, is_radial):
    up, down = symmetric(drawn(1, 12).abs()), symmetric(drawn(2, *([12] * (1 + is_radial))).abs())
    activation = AliasFree.of(up, down, 2, 2, 8, (37, 37), SLOPE, GAIN, None)
    x = drawn(1, 3, 21, 35, 35).contiguous(memory_format=torch.channels_last)
    x[1, 4, 20, 20] = math.nan
    work = x, torch.ones(3, 21), torch.zeros(21), activation
    alone = library.alias_free(*work)
    use_threads(2)
    assert torch.equal(library.alias_free(*work).nan_to_num(7), alone.nan_to_num(7))
    assert alone[1, 4].isnan().any()  # or a broken network would not be noticed
    assert alone[[0, 2]].isfinite().all()


@pytest.mark.parametrize(
    ("up", "down", "factor", "step"),
    [
        (None, torch.ones(12), 1, 2),
        (torch.ones(12), None, 2, 1),
        (torch.ones(16), torch.ones(12), 2, 2),
        (torch.ones(12), torch.ones(16), 2, 2),
        (torch.ones(24), torch.ones(24), 4, 4),
        (torch.arange(12.0), torch.ones(12), 2, 2),
        (torch.ones(12), torch.arange(144.0).reshape(12, 12), 2, 2),
        (torch.ones(12), torch.arange(12.0).expand(12, 12), 2, 2),
    ],
)
def test_other_filters_are_left_to_pytorch(up, down, factor, step):
    assert AliasFree.of(up, down, factor, step, 0, (8, 8), SLOPE, GAIN, None) is None


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 4, 6, 4, 1), (1, 1), (1,)], ids=str)
@pytest.mark.parametrize("channels", [16, 21])
@pytest.mark.parametrize(("colours", "width"), [(1, 6), (3, 6), (3, 38), (4, 32), (6, 34)])
def test_colours_are_added_to_the_doubled_picture(library, taps, channels, colours, width):
    x = drawn(1, 2, channels, 8, width).contiguous(memory_format=torch.channels_last)
    weight, bias = drawn(2, 2, colours, channels), drawn(3, 2, colours)
    image = drawn(4, 2, colours, 4, width // 2)
    kernel = ops.setup_filter(taps)
    added = (torch.einsum("nihw,nci->nchw", x, weight) + bias[..., None, None]).clamp(-2, 2)
    torch.testing.assert_close(library.colours(x, Colours(weight, bias, 2.0)), added)
    ours = library.colours(x, Colours(weight, bias, 2.0, image, separate(kernel, 2)))
    torch.testing.assert_close(ours, added + ops.upsample2d(image, kernel))


@pytest.mark.parametrize("dtype", [FLOAT, SHORT])
@pytest.mark.parametrize(("colours", "size"), [(1, (4, 4)), (3, (34, 30)), (6, (8, 70))], ids=str)
def test_colours_of_a_layer_are_those_of_its_results(library, dtype, colours, size):
    x = drawn(1, 2, 20, *size).to(dtype).contiguous(memory_format=torch.channels_last)
    style, packed = drawn(2, 2, 20), library.weights(drawn(3, 21, 20, 3, 3), EVEN, FLOAT)
    finish = Finish(drawn(4, 2, 21), drawn(5, 1, math.prod(size)), None, drawn(6, 21), 0.2, 9)
    image = drawn(7, 2, colours, *(side // 2 for side in size))
    taps = separate(ops.setup_filter((1, 3, 3, 1)), 2)
    for rest in ((), (image, taps)):
        to_rgb = Colours(drawn(8, 2, colours, 21), drawn(9, 2, colours), 50.0, *rest)
        apart = library.colours(library.convolve(x, packed, style, finish), to_rgb)
        assert torch.equal(library.convolve(x, packed, style, finish, colours=to_rgb), apart)


def test_a_filter_that_does_not_separate_is_left_to_pytorch():
    assert separate(torch.tensor([[1.0, 2.0], [3.0, 6.0]]) / 12, 2) is None
    kernel = ops.setup_filter((1, 3, 3, 1))
    torch.testing.assert_close(torch.outer(separate(kernel, 2), separate(kernel, 2)), kernel * 4)


@pytest.mark.parametrize(
    "config", [{}, {"architecture": "resnet", "conv_clamp": 0.5}, {"resample_filter": None}], ids=str
)
def test_networks_are_drawn_as_defined(config, monkeypatch):
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, 0))
    generator = make_network(seed=3, **config)
    ws = generator.mapping(drawn(1, 3, generator.z_dim))
    ours = fast(generator, "exact", compiled=True)(ws)
    assert (ours - generator.synthesis(ws)).abs().max() < 1e-4


def test_reference_networks_are_drawn_as_defined(monkeypatch):
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, 0))
    monkeypatch.setattr(cpu, "SHORT_FROM", 0)
    generator = render.load(REFERENCE / "stylegan2-ada" / "network.pkl")
    ws = generator.mapping(drawn(1, 3, generator.z_dim))
    plain = generator.synthesis(ws, noise_mode="const")
    exact, short = (fast(generator, precision, compiled=True)(ws) for precision in ("exact", "fast"))
    assert (exact - plain).abs().max() < 1e-4
    assert 1e-4 < relative_error(short, plain.double()) < 0.05


@pytest.mark.parametrize("name", ["stylegan1-tf", "stylegan3-t", "stylegan3-r"])
def test_other_architectures_are_drawn_as_defined(name, monkeypatch):
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, 0))
    generator = render.load(REFERENCE / name / "network.pkl")
    ws = generator.mapping(drawn(1, 2, generator.z_dim))
    ours = fast(generator, "exact", compiled=None)(ws)
    assert (ours - generator.synthesis(ws)).abs().max() < 1e-4
    short = fast(generator, "fast", compiled=None)(ws)
    assert 1e-4 < relative_error(short, ours.double()) < 0.05


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_the_filters_of_networks_are_the_librarys(name, monkeypatch):
    done, own = [], CpuLibrary.alias_free
    monkeypatch.setattr(CpuLibrary, "alias_free", lambda *args: done.append(args) or own(*args))
    generator = render.load(REFERENCE / name / "network.pkl")
    fast(generator, "exact", compiled=None)(generator.mapping(drawn(1, 1, generator.z_dim)))
    assert len(done) == generator.config.num_layers


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_picture_is_the_same_to_the_last_bit_in_any_batch(precision, monkeypatch):
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, 8))
    generator = render.load(REFERENCE / "stylegan2-ada" / "network.pkl")
    ws = generator.mapping(drawn(1, 5, generator.z_dim))
    synthesis = fast(generator, precision, compiled=True)
    together = synthesis(ws)
    for index in range(5):
        assert torch.equal(synthesis(ws[index : index + 1])[0], together[index])


def _counted(method, calls: list):
    return lambda *own: calls.append(own) or method(*own)


@pytest.mark.parametrize("size", [0, 8])
def test_a_network_whose_filter_does_not_separate_is_drawn_as_defined(size, monkeypatch):
    """PyTorch doubles its layers and its picture, and so its last layer is coloured apart."""
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, size))
    generator = make_network(seed=3)
    for name, filters in generator.named_buffers():
        if name.endswith("resample_filter"):
            filters[0, 1] *= 1.5
    ws = generator.mapping(drawn(1, 3, generator.z_dim))
    ours = fast(generator, "exact", compiled=True)(ws)
    assert (ours - generator.synthesis(ws)).abs().max() < 1e-4


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_of_the_last_layer_nothing_is_kept_but_its_colours(precision, monkeypatch):
    """They come out of its convolution, and are those of its activations to the last bit."""
    monkeypatch.setattr(cpu, "SMALLEST", dict.fromkeys(cpu.SMALLEST, 0))
    generator = make_network(seed=3)
    ws = generator.mapping(drawn(1, 3, generator.z_dim))
    synthesis = fast(generator, precision, compiled=True)
    for stop, resolution in ((2, 4), (4, 8), (6, None)):
        state = synthesis.until(ws, stop)
        assert state.x.shape[2:] == state.image.shape[2:]
        apart = []
        with monkeypatch.context() as patch:
            patch.setattr(CpuLibrary, "colours", _counted(CpuLibrary.colours, apart))
            assert torch.equal(synthesis.run(ws, resolution=resolution), state.image)
        assert len(apart) == stop // 2 - 1


@pytest.mark.parametrize("name", ["portrait", "ukiyoe", "toon"])
def test_fast_pictures_are_45_db_from_exact_ones(name):
    generator = render.load(f"sample:{name}")
    ws = generator.mapping(drawn(1, 8, generator.z_dim), truncation_psi=0.7)
    frames = [
        ops.to_uint8(fast(generator, precision, compiled=True)(ws)).double()
        for precision in ("exact", "fast")
    ]
    worst = (frames[0] - frames[1]).square().flatten(1).mean(dim=1).max().item()
    assert 10 * math.log10(255**2 / worst) > 45


def test_small_layers_and_long_formats_are_convolved_directly(library):
    assert library.products(FLOAT, 4, doubles=False) is None
    assert library.products(FLOAT, 256, doubles=True) == FLOAT
    assert library.products(SHORT, 16, doubles=False) in (FLOAT, None)
    assert CpuLibrary.find(True, torch.device("cpu"), torch.float16) is None
    assert CpuLibrary.find(False, torch.device("cpu"), FLOAT) is None


def test_a_compiler_that_fails_is_done_without(tmp_path):
    source = tmp_path / "wrong.cpp"
    source.write_text("int main( {")
    with pytest.warns(BlendreelWarning, match=r"without compiled code.*: .*error") as caught:
        assert compiling.COMPILED.library(source, True) is None
    assert len(caught) == 1
    assert compiling.COMPILED.library(source, True) is None
    assert not list(compiling.code_folder().glob("wrong*"))
