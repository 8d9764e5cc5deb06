"""Pixels of 8 bits, 16 bits and float: each over its whole range, one from the other, and at another size.

A frame is RGB, or RGBA with straight alpha: colours are not multiplied by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

TOP = {"uint8": 255, "uint16": 65535, "float32": 1.0}  # white
_OPAQUE = np.array([0, 0, 0, 255], np.uint8)
RESAMPLING = {"lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}


@dataclass(frozen=True)
class Planes:
    """Frames as most video stores them: uint8 [H·3/2, W], of H rows of brightness and H/2 of both colours.

    The colours are planes [H/2, W/2], blue's and then red's. As in BT.709, brightness has levels from 16 to
    235, and colours from 16 to 240.

    dithered  whether fractions of a level are dots; otherwise levels are rounded
    """

    dithered: bool


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
    """A frame RGB or RGBA of any dtype in TOP at (width, height); the same array where it has that size.

    A colour counts as much as it is seen: what is transparent leaves no fringe.
    """
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    if frame.dtype == np.uint8:  # of RGBA Pillow, too, takes the colours times alpha
        return np.asarray(Image.fromarray(frame).resize(size, RESAMPLING[resample]))
    top, is_whole = TOP[frame.dtype.name], frame.dtype == np.uint16
    channels = frame.astype(np.float32)
    if has_alpha(frame):
        channels[..., :3] *= channels[..., 3:] / top
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in channels.transpose(2, 0, 1)]
    levels = np.stack([np.asarray(plane.resize(size, RESAMPLING[resample])) for plane in planes], axis=-1)
    if has_alpha(frame):
        alpha = np.rint(levels[..., 3:]) if is_whole else levels[..., 3:]
        levels[..., 3:] = alpha
        levels[..., :3] *= np.divide(top, alpha, out=np.zeros_like(alpha), where=alpha > 0)
    levels = levels.clip(0, top)
    return np.rint(levels).astype(np.uint16) if is_whole else levels


def has_alpha(frame: np.ndarray) -> bool:
    """Whether a frame is [H, W, 4]."""
    return frame.shape[-1] == 4


def laid_over(frame: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """A frame RGBA of any dtype in TOP on a ground of one colour, each channel 0–255: RGB of that dtype.

    A frame that is RGB stays as it is.
    """
    if not has_alpha(frame):
        return frame
    top = TOP[frame.dtype.name]
    wide = np.float32 if frame.dtype == np.float32 else np.uint32  # 65,535² has 32 bits
    ground = (np.array(color) * (top / 255)).astype(wide)
    colours, alpha = frame[..., :3].astype(wide), frame[..., 3:].astype(wide)
    if wide is np.float32:
        return colours * alpha + ground * (1 - alpha)
    return ((colours * alpha + ground * (top - alpha) + top // 2) // top).astype(frame.dtype)


def colours_spread(frame: np.ndarray) -> np.ndarray:
    """A frame RGBA in which what is wholly transparent has colours like what is seen nearest to it.

    For codecs whose pixels share colours with their neighbours: nothing foreign comes into the edges, and
    smooth colours take few bytes.
    """
    hidden = frame[..., 3] == 0
    if not hidden.any() or hidden.all():
        return frame
    scale = TOP[frame.dtype.name] / 255
    spread = frame.copy()
    spread[..., :3][hidden] = (_spread(Image.fromarray(whole_levels(frame, 8)))[hidden] * scale).astype(
        frame.dtype
    )
    return spread


def _spread(picture: Image.Image) -> np.ndarray:
    """The colours uint8 [H, W, 3] of a picture RGBA; where it shows nothing, those of a coarser copy."""
    levels = np.asarray(picture)
    if picture.size == (1, 1) or levels[..., 3].all():
        return levels[..., :3]
    half = tuple((side + 1) // 2 for side in picture.size)
    coarse = np.array(picture.resize(half, Image.Resampling.BOX))
    # What is hardly there has lost its colour to rounding; a coarser copy knows it better.
    wanting = Image.fromarray(np.where(coarse[..., 3:] >= 8, coarse | _OPAQUE, 0).astype(np.uint8))
    behind = Image.fromarray(np.ascontiguousarray(_spread(wanting))).resize(
        picture.size, Image.Resampling.BILINEAR
    )
    return np.where(levels[..., 3:] > 0, levels[..., :3], np.asarray(behind))
