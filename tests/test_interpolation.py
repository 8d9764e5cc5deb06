"""Ways of mixing: against mixes computed by hand on tensors for every architecture, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import make_network, make_relative
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_files import make_stylegan1
from test_stylegan3 import make_stylegan3

import render
from render.blending.blend import Blend
from render.blending.blender import FILTER_MEANS, Blender
from render.blending.interpolation import INTERPOLATIONS, keep_norm
from render.errors import BlendError
from render.preset import Blend as BlendSection

MAKERS = {"stylegan1": make_stylegan1, "stylegan2": make_network, "stylegan3": make_stylegan3}
FIXED = ("mapping", "noise_map", "filter")


@pytest.fixture(scope="module", params=MAKERS)
def family(request):
    """A base and two networks tuned from it."""
    base = MAKERS[request.param](seed=1)
    return [base, make_relative(base, seed=2), make_relative(base, seed=3, distance=0.6)]


def by_hand(name, tensors, weights) -> np.ndarray:
    """A tensor whose filters keep their norm, row by row, in plain arithmetic."""
    arrays = [tensor.numpy().astype(float) for tensor in tensors]
    if arrays[0].ndim < 2 or not name.endswith("weight"):
        return sum(w * array for w, array in zip(weights, arrays, strict=True))
    rows = []
    for own in zip(*arrays, strict=True):
        norms = [np.sqrt((row**2).sum()) for row in own]
        direction = sum(w * row / norm for w, row, norm in zip(weights, own, norms, strict=True))
        length = max(0.0, sum(w * norm for w, norm in zip(weights, norms, strict=True)))
        rows.append(direction / np.sqrt((direction**2).sum()) * length)
    return np.stack(rows)


def test_task_vectors_are_added_to_the_base(family):
    base, *tuned = family
    shares = np.linspace([0.7, -0.5], [1.5, 0.25], len(base.layers)).T  # [2, L]
    mixed = Blender(family).tensors(Blend.added(shares))
    for name, tensor in mixed.items():
        role, own = base.role(name), base.state_dict()[name]
        expected = own.double().numpy()
        if role.kind not in FIXED:
            differences = [(model.state_dict()[name] - own).double().numpy() for model in tuned]
            parts = zip(shares[:, role.position], differences, strict=True)
            expected = expected + sum(share * difference for share, difference in parts)
        np.testing.assert_allclose(tensor.detach().numpy(), expected, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("weights", [(0.5, 0.3, 0.2), (-0.5, 1.25, 0.25)])
def test_filters_keep_their_norm(family, weights):
    base = family[0]
    table = np.repeat(np.array(weights)[:, None], len(base.layers), axis=1)
    mixed = Blender(family).tensors(Blend(table, interpolation="keep-norm"))
    changed = set()
    for name, tensor in mixed.items():
        if base.role(name).kind in FIXED:
            continue
        tensors = [model.state_dict()[name] for model in family]
        expected = by_hand(name, tensors, weights)
        np.testing.assert_allclose(tensor.detach().numpy(), expected, atol=2e-5, err_msg=name)
        plain = sum(w * own for w, own in zip(weights, tensors, strict=True))
        if (tensor.detach() - plain).abs().max() > 1e-3:
            changed.add(name.rpartition(".")[2])
    assert changed == {"weight"}  # and neither biases nor the constant


def test_the_ends_are_the_models_whatever_the_interpolation(family):
    for how in INTERPOLATIONS:
        table = Blend(np.eye(3)[:, 1:2].repeat(len(family[0].layers), axis=1), interpolation=how)
        mixed = Blender(family).tensors(table)
        for name, tensor in mixed.items():
            fixed = family[0].role(name).kind in FIXED
            assert torch.equal(tensor, family[0 if fixed else 1].state_dict()[name]), name


def test_half_way_filters_are_as_long_as_their_ends():
    ends = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 5.0]])
    assert keep_norm([(ends[0], 0.5), (ends[1], 0.5)]).norm() == pytest.approx(4)
    assert FILTER_MEANS["linear"]([(ends[0], 0.5), (ends[1], 0.5)]).norm() == pytest.approx(34**0.5 / 2)


def test_filters_without_a_direction_are_mixed_linearly():
    one, zero = torch.tensor([[3.0, 4.0], [1.0, 2.0]]), torch.zeros(2, 2)
    torch.testing.assert_close(keep_norm([(one, 0.25), (zero, 0.75)]), 0.25 * one)
    torch.testing.assert_close(keep_norm([(one, 0.5), (-one, 0.5)]), zero)


@settings(deadline=None, max_examples=60)
@given(weight=st.floats(-3, 3), scale=st.floats(0.01, 100))
def test_norms_go_in_a_straight_line_and_never_below_zero(weight, scale):
    one = torch.tensor([[1.0, 2.0, 2.0], [0.0, 3.0, 4.0]])
    other = scale * torch.tensor([[2.0, 1.0, 2.0], [4.0, 3.0, 0.0]])
    norms = keep_norm([(one, 1 - weight), (other, weight)]).norm(dim=1)
    for row, (a, b) in enumerate(((3, 3 * scale), (5, 5 * scale))):
        expected = max(0.0, (1 - weight) * a + weight * b)
        assert float(norms[row]) == pytest.approx(expected, rel=1e-4, abs=1e-4 * (a + b))


def test_taken_channels_keep_their_norm_too(low, high):
    blend = Blend(np.full((2, 6), 0.5), interpolation="keep-norm").take(1, {3: [2]}, 0.5)
    mixed = Blender([low, high]).tensors(blend)
    name = "synthesis.b8.conv1.weight"
    own = [model.state_dict()[name] for model in (low, high)]
    expected = by_hand(name, own, (0.5, 0.5))
    expected[2] = by_hand(name, own, (0.25, 0.75))[2]
    np.testing.assert_allclose(mixed[name].detach().numpy(), expected, atol=1e-5)
    assert not torch.equal(Blender([low, high]).tensors(Blend(np.full((2, 6), 0.5)))[name], mixed[name])


def test_both_interpolations_live_in_one_cache(low, high):
    blender, table = Blender([low, high]), np.full((2, 6), 0.5)
    name = "synthesis.b8.conv1.weight"
    plain = blender.tensors(Blend(table))[name]
    assert not torch.equal(blender.tensors(Blend(table, interpolation="keep-norm"))[name], plain)
    assert blender.tensors(Blend(table))[name] is plain


def test_pictures_come_out_of_every_interpolation(low, high, ws):
    plain = render.blend(low, high, swap=4, weight=0.5).synthesis(ws)
    kept = render.blend(low, high, swap=4, weight=0.5, interpolation="keep-norm").synthesis(ws)
    assert torch.isfinite(kept).all()
    assert (plain - kept).abs().max() > 1e-3


def test_the_words_are_the_same_everywhere():
    assert tuple(FILTER_MEANS) == INTERPOLATIONS
    for name in INTERPOLATIONS:
        BlendSection(low="a", high="b", interpolation=name)
    with pytest.raises(BlendError, match="unknown interpolation 'cubic'; there are linear, keep-norm"):
        Blend(np.ones((1, 3)), interpolation="cubic")
