"""Where things stand on a sheet: one axis of time, and the strip of frames above it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from render.errors import PresetError
from render.timeline import Clock

from .look import GUTTER, MARGIN, NARROWEST, TALLEST_THUMB, THUMB_GAP, WIDEST

EVEN_ENOUGH = Fraction(1, 25)  # of the distance between two frames


def frame_indices(clock: Clock, count: int) -> list[int]:
    """`count` frames evenly over the clip: from the first to the last one, or all round a loop.

    A clip with fewer frames shows each once. Raises PresetError where `count` is below 1.
    """
    if count < 1:
        raise PresetError(f"a sheet shows at least 1 frame, not {count}")
    count = min(count, clock.frame_count)
    if clock.loop:
        return [at * clock.frame_count // count for at in range(count)]
    return [round(Fraction(at * (clock.frame_count - 1), max(1, count - 1))) for at in range(count)]


@dataclass(frozen=True)
class Plan:
    """The axis of time and the strip of frames above it.

    width         of the sheet
    left, right   x of the clip's first and last moment
    moments       of the frames shown, in seconds; in a loop the first frame is shown again at the end
    centers       of the thumbnails, in seconds: their moments, or evenly spaced where that is as good
    """

    clock: Clock
    width: int
    left: int
    right: int
    moments: tuple[Fraction, ...]
    centers: tuple[Fraction, ...]
    thumb_width: int
    thumb_height: int

    @classmethod
    def of(cls, clock: Clock, indices: Sequence[int], frame_size: tuple[int, int]) -> Plan:
        """Thumbnails as large as frames are, as far as the sheet's width lets them."""
        moments = [clock.seconds(index) for index in indices] + ([clock.duration] if clock.loop else [])
        centers = _evened(moments)
        gaps = [later - earlier for earlier, later in pairwise(centers)]
        share = float(min(gaps, default=clock.duration) / clock.duration)
        width, height = frame_size
        tallest = TALLEST_THUMB * width / height
        wanted = min(width, tallest)
        sheet = round(2 * MARGIN + wanted + (wanted + THUMB_GAP) / share)
        sheet = min(max(sheet, NARROWEST), WIDEST)
        inside = sheet - 2 * MARGIN
        # Half a thumbnail stands out on either side of the axis: inside = thumb + (thumb + gap) / share.
        thumb = (inside - THUMB_GAP / share) / (1 + 1 / share)
        if thumb < 2 * GUTTER:
            thumb = (inside - 2 * GUTTER) * share - THUMB_GAP
        thumb = max(2, math.floor(min(thumb, tallest)))
        gutter = max(GUTTER, (thumb + 1) // 2)
        return cls(
            clock,
            sheet,
            MARGIN + gutter,
            sheet - MARGIN - gutter,
            tuple(moments),
            tuple(centers),
            thumb,
            max(1, round(thumb * height / width)),
        )

    def x(self, seconds: Fraction | float) -> float:
        """Where a moment stands."""
        return self.left + (self.right - self.left) * float(seconds / self.clock.duration)

    def thumbs(self, frames: list[np.ndarray]) -> list[tuple[int, np.ndarray, float]]:
        """(x of the left edge, frame, brightness); a loop's first frame comes again, dimmed, at its end."""
        again = [frames[0]] if self.clock.loop else []
        return [
            (round(self.x(center) - self.thumb_width / 2), frame, 1 if at < len(frames) else 0.35)
            for at, (center, frame) in enumerate(zip(self.centers, [*frames, *again], strict=True))
        ]


def _evened(moments: list[Fraction]) -> list[Fraction]:
    """The moments at equal distances, if none moves further than an eye would notice."""
    step = (moments[-1] - moments[0]) / max(1, len(moments) - 1)
    even = [moments[0] + step * at for at in range(len(moments))]
    is_near = all(abs(a - b) <= EVEN_ENOUGH * step for a, b in zip(moments, even, strict=True))
    return even if is_near else moments
