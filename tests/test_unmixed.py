"""What is not mixed yet is known by what it will be, and comes to it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import make_relative
from torch import Tensor

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.networks.fast import fast
from render.networks.unmixed import Mix, identity, mixed, weighted_sum

STILL = Blend.low_high(6, 3)
BLENDS = {
    "a cut": STILL,
    "a fade": Blend.low_high(6, 2.25),
    "every layer": Blend.low_high(6, 0, weight=0.3),
    "beyond": Blend.low_high(6, 0, weight=1.7),
    "by norm": Blend(Blend.low_high(6, 2.5, 3).weights, interpolation="keep-norm"),
    "pulled": Blend.low_high(6, 2.5, 3).take(1, {3: [0, 2]}),
    "pulled out of one network": STILL.take(1, {1: [0, 2]}),
}


@pytest.mark.parametrize("name", BLENDS)
def test_sources_come_to_the_mixed_tensors(low, high, name):
    whole = Blender([low, high]).tensors(BLENDS[name])
    sources = Blender([low, high]).sources(BLENDS[name])
    assert sources.keys() == whole.keys()
    assert all(isinstance(tensor, Tensor) for tensor in whole.values())
    assert all(torch.equal(mixed(source), whole[key]) for key, source in sources.items())
    # What is all one network's is that network's own; only pulled channels are mixed at once.
    own = {id(tensor) for network in (low, high) for tensor in (*network.parameters(), *network.buffers())}
    for source in sources.values():
        assert isinstance(source, Mix) or id(source) in own or "pulled" in name


@pytest.mark.parametrize(
    "shares", [(0.3, 0.7), (0.7, 0.3), (-0.7, 1.7), (0.3, 0.3), (0.2, 0.3, 0.5), (0.4,), (1, 0)]
)
def test_a_sum_is_the_same_in_any_number_of_threads(shares, use_threads):
    """And of every piece by itself: no picture hangs on who mixes its weights."""
    source = torch.Generator().manual_seed(0)
    tensors = [torch.randn(200_003, generator=source) for _ in shares]
    parts = list(zip(tensors, shares, strict=True))
    found = weighted_sum(parts)
    exact = sum(tensor.double() * share for tensor, share in parts)
    assert (found - exact).abs().max() < 2e-6
    assert all(found.data_ptr() != tensor.data_ptr() for tensor in tensors)
    for threads in (1, 2, 5):
        use_threads(threads)
        assert torch.equal(weighted_sum(parts), found)
        piece = weighted_sum([(tensor[77:1077], share) for tensor, share in parts])
        assert torch.equal(piece, found[77:1077])


def test_what_two_networks_share_stays_as_it_is():
    tensor = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    for share in (0.1, 1 / 3, 0.7, 1.6):
        assert torch.equal(weighted_sum([(tensor, 1 - share), (tensor, share)]), tensor)


def test_three_networks_are_one_mix(low, high):
    blender = Blender([low, high, make_relative(low, seed=3)])
    weights = np.repeat([[0.5], [0.25], [0.25]], 6, axis=1)
    source = blender.sources(Blend(weights))["synthesis.b16.conv1.weight"]
    assert [share for _, share in source.parts] == [0.5, 0.25, 0.25]


def test_equal_mixes_are_known_without_their_numbers(low, high, monkeypatch):
    blender, name = Blender([low, high]), "synthesis.b16.conv1.weight"
    monkeypatch.setattr(Mix, "mixed", lambda _: pytest.fail("it was mixed"))
    one, again, other, curved = (
        blender.sources(blend)[name]
        for blend in (BLENDS["every layer"], BLENDS["every layer"], BLENDS["beyond"], BLENDS["by norm"])
    )
    assert identity(one) == identity(again) != identity(other)
    assert len({identity(one), identity(other), identity(curved), identity(low.state_dict()[name])}) == 4


def test_a_mix_that_stays_is_mixed_and_prepared_once(low, high, ws, monkeypatch):
    made, mean = [], Mix.mixed
    monkeypatch.setattr(Mix, "mixed", lambda mix: made.append(mix) or mean(mix))
    synthesis, blender = fast(low, "exact", compiled=False), Blender([low, high])
    first = synthesis.run(ws, tensors=[blender.sources(BLENDS["every layer"])] * len(ws))
    count = len(made)
    assert count > 0
    again = synthesis.run(ws, tensors=[blender.sources(BLENDS["every layer"])] * len(ws))
    assert len(made) == count
    assert torch.equal(first, again)
    expected = blender.apply(BLENDS["every layer"]).synthesis(ws)
    assert (again - expected).abs().max() < 1e-4 * expected.abs().max()
