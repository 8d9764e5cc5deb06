"""Pictures as video stores them: brightness, and two planes of colour of half the size, made on their device.

A frame in 16-bit RGB is four times as large, and every step on its way to the encoder costs in proportion.
Beside a CPU that draws, nobody notices; a GPU would wait for it.

Sources: ITU-R BT.709 (the matrix, and its range in 8 bits); R. G. Keys, "Cubic convolution interpolation for
digital image processing" (1981), the filter that ffmpeg's zscale has, too; ITU-T H.264, annex E (colours lie
on every other column, and between rows).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722  # in brightness
# Keys' filter, twice as wide. A colour lies on an even column, and between an even row and the next.
_COLUMNS = {-3: -1 / 32, -1: 9 / 32, 0: 1 / 2, 1: 9 / 32, 3: -1 / 32}
_ROWS = dict(zip(range(-3, 5), [tap / 256 for tap in (-3, -9, 29, 111, 111, 29, -9, -3)], strict=True))
_REACH = 4  # pixels beyond an edge
_PATTERN = 16  # pixels a side of the dots that a dither repeats
TURNED = ((), (1,), (0,))  # the dots of each plane, as zscale's are: they do not lie on those of another


def to_planes(images: Tensor, dithered: bool) -> Tensor:
    """float [N, C, H, W], nominally in [-1, 1], of 1 or 3 channels → frames as `render.pixels.Planes` says.

    H and W are even. Levels are those that zscale makes of the frame in 16 bits, but for a few in a million
    that lie one beside (tests/test_planes.py).
    """
    deep = ((images.float() * 127.5 + 128) * 257 - 128).clamp(0, 65_535).floor() / 65_535  # as of `to_uint16`
    red, green, blue = deep.expand(-1, 3, -1, -1).unbind(1)
    bright = RED * red + GREEN * green + BLUE * blue
    colours = (_halved((one - bright) / (2 - 2 * share)) for one, share in ((blue, BLUE), (red, RED)))
    planes = [16 + 219 * bright, *(128 + 224 * colour for colour in colours)]
    levels = [_whole(plane, dithered, turned) for plane, turned in zip(planes, TURNED, strict=True)]
    frames = torch.cat([plane.flatten(1) for plane in levels], dim=1)
    return frames.reshape(len(images), -1, images.shape[3])


def _whole(plane: Tensor, dithered: bool, turned: tuple[int, ...]) -> Tensor:
    """Levels [N, H, W] as uint8."""
    up = dots(*plane.shape[1:], turned, plane.device) if dithered else 0.5
    return (plane + up).floor().clamp(0, 255).to(torch.uint8)


def dots(height: int, width: int, turned: tuple[int, ...], device: torch.device) -> Tensor:
    """What a dither adds before fractions are cut off: [H, W], above 0, below 1, in even steps.

    Bayer's pattern, turned round along some axes: pixels with alike values lie as far from each other as they
    can.
    """
    pattern = torch.zeros(1, 1, device=device)
    while len(pattern) < _PATTERN:
        rows = ((4 * pattern, 4 * pattern + 3), (4 * pattern + 2, 4 * pattern + 1))
        pattern = torch.cat([torch.cat(row, dim=1) for row in rows])
    pattern = ((pattern + 1) / (_PATTERN**2 + 1)).flip(turned)
    return pattern.repeat(-(-height // _PATTERN), -(-width // _PATTERN))[:height, :width].contiguous()


def _halved(plane: Tensor) -> Tensor:
    """[N, H, W] → [N, H/2, W/2]."""
    return _thinned(_thinned(plane, _COLUMNS).transpose(1, 2), _ROWS).transpose(1, 2)


def _thinned(plane: Tensor, taps: Mapping[int, float]) -> Tensor:
    """Every second value along the last axis, made of those around it; edges are mirrored."""
    length = plane.shape[-1]
    places = torch.arange(-_REACH, length + _REACH, device=plane.device) % (2 * length)
    wide = plane.index_select(-1, torch.minimum(places, 2 * length - 1 - places))
    return sum(tap * wide[..., _REACH + away : _REACH + away + length : 2] for away, tap in taps.items())
