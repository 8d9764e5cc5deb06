"""Walks: where they are at which time, and that they close."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.latents import Walk, seed_latents, slerp

LATENTS = seed_latents([3, 14, 15, 92], 16)
PATHS = ["linear", "spline", "slerp"]


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
    assert walk_past([0, 1, 2, 3], path, loop).weights(seconds).sum() == pytest.approx(1, abs=1e-9)


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
    ],
)
def test_a_walk_that_makes_no_sense_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        Walk(*arguments)
