"""Clusters: centres are found where they are, the same every time, and the nearest one is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import make_network
from hypothesis import given, settings
from hypothesis import strategies as st

from render.checkpoints import library
from render.checkpoints.load import load
from render.errors import LatentError
from render.latents.clusters import centres, k_means, mapped_samples, nearest


def test_centres_of_clear_clusters_are_found_largest_first():
    random = np.random.RandomState(0)
    places, sizes = random.randn(4, 8) * 10, (400, 300, 200, 100)
    points = [place + 0.1 * random.randn(size, 8) for place, size in zip(places, sizes, strict=True)]
    found = k_means(random.permutation(np.concatenate(points)).astype(np.float32), 4, seed=3)
    np.testing.assert_allclose(found, places, atol=0.05)
    assert found.dtype == np.float32


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_every_centre_is_the_mean_of_the_points_nearest_to_it(count, seed):
    points = np.random.RandomState(1).randn(200, 3).astype(np.float32)
    found = k_means(points, count, seed)
    members = nearest(points, found)
    for number in range(count):
        np.testing.assert_allclose(found[number], points[members == number].mean(axis=0), atol=1e-4)


def test_the_nearest_centre_is_the_nearest():
    random = np.random.RandomState(0)
    w, places = random.randn(5, 6, 8), random.randn(9, 8)
    distances = np.linalg.norm(w[:, :, None] - places, axis=-1)
    np.testing.assert_array_equal(nearest(w, places), distances.argmin(axis=-1))
    assert nearest(places[4], places) == 4


def test_points_that_are_all_one_are_no_trouble():
    np.testing.assert_array_equal(k_means(np.ones([5, 2], np.float32), 3, 0), np.ones([3, 2]))


def test_a_network_has_the_same_centres_every_time_and_one_is_the_average(low):
    one = centres(low.mapping, 4, seed=1, samples=600)
    np.testing.assert_array_equal(centres(low.mapping, 4, seed=1, samples=600), one)
    assert not np.allclose(centres(low.mapping, 4, seed=2, samples=600), one)
    average = mapped_samples(low.mapping, 600, seed=1).mean(axis=0)
    np.testing.assert_allclose(centres(low.mapping, 1, seed=1, samples=600)[0], average, atol=1e-5)


def test_samples_come_in_batches_without_a_seam_and_are_what_the_network_maps(low):
    z = np.random.RandomState(4).randn(1700, low.z_dim).astype(np.float32)
    with torch.no_grad():
        expected = low.mapping.to_w(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(mapped_samples(low.mapping, 1700, seed=4), expected, atol=1e-5)


def test_a_label_decides_whose_centres_they_are():
    network = make_network(seed=1, c_dim=3)
    found = [centres(network.mapping, 2, samples=100, label=np.eye(3)[index]) for index in range(2)]
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("count", "samples", "words"), [(0, 10, "from 1 to 1024"), (2000, 9, "from 1"), (11, 10, "at least")]
)
def test_a_count_that_makes_no_sense_is_refused(low, count, samples, words):
    with pytest.raises(LatentError, match=words):
        centres(low.mapping, count, samples=samples)


def test_a_trained_network_keeps_more_variety_truncated_to_centres_than_to_its_average():
    mapping = load(library.sample_folder() / "portrait.safetensors").mapping
    w = mapped_samples(mapping, 500, seed=9)
    places = centres(mapping, 16, samples=2000)
    average = mapping.w_avg.numpy()

    def spread(pulled):
        return np.square(pulled - pulled.mean(axis=0)).sum(axis=1).mean()

    to_average = average + 0.5 * (w - average)
    to_centres = places[nearest(w, places)] * 0.5 + 0.5 * w
    assert spread(to_centres) > 1.4 * spread(to_average)
