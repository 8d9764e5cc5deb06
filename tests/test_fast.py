"""The fast path draws what the plain one defines, from whatever point and with whatever weights."""

from __future__ import annotations

import pytest
import torch
from conftest import REFERENCE, make_network, make_relative
from hypothesis import given, settings
from hypothesis import strategies as st

import render
from render.blending.blend import Blend
from render.blending.blender import Blender
from render.networks import StyleGAN1, StyleGAN1Config, fast1, ops
from render.networks.colours2 import upsample_picture
from render.networks.fast import fast
from render.networks.fast3 import phases
from render.networks.filters3 import upsample
from render.networks.modulated import Modulated
from render.networks.stylegan3 import picture_transform
from render.networks.synthesis import IDLE, own_tensors

FOLDERS = {
    "stylegan1-tf": "pkl",
    "stylegan2-ada": "pkl",
    "stylegan2-ada-conditional": "pkl",
    "stylegan2-tf": "pkl",
    "rosinality": "pt",
    "stylegan3-t": "pkl",
    "stylegan3-r": "pkl",
}
SHAPES = [
    {},
    {"architecture": "resnet"},
    {"architecture": "resnet", "conv_clamp": 0.5},
    {"architecture": "orig"},
    {"img_channels": 4, "const_size": (4, 6)},
    {"img_channels": 1, "use_noise": False},
    {"activation": "swish"},
    {"activation": "relu", "conv_clamp": 0.5},
    {"resample_filter": (1, 2, 1)},
    {"resample_filter": (1, 4, 6, 4, 1)},
    {"resample_filter": None},
]
STYLEGAN1 = [
    {"fused": True},
    {"fused": False, "blur_filter": None},
    {"use_noise": False, "activation": "relu", "const_size": (4, 6), "img_channels": 4},
]


def make_stylegan1(**config) -> StyleGAN1:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        sizes = {"z_dim": 8, "w_dim": 8, "channel_base": 128, "channel_max": 8, "mapping_layers": 2}
        config = {"resolution": 16} | sizes | config
        generator = StyleGAN1(StyleGAN1Config(**config)).eval().requires_grad_(False)
        for name, tensor in generator.named_parameters():
            if name.endswith(("const", "bias", "noise_strength")):
                tensor.copy_(torch.randn(tensor.shape))
    return generator


def latents(generator, count: int = 3, seed: int = 5) -> torch.Tensor:
    """ws [N, num_ws, w_dim] of seeded z, under labels where there are some."""
    z = torch.randn(count, generator.z_dim, generator=torch.Generator().manual_seed(seed))
    labels = torch.eye(generator.c_dim)[:count] if generator.c_dim else None
    return generator.mapping(z, labels)


def assert_same(generator, ours: torch.Tensor, *arguments, **options) -> None:
    """`ours` is the plain picture, to 1e-4."""
    plain = generator.synthesis(*arguments, **options)
    assert ours.dtype == torch.float32
    assert ours.shape == plain.shape
    assert plain.std() > 0.01
    assert (ours - plain).abs().max() < 1e-4


@pytest.fixture(scope="module", params=FOLDERS)
def reference(request):
    return render.load(REFERENCE / request.param / f"network.{FOLDERS[request.param]}")


@pytest.mark.parametrize("noise_mode", ["const", "none"])
def test_exact_is_the_plain_path(reference, noise_mode):
    ws = latents(reference)
    ours = fast(reference, "exact", compiled=False)(ws, noise_mode=noise_mode)
    assert_same(reference, ours, ws, noise_mode=noise_mode)


@pytest.mark.parametrize("resolution", [8, 16])
def test_previews_are_those_of_the_plain_path(reference, resolution):
    ws = latents(reference)
    ours = fast(reference, "exact", compiled=False)(ws, resolution=resolution)
    assert_same(reference, ours, ws, resolution=resolution)


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_any_position_can_be_resumed_from(reference, precision):
    ws = latents(reference)
    synthesis = fast(reference, precision, compiled=False)
    whole = synthesis(ws)
    for position in range(len(reference.layers) + 1):
        state = synthesis.until(ws, position)
        assert state.position == position
        assert torch.equal(synthesis.run(ws, state=state), whole)


def test_short_formats_stay_close(reference):
    ws = latents(reference)
    exact = fast(reference, "exact", compiled=False)(ws)
    short = fast(reference, "fast", compiled=False)
    assert short.precision.dtype == torch.bfloat16
    error = (short(ws) - exact).norm() / exact.norm()
    assert 1e-4 < error < 0.05


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_picture_is_the_same_to_the_last_bit_in_any_batch(reference, precision):
    ws = latents(reference, 5)
    synthesis = fast(reference, precision, compiled=False)
    together = synthesis(ws)
    for index in range(5):
        assert torch.equal(synthesis(ws[index : index + 1])[0], together[index])
    assert torch.equal(synthesis(ws[1:4]), together[1:4])


@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_every_stylegan2_has_a_fast_path(config):
    generator = make_network(seed=3, **config)
    ws = latents(generator)
    synthesis = fast(generator, "exact", compiled=False)
    for resolution in (None, 8, 4):
        assert_same(generator, synthesis(ws, resolution=resolution), ws, resolution=resolution)
    state = synthesis.until(ws, 3)
    assert_same(generator, synthesis.run(ws, state=state), ws)


@pytest.mark.parametrize("config", STYLEGAN1, ids=str)
def test_every_stylegan1_has_a_fast_path(config):
    generator = make_stylegan1(**config)
    ws = latents(generator)
    assert_same(generator, fast(generator, "exact", compiled=False)(ws), ws)


def test_coarse_layers_of_stylegan1_are_exact(monkeypatch):
    """What they round off would be seen everywhere, and norms keep it."""
    generator = make_stylegan1(resolution=64, channel_base=512)
    ws = torch.randn(2, generator.num_ws, 8, generator=torch.Generator().manual_seed(0))
    exact = fast(generator, "exact", compiled=False)(ws)
    error = (fast(generator, "fast", compiled=False)(ws) - exact).norm()
    monkeypatch.setattr(fast1, "COARSE", 4)
    assert error < 0.85 * (fast(generator, "fast", compiled=False)(ws) - exact).norm()


@pytest.mark.parametrize("several", [False, True])
def test_transforms_move_the_picture_as_the_plain_path_does(several):
    generator = render.load(REFERENCE / "stylegan3-t" / "network.pkl")
    ws = latents(generator)
    moved = [picture_transform((0.1 * index, 0.2), 30 * index) for index in range(3)]
    transform = torch.stack(moved) if several else moved[1]
    ours = fast(generator, "exact", compiled=False)(ws, transform=transform)
    assert_same(generator, ours, ws, transform=transform)


# --- weights that differ -----------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_network, make_stylegan1], ids=["stylegan2", "stylegan1"])
def test_samples_may_have_weights_of_their_own(make):
    low = make()
    high = make_relative(low, seed=2)
    blender = Blender([low, high])
    blends = [Blend.low_high(6, swap) for swap in (1.0, 2.5, 2.5, 4.0, 6.0)]
    ws = latents(low, 5)
    ours = fast(low, "exact", compiled=False).run(ws, tensors=[blender.tensors(blend) for blend in blends])
    for index, blend in enumerate(blends):
        alone = blender.apply(blend).synthesis(ws[index : index + 1])
        assert (ours[index] - alone[0]).abs().max() < 1e-4
    assert (ours[0] - ours[3]).abs().max() > 0.01


def test_only_what_changed_is_prepared_again(low, high, ws, monkeypatch):
    blender = Blender([low, high])
    shell = blender.apply(Blend.low_high(6, 3.0))
    synthesis = fast(shell, "exact", compiled=False)
    prepared = []
    original = Modulated.of
    monkeypatch.setattr(Modulated, "of", lambda *args: prepared.append(args) or original(*args))
    synthesis(ws)
    assert len(prepared) == 5  # 4/1, 8/0, 8/1, 16/0, 16/1
    synthesis(ws)
    blender.apply(Blend.low_high(6, 3.5), into=shell)
    assert_same(shell, synthesis(ws), ws)
    assert len(prepared) == 6  # 8/1 cross-fades, the others are as they were
    blender.apply(Blend.low_high(6, 3.0), into=shell)
    synthesis(ws)
    assert len(prepared) == 6  # and these weights are still at hand


def test_prepared_weights_are_bounded(low, high, ws):
    blender = Blender([low, high])
    synthesis = fast(low, "exact", compiled=False)
    for step in range(10):
        synthesis.run(ws, tensors=[blender.tensors(Blend.low_high(6, 3.0 + step / 10))] * 3)
    assert all(len(kept) <= 3 for kept in synthesis.stock._kept.values())


def test_weights_that_no_picture_used_for_long_are_forgotten(low, high, ws):
    synthesis, blender = fast(low, "exact", compiled=False), Blender([low, high])
    own = [blender.tensors(Blend.low_high(6, swap)) for swap in (6, 0)]
    batches = [
        synthesis.batch(ws[:1].expand(count, -1, -1), tensors=[tensors] * count)
        for count, tensors in ((1, own[0]), (IDLE, own[1]), (1, own[1]))
    ]
    first = synthesis.draw(batches[0])
    for batch in batches[1:]:
        synthesis.draw(batch)
    kept = set(map(id, synthesis.stock.sources()))
    assert id(high.synthesis.b16.conv1.weight) in kept
    assert id(low.synthesis.b16.conv1.weight) not in kept
    again = synthesis.batch(ws[:1], tensors=[own[0]])
    assert torch.equal(synthesis.draw(again), first)


def test_tensors_that_were_written_into_count_after_a_refresh(ws):
    generator = make_network(seed=8)
    synthesis = fast(generator, "exact", compiled=False)
    synthesis(ws)
    generator.synthesis.b8.conv0.weight.mul_(-1)
    synthesis.refresh()
    assert_same(generator, synthesis(ws), ws)


# --- steps that are shared ---------------------------------------------------------------------


def drawn(synthesis, monkeypatch) -> list[tuple[int, int]]:
    """Position and number of samples of every step that is drawn from now on."""
    calls = []
    walk = type(synthesis)._walk

    def counted(self, batch, state, stop):
        calls.extend((position, len(batch)) for position in range(state.position, stop))
        return walk(self, batch, state, stop)

    monkeypatch.setattr(type(synthesis), "_walk", counted)
    return calls


def test_what_a_batch_shares_is_drawn_once(low, high, ws, monkeypatch):
    blender = Blender([low, high])
    synthesis = fast(low, "exact", compiled=False)
    still = ws[:1].expand(3, -1, -1)
    tensors = [blender.tensors(Blend.low_high(6, swap)) for swap in (4.0, 5.0, 6.0)]
    calls = drawn(synthesis, monkeypatch)
    ours = synthesis.run(still, tensors=tensors)
    assert calls == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 3)]  # they part one by one
    for index, swap in enumerate((4.0, 5.0, 6.0)):
        alone = blender.apply(Blend.low_high(6, swap)).synthesis(still[:1])
        assert (ours[index] - alone[0]).abs().max() < 1e-4


def test_latents_that_differ_late_share_what_comes_before(low, ws, monkeypatch):
    synthesis = fast(low, "exact", compiled=False)
    mixed = ws[:1].repeat(3, 1, 1)
    mixed[:, 4:] = ws[:, 4:]
    calls = drawn(synthesis, monkeypatch)
    ours = synthesis(mixed)
    assert [count for _, count in calls] == [1, 1, 1, 1, 1, 3]  # row 4 is first used by 16/1
    assert_same(low, ours, mixed)


def test_equal_samples_are_drawn_once(low, ws, monkeypatch):
    synthesis = fast(low, "exact", compiled=False)
    held = ws[[0, 1, 1, 1, 0]]
    calls = drawn(synthesis, monkeypatch)
    assert_same(low, synthesis(held), held)
    assert {count for _, count in calls} == {1, 2}


def test_a_state_of_one_serves_a_batch(low, ws):
    synthesis = fast(low, "exact", compiled=False)
    still = ws[:1].repeat(3, 1, 1)
    still[:, 5] = ws[:, 5]
    state = synthesis.until(still[:1], 4)
    assert_same(low, synthesis.run(still, state=state), still)
    with pytest.raises(ValueError, match="a state of 2 samples does not fit a batch of 3"):
        synthesis.run(ws, state=synthesis.until(ws[:2], 4))


def test_what_the_next_pictures_need_too_is_kept_for_them(low, high, ws, monkeypatch):
    blender = Blender([low, high])
    synthesis = fast(low, "exact", compiled=False)
    swaps = (5.0, 4.5, 4.0, 4.5, 2.0)  # down, up again, and down to what was kept long ago
    batches = [synthesis.batch(ws[:1], tensors=[blender.tensors(Blend.low_high(6, swap))]) for swap in swaps]
    calls = drawn(synthesis, monkeypatch)
    for swap, batch, following in zip(swaps, batches, [*batches[1:], None], strict=True):
        ours = synthesis.draw(batch, following=following)
        alone = blender.apply(Blend.low_high(6, swap)).synthesis(ws[:1])
        assert (ours - alone).abs().max() < 1e-4
    assert [position for position, _ in calls] == [0, 1, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5, 2, 3, 4, 5]


def test_what_is_kept_is_bounded_and_forgotten(low, ws):
    synthesis = fast(low, "exact", compiled=False)
    batch = synthesis.batch(ws[:1])
    synthesis.draw(batch, following=batch)
    assert len(synthesis.states) == 6
    synthesis.refresh()
    assert len(synthesis.states) == synthesis.states.nbytes == 0
    synthesis.states.max_bytes = 8 * 8 * 8 * 4  # an 8 px layer
    for latent in ws:
        batch = synthesis.batch(latent[None])
        synthesis.draw(batch, following=batch)
        assert 0 < synthesis.states.nbytes <= synthesis.states.max_bytes


def test_kept_pictures_of_another_noise_do_not_serve(low, ws):
    synthesis = fast(low, "exact", compiled=False)
    batch = synthesis.batch(ws[:1])
    with_noise = synthesis.draw(batch, following=batch)
    without = synthesis.draw(synthesis.batch(ws[:1], "none"), following=batch)
    assert (with_noise - without).abs().max() > 0.01
    assert_same(low, without, ws[:1], noise_mode="none")


def test_random_noise_is_fresh_for_every_sample(low, ws):
    still = ws[:1].expand(2, -1, -1)
    with torch.random.fork_rng():
        first, second = fast(low, "exact", compiled=False)(still, noise_mode="random")
    assert (first - second).abs().max() > 0.01


# --- mistakes and pieces -----------------------------------------------------------------------


def test_mistakes_are_explained(low, ws):
    with pytest.raises(ValueError, match="unknown precision 'quick'; there are exact, fast, auto"):
        fast(low, "quick")
    synthesis = fast(low, "exact", compiled=False)
    with pytest.raises(ValueError, match=r"\[N, 6, 8\], not \[1, 5, 8\]"):
        synthesis(torch.zeros(1, 5, 8))
    with pytest.raises(ValueError, match="1 sets of tensors for 3 samples"):
        synthesis.run(ws, tensors=[own_tensors(low)])
    with pytest.raises(ValueError, match="position lies from 0 to 6, not at 7"):
        synthesis.until(ws, 7)


@settings(deadline=None, max_examples=30)
@given(
    up=st.sampled_from([2, 4]),
    taps=st.sampled_from([4, 6, 12, 13]),
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    before=st.integers(0, 14),
    after=st.integers(0, 14),
)
def test_phases_are_the_upsampled_signal(up, taps, size, before, after):
    source = torch.Generator().manual_seed(taps)
    x, kernel = torch.randn(2, 3, *size, generator=source), torch.randn(taps, generator=source)
    if min(size) * up + before + after < taps:
        return
    plain = upsample(x, kernel, up, before, after)
    wide = torch.stack(phases(x, kernel[None], up, (before, after)), 4).flatten(3)
    fine = torch.stack(phases(wide, kernel[:, None], up, (before, after)), 3).flatten(2, 3)
    torch.testing.assert_close(fine[:, :, : plain.shape[2], : plain.shape[3]], plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 4, 6, 4, 1), (1, 1), None])
def test_pictures_are_upsampled_as_defined(taps):
    image, kernel = torch.randn(2, 3, 5, 6), ops.setup_filter(taps)
    torch.testing.assert_close(upsample_picture(image, kernel), ops.upsample2d(image, kernel))
