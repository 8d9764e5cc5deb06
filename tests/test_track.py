"""Tracks of keys and tracks of expressions: one number over time."""

from __future__ import annotations

import math
import pickle
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import Clock, ExpressionTrack, Key, Track, parse_easing, parse_expression

CLOCK = Clock(Fraction(8), Fraction(30), bpm=Fraction(120))


def track(*keys: tuple) -> Track:
    return Track(
        tuple(Key(Fraction(k[0]), k[1], parse_easing(k[2] if len(k) > 2 else "linear")) for k in keys)
    )


def formula(text: str, clock: Clock = CLOCK) -> ExpressionTrack:
    return ExpressionTrack(parse_expression(text), clock)


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


def test_expressions_know_time_and_functions() -> None:
    assert formula("=t").value_at(2) == 2
    assert formula("=f").value_at(2) == 60
    assert formula("=b").value_at(2) == 4
    assert formula("=u + fps").value_at(2) == 30.25
    assert formula("=0.7 + 0.1*sin(tau*u)").value_at(2) == pytest.approx(0.8)
    assert formula("=clamp(t, 0, 3) + lerp(10, 20, 0.5) + smoothstep(0, 8, t)").value_at(4) == pytest.approx(
        18.5
    )
    assert formula("=1 if t < 2 else 5").value_at(3) == 5
    assert formula("=layer(7)").value_at(0) == pytest.approx(4 * 2**3.5)
    assert formula("=round(2.5) + floor(-0.5) + min(1, 2, 3) + abs(-pi)").value_at(0) == pytest.approx(
        3 + math.pi
    )


def test_the_unit_f_keeps_its_meaning_at_another_frame_rate() -> None:
    assert formula("=f", CLOCK.with_fps(Fraction(12))).value_at(2) == 60


def test_expression_tracks_have_the_face_of_a_track() -> None:
    one = formula("=sin(tau*u)")
    assert (one.first, one.last) == (0, pytest.approx(0, abs=1e-9))
    assert one.maximum == pytest.approx(1, abs=1e-3)
    assert one.minimum == pytest.approx(-1, abs=1e-3)
    assert not one.is_constant
    assert formula("=2*pi").is_constant
    assert pickle.loads(pickle.dumps(one)).value_at(2) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=", "the expression is empty"),
        ("=sin(", "cannot read the expression near character 4"),
        ("=sine(t)", "unknown function 'sine' in the expression; did you mean 'sin'"),
        ("=t(2)", "t is a number, not a function"),
        ("=sin + 1", "sin is a function; write"),
        ("=clamp()", "clamp takes 1 to 3 values, not 0"),
        ("=min(*t)", "min takes plain values"),
        ("=round(x=3)", "round takes plain values"),
        ("='text'", "holds only numbers, not 'text'"),
        ("=True", "holds only numbers, not True"),
        ("=2j", "holds only numbers"),
        ("=[1][0]", "is not allowed in an expression"),
        ("=2^3", r"powers are written \*\*"),
        ("=t.real", "reading an attribute with a dot is not allowed"),
        ("=().__class__.__bases__", "is not allowed"),
        ("=(lambda: 1)()", "called by its name|not allowed"),
        ("=__import__(1)", "unknown function '__import__'"),
        ("=t; t", "one formula"),
        ("=x = 3", "one formula"),
        ("=import os", "one formula"),
        ("=" + "(" * 300 + "1" + ")" * 300, "characters; at most"),
        ("=" + "+".join(["t"] * 100), "parts; at most"),
        ("=1" + "0" * 390, "too large"),
    ],
)
def test_wrong_expressions_are_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=1/t", "=1/t at 0 s: it divides by zero"),
        ("=sqrt(t-1)", "no real, finite value"),
        ("=(t-1)**0.5", "no real, finite value"),
        ("=9**9**9**9", "no real, finite value"),
        ("=1e308*10", "no real, finite value"),
    ],
)
def test_formulas_without_a_value_say_where(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        formula(text).value_at(0)
    assert message in str(caught.value)


def test_hostile_expressions_cost_little() -> None:
    bombs = [
        "9**9**9**9**9**9",
        "((1<2)+(1<2))**((1<2)+8)**9**9**9",
        "-" * 350 + "1",
        "(" * 190 + "1" + ")" * 190,
    ]
    began = time.perf_counter()
    for bomb in bombs:
        try:
            formula(f"={bomb}").value_at(1)
        except ValueError:
            continue
    assert time.perf_counter() - began < 0.2


def test_beats_in_a_formula_need_a_tempo() -> None:
    with pytest.raises(ValueError, match=r"=b at 1 s: beats need a tempo: give clip\.bpm"):
        formula("=b", Clock(Fraction(8))).value_at(1)
