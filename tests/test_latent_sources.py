"""Seeds mean what they mean everywhere, and random ones are the same ones tomorrow."""

from __future__ import annotations

import numpy as np
import pytest

from render.latents import random_seeds, seed_latents
from render.preset.seeds import RandomSeeds


def test_every_row_is_what_its_seed_means_whatever_stands_before_it():
    seeds = [14, 3, 14, 2**32 - 1]
    expected = [np.random.RandomState(seed).randn(1, 9)[0].astype(np.float32) for seed in seeds]
    np.testing.assert_array_equal(seed_latents(seeds, 9), expected)
    assert seed_latents([], 9).shape == (0, 9)


def test_random_seeds_differ_and_the_first_stay_when_more_are_asked_for():
    seeds = random_seeds(500, 1)
    assert len(set(seeds)) == 500
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert random_seeds(8, 1) == seeds[:8]
    assert random_seeds(8, 2) != seeds[:8]


def test_random_seeds_never_change():
    assert random_seeds(3, 1) == [1791095845, 2135392491, 946286476]


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_a_count_that_makes_no_sense_is_refused(count):
    with pytest.raises(ValueError, match="from 1 to 100,000"):
        random_seeds(count, 0)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_preset_draws_the_same_seeds_without_numpy(seed):
    assert list(RandomSeeds(count=300, seed=seed).seeds) == random_seeds(300, seed)
