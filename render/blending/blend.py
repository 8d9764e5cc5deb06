"""Blends: how much of each model every layer takes. Plain numbers; the tensors are `blender`'s affair.

A blend is weights `[M, L]` of M models over L layers, and every column sums to 1. Which column a tensor
follows is said by its *convention* (see `conventions`), and how tensors are mixed by its *interpolation* (see
`interpolation`). Single channels of a layer may have weights of their own (see `pull`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from render.blending.conventions import CONVENTIONS, Convention
from render.blending.interpolation import check_interpolation
from render.blending.pull import FARTHEST, ChannelPull, in_order, spread
from render.errors import BlendError

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Blend:
    """How much of each of M models goes into each of L layers, and into what belongs to no layer.

    weights        [M, L] for the layers
    to_rgb         [M, L] for the to-RGB parts where these do not follow their layer; None: they do
    mapping        [M] for the mapping network, its average and embeddings; None: all from model 0
    noise          [M] for the noise maps; None: as `mapping`, so that noise stands still while layers change
    convention     which of these each tensor follows: a key of CONVENTIONS
    pulls          output channels that are mixed otherwise than their layer; see `take`
    interpolation  `linear`, or `keep-norm`: direction and norm of every filter apart

    Weights may lie outside 0–1 (they extrapolate); columns must sum to 1. Arrays are float64 and read-only.
    Equal blends are equal and hash alike.
    """

    weights: np.ndarray
    to_rgb: np.ndarray | None = None
    mapping: np.ndarray | None = None
    noise: np.ndarray | None = None
    convention: str = "position"
    pulls: tuple[ChannelPull, ...] = ()
    interpolation: str = "linear"

    def __post_init__(self) -> None:
        find_convention(self.convention)
        check_interpolation(self.interpolation)
        weights = _frozen(self.weights)
        if weights.ndim != 2 or 0 in weights.shape:
            raise BlendError(f"weights must be [models, layers], not {list(weights.shape)}")
        first = np.zeros(len(weights))
        first[0] = 1
        mapping = first if self.mapping is None else self.mapping
        parts = {
            "weights": weights,
            "to_rgb": None if self.to_rgb is None else _frozen(self.to_rgb),
            "mapping": _frozen(mapping),
            "noise": _frozen(mapping if self.noise is None else self.noise),
        }
        shapes = {"to_rgb": weights.shape, "mapping": weights.shape[:1], "noise": weights.shape[:1]}
        for name, array in parts.items():
            if array is not None:
                _check(name, array, shapes.get(name, weights.shape))
                object.__setattr__(self, name, array)
        object.__setattr__(self, "pulls", in_order(self.pulls, *weights.shape))

    @property
    def model_count(self) -> int:
        return self.weights.shape[0]

    @property
    def layer_count(self) -> int:
        return self.weights.shape[1]

    def column(self, kind: str, position: int | None = None) -> np.ndarray:
        """The weights [M] of one place: `layer` or `to_rgb` with a position, `mapping`, `noise_map`."""
        if kind == "mapping":
            return self.mapping
        if kind == "noise_map":
            return self.noise
        table = self.weights if kind == "layer" or self.to_rgb is None else self.to_rgb
        return table[:, position]

    def take(self, model: int, channels: Mapping[int, Sequence[int]], weight: float = 1.0) -> Blend:
        """This blend, but with some output channels of some layers taken from one model.

        channels  position of a layer → numbers of its channels
        weight    how much of them is that model's; the rest is as their layer, and so is 0. Outside 0–1 it
                  extrapolates, within ±100

        Raises BlendError if a channel is taken already.
        """
        if not 0 <= model < self.model_count:
            raise BlendError(f"there is no model {model} in a blend of {self.model_count}")
        column = tuple(float(index == model) for index in range(self.model_count))
        taken = [
            ChannelPull(position, tuple(numbers), column, checked_weight(weight))
            for position, numbers in channels.items()
        ]
        return replace(self, pulls=(*self.pulls, *taken))

    def expand(self, series: Sequence[np.ndarray]) -> Blend:
        """Every model m becomes a series of snapshots, mixed by `series[m]` [K_m]: a blend of ΣK models."""
        if len(series) != self.model_count:
            raise BlendError(f"{len(series)} series for a blend of {self.model_count} models")

        def spread_table(table: np.ndarray | None) -> np.ndarray | None:
            if table is None:
                return None
            parts = zip(series, table, strict=True)
            return np.concatenate([np.multiply.outer(np.asarray(mix, float), row) for mix, row in parts])

        arrays = ("weights", "to_rgb", "mapping", "noise")
        tables = {name: spread_table(getattr(self, name)) for name in arrays}
        return replace(self, **tables, pulls=tuple(spread(pull, series) for pull in self.pulls))

    @classmethod
    def only(cls, index: int, model_count: int, layer_count: int) -> Blend:
        """All of model `index`, and nothing of the others."""
        column = np.zeros(model_count)
        column[index] = 1
        return cls(np.repeat(column[:, None], layer_count, axis=1), mapping=column)

    @classmethod
    def added(cls, shares: Sequence | np.ndarray, mapping: Sequence | None = None) -> Blend:
        """Task vectors: model 0 is the base, and of what each other model learnt from it a share is added.

        base + Σ λᵢ·(tunedᵢ − base), which is a blend in which the base has 1 − Σ λᵢ.

        shares   [M - 1, L], λ of every tuned model for every layer; 1 adds all, -1 takes it away
        mapping  [M]; None: the base's
        """
        return cls(with_base(shares), mapping=mapping)

    @classmethod
    def low_high(
        cls,
        layer_count: int,
        swap: float,
        width: float | None = None,
        weight: float = 1.0,
        *,
        to_rgb: Sequence[float] | float | None = None,
        mapping: float = 0.0,
        convention: str = "position",
    ) -> Blend:
        """Model 0 (low) gives the coarse layers, model 1 (high) those from the position `swap` on.

        width    softness in layers; None or 0: whole swaps cut, fractional ones cross-fade one layer
        weight   how much of `high` is used where the swap gives it, within ±100
        to_rgb   weight of `high` in the to-RGB parts, one for all or [L]; None: they follow their layer
        mapping  weight of `high` in the mapping network
        """
        high = find_convention(convention).weights(layer_count, swap, width) * checked_weight(weight)
        rgb = None if to_rgb is None else _pair(np.broadcast_to(np.asarray(to_rgb, float), layer_count))
        return cls(_pair(high), to_rgb=rgb, mapping=_pair(np.asarray(float(mapping))), convention=convention)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blend) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def fingerprint(self) -> bytes:
        """Equal for equal blends, in every process."""
        return hashlib.blake2b(repr(self._key()).encode(), digest_size=16).digest()

    def _key(self) -> tuple:
        values = (getattr(self, field.name) for field in fields(self))
        return tuple((v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values)


def with_base(shares: Sequence | np.ndarray) -> np.ndarray:
    """Shares [M - 1, …] of tuned models and, before them, what is left for their base: [M, …]."""
    shares = np.asarray(shares, dtype=np.float64)
    return np.concatenate([1 - shares.sum(axis=0, keepdims=True), shares])


def _pair(high: np.ndarray) -> np.ndarray:
    """Weights of low and high, [2, …], from those of high."""
    return np.stack([1 - high, high])


def _frozen(values: Sequence | np.ndarray) -> np.ndarray:
    try:
        array = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise BlendError(f"weights are rows of numbers of one length, not {values!r:.60}") from None
    # -0.0 would make equal columns look different to whoever compares their bytes.
    array += 0.0
    array.setflags(write=False)
    return array


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise BlendError(f"{name} must be {list(shape)} like the weights, not {list(array.shape)}")
    sums = array.sum(axis=0)
    if not np.all(np.abs(sums - 1) <= SUM_TOLERANCE * max(1.0, np.abs(array).max())):
        place = "" if sums.ndim == 0 else f" in column {int(np.argmax(~(np.abs(sums - 1) <= SUM_TOLERANCE)))}"
        raise BlendError(
            f"the {name} of a blend must sum to 1{place}, not {np.round(np.ravel(sums), 4).tolist()}"
        )


def checked_weight(weight: float) -> float:
    """The weight of a model, within reason. Raises BlendError."""
    right = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
    if not right or not -FARTHEST <= weight <= FARTHEST:
        raise BlendError(f"weight is a number from {-FARTHEST} to {FARTHEST}, not {weight!r}")
    return float(weight)


def find_convention(name: str) -> Convention:
    """The convention of that name. Raises BlendError."""
    if name not in CONVENTIONS:
        raise BlendError(f"unknown convention {name!r}; there are {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]


def swap_weights(
    layer_count: int,
    swap: float,
    width: float | None = None,
    weight: float = 1.0,
    convention: str = "position",
) -> np.ndarray:
    """Weight of `high` at positions 0 … L-1, [L]. Arguments as in `Blend.low_high`."""
    return find_convention(convention).weights(layer_count, swap, width) * weight


def position_of(swap: float | str | tuple[int, int], names: Sequence[str] | None = None) -> float:
    """The position of a resolution (also between powers of two), a layer's name, or (resolution, level).

    names  the network's layer names; given, a named layer must be one of them. `L7` needs them.
    Raises BlendError.
    """
    if isinstance(swap, int | float) and not isinstance(swap, bool):
        if not (math.isfinite(swap) and swap > 0):
            raise BlendError(f"a swap is a resolution above 0, not {swap}")
        return 2 * math.log2(swap / 4)
    name = f"{swap[0]}/{swap[1]}" if isinstance(swap, tuple | list) and len(swap) == 2 else str(swap)
    if names is not None:
        if name not in names:
            raise BlendError(f"there is no layer {name!r}; there are {', '.join(names)}")
        return float(list(names).index(name))
    resolution, slash, level = name.partition("/")
    if not (
        slash and resolution.isdigit() and level in ("0", "1") and math.log2(max(int(resolution), 1)) % 1 == 0
    ):
        raise BlendError(f"{name!r} is no layer's name; one looks like '32/0' or '32/1'")
    return 2 * math.log2(int(resolution) / 4) + int(level)


def position_of_resolution(resolution: float, resolutions: Sequence[int]) -> float:
    """The position on one network's axis from which layers compute at `resolution` or more.

    resolutions  of the network's layers in order, [L]. A network's lowest resolution, and anything from 4 to
                 there, is its first layer; twice its highest lies behind its last. Between two resolutions
                 the position moves evenly with the logarithm, so that numbers between them cross-fade.

    For StyleGAN1/2 this is 2·log2(resolution / 4); in StyleGAN3, where a resolution has many layers, 32 is
    the first layer that has 32 samples per picture width. Raises BlendError.
    """
    plain = position_of(resolution)
    places = sorted(set(resolutions))
    behind = 2 * places[-1]
    if plain < 0 or resolution > behind:
        raise BlendError(
            f"swap {resolution:g} lies outside this network, which goes from 4 (all of high) to {behind} "
            "(all of low)"
        )
    positions = [list(resolutions).index(place) for place in places] + [len(resolutions)]
    return float(np.interp(plain, [2 * math.log2(place / 4) for place in [*places, behind]], positions))


def snapshots(kimgs: Sequence[float], kimg: float) -> np.ndarray:
    """Weights [M] of the snapshots at the rising `kimgs`, for the moment `kimg` of the training run.

    Between two snapshots both count, by nearness; before the first and after the last that one holds.
    """
    places = np.asarray(kimgs, dtype=np.float64)
    if places.ndim != 1 or len(places) == 0 or not np.all(np.diff(places) > 0):
        raise BlendError(f"snapshots must be in rising order of kimg, not {places.tolist()}")
    return np.array([np.interp(kimg, places, row) for row in np.eye(len(places))])
