"""What a network is drawn with: tensors, or what they are to be mixed of, by whoever prepares them.

A mixed tensor is large, and is read once. So it is made when its layer's turn comes, by the team that draws
it, and gone when that is prepared; nobody needs the numbers to know whether two layers have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

Shares = tuple[float, float]
Parts = Sequence[tuple[Tensor, float]]

WHOLE = 1e-7  # what shares that sum to 1 may miss it by: float32 does not see it


def weighted_sum(parts: Iterable[tuple[Tensor, float]]) -> Tensor:
    """Σ share · tensor, in a tensor of its own.

    Two shares of a whole are one pass over memory, which is what mixing takes its time for.
    """
    (first, share), *rest = parts
    if len(rest) == 1 and abs(share + rest[0][1] - 1) <= WHOLE:
        other, share = rest[0]
        return first.detach().lerp(other.detach(), share)
    total = first.detach() * share
    for tensor, share in rest:
        total.add_(tensor.detach(), alpha=share)
    return total


@dataclass(frozen=True, eq=False)
class Mix:
    """A tensor that is not mixed yet.

    parts  the tensors, and how much of each
    mean   mixes them: a function that stays
    """

    parts: Parts
    mean: Callable[[Parts], Tensor]

    @cached_property
    def identity(self) -> Hashable:
        return id(self.mean), *((id(tensor), share) for tensor, share in self.parts)

    def mixed(self) -> Tensor:
        """The tensor, as a blender makes it."""
        return self.mean(self.parts)


@dataclass(frozen=True, eq=False)
class Fade:
    """A tensor of a layer that cross-fades, of which no frame needs it mixed: see `fading`.

    It is shares[0] · low + shares[1] · high.
    """

    low: Tensor
    high: Tensor
    shares: Shares

    @property
    def identity(self) -> Hashable:
        return id(self.low), id(self.high), self.shares

    def mixed(self) -> Tensor:
        """The tensor, as a blender makes it."""
        return weighted_sum(zip((self.low, self.high), self.shares, strict=True))


Source = Tensor | Mix | Fade


def identity(source: Source) -> Hashable:
    """Equal for sources that are the same, as long as their tensors are there."""
    return id(source) if isinstance(source, Tensor) else source.identity


def mixed(source: Source) -> Tensor:
    """The tensor that it stands for."""
    return source if isinstance(source, Tensor) else source.mixed()


def side(sources: Iterable[Source], name: str) -> list[Source]:
    """The same where it fades with `low` or `high` alone."""
    return [getattr(source, name) if isinstance(source, Fade) else source for source in sources]


def shares_of(sources: Iterable[Source]) -> Shares | None:
    """How much is taken of low and high; None where nothing fades."""
    return next((source.shares for source in sources if isinstance(source, Fade)), None)
