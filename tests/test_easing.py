"""Easings: their ends, their shapes, their names and the messages for wrong names."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import EASING_NAMES, Easing, parse_easing

NAMED = [name for name in EASING_NAMES if "(" not in name]
SHAPES = [
    "linear(0, 0.4 20%, 1)",
    "steps(4)",
    "steps(3, jump-none)",
    "cubic-bezier(0.1, 0.7, 1, 0.1)",
    "cubic-bezier(0, 2, 1, -1)",
]
OVERSHOOTING = ("back", "elastic")
FAMILIES = ["sine", "quad", "cubic", "quart", "quint", "expo", "circ", "back", "elastic", "bounce"]


@pytest.mark.parametrize("name", [*NAMED, *SHAPES])
def test_ends_are_exact(name: str) -> None:
    easing = parse_easing(name)
    assert easing(1.0) == 1.0
    assert easing(0.0) == (1.0 if name == "step-start" else 0.0)
    assert (easing(-3.0), easing(7.0)) == (easing(0.0), 1.0)


def test_every_family_has_three_turns_and_a_short_spelling() -> None:
    for family in FAMILIES:
        for turn in ("in", "out", "in-out"):
            assert parse_easing(f"{turn}-{family}") == parse_easing(f"ease-{turn}-{family}")
    assert len({parse_easing(f"in-{family}")(0.3) for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
@given(x=st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_out_mirrors_in_and_in_out_is_symmetric(family: str, x: float) -> None:
    out, into, both = (parse_easing(f"{turn}-{family}") for turn in ("out", "in", "in-out"))
    assert out(x) == pytest.approx(1 - into(1 - x), abs=1e-9)
    assert both(x) == pytest.approx(1 - both(1 - x), abs=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMED if not name.endswith(OVERSHOOTING)])
def test_curves_stay_between_their_ends_and_only_bounce_turns_back(name: str) -> None:
    easing = parse_easing(name)
    values = [easing(index / 200) for index in range(201)]
    assert min(values) >= 0
    assert max(values) <= 1
    if "bounce" not in name:
        assert values == sorted(values)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_move_without_a_jump(family: str) -> None:
    easing = parse_easing(f"in-out-{family}")
    values = [easing(index / 4000) for index in range(4001)]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.03


def test_known_values() -> None:
    assert parse_easing("in-quad")(0.5) == 0.25
    assert parse_easing("in-out-cubic")(0.25) == pytest.approx(0.0625)
    assert parse_easing("ease-in-sine")(0.5) == pytest.approx(1 - math.sqrt(0.5))
    assert parse_easing("ease-in-out")(0.5) == pytest.approx(0.5)
    assert parse_easing("ease")(0.25) == pytest.approx(
        0.4085105913
    )  # solved by bisection in exact arithmetic
    assert parse_easing("ease-in-back").extent[0] == pytest.approx(-0.1, abs=1e-3)  # Penner's 10 % overshoot
    assert parse_easing("out-bounce")(4 / 11) == pytest.approx(1.0)  # the first time the ball lands
    assert parse_easing("hold")(0.999) == 0.0


@given(
    x1=st.floats(0, 1),
    y1=st.floats(-2, 3),
    x2=st.floats(0, 1),
    y2=st.floats(-2, 3),
    s=st.floats(0.001, 0.999),
)
@settings(deadline=None, max_examples=150)
def test_cubic_bezier_lies_on_its_curve(x1: float, y1: float, x2: float, y2: float, s: float) -> None:
    def bezier(first: float, second: float) -> float:
        return 3 * first * s * (1 - s) ** 2 + 3 * second * s * s * (1 - s) + s**3

    x, slope = bezier(x1, x2), 3 * (x1 * (1 - s) ** 2 + 2 * (x2 - x1) * s * (1 - s) + (1 - x2) * s * s)
    easing = parse_easing(f"cubic-bezier({x1!r}, {y1!r}, {x2!r}, {y2!r})")
    if slope > 0.01:  # where x stands still in s, any s fits
        assert easing(x) == pytest.approx(bezier(y1, y2), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("steps(4)", [0, 0.25, 0.5, 0.75]),
        ("steps(4, start)", [0.25, 0.5, 0.75, 1]),
        ("steps(4, jump-none)", [0, 1 / 3, 2 / 3, 1]),
        ("steps(4, jump-both)", [0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_steps_follow_css(name: str, values: list[float]) -> None:
    assert [parse_easing(name)((index + 0.5) / 4) for index in range(4)] == pytest.approx(values)


def test_spelling_variants_are_one_easing() -> None:
    assert parse_easing("  Steps( 4 ,end ) ") == parse_easing("steps(4)")
    assert parse_easing("cubic-bezier(.1,.7,1,.1)").name == "cubic-bezier(0.1, 0.7, 1, 0.1)"
    assert parse_easing(parse_easing("steps(2, start)").name) == parse_easing("steps(2, start)")


def test_easings_survive_pickling() -> None:
    for name in ["ease", "in-out-elastic", *SHAPES]:
        easing = parse_easing(name)
        copy = pickle.loads(pickle.dumps(easing))
        assert isinstance(copy, Easing)
        assert copy(0.37) == easing(0.37)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("esae", "unknown easing 'esae'; did you mean 'ease'?"),
        ("easeInOutQuad", "unknown easing 'easeInOutQuad'; did you mean 'ease-in-out-quad'?"),
        ("zzz", "unknown easing 'zzz'; try linear, ease, ease-in, ease-out, ease-in-out or hold"),
        ("ease(2)", "unknown easing 'ease(2)'; ease takes no parameters"),
        ("steps", "unknown easing 'steps'; write steps(4) or steps(4, start)"),
        ("steps(0)", "steps takes 1 to 10000 steps (jump-none at least 2), not 0"),
        ("steps(3, stat)", "steps cannot jump at 'stat'; did you mean 'start'?"),
        ("linear(1)", "linear( ) takes 2 to 64 stops, not 1; write for example linear(0, 0.4 20%, 1)"),
        ("linear(0, x, 1)", "cannot read the stop 'x' of linear( ); write for example linear(0, 0.4 20%, 1)"),
        ("linear(0, 2 120%, 1)", "the places of linear( ) lie from 0% to 100%, not '2 120%'"),
        ("linear(0, 1e9, 1)", "the values of linear( ) lie from -100 to 100, not '1e9'"),
        (
            "linear(0, 20%, 1)",
            "a stop of linear( ) is a value and up to two places, not '20%'; "
            "write for example linear(0, 0.4 20%, 1)",
        ),
        ("ease" * 300, "an easing of 1200 characters is too long; at most 1000"),
        ("cubic-bezier(1, 2)", "cubic-bezier takes four numbers: cubic-bezier(x1, y1, x2, y2)"),
        ("cubic-bezier(0, nan, 1, 0)", "cubic-bezier takes four numbers: cubic-bezier(x1, y1, x2, y2)"),
        ("cubic-bezier(2, 0, 0, 0)", "the x values of cubic-bezier lie from 0 to 1, not 2 and 0"),
    ],
)
def test_wrong_names_are_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse_easing(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("linear(0, 0.4 20%, 1)", {0.1: 0.2, 0.2: 0.4, 0.6: 0.7}),
        ("linear(0, 0.5, 0.5, 1)", {1 / 6: 0.25, 0.5: 0.5, 5 / 6: 0.75}),  # spread evenly
        ("linear(0, 1 25% 75%, 0)", {0.125: 0.5, 0.3: 1, 0.7: 1, 0.875: 0.5}),  # a stop with two places
        ("linear(0, 0.5 60%, 0.8 40%, 1)", {0.3: 0.25, 0.6: 0.8, 0.8: 0.9}),  # a place never falls
        ("linear(0.2, 1.5 50%, 1)", {0: 0.2, 0.5: 1.5, 1: 1}),
        ("linear(0 20%, 1 80%)", {0.1: 0, 0.5: 0.5, 0.9: 1}),
    ],
)
def test_linear_passes_its_stops_as_in_css(text: str, points: dict[float, float]) -> None:
    easing = parse_easing(text)
    assert {x: easing(x) for x in points} == pytest.approx(points)
    assert easing.many(np.array(list(points))) == pytest.approx(list(points.values()))


@given(
    stops=st.lists(
        st.tuples(st.floats(-2, 2), st.integers(0, 100)), min_size=2, max_size=9, unique_by=lambda s: s[1]
    )
)
@settings(deadline=None, max_examples=60)
def test_linear_passes_every_stop(stops: list[tuple[float, int]]) -> None:
    stops = sorted(stops, key=lambda stop: stop[1])
    easing = parse_easing(f"linear({', '.join(f'{value!r} {place}%' for value, place in stops)})")
    assert parse_easing(easing.name) == easing
    for value, place in stops:
        assert easing(place / 100) == value


@pytest.mark.parametrize("name", [*NAMED, *SHAPES])
def test_arrays_are_eased_like_numbers(name: str) -> None:
    easing = parse_easing(name)
    xs = [-1.0, 0.0, 0.1, 0.25, 0.5, 0.77, 1.0, 2.0]
    assert easing.many(np.array(xs)).tolist() == [easing(x) for x in xs]


@pytest.mark.parametrize("count", [3, 22, 49, 100, 997])
def test_steps_are_taken_at_their_edges(count):
    steps = parse_easing(f"steps({count})")
    edges = [index / count for index in range(count + 1)]
    assert list(map(steps, edges)) == edges
