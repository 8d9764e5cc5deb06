"""Clusters of activations: known groups are found again, and channels go to where they are at work."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from conftest import make_network
from tensorflow_files import make_stylegan1
from test_stylegan3 import make_stylegan3

from render.blending.activations import observe
from render.blending.channel_clusters import Catalogue, densities, energy_in, find_clusters, spherical_kmeans
from render.errors import BlendError


def latents(network, count: int = 4):
    return torch.randn(count, network.num_ws, 8, generator=torch.Generator().manual_seed(3))


def test_directions_are_told_apart_whatever_their_length():
    random = torch.Generator().manual_seed(1)
    truth = torch.randint(3, (600,), generator=random)
    rows = torch.eye(5)[:3][truth] + 0.05 * torch.randn(600, 5, generator=random)
    labels = spherical_kmeans(F.normalize(rows, dim=1), 3, seed=4)
    assert len({(int(a), int(b)) for a, b in zip(truth, labels, strict=True)}) == 3
    assert torch.equal(labels, spherical_kmeans(F.normalize(rows * 7, dim=1), 3, seed=4))


def test_energy_is_counted_inside_each_mask():
    squares = torch.zeros(1, 2, 4, 4)
    squares[0, 0, :2], squares[0, 1, 3, 3] = 1.0, 5.0
    masks = torch.zeros(1, 2, 2, 2)
    masks[0, 0, 0], masks[0, 1, 1] = 1.0, 1.0  # the upper and the lower half, on a coarser grid
    assert energy_in(masks, squares).tolist() == [[8, 0], [0, 5]]
    finer = F.interpolate(masks, scale_factor=4.0)
    assert energy_in(finer, squares).tolist() == [[8, 0], [0, 5]]


def test_density_is_1_for_what_is_everywhere():
    areas = torch.tensor([0.75, 0.25])
    found = densities(torch.tensor([[0.75, 0.5, 0.0], [0.25, 0.5, 1.0]]), areas)
    torch.testing.assert_close(found[:, :2], torch.tensor([[1, 1 / 3], [1, 3]]))
    assert found[0, 2] == 0
    assert found[1, 2] > 1e6


def test_the_densest_channels_are_a_clusters():
    shares = torch.tensor([[0.9, 0.1, 0.7, 0.5, 0.8], [0.1, 0.9, 0.3, 0.5, 0.2]])
    catalogue = Catalogue(("8/1",), torch.zeros(1, 2, 2), torch.tensor([0.5, 0.5]), {"8/1": shares})
    assert catalogue.channels(0, share=1.0) == {"8/1": (0, 2, 4)}
    assert catalogue.channels(0, share=0.4) == {"8/1": (0, 4)}
    assert catalogue.channels(0, share=0.01) == {"8/1": (0,)}
    assert catalogue.channels(1, share=1.0) == {"8/1": (1,)}


def test_clusters_are_complete_ordered_and_the_same_again(low, ws):
    first, again = (find_clusters(low, ws, 4, ["8/1"], seed=2) for _ in range(2))
    assert torch.equal(first.labels, again.labels)
    assert first.labels.shape == (3, 8, 8)
    assert first.areas.sum() == pytest.approx(1)
    assert (first.areas.diff() <= 0).all()
    assert list(first.shares) == ["8/0", "8/1", "16/0", "16/1"]
    for shares in first.shares.values():
        torch.testing.assert_close(shares.sum(dim=0), torch.ones(8))
    owned = [
        (layer, channel)
        for cluster in range(4)
        for layer, channels in first.channels(cluster, 1.0).items()
        for channel in channels
    ]
    assert len(owned) == len(set(owned)) > 0  # a channel is in one cluster at most


def test_a_channel_goes_to_the_cluster_it_is_at_work_in():
    network = make_network(seed=1)
    catalogue = find_clusters(network, latents(network, 8), 4, ["16/1"])
    seen = torch.cat([seen.outputs["16/1"] for seen in observe(network, latents(network, 8), ["16/1"])])
    normal = (seen - seen.mean([0, 2, 3], True)) / seen.std([0, 2, 3], keepdim=True, unbiased=False)
    for cluster in range(4):
        inside = (catalogue.labels == cluster)[:, None]
        expected = (normal.square() * inside).sum([0, 2, 3]) / normal.square().sum([0, 2, 3])
        torch.testing.assert_close(catalogue.shares["16/1"][cluster], expected)


def test_several_layers_are_clustered_on_the_finest_grid(low, ws):
    assert find_clusters(low, ws, 3, ["4/1", "8/1"]).labels.shape == (3, 8, 8)


@pytest.mark.parametrize("make", [make_stylegan1, make_stylegan3])
def test_other_architectures_have_clusters_too(make):
    network = make(seed=1)
    catalogue = find_clusters(network, latents(network), 3)
    assert catalogue.labels.shape[1:] == (16, 16) if make is make_stylegan3 else (8, 8)
    assert all(hook == {} for hook in (module._forward_hooks for module in network.modules()))


def test_what_cannot_be_clustered_is_refused(low, ws):
    with pytest.raises(BlendError, match=r"layer '4/0' has no activations to look at; there are 4/1, 8/0"):
        find_clusters(low, ws, 4, ["4/0"])
    with pytest.raises(BlendError, match="2 to 100 clusters, not 1"):
        find_clusters(low, ws, 1)
    with pytest.raises(BlendError, match="90 clusters need more than 48 positions"):
        find_clusters(low, ws, 90, ["4/1"])
