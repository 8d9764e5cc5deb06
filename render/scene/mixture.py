"""The blend of a preset at a moment: from the values of its tracks to weights of models and layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from render.blending.blend import Blend, position_of_resolution, swap_weights
from render.preset import Preset
from render.timeline import ExpressionTrack, Track

if TYPE_CHECKING:
    from render.networks import Layer

Values = Mapping[str, float]
Names = Mapping[str, Mapping[str, float]]


def tracks_on(layers: Sequence[Layer], preset: Preset) -> dict[str, Track | ExpressionTrack]:
    """The preset's tracks; swaps given as resolutions are positions among the network's own layers.

    In StyleGAN3 many layers share a resolution, so only the network can say where one begins.
    """
    resolutions = [layer.resolution for layer in layers]

    def position_at(resolution: float) -> float:
        inside = min(max(resolution, 4), 2 * max(resolutions))
        return position_of_resolution(inside, resolutions)

    return preset.tracks(position_at)


def on_layers(preset: Preset, name: str, values: Values, layers: Sequence[Layer]) -> np.ndarray | float:
    """The number `name`, such as `blend.weight`; where the preset has a map over layers one for each, [L]."""
    cells = preset.layer_maps().get(name)
    if cells is None:
        return values[name]
    numbers = np.full(len(layers), float(cells.default))
    for cell in cells.cells:
        chosen = [cell.layers.covers(*_described(layer)) for layer in layers]
        numbers[chosen] = values[cell.track]
    return numbers


def _described(layer: Layer) -> tuple[int, int, str, int]:
    return layer.resolution, layer.level, layer.name, layer.position


class Mixture:
    """Blends over the models of a preset, by the values of its tracks.

    models  their names, in the order of the blends' rows
    layers  of the networks
    """

    def __init__(self, preset: Preset, models: Sequence[str], layers: Sequence[Layer]):
        self.preset, self.models, self.layers = preset, list(models), tuple(layers)
        self.roles = tuple(preset.mix.names())

    def blends(self, values: Values, names: Names) -> dict[str, Blend]:
        """For every panel's word, how much of each model its layers take.

        `low`, `blend` and `high` are one walk through the same latents under the same noise, so that only
        layers differ. A model's own name shows that model as it is, with its own mapping and noise.
        """
        blend = self.blend(values, names)
        words = {panel.word for row in self.preset.panels.show for panel in row}
        return {word: blend if word == "blend" else self._panel(word, names, blend) for word in words}

    def blend(self, values: Values, names: Names) -> Blend:
        """The blend itself, [M, L]."""
        mix, count = self.preset.mix, len(self.layers)
        if not mix.is_mix:
            return self._alone(self._shares("blend.model", names))
        low, high = (self._shares(f"blend.{role}", names) for role in self.roles)
        weight = on_layers(self.preset, "blend.weight", values, self.layers)

        def rule(swap: float) -> np.ndarray:
            of_high = swap_weights(count, swap, values.get("blend.width"), 1.0, mix.convention) * weight
            return np.multiply.outer(low, 1 - of_high) + np.multiply.outer(high, of_high)

        to_rgb = values.get("blend.to_rgb")
        mixed = low + (high - low) * float(np.mean(weight))
        return Blend(
            rule(values["blend.swap"]),
            to_rgb=None if to_rgb is None else rule(to_rgb),
            mapping=self._mapping(names["blend.mapping"], {"low": low, "high": high, "blend": mixed}),
            convention=mix.convention,
        )

    def _panel(self, word: str, names: Names, blend: Blend) -> Blend:
        if word not in self.roles:
            return Blend.only(self.models.index(word), len(self.models), len(self.layers))
        alone = self._alone(self._shares(f"blend.{word}", names))
        return replace(alone, mapping=blend.mapping, noise=blend.noise)

    def _alone(self, shares: np.ndarray) -> Blend:
        """Every layer takes the same of each model."""
        return Blend(np.repeat(shares[:, None], len(self.layers), axis=1), mapping=shares)

    def _shares(self, track: str, names: Names) -> np.ndarray:
        """Weights [M] of the models that a track of names shows."""
        shares = np.zeros(len(self.models))
        for name, share in names[track].items():
            shares[self.models.index(name)] = share
        return shares

    def _mapping(self, shares: Mapping[str, float], words: Mapping[str, np.ndarray]) -> np.ndarray:
        """Weights [M] of the mapping network; besides models there are the words low, high and blend."""
        found = np.zeros(len(self.models))
        for name, share in shares.items():
            if name in words:
                found += share * words[name]
            else:
                found[self.models.index(name)] += share
        return found
