"""Channels that do not follow their layer's blend but are pulled towards other models."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from render.errors import BlendError

FARTHEST = 100  # beyond such weights float32 has nothing left to draw


@dataclass(frozen=True)
class ChannelPull:
    """Output channels of one layer and what they are mixed of.

    position  of the layer
    channels  their numbers, from 0
    models    [M] the mix they are pulled to, mostly all of one model; sums to 1
    weight    how far: 0 leaves them to their layer, 1 takes the mix alone; beyond that it extrapolates

    Which tensors a channel takes along is said by `channel_axes`.
    """

    position: int
    channels: tuple[int, ...]
    models: tuple[float, ...]
    weight: float = 1.0

    def column(self, layer: np.ndarray) -> np.ndarray:
        """The weights [M] of these channels where their layer (or its to-RGB) has `layer` [M]."""
        return (1 - self.weight) * layer + self.weight * np.array(self.models)


def in_order(pulls: Iterable[ChannelPull], model_count: int, layer_count: int) -> tuple[ChannelPull, ...]:
    """The pulls in the one way to write them: joined where alike, sorted, without those of weight 0.

    Raises BlendError where they do not fit the blend, or two of them want the same channel.
    """
    joined: dict[tuple, list[int]] = {}
    owned: set[tuple[int, int]] = set()
    for pull in pulls:
        _check(pull, model_count, layer_count)
        for channel in pull.channels:
            if (pull.position, channel) in owned:
                raise BlendError(f"channel {channel} of the layer at position {pull.position} is taken twice")
            owned.add((pull.position, channel))
        if pull.weight != 0:
            key = pull.position, tuple(map(float, pull.models)), float(pull.weight)
            joined.setdefault(key, []).extend(map(int, pull.channels))
    found = [
        ChannelPull(position, tuple(sorted(channels)), models, weight)
        for (position, models, weight), channels in joined.items()
        if channels
    ]
    return tuple(sorted(found, key=lambda pull: (pull.position, pull.channels)))


def spread(pull: ChannelPull, series: Iterable[np.ndarray]) -> ChannelPull:
    """The same pull where every model m has become a series of snapshots, mixed by `series[m]` [K_m]."""
    models = [
        float(w) for mix, share in zip(series, pull.models, strict=True) for w in np.multiply(mix, share)
    ]
    return replace(pull, models=tuple(models))


def _check(pull: ChannelPull, model_count: int, layer_count: int) -> None:
    if not 0 <= pull.position < layer_count:
        raise BlendError(
            f"channels are taken from position {pull.position}; there are 0 to {layer_count - 1}"
        )
    if len(pull.models) != model_count or not abs(math.fsum(pull.models) - 1) <= 1e-6:
        raise BlendError(f"channels need {model_count} weights that sum to 1, not {list(pull.models)}")
    if not -FARTHEST <= pull.weight <= FARTHEST:
        raise BlendError(f"weight is a number from {-FARTHEST} to {FARTHEST}, not {pull.weight!r}")
    if any(channel < 0 for channel in pull.channels):
        raise BlendError(f"channels are numbered from 0, not {min(pull.channels)}")
