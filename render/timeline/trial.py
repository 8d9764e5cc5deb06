"""The trial of formulas before anything is rendered: at which moments they are tried, within a bound.

A preset may come from a stranger. Work is counted in plain operations (`weight`), so that the bound is the
same on every machine, and it is set for a few hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .clock import Clock

MOST_WEIGHT = 3000  # plain operations in all formulas together, for one moment
FORMULA_WEIGHT = 3  # what any formula costs besides
MOST_WORK = 1_500_000  # plain operations in a trial
MOST_MOMENTS = 20_000


@dataclass(frozen=True)
class Failure:
    """A formula without a value: the track's name, the first moment of a frame that shows it, and why."""

    name: str
    seconds: Fraction
    message: str


@dataclass(frozen=True)
class Moments:
    """Moments of frames in order of time.

    Attributes:
        seconds: float64 [N].
        clocks: whose frames they are.
        sources: int [N], which clock; frames: int [N], which of its frames.
    """

    seconds: Any
    clocks: tuple[Clock, ...]
    sources: Any
    frames: Any

    def exact(self, index: int) -> Fraction:
        """Moment `index`, exactly."""
        return self.clocks[int(self.sources[index])].seconds(int(self.frames[index]))


def moments_within(clocks: Sequence[Clock], weight: int) -> Moments:
    """The moments of the clocks' frames at which formulas of that weight together are tried: of all frames if
    they fit in the work of a trial, otherwise of as many as do, evenly spread over each clip.
    """
    import numpy as np

    most = max(2, min(MOST_MOMENTS, MOST_WORK // max(1, weight)))
    clocks = tuple(dict.fromkeys(clocks))[: max(1, most // 2)]
    seconds, sources, frames = [], [], []
    for source, clock in enumerate(clocks):
        last = clock.frame_count - 1
        count = min(last, most // len(clocks) - 1)
        chosen = np.arange(count + 1, dtype=np.int64) * last // max(1, count)
        step = clock.seconds(1) if last else Fraction(0)
        seconds.append(chosen * float(step.numerator) / float(step.denominator))
        sources.append(np.full(len(chosen), source))
        frames.append(chosen)
    joined = [np.concatenate(parts) for parts in (seconds, sources, frames)]
    order = np.argsort(joined[0], kind="stable")
    return Moments(joined[0][order], clocks, joined[1][order], joined[2][order])
