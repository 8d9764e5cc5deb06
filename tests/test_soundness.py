"""What no sound network draws is told from pictures, by what is seen of it."""

from __future__ import annotations

import math

import pytest
import torch

from render.soundness import FLAT, NOT_FINITE, faults, soundness

NOISE = torch.linspace(-0.3, 0.3, 3 * 8 * 8).reshape(1, 3, 8, 8)


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        (NOISE, ""),
        (NOISE * 0 + 0.25, FLAT),
        (NOISE + 30, FLAT),  # white all over, though its numbers differ
        (NOISE - 2, FLAT),
        (NOISE + 1, ""),  # half of it is seen
        (torch.cat([NOISE + 30, NOISE[:, :1]], dim=1), ""),  # a shape in white, cut out by its alpha
        (torch.cat([NOISE - 9, NOISE[:, :1] - 9], dim=1), FLAT),
        (NOISE.clone().index_fill_(3, torch.tensor([2]), math.nan), NOT_FINITE),
        (NOISE.clone().index_fill_(2, torch.tensor([2]), math.inf), NOT_FINITE),
        (NOISE.bfloat16() + 30, FLAT),
    ],
)
def test_what_is_seen_decides(images, fault):
    assert faults(soundness(images)) == [fault]


def test_each_picture_is_judged_alone():
    assert faults(soundness(torch.cat([NOISE, NOISE + 30, NOISE]))) == ["", FLAT, ""]
