"""Pixels of 8 bits, 16 bits and float: each over its whole range, one from the other, and at another size."""

from __future__ import annotations

import numpy as np
from PIL import Image

TOP = {"uint8": 255, "uint16": 65535, "float32": 1.0}  # white
RESAMPLING = {"lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}


def whole_levels(frame: np.ndarray, bits: int) -> np.ndarray:
    """A frame of any dtype in TOP over the whole range of uint8, or for 16 bits of uint16; rounded.

    The same array where it has that dtype already.
    """
    if frame.dtype == np.float32:
        return np.rint(frame.clip(0, 1) * (2**bits - 1)).astype(f"uint{bits}")
    if frame.dtype == np.uint16 and bits == 8:
        # frame / 257, rounded: 65,535 is 257 × 255.
        return ((frame.astype(np.uint32) * 255 + 32_895) >> 16).astype(np.uint8)
    if frame.dtype == np.uint8 and bits == 16:
        return np.multiply(frame, 257, dtype=np.uint16)
    return frame


def resized(frame: np.ndarray, size: tuple[int, int], resample: str = "lanczos") -> np.ndarray:
    """A frame [H, W, 3] of any dtype in TOP at (width, height); the same array where it has that size."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    if frame.dtype == np.uint8:
        return np.asarray(Image.fromarray(frame).resize(size, RESAMPLING[resample]))
    whole = np.empty((size[1], size[0], 3), frame.dtype)
    for channel in range(3):  # Pillow has no pictures of three such channels
        plane = Image.fromarray(frame[..., channel].astype(np.float32)).resize(size, RESAMPLING[resample])
        levels = np.asarray(plane).clip(0, TOP[frame.dtype.name])
        whole[..., channel] = np.rint(levels) if frame.dtype == np.uint16 else levels
    return whole
