"""Pictures that no sound network draws: without numbers, or of one colour from corner to corner."""

from __future__ import annotations

import torch
from torch import Tensor

NOT_FINITE = "values that are no numbers (NaN or infinite)"
FLAT = "one colour only"


def soundness(images: Tensor) -> Tensor:
    """Of each of the pictures float [N, C, H, W]: is it finite, and of more than one colour? bool [N, 2]."""
    pixels = images.flatten(2)
    # [N, C]; NaN wins in both. One pass for both, `aminmax`, takes ten times as long as these two.
    least, most = pixels.amin(dim=2).float(), pixels.amax(dim=2).float()
    is_finite = (least.isfinite() & most.isfinite()).all(dim=1)
    # As they are seen: what lies all beyond white, or beyond black, is one colour.
    is_varied = (least.clamp(-1, 1) != most.clamp(-1, 1)).any(dim=1)
    return torch.stack([is_finite, is_varied], dim=1)


def faults(found: Tensor) -> list[str]:
    """What is wrong with each picture, in a few words, by what `soundness` found; "" for nothing."""
    return ["" if all(one) else FLAT if one[0] else NOT_FINITE for one in found.tolist()]
