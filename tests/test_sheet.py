"""Sheets: each frame over its own time, every moving track beneath, and no half-written file."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from render.errors import EncodingError, PresetError
from render.preset import Preset, position_of
from render.renderer import Renderer
from render.scene import Scene
from render.sheets import (
    Plan,
    draw_sheet,
    frame_indices,
    layer_ticks,
    number_ticks,
    save_sheet,
    time_ticks,
)
from render.sheets.look import (
    GROUND,
    GUTTER,
    HEADER,
    HUES,
    MARGIN,
    MOST_PLOTS,
    NARROWEST,
    PLOT,
    PLOT_GAP,
    SMALLEST_PLOT,
    STAMP,
    TITLE,
    WIDEST,
)
from render.timeline import Clock

YAML = """
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 2s, fps: 10, loop: LOOP}
latents: {seeds: [3, 14]}
blend: {low: portrait, high: ukiyoe, swap: SWAP, weight: WEIGHT}
"""
SWAP, WEIGHT = "[[0s, 4], [50%, 32], [end, 4]]", '"=1 + 0.2*sin(tau*u)"'


def preset_of(swap: str = SWAP, weight: str = WEIGHT, loop: bool = False) -> Preset:
    return Preset.from_yaml(
        YAML.replace("SWAP", swap).replace("WEIGHT", weight).replace("LOOP", str(loop).lower())
    )


@pytest.mark.parametrize("loop", [False, True])
def test_each_frame_of_the_film_sits_over_its_own_time(sample_folder, loop):
    scene = Scene.open(preset_of(loop=loop))
    sheet = np.asarray(draw_sheet(scene, 4))
    indices = frame_indices(scene.clock, 4)
    plan = Plan.of(scene.clock, indices, (16, 16))
    assert sheet.shape[1] == plan.width
    for index, frame in zip(indices, Renderer(scene).frames(scene.moments(indices)), strict=True):
        x = round(plan.x(scene.clock.seconds(index)) - plan.thumb_width / 2)
        top = MARGIN + HEADER
        shown = sheet[top : top + plan.thumb_height, x : x + plan.thumb_width]
        size = (plan.thumb_width, plan.thumb_height)
        expected = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
        assert np.array_equal(shown, expected), f"frame {index}"


def test_a_curve_passes_where_the_track_does(sample_folder):
    scene = Scene.open(preset_of(swap="[[0s, 4], [end, 32]]", weight="1"))
    sheet = np.asarray(draw_sheet(scene, 4)).astype(int)
    plan = Plan.of(scene.clock, frame_indices(scene.clock, 4), (16, 16))
    is_curve = np.abs(sheet - HUES[0]).sum(2) < 30
    is_curve[: MARGIN + HEADER + plan.thumb_height + STAMP + TITLE] = False  # frames, and the title

    def height(seconds: float) -> float:
        rows = np.flatnonzero(is_curve[:, round(plan.x(seconds))])
        assert len(rows)
        return rows.mean()

    start, half, end = (height(seconds) for seconds in (0.05, 1, 1.95))
    assert half == pytest.approx((start + end) / 2, abs=1)
    assert start > end + PLOT / 2  # upwards is more


def test_moving_tracks_are_plotted_and_constant_ones_listed(sample_folder):
    heights = {
        name: draw_sheet(Scene.open(preset), 3).height
        for name, preset in {
            "none": preset_of("32", "1"),
            "one": preset_of(SWAP, "1"),
            "two": preset_of(SWAP, WEIGHT),
            "three": preset_of().replace(truncation="=0.5 + 0.1*sin(tau*u)"),
        }.items()
    }
    assert heights["two"] - heights["one"] == TITLE + PLOT + PLOT_GAP
    assert heights["one"] > heights["none"]
    # With nothing left to list, the line that lists is gone.
    assert 0 < heights["three"] - heights["two"] < TITLE + PLOT + PLOT_GAP


def test_a_map_over_layers_is_one_plot(sample_folder):
    one = draw_sheet(Scene.open(preset_of("32", "=u")), 3).height
    mapped = draw_sheet(Scene.open(preset_of("32", "{4-8: 0, 16: =u, 32+: [[0s, 1], [end, 0]]}")), 3).height
    assert mapped == one


def test_more_tracks_than_a_sheet_can_hold_are_named(sample_folder):
    heights = {}
    for count in (MOST_PLOTS, MOST_PLOTS + 1, MOST_PLOTS + 9):
        variables = {f"a{number}": "=u" for number in range(count - 1)}
        heights[count] = draw_sheet(Scene.open(preset_of("32", "=u").replace(vars=variables)), 2).height
    one_more, many_more = heights[MOST_PLOTS + 1], heights[MOST_PLOTS + 9]
    assert 0 < one_more - heights[MOST_PLOTS] < SMALLEST_PLOT
    assert 0 <= many_more - one_more < SMALLEST_PLOT


def test_a_formula_may_have_no_value_between_frames(sample_folder):
    preset = preset_of(weight='"=0.001/max(abs(t - 0.5) - 0.02, 0)"')  # frames: 0.42 s, 0.53 s
    assert draw_sheet(Scene.open(preset), 2).width >= NARROWEST


def test_no_more_thumbnails_than_frames(sample_folder):
    scene = Scene.open(preset_of())
    assert draw_sheet(scene, 40).width <= WIDEST
    assert frame_indices(scene.clock, 40) == list(range(20))
    with pytest.raises(PresetError, match="at least 1 frame, not 0"):
        draw_sheet(scene, 0)


clocks = st.builds(
    Clock,
    duration=st.fractions(Fraction(1, 10), 4000, max_denominator=50),
    fps=st.sampled_from([Fraction(5), Fraction(24000, 1001), Fraction(60)]),
    loop=st.booleans(),
)


@given(clock=clocks, count=st.integers(1, 40), width=st.integers(16, 8000), height=st.integers(16, 4000))
@settings(deadline=None, max_examples=150)
def test_a_plan_fits_whatever_the_clip(clock, count, width, height):
    indices = frame_indices(clock, count)
    assert len(set(indices)) == len(indices) == min(count, clock.frame_count)
    assert indices[0] == 0
    if not clock.loop and count > 1:
        assert indices[-1] == clock.frame_count - 1
    plan = Plan.of(clock, indices, (width, height))
    assert NARROWEST <= plan.width <= WIDEST
    assert plan.left >= MARGIN + GUTTER
    assert plan.width - plan.right == plan.left
    frame = np.zeros((1, 1, 3), np.uint8)
    edges = [x for x, _, _ in plan.thumbs([frame] * len(indices))]
    assert edges[0] >= MARGIN - 1
    assert edges[-1] + plan.thumb_width <= plan.width - MARGIN + 1
    assert all(x + plan.thumb_width <= following for x, following in pairwise(edges))


def test_thumbnails_are_even_where_rounding_to_frames_would_show():
    clock = Clock(Fraction(10), Fraction(25), loop=True)  # 250 frames: a fourth is no whole number
    plan = Plan.of(clock, frame_indices(clock, 4), (388, 144))
    edges = [x for x, _, _ in plan.thumbs([np.zeros((1, 1, 3), np.uint8)] * 4)]
    gaps = {later - earlier for earlier, later in pairwise(edges)}
    assert max(gaps) - min(gaps) <= 1
    assert float(plan.moments[1]) == 2.48


@given(low=st.floats(-1e4, 1e4), span=st.floats(0, 1e4))
@settings(deadline=None, max_examples=100)
def test_ticks_enclose_what_they_measure(low, span):
    ticks = number_ticks(low, low + span)
    assert 2 <= len(ticks) <= 7
    slack = 1e-6 * max(1, abs(low), span)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack


def test_layer_ticks_are_layers_where_there_is_room():
    assert layer_ticks(position_of("32/0"), position_of("32/1")) == [6, 7]
    assert layer_ticks(position_of(4), position_of(256)) == [0, 2, 4, 6, 8, 10, 12]
    assert layer_ticks(4.5, 4.5) == [4, 5]
    assert layer_ticks(3.0, 3.0) == [3, 4]


def test_time_ticks_are_round():
    assert time_ticks(8, 1000) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert time_ticks(3600, 1000) == list(range(0, 3601, 300))


def test_a_sheet_is_saved_whole(sample_folder, tmp_path):
    path = tmp_path / "new" / "film-sheet.png"
    assert save_sheet(preset_of(), path, count=3, device="cpu") == path
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        assert sheet.getpixel((2, 2)) == GROUND
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sheet.bmpp", "unknown extension '.bmpp'; a sheet is a picture: .png"),
        ("sheet", "the name has no extension"),
        ("folder.png", "is a folder"),
        ("file.txt/sheet.png", "file.txt is no folder"),
        ("n" * 300 + ".png", "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(sample_folder, tmp_path, name, words):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.txt").write_text("here already")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EncodingError) as caught:
        save_sheet(preset_of(), tmp_path / name, device="cpu")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failing_disk_leaves_nothing_behind(sample_folder, tmp_path, monkeypatch):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"the old one")

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(EncodingError, match=r"sheet\.png: cannot be written: No space left on device"):
        save_sheet(preset_of(), path, count=2, device="cpu")
    assert path.read_bytes() == b"the old one"
    assert not path.with_name("sheet.png.part").exists()
