"""Even pace: what rushed and dawdled moves evenly; ends, keys and order of time stay."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import RenderError
from render.latents.pace import (
    Pace,
    colour_distances,
    compare_pace,
    even_pace,
    features,
    picture_distances,
    unevenness,
)

X = np.linspace(0, 1, 24)


def blob(place: float) -> np.ndarray:
    """A soft spot on a line through a 24 px picture."""
    row = np.exp(-(((X - place) / 0.15) ** 2))
    column = np.exp(-(((X - 0.5) / 0.15) ** 2))
    return (column[:, None] * row)[:, :, None].repeat(3, axis=2).astype(np.float32)


def moving(place):
    """Pictures of a blob that is at `place(seconds)`."""
    return lambda times: np.stack([blob(0.2 + 0.6 * place(time)) for time in times])


def rushing(seconds: float) -> float:
    return 0.1 * (seconds / 4) + 0.9 * (seconds / 4) ** 3


def test_a_rushing_picture_moves_evenly():
    pace = even_pace(moving(rushing), 0, 4, samples=48)
    compared = compare_pace(moving(rushing), pace, [n / 25 for n in range(101)])
    assert unevenness(compared.before) > 0.6
    assert unevenness(compared.after) < 0.04
    assert unevenness(compared.colours_after) < unevenness(compared.colours_before) / 10


def test_pictures_in_bytes_serve_as_well():
    def in_bytes(times):
        return (255 * moving(rushing)(times)).astype(np.uint8)

    pace = even_pace(in_bytes, 0, 4, samples=48)
    assert unevenness(compare_pace(in_bytes, pace, [n / 25 for n in range(101)]).after) < 0.1


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.floats(0.001, 1), min_size=3, max_size=8),
    st.lists(st.fractions(0, 4, max_denominator=30), max_size=3),
)
def test_time_never_runs_back_and_ends_and_fixed_moments_stay(speeds, fixed):
    way = np.concatenate([[0], np.cumsum(speeds)]) / np.sum(speeds)

    def place(seconds):
        return np.interp(seconds, np.linspace(0, 4, len(way)), way)

    pace = even_pace(moving(place), Fraction(0), Fraction(4), fixed, samples=24)
    times = [Fraction(n, 50) for n in range(-10, 211)]
    places = [pace(time) for time in times]
    assert all(after >= before for before, after in pairwise(places))
    assert all(0 <= float(pace(time)) <= 4 for time in times if 0 <= time <= 4)
    for moment in (Fraction(0), Fraction(4), *fixed, Fraction(-1), Fraction(5)):
        assert pace(moment) == moment
        assert isinstance(pace(moment), Fraction)


def test_a_cut_at_a_fixed_moment_does_not_slow_what_comes_before_it():
    def cutting(seconds):
        return seconds / 8 if seconds < 2 else 0.5 + seconds / 8

    pace = even_pace(moving(cutting), 0, 4, fixed=[2], samples=32)
    assert pace(1.0) == pytest.approx(1, abs=0.1)
    assert pace(1.96) < 2
    assert pace(3.0) == pytest.approx(3, abs=0.1)


def test_a_picture_that_stands_still_keeps_its_time():
    pace = even_pace(moving(lambda seconds: 0.5), 0, 4, samples=8)
    assert [pace(time) for time in (0, 1.5, 4)] == [0, 1.5, 4]


def test_a_rest_in_the_middle_is_passed_at_once():
    def resting(seconds):
        return float(np.interp(seconds, [0, 1, 3, 4], [0, 0.5, 0.5, 1]))

    pace = even_pace(moving(resting), 0, 4, samples=64)
    assert pace(1.9) < 1.1
    assert pace(2.1) > 2.9


def test_few_pictures_are_asked_for_at_once():
    counts = []

    def counted(times):
        counts.append(len(times))
        return moving(rushing)(times)

    even_pace(counted, 0, 4, samples=40)
    assert max(counts) <= 16
    assert sum(counts) <= 82


def test_a_pace_is_the_same_whenever_it_is_asked_for():
    one, two = (even_pace(moving(rushing), 0, 4, samples=16) for _ in range(2))
    assert one == two
    assert Pace((0.0, 4.0), (0.0, 4.0), (0, 4))(1) == 1


def test_an_edge_that_moves_counts_more_than_a_change_of_light_by_as_much():
    here, moved = blob(0.4), blob(0.43)
    lighter = here + colour_distances(iter([here, moved]))[0]
    assert colour_distances(iter([here, lighter])) == pytest.approx(colour_distances(iter([here, moved])))
    assert picture_distances(iter([here, moved]))[0] > picture_distances(iter([here, lighter]))[0]


def test_features_do_not_depend_on_the_size_much():
    small, large = blob(0.4), np.kron(blob(0.4), np.ones((2, 2, 1), np.float32))
    ratio = np.linalg.norm(features(large)) / np.linalg.norm(features(small))
    assert 0.8 < ratio < 1.5


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"start": 4, "end": 4}, "start before its end"), ({"start": 0, "end": 4, "samples": 1}, "two samples")],
)
def test_a_pace_that_makes_no_sense_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        even_pace(moving(rushing), **arguments)


def test_too_few_pictures_are_an_error():
    with pytest.raises(RenderError, match="pace: 9 pictures were wanted"):
        even_pace(lambda times: np.zeros([1, 4, 4, 3]), 0, 4, samples=8)


@pytest.mark.slow
def test_a_spline_through_a_trained_network_moves_three_times_as_evenly():
    import torch

    from render.checkpoints import library
    from render.checkpoints.load import load
    from render.latents import Walk, seed_latents

    network = load(library.sample_folder() / "portrait.safetensors").use_shared_weights()
    order = (0, 1, 2, 3, 4, 5, 0)
    walk = Walk(tuple(Fraction(8 * n, 6) for n in range(7)), order, "spline", loop=True)
    z = torch.from_numpy(seed_latents([3, 14, 15, 92, 65, 35], network.z_dim))
    w = network.mapping.to_w(z).numpy()

    def pictures(times):
        here = torch.from_numpy(np.stack([walk.point(w, time) for time in times]))
        ws = network.mapping.truncate(here[:, None].repeat(1, network.num_ws, 1), 0.7)
        images = network.synthesis(ws, resolution=128)
        return (images * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()

    with torch.no_grad():
        compared = compare_pace(pictures, even_pace(pictures, 0, 8), [Fraction(n, 25) for n in range(200)])
    assert unevenness(compared.after) < unevenness(compared.before) / 3
    assert unevenness(compared.colours_after) < unevenness(compared.colours_before) / 3
