"""The channel experiment: masks are learnt, densities are right, and sets are compared with their like."""

from __future__ import annotations

import pytest
import torch

import samples.channel_experiment as experiment
from samples.channel_masks import PARTS, learn, masks_of, paintings


def test_masks_are_learnt_the_same_way_each_time():
    pictures, truth = paintings(2, seed=5)
    assert truth.shape == (2, len(PARTS), 64, 64)
    large = torch.nn.functional.interpolate(pictures, scale_factor=2.0)
    first, again = (masks_of(learn(steps=2), large) for _ in range(2))
    assert set(first) == set(PARTS)
    assert all(torch.equal(first[part], again[part]) for part in PARTS)
    assert first["eyes"].shape == (2, 128, 128)


def test_density_is_the_mean_inside_over_that_outside():
    # One part that is a quarter of 100 places; one channel at work only there, one everywhere alike.
    room = torch.tensor([[25.0, 25.0], [100.0, 100.0]])
    sums = torch.tensor([[50.0, 25.0], [50.0, 100.0]])
    density = experiment._density(sums, room)
    assert density[0, 0] > 1e9
    assert density[0, 1] == pytest.approx(1)


def test_saved_sets_suit_every_network_and_share_no_channel():
    first = {"32/0": torch.tensor([[9.0, 8, 1, 0], [0.0, 9, 1, 0], [0.0, 1, 1, 3]])}
    other = {"32/0": torch.tensor([[0.0, 7, 2, 0], [0.0, 9, 1, 0], [0.0, 1, 1, 3]])}
    sets = experiment.shared_sets([first, other])
    assert [(one.name, one.channels) for one in sets] == [
        ("eyes", {"32/0": ()}),  # 0 is of no use with the other, and 1 is even more the mouth's
        ("mouth", {"32/0": (1,)}),
        ("hair", {"32/0": (3,)}),
    ]


def test_sets_are_compared_with_their_like():
    scores = {"32/0": torch.rand(3, 40), "32/1": torch.rand(3, 7)}
    chosen = experiment.most(scores, 1)
    assert {name: len(numbers) for name, numbers in chosen.items()} == {"32/0": 2, "32/1": 1}
    assert chosen["32/1"] == [int(scores["32/1"][1].argmax())]

    class Case:
        def __init__(self):
            self.counts, self.asked = {"32/0": 40, "32/1": 7}, []

        def ratio(self, drawn, part):
            self.asked.append(drawn)
            return float(len(self.asked))

    case = Case()
    ratios = experiment.random_ratios(case, chosen, "mouth", 5)
    assert ratios.tolist() == [1, 2, 3, 4, 5]
    for drawn in case.asked:
        assert {name: len(set(numbers)) for name, numbers in drawn.items()} == {"32/0": 2, "32/1": 1}
    assert any(drawn != case.asked[0] for drawn in case.asked)
