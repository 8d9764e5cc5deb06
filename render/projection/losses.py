"""How far pictures are from photographs: a pyramid of pixels and gradients, and perceptual features if given.

Perceptual networks see textures and edges rather than pixels, but their weights are 500 MB that can't be had
everywhere. The pyramid needs none: at every scale from the full picture to 8 pixels it compares the colours,
which keeps tones and places, and their differences from pixel to pixel, which keeps edges.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import torch
import torch.nn.functional as F
from torch import Tensor

COARSEST = 8  # pixels of the pyramid's last level
ROUNDING = 1e-4  # of √(d² + r): an absolute difference without a kink at 0

Features = Callable[[Tensor], list[Tensor]]  # images [N, 3, H, W] → features [N, C, H', W'], made comparable


class PictureLoss:
    """The distance of images to `targets`, both float [N, C, H, W] in [-1, 1], one number a picture.

    targets   the photographs
    features  a perceptual network, see `features.load_features`; None: the pyramid alone
    weight    of the features beside the pyramid

    Pictures never look at each other: many at once give what each alone gives.
    """

    def __init__(self, targets: Tensor, features: Features | None = None, weight: float = 1.0):
        self.targets, self.features, self.weight = targets, features, weight
        with torch.no_grad():
            self.seen = features(targets) if features else []

    def of(self, rows: Tensor) -> PictureLoss:
        """The same for some of the photographs, by number."""
        chosen = copy(self)
        chosen.targets, chosen.seen = self.targets[rows], [seen[rows] for seen in self.seen]
        return chosen

    def __call__(self, images: Tensor) -> Tensor:
        """[N] distances; images are clamped to nothing, so that a too bright pixel is pulled back."""
        loss = pyramid_distance(images - self.targets)
        if self.features is not None:
            found = self.features(images)
            for own, wanted in zip(found, self.seen, strict=True):
                loss = loss + self.weight * (own - wanted).square().sum(dim=1).mean(dim=(1, 2))
        return loss


def pyramid_distance(difference: Tensor) -> Tensor:
    """[N] of differences [N, C, H, W]: over all scales, how large they and their gradients are on average."""
    total = difference.new_zeros(len(difference))
    while True:
        total = total + _size(difference)
        for axis in (2, 3):
            total = total + _size(difference.diff(dim=axis))
        if min(difference.shape[2:]) < 2 * COARSEST:
            return total
        difference = F.avg_pool2d(difference, 2)


def _size(difference: Tensor) -> Tensor:
    return (difference.square() + ROUNDING).sqrt().mean(dim=(1, 2, 3)) - ROUNDING**0.5
