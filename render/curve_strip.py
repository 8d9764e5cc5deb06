"""Curves beneath the pictures of a frame: numbers over the clip's time, and a playhead at the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from render.layout import LANE_SHARE, Color, Layout, Size, color_of, plan_of
from render.pen import HUES, Pen, mixed, text_width
from render.pixels import TOP, whole_levels
from render.timeline import Clock, ExpressionTrack, Track

WIDEST_NAMES = 0.35  # of the frame's width
LANE_GAP = 2  # pixels between two lanes
FILL_SHARE, BOX_SHARE = 0.16, 0.09  # of a curve's colour under it, and of the ink in a lane
HEAD_SHARE = 0.8  # of the ink in the playhead's line
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class CurveStrip:
    """Lanes with one curve each, drawn once; every frame only gets the playhead.

    tracks  the curves by their names, from top to bottom
    layout  of the frames, and the sizes of their pictures: they say where the lanes are
    """

    def __init__(
        self,
        tracks: Mapping[str, Track | ExpressionTrack],
        clock: Clock,
        layout: Layout,
        sizes: Sequence[Size],
    ):
        plan = plan_of(layout, tuple(sizes))
        self.duration, self.top, self.lane = clock.duration, plan.curves_y, plan.lane
        self.width = plan.size[0]
        letters = round(plan.lane / LANE_SHARE)
        self.radius = max(2.5, letters / 5)
        self.ground = color_of(layout.background)
        is_light = sum(self.ground) > 384
        self.ink = _BLACK if is_light else _WHITE
        hues = [HUES[number % len(HUES)] for number in range(len(tracks))]
        self.hues = [mixed(hue, _BLACK, 0.6) for hue in hues] if is_light else hues
        names = _short(list(tracks))
        self.pad = letters // 2  # to the left of names
        room = max(text_width(name, letters) for name in names) + letters + self.pad
        self.left = round(min(room, WIDEST_NAMES * self.width)) + self.radius + 2
        self.right = self.width - self.radius - 2
        self.heights = [self._heights(track) for track in tracks.values()]
        self.picture = self._drawn(names, letters)
        self._pictures = {f"uint{bits}": whole_levels(self.picture, bits) for bits in (8, 16)}

    def draw(self, frame: np.ndarray, seconds: Fraction | float) -> None:
        """Put the lanes on a frame uint8 or uint16 [H, W, 3], with the playhead at `seconds`.

        On a transparent frame [H, W, 4] they have their ground, too: curves are read on nothing else.
        """
        picture = self._pictures[frame.dtype.name]
        whole = frame[self.top : self.top + len(picture)]
        whole[..., 3:] = TOP[frame.dtype.name]
        strip = whole[..., :3]
        strip[:] = picture
        part = min(max(float(seconds / self.duration), 0.0), 1.0)
        x = self.left + part * (self.right - self.left)
        _line(strip, x, max(1.0, self.radius / 2), mixed(self.ink, self.ground, HEAD_SHARE))
        for lane, (heights, hue) in enumerate(zip(self.heights, self.hues, strict=True)):
            y = self._y(lane, float(np.interp(part * (len(heights) - 1), range(len(heights)), heights)))
            _dot(strip, x, y, self.radius + 1.2, self.ground)
            _dot(strip, x, y, self.radius, hue)

    # --- what stands still ----------------------------------------------------------------------------------

    def _heights(self, track: Track | ExpressionTrack) -> np.ndarray:
        """The curve at every pixel of its lane, from 0 (its lowest value) to 1; half-way if it is still."""
        steps = max(2, round(self.right - self.left))
        values = track.values_at_many(np.linspace(0, float(self.duration), steps + 1))
        values = np.broadcast_to(values, steps + 1).astype(float)
        known = np.isfinite(values)
        if not known.any():
            return np.full(steps + 1, 0.5)
        values = np.interp(np.arange(steps + 1), np.flatnonzero(known), values[known])
        low, high = values.min(), values.max()
        if high - low <= 1e-9 * max(1.0, abs(high)):
            return np.full(steps + 1, 0.5)
        return (values - low) / (high - low)

    def _y(self, lane: int, height: float) -> float:
        """Where a height from 0 to 1 lies in its lane."""
        pad = self.radius + 2
        inner = self.lane - LANE_GAP - 2 * pad
        return lane * self.lane + pad + (1 - height) * inner

    def _drawn(self, names: Sequence[str], letters: int) -> np.ndarray:
        """The lanes without the playhead, uint8 [H, W, 3]."""
        pen = Pen(self.width, len(names) * self.lane, self.ground)
        for lane, (name, heights, hue) in enumerate(zip(names, self.heights, self.hues, strict=True)):
            top = lane * self.lane
            box = mixed(self.ink, self.ground, BOX_SHARE)
            left, right = self.left - self.radius - 2, self.right + self.radius + 2
            pen.box(left, top, right, top + self.lane - LANE_GAP - 1, box)
            middle = top + (self.lane - LANE_GAP) / 2
            pen.text(self.pad, middle, name, letters, hue, room=left - letters)
            xs = np.linspace(self.left, self.right, len(heights))
            curve = [(float(x), self._y(lane, float(y))) for x, y in zip(xs, heights, strict=True)]
            floor = self._y(lane, 0) + self.radius
            pen.area([*curve, (self.right, floor), (self.left, floor)], mixed(hue, box, FILL_SHARE))
            pen.line(curve, max(1.5, self.radius / 2), hue)
        return np.asarray(pen.finished())


def _short(names: Sequence[str]) -> list[str]:
    """The last words of dotted names, `swap`, where these are enough to tell them apart."""
    last = [name.rsplit(".", 1)[-1] for name in names]
    return [
        word if last.count(word) == 1 else name.removeprefix("vars.")
        for word, name in zip(last, names, strict=True)
    ]


def _line(strip: np.ndarray, x: float, width: float, color: Color) -> None:
    """An upright line through the strip, its edges smooth."""
    first, end = max(0, int(x - width)), min(strip.shape[1], int(x + width) + 2)
    share = np.clip(width / 2 + 0.5 - np.abs(np.arange(first, end) + 0.5 - x), 0, 1)
    _lay(strip[:, first:end], share[None, :, None], color)


def _dot(strip: np.ndarray, x: float, y: float, radius: float, color: Color) -> None:
    """A disc, its edge smooth."""
    left, right = max(0, int(x - radius) - 1), min(strip.shape[1], int(x + radius) + 2)
    top, bottom = max(0, int(y - radius) - 1), min(strip.shape[0], int(y + radius) + 2)
    across, down = np.arange(left, right) + 0.5 - x, np.arange(top, bottom) + 0.5 - y
    share = np.clip(radius + 0.5 - np.hypot(across[None], down[:, None]), 0, 1)
    _lay(strip[top:bottom, left:right], share[:, :, None], color)


def _lay(box: np.ndarray, share: np.ndarray, color: Color) -> None:
    """A colour over a part of a picture, `share` of it from 0 to 1."""
    levels = np.array(color) * (TOP[box.dtype.name] / 255)
    box[:] = np.round(box + share * (levels - box))
