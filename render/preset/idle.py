"""Warnings of settings that no picture shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .motion import spots_of
from .names import names_in

if TYPE_CHECKING:
    from .model import Preset


def idle_settings(preset: Preset) -> Iterator[str]:
    """A line for each of them."""
    yield from _of_blend(preset)
    if "seed" in preset.noise.model_fields_set and preset.noise.mode != "random":
        yield f"noise.seed: {preset.noise.mode} noise has no seed; a seed takes mode: random"


def _of_blend(preset: Preset) -> Iterator[str]:
    """A blend that moves unseen, or channels over it that do; or a model that is mixed with itself."""
    tracks = preset.tracks()
    names = [spot.name for spot in spots_of(preset) if spot.place[0] in ("blend", "channels")]
    # A snapshot is also seen where its model is shown alone.
    moving = [name for name in names if name != "blend.snapshot" and not tracks[name].is_constant]
    if moving and not any(panel.word == "blend" for row in preset.panels.show for panel in row):
        yield f"panels: no picture shows how {moving[0]} moves; write blend among them"
    blend = preset.mix
    if blend.has_swap and not preset.channels:  # which may come from another model
        low, high = names_in(blend.low), names_in(blend.high)
        if low == high and len(low) == 1 and not preset.models[low[0]].is_series:
            yield f"blend: low and high are both {low[0]}, so nothing is blended"
