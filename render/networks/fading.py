"""A layer that cross-fades between two networks, drawn by parts that all frames of the cross-fade share.

With the weight a·A + b·B and the style a·sA + b·sB, the modulated convolution of an x that stays the same
is a polynomial of second degree in a and b. Three of its values determine it: low's own, high's own, and the
one halfway, of (A + B)/2 and (sA + sB)/2:

    (a² - ab) · low + 4ab · halfway + (b² - ab) · high.

A low-pass filter after it changes nothing in that, and Σ(W·s)², for the demodulation, is a polynomial of a
and b as well. In the field's commonest video, a swap that goes through the layers under one latent, x is what
lies below the swap: so the three are computed once for each layer, and a frame mixes them in the pass that
adds noise and bias. No frame mixes the layer's weight, prepares what was mixed, or convolves with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from render.networks.modulated import TINY, Modulated, rounded
from render.networks.unmixed import Shares, Source, identity


def neighbours(keys: Sequence[Hashable]) -> list[slice]:
    """Runs of equal keys."""
    ends = [index for index in range(1, len(keys)) if keys[index] != keys[index - 1]]
    return [slice(start, end) for start, end in zip([0, *ends], [*ends, len(keys)], strict=True)]


@dataclass(frozen=True, eq=False)
class Pair:
    """What a unit of two networks was prepared to, and how much of each every sample takes.

    sources  what was prepared, of low and of high
    weight   which of them is the convolution's, [O, I, k, k]
    shares   of low and high, one pair a sample
    """

    low: Any
    high: Any
    sources: tuple[Sequence[Source], Sequence[Source]]
    weight: int
    shares: Sequence[Shares]

    @property
    def weights(self) -> tuple[Tensor, Tensor]:
        """Of the two convolutions."""
        low, high = self.sources
        return low[self.weight], high[self.weight]

    @property
    def identity(self) -> bytes:
        """Equal for equal pairs, as long as their tensors are there."""
        return repr([list(map(identity, own)) for own in self.sources]).encode()

    def style(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → styles [N, I]."""
        a, b = torch.tensor(self.shares, dtype=torch.float32).split(1, dim=1)
        return a * self.low.style(w) + b * self.high.style(w)

    def single(self, sample: int, *names: str) -> Any:
        """What the unit comes to for one sample, in these of its tensors."""
        a, b = self.shares[sample]
        pairs = {name: (getattr(self.low, name), getattr(self.high, name)) for name in names}
        means = {name: one if one is None else a * one + b * other for name, (one, other) in pairs.items()}
        return replace(self.low, **means)


@dataclass(frozen=True, eq=False)
class Parts:
    """What all frames of a cross-fade share.

    x       low's, the one halfway and high's, [3, O, H, W]
    energy  of Σ(W·s)², what belongs to a⁴, a³b, a²b², ab³ and b⁴: float64 [5, O]
    """

    x: Tensor
    energy: Tensor

    @property
    def nbytes(self) -> int:
        return self.x.nbytes + self.energy.nbytes

    @classmethod
    def of(cls, pair: Pair, w: Tensor, x: Tensor, convolve: Callable[[Any, Tensor, Tensor], None]) -> Parts:
        """Of the sample with that w [1, w_dim].

        x         room for the three
        convolve  convolve(prepared, style, out) writes to out [1, O, H, W]; it is linear
        """
        low, high = pair.low, pair.high
        a, b = low.style(w), high.style(w)
        works = (low, a), (low.halfway_to(high), (a + b) / 2), (high, b)
        for (made, style), out in zip(works, x.split(1), strict=True):
            convolve(made, style, out)
        return cls(x, _energy(low, high, pair.weights, a, b))

    def factors(self, shares: Sequence[Shares]) -> Tensor:
        """How much of each of the three these samples take, [N, 3]."""
        rows = [[a * a - a * b, 4 * a * b, b * b - a * b] for a, b in shares]
        return torch.tensor(rows, dtype=torch.float32)

    def demodulation(self, shares: Sequence[Shares], is_short: bool) -> Tensor:
        """The scale of every output channel, [N, O], as `Modulated.demodulation` gives it."""
        rows = []
        for a, b in shares:
            powers = (a**4, a**3 * b, a**2 * b**2, a * b**3, b**4)
            energy = sum(power * row for power, row in zip(powers, self.energy, strict=True))
            rows.append((energy + TINY).rsqrt().to(torch.float32))
        found = torch.stack(rows)
        return rounded(found) if is_short else found


def _energy(low: Modulated, high: Modulated, weights: tuple[Tensor, Tensor], a: Tensor, b: Tensor) -> Tensor:
    """(a²·ΣA² + 2ab·ΣAB + b²·ΣB²) · (a·sA + b·sB)², by powers: float64 [5, O]. Styles a and b: [1, I]."""
    both = (weights[0] * weights[1]).sum(dim=[2, 3]).t().to(low.energy.dtype)  # [I, O]
    a, b = a.to(both.dtype), b.to(both.dtype)
    squares = torch.cat([a * a, 2 * a * b, b * b])  # [3, I]
    own, cross, other = (squares @ energy for energy in (low.energy, 2 * both, high.energy))
    rows = (
        own[0],
        own[1] + cross[0],
        own[2] + cross[1] + other[0],
        cross[2] + other[1],
        other[2],
    )
    return torch.stack(rows)
