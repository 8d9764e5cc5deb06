"""What one frame needs, as data: moments, and the pictures in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from render.blending.blend import Blend


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to draw.

    ws         float32 [num_ws, w_dim], truncated
    blend      how much of each open checkpoint every layer takes
    noise      "const" or "none"
    transform  float32 [3, 3] that moves StyleGAN3's picture; None: it stays where it is
    fades      other pictures are of the same ws, so that what they share of a layer that cross-fades may be
               computed once (see `render.networks.fading`), which rounds otherwise
    """

    ws: np.ndarray
    blend: Blend
    noise: str
    transform: np.ndarray | None = None
    fades: bool = False

    @cached_property
    def key(self) -> bytes:
        """Equal for pictures that look the same."""
        moved = b"" if self.transform is None else self.transform.tobytes()
        rest = repr((self.blend.fingerprint, self.noise, moved, self.fades)).encode()
        return hashlib.blake2b(self.ws.tobytes() + rest, digest_size=16).digest()


@dataclass(frozen=True, eq=False)
class Moment:
    """Everything one frame needs: a pure function of the preset and the frame's index.

    frame_index  at the clip's rate (or the rate that was asked for)
    seconds      the exact time it shows
    values       of every track at that time, as the preset's tracks number them
    pictures     of the panels, row by row
    names        of every track of names at that time: the weight of each name
    captions     what stands under each picture, "" for nothing
    """

    frame_index: int
    seconds: Fraction
    values: dict[str, float]
    pictures: tuple[Picture, ...]
    names: dict[str, dict[str, float]] = field(default_factory=dict)
    captions: tuple[str, ...] = ()
    recurs: bool = False
