"""Labels of conditional networks: a class, or a mixture of classes, as the vector c."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from render.errors import LatentError


def label_vector(classes: Mapping[int | str, float], c_dim: int) -> np.ndarray:
    """c float32 [c_dim] with each class's weight at its place.

    {3: 1} is class 3, {3: 0.5, 5: 0.5} halfway between two. Classes are counted from 0, as numbers or their
    text; weights are taken as they are. Raises LatentError for a network without labels, and for a class that
    it has none of.
    """
    if c_dim == 0:
        raise LatentError("the network has no labels: it was trained without classes")
    label = np.zeros(c_dim, np.float32)
    for name, weight in classes.items():
        text = str(name).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < c_dim):
            raise LatentError(
                f"there is no class {text[:20]}: the network has {c_dim}, numbered 0 to {c_dim - 1}"
            )
        label[int(text)] += weight
    return label
