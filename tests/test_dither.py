"""Dithers by name and strength: read alike in presets and by the encoder, and each does what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from render.encoding.dither import DITHERS, Dither, diffused
from render.encoding.quantize import Quantizer
from render.errors import EncodingError
from render.preset import formats

WRITTEN = {
    0.3: ("bayer", 0.3),
    0: ("bayer", 0),
    "none": ("bayer", 0),
    "bayer": ("bayer", 0.15),
    " bayer  .5 ": ("bayer", 0.5),
    "floyd-steinberg": ("floyd-steinberg", 1),
    "floyd-steinberg 0.25": ("floyd-steinberg", 0.25),
    "floyd-steinberg 0": ("floyd-steinberg", 0),
}


@pytest.mark.parametrize("value", WRITTEN)
def test_presets_and_encoder_read_the_same(value: object) -> None:
    kind, strength = WRITTEN[value]
    assert Dither.read(value) == Dither.read(formats.read_dither(value)) == Dither(kind, strength)


@pytest.mark.parametrize(
    "value", ["", "none 0.4", "sierra", "bayer 2", "bayer 0.1 0.2", True, 2, -0.1, None, [1], float("nan")]
)
def test_what_is_no_dither_is_told_so(value: object) -> None:
    with pytest.raises(EncodingError, match=r"it runs from 0 .* none, bayer, floyd-steinberg"):
        Dither.read(value)
    with pytest.raises(ValueError, match="one of none, bayer, floyd-steinberg"):
        formats.read_dither(value)


def test_the_names_are_the_encoders() -> None:
    assert formats.DITHERS == DITHERS
    assert all(name in formats.DITHER_PATTERN for name in DITHERS)


def sky() -> np.ndarray:
    """A slow ramp, uint8 [64, 256, 3]."""
    across = np.linspace(60, 120, 256)[None, :, None] + np.linspace(0, 20, 64)[:, None, None]
    return np.rint(across * (1.0, 0.8, 1.2)).astype(np.uint8)


def far_off(frame: np.ndarray, drawn: np.ndarray) -> float:
    """The error of means of 8 × 8 pixels, in levels."""
    error = (drawn.astype(float) - frame).reshape(8, 8, 32, 8, 3).mean(axis=(1, 3))
    return float(np.sqrt((error**2).mean()))


def test_errors_passed_on_leave_no_bands() -> None:
    off = {}
    for dither in ("none", "bayer 1", "floyd-steinberg 0.5", "floyd-steinberg"):
        indices, palette = Quantizer(colors=6, dither=dither).quantize(sky())
        off[dither] = far_off(sky(), palette[indices])
    assert off["floyd-steinberg"] < off["floyd-steinberg 0.5"] < off["none"]
    assert off["floyd-steinberg"] < 0.6 * off["none"]


def test_what_is_not_drawn_passes_nothing_on() -> None:
    """Half of a frame stands still and is far from every colour of the palette: the rest does not mind."""
    planes = sky().transpose(2, 0, 1).copy()
    wanted = np.zeros((64, 256), bool)
    wanted[:, 128:] = True
    for level in (0, 255):
        planes[:, ~wanted] = level
        plan = Quantizer(colors=6, dither="floyd-steinberg").plan(planes, wanted)
        off = plan.palette[plan.draw()].astype(float) - planes.transpose(1, 2, 0)
        assert np.abs(off[:, 128:136].mean(axis=(0, 1))).max() < 3


def test_indices_stay_within_a_small_palette() -> None:
    palette = np.array([[0, 0, 0], [255, 255, 255], [9, 9, 9]], np.uint8)
    random = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    indices = diffused(random, palette)
    assert indices.shape == (20, 30)
    assert indices.dtype == np.uint8
    assert indices.max() <= 2
