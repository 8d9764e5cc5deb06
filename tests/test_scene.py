"""Scenes: which latents, which blend and which panels a frame index means."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import render
from render.blending.blend import swap_weights
from render.cli import main
from render.errors import BlendreelWarning, CheckpointError, RenderError, UnsafeCheckpointError
from render.latents import seed_latents
from render.networks import StyleGAN3, StyleGAN3Config
from render.preset import Preset
from render.scene import Scene, used_models
from tests.conftest import CLIP, make_network


def scene_of(text: str) -> Scene:
    return Scene.open(Preset.from_yaml(text))


@pytest.fixture
def scene(preset):
    return Scene.open(preset)


def test_a_moment_depends_on_its_frame_index_alone(scene, preset):
    alone = Scene.open(preset).moment(7)
    after_others = [scene.moment(index) for index in (3, 12, 7)][-1]
    assert alone.pictures[1].key == after_others.pictures[1].key
    assert alone.values == after_others.values


def test_latents_are_the_same_whichever_were_mapped_before(sample_folder):
    text = CLIP.replace("[3, 14, 15]", "'0-11', path: linear") + "truncation_clusters: 3\n"
    scene, other = scene_of(text), scene_of(text)
    for index in range(0, 13, 2):
        scene.moment(index)
    assert [scene.moment(index).pictures[1].key for index in (5, 1)] == [
        other.moment(index).pictures[1].key for index in (5, 1)
    ]


def test_a_moment_survives_pickling(scene):
    moment = scene.moment(5)
    assert pickle.loads(pickle.dumps(moment)).pictures[1].key == moment.pictures[1].key


def test_the_walk_starts_at_the_first_seed_truncated_in_the_mapping_of_low(scene, low):
    z = torch.from_numpy(seed_latents([3], low.z_dim))
    expected = low.mapping(z, truncation_psi=0.7)[0]
    np.testing.assert_allclose(scene.moment(0).pictures[0].ws, expected, atol=1e-5)


def test_truncation_stops_at_its_cutoff(sample_folder, low):
    moment = scene_of(CLIP + "truncation_cutoff: 2\n").moment(0)
    whole = low.mapping(torch.from_numpy(seed_latents([3], low.z_dim)))[0]
    np.testing.assert_allclose(moment.pictures[0].ws[2:], whole[2:], atol=1e-5)
    assert not np.allclose(moment.pictures[0].ws[:2], whole[:2], atol=1e-3)


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("path", ["linear", "spline"])
def test_a_loop_comes_back_in_a_step_like_the_others(sample_folder, space, path):
    scene = scene_of(CLIP.replace("[3, 14, 15]", f"[3, 14, 15], path: {path}, space: {space}"))
    ws = [moment.pictures[0].ws for moment in scene.moments()]
    steps = [np.linalg.norm(b - a) for a, b in zip(ws, ws[1:] + ws[:1], strict=True)]
    assert steps[-1] <= 2 * np.median(steps)
    assert min(steps) > 0


def test_low_and_high_are_those_models_alone_and_the_blend_follows_its_swap(scene):
    moment = scene.moment(2)
    low, blend, high = (picture.blend for picture in moment.pictures)
    swap = moment.values["blend.swap"]
    np.testing.assert_allclose(low.weights[0], 1)
    np.testing.assert_allclose(high.weights[1:].sum(axis=0), 1)
    np.testing.assert_allclose(blend.weights[1:].sum(axis=0), swap_weights(6, swap), atol=1e-12)
    np.testing.assert_allclose(blend.weights[0], 1 - swap_weights(6, swap), atol=1e-12)


def test_a_kimg_between_snapshots_mixes_its_neighbours(scene):
    moment = scene.moment(4)
    kimg = moment.values["blend.snapshot"]
    assert 20 < kimg < 40
    high = moment.pictures[2].blend.weights[1:, 0]
    np.testing.assert_allclose(high, [0, (40 - kimg) / 20, (kimg - 20) / 20], atol=1e-12)


def test_noise_stays_that_of_the_mapping_model_in_every_panel(scene):
    for picture in scene.moment(3).pictures:
        np.testing.assert_array_equal(picture.blend.mapping, [1, 0, 0, 0])
        np.testing.assert_array_equal(picture.blend.noise, [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("mapping", "expected"), [("high", [0, 1]), ("ukiyoe", [0, 1]), ("blend", [0.25, 0.75])]
)
def test_the_mapping_network_comes_from_where_the_preset_says(sample_folder, mapping, expected):
    text = CLIP.replace("  low: portrait", f"  low: portrait\n  mapping: {mapping}\n  weight: 0.75")
    weights = scene_of(text).moment(0).pictures[0].blend.mapping
    np.testing.assert_allclose([weights[0], weights[1:].sum()], expected)


def test_to_rgb_can_have_a_swap_of_its_own(sample_folder):
    text = CLIP.replace("  low: portrait", "  low: portrait\n  to_rgb: 32")
    blend = scene_of(text).moment(0).pictures[1].blend
    np.testing.assert_allclose(blend.weights[0], 0)
    np.testing.assert_allclose(blend.to_rgb[0], 1)


def test_the_same_second_shows_the_same_at_any_rate(sample_folder):
    scene = scene_of(CLIP.replace("fps: 12.5", "fps: 24").replace("1s", "2s"))
    other = scene.at_fps(Fraction(60))
    assert other.clock.frame_count == 120
    for second in (Fraction(1, 2), Fraction(1), Fraction(3, 2)):
        here, there = scene.moment(int(second * 24)), other.moment(int(second * 60))
        assert here.seconds == there.seconds == second
        assert here.pictures[1].key == there.pictures[1].key


def test_a_single_model_needs_no_blend(sample_folder):
    scene = scene_of("version: 1\nmodels: {face: sample:portrait}\nclip: {duration: 1s}\n")
    moment = scene.moment(0)
    assert scene.models == ["face"]
    np.testing.assert_allclose(moment.pictures[0].blend.weights, 1)


def test_only_models_that_are_shown_are_opened(preset):
    extra = preset.models | {"unused": preset.models["portrait"]}
    assert used_models(preset.replace(models=extra)) == ["portrait", "ukiyoe"]


def test_random_noise_is_drawn_from_its_seed_and_equal_in_all_models(sample_folder):
    def maps(seed):
        scene = scene_of(CLIP + f"noise: {{mode: random, seed: {seed}}}\n")
        return [g.synthesis.b16.conv1.noise_const for cast in scene.casts for g in cast.generators]

    first, second = maps(1), maps(2)
    assert all(torch.equal(first[0], each) for each in first)
    assert not torch.equal(first[0], second[0])


def test_a_formula_without_a_value_at_another_rate_names_track_and_frame(sample_folder):
    scene = scene_of(CLIP + 'truncation: "=1/(f - 0.5)"\n')
    assert len(list(scene.moments())) == 13
    with pytest.raises(RenderError, match=r"^frame 1: truncation: =1/\(f - 0\.5\) at 0\.04 s: it divides by"):
        list(scene.at_fps(Fraction(25)).moments())


def test_a_width_that_overshoots_below_zero_renders(sample_folder):
    text = CLIP.replace("  low: portrait", "  low: portrait\n  width: [[0s, 3, out-back], [end, 0]]")
    moments = list(scene_of(text).moments())
    assert min(moment.values["blend.width"] for moment in moments) == 0


def test_a_file_that_asks_to_run_something_is_still_called_unsafe(tmp_path):
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x04cos\nsystem\n\x8c\x02ls\x85R.")
    preset = Preset.from_yaml("models: {bad: bad.pkl}\nclip: {duration: 1s}\n", base_dir=tmp_path)
    with pytest.raises(UnsafeCheckpointError, match=r"^models\.bad: bad\.pkl"):
        Scene.open(preset)


def test_a_path_that_the_system_refuses_is_one_line(sample_folder):
    with pytest.raises(CheckpointError, match=r"^models\.portrait: 'n+…? can't be read: File name too long$"):
        scene_of(CLIP.replace("sample:portrait", "n" * 300))


def test_a_missing_model_is_named_by_its_place(sample_folder):
    with pytest.raises(
        CheckpointError, match=r"models\.portrait: .*sample.*portrai.*did you mean sample:portrait"
    ):
        scene_of(CLIP.replace("sample:portrait", "sample:portrai"))


def test_a_position_track_says_how_far_the_walk_is(sample_folder):
    position = "[[0s, 0], [0.4s, 1], [0.8s, 1, ease], [end, 3]]"
    text = CLIP.replace("[3, 14, 15]", f"[3, 14, 15], position: {position}")
    ws = [moment.pictures[0].ws for moment in scene_of(text).moments()]
    at_second_seed = scene_of(CLIP.replace("[3, 14, 15]", "[14]")).moment(0).pictures[0].ws
    for index in (6, 8, 9):  # 13 frames in a second: frame 6 is at 0.46 s
        np.testing.assert_allclose(ws[index], at_second_seed, atol=1e-5)
    assert not np.allclose(ws[3], at_second_seed, atol=1e-2)
    assert not np.allclose(ws[12], at_second_seed, atol=1e-2)


def test_a_models_own_name_shows_that_model_alone(sample_folder, high):
    text = CLIP.replace("[low, blend, high]", "[high, ukiyoe]")
    text = text.replace("  snapshot: [[0s, 10], [50%, 40], [end, 10]]\n", "")
    shared, own = scene_of(text).moment(0).pictures
    alone = scene_of("version: 1\nmodels: {u: sample:ukiyoe}\nclip: {duration: 1s}\nlatents: {seeds: [3]}\n")
    np.testing.assert_allclose(own.ws, alone.moment(0).pictures[0].ws, atol=1e-6)
    assert np.abs(shared.ws - own.ws).max() > 1e-3
    np.testing.assert_array_equal(own.blend.noise, [0, 0, 0, 1])


def test_a_resolution_is_a_layer_of_the_network_at_hand(tmp_path):
    for seed, name in enumerate(("a", "b")):
        torch.manual_seed(seed)
        config = StyleGAN3Config(resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8)
        render.save(StyleGAN3(config), tmp_path / f"{name}.safetensors")
    text = "version: 1\nmodels: {a: a.safetensors, b: b.safetensors}\nclip: {duration: 1s}\n"
    text += "blend: {low: a, high: b, swap: [[0s, 16], [50%, L9], [end, 32]], mapping: low}\n"
    with pytest.warns(BlendreelWarning, match="unrelated"):
        scene = Scene.open(Preset.from_yaml(text, base_dir=tmp_path))
    first = [layer.resolution for layer in scene.model.layers].index(16)
    values = [scene.moment(index).values["blend.swap"] for index in (0, 29)]
    assert values == [first, len(scene.model.layers)]


def test_models_that_cannot_be_blended_are_told_with_place_and_difference(low, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    render.save(low, "a.safetensors")
    render.save(make_network(seed=5, w_dim=4), "b.safetensors")
    (tmp_path / "un.yaml").write_text(
        "models: {a: a.safetensors, b: b.safetensors}\nclip: {duration: 1s}\n"
        "blend: {low: a, high: b, swap: 8}\n"
    )
    told = CliRunner().invoke(main, ["check", "un.yaml"]).stderr
    assert told.startswith(
        "un.yaml:1:9: models: they differ and cannot be blended: a StyleGAN2 16 px w 8, b "
    )
    shown = CliRunner().invoke(main, ["render", "un.yaml", "-q", "-o", "u.mp4"])
    first, _, table = shown.stderr.partition("^\n")
    assert first.startswith("un.yaml:1:9: models: these models can't be blended; they differ in\n")
    assert "latents  z 8, w 8" in table
    assert shown.exit_code == 2
