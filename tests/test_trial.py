"""The trial of formulas: it finds the first frame without a value, and its work is bounded (and counted)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from render.timeline import (
    Clock,
    ExpressionTrack,
    Key,
    Timeline,
    Track,
    check_amount,
    parse_easing,
    parse_expression,
)
from render.timeline.trial import FORMULA_WEIGHT, MOST_MOMENTS, MOST_WEIGHT, MOST_WORK, moments_within

CLOCK = Clock(Fraction(8), Fraction(30), loop=True)
LONG = Clock(Fraction(3600), Fraction(60), bpm=Fraction(120))


def timeline(clock: Clock = CLOCK, convert=float, **texts: str) -> Timeline:
    return Timeline(
        clock, {name: ExpressionTrack(parse_expression(text), clock, convert) for name, text in texts.items()}
    )


def test_the_first_frame_without_a_value_is_found_and_explained() -> None:
    (failure,) = timeline(x="=1/(f-120)", y="=x + 1", z="=sin(t)").failures()
    assert (failure.name, failure.seconds) == ("x", 4)
    assert failure.message == "=1/(f-120) at 4 s: it divides by zero"


def test_frames_of_other_rates_are_tried_as_well() -> None:
    one = timeline(x="=1/(t - 1/24)")
    assert one.failures() == []
    (failure,) = one.failures([CLOCK, CLOCK.with_fps(Fraction(24))])
    assert failure.seconds == Fraction(1, 24)
    (failure,) = timeline(x="=sqrt(2-t)").failures([CLOCK, CLOCK.with_fps(Fraction(1))])
    assert failure.seconds == Fraction(61, 30)  # the first of both


def test_values_that_a_track_cannot_take_are_found() -> None:
    def small(value: float) -> float:
        if value > 2:
            raise ValueError(f"a weight lies up to 2, not {value:g}")
        return value

    (failure,) = timeline(convert=small, x="=t").failures()
    assert (failure.seconds, failure.message) == (
        Fraction(61, 30),
        "=t at 2.033 s: a weight lies up to 2, not 2.03333",
    )


def test_beats_without_a_tempo_are_found() -> None:
    (failure,) = timeline(x="=beat(b)").failures()
    assert failure.message == "=beat(b) at 0 s: beats need a tempo: give clip.bpm, for example bpm: 120"


def test_keys_alone_need_no_trial() -> None:
    assert Timeline(CLOCK, {"x": Track.constant(1.0)}).failures() == []


def test_moments_are_those_of_the_frames_exactly() -> None:
    clocks = [CLOCK, CLOCK.with_fps(Fraction(24000, 1001))]
    moments = moments_within(clocks, 1)
    expected = sorted(clock.seconds(frame) for clock in clocks for frame in range(clock.frame_count))
    assert [moments.exact(index) for index in range(len(moments.seconds))] == expected
    assert moments.seconds.tolist() == [float(seconds) for seconds in expected]


# --- bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1, 50, 3000, 100_000, 10**9])
@pytest.mark.parametrize("rates", [1, 3, 1000])
def test_a_trial_takes_no_more_work_than_it_may(weight: int, rates: int) -> None:
    clocks = [LONG.with_fps(Fraction(10_000 + index, 1001)) for index in range(rates)]
    count = len(moments_within(clocks, weight).seconds)
    assert 2 <= count <= max(2, min(MOST_MOMENTS, MOST_WORK // weight))


def test_both_ends_of_a_long_clip_are_tried() -> None:
    moments = moments_within([LONG], 3000)
    assert moments.exact(0) == 0
    assert moments.exact(len(moments.seconds) - 1) == LONG.duration
    assert np.diff(moments.seconds).max() < 2.1 * np.diff(moments.seconds).min()


def heavy(make) -> dict[str, str]:
    """As many formulas as a preset may have."""
    texts, weight, number = {}, 0, 0
    while True:
        text = make(number)
        weight += parse_expression(text).weight + FORMULA_WEIGHT
        try:
            check_amount([*texts.values(), text])
        except ValueError:
            return texts
        if weight > MOST_WEIGHT:
            return texts
        texts[f"v{number}"] = text
        number += 1


WORST = {
    "noise in noise": lambda n: "=" + "noise(" * 14 + f"t+{n}" + ")" * 14,
    "numbers that read each other": lambda n: "=t" if n < 2 else f"=v{n - 1} + v{n - 2}*0.1",
    "a chain": lambda n: "=t" if n < 1 else f"=v{n - 1}",
    "powers": lambda n: "=" + "**".join(["u"] * 20) + f"+{n}",
    "comparisons": lambda n: "=" + "<".join(["t"] * 55) + f"<{n}",
    "choices": lambda n: "=" + "1/t if t else " * 24 + f"{n}",
    "eased keys": lambda n: "=" + "+".join(f"k{(n * 50 + place) % 400}" for place in range(40)),
    "no value": lambda n: f"=1/({n}*0*t)",
}


@pytest.mark.parametrize("make", WORST.values(), ids=list(WORST))
def test_the_worst_presets_cost_a_bounded_number_of_operations(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts what is computed: values of formulas times what each costs, and every eased number."""
    done = {"arrays": 0, "calls": 0, "plain": 0}
    many, eased, plain = ExpressionTrack.values_given, Track.values_at_many, ExpressionTrack.value_given

    def counted_many(track: ExpressionTrack, moments: np.ndarray, others: dict) -> np.ndarray:
        done["arrays"] += track.weight * len(moments)
        done["calls"] += track.weight + FORMULA_WEIGHT
        return many(track, moments, others)

    def counted_track(track: Track, moments: np.ndarray) -> np.ndarray:
        done["arrays"] += track.weight * len(moments)
        return eased(track, moments)

    def counted_plain(track: ExpressionTrack, seconds: Fraction, others: dict) -> float:
        done["plain"] += track.weight
        return plain(track, seconds, others)

    monkeypatch.setattr(ExpressionTrack, "values_given", counted_many)
    monkeypatch.setattr(Track, "values_at_many", counted_track)
    monkeypatch.setattr(ExpressionTrack, "value_given", counted_plain)
    easing = parse_easing("cubic-bezier(0.1, 1, 0.9, 0)")
    curved = Track((Key(Fraction(0), 0.0, easing), Key(Fraction(3600), 1.0)))
    tracks = {name: ExpressionTrack(parse_expression(text), LONG) for name, text in heavy(make).items()}
    if "k" in next(iter(tracks.values())).expression.text:
        tracks |= {f"k{number}": curved for number in range(400)}
    Timeline(LONG, tracks).failures([LONG, LONG.with_fps(Fraction(24))])
    assert 0 < done["arrays"] <= MOST_WORK
    assert done["calls"] <= MOST_WEIGHT
    assert done["plain"] <= MOST_WEIGHT  # each formula is asked again at most where it failed


def test_too_heavy_formulas_are_refused() -> None:
    texts = {f"v{number}": "=" + "noise(" * 15 + f"t+{number}" + ")" * 15 for number in range(10)}
    with pytest.raises(
        ValueError, match=r"the 10 formulas of this preset take .* operations a frame together; at most 3,000"
    ):
        timeline(LONG, **texts)
