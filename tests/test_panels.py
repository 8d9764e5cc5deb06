"""Frames and sheets as they are looked at: every picture whole and in its place, captions beside it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import PresetError, RenderError
from render.panels import (
    Layout,
    caption,
    compose,
    contact_sheet,
    cut_captions,
    strip_height,
    text_size,
)
from render.pixels import resized, whole_levels


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def flat(width: int, height: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


sizes_strategy = st.lists(st.tuples(st.integers(4, 40), st.integers(4, 40)), min_size=1, max_size=4)


@given(
    sizes=sizes_strategy,
    gap=st.integers(0, 6),
    scale=st.sampled_from([0.5, 1, 1.5, 2]),
    labelled=st.booleans(),
    stacked=st.booleans(),
    border=st.integers(0, 3),
    curves=st.integers(0, 3),
)
@settings(deadline=None, max_examples=40)
def test_size_is_known_before_the_first_frame(
    sizes: list[tuple[int, int]],
    gap: int,
    scale: float,
    labelled: bool,
    stacked: bool,
    border: int,
    curves: int,
) -> None:
    layout = Layout(
        rows=tuple((index,) for index in range(len(sizes))) if stacked else (),
        gap=gap,
        scale=scale,
        labels=tuple(f"panel {index}" for index in range(len(sizes))) if labelled else None,
        border=border,
        curves=curves,
    )
    frame = compose([picture(*size) for size in sizes], layout)
    assert (frame.shape[1], frame.shape[0]) == layout.size(sizes)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    assert frame.flags.writeable


def test_one_picture_is_itself() -> None:
    one = picture(20, 30)
    np.testing.assert_array_equal(compose([one], Layout()), one)


def test_pictures_stand_side_by_side_untouched() -> None:
    low, blend, high = (picture(20, 30, seed) for seed in range(3))
    frame = compose([low, blend, high], Layout(gap=3, background="#010203"))
    assert frame.shape == (30, 66, 3)
    np.testing.assert_array_equal(frame[:, :20], low)
    np.testing.assert_array_equal(frame[:, 23:43], blend)
    np.testing.assert_array_equal(frame[:, 46:], high)
    assert (frame[:, 20:23] == (1, 2, 3)).all()


def test_labels_lie_beneath_and_never_on_a_picture() -> None:
    pictures = [picture(128, 128, seed) for seed in range(2)]
    plain = compose(pictures, Layout())
    labelled = compose(pictures, Layout(labels=("low", "high")))
    np.testing.assert_array_equal(labelled[:128], plain)
    strip = labelled[128:]
    assert 14 <= len(strip) <= 128 / 5
    background = np.array((17, 17, 20))
    ink = (np.abs(strip.astype(int) - background) > 60).any(axis=2)
    for panel in (ink[:, :128], ink[:, 132:]):
        rows, columns = np.flatnonzero(panel.any(axis=1)), np.flatnonzero(panel.any(axis=0))
        assert len(rows) >= 7, "the letters are too small to read"
        assert rows[0] > 0
        assert rows[-1] < len(strip) - 1
        assert abs((columns[0] + columns[-1]) / 2 - 63.5) <= 1.5, "the caption is not centred"


def test_no_strip_where_no_label_says_anything() -> None:
    pictures = [picture(32, 32)] * 2
    assert compose(pictures, Layout(labels=("", ""))).shape == compose(pictures, Layout()).shape
    assert compose(pictures, Layout(labels=("", "b"))).shape[0] > 32


def test_long_labels_are_cut_to_their_panel() -> None:
    long = Layout(labels=("a name that is very much longer than the panel", ""), gap=0, background="white")
    frame = compose([flat(64, 64, 255), flat(64, 64, 255)], long)
    assert (frame[64:, :64] < 128).any()
    assert (frame[:, 64:] == 255).all()


@pytest.mark.parametrize(("background", "dark_text"), [("white", True), ("#111114", False), ("#ffd", True)])
def test_text_can_be_read_on_its_ground(background: str, dark_text: bool) -> None:
    frame = compose([flat(128, 128, 90)], Layout(labels=("blend",), background=background))
    strip = frame[128:].astype(float).mean(axis=2)
    ground = strip[0, 0]
    assert (strip.min() < ground - 120) if dark_text else (strip.max() > ground + 120)


def test_smaller_pictures_grow_to_the_tallest() -> None:
    frame = compose([flat(64, 64, 10), flat(16, 32, 200)], Layout(gap=0))
    assert frame.shape == (64, 96, 3)
    np.testing.assert_array_equal(frame[:, 64:], 200)


def test_scale_and_resampling() -> None:
    small = picture(8, 8)
    np.testing.assert_array_equal(
        resized(small, (24, 24), "nearest"), small.repeat(3, axis=0).repeat(3, axis=1)
    )
    smooth = compose([small], Layout(scale=3)).astype(int)
    assert np.abs(np.diff(smooth, axis=0)).mean() < np.abs(np.diff(small.astype(int), axis=0)).mean()
    assert Layout(scale=0.5).size([(100, 50)]) == (50, 25)


def test_nearest_makes_squares_of_pixels() -> None:
    small = picture(8, 8)
    frame = compose([small], Layout(scale=3, filter="nearest"))
    np.testing.assert_array_equal(frame, small.repeat(3, axis=0).repeat(3, axis=1))


def test_a_border_lies_around_pictures_and_covers_none_of_them() -> None:
    one, two = picture(10, 12), picture(10, 12, 1)
    frame = compose([one, two], Layout(gap=3, border=2, border_color="#ff0000", background="black"))
    assert frame.shape == (16, 31, 3)
    np.testing.assert_array_equal(frame[2:14, 2:12], one)
    np.testing.assert_array_equal(frame[2:14, 19:29], two)
    frame[2:14, 2:12] = frame[2:14, 19:29] = (255, 0, 0)
    assert (frame[:, :14] == (255, 0, 0)).all()
    assert (frame[:, 14:17] == 0).all()
    assert (frame[:, 17:] == (255, 0, 0)).all()


def test_a_caption_hangs_beneath_its_border() -> None:
    pictures = [flat(64, 64, 90)] * 2
    layout = Layout(border=3, border_color="white", background="black", labels=("one", ""))
    frame = compose(pictures, layout)
    assert (frame[67:70] >= 255).all(axis=2).sum() == 3 * 2 * 70
    assert (frame[70:, :70] > 100).any()
    assert not frame[70:, 74:].any()


def test_captions_change_and_nothing_else_does() -> None:
    pictures, layout = [picture(96, 96, seed) for seed in range(2)], Layout(labels=("{t}", "b"))
    first = compose(pictures, layout, ("0.0", "b"))
    second = compose(pictures, layout, ("0.1", "b"))
    np.testing.assert_array_equal(first[:96], second[:96])
    np.testing.assert_array_equal(first[:, 100:], second[:, 100:])
    assert (first[96:, :96] != second[96:, :96]).any()
    np.testing.assert_array_equal(compose(pictures, layout, ("0.0", "b")), first)


def test_digits_are_equally_wide_so_that_a_number_does_not_shake() -> None:
    def ink(text: str) -> tuple[int, int]:
        strip = caption(text, (160, 32), (0, 0, 0))
        columns = np.flatnonzero((strip[:, :60] > 60).any(axis=(0, 2)))
        return columns[0], columns[-1]

    assert ink("weight 0.11") == ink("weight 0.48")


def test_rows_are_centred_and_may_repeat_a_picture() -> None:
    a, b = flat(10, 10, 50), flat(10, 10, 150)
    frame = compose([a, b], Layout(rows=((0, 1, 0), (1,)), gap=2, background="black"))
    assert frame.shape == (22, 34, 3)
    np.testing.assert_array_equal(frame[5, :, 0], [50] * 10 + [0] * 2 + [150] * 10 + [0] * 2 + [50] * 10)
    np.testing.assert_array_equal(frame[15, :, 0], [0] * 12 + [150] * 10 + [0] * 12)


def test_frames_do_not_share_memory() -> None:
    """Captions are kept between frames; drawing on one frame must not show in the next."""
    layout = Layout(labels=("x",))
    first = compose([flat(32, 32, 5)], layout)
    expected = first.copy()
    first[:] = 99
    np.testing.assert_array_equal(compose([flat(32, 32, 5)], layout), expected)


def test_captions_cost_next_to_nothing_per_frame() -> None:
    pictures, layout = [flat(256, 256, 9)] * 3, Layout(labels=("low", "blend", "high"))

    def seconds() -> float:
        start = time.perf_counter()
        compose(pictures, layout)
        return time.perf_counter() - start

    seconds()
    assert min(seconds() for _ in range(20)) < 0.005


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Layout(background="blurple"), "panels: a colour is .* black, white or gray, not 'blurple'"),
        (lambda: Layout(scale=0), "scale is 0"),
        (lambda: Layout(gap=-1), "gap is -1"),
        (lambda: Layout(border=-1), "border is -1"),
        (lambda: Layout(border_color="reddish"), "a colour is .*, not 'reddish'"),
        (lambda: Layout(rows=((0,), ())), "a row is empty"),
        (lambda: Layout(rows=((0, 2),)).size([(8, 8), (8, 8)]), "no picture 2; they count from 0 to 1"),
        (lambda: Layout(labels=("a",)).size([(8, 8), (8, 8)]), "1 labels for 2 pictures"),
        (lambda: Layout().size([]), "no picture to place"),
        (lambda: contact_sheet([[None]]), "no picture to show"),
        (lambda: contact_sheet([[picture(8, 8)]], ["a", "b"]), "2 row labels for 1 rows"),
    ],
)
def test_mistakes_are_told(make: object, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        make()


def test_a_caption_that_always_changes_costs_little() -> None:
    def seconds(number: int) -> float:
        start = time.process_time()
        for index in range(20):
            caption(f"swap {number}.{index}", (512, 56), (17, 17, 20))
        return (time.process_time() - start) / 20

    assert min(seconds(number) for number in range(5)) < 0.002


def test_pictures_of_another_kind_are_refused() -> None:
    with pytest.raises(RenderError, match=r"picture 1 is float32 \[8, 8, 3\]; expected uint8"):
        compose([picture(8, 8), np.zeros((8, 8, 3), np.float32)], Layout())


def test_sheet_shows_every_picture_whole() -> None:
    grid = [[picture(24, 24, 10 * row + column) for column in range(3)] for row in range(2)]
    sheet = contact_sheet(grid, ["portrait", "toon"], ["8/0", "16/0", "32/0"], gap=4, margin=10)
    height, width, _ = sheet.shape
    left, top = width - 10 - 3 * 28 + 4, height - 10 - 2 * 28 + 4
    for row in range(2):
        for column in range(3):
            y, x = top + 28 * row, left + 28 * column
            np.testing.assert_array_equal(sheet[y : y + 24, x : x + 24], grid[row][column])
    ground = sheet[0, 0]
    ink = (np.abs(sheet.astype(int) - ground) > 60).any(axis=2)
    for row in range(2):  # a label stands beside each row
        assert ink[top + 28 * row : top + 28 * row + 24, : left - 3].any()
    for column in range(3):  # and above each column
        assert ink[:top, left + 28 * column : left + 28 * column + 24].any()
    assert not ink[:top, :left].any()


def test_sheet_leaves_holes_and_fits_odd_shapes() -> None:
    sheet = contact_sheet(
        [[flat(20, 20, 200), None], [flat(20, 10, 100)]], gap=0, margin=0, background="black"
    )
    assert sheet.shape == (40, 40, 3)
    assert (sheet[:20, :20] == 200).all()
    assert (sheet[:, 20:] == 0).all()
    assert (sheet[25:35, :20] == 100).all()
    assert (sheet[20:25] == 0).all()
    assert contact_sheet([[flat(20, 20, 7)]], margin=0, cell_height=50).shape == (50, 50, 3)


@pytest.mark.parametrize("height", [32, 64, 128, 256, 1024])
def test_captions_stay_slim(height: int) -> None:
    assert 11 <= text_size(height) <= 28
    assert strip_height(height) <= max(22, height / 7)


def test_deep_pictures_make_the_same_frame_more_finely():
    """The layout, the captions and the ground are those of 8 bits; pictures keep what 8 bits cannot."""
    layout = Layout(labels=("left", "right"), border=2, border_color="#ff8000", background="#102030", scale=2)
    deep = [np.random.default_rng(0).integers(20_000, 45_000, (24, 32, 3), dtype=np.uint16) for _ in range(2)]
    frame = compose(deep, layout)
    plain = compose([whole_levels(picture, 8) for picture in deep], layout)
    assert frame.dtype == np.uint16
    assert np.abs(frame / 257 - plain).max() < 2
    outside = (plain == plain[0, 0]).all(axis=2)
    assert (frame[outside] == plain[outside] * np.uint16(257)).all()
    assert len(np.unique(frame)) > 256
    assert compose(deep, Layout(gap=0))[:, :32].tobytes() == deep[0].tobytes()


def test_pictures_of_two_depths_do_not_mix():
    with pytest.raises(RenderError, match=r"picture 1 is uint8 \[8, 8, 3\]; expected uint16 \[H, W, 3\]"):
        compose([np.zeros((8, 8, 3), np.uint16), np.zeros((8, 8, 3), np.uint8)], Layout())


@pytest.mark.parametrize("width", [40, 64, 100])
def test_a_caption_is_told_to_be_cut_just_where_it_is(width: int) -> None:
    words = [text[:end] for text in ("Willow and water", "WWWW iiii") for end in range(1, len(text) + 1)]
    for text in filter(str.strip, words):
        told = cut_captions(Layout(labels=(text,)), [(width, 64)], [text])
        strip = width, strip_height(64)
        drawn = caption(text, strip, (0, 0, 0))
        roomy = caption(text, (4 * width, strip[1]), (0, 0, 0))
        assert bool(told) == ((drawn > 40).sum() < 0.98 * (roomy > 40).sum()), text


def test_what_is_left_of_a_cut_caption_is_told_once() -> None:
    layout = Layout(labels=("long words here", "", "long words here", "ok"))
    assert cut_captions(layout, [(64, 64)] * 4, layout.labels) == [
        "panels: the caption 'long words here' has no room on 64 pixels, and will read 'long word…'"
    ]
    assert cut_captions(Layout(), [(64, 64)], [""]) == []
