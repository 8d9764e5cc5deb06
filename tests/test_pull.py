"""Single channels in a blend: against blends by hand on tensors, for every architecture, and their laws."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from conftest import make_network, make_relative
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_files import make_stylegan1
from test_stylegan3 import make_stylegan3

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_counts
from render.blending.pull import ChannelPull
from render.errors import BlendError

TAKEN, WEIGHT, LAYER = (1, 5), 0.75, 0.25
SG2_RGB = ["torgb.weight:1", "torgb.affine.weight:0", "torgb.affine.bias:0"]
STYLE = ["conv1.affine.weight:twice", "conv1.affine.bias:twice"]
FIRST_STYLE = ["input.affine.weight:twice", "input.affine.bias:twice"]
LAST_3 = ["L14_32_3.weight:1", "L14_32_3.affine.weight:0", "L14_32_3.affine.bias:0"]
# What channels of a layer bring along, written down by hand: tensor and the axis its channels lie on.
# `twice` stands for scale and shift: channel k is row k and row 8 + k of 16.
CASES = {
    "stylegan2 8/1": (make_network, 3, "synthesis.b8.", ["conv1.weight:0", "conv1.bias:0", *SG2_RGB]),
    "stylegan2 8/0": (make_network, 2, "synthesis.b8.", ["conv0.weight:0", "conv0.bias:0"]),
    "stylegan2 4/0": (make_network, 0, "synthesis.b4.", ["const:0"]),
    "resnet 8/1": (
        lambda seed: make_network(seed, architecture="resnet"),
        3,
        "synthesis.b8.",
        ["conv1.weight:0", "conv1.bias:0", "skip.weight:0"],
    ),
    "stylegan1 16/1": (
        make_stylegan1,
        5,
        "synthesis.b16.",
        ["conv1.weight:0", "conv1.bias:0", "conv1.noise_strength:0", *STYLE, "torgb.weight:1"],
    ),
    "stylegan1 4/0": (
        make_stylegan1,
        0,
        "synthesis.b4.",
        ["input.const:0", "input.bias:0", "input.noise_strength:0", *FIRST_STYLE],
    ),
    "stylegan3 L3": (make_stylegan3, 4, "synthesis.", ["L3_36_8.weight:0", "L3_36_8.bias:0"]),
    "stylegan3 input": (make_stylegan3, 0, "synthesis.", ["input.weight:0"]),
    "stylegan3 L13": (
        make_stylegan3,
        14,
        "synthesis.",
        ["L13_32_8.weight:0", "L13_32_8.bias:0", *LAST_3],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_taken_channels_are_as_a_blend_by_hand(case):
    make, position, prefix, brought = CASES[case]
    low = make(seed=1)
    high = make_relative(low, seed=2)
    blend = Blend.low_high(len(low.layers), 0, weight=LAYER)
    mixed = Blender([low, high]).tensors(blend.take(1, {position: TAKEN}, WEIGHT))
    layers = Blender([low, high]).tensors(blend)
    expected = {name: tensor.detach().clone() for name, tensor in layers.items()}
    own = high.state_dict()
    for entry in brought:
        name, _, axis = entry.partition(":")
        name = prefix + name
        rows = [*TAKEN, *(8 + channel for channel in TAKEN)] if axis == "twice" else TAKEN
        for row in rows:
            at = (slice(None), row) if axis == "1" else (row,)
            expected[name][at] = (1 - WEIGHT) * layers[name].detach()[at] + WEIGHT * own[name][at]
    for name, tensor in mixed.items():
        torch.testing.assert_close(tensor.detach(), expected[name], msg=lambda text, name=name: name + text)
    changed = {name for name in mixed if not torch.equal(mixed[name], layers[name])}
    assert changed == {prefix + entry.partition(":")[0] for entry in brought}


def test_all_channels_of_a_layer_are_its_convolution(low, high, ws):
    blender, all_low = Blender([low, high]), Blend.only(0, 2, 6)
    taken = blender.tensors(all_low.take(1, {3: range(8)}))
    layer = blender.tensors(Blend.low_high(6, 3))
    for name in ("conv1.weight", "conv1.bias", "torgb.weight", "torgb.affine.bias"):
        assert torch.equal(taken[f"synthesis.b8.{name}"], layer[f"synthesis.b8.{name}"]), name
    for name in ("conv1.affine.weight", "conv1.noise_strength", "torgb.bias"):
        assert torch.equal(taken[f"synthesis.b8.{name}"], low.state_dict()[f"synthesis.b8.{name}"]), name


def test_a_taken_channel_changes_the_picture_and_not_the_models(low, high, ws):
    before = low.synthesis(ws)
    mixed = Blender([low, high]).apply(Blend.only(0, 2, 6).take(1, {3: [2]}))
    assert (mixed.synthesis(ws) - before).abs().max() > 1e-3
    assert torch.equal(low.synthesis(ws), before)
    assert isinstance(mixed.synthesis.b8.conv1.weight, torch.nn.Parameter)


def test_only_the_taken_layers_are_computed_and_only_once(low, high):
    blender = Blender([low, high])
    plain = blender.tensors(Blend.low_high(6, 3))
    first = blender.tensors(Blend.low_high(6, 3).take(1, {1: [0]}, 0.5))
    changed = {name for name in plain if first[name] is not plain[name]}
    assert {low.role(name).position for name in changed} == {1}
    again = blender.tensors(Blend.low_high(6, 3).take(1, {1: [0]}, 0.5))
    assert all(again[name] is first[name] for name in first)
    assert blender._cached_bytes == sum(tensor.nbytes for tensor in blender._cache.values())


def test_to_rgb_keeps_its_own_weights_under_a_taken_channel(low, high):
    blend = Blend.low_high(6, 9, to_rgb=0.5).take(1, {3: [2]}, 0.5)
    mixed = Blender([low, high]).tensors(blend)["synthesis.b8.torgb.weight"]
    mine, other = (model.synthesis.b8.torgb.weight for model in (low, high))
    torch.testing.assert_close(mixed[:, 2].data, (0.25 * mine + 0.75 * other)[:, 2].data)
    torch.testing.assert_close(mixed[:, 3].data, (0.5 * mine + 0.5 * other)[:, 3].data)


@settings(deadline=None, max_examples=50)
@given(
    weight=st.floats(-2, 2).filter(lambda weight: abs(weight) > 1e-9),
    swap=st.floats(-1, 7),
    numbers=st.lists(st.integers(0, 30), min_size=1, unique=True),
)
def test_how_pulls_are_written_does_not_matter(weight, swap, numbers):
    blend = Blend.low_high(6, swap)
    at_once = blend.take(1, {2: numbers, 4: numbers}, weight)
    one_by_one = blend
    for number in reversed(numbers):
        one_by_one = one_by_one.take(1, {4: [number]}, weight).take(1, {2: [number]}, weight)
    assert at_once == one_by_one == pickle.loads(pickle.dumps(at_once))
    assert hash(at_once) == hash(one_by_one)
    assert at_once != blend
    assert at_once.take(1, {5: [0]}, 0.0) == at_once
    for pull in at_once.pulls:
        assert pull.column(blend.weights[:, 2]).sum() == pytest.approx(1)


def test_taken_from_a_series_is_taken_from_its_snapshots():
    series = [np.ones(1), np.array([0.25, 0.75])]
    blend = Blend.low_high(6, 3).take(1, {2: [4]}, 0.5).expand(series)
    assert blend.pulls == (ChannelPull(2, (4,), (0.0, 0.25, 0.75), 0.5),)


def test_channels_that_are_not_there_are_refused(low, high):
    blend = Blend.low_high(6, 3)
    with pytest.raises(BlendError, match="channel 3 of the layer at position 2 is taken twice"):
        blend.take(1, {2: [3]}).take(0, {2: [1, 3]})
    with pytest.raises(BlendError, match=r"layer 8/1 has no channel 8; it has 8, numbered from 0"):
        Blender([low, high]).tensors(blend.take(1, {3: [8]}))
    with pytest.raises(BlendError, match="numbered from 0, not -1"):
        blend.take(1, {3: [-1]})
    with pytest.raises(BlendError, match="position 6; there are 0 to 5"):
        blend.take(1, {6: [0]})
    with pytest.raises(BlendError, match="no model 2 in a blend of 2"):
        blend.take(2, {3: [0]})
    with pytest.raises(BlendError, match="weight is a number from -100 to 100, not 101"):
        blend.take(1, {3: [0]}, 101)
    third = make_stylegan3(seed=1)
    with pytest.raises(BlendError, match="layer L14 has no channels to take: it is the picture itself"):
        Blender([third]).tensors(Blend.only(0, 1, 16).take(0, {15: [0]}))


def test_channels_are_counted_layer_by_layer(low):
    assert channel_counts(low) == dict.fromkeys(["4/0", "4/1", "8/0", "8/1", "16/0", "16/1"], 8)
    counts = channel_counts(make_stylegan3(seed=1))
    assert list(counts) == ["input", *(f"L{index}" for index in range(14))]
    assert set(counts.values()) == {8}
