"""Tracks of keys: easings, splines and repeats."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from render.timeline import REPEATS, Key, Track, parse_easing


def track(*keys: tuple) -> Track:
    return Track(
        tuple(Key(Fraction(k[0]), k[1], parse_easing(k[2] if len(k) > 2 else "linear")) for k in keys)
    )


def test_the_value_holds_outside_the_keys_and_moves_between_them() -> None:
    one = track((1, 10), (3, 20))
    assert [one.value_at(second) for second in (-5, 0, 1, 2, 3, 99)] == [10, 10, 10, 15, 20, 20]


def test_the_easing_governs_the_segment_that_leaves_its_key() -> None:
    one = track((0, 0, "hold"), (1, 10, "in-quad"), (2, 20, "hold"))
    assert one.value_at(0.99) == 0
    assert one.value_at(Fraction(3, 2)) == pytest.approx(12.5)
    assert one.value_at(5) == 20


def test_two_keys_at_one_time_are_a_jump() -> None:
    one = track((0, 0), (1, 10), (1, 50), (2, 60))
    assert one.value_at(Fraction(999, 1000)) == pytest.approx(9.99)
    assert one.value_at(1) == 50
    assert one.value_at(Fraction(3, 2)) == 55


@given(
    points=st.lists(st.tuples(st.fractions(0, 10), st.floats(-100, 100)), min_size=1, max_size=8),
    easing=st.sampled_from(["linear", "ease", "in-out-back", "out-elastic", "steps(3)", "out-bounce"]),
)
@settings(deadline=None, max_examples=100)
def test_tracks_pass_through_their_keys_and_stay_within_their_extremes(points: list, easing: str) -> None:
    points = sorted(dict(points).items())
    one = Track.through(points, parse_easing(easing))
    for seconds, value in points:
        assert one.value_at(seconds) == value
    for step in range(41):
        assert one.minimum - 0.1 <= one.value_at(Fraction(step, 4)) <= one.maximum + 0.1
    assert (one.first, one.last) == (points[0][1], points[-1][1])


def test_extremes_count_overshoot() -> None:
    assert track((0, 0, "in-back"), (1, 10)).minimum == pytest.approx(-1, abs=0.01)
    assert track((0, 0, "out-back"), (1, 10)).maximum == pytest.approx(11, abs=0.01)
    assert track((0, 0, "hold"), (1, 10)).minimum == 0


def test_constant_tracks_know_it() -> None:
    assert Track.constant(3).is_constant
    assert track((0, 3), (2, 3, "out-back")).is_constant
    assert not track((0, 3), (2, 4)).is_constant


def test_broken_tracks_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Track(())
    with pytest.raises(ValueError, match="in order of time"):
        track((2, 1), (1, 1))


# --- splines and repeats ------------------------------------------------------------------------------------

EASINGS = ["linear", "ease", "in-out-back", "out-elastic", "steps(3)", "out-bounce", "hold"]
numbers = st.floats(-100, 100).map(lambda number: round(number, 3))
moments = st.fractions(0, 10, max_denominator=24)
points_of_time = st.lists(
    st.tuples(moments, numbers), min_size=2, max_size=7, unique_by=lambda point: point[0]
)


def curve(points: list, **options: object) -> Track:
    return Track(
        tuple(Key(Fraction(seconds), value) for seconds, value in sorted(points)), spline=True, **options
    )


@given(points=points_of_time)
@settings(deadline=None, max_examples=100)
def test_splines_are_pchip(points: list) -> None:
    points = sorted(points)
    expected = PchipInterpolator([float(seconds) for seconds, _ in points], [value for _, value in points])
    at = np.linspace(float(points[0][0]), float(points[-1][0]), 60)
    assert curve(points).values_at_many(at) == pytest.approx(expected(at), abs=1e-9)


@given(points=points_of_time, loops=st.sampled_from([{}, {"period": Fraction(10)}, {"repeat": "loop"}]))
@settings(deadline=None, max_examples=100)
def test_splines_pass_their_keys_exactly_and_never_overshoot(points: list, loops: dict) -> None:
    one, points = curve(points, **loops), sorted(points)
    shown = points[:-1] if loops.get("repeat") or points[-1][0] - points[0][0] == 10 else points
    assert [one.value_at(seconds) for seconds, _ in shown] == [value for _, value in shown]
    for (start, first), (end, last) in pairwise(points):
        for step in range(13):
            value = one.value_at(start + (end - start) * Fraction(step, 13))
            assert min(first, last) <= value <= max(first, last)


def slopes_around(one: Track, seconds: Fraction) -> tuple[float, float]:
    step = Fraction(1, 10**6)
    before, at, after = (one.value_at(seconds + offset) for offset in (-step, 0, step))
    return (at - before) / float(step), (after - at) / float(step)


quarters = st.tuples(st.integers(0, 39).map(lambda number: Fraction(number, 4)), st.integers(-9, 9))


@given(points=st.lists(quarters, min_size=1, max_size=7, unique_by=lambda point: point[0]))
@settings(deadline=None, max_examples=100)
def test_splines_of_a_looping_clip_are_smooth_at_the_seam_and_at_every_key(points: list) -> None:
    one = curve(points, period=Fraction(10))
    assert one.value_at(Fraction(10)) == one.value_at(Fraction(0))
    for seconds in [Fraction(10), *(key.seconds for key in one.keys)]:
        before, after = slopes_around(one, seconds)
        assert before == pytest.approx(after, abs=0.05)


def test_a_spline_in_a_looping_clip_joins_its_last_key_to_its_first() -> None:
    one = curve([(1, 0), (3, 10)], period=Fraction(4))
    assert (one.value_at(2), one.value_at(4), one.value_at(0)) == (5, 5, 5)
    assert slopes_around(one, Fraction(3)) == pytest.approx((0, 0), abs=1e-3)


def test_a_spline_is_smooth_on_either_side_of_a_jump() -> None:
    one = Track(tuple(Key(Fraction(s), v) for s, v in [(0, 0), (1, 1), (1, 5), (2, 6)]), spline=True)
    assert one.value_at(Fraction(999, 1000)) == pytest.approx(0.999)
    assert [one.value_at(1), one.value_at(Fraction(3, 2))] == [5, 5.5]


def test_a_pulse_on_the_beat_is_two_keys() -> None:
    pulse = Track((Key(Fraction(0), 1.0), Key(Fraction(1, 2), 0.0)), repeat="loop")
    assert [pulse.value_at(Fraction(n, 4)) for n in range(-2, 6)] == [1, 0.5, 1, 0.5, 1, 0.5, 1, 0.5]


@given(
    points=points_of_time,
    easing=st.sampled_from(EASINGS),
    spline=st.booleans(),
    seconds=st.fractions(-40, 40, max_denominator=60),
)
@settings(deadline=None, max_examples=150)
def test_loops_have_the_period_of_their_span_and_mirrors_run_back(
    points: list, easing: str, spline: bool, seconds: Fraction
) -> None:
    keys = tuple(Key(at, value, parse_easing(easing)) for at, value in sorted(points))
    first, span = keys[0].seconds, keys[-1].seconds - keys[0].seconds
    loop, mirror = (Track(keys, spline=spline, repeat=repeat) for repeat in ("loop", "mirror"))
    assert loop.value_at(seconds) == loop.value_at(seconds + span)
    assert loop.value_at(first + span) == keys[0].value  # at the wrap the first key counts
    assert mirror.value_at(seconds) == mirror.value_at(seconds + 2 * span)
    for end in (first, first + span):
        assert mirror.value_at(end + seconds) == mirror.value_at(end - seconds)


@given(
    points=points_of_time,
    names=st.lists(st.sampled_from(EASINGS), min_size=7, max_size=7),
    options=st.fixed_dictionaries({"spline": st.booleans(), "repeat": st.sampled_from(REPEATS)}),
    period=st.sampled_from([None, Fraction(10)]),
    bounded=st.booleans(),
    seconds=st.lists(st.floats(-15, 25), min_size=1, max_size=20),
)
@settings(deadline=None, max_examples=150)
def test_arrays_of_moments_agree_with_single_moments(
    points: list, names: list, options: dict, period: Fraction | None, bounded: bool, seconds: list
) -> None:
    points = sorted(points)
    keys = [Key(at, value, parse_easing(name)) for (at, value), name in zip(points, names, strict=False)]
    lowest = min(key.value for key in keys) if bounded else -float("inf")
    one = Track(tuple(keys), lowest, period=period, **options)
    seconds = [*seconds, *(float(key.seconds) for key in keys)]
    single = [one.value_at(second) for second in seconds]
    assert one.values_at_many(seconds) == pytest.approx(single, rel=1e-12, abs=1e-12)


def test_wrong_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to repeat: all keys lie at one time"):
        Track((Key(Fraction(1), 0.0),), repeat="loop")
    with pytest.raises(ValueError, match="a track repeats once, loop, mirror, not 'twice'"):
        Track((Key(Fraction(1), 0.0),), repeat="twice")


def test_tracks_survive_pickling_after_use() -> None:
    one = curve([(0, 0), (1, 2), (3, 1)], period=Fraction(4))
    one.values_at_many([0.5])
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one
    assert copy.value_at(Fraction(7, 2)) == one.value_at(Fraction(7, 2))
