"""Layers that cross-fade are drawn by parts: the same pictures, and next to no work on weights."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.drawing import Drawer
from render.networks.cpu import CpuLibrary
from render.networks.fast import fast
from render.networks.synthesis import FastSynthesis
from render.networks.unmixed import Fade, Mix, mixed
from render.preset import Preset
from render.renderer import Renderer
from render.scene import Picture, Scene
from tests.conftest import make_network, make_relative

pytestmark = pytest.mark.usefixtures("compiled_here")

SWAPS = [position + 0.25 for position in range(1, 10)]  # of a network of 64 px


def family(seed: int = 1, **config) -> tuple:
    low = make_network(seed=seed, resolution=64, channel_base=1024, channel_max=32, **config)
    return low, make_relative(low, distance=1.0)


def runs(models, blends, precision: str, **options) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of one latent: by parts, and by the plain networks."""
    blender, synthesis = Blender(models), fast(models[0], precision, compiled=True)
    ws = models[0].mapping(torch.randn(1, 8, generator=torch.Generator().manual_seed(5)))
    tensors = [blender.sources(blend, fading=True) for blend in blends]
    assert all(any(isinstance(one, Fade) for one in own.values()) for own in tensors)
    ours = synthesis.run(ws.expand(len(blends), -1, -1), tensors=tensors, **options)
    plain = [blender.apply(blend).synthesis(ws, **options) for blend in blends]
    return ours, torch.cat(plain)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"architecture": "resnet"},
        {"use_noise": False},
        {"resample_filter": (1.0, 1.0)},
        {"conv_clamp": 1.0},
    ],
    ids=str,
)
def test_every_layer_by_parts_is_the_plain_one(config):
    blends = [Blend.low_high(10, swap) for swap in SWAPS]
    ours, plain = runs(family(**config), blends, "exact")
    assert (ours - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize("noise_mode", ["const", "none"])
def test_by_parts_a_short_format_stays_as_close(noise_mode):
    models = family()
    blends = [Blend.low_high(10, swap + part) for swap in SWAPS for part in (0.0, 0.3)]
    ours, plain = runs(models, blends, "fast", noise_mode=noise_mode)
    exact, _ = runs(models, blends, "exact", noise_mode=noise_mode)
    assert 1e-4 < (ours - exact).norm() / exact.norm() < 0.02
    assert (exact - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_by_parts_a_picture_is_the_same_to_the_last_bit_in_any_batch(precision):
    models = family()
    blends = [Blend.low_high(10, swap) for swap in (5.25, 5.5, 6.5, 7.0, 8.25, 8.75)]
    ws = models[0].mapping(torch.randn(2, 8, generator=torch.Generator().manual_seed(5))).numpy()
    pictures = [Picture(one, blend, "const", fades=True) for blend in blends for one in ws]
    options = {"precision": precision, "compiled": True, "allow_broken": True}
    whole = Drawer(Blender(models), **options, batch_size=12).draw(pictures)
    drawer = Drawer(Blender(models), **options, batch_size=3)
    for first in range(0, 12, 3):
        some = drawer.draw(pictures[first : first + 3], pictures[first + 3 :])
        for one, other in zip(some, whole[first : first + 3], strict=True):
            np.testing.assert_array_equal(one.array(), other.array())
    for index in (0, 7, 11):
        alone = Drawer(Blender(models), **options).draw([pictures[index]])[0]
        np.testing.assert_array_equal(alone.array(), whole[index].array())


def test_only_plain_mixes_of_two_are_left_unmixed(low, high):
    third = make_relative(low, seed=3)
    blender, fade = Blender([low, high]), Blend.low_high(6, 2.25)
    assert blender.crossing(fade) == 2
    assert blender.crossing(Blend.low_high(6, 2.25, weight=0.5)) == 2  # above it all is mixed alike
    assert blender.crossing(Blend.low_high(6, 3.0)) is None  # nothing is mixed
    assert blender.crossing(Blend.low_high(6, 0.25)) is None  # the constant is no convolution
    assert blender.crossing(Blend.low_high(6, 2.75, weight=1.5)) == 2
    assert blender.crossing(Blend.low_high(6, 2.25, weight=1.5)) is None  # 1.125 of high, and -0.125 of low
    assert blender.crossing(fade.take(1, {4: [0]})) is None
    assert blender.crossing(Blend(fade.weights, interpolation="keep-norm")) is None
    weights = np.zeros((3, 6))
    weights[0, :2], weights[:, 2], weights[1, 3:] = 1, (0.5, 0.25, 0.25), 1
    assert Blender([low, high, third]).crossing(Blend(weights)) is None


def test_what_is_left_unmixed_is_the_crossing_layer(low, high, monkeypatch):
    blender, blend = Blender([low, high]), Blend.low_high(6, 3.25)
    whole = blender.tensors(blend)
    monkeypatch.setattr(Mix, "mixed", lambda _: pytest.fail("something was mixed"))
    tensors = Blender([low, high]).sources(blend, fading=True)
    fades = {name for name, tensor in tensors.items() if isinstance(tensor, Fade)}
    kinds = ("layer", "to_rgb")
    assert fades == {
        name for name in whole if (low.role(name).kind in kinds and low.role(name).position == 3)
    }
    assert all(torch.equal(mixed(tensors[name]), whole[name]) for name in whole)


HEAD = (
    "version: 1\nmodels: {portrait: sample:portrait, ukiyoe: sample:ukiyoe}\nclip: {duration: 32f, fps: 16}\n"
)
SWEEP = "blend: {low: portrait, high: ukiyoe, swap: [[0s, 4], [end, 32]]}\n"


@pytest.mark.parametrize("threads", [1, 4])
def test_a_sweep_mixes_and_prepares_nothing_for_its_frames(sample_folder, use_threads, monkeypatch, threads):
    """The convolutions and preparations of a clip are those of its layers, not of its frames or teams."""
    use_threads(threads)
    made, mixes, drawn = [], [], []
    weights, mean, walk = CpuLibrary.weights, Mix.mixed, FastSynthesis._walk
    monkeypatch.setattr(CpuLibrary, "weights", lambda *a, **k: made.append(1) or weights(*a, **k))
    monkeypatch.setattr(Mix, "mixed", lambda mix: mixes.append(mix.parts[0][0]) or mean(mix))
    parts = []

    def noted(method):
        def run(*a, out=None, **k):
            parts.extend([] if out is None else [1])
            return method(*a, out=out, **k)

        return run

    for name in ("convolve", "low_pass"):
        monkeypatch.setattr(CpuLibrary, name, noted(getattr(CpuLibrary, name)))

    def counted(self, batch, state, stop):
        drawn.extend(position for position in range(state.position, stop) for _ in range(len(batch)))
        return walk(self, batch, state, stop)

    monkeypatch.setattr(FastSynthesis, "_walk", counted)
    scene = Scene.open(Preset.from_yaml(f"{HEAD}latents: 3\nprecision: exact\n{SWEEP}"))
    renderer = Renderer(scene, compiled=True)
    frames = list(renderer.frames(scene.moments()))
    assert len(frames) == 32
    # Where it is the constant that cross-fades, that is mixed: there are 5 such frames.
    assert {id(tensor) for tensor in mixes} == {id(scene.model.synthesis.b4.const)}
    assert len(mixes) <= 6
    # Of the layers from 8 px on, those that the library convolves, each network's own.
    assert len(made) == 2 * sum(1 for name in renderer.drawer.synthesis.styled) == 2 * 3
    # A layer that cross-fades is convolved three times, for all frames of its cross-fade.
    assert len(renderer.drawer.synthesis.parts) == 5
    assert len(parts) == 3 * 5
    for index in (3, 17, 18, 31):
        alone = next(Renderer(scene, compiled=True).frames([scene.moment(index)]))
        np.testing.assert_array_equal(frames[index], alone)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latents: 3\n", True),
        ("latents: 3\ntruncation: 0.5\n", True),
        ("latents: 3\ntruncation: [[0s, 0.5], [end, 1]]\n", False),
        ("latents: {seeds: [3, 14]}\n", False),
        ("latents: {seed: 3, path: noise-loop}\n", False),
        ("latents: {seed: 3, mixing: {seeds: [3, 4], layers: 4+}}\n", False),
        ("latents: {seed: 3, mixing: {seed: 4, layers: 4+, weight: [[0s, 0], [end, 1]]}}\n", False),
    ],
)
def test_pictures_fade_where_latents_hold_still(sample_folder, text, expected):
    scene = Scene.open(Preset.from_yaml(HEAD + text + SWEEP))
    assert [scene.moment(index).pictures[0].fades for index in (0, 9)] == [expected] * 2


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("mapping: high", True),
        ("mapping: blend", True),
        ("mapping: blend, weight: [[0s, 1], [end, 0]]", False),
    ],
)
def test_a_mapping_that_moves_moves_the_latents(sample_folder, more, expected):
    scene = Scene.open(
        Preset.from_yaml(HEAD + "latents: 3\n" + SWEEP.replace("high: ukiyoe,", f"high: ukiyoe, {more},"))
    )
    assert scene.moment(5).pictures[0].fades == expected
    same = [scene.moment(index).pictures[0].ws for index in (0, 31)]
    assert np.array_equal(*same) == expected


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        ("8", [True] * 4),
        ("[[0s, 4], [end, 32]]", [True] * 4),  # 6 layers in 32 frames
        ("[[0s, 4], [50%, 32], [end, 4]]", [False] * 4),
        ("[[0s, 4], [25%, 16], [end, 32]]", [False, False, True, True]),
        ("[[0s, 8, hold], [8f, 16]]", [True, False, True, True]),  # a cut within a frame
    ],
)
def test_a_swap_that_hurries_through_its_layers_does_not_fade(sample_folder, swap, expected):
    """Fewer than three frames would share what is computed for a layer."""
    text = HEAD + "latents: 3\n" + SWEEP.replace("[[0s, 4], [end, 32]]", swap)
    scene = Scene.open(Preset.from_yaml(text))
    assert [scene.moment(index).pictures[0].fades for index in (4, 7, 12, 20)] == expected


def test_where_a_formula_has_no_value_beside_a_frame_it_does_not_fade(sample_folder):
    """At a rate of its own an output shows moments beside which the preset has none."""
    swap = "=8 + 0 / (abs(t - 2/5 - 1/16) > 0.001)"
    scene = Scene.open(Preset.from_yaml(HEAD + "latents: 3\n" + SWEEP.replace("[[0s, 4], [end, 32]]", swap)))
    pictures = [scene.at_fps(Fraction(3)).moment(index).pictures[0] for index in (1, 2)]
    assert [picture.fades for picture in pictures] == [False, True]


def test_a_panel_of_a_seed_at_rest_fades_while_the_walk_goes_on(sample_folder):
    text = "latents: {seeds: [3, 14]}\npanels: [blend, {show: blend, seed: 5}]\n"
    scene = Scene.open(Preset.from_yaml(HEAD + text + SWEEP))
    assert [picture.fades for picture in scene.moment(5).pictures] == [False, True]


def test_by_parts_a_filter_that_does_not_separate_is_the_plain_one():
    models = family()
    for model in models:
        for name, filters in model.named_buffers():
            if name.endswith("resample_filter"):
                filters[0, 1] *= 1.5
    ours, plain = runs(models, [Blend.low_high(10, swap) for swap in SWAPS], "exact")
    assert (ours - plain).abs().max() < 1e-4 * plain.abs().max()
