"""The channels that a preset takes, as tables: which, from whom, and how much at a moment. No torch."""

from __future__ import annotations

from collections.abc import Mapping

from render.preset import Preset
from render.scene.channels import Taken, taken_channels

from .models import Sizes
from .table import section
from .words import count_text, percent_text


def find_taken(preset: Preset, sizes: Sizes | None) -> tuple[Taken, ...]:
    """What the preset takes; checked against the networks as far as a header tells. Raises PresetError."""
    return taken_channels(preset, (sizes.channels if sizes else None) or None)


def channels_section(preset: Preset, sizes: Sizes | None) -> str:
    """Set, model, how many channels, where they are named, and how many of each layer; "" without any."""
    rows = [
        [
            one.channels.name,
            f"from {one.model}",
            count_text(len(one.channels), "channel"),
            one.file.name if one.file else "",
            ", ".join(f"{layer}: {len(numbers)}" for layer, numbers in one.channels.channels.items()),
        ]
        for one in find_taken(preset, sizes)
    ]
    return section("channels", rows, right=(2,)) if rows else ""


def shares_section(preset: Preset, sizes: Sizes | None, values: Mapping[str, float]) -> str:
    """Set, model, and how much of the channels is that model's; "" without any."""
    rows = [
        [one.channels.name, f"from {one.model}", percent_text(values[one.track])]
        for one in find_taken(preset, sizes)
    ]
    return section("channels", rows, right=(2,)) if rows else ""
