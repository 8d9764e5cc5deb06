"""Mixtures: what the values of tracks and names say about layers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from render.blending.blend import swap_weights
from render.errors import PresetError, RenderError
from render.preset import Preset
from render.scene import Scene
from tests.conftest import CLIP, write_nvlabs

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


# --- many models --------------------------------------------------------------------------------------------

MANY = """\
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}, late: {snapshots: sample:ukiyoe}}
clip: {duration: 1s, fps: 10, loop: true}
"""


def weights_of(scene: Scene, frame: int, picture: int = 0) -> np.ndarray:
    """Weights [3, L] of the models, whatever their snapshots."""
    return of_models(scene, scene.moment(frame).pictures[picture].blend.weights)


def of_models(scene: Scene, rows: np.ndarray) -> np.ndarray:
    """Rows of checkpoints summed up to those of portrait, ukiyoe and late."""
    counts = [len(cast.generators) for cast in scene.casts]
    parts = np.split(rows, np.cumsum(counts)[:-1])
    found = {cast.name: part.sum(axis=0) for cast, part in zip(scene.casts, parts, strict=True)}
    return np.stack([found[name] for name in ("portrait", "ukiyoe", "late")])


def test_a_mix_gives_every_layer_its_models(sample_folder):
    mix = "{portrait: {4: 1, 8: [[0s, 1], [end, 0]]}, ukiyoe: {8: [[0s, 0], [end, 1]]}, late: {16+: 1}}"
    scene = scene_of(MANY + f"blend: {{mix: {mix}}}\npanels: [blend, late]\n")
    expected = [[1, 1, 0.7, 0.7, 0, 0], [0, 0, 0.3, 0.3, 0, 0], [0, 0, 0, 0, 1, 1]]
    np.testing.assert_allclose(weights_of(scene, 3), expected, atol=1e-12)
    np.testing.assert_allclose(weights_of(scene, 3, picture=1), [[0] * 6, [0] * 6, [1] * 6])
    blend = scene.moment(3).pictures[0].blend
    np.testing.assert_allclose(of_models(scene, blend.mapping), [1, 0, 0])
    np.testing.assert_allclose(of_models(scene, blend.noise), [1, 0, 0])


def test_weights_are_normalised_only_when_asked(sample_folder):
    scene = scene_of(MANY + "blend: {mix: {portrait: 1, ukiyoe: {4-8: 3, 16+: -0.5}}, normalise: true}\n")
    expected = [[0.25] * 4 + [2] * 2, [0.75] * 4 + [-1] * 2, [0] * 6]
    counts = [len(cast.generators) for cast in scene.casts]
    parts = np.split(scene.moment(0).pictures[0].blend.weights, np.cumsum(counts)[:-1])
    np.testing.assert_allclose([part.sum(axis=0) for part in parts], expected[:2], atol=1e-12)


def test_what_is_added_is_taken_from_the_base(sample_folder):
    others = "to_rgb: {late: 1}, mapping: blend, noise: late"
    blend = f"{{base: portrait, add: {{ukiyoe: 0.7, late: {{4: -0.5, 8: =u}}}}, {others}}}"
    scene = scene_of(MANY + f"blend: {blend}\n")
    shown = scene.moment(5).pictures[0].blend
    ukiyoe, late = [0.7] * 6, [-0.5, -0.5, 0.5, 0.5, 0, 0]
    expected = np.array([1 - np.add(ukiyoe, late), ukiyoe, late])
    np.testing.assert_allclose(of_models(scene, shown.weights), expected, atol=1e-12)
    np.testing.assert_allclose(of_models(scene, shown.to_rgb), [[0] * 6, [0] * 6, [1] * 6], atol=1e-12)
    np.testing.assert_allclose(of_models(scene, shown.mapping), expected.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(of_models(scene, shown.noise), [0, 0, 1])


def test_each_model_moves_through_its_own_snapshots(sample_folder):
    snapshot = "{ukiyoe: [[0s, 10], [end, 40]], late: 20}"
    scene = scene_of(
        MANY + f"blend: {{mix: {{portrait: 0, ukiyoe: 0.5, late: 0.5}}, snapshot: {snapshot}}}\n"
    )
    rows = scene.moment(4).pictures[0].blend.weights[:, 0]
    np.testing.assert_allclose(rows, [0, 0, 0.45, 0.05, 0, 0.5, 0], atol=1e-12)  # 22 kimg, and 20


def test_a_bases_mapping_fades_with_it(sample_folder):
    base = "[[0s, portrait], [0.5s, late, fade 0.2s]]"
    scene = scene_of(MANY + f"blend: {{base: {base}, add: {{ukiyoe: 0.5}}}}\n")
    shown = scene.moment(6).pictures[0].blend
    np.testing.assert_allclose(of_models(scene, shown.weights)[:, 0], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(of_models(scene, shown.mapping), [0.5, 0, 0.5])


def test_interpolation_and_noise_reach_every_picture(sample_folder):
    text = CLIP.replace("  high: ukiyoe", "  high: ukiyoe\n  interpolation: keep-norm\n  noise: high")
    low, blend, high = (picture.blend for picture in scene_of(text).moment(3).pictures)
    assert {low.interpolation, blend.interpolation, high.interpolation} == {"keep-norm"}
    for one in (low, blend, high):
        assert one.noise[0] == 0
        assert one.mapping[0] == 1


def test_layers_that_nobody_gives_are_told_when_the_network_is_open(sample_folder):
    with pytest.raises(PresetError, match=r"^blend\.mix: no model gives layers 16/0 to 16/1; in every layer"):
        scene_of(MANY + "blend: {mix: {portrait: {4-8: 1}, ukiyoe: {4-8: 0}}}\n")
    scene_of(MANY + "blend: {mix: {portrait: {4-16: 1}}}\n")


def test_a_sum_that_is_wrong_at_another_rate_names_the_frame(sample_folder):
    pulse = "[[0s, 0, hold], [0.05s, 1, hold], [0.06s, 0]]"
    scene = scene_of(MANY + f"blend: {{mix: {{portrait: 1, ukiyoe: {pulse}}}}}\n")
    with pytest.raises(RenderError, match=r"^frame 1: blend\.mix: the weights of layers 4/0 sum to 2"):
        scene.at_fps(Fraction(20)).moment(1)


def test_dvschultz_shows_whole_resolutions(sample_folder):
    text = CLIP.replace("swap: [[0s, 4], [50%, 32], [end, 4]]", "swap: 8\n  convention: dvschultz")
    of_high = scene_of(text).moment(0).pictures[1].blend.weights[1:].sum(axis=0)
    np.testing.assert_allclose(of_high, [0, 0, 0, 0, 1, 1])


def test_directions_and_even_pace_start_from_the_first_model(sample_folder):
    latents = "latents: {seeds: [1, 2], pace: even, directions: [{sefa: 0, strength: 1}]}\n"
    scene = scene_of(MANY + latents + "blend: {mix: {late: 0.5, portrait: 0.5}}\n")
    names = {name: track.weights_at(Fraction(0)) for name, track in scene.names.items()}
    assert scene.mixture.leading(names) == "late"
    assert scene.journey.base is scene.casts[0].generators[-1]


@pytest.mark.parametrize("written", ["runs/*/network-snapshot-*.pkl", "runs/00001"])
def test_a_folder_or_a_pattern_of_network_snapshots_is_a_series(tmp_path, low, high, written):
    run = tmp_path / "runs" / "00001"
    run.mkdir(parents=True)
    for kimg, network in ((0, low), (200, high), (1000, low)):
        write_nvlabs(run / f"network-snapshot-{kimg:06d}.pkl", network)
    (run / "fakes000200.png").write_bytes(b"")
    text = MANY.replace("late: {snapshots: sample:ukiyoe}", f"late: {{snapshots: {written!r}}}")
    text = text.replace("sample:", "").replace("portrait: portrait, ukiyoe: {snapshots: ukiyoe}, ", "")
    blend = "blend: {mix: {late: 1}, snapshot: {late: [[0s, 0], [end, 1000]]}}\n"
    scene = Scene.open(Preset.from_yaml(text + blend, base_dir=tmp_path))
    assert scene.casts[0].kimgs == (0, 200, 1000)
    np.testing.assert_allclose(scene.moment(1).pictures[0].blend.weights[:, 0], [0.5, 0.5, 0])
