"""Loops: circles pass both their latents, noise loops are what their law says, and both close smoothly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import LatentError
from render.latents import GreatCircle, NoiseLoop, seed_latents

A, B = seed_latents([3, 14], 512)
SHORT = 1e-4


def speed_and_acceleration(curve, turn: float) -> tuple[np.ndarray, np.ndarray]:
    before, here, after = (curve.point(turn + k * SHORT).astype(np.float64) for k in (-1, 0, 1))
    return (after - before) / (2 * SHORT), (after - 2 * here + before) / SHORT**2


# --- the great circle ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000), st.integers(1001, 2000), st.integers(2, 40), st.floats(0, 1))
def test_a_circle_passes_both_latents_and_stays_in_their_plane(seed_a, seed_b, dim, turn):
    a, b = seed_latents([seed_a, seed_b], dim).astype(np.float64)
    circle = GreatCircle(a, b)
    np.testing.assert_allclose(circle.point(0), a, atol=1e-6)
    np.testing.assert_allclose(circle.point(circle.turn_of_b), b, atol=1e-4)
    np.testing.assert_allclose(circle.point(turn + 1), circle.point(turn), atol=1e-6)
    point = circle.point(turn)
    lengths = sorted([np.linalg.norm(a), np.linalg.norm(b)])
    assert lengths[0] - 1e-6 <= np.linalg.norm(point) <= lengths[1] + 1e-6
    axes, _ = np.linalg.qr(np.stack([a, b], axis=1))
    np.testing.assert_allclose(axes @ (axes.T @ point), point, atol=1e-6)


@pytest.mark.parametrize("turn", [0.0, 1.0])
def test_a_circle_has_no_kink_where_it_closes_nor_at_the_other_latent(turn):
    circle = GreatCircle(A.astype(np.float64), 1.3 * B.astype(np.float64))
    for at in (turn, turn + circle.turn_of_b):
        left, right = (speed_and_acceleration(circle, at + k * 2 * SHORT) for k in (-1, 1))
        assert np.linalg.norm(left[0] - right[0]) / np.linalg.norm(left[0]) < 0.01
        assert np.linalg.norm(left[1] - right[1]) / np.linalg.norm(left[1]) < 0.05


def test_half_a_turn_is_the_opposite_latent():
    circle = GreatCircle(A, A.mean() + B)
    point = circle.point(0.5)
    assert point.dtype == np.float32
    assert point @ A / np.linalg.norm(point) / np.linalg.norm(A) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("b", [A, -A, 2 * A, 0 * A])
def test_two_latents_in_one_direction_make_no_circle(b):
    with pytest.raises(LatentError, match="two different latents"):
        GreatCircle(A, b)


# --- the noise loop -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("diameter", [0.3, 1.5, 6.0, 40.0])
def test_every_point_of_a_noise_loop_is_a_usual_z_and_its_covariance_is_as_stated(diameter):
    loop = NoiseLoop(7, 40_000, diameter)
    points = {turn: loop.point(turn).astype(np.float64) for turn in (0.0, 0.02, 0.25, 0.4)}
    for point in points.values():
        assert point.mean() == pytest.approx(0, abs=0.02)
        assert point.var() == pytest.approx(1, abs=0.03)
    for one, z_one in points.items():
        for other, z_other in points.items():
            stated = math.exp(-((diameter * math.sin(math.pi * (one - other))) ** 2) / 2)
            assert (z_one * z_other).mean() == pytest.approx(stated, abs=0.03)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0, 30), st.floats(-2, 2))
def test_a_noise_loop_closes_and_has_no_jump(seed, diameter, turn):
    loop = NoiseLoop(seed, 16, diameter)
    np.testing.assert_allclose(loop.point(turn), loop.point(turn + 1), atol=1e-5)
    # A number's speed has the deviation π · diameter a turn.
    step = np.abs(loop.point(turn + 1e-5).astype(np.float64) - loop.point(turn)).max()
    assert step <= 6 * math.pi * diameter * 1e-5 + 1e-6


def test_a_noise_loop_without_a_diameter_stands_at_its_seeds_own_latent_and_grows_out_of_it():
    own = seed_latents([5], 64)[0]
    for turn in (0, 0.3, 0.9):
        np.testing.assert_allclose(NoiseLoop(5, 64, 0).point(turn), own, atol=1e-6)
    assert np.abs(NoiseLoop(5, 64, 0.01).point(0.3) - own).max() < 0.05
    near, far = NoiseLoop(5, 64, 2.0).point(0.3), NoiseLoop(5, 64, 2.01).point(0.3)
    assert np.abs(near - far).max() < 0.05


@pytest.mark.parametrize("diameter", [-1, 101, math.nan, math.inf])
def test_a_diameter_outside_its_range_is_refused(diameter):
    with pytest.raises(LatentError, match="from 0 to 100"):
        NoiseLoop(0, 8, diameter)


def test_the_widest_noise_loop_is_a_usual_z_too():
    assert NoiseLoop(0, 5_000, 100.0).point(0.37).var() == pytest.approx(1, abs=0.08)
