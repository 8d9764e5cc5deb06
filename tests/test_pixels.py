"""Pixels of three depths: white stays white, steps are even, and sizes change as Pillow changes them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from render.pixels import RESAMPLING, TOP, resized, whole_levels


def test_depths_reach_from_black_to_white_and_back() -> None:
    eight, sixteen = np.arange(256, dtype=np.uint8), np.arange(65536, dtype=np.uint16)
    deep = whole_levels(eight, 16)
    assert (deep.dtype, deep[0], deep[-1]) == (np.uint16, 0, 65535)
    np.testing.assert_array_equal(np.diff(deep), 257)
    np.testing.assert_array_equal(whole_levels(deep, 8), eight)
    np.testing.assert_array_equal(whole_levels(sixteen, 8), np.rint(sixteen / 257))
    floats = (sixteen / 65535).astype(np.float32)
    np.testing.assert_array_equal(whole_levels(floats, 16), sixteen)
    np.testing.assert_array_equal(whole_levels(np.float32([-1, 0, 0.5, 1, 7]), 8), [0, 0, 128, 255, 255])
    assert whole_levels(eight, 8) is eight
    assert whole_levels(sixteen, 16) is sixteen


@pytest.mark.parametrize("dtype", TOP)
@pytest.mark.parametrize("resample", RESAMPLING)
def test_every_depth_is_resized_alike(dtype: str, resample: str) -> None:
    """Within two levels of what Pillow makes of 8 bits, which it rounds twice."""
    plain = np.random.default_rng(0).integers(80, 176, (9, 12, 3), dtype=np.uint8)
    frame = (plain * (TOP[dtype] / 255)).astype(dtype)
    for size in ((30, 21), (5, 4)):
        found = resized(frame, size, resample)
        assert (found.dtype, found.shape) == (dtype, (size[1], size[0], 3))
        asked = np.asarray(Image.fromarray(plain).resize(size, RESAMPLING[resample]))
        assert np.abs(found * (255 / TOP[dtype]) - asked).max() < 2
    assert resized(frame, (12, 9), resample) is frame


@pytest.mark.parametrize("dtype", TOP)
def test_sharp_edges_do_not_leave_the_range(dtype: str) -> None:
    frame = np.zeros((8, 8, 3), dtype)
    frame[:, 4:] = TOP[dtype]
    found = resized(frame, (40, 40))
    assert (found.min(), found.max()) == (0, TOP[dtype])
    assert found[:, :16].max() < TOP[dtype] / 4  # what swings below black does not come out white
    assert found[:, 24:].min() > TOP[dtype] * 3 / 4
