"""Pictures that no sound network draws: without numbers, or of one colour from corner to corner."""

from __future__ import annotations

import torch
from torch import Tensor

NOT_FINITE = "values that are no numbers (NaN or infinite)"
FLAT = "one colour only"


def faults(images: Tensor) -> list[str]:
    """For each of the pictures float [N, C, H, W], what is wrong with it in a few words; "" for nothing."""
    least, most = (bounds.float() for bounds in images.flatten(2).aminmax(dim=2))  # [N, C]; NaN wins in both
    # As they are seen: what lies all beyond white, or beyond black, is one colour.
    is_flat = (least.clamp(-1, 1) == most.clamp(-1, 1)).all(dim=1)
    is_finite = (least.isfinite() & most.isfinite()).all(dim=1)
    rows = torch.stack([is_finite, is_flat], dim=1).tolist()  # one wait for the device
    return ["" if finite and not flat else FLAT if finite else NOT_FINITE for finite, flat in rows]
