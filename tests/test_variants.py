"""Variants: other values in a preset's places, the frame at a time, and networks that are opened once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from render import variants
from render.errors import PresetError
from render.preset import Preset
from render.renderer import Renderer
from render.scene import Scene
from render.timeline import Clock
from render.variants import Company, Variant, frame_at, with_seed, with_values
from tests.conftest import CLIP

CPU = torch.device("cpu")


def test_a_value_takes_the_place_of_all_that_moved_there(preset):
    changed = with_values(preset, {"blend.swap": 16, "truncation": 0.5})
    assert changed.tracks()["blend.swap"].is_constant
    assert changed.truncation.keys[0].value == 0.5
    assert changed.base_dir == preset.base_dir
    assert with_values(preset, {}) == preset
    assert with_values(preset, {"outputs[0].fps": 10}).outputs[0].fps == 10
    soft = with_values(preset, {"blend.width": 2})
    assert with_values(soft, {"blend.width": None}) == with_values(preset, {"blend.width": None}) == preset


def test_a_seed_stands_still_whatever_the_walk_was(sample_folder):
    text = CLIP.replace(
        "{seeds: [3, 14, 15]}", "{seeds: [3, 14], position: [[0s, 0], [end, 1]], path: slerp}"
    )
    for still in (
        with_seed(Preset.from_yaml(text), 9),
        with_values(Preset.from_yaml(text), {"latents.seed": 9}),
    ):
        scene = Scene.open(still)
        first, last = (scene.moment(index).pictures[0].ws for index in (0, 9))
        assert np.array_equal(first, last)
        expected = Scene.open(Preset.from_yaml(CLIP.replace("seeds: [3, 14, 15]", "seed: 9"))).moment(0)
        assert np.array_equal(first, expected.pictures[0].ws)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"blend.swap": "esae"}, "blend.swap: unknown layer 'esae'"),
        ({"blend.swop": 4}, "blend.swop: unknown key; did you mean 'swap'?"),
        ({"blend.high": "toon"}, "blend.high: unknown model 'toon'"),
        ({"latents.seed": -1}, "from 0 to 4294967295, not -1"),
    ],
)
def test_a_wrong_value_is_one_plain_line(preset, values, words):
    with pytest.raises(PresetError) as caught:
        with_values(preset, values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "overrides" not in str(caught.value)


@given(
    seconds=st.fractions(0, 1, max_denominator=1000),
    fps=st.sampled_from([Fraction(12), Fraction(24000, 1001), Fraction(60)]),
    loop=st.booleans(),
)
def test_the_frame_at_a_time_is_the_nearest(seconds, fps, loop):
    clock = Clock(Fraction(1), fps, loop)
    found = frame_at(clock, f"{seconds.numerator}/{seconds.denominator}s" if seconds else "0s")
    shown = [clock.seconds(index) for index in range(clock.frame_count)]
    distances = [min(abs(s - seconds), abs(s + loop - seconds)) for s in shown]
    assert distances[found] == min(distances)


def test_the_end_of_a_loop_is_its_start():
    assert frame_at(Clock(Fraction(2), Fraction(10), loop=True), "end") == 0
    assert frame_at(Clock(Fraction(2), Fraction(10), loop=False), "end") == 19
    for time in ("3s", "-1s", "4b", "soon", "3"):
        with pytest.raises(PresetError, match=time):
            frame_at(Clock(Fraction(2)), time)


def test_networks_are_opened_once_and_pictures_are_those_of_the_film(preset, monkeypatch):
    opened, really = [], variants.open_cast
    monkeypatch.setattr(variants, "open_cast", lambda *given: opened.append(given[1]) or really(*given))
    cells = [
        Variant(with_values(preset, {"blend.swap": swap, "latents.seed": seed}), 3)
        for seed in (1, 2)
        for swap in (4, 8, 16)
    ]
    drawn = []
    moments, frames = Company(cells, CPU).draw(cells, drawn.append)
    assert sorted(opened) == ["portrait", "ukiyoe"]
    assert drawn == [1, 2, 3, 4, 5, 6]
    for cell, moment, frame in zip(cells, moments, frames, strict=True):
        scene = Scene.open(cell.preset)
        (expected,) = Renderer(scene).frames([scene.moment(3)])
        assert moment.frame_index == 3
        assert np.abs(frame.astype(int) - expected).max() <= 1


def test_noise_of_another_seed_needs_networks_of_its_own(preset):
    noisy = preset.replace(panels=["blend"], noise={"mode": "random", "seed": 0})
    cells = [Variant(with_values(noisy, {"noise.seed": seed, "latents.seed": 1})) for seed in (0, 1, 0)]
    _, (first, second, third) = Company(cells, CPU).draw(cells)
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)
