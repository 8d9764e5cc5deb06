"""Tracks of names: cuts, fades, mixes, and how they go round in a looping clip."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import NameKey, NameTrack, parse_easing


def track(*keys: tuple, period: int | None = None) -> NameTrack:
    """Keys as (seconds, name, fade)."""
    made = [NameKey.of(Fraction(key[0]), key[1], Fraction(key[2] if len(key) > 2 else 0)) for key in keys]
    return NameTrack(tuple(made), None if period is None else Fraction(period))


def test_without_a_fade_names_hold_and_cut() -> None:
    one = track((1, "portrait"), (4, "toon"))
    shown = [one.weights_at(second) for second in (0, 1, Fraction(399, 100), 4, 99)]
    assert shown == [{"portrait": 1}, {"portrait": 1}, {"portrait": 1}, {"toon": 1}, {"toon": 1}]
    assert one.names == ("portrait", "toon")
    assert not one.is_constant
    assert NameTrack.constant("toon").is_constant


def test_a_fade_begins_at_its_key_and_takes_its_time() -> None:
    one = track((0, "portrait"), (4, "toon", 2))
    assert one.weights_at(4) == {"portrait": 1}
    assert one.weights_at(5) == {"portrait": 0.5, "toon": 0.5}
    assert one.weights_at(6) == {"toon": 1}
    assert one.name_at(Fraction(11, 2)) == "toon"


def test_a_fade_has_an_easing_and_stays_between_its_ends() -> None:
    fade = NameKey.of(Fraction(0), "toon", Fraction(1), parse_easing("in-back"))
    one = NameTrack((NameKey.of(Fraction(-1), "portrait"), fade))
    assert one.weights_at(Fraction(1, 4)) == {"portrait": 1}  # in-back goes below 0 here
    assert one.weights_at(Fraction(9, 10))["toon"] == pytest.approx(parse_easing("in-back")(0.9))


def test_a_fade_that_is_cut_short_hands_over_what_is_shown() -> None:
    one = track((0, "a"), (1, "b", 2), (2, "c", 1))
    assert one.weights_at(2) == {"a": 0.5, "b": 0.5}
    assert one.weights_at(Fraction(5, 2)) == {"a": 0.25, "b": 0.25, "c": 0.5}
    assert one.weights_at(3) == {"c": 1}


def test_in_a_looping_clip_the_first_key_fades_from_the_last() -> None:
    one = track((0, "a", 1), (4, "b"), period=8)
    assert one.weights_at(0) == {"b": 1}
    assert one.weights_at(Fraction(1, 2)) == {"a": 0.5, "b": 0.5}
    assert one.weights_at(1) == {"a": 1}


def test_in_a_looping_clip_a_fade_goes_on_over_the_seam() -> None:
    one = track((2, "a"), (7, "b", 2), period=8)
    assert [one.weights_at(second) for second in (Fraction(15, 2), 8, 0, 1, Fraction(3, 2), 2)] == [
        {"a": 0.75, "b": 0.25},
        {"a": 0.5, "b": 0.5},
        {"a": 0.5, "b": 0.5},
        {"b": 1},
        {"b": 1},
        {"a": 1},
    ]


def test_mixes_move_to_the_next_mix() -> None:
    keys = (
        NameKey(Fraction(0), {"3": 1, "5": 1}, blends=True),
        NameKey(Fraction(2), {"3": 1}, easing=parse_easing("hold"), blends=True),
        NameKey(Fraction(4), {"7": 1}),
    )
    one = NameTrack(keys)
    assert one.weights_at(0) == {"3": 0.5, "5": 0.5}
    assert one.weights_at(1) == {"3": 0.75, "5": 0.25}
    assert one.weights_at(3) == {"3": 1}
    assert one.weights_at(9) == {"7": 1}


seconds = st.integers(0, 32).map(lambda number: Fraction(number, 4))
mixes = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), min_size=1).filter(
    lambda mix: any(mix.values())
)
keys = st.lists(
    st.builds(
        NameKey,
        seconds,
        mixes,
        st.integers(0, 12).map(lambda number: Fraction(number, 4)),
        st.sampled_from(["linear", "ease", "in-out-back"]).map(parse_easing),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda key: key.seconds,
).map(lambda found: tuple(sorted(found, key=lambda key: key.seconds)))


@given(keys=keys, period=st.sampled_from([None, Fraction(33, 4), Fraction(20)]))
@settings(deadline=None, max_examples=150)
def test_weights_sum_to_1_and_move_without_a_jump_where_keys_fade(
    keys: tuple, period: Fraction | None
) -> None:
    one = NameTrack(keys, period)
    cuts = {key.seconds for key in keys if not key.fade} | ({Fraction(0)} if period else set())
    tiny = Fraction(1, 10**6)
    for moment in {Fraction(7, 2), *(key.seconds + part * key.fade for key in keys for part in (0, 1))}:
        weights, before = one.weights_at(moment), one.weights_at(moment - tiny)
        assert sum(weights.values()) == pytest.approx(1)
        assert all(weight > 0 for weight in weights.values())
        assert weights.keys() <= set(one.names)
        shown = (
            moment % period if period else moment
        )  # a fade may go on into the next round, past a cut there
        if shown not in cuts and moment not in cuts and moment > 0:
            change = [weights.get(name, 0) - before.get(name, 0) for name in "abc"]
            assert max(map(abs, change)) < 1e-3


@given(keys=keys)
@settings(deadline=None, max_examples=60)
def test_looping_clips_close(keys: tuple) -> None:
    one = NameTrack(keys, Fraction(33, 4))  # after the last key and before the first one again
    start, end = (one.weights_at(moment) for moment in (0, Fraction(33, 4)))
    if keys[0].seconds > 0:
        assert {n: pytest.approx(w) for n, w in start.items()} == end


@given(keys=keys, longer=st.integers(0, 8))
@settings(deadline=None, max_examples=150)
def test_a_looping_clip_has_no_jump_where_its_first_key_fades(keys: tuple, longer: int) -> None:
    first = dataclasses.replace(keys[0], fade=keys[0].fade + 2)
    period = keys[-1].seconds - first.seconds + Fraction(1 + longer, 4)
    one = NameTrack((first, *keys[1:]), period)
    tiny = Fraction(1, 10**6)
    after, before = one.weights_at(first.seconds), one.weights_at(first.seconds + period - tiny)
    assert {name: pytest.approx(after.get(name, 0), abs=1e-4) for name in "abc"} == {
        name: before.get(name, 0) for name in "abc"
    }


def test_in_a_looping_clip_fades_that_never_end_go_round_evenly() -> None:
    one = track((0, "a", 4), (2, "b", 4), period=4)  # each key gets halfway before the other takes over
    assert one.weights_at(0) == {"a": pytest.approx(1 / 3), "b": pytest.approx(2 / 3)}
    assert one.weights_at(2) == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ((), "at least one key"),
        ((NameKey.of(Fraction(2), "a"), NameKey.of(Fraction(1), "b")), "in order of time"),
        ((NameKey.of(Fraction(2), "a", Fraction(-1)),), "0 seconds or more"),
        ((NameKey(Fraction(0), {"a": 0.0}),), "at least one above 0"),
        ((NameKey(Fraction(0), {"a": 2.0, "b": -1.0}),), "shares of 0 or more"),
        ((NameKey(Fraction(0), {"a": float("nan")}),), "shares of 0 or more"),
    ],
)
def test_broken_tracks_of_names_are_refused(keys: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NameTrack(keys)


def test_in_a_looping_clip_keys_outside_of_it_come_round_too() -> None:
    early = track((-1, "a", 2), (2, "b"), period=4)  # at 3 s the next round's fade begins
    assert [early.weights_at(second) for second in (0, 3)] == [{"b": 0.5, "a": 0.5}, {"b": 1}]
    assert early.weights_at(4) == early.weights_at(0)
    late = track((9, "a"), (10, "b"), period=4)
    assert [late.weights_at(second) for second in (0, 1, 2)] == [{"b": 1}, {"a": 1}, {"b": 1}]
    assert track((5, "a"), (12, "b"), period=4).weights_at(0) == {"a": 1}
