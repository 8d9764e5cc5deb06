"""Walks: where they are at which time, and that they close."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from render.latents import Walk, seed_latents, slerp

LATENTS = seed_latents([3, 14, 15, 92], 16)
PATHS = ["linear", "spline", "slerp"]  # those that move; hold has tests of its own


def walk_past(order: list[int], path: str, loop: bool, step: Fraction = Fraction(2)) -> Walk:
    order = [*order, order[0]] if loop else order
    return Walk(tuple(index * step for index in range(len(order))), tuple(order), path, loop)


def test_a_seed_means_what_it_means_everywhere():
    expected = np.random.RandomState(14).randn(1, 16)[0].astype(np.float32)
    assert np.array_equal(LATENTS[1], expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("loop", [True, False])
def test_a_walk_passes_its_latents_on_time_and_rests_at_its_ends(path, loop):
    walk = walk_past([0, 1, 2, 3], path, loop)
    for index in range(4):
        np.testing.assert_allclose(walk.point(LATENTS, Fraction(2 * index)), LATENTS[index], atol=1e-5)
    np.testing.assert_array_equal(walk.point(LATENTS, Fraction(-1)), LATENTS[0])
    np.testing.assert_array_equal(walk.point(LATENTS, Fraction(99)), LATENTS[0 if loop else 3])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=7), st.integers(1, 200), st.sampled_from(PATHS))
def test_a_loop_closes_without_a_jump(order, tenths, path):
    latents = seed_latents(range(max(order) + 1), 8)
    walk = walk_past(order, path, True, Fraction(tenths, 10))
    end = walk.seconds[-1]
    np.testing.assert_allclose(walk.point(latents, Fraction(0)), walk.point(latents, end), atol=1e-5)
    just_before = walk.point(latents, end - Fraction(1, 10**6))
    np.testing.assert_allclose(just_before, latents[order[0]], atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.fractions(0, 10, max_denominator=600), st.booleans(), st.sampled_from(["linear", "spline"]))
def test_weights_always_sum_to_one(seconds, loop, path):
    assert walk_past([0, 1, 2, 3], path, loop).weights(seconds).weights.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("at", [Fraction(2), Fraction(8)])
def test_a_spline_has_no_kink_at_a_stop_nor_where_it_closes_and_a_straight_path_has(at):
    def kink(path):
        walk = walk_past([0, 1, 2, 3], path, True)
        step = Fraction(1, 1000)
        before, here, after = (walk.point(LATENTS.astype(float), (at + k * step) % 8) for k in (-1, 0, 1))
        return np.linalg.norm((after - here) - (here - before)) / np.linalg.norm(after - here)

    assert kink("spline") < 0.02
    assert kink("linear") > 0.5


def test_slerp_keeps_the_length_between_latents_of_one_length():
    a, b = LATENTS[0] / np.linalg.norm(LATENTS[0]), LATENTS[1] / np.linalg.norm(LATENTS[1])
    assert np.linalg.norm(slerp(a, b, 0.5)) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm((a + b) / 2) < 0.9


def test_slerp_between_equal_and_zero_latents_is_defined():
    assert np.allclose(slerp(LATENTS[0], LATENTS[0], 0.3), LATENTS[0], atol=1e-5)
    assert np.array_equal(slerp(np.zeros(4), np.ones(4), 0.5), np.full(4, 0.5))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (((), ()), "for each stop"),
        (((Fraction(0), Fraction(0)), (0, 1)), "rise"),
        (((Fraction(0), Fraction(1)), (0, 1), "spline", True), "starts from"),
        (((Fraction(0),), (0,), "zigzag"), "zigzag"),
        (((Fraction(0),), (0,), "spline", False, (None, None)), "easing for each stop"),
    ],
)
def test_a_walk_that_makes_no_sense_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        Walk(*arguments)


def spline_through(times, values, loop):
    """The natural or periodic cubic through whole vectors, as scipy has it."""
    return CubicSpline([float(each) for each in times], values, bc_type="periodic" if loop else "natural")


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("stops", [3, 7, 80, 81, 82, 83, 84, 300])
def test_a_spline_is_the_cubic_through_all_stops_however_many_there_are(stops, loop):
    random = np.random.RandomState(stops)
    latents = random.randn(stops, 4)
    order = [*range(stops), 0] if loop else [*range(stops)]
    times = [Fraction(int(number), 10) for number in np.cumsum(random.randint(1, 60, len(order)))]
    walk = Walk(tuple(times), tuple(order), "spline", loop)
    expected = spline_through(times, latents[order], loop)
    for seconds in np.linspace(float(times[0]), float(times[-1]), 97):
        np.testing.assert_allclose(walk.point(latents, seconds), expected(seconds), atol=1e-9)


def test_the_weights_of_a_long_walk_are_few():
    walk = walk_past(list(range(5000)), "spline", True)
    mix = walk.weights(Fraction(4001))
    assert len(mix.indices) <= 82
    assert {2000, 2001} <= set(mix.indices)
    assert len(walk_past(list(range(5000)), "linear", True).weights(Fraction(4001)).indices) == 2


def test_ten_thousand_stops_take_no_table_of_stops_by_latents():
    tracemalloc.start()
    walk = walk_past(list(range(10_000)), "spline", True)
    latents = np.zeros([10_000, 8], np.float32)
    for seconds in range(1, 20_000, 1000):
        walk.point(latents, Fraction(seconds))
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("loop", [True, False])
def test_hold_stays_at_a_stop_until_the_next(loop):
    walk = walk_past([0, 1, 2], "hold", loop)
    np.testing.assert_array_equal(walk.point(LATENTS, Fraction(1999, 1000)), LATENTS[0])
    np.testing.assert_array_equal(walk.point(LATENTS, Fraction(2)), LATENTS[1])
    np.testing.assert_array_equal(walk.point(LATENTS, Fraction(5)), LATENTS[2])


@pytest.mark.parametrize("path", PATHS)
def test_an_easing_re_times_the_segment_that_leaves_its_stop_and_no_other(path):
    plain = walk_past([0, 1, 2, 3], path, False)
    eased = Walk(plain.seconds, plain.latents, path, False, (None, lambda x: x * x, None, None))
    for seconds in (Fraction(1), Fraction(2), Fraction(4), Fraction(5)):
        np.testing.assert_array_equal(eased.point(LATENTS, seconds), plain.point(LATENTS, seconds))
    # Half of the way in time is a quarter of the way along the same path.
    np.testing.assert_allclose(
        eased.point(LATENTS, Fraction(3)), plain.point(LATENTS, Fraction(5, 2)), atol=1e-6
    )


@pytest.mark.parametrize("path", PATHS)
def test_an_easing_that_holds_cuts_and_one_that_overshoots_runs_past_the_stop(path):
    plain = walk_past([0, 1, 2], path, False)
    held = Walk(plain.seconds, plain.latents, path, False, (lambda x: float(x >= 1), None, None))
    np.testing.assert_array_equal(held.point(LATENTS, Fraction(19, 10)), LATENTS[0])
    np.testing.assert_array_equal(held.point(LATENTS, Fraction(2)), LATENTS[1])
    over = Walk(plain.seconds, plain.latents, path, False, (lambda x: 1.1, None, None))
    past = over.point(LATENTS, Fraction(1)) - LATENTS[1]
    assert 0 < np.linalg.norm(past) < np.linalg.norm(LATENTS[1] - LATENTS[0]) / 2


@pytest.mark.parametrize("path", [*PATHS, "hold"])
def test_a_walk_goes_through_w_plus_row_by_row(path):
    rows = np.stack([LATENTS, LATENTS[::-1]], axis=1)  # [K, 2, D]
    walk = walk_past([0, 1, 2, 3], path, True)
    point = walk.point(rows, Fraction(3))
    assert point.shape == (2, 16)
    assert point.dtype == np.float32
    np.testing.assert_allclose(point[0], walk.point(LATENTS, Fraction(3)), atol=1e-6)


def test_a_mix_serves_anything_there_is_one_a_latent():
    walk = walk_past([0, 1, 0, 2], "linear", False)
    mix = walk.weights(Fraction(3))
    assert dict(zip(mix.indices.tolist(), mix.weights.tolist(), strict=True)) == {0: 0.5, 1: 0.5}
    assert mix.of(np.array([0.0, 1.0, 5.0])) == 0.5


def test_a_walk_is_data_that_can_be_copied():
    import copy

    walk = walk_past([0, 1, 2], "spline", True)
    before = walk.point(LATENTS, Fraction(1))
    np.testing.assert_array_equal(copy.deepcopy(walk).point(LATENTS, Fraction(1)), before)
