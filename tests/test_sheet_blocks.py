"""The blocks of a sheet: layers over time, names, stops of the walk, markers and beats, each where it is."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.pen import Pen
from render.preset import SWAP, WEIGHT, Preset
from render.scene import Scene
from render.sheets import Plan, frame_indices, tick_text
from render.sheets.curves import key_dots, key_moments
from render.sheets.ground import beat_places, marker_places, marks_block
from render.sheets.look import BAR, GROUND, MARKER, MODEL_HUES, NEAREST_BEATS, PANEL, TITLE
from render.sheets.names import bars_block, column_moments
from render.sheets.page import model_colors
from render.sheets.scales import every_so_many
from render.sheets.walks import walks_block
from render.sheets.weights import weight_blocks, weight_colors, weight_columns
from render.timeline import Clock, Key, NameKey, NameTrack, Term, Time, Track

YAML = """
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 4s, fps: 10, bpm: 60}
latents: {keys: [[0s, 3], [1s, 14, hold], [3s, 15]]}
blend:
  low: portrait
  high: [[0s, ukiyoe], [2s, portrait, fade 1s]]
  swap: [[0s, 4], [2s, 32], [4s, 4]]
"""


@pytest.fixture
def scene(sample_folder) -> Scene:
    return Scene.open(Preset.from_yaml(YAML))


def plan_of(clock: Clock) -> Plan:
    return Plan.of(clock, frame_indices(clock, 4), (16, 16))


def drawn(block, plan: Plan) -> np.ndarray:
    """The block alone, uint8 [H, W, 3]."""
    pen = Pen(plan.width, block.height, GROUND)
    block.draw(pen, 0)
    return np.asarray(pen.finished()).astype(int)


def is_near(pixel: np.ndarray, color, tolerance: int = 6) -> bool:
    return bool(np.abs(np.asarray(pixel) - np.asarray(color)).max() <= tolerance)


# --- layers -------------------------------------------------------------------------------------------------


def test_weights_are_those_of_the_moments(scene):
    plan = plan_of(scene.clock)
    weights = weight_columns(scene, plan)["layers"]
    moments = column_moments(plan)
    assert np.allclose(weights.sum(axis=1), 1)
    for at in range(0, len(moments), 37):
        values = {name: track.value_at(moments[at]) for name, track in scene.tracks.items()}
        names = {name: track.weights_at(moments[at]) for name, track in scene.names.items()}
        assert np.allclose(weights[at], scene.mixture.blend(values, names).weights, atol=1e-6)


def test_layers_are_drawn_in_the_models_colours_fine_ones_on_top(scene):
    plan, colors = plan_of(scene.clock), model_colors(scene)
    (block,) = weight_blocks(scene, plan, colors)
    picture = drawn(block, plan)
    top, bottom = TITLE + 8, block.height - 24 - 8
    middle = round(plan.x(Fraction(1)))  # the swap is half-way: coarse layers are low's, fine ones high's
    assert is_near(picture[top, middle], colors["ukiyoe"])
    assert is_near(picture[bottom, middle], colors["portrait"])
    assert is_near(picture[bottom, plan.left + 4], colors["ukiyoe"], 20)


def test_colours_mix_as_models_do():
    colors = MODEL_HUES[:3]
    weights = np.array([[1.0, 0.5, 0, 1.5, np.nan], [0, 0.5, 0, -0.5, np.nan], [0, 0, 1, 0, np.nan]])
    pixels = weight_colors(weights, colors).astype(int)
    assert pixels[0].tolist() == list(colors[0])
    assert np.abs(pixels[1] - (np.array(colors[0]) + colors[1]) / 2).max() <= 1
    assert pixels[2].tolist() == list(colors[2])
    assert (pixels[3] > np.array(colors[0])).all()  # beyond the model: lighter than it
    assert pixels[4].tolist() == list(PANEL)


def test_a_swap_of_its_own_for_to_rgb_is_a_picture_of_its_own(sample_folder):
    scene = Scene.open(Preset.from_yaml(YAML + "  to_rgb: 4\n"))
    weights = weight_columns(scene, plan_of(scene.clock))
    assert list(weights) == ["layers", "to-RGB"]
    high = scene.models.index("ukiyoe")
    assert weights["to-RGB"][0, high].tolist() == [1] * 6
    assert len(weight_blocks(scene, plan_of(scene.clock), model_colors(scene))) == 2


# --- names and stops ----------------------------------------------------------------------------------------


def test_a_cut_is_an_edge_and_a_fade_is_a_gradient():
    plan = plan_of(Clock(Fraction(4)))
    keys = [NameKey.of(Fraction(0), "a"), NameKey.of(Fraction(1), "b")]
    track = NameTrack((*keys, NameKey.of(Fraction(2), "a", fade=Fraction(2))))
    colors = {"a": (0, 0, 0), "b": (200, 100, 40)}
    picture = drawn(bars_block(plan, {"high": track}, lambda _, name: colors[name]), plan)
    row = picture[4]  # above the letters, below the round corners

    def shade(seconds: float) -> np.ndarray:
        return row[round(plan.x(seconds))]

    assert is_near(shade(0.9), colors["a"])
    assert is_near(shade(1.1), colors["b"])
    assert is_near(shade(3), np.array(colors["b"]) / 2)
    assert is_near(shade(3.9), colors["a"], 12)
    assert bars_block(plan, {}, lambda *_: GROUND) is None


def test_the_stops_of_a_walk_are_dots_and_cuts_have_no_line(scene):
    plan = plan_of(scene.clock)
    row = drawn(walks_block(scene, plan), plan)[BAR // 2]
    for seconds in (0, 1, 3):
        assert row[round(plan.x(seconds))].min() > 200, seconds
    assert not is_near(row[round(plan.x(0.5))], GROUND)
    assert is_near(row[round(plan.x(2.5))], GROUND)  # held, then cut


def test_a_walk_that_stands_still_has_no_line(sample_folder):
    for latents in ("3", "{seeds: [3, 14], position: =u}", "{seeds: [3, 14], path: circle}"):
        yaml = "\n".join(
            f"latents: {latents}" if line.startswith("latents") else line for line in YAML.splitlines()
        )
        scene = Scene.open(Preset.from_yaml(yaml))
        assert walks_block(scene, plan_of(scene.clock)) is None, latents


# --- keys, beats, markers -----------------------------------------------------------------------------------


@st.composite
def repeated_tracks(draw) -> Track:
    gaps = draw(st.lists(st.fractions(Fraction(1, 8), 3, max_denominator=16), min_size=1, max_size=4))
    start = draw(st.fractions(-2, 6, max_denominator=16))
    seconds = [start + sum(gaps[:at], Fraction(0)) for at in range(len(gaps) + 1)]
    values = draw(st.lists(st.integers(-5, 5), min_size=len(seconds), max_size=len(seconds)))
    keys = tuple(Key(*pair) for pair in zip(seconds, map(float, values), strict=True))
    return Track(keys, repeat=draw(st.sampled_from(["mirror", "loop"])), spline=draw(st.booleans()))


@given(track=repeated_tracks())
@settings(deadline=None, max_examples=150)
def test_repeated_keys_lie_on_their_curve_over_the_whole_clip(track):
    duration = Fraction(10)
    found = key_moments(track, duration, 10**6)
    span = track.keys[-1].seconds - track.keys[0].seconds
    ends = {track.keys[0].value, track.keys[-1].value}
    for seconds, value in found:
        assert 0 <= seconds <= duration
        on_curve = track.value_at(seconds) == pytest.approx(value, abs=1e-9)
        assert on_curve or (
            track.repeat == "loop" and value in ends
        )  # where a loop wraps, the first key counts
    places = sorted({seconds for seconds, _ in found})
    assert places[0] <= span
    assert places[-1] >= duration - span
    assert all(later - earlier <= span for earlier, later in pairwise(places))


def test_own_keys_are_large_dots_and_dense_repeats_are_none():
    plan = plan_of(Clock(Fraction(4)))
    keys = (Key(Fraction(0), 1.0), Key(Fraction(1), 0.0))
    dots = key_dots(Track(keys, repeat="loop"), plan)
    assert [radius for *_, radius in dots if radius == 5] == [5, 5]
    assert len(dots) == 9  # both ends of four rounds, and where a fifth begins
    dense = (Key(Fraction(0), 1.0), Key(Fraction(1, 100), 0.0))
    assert len(key_dots(Track(dense, repeat="loop"), plan)) == 2


@pytest.mark.parametrize("bpm", [10, 120, 600, 9000])
def test_beats_are_never_closer_than_can_be_told_apart(bpm):
    plan = plan_of(Clock(Fraction(20), bpm=Fraction(bpm)))
    places = beat_places(plan)
    assert places[0] == plan.left
    assert min(np.diff(places)) >= NEAREST_BEATS
    assert every_so_many(3, 7) == 4


def test_markers_are_named_lines_that_never_cover_one_another():
    times = [0, 1, 1.01, 1.02, 3, 9]
    markers = tuple(
        (f"marker_{at}", Time((Term(Fraction(time), "s"),))) for at, time in enumerate(map(Fraction, times))
    )
    plan = plan_of(Clock(Fraction(4), markers=markers))
    assert list(marker_places(plan)) == [f"marker_{at}" for at in range(5)]  # the last one lies outside
    block = marks_block(plan)
    picture = drawn(block, plan)
    for x in marker_places(plan).values():
        column = picture[block.height - 6, round(x) - 1 : round(x) + 2]
        assert column.max() > GROUND[0] + 40
    assert marks_block(plan_of(Clock(Fraction(4)))) is None
    assert is_near(picture[: block.height - 30].max(axis=(0, 1)), MARKER, 40)  # two lines of names are in use


def test_a_swap_is_read_in_the_layers_of_the_network():
    from render.networks import Layer

    plain = (Layer(0, "4/0", 4, 0),)
    named = (Layer(0, "input", 16, 0), Layer(1, "L0", 16, 1), Layer(2, "L1", 16, 2))
    assert [tick_text(SWAP, number, plain) for number in (0, 3, 3.5)] == ["4/0", "8/1", "13.5"]
    assert [tick_text(SWAP, number, named) for number in (0, 2, 3, 1.5)] == ["input", "L1", "L2", "L0.5"]
    assert tick_text(WEIGHT, 0.25, named) == "0.25"
