"""What stands still from one frame to the next: pixels that are not drawn again, and so cannot flicker."""

from __future__ import annotations

import numpy as np

MAX_LAG = 3  # levels of a channel that a pixel may fall behind its source
MIN_RUN = 4  # a shorter row of still pixels costs more than it saves


class Steady:
    """Remembers, for each pixel, the colour it was last drawn for.

    A pixel is drawn again when its source has moved away from that colour by more than a tolerance. The
    comparison is with what was asked for, not with the palette's answer, so still areas are whole areas,
    and a slow change is followed in small steps, never lost.
    """

    def __init__(self) -> None:
        self._drawn: np.ndarray | None = None  # uint8 [3, H, W]

    def changed(
        self, planes: np.ndarray, tolerance: int, missing: np.ndarray | None = None
    ) -> np.ndarray | None:
        """The pixels of a frame uint8 [3, H, W] to draw, bool [H, W]; None for all, in a first frame.

        missing: bool [H, W], pixels that show nothing yet, and so are drawn whatever their colour is.
        """
        if self._drawn is None:
            self._drawn = planes
            return None
        near = np.maximum(planes, self._drawn)
        near -= np.minimum(planes, self._drawn)
        far = near > tolerance
        changed = far[0] | far[1] | far[2]
        if missing is not None:
            changed |= missing
        still = long_runs(~changed, MIN_RUN)
        changed = ~still
        self._drawn = np.where(changed, planes, self._drawn)
        return changed


def long_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """The true pixels of bool [H, W] that lie in rows of at least `length` of them, or of the whole width."""
    width = mask.shape[1]
    length = min(length, width)
    starts = mask[:, : width - length + 1].copy()
    for offset in range(1, length):
        starts &= mask[:, offset : width - length + 1 + offset]
    kept = np.zeros_like(mask)
    for offset in range(length):
        kept[:, offset : width - length + 1 + offset] |= starts
    return kept


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The smallest box (left, top, right, bottom), half-open, around the true pixels of bool [H, W].

    One pixel where there are none, since a GIF has no empty pictures.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
