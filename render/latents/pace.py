"""Even pace: a walk re-timed so that the picture changes at a constant rate.

The picture's way through the walk has a length: the sum of the distances between neighbouring small frames.
A `Pace` shows the point at half of that length at half of the time. The distance is Euclidean between
features of a frame: its colours and their differences between neighbouring pixels, at every scale of a
pyramid. That is a fair stand-in for how strongly a change is seen, without a learned network to ship:
sRGB values are spaced roughly as brightness is perceived; differences make an edge that moves count more than
a change of light, as the eye does; coarse scales see soft, large moves that neighbouring pixels hardly show.
Being Euclidean, it adds up along a smooth path, so the pace hardly depends on how densely that was sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from render.errors import RenderError

if TYPE_CHECKING:
    from fractions import Fraction

    from scipy.interpolate import PchipInterpolator

PictureAt = Callable[[Sequence[float]], np.ndarray]

BATCH = 16  # pictures asked for at once
SMALLEST_SIDE = 4  # of the pyramid's last scale, in pixels
EVEN_ENOUGH = 0.02  # coefficient of variation between samples at which refining stops
STILLNESS = 0.001  # of the mean rate: what a picture that stands still counts as, so that time never stops


@dataclass(frozen=True)
class Pace:
    """When the walk is where: a rising function from the clip's seconds to the walk's.

    What stands still in the middle of a stretch is passed at once; a cut belongs at a fixed moment.

    seconds  of the knots, rising; it begins and ends with the stretch that is re-timed
    places   where the walk is then, in its own seconds; rising, with the same first and last value
    fixed    moments that stay where they are, the first and last one among them
    """

    seconds: tuple[float, ...]
    places: tuple[float, ...]
    fixed: tuple[Fraction | float, ...]

    def __call__(self, seconds: Fraction | float) -> Fraction | float:
        """The walk's seconds at that of the clip; the same outside the stretch and at fixed moments."""
        if seconds in self.fixed or not self.seconds[0] < seconds < self.seconds[-1]:
            return seconds
        return float(np.clip(self._curve(float(seconds)), self.places[0], self.places[-1]))

    @cached_property
    def _curve(self) -> PchipInterpolator:
        """Monotone between the knots, without a kink."""
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(self.seconds, self.places)


def even_pace(
    picture_at: PictureAt,
    start: Fraction | float,
    end: Fraction | float,
    fixed: Sequence[Fraction | float] = (),
    samples: int = 128,
    rounds: int = 2,
) -> Pace:
    """The pace at which the picture changes evenly from `start` to `end`.

    picture_at  seconds [N] → pictures [N, h, w, channels], uint8 or in [0, 1]; called with a few at once.
                About 128 px serve: at 32 px the detail is lost that makes up much of what is seen to move
    fixed       moments that stay where they are, such as keys on a beat; the pace is even between them
    samples     pictures looked at in a round; 16 or more for each stop of the walk serve well
    rounds      at most; each looks again at steps the last one thought even

    Raises ValueError for a stretch without a length, or too few samples.
    """
    inside = sorted({moment for moment in fixed if start < moment < end})
    anchors = (start, *inside, end)
    if not start < end:
        raise ValueError(f"a pace needs a start before its end, not {float(start)} and {float(end)}")
    if samples < 2 or rounds < 1:
        raise ValueError(f"a pace needs two samples and one round, not {samples} and {rounds}")
    knots = []
    for first, last in pairwise(anchors):
        share = max(2, round(samples * float((last - first) / (end - start))))
        knots.append(_even_between(picture_at, float(first), float(last), share, rounds))
    seconds = [*(time for times, _ in knots for time in times[:-1]), float(end)]
    places = [*(place for _, places in knots for place in places[:-1]), float(end)]
    return Pace(tuple(seconds), tuple(places), anchors)


def _even_between(
    picture_at: PictureAt, start: float, end: float, samples: int, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Knots of the pace between two moments: the clip's seconds, and the walk's."""
    from scipy.interpolate import PchipInterpolator

    # A walk may cut at `end`; the stretch before it ends with the picture before the cut.
    last = end - 1e-6 * (end - start)
    places = np.linspace(start, last, samples + 1)
    for _ in range(rounds):
        steps = picture_distances(_pictures(picture_at, places))
        if not steps.any():
            return np.array([start, end]), np.array([start, end])
        rates = steps / np.diff(places)
        mean = steps.sum() / (last - start)
        lengths = np.maximum(rates, STILLNESS * mean) * np.diff(places)
        way = np.concatenate([[0], np.cumsum(lengths)])
        seconds = start + (end - start) * way / way[-1]
        found = seconds, np.concatenate([places[:-1], [end]])
        if unevenness(steps) < EVEN_ENOUGH:
            break
        places = PchipInterpolator(seconds, places)(np.linspace(start, end, samples + 1))
        places[0], places[-1] = start, last
        places = np.maximum.accumulate(places)
        places = places[np.concatenate([[True], np.diff(places) > 0])]
    return found


def _pictures(picture_at: PictureAt, times: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures float32 [h, w, channels] in [0, 1] at these times, made a batch at a time."""
    for first in range(0, len(times), BATCH):
        chosen = times[first : first + BATCH].tolist()
        pictures = np.asarray(picture_at(chosen))
        if pictures.ndim != 4 or len(pictures) != len(chosen):
            raise RenderError(f"pace: {len(chosen)} pictures were wanted, and {list(pictures.shape)} came")
        yield from as_floats(pictures)


def as_floats(pictures: np.ndarray) -> np.ndarray:
    """uint8 0–255 as float32 [0, 1]; floats as they are."""
    return pictures.astype(np.float32) / (255 if pictures.dtype == np.uint8 else 1)


# --- how much a picture changes -----------------------------------------------------------------------------


def features(picture: np.ndarray) -> np.ndarray:
    """What one picture [h, w, channels] in [0, 1] is measured by: float32 [n].

    At every scale its colours, and twice their differences to the right and down, as shares of its area.
    """
    parts, level = [], picture.astype(np.float32)
    while True:
        area = np.sqrt(level.shape[0] * level.shape[1])
        right, down = np.diff(level, axis=1), np.diff(level, axis=0)
        parts += [part.ravel() / area for part in (level, 2 * right, 2 * down)]
        if min(level.shape[:2]) < 2 * SMALLEST_SIDE:
            return np.concatenate(parts)
        level = _halved(level)


def _halved(picture: np.ndarray) -> np.ndarray:
    """Averages of 2×2 pixels; an odd last row or column is left out."""
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    even = picture[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def picture_distances(pictures: Iterator[np.ndarray]) -> np.ndarray:
    """How much each picture differs from the one before: float64 [N - 1]."""
    found, before = [], None
    for picture in pictures:
        here = features(picture)
        if before is not None:
            found.append(np.linalg.norm((here - before).astype(np.float64)))
        before = here
    return np.array(found)


def colour_distances(pictures: Iterator[np.ndarray]) -> np.ndarray:
    """The same by the plain root mean square of sRGB values, as an independent check: float64 [N - 1]."""
    found, before = [], None
    for picture in pictures:
        if before is not None:
            found.append(np.sqrt(np.square(picture - before, dtype=np.float64).mean()))
        before = picture
    return np.array(found)


def unevenness(distances: np.ndarray) -> float:
    """The coefficient of variation: standard deviation over mean. 0: even, or all is still."""
    mean = float(np.mean(distances))
    return float(np.std(distances)) / mean if mean > 0 else 0.0


@dataclass(frozen=True)
class Comparison:
    """How evenly a stretch moves as it is and paced, frame by frame.

    before, after  distances [N - 1] between neighbouring frames by `picture_distances`
    colours_before, colours_after  the same by `colour_distances`
    """

    before: np.ndarray
    after: np.ndarray
    colours_before: np.ndarray
    colours_after: np.ndarray


def compare_pace(picture_at: PictureAt, pace: Pace, times: Sequence[Fraction | float]) -> Comparison:
    """Frame-to-frame distances at these times of the clip, without and with the pace."""
    series = []
    for places in ([float(time) for time in times], [float(pace(time)) for time in times]):
        pictures = list(_pictures(picture_at, np.array(places)))
        series.append((picture_distances(iter(pictures)), colour_distances(iter(pictures))))
    (before, colours_before), (after, colours_after) = series
    return Comparison(before, after, colours_before, colours_after)
