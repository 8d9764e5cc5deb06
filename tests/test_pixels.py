"""Pixels of three depths: white stays white, steps are even, and sizes change as Pillow changes them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from render.pixels import RESAMPLING, TOP, colours_spread, laid_over, resized, whole_levels


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


# --- with alpha ---------------------------------------------------------------------------------------------


def halves(dtype: str) -> np.ndarray:
    """A red left half, opaque, and nothing at the right: [8, 8, 4]."""
    frame = np.zeros((8, 8, 4), dtype)
    frame[:, :4] = np.array([0.8, 0.2, 0.1, 1]) * TOP[dtype]
    return frame


@pytest.mark.parametrize("dtype", TOP)
@pytest.mark.parametrize("size", [(5, 5), (24, 20)])
def test_what_is_transparent_leaves_no_fringe(dtype: str, size: tuple[int, int]) -> None:
    """The colour of a pixel at the edge is the colour of what is seen of it, whatever part that is."""
    frame, top = halves(dtype), TOP[dtype]
    found = resized(frame, size)
    assert (found.dtype, found.shape) == (dtype, (size[1], size[0], 4))
    alpha = found[..., 3] / top
    edge = (alpha > 0.1) & (alpha < 0.9)
    assert edge.any()
    np.testing.assert_allclose(found[edge][:, :3] / top, np.tile([0.8, 0.2, 0.1], (edge.sum(), 1)), atol=0.03)
    assert not found[alpha == 0].any()


@pytest.mark.parametrize("dtype", TOP)
def test_laying_over_a_ground_mixes_as_alpha_says(dtype: str) -> None:
    top = TOP[dtype]
    frame = (np.random.default_rng(1).random((6, 7, 4)) * top).astype(dtype)
    frame[0, 0, 3], frame[0, 1, 3] = 0, top
    ground = (10, 200, 255)
    found = laid_over(frame, ground)
    assert (found.dtype, found.shape) == (dtype, (6, 7, 3))
    alpha = frame[..., 3:] / top
    asked = frame[..., :3] / top * alpha + np.array(ground) / 255 * (1 - alpha)
    np.testing.assert_allclose(found / top, asked, atol=0.6 / min(top, 65_535) if top > 1 else 1e-6)
    np.testing.assert_allclose(found[0, 0] / top, np.array(ground) / 255, atol=1e-6)
    np.testing.assert_array_equal(found[0, 1], frame[0, 1, :3])
    plain = frame[..., :3]
    assert laid_over(plain, ground) is plain


@pytest.mark.parametrize("dtype", TOP)
@pytest.mark.parametrize("size", [(37, 51), (64, 8), (3, 200)])
def test_hidden_pixels_get_colours_that_are_seen(dtype: str, size: tuple[int, int]) -> None:
    """Between the darkest and the brightest of them, and near the nearest; what is seen stays as it is."""
    width, height = size
    frame = np.zeros((height, width, 4), dtype)
    frame[: height // 2, : width // 2] = np.array([0.9, 0.5, 0.1, 1]) * TOP[dtype]
    frame[-1, -1] = np.array([0.1, 0.5, 0.9, 1]) * TOP[dtype]
    found = colours_spread(frame)
    seen = frame[..., 3] > 0
    np.testing.assert_array_equal(found[seen], frame[seen])
    np.testing.assert_array_equal(found[..., 3], frame[..., 3])
    hidden = found[~seen][:, :3] / TOP[dtype]
    assert hidden[:, 0].min() > 0.08
    assert hidden[:, 0].max() < 0.92
    beside = found[0, width // 2, :3] / TOP[dtype]
    np.testing.assert_allclose(beside, [0.9, 0.5, 0.1], atol=0.25)
    nothing = np.zeros((4, 4, 4), dtype)
    assert colours_spread(nothing) is nothing
