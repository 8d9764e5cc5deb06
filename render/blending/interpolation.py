"""How tensors are mixed by weights that sum to 1: number by number, or filter by filter.

`linear`     Σ wᵢ·tᵢ, number by number.
`keep-norm`  filter by filter: the direction is that of Σ wᵢ·tᵢ/|tᵢ|, and the norm is Σ wᵢ·|tᵢ|. A plain mean
             of filters that point different ways is shorter than any of them, so that what is half-way
             between two networks is weaker than both; here it is not.

A filter is what makes one output: a row of a convolution, of an affine or of any fully connected layer.
Biases, noise strengths, the constant and averages are no filters and are always mixed number by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from render.errors import BlendError

if TYPE_CHECKING:
    from torch import Tensor

INTERPOLATIONS = ("linear", "keep-norm")
SMALLEST_SHARE = 1e-6  # of the longest filter: what is shorter has no direction worth keeping


def check_interpolation(name: str) -> str:
    """The name, if it is one of INTERPOLATIONS. Raises BlendError."""
    if name not in INTERPOLATIONS:
        raise BlendError(f"unknown interpolation {name!r}; there are {', '.join(INTERPOLATIONS)}")
    return name


def has_filters(name: str, tensor: Tensor) -> bool:
    """Whether the rows of a network's tensor of that name are filters."""
    return name.endswith(".weight") and tensor.ndim > 1


def linear(parts: Iterable[tuple[Tensor, float]]) -> Tensor:
    """Σ weight × tensor, in a tensor of its own."""
    from render.networks.unmixed import weighted_sum  # and torch with it, which the names do without

    return weighted_sum(parts)


def keep_norm(parts: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Filters [rows, …] of which direction and norm are mixed apart; a tensor of its own.

    Weights outside 0–1 carry both on in a straight line, but no norm below 0: there a filter fades out. Where
    the directions cancel each other out there is none to keep, and the filter is the linear mix.
    """
    own = [(tensor.detach().flatten(1), weight) for tensor, weight in parts]
    norms = [rows.norm(dim=1, keepdim=True) for rows, _ in own]  # each [rows, 1]
    longest = linear((norm, 1.0) for norm in norms)
    directions = [rows / norm.clamp_min(1e-30) for (rows, _), norm in zip(own, norms, strict=True)]
    weights = [weight for _, weight in own]
    direction = linear(zip(directions, weights, strict=True))
    norm = linear(zip(norms, weights, strict=True)).clamp_min(0)
    length = direction.norm(dim=1, keepdim=True)
    # A filter of zeros points nowhere, and opposite ones cancel.
    blurred = length < SMALLEST_SHARE
    for each in norms:
        blurred |= each < SMALLEST_SHARE * longest
    mixed = direction * (norm / length.clamp_min(1e-30))
    return mixed.where(~blurred, linear(own)).reshape(parts[0][0].shape)
