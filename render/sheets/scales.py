"""Round numbers along the axes of a sheet, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from render.networks import Layer
from render.preset import SWAP, Quantity, name_of
from render.report import number_text

TIME_STEPS = (*(base * 10.0**power for power in (-3, -2, -1, 0) for base in (1, 2, 5)), 10, 15, 30)
TIME_STEPS += (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
BEAT_STEPS = tuple(2**power for power in range(16))
NEAREST_TICKS = 80  # pixels


def tick_text(quantity: Quantity, number: float, layers: Sequence[Layer] = ()) -> str:
    """A number where its unit is named beside it: `32/1`, between two layers the resolution, `0.7`.

    layers  of the network, whose names count for a swap where they are not resolutions: `L7`, `L7.5`
    """
    if quantity != SWAP:
        return number_text(number)
    if not layers or "/" in layers[0].name:
        return name_of(round(number, 6))
    whole = round(number)
    is_layer = abs(number - whole) <= 1e-6 and 0 <= whole < len(layers)
    return layers[whole].name if is_layer else f"L{number_text(number - 1)}"


def layer_ticks(lowest: float, highest: float) -> list[float]:
    """Whole positions that enclose a swap, at most seven: all layers, or one to a resolution, or fewer."""
    for step in (1, 2, 4, 8, 16):
        low, high = math.floor(lowest / step) * step, math.ceil(highest / step) * step
        high = max(high, low + step)
        if (high - low) // step <= 6:
            break
    return [float(tick) for tick in range(low, high + 1, step)]


def number_ticks(lowest: float, highest: float) -> list[float]:
    """Two to six round numbers that enclose a range."""
    span, size = highest - lowest, max(abs(lowest), abs(highest))
    if span <= 1e-9 * size or span < 1e-12:
        span = max(size, 1e-6)
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= span / 4 * 0.999)
    low, high = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [tick * step for tick in range(low, max(high, low + 1) + 1)]


def time_ticks(duration: float, width: float) -> list[float]:
    """Round moments of the clip, at least 80 pixels apart."""
    steps = (step for step in TIME_STEPS if step * width / duration >= NEAREST_TICKS)
    step = next(steps, duration)
    return [tick * step for tick in range(int(duration / step + 1e-9) + 1)]


def every_so_many(spacing: float, least: float) -> int:
    """Of things `spacing` pixels apart, every how many are `least` pixels apart: 1, 2, 4, 8 …"""
    return next((step for step in BEAT_STEPS if step * spacing >= least), BEAT_STEPS[-1])
