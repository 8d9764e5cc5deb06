"""The blend of a preset at a moment: from the values of its tracks to weights of models and layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from render.blending.blend import Blend, position_of_resolution, swap_weights
from render.errors import RenderError
from render.preset import LayerCell, Preset
from render.preset.sums import TOLERANCE, is_wrong, sum_text
from render.timeline import ExpressionTrack, Track

if TYPE_CHECKING:
    from render.networks import Layer

    from .channels import Taken

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


class LayerNumbers:
    """The numbers of a preset that may differ from layer to layer, on the layers of a network."""

    def __init__(self, preset: Preset, layers: Sequence[Layer]):
        self._maps = {
            name: (float(cells.default), [(cell.track, _covered(cell, layers)) for cell in cells.cells])
            for name, cells in preset.layer_maps().items()
        }
        self._count = len(layers)

    def at(self, name: str, values: Values) -> np.ndarray | float:
        """The number `name`, such as `blend.weight`; where that is a map over layers one for each, [L]."""
        if name not in self._maps:
            return values[name]
        default, cells = self._maps[name]
        numbers = np.full(self._count, default)
        for track, chosen in cells:
            numbers[chosen] = values[track]
        return numbers


def _covered(cell: LayerCell, layers: Sequence[Layer]) -> np.ndarray:
    """Whether the cell speaks of each layer, bool [L]."""
    return np.array(
        [cell.layers.covers(one.resolution, one.level, one.name, one.position) for one in layers], bool
    )


class Mixture:
    """Blends over the models of a preset, by the values of its tracks.

    models  their names, in the order of the blends' rows
    layers  of the networks
    taken   channels that are taken on top of the blend
    """

    def __init__(
        self, preset: Preset, models: Sequence[str], layers: Sequence[Layer], taken: Sequence[Taken] = ()
    ):
        self.preset, self.models, self.layers = preset, list(models), tuple(layers)
        names = [layer.name for layer in self.layers]
        self._taken = [
            (self.models.index(one.model), one.channels.positions(names), one.track) for one in taken
        ]
        self._numbers = LayerNumbers(preset, self.layers)

    def blends(self, values: Values, names: Names) -> dict[str, Blend]:
        """For every panel's word, how much of each model its layers take.

        `low`, `blend` and `high` are one walk through the same latents under the same noise, so that only
        layers differ. A model's own name shows that model as it is, with its own mapping and noise.

        Raises RenderError where the weights of a mix don't sum to 1.
        """
        blend = self.blend(values, names)
        words = {panel.word for row in self.preset.panels.show for panel in row}
        return {word: blend if word == "blend" else self._panel(word, names, blend) for word in words}

    def blend(self, values: Values, names: Names) -> Blend:
        """The blend itself, [M, L], with the channels that are taken. Raises as `blends`."""
        blend = _FORMS[self.preset.mix.form](self, values, names)
        for model, channels, track in self._taken:
            blend = blend.take(model, channels, values[track])
        return blend

    def leading(self, names: Names) -> str:
        """The model that gives the coarse layers: low, the base or the only one; of a mix the first."""
        if self.preset.mix.form == "mix":
            return next(iter(self.preset.mix.mix))
        role = next(iter(self.preset.mix.names()))
        shares = names[f"blend.{role}"]
        return max(shares, key=shares.__getitem__)

    # --- the forms of a blend -------------------------------------------------------------------------------

    def _single(self, values: Values, names: Names) -> Blend:
        return self._alone(self._shares("blend.model", names))

    def _swapped(self, values: Values, names: Names) -> Blend:
        mix, count = self.preset.mix, len(self.layers)
        low, high = (self._shares(f"blend.{role}", names) for role in ("low", "high"))
        weight = self._numbers.at("blend.weight", values)

        def rule(swap: float) -> np.ndarray:
            of_high = swap_weights(count, swap, values.get("blend.width"), 1.0, mix.convention) * weight
            return np.multiply.outer(low, 1 - of_high) + np.multiply.outer(high, of_high)

        to_rgb = values.get("blend.to_rgb")
        mixed = low + (high - low) * float(np.mean(weight))
        words = {"low": low, "high": high, "blend": mixed}
        return self._whole(rule(values["blend.swap"]), None if to_rgb is None else rule(to_rgb), names, words)

    def _mixed(self, values: Values, names: Names) -> Blend:
        weights = self._summed("mix", values)
        to_rgb = None if self.preset.mix.to_rgb is None else self._summed("to_rgb", values)
        return self._whole(weights, to_rgb, names, {"blend": weights.mean(axis=1)})

    def _added(self, values: Values, names: Names) -> Blend:
        base = self._shares("blend.base", names)

        def rule(key: str) -> np.ndarray:
            shares = self._table(key, values)
            return np.multiply.outer(base, 1 - shares.sum(axis=0)) + shares

        weights = rule("add")
        to_rgb = None if self.preset.mix.to_rgb is None else rule("to_rgb")
        return self._whole(weights, to_rgb, names, {"blend": weights.mean(axis=1)})

    def _whole(
        self, weights: np.ndarray, to_rgb: np.ndarray | None, names: Names, words: Mapping[str, np.ndarray]
    ) -> Blend:
        """The blend of these weights with the mapping network and the noise maps that the preset names."""
        noise = names.get("blend.noise")
        return Blend(
            weights,
            to_rgb=to_rgb,
            mapping=self._owner(names["blend.mapping"], words),
            noise=None if noise is None else self._owner(noise, words),
            convention=self.preset.mix.convention,
            interpolation=self.preset.mix.interpolation,
        )

    # --- weights --------------------------------------------------------------------------------------------

    def _table(self, key: str, values: Values) -> np.ndarray:
        """The numbers that models have in `mix`, `add` or `to_rgb`, [M, L]; 0 for those not spoken of."""
        table = np.zeros((len(self.models), len(self.layers)))
        for name in getattr(self.preset.mix, key):
            table[self.models.index(name)] = self._numbers.at(f"blend.{key}.{name}", values)
        return table

    def _summed(self, key: str, values: Values) -> np.ndarray:
        """The weights of a mix, whose columns sum to 1."""
        table, normalise = self._table(key, values), self.preset.mix.normalise
        sums = table.sum(axis=0)
        if normalise or not np.allclose(sums, 1, rtol=0, atol=TOLERANCE):
            spoken = {name: self.models.index(name) for name in getattr(self.preset.mix, key)}
            for layer, column in zip(self.layers, table.T, strict=True):
                shares = {name: float(column[index]) for name, index in spoken.items()}
                if is_wrong(shares, normalise):
                    raise RenderError(f"blend.{key}: {sum_text(layer.name, shares, normalise)}")
        return table / sums if normalise else table

    def _panel(self, word: str, names: Names, blend: Blend) -> Blend:
        if word not in ("low", "high"):
            return self._alone(np.eye(len(self.models))[self.models.index(word)])
        alone = self._alone(self._shares(f"blend.{word}", names))
        return replace(alone, mapping=blend.mapping, noise=blend.noise)

    def _alone(self, shares: np.ndarray) -> Blend:
        """Every layer takes the same of each model."""
        weights = np.repeat(shares[:, None], len(self.layers), axis=1)
        return Blend(weights, mapping=shares, interpolation=self.preset.mix.interpolation)

    def _shares(self, track: str, names: Names) -> np.ndarray:
        """Weights [M] of the models that a track of names shows."""
        return self._owner(names[track], {})

    def _owner(self, shares: Mapping[str, float], words: Mapping[str, np.ndarray]) -> np.ndarray:
        """Weights [M] of the models named; besides models there are words such as low, high and blend."""
        found = np.zeros(len(self.models))
        for name, share in shares.items():
            if name in words:
                found += share * words[name]
            else:
                found[self.models.index(name)] += share
        return found


_FORMS: dict[str, Callable[[Mixture, Values, Names], Blend]] = {
    "model": Mixture._single,
    "swap": Mixture._swapped,
    "mix": Mixture._mixed,
    "add": Mixture._added,
}
