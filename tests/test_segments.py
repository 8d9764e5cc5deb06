"""Segments hold every moment once, in order, and each is told by its number alone."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from render.production.segments import cut, schedule_of
from render.timeline import Clock

rates = st.sampled_from([Fraction(25), Fraction(25, 2), Fraction(30), Fraction(24000, 1001), Fraction(1, 3)])
clocks = st.builds(
    lambda duration, fps, loop: [Clock(Fraction(duration, 10), each, loop) for each in fps],
    st.integers(1, 80),
    st.lists(rates, min_size=1, max_size=3, unique=True),
    st.booleans(),
)


@given(clocks=clocks, length=st.integers(1, 40))
def test_every_frame_of_every_rate_is_in_one_segment_and_in_order(clocks, length):
    schedule = schedule_of(clocks)
    segments = cut(schedule, length)
    assert [segment.number for segment in segments] == list(range(len(segments)))
    assert [shown for segment in segments for shown in segment.schedule] == schedule
    assert {len(segment) for segment in segments[:-1]} <= {length}
    assert 1 <= len(segments[-1]) <= length
    for clock in clocks:
        assert sum(segment.count(clock.fps) for segment in segments) == clock.frame_count
        times = [
            next(one for one in clocks if one.fps == rates[0]).seconds(index)
            for index, rates in schedule
            if clock.fps in rates
        ]
        assert times == [clock.seconds(index) for index in range(clock.frame_count)]


def test_a_segment_knows_the_rates_that_show_something_of_it():
    segments = cut(schedule_of([Clock(Fraction(4), Fraction(2)), Clock(Fraction(4), Fraction(1, 4))]), 3)
    assert [segment.rates for segment in segments] == [
        (Fraction(2), Fraction(1, 4)),
        (Fraction(2),),
        (Fraction(2),),
    ]
