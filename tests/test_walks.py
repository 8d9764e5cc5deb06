"""Walks: where they are at which time, and that they close."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.latents import Walk, plan_walk, seed_latents, slerp

LATENTS = seed_latents([3, 14, 15, 92], 16)
paths = st.sampled_from(["linear", "spline", "slerp"])


def test_a_seed_means_what_it_means_everywhere():
    expected = np.random.RandomState(14).randn(1, 16)[0].astype(np.float32)
    assert np.array_equal(LATENTS[1], expected)


@pytest.mark.parametrize("path", ["linear", "spline", "slerp"])
@pytest.mark.parametrize("loop", [True, False])
def test_a_walk_passes_its_anchors_on_time(path, loop):
    walk = plan_walk(4, Fraction(8), Fraction(2), loop, path)
    for index in range(4):
        np.testing.assert_allclose(walk.point(LATENTS, Fraction(2 * index)), LATENTS[index], atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(1, 200), paths, st.one_of(st.none(), st.integers(1, 90)))
def test_a_loop_closes_without_a_jump(count, frames, path, every):
    latents = seed_latents(range(count), 8)
    duration = Fraction(max(frames, 12), 10)
    walk = plan_walk(count, duration, None if every is None else Fraction(every, 10), True, path)
    np.testing.assert_allclose(walk.point(latents, Fraction(0)), walk.point(latents, duration), atol=1e-5)
    just_before = walk.point(latents, duration - Fraction(1, 10**7))
    np.testing.assert_allclose(just_before, latents[0], atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(2, 6),
    st.fractions(0, 20, max_denominator=600),
    st.booleans(),
    st.sampled_from(["linear", "spline"]),
)
def test_weights_always_sum_to_one(count, seconds, loop, path):
    walk = plan_walk(count, Fraction(10), None, loop, path)
    assert walk.weights(seconds).sum() == pytest.approx(1, abs=1e-9)


def test_a_spline_has_no_kink_at_a_stop_and_a_straight_path_has():
    def kink(path):
        walk = plan_walk(4, Fraction(8), None, True, path)
        step = Fraction(1, 1000)
        before, at, after = (
            walk.point(LATENTS.astype(np.float64), Fraction(2) + k * step) for k in (-1, 0, 1)
        )
        return np.linalg.norm((after - at) - (at - before)) / np.linalg.norm(after - at)

    assert kink("spline") < 0.02
    assert kink("linear") > 0.5


def test_a_walk_that_does_not_divide_the_loop_is_spaced_so_that_it_does():
    walk = plan_walk(4, Fraction(7), Fraction(2), True)
    assert walk.seconds * len(walk.anchors) == 7


def test_a_long_walk_passes_its_latents_again():
    assert plan_walk(2, Fraction(8), Fraction(2), False).anchors == (0, 1, 0, 1, 0)


def test_slerp_keeps_the_length_between_latents_of_one_length():
    a, b = LATENTS[0] / np.linalg.norm(LATENTS[0]), LATENTS[1] / np.linalg.norm(LATENTS[1])
    assert np.linalg.norm(slerp(a, b, 0.5)) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm((a + b) / 2) < 0.9


def test_slerp_between_equal_and_zero_latents_is_defined():
    assert np.allclose(slerp(LATENTS[0], LATENTS[0], 0.3), LATENTS[0], atol=1e-5)
    assert np.array_equal(slerp(np.zeros(4), np.ones(4), 0.5), np.full(4, 0.5))


@pytest.mark.parametrize(
    ("arguments", "word"), [(((), Fraction(1), True), "anchor"), (((0,), Fraction(0), True), "apart")]
)
def test_a_walk_that_makes_no_sense_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        Walk(*arguments)
