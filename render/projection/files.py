"""Projected latents on the disk: `.npz` files that presets, NVIDIA's own tools and NumPy read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.errors import LatentError

SUFFIX = ".npz"


def check_target(path: Path) -> Path:
    """`path`, if latents can be written there. Raises LatentError before anything slow is done."""
    if path.suffix != SUFFIX:
        raise LatentError(f"{path}: latents are written as {SUFFIX}; name it {path.stem or 'me'}{SUFFIX}")
    if path.is_dir():
        raise LatentError(f"{path}: is a folder; give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _part(path)
        probe.open("wb").close()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise LatentError(f"{path}: cannot be written: {path.parent} is no folder") from None
    except OSError as error:
        raise LatentError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def save_latents(
    path: Path, ws: np.ndarray, names: Sequence[str], fps: Fraction | None = None, **facts: str
) -> Path:
    """Write latents, whole or not at all; a file of that name is replaced.

    ws     float32 [N, num_ws, w_dim], written as `w`, the name that NVIDIA's projector gives and takes
    names  of the pictures
    fps    of the film whose frames they are
    facts  about how they were found
    """
    arrays = {"w": ws.astype(np.float32), "names": np.array([str(name) for name in names])}
    if fps is not None:
        arrays["fps"] = np.array([fps.numerator, fps.denominator])
    arrays |= {name: np.array(text) for name, text in facts.items()}
    part = _part(path)
    try:
        with part.open("wb") as stream:
            np.savez(stream, **arrays)
        os.replace(part, path)
    except OSError as error:
        raise LatentError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
