"""Times as people write them, and the exact moment each frame shows."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.timeline import Clock, marker_name, parse_fps, parse_time

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(24000, 1001), Fraction(25, 2)]


def clock(duration: str = "8", fps: str = "30", **rest: object) -> Clock:
    return Clock(Fraction(duration), Fraction(fps), **rest)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", Fraction(2)),
        ("0.1s", Fraction(1, 10)),
        (".5s", Fraction(1, 2)),
        ("48f", Fraction(48, 30)),
        ("4b", Fraction(2)),
        ("50%", Fraction(4)),
        ("end", Fraction(8)),
        ("end-1s", Fraction(7)),
        ("4b+12f", Fraction(24, 10)),
        ("end - 1b - 3f", Fraction(74, 10)),
        ("1/3b", Fraction(1, 6)),
        ("-1s", Fraction(-1)),
        (0, Fraction(0)),
        ("0", Fraction(0)),
    ],
)
def test_times_resolve_exactly(text: str | int, seconds: Fraction) -> None:
    assert clock(bpm=Fraction(120)).resolve(parse_time(text)) == seconds


def test_beats_count_from_the_offset_only_at_the_start_of_a_time() -> None:
    late = clock(bpm=Fraction(60), offset=Fraction(1, 4))
    assert late.resolve(parse_time("4b")) == Fraction(17, 4)
    assert late.resolve(parse_time("end-1b")) == 7
    assert late.length(parse_time("4b")) == 4


def test_beats_without_a_tempo_are_explained() -> None:
    with pytest.raises(ValueError, match=r"beats need a tempo: give clip\.bpm"):
        clock().resolve(parse_time("4b"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, r"^5 has no unit: write 5s, 5f, 5b or 5%; units are s \(seconds\)"),
        ("2.5", r"^2\.5 has no unit"),
        ("5x", r"^unknown unit 'x' in '5x'; units are s"),
        ("s", r"^'s' has no number before 's'; write for example 2s"),
        ("2end", r"^'end' takes no number"),
        ("4b 3f", r"^cannot read the time '4b 3f'; write sums"),
        ("++2s", r"^cannot read the time"),
        ("", r"^a time is written like 2s"),
        (None, r"^a time is written like 2s"),
        (True, r"^a time is written like 2s"),
        ("1s+" * 60, r"too long"),
    ],
)
def test_wrong_times_are_explained(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_time(value)


amounts = st.decimals(0, 500, places=3, allow_nan=False).map(str)
terms = st.one_of(
    st.builds(lambda n, u: n + u, amounts, st.sampled_from(["s", "f", "b", "%"])), st.just("end")
)


@given(parts=st.lists(st.tuples(st.sampled_from("+-"), terms), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_a_time_written_out_reads_back(parts: list[tuple[str, str]]) -> None:
    time = parse_time("".join(sign + term for sign, term in parts))
    assert parse_time(str(time)) == time


def test_a_looping_clip_shows_n_over_fps_and_no_moment_twice() -> None:
    loop = clock("8", "25", loop=True)
    moments = [loop.seconds(index) for index in range(loop.frame_count)]
    assert moments == [Fraction(index, 25) for index in range(200)]
    assert loop.duration - moments[-1] == Fraction(1, 25)


def test_an_open_clip_ends_at_100_percent_and_lasts_as_asked() -> None:
    still = clock("8", "24")
    assert still.frame_count / still.fps == 8
    assert (still.seconds(0), still.progress(191), still.seconds(191)) == (0, 1, 8)


@given(
    duration=st.fractions(Fraction(1, 20), 20, max_denominator=60),
    fps=st.sampled_from(RATES),
    loop=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_frames_are_evenly_spaced_and_the_file_lasts_as_asked(
    duration: Fraction, fps: Fraction, loop: bool
) -> None:
    one = Clock(duration, fps, loop)
    moments = [one.seconds(index) for index in range(one.frame_count)]
    gaps = {later - earlier for earlier, later in pairwise(moments)}
    assert len(gaps) <= 1
    assert moments[0] == 0
    assert abs(one.frame_count / fps - duration) <= max(1 / (2 * fps), 1 / fps - duration)
    if loop and gaps:
        assert duration - moments[-1] == gaps.pop()
    elif gaps:
        assert moments[-1] == duration


@given(fps=st.sampled_from([24, 25, 30, 60]), seconds=st.integers(1, 12), loop=st.booleans())
@settings(deadline=None, max_examples=60)
def test_each_frame_shows_a_moment_of_its_own_time_on_screen(fps: int, seconds: int, loop: bool) -> None:
    one = Clock(Fraction(seconds), Fraction(fps), loop)
    for index in range(one.frame_count):
        assert Fraction(index, fps) <= one.seconds(index) <= Fraction(index + 1, fps)


@given(frame=st.integers(1, 190), loop=st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_cut_on_a_whole_frame_happens_at_that_frame(frame: int, loop: bool) -> None:
    one = clock("8", "24", loop=loop)
    cut = one.resolve(parse_time(f"{frame}f"))
    assert one.seconds(frame - 1) < cut <= one.seconds(frame)


def test_another_frame_rate_keeps_the_second_of_every_written_time() -> None:
    for time in ("48f", "3s", "50%", "end-12f"):
        assert clock().with_fps(Fraction(12)).resolve(parse_time(time)) == clock().resolve(parse_time(time))
    assert clock().with_fps(Fraction(12)).with_fps(Fraction(50)).frame_count == 400


def test_ntsc_rates_stay_exact() -> None:
    ntsc = Clock(Fraction(10), parse_fps("24000/1001"), loop=True)
    assert ntsc.frame_count == 240
    assert ntsc.seconds(120) == 5


def test_very_short_clips_have_one_frame() -> None:
    assert clock("1/1000").frame_count == 1
    assert clock("1/1000").seconds(0) == 0


def test_frames_outside_the_clip_are_refused() -> None:
    for index in (-1, 240):
        with pytest.raises(IndexError, match="its frames are 0 to 239"):
            clock().seconds(index)


def test_clocks_survive_pickling() -> None:
    one = clock(bpm=Fraction(90), loop=True)
    assert pickle.loads(pickle.dumps(one)) == one


def marked(loop: bool = False, **markers: str) -> Clock:
    return clock(bpm=Fraction(120), markers=tuple((n, parse_time(t)) for n, t in markers.items()), loop=loop)


def test_markers_stand_wherever_a_time_does_and_refer_to_each_other() -> None:
    one = marked(fill="drop-1b", drop="8b")
    assert one.resolve(parse_time("drop")) == 4
    assert one.resolve(parse_time("fill+12f")) == Fraction("3.9")
    assert one.resolve(parse_time("end-drop")) == 4
    assert one.marker_seconds == {"fill": Fraction(7, 2), "drop": Fraction(4)}
    assert parse_time("fill + 1b - end").markers == {"fill"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dorp", "^unknown time 'dorp'; did you mean 'drop'\\?$"),
        ("emd", "^unknown time 'emd'; did you mean 'end'\\?$"),
        ("zzz", "^unknown time 'zzz'; known: drop, here, there, end$"),
        ("here", "^markers go in a circle: here → there → here$"),
        ("2drop", "^unknown unit 'drop' in '2drop'"),
    ],
)
def test_wrong_markers_are_explained(text: str, message: str) -> None:
    one = marked(drop="8b", here="there+1s", there="here")
    assert one.resolve(parse_time("drop")) == 4  # a broken marker harms no other
    with pytest.raises(ValueError, match=message):
        one.resolve(parse_time(text))


def test_a_marker_in_a_clip_without_markers_says_how_to_make_one() -> None:
    with pytest.raises(ValueError, match=r"^unknown time 'drop'; give it a place under clip\.markers"):
        clock().resolve(parse_time("drop"))


def test_markers_that_double_each_other_cost_nothing_and_depth_is_bounded() -> None:
    doubling = {"m0": "1f", **{f"m{n}": f"m{n - 1}+m{n - 1}" for n in range(1, 30)}}
    assert marked(**doubling).resolve(parse_time("m29")) == Fraction(2**29, 30)
    deep = {"m0": "1f", **{f"m{n}": f"m{n - 1}" for n in range(1, 90)}}
    with pytest.raises(ValueError, match="more than 40 markers deep"):
        marked(**deep).resolve(parse_time("m89"))


@pytest.mark.parametrize("name", ["s", "f", "b", "end", "4b", "two words", "a-b", "", 3, None])
def test_names_that_no_marker_can_have(name: object) -> None:
    with pytest.raises(ValueError, match=r"a marker's name is one word|already means"):
        marker_name(name)


@given(
    parts=st.lists(
        st.tuples(st.sampled_from("+-"), st.one_of(terms, st.just("drop"))), min_size=1, max_size=5
    )
)
@settings(deadline=None, max_examples=60)
def test_times_with_markers_read_back(parts: list[tuple[str, str]]) -> None:
    time = parse_time("".join(sign + term for sign, term in parts))
    assert parse_time(str(time)) == time
    assert time.markers <= {"drop"}
