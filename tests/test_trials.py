"""Trials of single channels: where a change shows is what the pictures say."""

from __future__ import annotations

import pytest
import torch

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.trials import try_channels
from render.errors import BlendError


def test_shares_are_those_of_the_pictures(low, high, ws):
    masks = torch.zeros(3, 2, 8, 8)
    masks[:, 0, :2], masks[:, 1, 2:] = 1.0, 1.0
    calls = []
    shares = try_channels(low, high, ws, masks, ["16/1"], lambda *counts: calls.append(counts))
    assert list(shares) == ["16/1"]
    assert shares["16/1"].shape == (2, 8)
    assert calls[-1] == (8, 8)
    torch.testing.assert_close(shares["16/1"].sum(dim=0), torch.ones(8))
    mixed = Blender([low, high]).apply(Blend.only(0, 2, 6).take(1, {5: [3]}))
    change = (mixed.synthesis(ws) - low.synthesis(ws)).abs().mean(dim=1)
    assert shares["16/1"][0, 3] == pytest.approx(float(change[:, :4].sum() / change.sum()), rel=1e-4)


def test_a_channel_that_is_the_same_changes_nothing(low, ws):
    shares = try_channels(low, low, ws, torch.ones(3, 1, 4, 4), ["4/1"])
    assert shares["4/1"].tolist() == [[0] * 8]


def test_unknown_layers_are_refused(low, high, ws):
    with pytest.raises(BlendError, match=r"no layer '32/0' with channels; there are 4/0, 4/1"):
        try_channels(low, high, ws, torch.ones(3, 1, 4, 4), ["32/0"])
