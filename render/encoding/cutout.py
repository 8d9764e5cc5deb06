"""What a GIF draws of frames with holes: what is drawn stays, so where a hole opens it is wiped first.

Source: CompuServe, "Graphics Interchange Format, version 89a": a picture's disposal says what is left of its
box before the next one is drawn. A pixel is there or not; half of alpha is the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render.encoding.steady import Steady, box_of

OPAQUE = 128  # of 255: a pixel with less is not drawn


@dataclass(frozen=True)
class Cut:
    """What one picture of a GIF draws.

    box    left, top, right, bottom, half-open
    drawn  bool [H, W] of the whole frame; all of it lies in the box
    wiped  whether the box is transparent again before the next picture
    """

    box: tuple[int, int, int, int]
    drawn: np.ndarray
    wiped: bool


class Cutout:
    """Goes through a film with holes, and knows what is still to be seen of earlier pictures."""

    def __init__(self) -> None:
        self._steady = Steady()
        self._shown: np.ndarray | None = None  # bool [H, W]

    def cut(self, planes: np.ndarray, opaque: np.ndarray, after: np.ndarray | None, tolerance: int) -> Cut:
        """What to draw of a frame uint8 [3, H, W].

        opaque     its pixels that are seen, bool [H, W]
        after      those of the next frame; None where there is none
        tolerance  as in `Steady`
        """
        shown = np.zeros_like(opaque) if self._shown is None else self._shown
        changed = self._steady.changed(planes, tolerance, opaque & ~shown)
        drawn = opaque.copy() if changed is None else opaque & changed
        opening = np.zeros_like(opaque) if after is None else opaque & ~after
        # The first one covers all of it: some programs take what it leaves out for opaque.
        box = box_of(drawn | opening if changed is not None else np.ones_like(opaque))
        wiped = bool(opening.any())
        self._shown = opaque.copy()
        if wiped:
            left, top, right, bottom = box
            self._shown[top:bottom, left:right] = False
        return Cut(box, drawn, wiped)
