"""A network is never built larger than the tensors it comes with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import make_network

from render.checkpoints.allowance import Allowance, no_average
from render.errors import CheckpointError
from render.networks import build


def test_a_network_may_be_built_around_its_own_tensors(low):
    tensors = low.state_dict()
    with Allowance.for_tensors(tensors.values()):
        rebuilt = build(low.config, tensors)
    assert torch.equal(rebuilt.synthesis.b4.const, low.synthesis.b4.const)


@pytest.mark.parametrize(
    "changes",
    [
        {"w_dim": 10**7},
        {"z_dim": 10**12},
        {"channels": (10**9,) * 3},
        {"resolution": 16384, "channel_base": 2**17},
        {"mapping_layers": 10**5},
    ],
)
def test_a_config_that_asks_for_more_is_refused_before_it_is_built(changes):
    network = make_network()
    config = replace(network.config, **changes)
    with (
        pytest.raises(CheckpointError, match="far larger than its tensors"),
        Allowance.for_tensors(network.state_dict().values()),
    ):
        build(config, network.state_dict())


def test_outside_the_block_nothing_is_counted():
    with Allowance(5000):
        torch.zeros(100)
        with pytest.raises(CheckpointError):
            torch.empty([100, 100])
    assert torch.empty([100, 100]).shape == (100, 100)


def test_an_average_that_a_file_lacks_is_zeros_of_a_sane_width():
    assert no_average(512).tolist() == [0] * 512
    with pytest.raises(CheckpointError, match="w has 1,099,511,627,776 numbers"):
        no_average(2**40)
