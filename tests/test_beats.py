"""Beats: a tempo, a list of times, and files of times."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import Clock, parse_beats, parse_time, read_beat

TAPPED = tuple(Fraction(text) for text in ("0.31", "0.82", "1.30", "2.30"))


def given_beats(*times: str, **rest: object) -> Clock:
    return Clock(Fraction(8), beat_times=tuple(map(Fraction, times)) or TAPPED, **rest)


def at(clock: Clock, text: str) -> Fraction:
    return clock.resolve(parse_time(text))


def test_beats_of_a_list_fall_where_it_says() -> None:
    clock = given_beats()
    assert [at(clock, f"{number}b") for number in range(4)] == list(TAPPED)
    assert at(clock, "2.5b") == Fraction("1.8")
    assert clock.seconds_of_beat(Fraction(1, 2)) == Fraction("0.565")


def test_outside_the_list_the_nearest_interval_goes_on() -> None:
    clock = given_beats()
    assert at(clock, "5b") == Fraction("4.3")
    assert at(clock, "-1b") == Fraction("-0.2")


def test_beats_after_a_moment_are_counted_from_there() -> None:
    clock = given_beats(markers=(("drop", parse_time("1b")),))
    assert at(clock, "drop+2b") == Fraction("2.30")
    assert clock.after(Fraction("0.82"), parse_time("1b")) == Fraction("1.30")
    assert clock.length(parse_time("3b")) == Fraction("1.99")  # three mean beats


def test_beats_within_the_clip_are_listed() -> None:
    steady = Clock(Fraction(2), bpm=Fraction(120), offset=Fraction(1, 4))
    assert steady.beat_seconds() == tuple(Fraction(n, 4) for n in (1, 3, 5, 7))
    assert given_beats().beat_seconds()[:5] == (*TAPPED, Fraction("3.30"))
    assert Clock(Fraction(2)).beat_seconds() == ()


rising = st.lists(st.integers(1, 300), min_size=2, max_size=8).map(
    lambda gaps: tuple(Fraction(sum(gaps[: index + 1]), 100) for index in range(len(gaps)))
)


@given(times=rising, beat=st.fractions(-5, 20, max_denominator=64))
@settings(deadline=None, max_examples=100)
def test_seconds_and_beats_are_inverse_exactly_and_in_arrays(times: tuple, beat: Fraction) -> None:
    clock = Clock(Fraction(8), beat_times=times)
    seconds = clock.seconds_of_beat(beat)
    assert clock._beats.beat_at(seconds) == beat
    assert clock.beats_many(np.array([float(seconds)]))[0] == pytest.approx(float(beat), abs=1e-6)


def test_a_tempo_and_a_list_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"a tempo .* or a list of beats, not both"):
        given_beats(bpm=Fraction(120))


def test_beat_files_hold_a_time_a_line() -> None:
    text = "# made by a beat tracker\n0.31\n\n0.82   # the first bar\n1.30 downbeat\n"
    assert parse_beats(text) == TAPPED[:3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5\nsoon\n", r"^line 2: a beat is a time in seconds such as 0\.51, not 'soon'"),
        ("0.5\n0.5\n", r"^line 2: beats rise by at least 0\.01 s, but 0\.5 s follows 0\.5 s"),
        ("0.5\n", "2 to 20000 times, not 1"),
        ("0.1\n1e99\n", "^line 2: a beat is a time"),
        ("\n".join(map(str, range(20_001))), "this file has more"),
    ],
)
def test_broken_beat_files_are_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_beats(text)


@pytest.mark.parametrize("value", [True, None, "", "1e999999999", "9" * 50, float("inf")])
def test_what_is_no_time_of_a_beat_is_refused_at_once(value: object) -> None:
    with pytest.raises(ValueError, match="a beat is a time in seconds"):
        read_beat(value)


def test_a_number_of_five_thousand_digits_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"a beat is a time in seconds such as 0\.51, not this"):
        read_beat(10**5000)


def test_beat_0_is_where_beats_begin_and_not_the_start_of_the_clip() -> None:
    late = Clock(Fraction(8), bpm=Fraction(120), offset=Fraction(1, 4))
    assert (at(late, "0b"), at(late, "0b+1s"), at(late, "0s")) == (Fraction(1, 4), Fraction(5, 4), 0)
    assert str(parse_time("0b")) == "0b"
