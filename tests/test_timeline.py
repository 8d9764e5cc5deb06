"""The timeline: numbers that read one another, in the right order, and the same at every frame rate."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import (
    Clock,
    CycleError,
    ExpressionTrack,
    Key,
    KeyFormula,
    KeyFormulaError,
    Timeline,
    Track,
    TrackDraft,
    UnknownNameError,
    order_of,
    parse_easing,
    parse_expression,
)

CLOCK = Clock(Fraction(8), Fraction(30), loop=True, bpm=Fraction(120))


def formula(text: str, convert=float) -> ExpressionTrack:
    return ExpressionTrack(parse_expression(text), CLOCK, convert)


def timeline(**texts: object) -> Timeline:
    """Formulas by name (`__` stands for a dot); what is no text is taken as it is."""
    tracks = {name.replace("__", "."): each for name, each in texts.items()}
    return Timeline(
        CLOCK, {n: formula(each) if isinstance(each, str) else each for n, each in tracks.items()}
    )


def test_formulas_read_each_other_whatever_their_order() -> None:
    one = timeline(high="=1 - blend.weight", blend__weight="=peak*u", peak=Track.constant(0.5))
    assert one.values_at(4) == {"high": 0.75, "blend.weight": 0.25, "peak": 0.5}
    assert list(one.values_at(4)) == ["high", "blend.weight", "peak"]  # as given
    assert one.values_many([0.0, 4.0])["high"].tolist() == [1, 0.75]
    assert one.value_at("blend.weight", 8) == 0.5


def test_a_track_of_the_timeline_answers_alone() -> None:
    high = timeline(high="=1 - low", low="=sin(tau*u)", still="=2*peak", peak=Track.constant(3)).track("high")
    assert isinstance(high, ExpressionTrack)
    assert high.value_at(2) == 0
    assert high.values_at_many([2.0, 6.0]).tolist() == pytest.approx([0, 2])
    assert (high.first, high.minimum, high.maximum) == pytest.approx((1, 0, 2), abs=1e-3)
    assert not high.is_constant
    assert high.timeline.track("still").is_constant
    assert pickle.loads(pickle.dumps(high)).value_at(2) == 0


def test_circles_are_named() -> None:
    with pytest.raises(
        CycleError, match=r"in a circle: blend\.weight → blend\.swap → blend\.weight$"
    ) as caught:
        timeline(x="=blend.weight", blend__weight="=blend.swap/64", blend__swap="=4 + blend.weight")
    assert caught.value.chain == ("blend.weight", "blend.swap", "blend.weight")
    with pytest.raises(CycleError, match=r"in a circle: x → x$"):
        timeline(x="=x + 1")
    assert pickle.loads(pickle.dumps(caught.value)).chain == caught.value.chain


def test_unknown_names_are_suggested_from_the_other_tracks() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown name 'blend\.wieght' in the .* mean 'blend\.weight'"
    ):
        timeline(x="=blend.wieght", blend__weight="=u")


def test_long_chains_are_no_trouble() -> None:
    chain = {f"v{index}": f"=v{index - 1} + v{index - 2}" for index in range(2, 40)}
    one = timeline(v0="=1", v1="=1", **chain)
    assert one.value_at("v39", 0) == 102_334_155  # each is computed once, not once for every path to it
    names = [f"n{index}" for index in range(5000)]
    assert order_of({name: names[:index][-1:] for index, name in enumerate(names)}) == tuple(names)


def test_numbers_are_read_as_they_are_written() -> None:
    swap = Track.through([(Fraction(0), 0.0), (Fraction(8), 8.0)])
    tracks = {"blend.swap": swap, "x": formula("=swap/64")}
    one = Timeline(CLOCK, tracks, {"blend.swap": lambda p: 4 * 2 ** (p / 2)}, named=lambda n: f"blend.{n}")
    assert one.values_at(4) == {"blend.swap": 4, "x": 0.25}
    assert one.values_many([4.0])["x"].tolist() == [0.25]


def test_keys_have_formulas_that_count_at_their_own_time() -> None:
    keys = (
        KeyFormula(Fraction(0), parse_expression("=peak + t"), parse_easing("hold")),
        KeyFormula(Fraction(4), parse_expression("=peak + t")),
        Key(Fraction(8), 0.0),
    )
    one = timeline(moves=TrackDraft(keys), peak=Track.through([(Fraction(0), 1.0), (Fraction(8), 3.0)]))
    assert [one.value_at("moves", second) for second in (0, 3, 4, 6, 8)] == [1, 1, 6, 3, 0]
    assert isinstance(one.track("moves"), Track)


def test_drafts_may_read_drafts_and_be_read() -> None:
    first = TrackDraft((KeyFormula(Fraction(2), parse_expression("=base*2")),))
    second = TrackDraft((KeyFormula(Fraction(1), parse_expression("=first + 1")), Key(Fraction(3), 0.0)))
    one = timeline(last="=second*10", second=second, first=first, base="=t")
    assert one.values_at(1) == {"last": 50, "second": 5, "first": 4, "base": 1}


def test_a_key_without_a_value_is_named() -> None:
    keys = (Key(Fraction(0), 0.0), KeyFormula(Fraction(4), parse_expression("=1/rest")))
    with pytest.raises(KeyFormulaError, match=r"^=1/rest at 4 s: it divides by zero$") as caught:
        timeline(moves=TrackDraft(keys), rest=Track.constant(0))
    assert (caught.value.name, caught.value.index) == ("moves", 1)


def test_keys_without_a_value_are_all_named_at_once() -> None:
    wrong = TrackDraft((KeyFormula(Fraction(0), parse_expression("=1/(1-1)")),))
    reads = TrackDraft((KeyFormula(Fraction(0), parse_expression("=first + 1")),))
    with pytest.raises(KeyFormulaError) as caught:
        timeline(first=wrong, second=wrong, reads=reads, fine="=t")
    assert [error.name for error in caught.value.errors] == ["first", "second"]


def test_tracks_asked_one_after_the_other_share_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {f"v{index}": f"=v{index - 1} + t" for index in range(1, 30)}
    one = timeline(v0=Track.constant(1), **chain)
    asked = []
    plain = ExpressionTrack.value_given
    monkeypatch.setattr(ExpressionTrack, "value_given", lambda *given: asked.append(1) or plain(*given))
    assert [one.track(name).value_at(Fraction(1)) for name in one.names] == list(range(1, 31))
    assert len(asked) == 29
    assert one.track("v29").value_at(Fraction(2)) == 59


# --- laws ---------------------------------------------------------------------------------------------------

RATES = [Fraction(24), Fraction(30), Fraction(60), Fraction(24000, 1001)]
FORMULAS = ["=sin(tau*u)", "=beat(b)", "=noise(t, 2)*keyed", "=f/30 + pulse", "=1 if t < 2 else smooth"]


def moving(clock: Clock) -> Timeline:
    keys = tuple(
        Key(Fraction(second), value, parse_easing(name))
        for second, value, name in [(0, 0, "ease"), (2, 1, "hold"), (5, 3, "in-out-back"), (8, 0, "linear")]
    )
    tracks = {
        "keyed": Track(keys),
        "smooth": Track(keys, spline=True, period=Fraction(8)),
        "pulse": Track((Key(Fraction(0), 1.0), Key(Fraction(1, 3), 0.0)), repeat="loop"),
        **{f"f{n}": ExpressionTrack(parse_expression(text), clock) for n, text in enumerate(FORMULAS)},
    }
    return Timeline(clock, tracks)


@given(rates=st.lists(st.sampled_from(RATES), min_size=2, max_size=2, unique=True), frame=st.integers(0, 191))
@settings(deadline=None, max_examples=80)
def test_a_second_shows_the_same_at_every_frame_rate(rates: list[Fraction], frame: int) -> None:
    one, other = (CLOCK.with_fps(fps) for fps in rates)
    seconds = one.seconds(frame % one.frame_count)
    expected = moving(one).values_at(seconds)
    assert moving(other).values_at(seconds) == expected
    for clock, values in ((other, moving(other)), (one, moving(one))):
        shown = {clock.seconds(index): index for index in range(clock.frame_count)}
        if seconds in shown:  # frames of both rates that show one moment
            assert values.values_at(clock.seconds(shown[seconds])) == expected


@given(frames=st.lists(st.integers(0, 239), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_arrays_agree_with_single_moments(frames: list[int]) -> None:
    one = moving(CLOCK)
    moments = [CLOCK.seconds(frame) for frame in frames]
    many = one.values_many(np.array(moments, dtype=float))
    for index, moment in enumerate(moments):
        single = one.values_at(float(moment))
        assert {name: values[index] for name, values in many.items()} == pytest.approx(single, abs=1e-9)
        assert one.values_at(moment)["pulse"] == pytest.approx(single["pulse"], abs=1e-6)


def test_moments_without_a_value_are_nan_in_arrays_and_errors_alone() -> None:
    one = timeline(x="=1/(t-2)", y="=x + 1")
    assert [math.isnan(value) for value in one.values_many([1.0, 2.0])["y"]] == [False, True]
    with pytest.raises(ValueError, match=r"^=1/\(t-2\) at 2 s: it divides by zero$"):
        one.values_at(2)


def test_reading_and_single_moments_need_no_numpy() -> None:
    code = (
        "import sys; from render.timeline import *; from fractions import Fraction as F\n"
        "formula = ExpressionTrack(parse_expression('=noise(t)'), Clock(F(8)))\n"
        "keys = Track((Key(F(0), 1.0), Key(F(8), 2.0)), spline=True)\n"
        "Timeline(Clock(F(8)), {'formula': formula, 'keys': keys}).values_at(F(1))\n"
        "print('numpy' in sys.modules or 'torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize(("fps", "bpm"), [(25, 150), (30, 150), (24, 144), (30, 72), (25, 75)])
def test_beats_and_frames_are_whole_where_they_fall(fps, bpm):
    clock = Clock(Fraction(60), Fraction(fps), loop=True, bpm=Fraction(bpm))
    moments = [clock.seconds(index) for index in range(clock.frame_count)]
    for text, wanted in (
        ("floor(b)", [float(index * bpm // (60 * fps)) for index in range(len(moments))]),
        ("f % 2", [float(index % 2) for index in range(len(moments))]),
    ):
        track = ExpressionTrack(parse_expression(text), clock, float)
        assert [track.value_at(seconds) for seconds in moments] == wanted
        assert track.values_at_many([float(seconds) for seconds in moments]).tolist() == wanted
