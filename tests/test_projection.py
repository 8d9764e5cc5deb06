"""Projection: latents of pictures that a network can draw are found again, alone or among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from render.errors import LatentError, PresetError
from render.latents import load_latents
from render.projection import Plan, project
from render.projection.files import check_target, save_latents
from render.projection.losses import PictureLoss, pyramid_distance
from render.projection.measures import flicker, psnr, ssim
from render.projection.optimise import noise_correlation, schedule
from render.projection.side_by_side import side_by_side
from render.projection.start import Samples, draw_samples, samples_of
from tests.conftest import make_network


@pytest.fixture(scope="module")
def samples(low):
    return draw_samples(low, 64)


@pytest.fixture(scope="module")
def targets(low):
    """Three pictures that the network draws, of latents that are none of the samples: [3, 3, 16, 16]."""
    z = torch.randn(3, low.z_dim, generator=torch.Generator().manual_seed(77))
    with torch.no_grad():
        return low.synthesis(low.mapping(z, truncation_psi=0.7)).clamp(-1, 1)


def distance(images, targets):
    return float(pyramid_distance(images - targets).mean())


@pytest.mark.parametrize("space", ["w", "w+"])
def test_pictures_of_the_network_are_found_again(low, samples, targets, space):
    before = {name: tensor.clone() for name, tensor in low.state_dict().items()}
    found = project(low, targets, Plan(space=space, steps=60), samples=samples)
    start = low.synthesis(low.mapping.truncate(samples.nearest(targets)[:, None].expand(-1, 6, -1), 1))
    assert distance(found.images, targets) < 0.6 * distance(start, targets)
    assert found.losses.shape == (60, 3)
    assert found.ws.shape == (3, low.num_ws, low.w_dim)
    assert all(torch.equal(tensor, before[name]) for name, tensor in low.state_dict().items())
    with torch.no_grad():
        torch.testing.assert_close(low.synthesis(found.ws), found.images, atol=1e-4, rtol=0)


def test_w_has_one_latent_for_all_layers_and_w_plus_comes_nearer(low, samples, targets):
    one, many = (project(low, targets, Plan(space=s, steps=60), samples=samples) for s in ("w", "w+"))
    assert bool((one.ws == one.ws[:, :1]).all())
    assert not bool((many.ws == many.ws[:, :1]).all())
    assert distance(many.images, targets) < distance(one.images, targets)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_a_photo_among_others_gives_what_it_gives_alone(low, samples, targets, space, monkeypatch):
    plan = Plan(space=space, steps=10)
    together = project(low, targets, plan, samples=samples)
    alone = project(low, targets[1:2], plan, samples=samples)
    torch.testing.assert_close(together.ws[1:2], alone.ws, atol=1e-3, rtol=1e-3)
    monkeypatch.setitem(project.__globals__["PIXELS_AT_ONCE"], "cpu", 1)  # one after the other
    apart = project(low, targets, plan, samples=samples)
    torch.testing.assert_close(together.ws, apart.ws, atol=1e-3, rtol=1e-3)


def test_the_same_seed_gives_the_same_latents(low, samples, targets):
    def found(seed):
        return project(low, targets[:1], Plan(space="w", steps=5, seed=seed), samples=samples).ws

    assert torch.equal(found(1), found(1))
    assert not torch.equal(found(1), found(2))


def test_the_pull_holds_w_plus_near_the_average(low, samples, targets):
    def size(pull):
        found = project(low, targets, Plan(steps=40, pull=pull), samples=samples)
        return float(((found.ws - low.mapping.w_avg) / samples.spread).square().mean())

    assert size(3.0) < 0.7 * size(0.0)


def test_progress_counts_every_step_and_the_watcher_sees_pictures(low, samples, targets):
    told, seen = [], []
    project(
        low,
        targets,
        Plan(steps=4),
        samples=samples,
        progress=lambda *how: told.append(how),
        watch=lambda step, images: seen.append((step, tuple(images.shape))),
    )
    assert [how[:2] for how in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[-1][2] < told[0][2]
    assert seen == [(step, (3, 3, 16, 16)) for step in range(4)]


def test_plans_that_make_no_sense_are_refused():
    with pytest.raises(PresetError, match=r"unknown space 'z'; there are w, w\+"):
        Plan(space="z")
    with pytest.raises(PresetError, match="1 or more, not 0"):
        Plan(steps=0)


def test_the_rate_rises_and_falls():
    rates = [schedule(step / 100) for step in range(100)]
    assert rates[0] < 0.05
    assert max(rates) == 1
    assert rates[-1] < 0.01


# --- where it starts ----------------------------------------------------------------------------------------


def test_the_nearest_sample_of_a_sample_is_itself(low, samples):
    with torch.no_grad():
        images = low.synthesis(samples.w[[5, 40]][:, None].expand(-1, low.num_ws, -1))
    torch.testing.assert_close(samples.nearest(images), samples.w[[5, 40]])


def test_samples_are_kept_for_each_network_and_drawn_again_where_the_cache_is_damaged(tmp_path):
    import render
    from render.checkpoints.native import save

    files = [save(make_network(seed), tmp_path / f"{seed}.safetensors") for seed in (1, 2)]
    cache = tmp_path / "cache"
    made = [samples_of(render.load(file), 8, cache) for file in files]
    kept = sorted(cache.iterdir())
    assert len(kept) == 2
    assert not torch.equal(made[0].pictures, made[1].pictures)
    again = samples_of(render.load(files[0]), 8, cache)
    assert torch.equal(again.pictures, made[0].pictures)
    for file in kept:
        file.write_bytes(file.read_bytes()[:200])
    assert torch.equal(samples_of(render.load(files[0]), 8, cache).pictures, made[0].pictures)
    assert samples_of(make_network(3), 8, cache).w.shape == (8, 8)  # of no file: not kept
    assert len(list(cache.iterdir())) == 2


# --- losses and measures ------------------------------------------------------------------------------------


def test_the_pyramid_is_nothing_for_equal_pictures_and_grows_with_the_difference():
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    loss = PictureLoss(images)
    assert loss(images).abs().max() < 1e-6
    small, large = loss(images + 0.1), loss(images + 0.5)
    assert bool((small < large).all())


def test_the_pyramid_sees_a_moved_edge_less_than_another_picture():
    base = torch.zeros(1, 3, 32, 32)
    base[..., 10:] = 1
    other = torch.zeros(1, 3, 32, 32)
    other[..., 20:] = 1
    loss = PictureLoss(base)
    assert loss(base.roll(1, dims=3)) < loss(other)


def test_features_are_added_with_their_weight():
    images = torch.rand(1, 3, 16, 16)
    plain = PictureLoss(torch.zeros_like(images))
    seen = PictureLoss(torch.zeros_like(images), lambda x: [x, x], weight=2.0)
    extra = 4 * images.square().sum(dim=1).mean()
    torch.testing.assert_close(seen(images), plain(images) + extra)


def test_measures_know_their_values():
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert float(psnr(image * 0 + 0.1, image * 0)) == pytest.approx(26.02, abs=0.01)
    assert float(ssim(image, image)) == pytest.approx(1, abs=1e-5)
    assert float(ssim(image, -image)) < 0
    film = torch.zeros(4, 3, 16, 16)
    assert flicker(film + 0.5, film) == 0  # wrong, and still
    film[1::2] += 2 / 255
    assert flicker(film, film) == 0
    assert flicker(film, torch.zeros_like(film)) == pytest.approx(1, abs=1e-3)
    assert flicker(film[:1], film[:1]) == 0


def test_noise_is_told_from_pictures():
    noise = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(-1.7, 1.7, 32).expand(1, 1, 32, 32)
    assert float(noise_correlation(noise)) < 0.1 * float(noise_correlation(ramp))


# --- files --------------------------------------------------------------------------------------------------


def test_files_are_read_as_presets_read_them_and_as_nvidia_has_them(tmp_path):
    ws = np.random.default_rng(0).normal(size=(2, 6, 8)).astype(np.float32)
    path = save_latents(tmp_path / "us.npz", ws, ["me", "you"], model="portrait")
    found = load_latents(path)
    assert found.is_w_plus
    np.testing.assert_array_equal(found.values, ws)
    with np.load(path) as arrays:  # as its `gen_images.py --projected-w` does
        assert arrays["w"].shape[1:] == (6, 8)
        assert list(arrays["names"]) == ["me", "you"]
    assert list(tmp_path.iterdir()) == [path]


def test_bad_places_are_told_before_anything_slow(tmp_path):
    with pytest.raises(LatentError, match=r"name it me\.npz"):
        check_target(tmp_path / "me.npy")
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(LatentError, match="is a folder"):
        check_target(tmp_path / "a.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(LatentError, match="cannot be written"):
        check_target(tmp_path / "file" / "me.npz")


def test_the_picture_shows_every_photo_in_a_row(low, targets):
    sheet = side_by_side(targets, targets * 0.9, ["a", "b", "c"])
    one = side_by_side(targets[:1], targets[:1], ["a"])
    assert sheet.height > 2.5 * one.height - 120
    assert np.asarray(one)[60:100, -100:-60].max() < 30  # no difference: black


def test_samples_know_their_spread():
    samples = Samples(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    torch.testing.assert_close(samples.spread, torch.tensor([2**0.5, 1e-6]))


@pytest.mark.parametrize("name", ["latents.pt", "projected_w.npz", "projected_w.npy"])
def test_files_of_other_projectors_and_encoders_load(tmp_path, name):
    """e4e and pSp save a bare tensor, NVIDIA's projector and stylegan3-fun's an array `w` or a bare one."""
    ws = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(0))
    path = tmp_path / name
    if name.endswith(".pt"):
        torch.save(ws, path)
    elif name.endswith(".npz"):
        np.savez(path, w=ws.numpy())
    else:
        np.save(path, ws.numpy())
    found = load_latents(path)
    assert found.is_w_plus
    np.testing.assert_array_equal(found.values, ws.numpy())
