"""How many pictures are drawn at once, by size and by a GPU's memory."""

from __future__ import annotations

import copy

import pytest
import torch
from conftest import make_network
from pretended_gpu import MEMORY, pretended_gpu

from render.batch_sizes import fitting_batch, modest_batch
from render.networks.fast import fast


@pytest.mark.parametrize(
    ("device", "size", "count"),
    [
        ("cpu", (16, 16), 32),
        ("cpu", (256, 256), 8),
        ("cpu", (256, 128), 16),
        ("cpu", (1024, 1024), 1),
        ("mps", (512, 512), 4),
        ("cuda", (64, 64), 64),
        ("cuda", (1024, 1024), 16),
        ("xpu", (256, 256), 8),
    ],
)
def test_a_batch_is_modest(device, size, count):
    assert modest_batch(torch.device(device), *size) == count


def trial(network, megabytes: float) -> tuple[int, float]:
    """How many pictures a GPU with so much memory draws at once, and the share of it that they take."""
    with pretended_gpu(megabytes) as device:
        synthesis = fast(copy.deepcopy(network).to(device), "fast")
        count = fitting_batch(synthesis, 16, 16, 16)
        ws = torch.randn(count, network.num_ws, network.w_dim).to(device)
        MEMORY.forget_peak()
        before = MEMORY.allocated
        synthesis(ws)
        return count, (MEMORY.peak - before) / (MEMORY.size - before)


def test_a_gpu_draws_as_many_pictures_as_half_of_its_memory_holds():
    network = make_network(3)
    counts, shares = zip(*(trial(network, megabytes) for megabytes in (0.5, 1, 2, 1000)), strict=True)
    assert 1 < counts[0] < counts[1] < counts[2] < counts[3] == 64
    assert all(0.4 < share < 0.6 for share in shares[:3])


def test_a_gpu_with_hardly_any_memory_draws_one_picture_at_a_time():
    count, _ = trial(make_network(3), 0.1)
    assert count == 1


def test_a_cpu_draws_nothing_on_trial(monkeypatch):
    synthesis = fast(make_network(3), "exact")
    monkeypatch.setattr(type(synthesis), "draw", None)
    assert fitting_batch(synthesis, 16, 16, 16) == 32
