"""What stands under each picture at a moment: names and numbers of the preset as people say them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from render.preset import SWAP, Preset, name_of, resolution_of
from render.preset.captions import MOVING_WORDS, Caption, Field, formatted, panel_name, read_caption
from render.preset.motion import VARS
from render.timeline import ExpressionTrack, Track

if TYPE_CHECKING:
    from render.networks import Layer
    from render.preset import Panel

    from .mixture import Names, Values

_WORD_FORMATS = {"t": ".1f", "b": ".1f", "u": ".2f", "f": ".0f", "frame": ".0f"}
_MOST_DECIMALS = 2


class Captions:
    """The words under the pictures of a preset, for every moment of its clip.

    tracks  of the preset on the networks at hand
    layers  of these networks: they give a swap its name
    """

    def __init__(self, preset: Preset, tracks: dict[str, Track | ExpressionTrack], layers: Sequence[Layer]):
        self.preset, self.layers = preset, layers
        panels = preset.panels
        self._panels = [panel for row in panels.rows for panel in row]
        self._captions = [
            _caption_of(preset, panel) if panels.is_labelled(panel) else Caption(()) for panel in self._panels
        ]
        read = {field.name.removeprefix(VARS) for caption in self._captions for field in caption.fields}
        self._numbers = {
            name.removeprefix(VARS): self._number(name, track)
            for name, track in tracks.items()
            if name.removeprefix(VARS) in read
        }

    def at(self, seconds: Fraction, values: Values, names: Names) -> tuple[str, ...]:
        """A caption for each picture, "" for none."""

        def said(field: Field, panel: Panel) -> str:
            name = field.name.removeprefix(VARS)
            if name in self._numbers:
                return self._numbers[name](values, field.format)
            if name in names:
                return " → ".join(names[name])
            if name in MOVING_WORDS:
                return formatted(self._time(name, seconds), field.format or _WORD_FORMATS[name])
            return str(panel.seed) if name == "seed" else panel_name(self.preset, panel)

        return tuple(
            caption.filled(lambda field, panel=panel: said(field, panel))
            for caption, panel in zip(self._captions, self._panels, strict=True)
        )

    def _time(self, word: str, seconds: Fraction) -> float:
        clock = self.preset.clock
        if word == "b":
            return clock.beats(float(seconds))
        if word == "u":
            return float(seconds / clock.duration)
        return float(seconds) if word == "t" else clock.frames(float(seconds))

    # --- numbers --------------------------------------------------------------------------------------------

    def _number(self, name: str, track: Track | ExpressionTrack) -> Callable[[Values, str], str]:
        """Says the number `name`. One that moves always has as many decimals, so that it stands still."""
        if self.preset.animated()[name].quantity == SWAP:
            return lambda values, form: self._swap(values[name], form)
        steady = ".4g"
        if not track.is_constant:
            extent = max(abs(track.minimum), abs(track.maximum), 1e-9)
            steady = f".{min(max(2 - math.floor(math.log10(extent)), 0), _MOST_DECIMALS)}f"
        return lambda values, form: formatted(values[name], form or steady)

    def _swap(self, position: float, form: str) -> str:
        """The layer nearest to a position by its name; in a format the resolution there."""
        nearest = round(min(max(position, 0), len(self.layers)))
        # In StyleGAN3 many layers share a resolution: between two there is no other one.
        is_even = all(layer.name == name_of(layer.position) for layer in self.layers)
        behind = 2 * self.layers[-1].resolution
        if form:
            at_layer = self.layers[nearest].resolution if nearest < len(self.layers) else behind
            return formatted(resolution_of(position) if is_even else at_layer, form)
        return self.layers[nearest].name if nearest < len(self.layers) else str(behind)


def _caption_of(preset: Preset, panel: Panel) -> Caption:
    """The words of a picture; its own name is no text with names in braces."""
    return read_caption(panel.label) if panel.label else Caption((panel_name(preset, panel),))
