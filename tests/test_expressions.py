"""Expressions: what a formula may hold, what it reads, and its values one by one and in arrays."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import Clock, ExpressionTrack, check_amount, parse_expression, variable_name

CLOCK = Clock(Fraction(8), Fraction(30), bpm=Fraction(120))


def formula(text: str, clock: Clock = CLOCK, **others: float) -> ExpressionTrack:
    named = {name: (lambda _, value=value: value) for name, value in others.items()}
    return ExpressionTrack(parse_expression(text), clock, others=named)


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
        ("=blend.__class__", "reading an attribute with a dot is not allowed"),
        ("=sin.x", "reading an attribute with a dot is not allowed"),
        ("=blend.weight()", "called by its name"),
        ("=blend['weight']", "indexing with"),
        ("=blend[t]", "indexing with"),
        ("=1e999", "too large"),
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


def test_the_loudness_of_a_sound_is_a_number_like_others() -> None:
    class Ramp:
        def at(self, band: str, seconds: Any) -> Any:
            return {"low": 1, "mid": 0.5, "high": 0}[band] * seconds

    loud = ExpressionTrack(
        parse_expression("=audio(low) + 10*audio( mid )*2 - audio(high)"),
        Clock(Fraction(4), levels=Ramp()),
    )
    assert loud.expression.names == {"audio(low)", "audio(mid)", "audio(high)"}
    assert loud.expression.references == set()
    assert loud.value_at(Fraction(1, 2)) == 5.5
    np.testing.assert_array_equal(loud.values_at_many([0, 1, 2]), [0, 11, 22])
    with pytest.raises(ValueError, match=r"audio\(low\) needs a sound: give clip\.audio"):
        formula("=audio(low)").value_at(0)
    assert np.isnan(formula("=audio(low)").values_at_many([0, 1])).all()
    for wrong in (
        "=audio()",
        "=audio(loud)",
        "=audio(low, mid)",
        "=audio(3)",
        "=audio(band=low)",
        "=audio(t)",
    ):
        with pytest.raises(
            ValueError, match=r"the loudness of the sound is audio\(low\), audio\(mid\), audio"
        ):
            parse_expression(wrong)


def test_beats_in_a_formula_need_a_tempo() -> None:
    with pytest.raises(ValueError, match=r"=b at 1 s: beats need a tempo: give clip\.bpm"):
        formula("=b", Clock(Fraction(8))).value_at(1)


# --- what it reads ------------------------------------------------------------------------------------------


def test_formulas_say_what_they_read() -> None:
    one = parse_expression("=peak*blend.weight + sin(tau*u) - latents.directions[0].strength")
    assert one.names == {"tau", "u"}
    assert one.references == {"peak", "blend.weight", "latents.directions[0].strength"}


def test_other_numbers_are_read_by_name() -> None:
    assert formula("=1 - peak/2", peak=0.5).value_at(0) == 0.75
    one = ExpressionTrack(
        parse_expression("=blend.weight + t"), CLOCK, others={"blend.weight": lambda s: 2 * s}
    )
    assert one.value_at(2) == 6
    assert one.values_at_many([1.0, 2.0]).tolist() == [3, 6]
    assert not one.is_constant


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(ValueError, match=r"^unknown name 'tua' in the expression; did you mean 'tau'"):
        formula("=tua*u").value_at(0)
    with pytest.raises(ValueError, match="did you mean 'peak'"):
        formula("=1 + pek", peak=1.0).value_at(0)
    with pytest.raises(
        ValueError, match=r"^unknown name 'zzz' in the expression; known: t, f, b, u, fps, tau, pi"
    ):
        formula("=zzz").value_at(0)


@pytest.mark.parametrize("name", ["t", "sin", "noise", "if", "a.b", "_x", "two words", "", "3d", "ñ", None])
def test_names_that_formulas_use_are_not_given_away(name: object) -> None:
    with pytest.raises(
        ValueError, match=r"a name for formulas is one word|has a meaning in formulas already"
    ):
        variable_name(name)


# --- arrays -------------------------------------------------------------------------------------------------

leaves = st.sampled_from(["t", "b", "u", "x", "0", "1", "2.5", "0.5", "-1"])


def combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    both = st.tuples(parts, parts)
    return st.one_of(
        st.builds(
            lambda p, op: f"({p[0]} {op} {p[1]})", both, st.sampled_from(["+", "-", "*", "/", "//", "%"])
        ),
        st.builds(lambda p, op: f"({p[0]} {op} {p[1]})", both, st.sampled_from(["<", "<=", ">", "==", "!="])),
        st.builds(lambda p, op: f"({p[0]} {op} {p[1]})", both, st.sampled_from(["and", "or", "**"])),
        st.builds(lambda p, q: f"({p[0]} if {p[1]} else {q})", both, parts),
        st.builds(lambda p, q: f"({p[0]} < {p[1]} <= {q})", both, parts),
        st.builds(
            lambda p, f: f"{f}({p})", parts, st.sampled_from(["sin", "sqrt", "exp", "log", "abs", "not "])
        ),
        st.builds(
            lambda p, f: f"{f}({p})", parts, st.sampled_from(["floor", "ceil", "round", "layer", "beat"])
        ),
        st.builds(
            lambda p, f: f"{f}({p[0]}, {p[1]})", both, st.sampled_from(["min", "max", "noise", "beat"])
        ),
        st.builds(
            lambda p, q, f: f"{f}({p[0]}, {p[1]}, {q})", both, parts, st.sampled_from(["clamp", "lerp"])
        ),
        st.builds(lambda p, q: f"smoothstep({p[0]}, {p[1]}, {q})", both, parts),
    )


@given(text=st.recursive(leaves, combined, max_leaves=8))
@settings(deadline=None, max_examples=400)
def test_arrays_agree_with_single_moments(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        return  # too long
    columns = {
        "t": [0.0, 0.5, 1.0, 3.0],
        "b": [-1.0, 0.0, 2.25, 7.0],
        "u": [0, 0.25, 0.5, 1],
        "x": [2, -3, 0, 0.1],
    }
    arrays = {name: np.array(column, dtype=float) for name, column in columns.items()}
    found = np.broadcast_to(expression.evaluate_many(arrays), 4)
    for index, value in enumerate(found.tolist()):
        try:
            single = expression.evaluate({name: float(column[index]) for name, column in columns.items()})
        except ValueError:
            single = math.nan
        assert value == pytest.approx(single, rel=1e-9, abs=1e-9, nan_ok=True), (text, index)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1/t if t > 0 else 5", [5, 1, 0.5]),  # the branch that is not taken has no say
        ("t > 0 and 1/t", [0, 1, 0.5]),
        ("1/t", [math.nan, 1, 0.5]),
        ("min(1/t, 3)", [math.nan, 1, 0.5]),
        ("(1/t) ** 0", [math.nan, 1, 1]),
        ("1e308*10*t", [math.nan, math.nan, math.nan]),  # no step may leave the numbers
        ("not sqrt(t-1)", [math.nan, 1, 0]),
        ("noise(1/t)*0", [math.nan, 0, 0]),
    ],
)
def test_where_a_formula_has_no_value(text: str, values: list[float]) -> None:
    found = parse_expression(text).evaluate_many({"t": np.array([0.0, 1.0, 2.0])})
    assert found.tolist() == pytest.approx(values, nan_ok=True)


def test_a_formula_of_numbers_alone_has_one_value() -> None:
    assert parse_expression("2*pi").evaluate_many({"pi": 3.0}) == 6
    assert formula("=2*pi").values_at_many([0.0, 1.0]).tolist() == [2 * math.pi] * 2


# --- bounds -------------------------------------------------------------------------------------------------


def test_formulas_know_what_they_cost() -> None:
    weights = [
        parse_expression(text).weight for text in ("t", "t+1", "sin(t)", "noise(t)", "noise(noise(t))")
    ]
    assert weights == sorted(weights)
    assert weights[0] == 1
    assert weights[-1] > 100


@pytest.mark.parametrize(
    "bomb", ["9**9**9**9**9**9", "((1<2)+(1<2))**((1<2)+8)**9**9**9", "exp(exp(exp(9)))"]
)
def test_powers_do_not_grow_without_end(bomb: str) -> None:
    with pytest.raises(ValueError, match="no real, finite value"):
        parse_expression(bomb).evaluate({})
    assert math.isnan(parse_expression(bomb).evaluate_many({}))


@pytest.mark.parametrize(
    "deep", ["(" * 199 + "1" + ")" * 199, "-" * 74 + "1", "1_" * 199 + "1", "abs(" * 70 + "1" + ")" * 70]
)
def test_deep_formulas_are_read(deep: str) -> None:
    assert parse_expression(deep).evaluate({}) >= 1
    assert parse_expression(deep).evaluate_many({}) >= 1


@pytest.mark.parametrize("deep", ["[" * 400, "-" * 399 + "1", "lambda:" * 57, "(" * 400, "not " * 99 + "1"])
def test_deeper_ones_are_refused(deep: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read the expression|parts; at most 150|not allowed"):
        parse_expression(deep)


def test_the_formulas_of_a_preset_are_counted_before_they_are_read() -> None:
    check_amount(f"=t*{index}" for index in range(500))
    check_amount(["=" + "1+" * 150 + "1"] * 5000)  # the same formula counts once
    with pytest.raises(
        ValueError, match=r"the 80 formulas of this preset count 2.* characters together .* at most 20,000"
    ):
        check_amount("=" + "1+" * 150 + str(index) for index in range(80))
