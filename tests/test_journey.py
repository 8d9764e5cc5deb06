"""Journeys: which ws a preset's latents mean on a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from render.errors import LatentError, PresetError
from render.latents import GreatCircle, NoiseLoop, seed_latents
from render.latents.directions import sefa
from render.networks import StyleGAN3, StyleGAN3Config
from render.preset import Preset
from render.projection.files import save_latents
from render.renderer import Renderer
from render.scene import Scene
from render.scene.journey import layers_of_rows
from tests.conftest import make_network

ONE = "version: 1\nmodels: {face: %s}\nclip: {duration: 1s, fps: 10, loop: true%s}\n"


def scene_of(
    latents: str, more: str = "", clip: str = "", face: str = "sample:portrait", folder=None
) -> Scene:
    return Scene.open(Preset.from_yaml(f"{ONE % (face, clip)}latents: {latents}\n{more}", base_dir=folder))


def ws_of(scene: Scene, frame_index: int) -> np.ndarray:
    return scene.moment(frame_index).pictures[0].ws


def seed_ws(low, seed: int, psi: float = 0.7) -> np.ndarray:
    return low.mapping(torch.from_numpy(seed_latents([seed], low.z_dim)), truncation_psi=psi)[0].numpy()


def test_keys_pass_their_latents_at_their_times(sample_folder, low):
    scene = scene_of("{keys: [[0b, seed 3], [2b, 14, hold], [3b, 15]]}", clip=", bpm: 240")
    np.testing.assert_allclose(ws_of(scene, 0), seed_ws(low, 3), atol=1e-5)
    np.testing.assert_allclose(ws_of(scene, 5), seed_ws(low, 14), atol=1e-5)
    np.testing.assert_allclose(ws_of(scene, 7), seed_ws(low, 14), atol=1e-5)
    on_the_way = ws_of(scene, 8)  # cut to 15 at 0.75 s, and 0.05 of 0.25 s on towards 3
    far, near = (np.linalg.norm(on_the_way - seed_ws(low, seed)) for seed in (14, 15))
    assert near < far / 2


def test_two_keys_at_one_time_cut(sample_folder, low):
    scene = scene_of("{keys: [[0s, 3], [0.5s, 14], [0.5s, 15], [end, 3]], path: linear}")
    np.testing.assert_allclose(ws_of(scene, 5), seed_ws(low, 15), atol=1e-5)
    before = (0.2 * seed_ws(low, 3) + 0.8 * seed_ws(low, 14)).astype(np.float32)
    np.testing.assert_allclose(ws_of(scene, 4), before, atol=1e-5)


def test_keys_that_begin_late_close_the_loop_around_its_end(sample_folder, low):
    scene = scene_of("{keys: [[0.2s, 3], [0.7s, 14]], path: linear}")
    expected = 0.6 * seed_ws(low, 3) + 0.4 * seed_ws(low, 14)  # 0.3 of 0.5 s after the second key
    np.testing.assert_allclose(ws_of(scene, 0), expected, atol=1e-5)


def test_files_of_w_are_shown_as_they_are(sample_folder, tmp_path, low):
    w_plus = np.random.RandomState(1).randn(low.num_ws, low.w_dim).astype(np.float32)
    np.savez(tmp_path / "me.npz", w=w_plus[None])
    (tmp_path / "latents").mkdir()
    np.save(tmp_path / "latents" / "anna.npy", w_plus[0])
    scene = scene_of("{keys: [[0s, file me.npz], [0.5s, anna], [0.8s, 3]]}", folder=tmp_path)
    np.testing.assert_array_equal(ws_of(scene, 0), w_plus)
    np.testing.assert_allclose(ws_of(scene, 5), np.repeat(w_plus[:1], low.num_ws, axis=0), atol=1e-6)
    np.testing.assert_allclose(ws_of(scene, 8), seed_ws(low, 3), atol=1e-5)


def test_every_row_of_a_file_is_a_stop(sample_folder, tmp_path, low):
    rows = np.random.RandomState(2).randn(5, low.w_dim).astype(np.float32)
    np.save(tmp_path / "walk.npy", rows)
    scene = scene_of("{files: walk.npy, path: linear}", folder=tmp_path)
    np.testing.assert_allclose(ws_of(scene, 4)[0], rows[2], atol=1e-6)


def test_a_file_of_z_is_mapped_and_truncated(sample_folder, tmp_path, low):
    np.save(tmp_path / "z.npy", seed_latents([3], low.z_dim))
    scene = scene_of("{files: [{file: z.npy, space: z}]}", folder=tmp_path)
    np.testing.assert_allclose(ws_of(scene, 0), seed_ws(low, 3), atol=1e-5)


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        ("{files: [gone.npy]}", r"latents\.files\[0\]: .*gone\.npy"),
        (
            "{keys: [[0s, 3], [0.5s, anna]]}",
            r"latents\.keys\[1\]: there is no latent called 'anna'.*did you mean 'ann'",
        ),
        (
            "{files: [two.npy], path: slerp}",
            r"latents\.files\[0\]: two\.npy#0 is a point in w, and slerp goes",
        ),
        (
            "{keys: [[0s, 3], [1f, two.npy]]}",
            r"latents\.keys\[1\]: .*holds 2 latents; say which: two\.npy#0",
        ),
        ("{keys: [[0s, two.npy#7]]}", r"latents\.keys\[0\]: two\.npy#7: the file has 2 latents"),
        (
            "{files: wide.npy}",
            r"latents\.files\[0\]: wide\.npy: latents of w with 9 numbers, but the network takes 8",
        ),
    ],
)
def test_latents_that_cannot_be_found_are_named_by_place(sample_folder, tmp_path, low, latents, message):
    np.save(tmp_path / "two.npy", np.ones([2, low.w_dim]))
    np.save(tmp_path / "ann.npy", np.ones([1, low.w_dim]))
    np.save(tmp_path / "wide.npy", np.ones([1, low.w_dim + 1]))
    with pytest.raises(LatentError, match=message):
        scene_of(latents, folder=tmp_path)


def test_a_circle_and_a_noise_loop_close_once_a_clip(sample_folder, low):
    circle = scene_of("{seeds: [3, 14], path: circle}")
    curve = GreatCircle(*seed_latents([3, 14], low.z_dim))
    w = low.mapping(torch.from_numpy(curve.point(0.3)[None]), truncation_psi=0.7)[0]
    np.testing.assert_allclose(ws_of(circle, 3), w, atol=1e-5)
    loop = scene_of("{path: noise-loop, seed: 4, diameter: 2, every: 0.5s}")
    np.testing.assert_allclose(ws_of(loop, 1), ws_of(loop, 6), atol=1e-5)
    w = low.mapping(torch.from_numpy(NoiseLoop(4, low.z_dim, 2).point(0.2)[None]), truncation_psi=0.7)[0]
    np.testing.assert_allclose(ws_of(loop, 1), w, atol=1e-5)


def test_style_mixing_takes_rows_from_another_walk(sample_folder, low):
    scene = scene_of("{seed: 3, mixing: {seed: 14, layers: 2+, weight: [[0s, 0], [end, 1]]}}")
    mixed = ws_of(scene, 4)
    np.testing.assert_allclose(mixed[:2], seed_ws(low, 3)[:2], atol=1e-5)
    expected = 0.6 * seed_ws(low, 3) + 0.4 * seed_ws(low, 14)
    np.testing.assert_allclose(mixed[2:], expected[2:], atol=1e-5)


def test_people_are_mixed_from_files(sample_folder, tmp_path):
    """Latents as `blendreel project` writes them: one has the head, two others give the fine rows."""
    ws = np.random.RandomState(4).randn(3, 6, 8).astype(np.float32)
    save_latents(tmp_path / "me.npz", ws[:1], ["me"], model="portrait")
    save_latents(tmp_path / "friends.npz", ws[1:], ["ann", "bob"], model="portrait")
    mixing = "{files: [friends.npz], layers: 3+, every: 0.5s, path: linear}"
    scene = scene_of(f"{{files: me.npz, mixing: {mixing}}}", folder=tmp_path)
    for frame, (first, second) in {0: (1, 0), 2: (0.6, 0.4), 5: (0, 1)}.items():
        np.testing.assert_array_equal(ws_of(scene, frame)[:3], ws[0, :3])
        expected = first * ws[1, 3:] + second * ws[2, 3:]
        np.testing.assert_allclose(ws_of(scene, frame)[3:], expected, atol=1e-6)
    scene = scene_of(
        "{seed: 7, mixing: {keys: [[0s, me.npz], [50%, file me.npz]], layers: 0-2}}", folder=tmp_path
    )
    np.testing.assert_allclose(ws_of(scene, 3)[:3], ws[0, :3], atol=1e-6)


def test_directions_move_their_rows_by_their_strength(sample_folder, tmp_path, low):
    age = np.random.RandomState(3).randn(low.w_dim).astype(np.float32)
    np.save(tmp_path / "age.npy", age)
    directions = "[{sefa: 1, layers: 0-2, strength: [[0s, -3], [end, 3]]}, {file: age.npy, strength: 2}]"
    scene = scene_of(f"{{seed: 3, directions: {directions}}}", folder=tmp_path)
    expected = seed_ws(low, 3) + 2 * age
    expected[:3] += -3 * sefa(low, [0, 1, 2])[1]
    np.testing.assert_allclose(ws_of(scene, 0), expected, atol=1e-4)


def test_truncation_over_layers_reaches_the_rows_that_style_them(sample_folder, low):
    scene = scene_of("{seed: 3}", "truncation: {4-8: 0.5}\n")
    rows = layers_of_rows(low)
    assert rows.tolist() == [1, 2, 3, 4, 5, 5]
    expected = np.where((rows <= 3)[:, None], seed_ws(low, 3, 0.5), seed_ws(low, 3, 1))
    np.testing.assert_allclose(ws_of(scene, 0), expected, atol=1e-5)


def test_a_moving_cutoff_counts_whole_rows(sample_folder, low):
    scene = scene_of("{seed: 3}", "truncation_cutoff: [[0s, 0], [end, 6]]\n")
    np.testing.assert_allclose(ws_of(scene, 0), seed_ws(low, 3, 1), atol=1e-5)
    np.testing.assert_allclose(ws_of(scene, 5)[:3], seed_ws(low, 3)[:3], atol=1e-5)
    np.testing.assert_allclose(ws_of(scene, 5)[3:], seed_ws(low, 3, 1)[3:], atol=1e-5)


def test_clusters_pull_to_another_centre_than_the_average(sample_folder, low):
    scene = scene_of("{seeds: [3, 14]}", "truncation: 0\ntruncation_clusters: {count: 3, seed: 1}\n")
    ends = ws_of(scene, 0)[0], ws_of(scene, 5)[0]
    assert not np.allclose(ends[0], low.mapping.w_avg, atol=1e-2)
    steps = [np.linalg.norm(ws_of(scene, n + 1) - ws_of(scene, n)) for n in range(9)]
    assert not np.allclose(*ends, atol=1e-2)
    assert max(steps) < np.linalg.norm(ends[1] - ends[0]) * len(ws_of(scene, 0)) ** 0.5 / 2  # it does not pop
    with pytest.raises(PresetError, match="truncation_clusters: a circle has no stops"):
        scene_of("{seeds: [3, 14], path: circle}", "truncation_clusters: 4\n")


def test_labels_fade_between_classes(sample_folder, tmp_path):
    from render.checkpoints.native import save

    network = make_network(seed=9, c_dim=4)
    save(network, tmp_path / "cond.safetensors")
    scene = scene_of(
        "{seed: 3, labels: [[0s, 1], [0.5s, 2, fade 0.2s]]}", face="cond.safetensors", folder=tmp_path
    )
    z = torch.from_numpy(seed_latents([3], network.z_dim))
    for frame_index, label in ((0, [0, 1, 0, 0]), (6, [0, 0.5, 0.5, 0]), (8, [0, 0, 1, 0])):
        expected = network.mapping(z, torch.tensor([label]).float(), truncation_psi=0.7)[0]
        np.testing.assert_allclose(ws_of(scene, frame_index), expected, atol=1e-5)
    with pytest.raises(
        PresetError, match=r"latents\.labels: there is no class 7; these networks have classes 0 to 3"
    ):
        scene_of("{seed: 3, labels: 7}", face="cond.safetensors", folder=tmp_path)
    with pytest.raises(PresetError, match=r"latents\.labels: these networks have no labels"):
        scene_of("{seed: 3, labels: 1}")


def test_a_transform_moves_stylegan3_alone(sample_folder, tmp_path):
    from render.checkpoints.native import save

    size = {"channel_base": 512, "channel_max": 8, "num_layers": 6, "z_dim": 8, "w_dim": 8}
    torch.manual_seed(0)
    save(StyleGAN3(StyleGAN3Config(resolution=16, **size)), tmp_path / "t.safetensors")
    moved = scene_of(
        "{seed: 3}",
        "transform: {x: [[0s, 0], [end, 1]], rotate: 90}\n",
        face="t.safetensors",
        folder=tmp_path,
    )
    still = scene_of("{seed: 3}", "", face="t.safetensors", folder=tmp_path)
    frames = [next(Renderer(scene).frames([scene.moment(5)])) for scene in (moved, still)]
    assert np.abs(frames[0].astype(int) - frames[1]).mean() > 1
    with pytest.raises(PresetError, match="transform: only StyleGAN3 can move its picture"):
        scene_of("{seed: 3}", "transform: {x: 0.5}\n")


def test_an_even_pace_keeps_the_ends_and_the_keys(sample_folder, low):
    even = scene_of("{keys: [[0s, 3], [0.4s, 14], [0.8s, 15]], pace: even}")
    for frame_index, seed in ((0, 3), (4, 14), (8, 15)):
        np.testing.assert_allclose(ws_of(even, frame_index), seed_ws(low, seed), atol=1e-5)
    clock = scene_of("{keys: [[0s, 3], [0.4s, 14], [0.8s, 15]]}")
    assert not np.allclose(ws_of(even, 2), ws_of(clock, 2), atol=1e-4)


def test_a_moment_at_another_rate_shows_the_same_second(sample_folder):
    scene = scene_of("{seeds: [3, 14], pace: even, mixing: {seed: 5, layers: 3+}}")
    from fractions import Fraction

    np.testing.assert_allclose(ws_of(scene.at_fps(Fraction(20)), 6), ws_of(scene, 3), atol=1e-6)
