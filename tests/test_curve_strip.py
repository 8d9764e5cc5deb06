"""Curves beneath pictures: drawn as the numbers run, with a playhead at the moment that is shown."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import render
from render.curve_strip import HUES, CurveStrip
from render.layout import Layout
from render.preset import Preset
from render.timeline import LINEAR, Clock, ExpressionTrack, Key, Track, parse_easing, parse_expression
from tests.conftest import CLIP

CLOCK = Clock(duration=Fraction(4), fps=Fraction(25))
RISE = Track((Key(Fraction(0), 0.0, LINEAR), Key(Fraction(4), 10.0, LINEAR)))
STEP = Track((Key(Fraction(0), 1.0, parse_easing("hold")), Key(Fraction(2), 0.0, LINEAR)))


def strip_of(tracks: dict, background: str = "black") -> tuple[CurveStrip, np.ndarray]:
    layout = Layout(background=background, curves=len(tracks), scale=3)
    width, height = layout.size([(128, 128)])
    return CurveStrip(tracks, CLOCK, layout, [(128, 128)]), np.zeros((height, width, 3), np.uint8)


def nearest_to(frame: np.ndarray, color: tuple[int, int, int]) -> tuple[float, float]:
    """The middle (x, y) of the pixels of a colour."""
    rows, columns = np.nonzero((np.abs(frame.astype(int) - color) <= 6).all(axis=2))
    return columns.mean(), rows.mean()


def dot_at(strip: CurveStrip, frame: np.ndarray, seconds: float) -> tuple[float, float]:
    """Where the playhead's dot is: what a frame has in the curve's colour that the strip alone has not."""
    strip.draw(frame, seconds)
    lanes = frame[strip.top : strip.top + len(strip.picture)].copy()
    lanes[(lanes == strip.picture).all(axis=2)] = 0
    return nearest_to(lanes, HUES[0])


def test_the_playhead_moves_with_time_and_its_dot_along_the_curve():
    strip, frame = strip_of({"rise": RISE})
    dots = [dot_at(strip, frame, seconds) for seconds in (0, 1, 2, 3, 4)]
    across, down = np.diff([x for x, _ in dots]), np.diff([y for _, y in dots])
    np.testing.assert_allclose(across, (strip.right - strip.left) / 4, atol=1.5)
    np.testing.assert_allclose(down, down.mean(), atol=1.5)
    assert down.mean() < -4, "a number that grows goes up"
    assert dots[0][0] == pytest.approx(strip.left, abs=1)
    assert dots[-1][0] == pytest.approx(strip.right, abs=1)


def test_pictures_above_the_strip_stay_as_they_are():
    strip, frame = strip_of({"rise": RISE, "step": STEP})
    frame[: strip.top] = 77
    strip.draw(frame, Fraction(1))
    assert (frame[: strip.top] == 77).all()
    assert (frame[strip.top :] != 0).any()


def test_a_frame_depends_on_its_moment_alone():
    strip, first = strip_of({"rise": RISE, "step": STEP})
    second = first.copy()
    strip.draw(first, 3.0)
    strip.draw(first, 1.0)
    strip.draw(second, 1.0)
    np.testing.assert_array_equal(first, second)


def test_a_cut_is_upright_and_a_still_number_lies_half_way():
    strip, _ = strip_of({"step": STEP, "still": Track.constant(5.0)})
    step, still = strip.heights
    assert set(np.round(step, 6)) == {0.0, 1.0}
    assert (still == 0.5).all()


def test_a_formula_without_a_value_somewhere_still_has_a_curve():
    clock = Clock(duration=Fraction(1), fps=Fraction(10))
    strip = CurveStrip(
        {"x": ExpressionTrack(parse_expression("=1/t"), clock)}, clock, Layout(curves=1), [(300, 300)]
    )
    assert np.isfinite(strip.heights[0]).all()


@pytest.mark.parametrize("background", ["black", "white", "#808080"])
def test_curve_and_name_stand_out_from_their_ground(background):
    strip, _ = strip_of({"blend.swap": RISE}, background)
    lanes = strip.picture.astype(float)
    box = np.median(lanes[:, int(strip.right) - 40 :].reshape(-1, 3), axis=0)
    for part, ground in ((lanes[:, : int(strip.left) - 8], lanes[0, 0]), (lanes[:, int(strip.left) :], box)):
        assert np.abs(part - ground).max() > 60


def test_short_names_are_used_where_they_tell_curves_apart():
    from render.curve_strip import _short

    assert _short(["blend.swap", "truncation", "vars.peak"]) == ["swap", "truncation", "peak"]
    assert _short(["blend.weight", "latents.mixing.weight"]) == ["blend.weight", "latents.mixing.weight"]


def test_a_preset_with_curves_has_them_beneath_its_pictures(sample_folder):
    plain = Preset.from_yaml(CLIP)
    with_curves = Preset.from_yaml(
        CLIP.replace("[low, blend, high]", "{show: [low, blend, high], curves: blend.swap}")
    )
    bare, first, second = (
        next(render.frames(preset, index, index + 1, device="cpu"))
        for preset, index in ((plain, 2), (with_curves, 2), (with_curves, 3))
    )
    np.testing.assert_array_equal(first[:16], bare)
    assert (first[16:] != second[16:]).any()


def test_curves_on_deep_frames_are_those_of_plain_ones():
    strip, frame = strip_of({"rise": RISE})
    deep = np.zeros(frame.shape, np.uint16)
    strip.draw(frame, 1.3)
    strip.draw(deep, 1.3)
    np.testing.assert_allclose(deep / 257, frame, atol=1.01)
