"""Directions in w, from a network's own weights or from a file, and moves along them.

The closed-form factorisation is Shen and Zhou's (2021, "Closed-Form Factorization of Latent Semantics in
GANs"): the directions that change the styles most are the eigenvectors of AᵀA, with A the weights of the
affine layers that w feeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from render.errors import LatentError
from render.latents.array_files import shape_text
from render.latents.files import load_values

if TYPE_CHECKING:
    from render.networks import Generator

DIRECTION_KEYS = ("direction", "directions", "boundary", "w", "ws", "delta")


def sefa(generator: Generator, rows: Sequence[int] | None = None) -> np.ndarray:
    """Directions in w, strongest first: unit vectors float32 [w_dim, w_dim], at right angles to one another.

    rows  of ws that the direction will be used on, which decides what counts as strong; None: all

    Affine layers of to-RGBs are left out: they only recolour, and their styles are on another scale. Only
    where the rows feed nothing else do they count. A direction's largest component is positive, so that its
    sense is the same on every machine. Raises LatentError for rows there are none of.
    """
    chosen = check_rows(range(generator.num_ws) if rows is None else rows, generator.num_ws)
    inputs = [each for each in generator.style_inputs() if each.row in chosen]
    layers = [each.affine for each in inputs if not each.to_rgb] or [each.affine for each in inputs]
    strength = np.zeros([generator.w_dim, generator.w_dim])
    for layer in layers:
        weight = layer.weight.detach().cpu().double().numpy() * layer.weight_gain  # [styles, w_dim]
        strength += weight.T @ weight
    _, vectors = np.linalg.eigh(strength)  # columns, weakest first
    directions = vectors.T[::-1]
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return (directions * signs[:, None]).astype(np.float32)


def load_direction(path: str | Path, num_ws: int, w_dim: int) -> np.ndarray:
    """The direction in a .npy, .npz or .pt file: float32 [w_dim], or [num_ws, w_dim] with one for each row.

    Its length is kept as it is: many files carry how far a strength of 1 goes. Raises LatentError.
    """
    values, label = load_values(path, DIRECTION_KEYS)
    while values.ndim > 1 and len(values) == 1:
        values = values[0]
    if values.shape not in ((w_dim,), (num_ws, w_dim)):
        raise LatentError(
            f"{label} has the shape {shape_text(values.shape)}; "
            f"a direction of this network is [{w_dim}] or [{num_ws}, {w_dim}]"
        )
    if not values.any():
        raise LatentError(f"{label} is all zeros, which is no direction")
    return values


def move(ws: np.ndarray, direction: np.ndarray, rows: Sequence[int], strength: float) -> np.ndarray:
    """`ws [..., num_ws, w_dim]` with `strength` × `direction` added to those rows; a new array.

    direction  [w_dim], or [num_ws, w_dim] with one for each row
    """
    chosen = check_rows(rows, ws.shape[-2])
    moved = ws.copy()
    moved[..., chosen, :] += ws.dtype.type(strength) * (
        direction if direction.ndim == 1 else direction[chosen]
    )
    return moved


def check_rows(rows: Sequence[int], num_ws: int) -> list[int]:
    """`rows`, each once. Raises LatentError if there are none, or one is outside 0 … num_ws - 1."""
    chosen = sorted({int(row) for row in rows})
    if not chosen:
        raise LatentError("no rows of ws are chosen")
    outside = [row for row in chosen if not 0 <= row < num_ws]
    if outside:
        raise LatentError(f"there is no row {outside[0]} of ws: the network has rows 0 to {num_ws - 1}")
    return chosen
