"""Mixtures: what the values of tracks and names say about layers."""

from __future__ import annotations

import numpy as np
import pytest

from render.blending.blend import swap_weights
from render.preset import Preset
from render.scene import Scene
from tests.conftest import CLIP

FADING = CLIP.replace("high: ukiyoe", "high: [[0s, ukiyoe, fade 0.2s], [0.5s, portrait, fade 0.2s]]")


def scene_of(text: str) -> Scene:
    return Scene.open(Preset.from_yaml(text))


def test_a_fade_between_models_is_a_blend_of_the_two(sample_folder):
    scene = scene_of(FADING.replace("fps: 12.5", "fps: 20").replace("swap: [[0s, 4]", "swap: [[0s, 32]"))
    moment = scene.moment(12)  # 0.6 s: half-way through the second fade
    assert moment.names["blend.high"] == pytest.approx({"ukiyoe": 0.5, "portrait": 0.5})
    high = moment.pictures[2].blend.weights
    np.testing.assert_allclose(high[0], 0.5)
    np.testing.assert_allclose(high[1:].sum(axis=0), 0.5)


def test_a_name_without_a_fade_cuts_at_its_key(sample_folder):
    scene = scene_of(FADING.replace(", fade 0.2s", "").replace("fps: 12.5", "fps: 10"))
    assert scene.moment(4).pictures[2].blend.weights[0, 0] == 0
    assert scene.moment(5).pictures[2].blend.weights[0, 0] == 1


def test_a_first_keys_fade_comes_from_the_end_of_the_loop(sample_folder):
    moment = scene_of(FADING).moment(0)
    assert moment.names["blend.high"] == {"portrait": 1}


def test_a_map_over_layers_says_each_layers_weight(sample_folder):
    text = CLIP.replace(
        "swap: [[0s, 4], [50%, 32], [end, 4]]", "weight: {4: 0.25, 16/0: [[0s, 0], [end, 1]]}"
    )
    scene = scene_of(text)
    of_high = scene.moment(0).pictures[1].blend.weights[1:].sum(axis=0)
    np.testing.assert_allclose(of_high, [0.25, 0.25, 0, 0, 0, 0])
    later = scene.moment(6).pictures[1].blend.weights[1:].sum(axis=0)
    np.testing.assert_allclose(later, [0.25, 0.25, 0, 0, 6 / 13, 0])


def test_a_map_over_layers_is_taken_where_a_written_swap_gives_it(sample_folder):
    text = CLIP.replace("swap: [[0s, 4], [50%, 32], [end, 4]]", "swap: 8/1\n  weight: {4-8: 0.5, 16+: 2}")
    of_high = scene_of(text).moment(3).pictures[1].blend.weights[1:].sum(axis=0)
    np.testing.assert_allclose(of_high, swap_weights(6, 3) * [0.5, 0.5, 0.5, 0.5, 2, 2])


def test_the_mapping_may_change_hands(sample_folder):
    scene = scene_of(CLIP.replace("  high: ukiyoe", "  high: ukiyoe\n  mapping: [[0s, low], [0.5s, high]]"))
    assert scene.moment(6).pictures[1].blend.mapping[0] == 1
    assert scene.moment(7).pictures[1].blend.mapping[0] == 0


def test_a_single_model_may_change_too(sample_folder):
    text = "version: 1\nmodels: {a: sample:portrait, b: {snapshots: sample:ukiyoe}}\n"
    text += "clip: {duration: 1s, fps: 10}\n"
    scene = scene_of(text + "blend: {model: [[0s, a], [0.5s, b, fade 0.2s]]}\n")
    assert scene.moment(0).pictures[0].blend.weights[0, 0] == 1
    assert scene.moment(9).pictures[0].blend.weights[0, 0] == 0
    assert scene.moment(9).pictures[0].blend.mapping[0] == 0
