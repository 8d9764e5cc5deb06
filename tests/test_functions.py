"""What formulas may call: shapes of beat() and noise(), and the table of functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import FUNCTIONS, parse_expression

reals = st.floats(-1e6, 1e6)


def value(text: str, **values: float) -> float:
    return parse_expression(text).evaluate(values)


def many(text: str, **values: np.ndarray) -> np.ndarray:
    return parse_expression(text).evaluate_many(values)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_gives_and_counts_its_numbers(name: str) -> None:
    function = FUNCTIONS[name]
    assert function.says
    assert 1 <= function.fewest <= function.most
    for count in (function.fewest - 1, function.most + 1):
        with pytest.raises(ValueError, match=f"^{name} takes"):
            parse_expression(f"{name}({', '.join('1' * count)})")


# --- beat ---------------------------------------------------------------------------------------------------


@given(b=reals, attack=st.floats(-0.5, 1.5), decay=st.floats(-0.5, 1.5))
@settings(deadline=None, max_examples=150)
def test_beat_stays_within_0_and_1(b: float, attack: float, decay: float) -> None:
    assert 0 <= value("beat(b, x, y)".replace("x", repr(attack)).replace("y", repr(decay)), b=b) <= 1


def test_beat_is_at_its_top_on_the_beat() -> None:
    assert value("beat(b)", b=3.0) == 1
    assert value("beat(b)", b=2.975) == pytest.approx(0.5)  # half-way through the attack
    assert value("beat(b, 0.25)", b=2.75) == pytest.approx(0)
    assert value("beat(b)", b=3.5) == 0
    assert value("beat(b, 0.25, 0.5)", b=3.6) == 0
    assert value("beat(b, 0)", b=2.999) == 0  # without an attack it jumps to the top
    falling = many("beat(b, 0.25, 0.5)", b=np.linspace(3, 3.5, 50))
    assert (np.diff(falling) < 0).all()
    assert (np.diff(falling, 2) > 0).all()  # fast at first, as a struck thing fades


@pytest.mark.parametrize(("attack", "decay"), [(0.05, 0.5), (0.3, 0.7), (0.4, 5), (0.2, 0.1), (0.9, 0.9)])
def test_beat_is_continuous(attack: float, decay: float) -> None:
    steps = np.linspace(-2, 4, 60_001)
    moved = np.abs(np.diff(many(f"beat(b, {attack}, {decay})", b=steps)))
    assert moved.max() < 5 / min(attack, min(decay, 1 - attack)) * 1e-4


# --- noise --------------------------------------------------------------------------------------------------


@given(x=st.floats(-1e300, 1e300), seed=reals)
@settings(deadline=None, max_examples=200)
def test_noise_is_bounded_and_arrays_agree(x: float, seed: float) -> None:
    one = value("noise(x, seed)", x=x, seed=seed)
    assert -1 <= one <= 1
    assert many("noise(x, seed)", x=np.array([x]), seed=np.array([seed]))[0] == pytest.approx(one, abs=1e-12)


def test_noise_is_smooth() -> None:
    step = 1e-3
    values = many("noise(t, 3)", t=np.arange(-20, 20, step))
    speed, change = np.diff(values) / step, np.diff(values, 2) / step**2
    assert np.abs(speed).max() < 2  # a step never goes further than the heights allow
    assert np.abs(np.diff(change)).max() < 10 * step  # the acceleration has no jump either


def test_noise_wanders_without_a_rhythm_and_depends_on_its_seed() -> None:
    values = many("noise(t, 1)", t=np.arange(0, 4000, 0.37))
    assert abs(values.mean()) < 0.02
    assert 0.3 < values.std() < 0.5
    assert values.max() > 0.8
    others = many("noise(t, 2)", t=np.arange(0, 4000, 0.37))
    assert abs(np.corrcoef(values, others)[0, 1]) < 0.05
    assert value("noise(0.5)") == value("noise(0.5, 0)")
    at_whole = many("noise(t)", t=np.arange(50.0))
    assert len(set(at_whole.tolist())) == 50  # it does not rest at whole numbers


KEPT = [0.5701835797712117, 0.2922294084180275, -0.582785556253443, -0.09531001085519533]


def test_noise_keeps_its_values() -> None:
    """Presets look the same with every version."""
    found = [value(f"noise({x}, {seed})") for x, seed in [(0, 0), (0.5, 0), (12.25, 7), (-3.75, 7)]]
    assert found == pytest.approx(KEPT, abs=1e-12)


def test_noise_on_a_circle_closes_with_the_clip() -> None:
    text = "noise(2*sin(tau*u), 1)"
    ends = [value(text, tau=math.tau, u=u) for u in (0.0, 1.0)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)
