"""Pivotal tuning: the network draws the face from its latent, and elsewhere nearly what it drew before."""

from __future__ import annotations

import pytest
import torch

from render.errors import PresetError
from render.projection.losses import pyramid_distance
from render.projection.start import draw_samples
from render.projection.tuning import Tuning, trained, tune


@pytest.fixture(scope="module")
def scene(low):
    """Samples, two targets that the network does not draw, and their latents."""
    samples = draw_samples(low, 32)
    ws = samples.w[:2, None].expand(-1, low.num_ws, -1)
    with torch.no_grad():
        targets = (low.synthesis(ws) + 0.3).clamp(-1, 1)
    return samples, targets, ws


def distances(network, targets, ws):
    with torch.no_grad():
        return pyramid_distance(network.synthesis(ws) - targets)


def test_tuning_comes_nearer_and_leaves_latents_and_the_base_alone(low, scene):
    samples, targets, ws = scene
    before = {name: tensor.clone() for name, tensor in low.state_dict().items()}
    told = []
    tuned = tune(
        low, targets, ws, Tuning(steps=40, rate=1e-2), samples=samples, progress=lambda *how: told.append(how)
    )
    assert bool((distances(tuned, targets, ws) < 0.7 * distances(low, targets, ws)).all())
    assert told[-1][:2] == (40, 40)
    for name, tensor in tuned.state_dict().items():
        assert torch.equal(low.state_dict()[name], before[name])
        if tuned.role(name).kind in ("mapping", "noise_map", "filter"):
            assert torch.equal(tensor, before[name]), name


def test_locality_keeps_what_lies_elsewhere(low, scene):
    samples, targets, ws = scene
    elsewhere = samples.w[10:, None].expand(-1, low.num_ws, -1)
    with torch.no_grad():
        wanted = low.synthesis(elsewhere)

    def drift(locality):
        tuned = tune(low, targets, ws, Tuning(steps=40, rate=1e-2, locality=locality), samples=samples)
        return float(distances(tuned, wanted, elsewhere).mean())

    assert drift(1.0) < 0.8 * drift(0.0)


def test_strengths_of_noise_stay(low):
    names = {id(parameter): name for name, parameter in low.named_parameters()}
    chosen = {names[id(parameter)] for parameter in trained(low)}
    low.requires_grad_(False)
    assert "synthesis.b16.conv1.weight" in chosen
    assert not any("noise_strength" in name or name.startswith("mapping") for name in chosen)


def test_no_steps_are_refused():
    with pytest.raises(PresetError, match="1 or more, not 0"):
        Tuning(steps=0)
