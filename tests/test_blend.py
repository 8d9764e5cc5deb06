"""The weights of blends: swap, width, weight, snapshots, and the laws they keep."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.blending.blend import Blend, position_of, snapshots, swap_weights
from render.blending.conventions import CONVENTIONS
from render.errors import BlendError

swaps = st.floats(-3, 21)
widths = st.none() | st.floats(0.01, 10)


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        (0, [1, 1, 1, 1, 1, 1]),
        (3, [0, 0, 0, 1, 1, 1]),
        (3.25, [0, 0, 0, 0.75, 1, 1]),
        (6, [0, 0, 0, 0, 0, 0]),
        (5.5, [0, 0, 0, 0, 0, 0.5]),
    ],
)
def test_whole_swaps_cut_and_fractions_cross_fade_one_layer(swap, expected):
    np.testing.assert_allclose(swap_weights(6, swap), expected)


def test_resolution_4_is_all_high_and_twice_the_resolution_all_low():
    assert swap_weights(10, position_of(4)).tolist() == [1] * 10
    assert swap_weights(10, position_of(128)).tolist() == [0] * 10  # 64 px has ten layers


def test_width_is_the_logistic_of_the_design():
    p = np.arange(8)
    expected = 1 / (1 + np.exp(-(p - 3.7 + 0.5) / 1.5))
    np.testing.assert_allclose(swap_weights(8, 3.7, 1.5), expected, rtol=1e-12)


@pytest.mark.parametrize("swap", range(-1, 9))
def test_width_to_zero_is_the_hard_cut(swap):
    np.testing.assert_allclose(swap_weights(8, swap, 1e-9), swap_weights(8, swap), atol=1e-12)
    assert np.array_equal(swap_weights(8, swap, 0), swap_weights(8, swap))


@settings(deadline=None, max_examples=100)
@given(swap=swaps, width=widths, weight=st.floats(-2, 2))
def test_columns_sum_to_one_and_high_rises(swap, width, weight):
    blend = Blend.low_high(14, swap, width, weight)
    np.testing.assert_allclose(blend.weights.sum(axis=0), 1)
    plain = swap_weights(14, swap, width)
    assert np.all(np.diff(plain) >= 0)
    assert plain.min() >= 0
    assert plain.max() <= 1
    np.testing.assert_allclose(blend.weights[1], weight * plain)


@settings(deadline=None, max_examples=100)
@given(swap=swaps, step=st.floats(1e-6, 0.1), width=widths)
def test_the_swap_moves_continuously(swap, step, width):
    change = np.abs(swap_weights(14, swap + step, width) - swap_weights(14, swap, width))
    steepest = 1.0 if width is None else max(1.0, 0.25 / width)
    assert change.max() <= steepest * step + 1e-9


@pytest.mark.parametrize(
    ("swap", "position"),
    [(4, 0), (32, 6), (64, 8), ("32/0", 6), ("32/1", 7), ((8, 1), 3), (4 * 2**0.25, 0.5), (1024, 16)],
)
def test_positions_of_resolutions_and_names(swap, position):
    assert position_of(swap) == pytest.approx(position)


def test_names_are_looked_up_where_they_are_given():
    names = ["input", "L0", "L1", "L2"]
    assert position_of("L1", names) == 2
    with pytest.raises(BlendError, match=r"no layer 'L7'; there are input, L0, L1, L2"):
        position_of("L7", names)


@pytest.mark.parametrize("wrong", [0, -4, float("nan"), float("inf"), "32", "32/2", "33/0", "L7", "", True])
def test_impossible_swaps_are_refused(wrong):
    with pytest.raises(BlendError, match=r"layer|resolution"):
        position_of(wrong)


@pytest.mark.parametrize("weight", [float("nan"), 1e30, "a", None, True, 10**400, 101])
def test_weights_without_a_meaning_are_refused(weight):
    with pytest.raises(BlendError, match=r"^weight is a number from -100 to 100, not "):
        Blend.low_high(6, 2, weight=weight)


def test_a_width_that_is_no_number_is_refused():
    with pytest.raises(BlendError, match="width is a number of layers from 0 on, not 'a'"):
        Blend.low_high(6, 2, width="a")


def test_negative_width_and_unknown_convention_are_refused():
    with pytest.raises(BlendError, match=r"width.*-1"):
        swap_weights(6, 3, -1)
    with pytest.raises(BlendError, match=r"'pinky'; there are position, pinkney"):
        Blend.low_high(6, 3, convention="pinky")


def test_pinkneys_cut_lands_two_positions_late():
    assert swap_weights(10, 4, convention="pinkney").tolist() == [0] * 6 + [1] * 4
    np.testing.assert_allclose(
        swap_weights(4, 1, 0.5, convention="pinkney"), 1 / (1 + np.exp([2, 0, -2, -4]))
    )


def test_snapshots_interpolate_neighbours_and_hold_outside():
    kimgs = (10, 20, 40)
    for kimg, expected in {
        20: [0, 1, 0],
        25: [0, 0.75, 0.25],
        12: [0.8, 0.2, 0],
        0: [1, 0, 0],
        99: [0, 0, 1],
    }.items():
        np.testing.assert_allclose(snapshots(kimgs, kimg), expected)
    assert snapshots([5], 7).tolist() == [1]
    with pytest.raises(BlendError, match="rising"):
        snapshots([20, 10], 15)


@settings(deadline=None, max_examples=50)
@given(
    kimgs=st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True).map(sorted),
    kimg=st.floats(-50, 1100),
)
def test_snapshot_weights_sum_to_one_and_mean_their_kimg(kimgs, kimg):
    weights = snapshots(kimgs, kimg)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).sum() <= 2
    assert weights @ np.array(kimgs) == pytest.approx(np.clip(kimg, kimgs[0], kimgs[-1]), abs=1e-6)


def test_a_model_expands_to_its_snapshots():
    blend = Blend.low_high(4, 2.5, mapping=0.5).expand([np.ones(1), snapshots([10, 20, 40], 15)])
    assert blend.model_count == 4
    np.testing.assert_allclose(blend.weights[:, 2], [0.5, 0.25, 0.25, 0])
    np.testing.assert_allclose(blend.mapping, [0.5, 0.25, 0.25, 0])
    with pytest.raises(BlendError, match="1 series for a blend of 4"):
        blend.expand([np.ones(1)])


def test_mapping_and_noise_stay_with_the_first_model_unless_told():
    blend = Blend.low_high(4, 0)
    assert blend.weights[1].tolist() == [1, 1, 1, 1]
    assert blend.column("mapping").tolist() == [1, 0]
    assert blend.column("noise_map", 2).tolist() == [1, 0]
    moved = Blend.low_high(4, 0, mapping=1)
    assert moved.column("noise_map", 2).tolist() == [0, 1]
    assert Blend.only(1, 3, 4).column("mapping").tolist() == [0, 1, 0]


def test_to_rgb_follows_its_layer_unless_it_has_weights_of_its_own():
    assert Blend.low_high(4, 1).column("to_rgb", 3).tolist() == [0, 1]
    own = Blend.low_high(4, 1, to_rgb=0.25)
    assert own.column("to_rgb", 3).tolist() == [0.75, 0.25]
    assert own.column("layer", 3).tolist() == [0, 1]


def test_equal_blends_are_equal_hash_alike_and_survive_pickling():
    first, second = Blend.low_high(8, 3.5, 1.0), Blend.low_high(8, 3.5, 1.0)
    assert first == second == pickle.loads(pickle.dumps(first))
    assert len({first, second, pickle.loads(pickle.dumps(first)), Blend.low_high(8, 3.6, 1.0)}) == 2
    assert first != Blend.low_high(8, 3.5, 1.0, mapping=1)
    assert Blend.low_high(8, 3, weight=0.0) == Blend.low_high(8, 3, weight=-0.0)
    with pytest.raises(ValueError, match="read-only"):
        first.weights[0, 0] = 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [[0.5, 0.5], [0.5, 0.4]]}, r"weights of a blend must sum to 1 in column 1"),
        ({"weights": [1.0, 0.0]}, r"\[models, layers\]"),
        ({"weights": [[1.0], [float("nan")]]}, "sum to 1"),
        ({"weights": [[1.0], [0.0]], "mapping": [1.0]}, r"mapping must be \[2\]"),
        ({"weights": [[1.0], [0.0]], "mapping": [1.0, 1.0]}, "mapping of a blend must sum to 1"),
        ({"weights": [[1.0], [0.0]], "to_rgb": [[1.0, 1.0], [0, 0]]}, r"to_rgb must be \[2, 1\]"),
    ],
)
def test_blends_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(BlendError, match=message):
        Blend(**arguments)


def test_extrapolation_is_legal():
    assert Blend.low_high(4, 0, weight=1.5).weights[:, 0].tolist() == [-0.5, 1.5]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_gives_a_weight_for_every_layer(name):
    assert swap_weights(12, 5.0, convention=name).shape == (12,)


@pytest.mark.parametrize(("swap", "first"), [(6, 8), (7, 8), (6.9, 8), (8, 10), (0, 2), (12, 12), (-2, 0)])
def test_dvschultz_leaves_the_whole_resolution_of_the_swap_to_low(swap, first):
    expected = [float(position >= first) for position in range(12)]
    assert swap_weights(12, swap, convention="dvschultz").tolist() == expected


def test_dvschultz_knows_no_width():
    with pytest.raises(BlendError, match="dvschultz knows no width"):
        Blend.low_high(12, 6, width=1.0, convention="dvschultz")


def test_a_base_gets_what_is_left():
    blend = Blend.added([[0.7, 1.0, 0.0], [-0.5, 0.5, 0.0]])
    np.testing.assert_allclose(blend.weights, [[0.8, -0.5, 1.0], [0.7, 1.0, 0.0], [-0.5, 0.5, 0.0]])
    assert blend.mapping.tolist() == [1, 0, 0]
