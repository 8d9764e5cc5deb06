"""The names TensorFlow's StyleGANs give their variables, after NVIDIA's PyTorch names, and what changes.

A table of names and of turns: TensorFlow keeps matrices as [in, out] and kernels as [k, k, in, out].
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from render.checkpoints.shown import printable
from render.errors import CheckpointError

Change = Callable[[np.ndarray], np.ndarray]


def _as_is(array: np.ndarray) -> np.ndarray:
    return array


def _turned(array: np.ndarray) -> np.ndarray:
    """[in, out] → [out, in]; convolutions [k, k, I, O] → [O, I, k, k]."""
    return array.transpose() if array.ndim == 2 else array.transpose(3, 2, 0, 1)


def _flipped(array: np.ndarray) -> np.ndarray:
    """As `_turned`, and kernels flipped: TensorFlow's upscaling convolutions are written the other way."""
    return array[::-1, ::-1].transpose(3, 2, 0, 1)


def _plus_one(array: np.ndarray) -> np.ndarray:
    return array + 1


# Names within one resolution: the unit, then what it has → our name and how the array changes.
UNITS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}
LEAVES: dict[int, dict[str, tuple[str, Change]]] = {
    1: {
        "weight": ("weight", _turned),
        "bias": ("bias", _as_is),
        "StyleMod/weight": ("affine.weight", _turned),
        "StyleMod/bias": ("affine.bias", _as_is),
        "Noise/weight": ("noise_strength", _as_is),
    },
    2: {
        "weight": ("weight", _turned),
        "bias": ("bias", _as_is),
        "mod_weight": ("affine.weight", _turned),
        "mod_bias": ("affine.bias", _plus_one),
        "noise_strength": ("noise_strength", lambda array: array.reshape(())),
    },
}
MAPPING = {
    "LabelConcat/weight": ("label.weight", _turned),
    "LabelEmbed/weight": ("embed.weight", _turned),
    "LabelEmbed/bias": ("embed.bias", _as_is),
}
NOT_NEEDED = ("", _as_is)
DENSE = re.compile(r"mapping/Dense(\d{1,3})/(weight|bias)")
SCOPE = re.compile(r"synthesis/(\d{1,5})x(\d{1,5})/(\w+)/(.+)")
NOISE = re.compile(r"synthesis/noise(\d{1,3})")
LAST_RGB = re.compile(r"synthesis/ToRGB_lod(\d{1,2})/(.+)")


class Translation:
    """Variables of a StyleGAN of that version (1 or 2) → tensors under our names.

    Resolutions are counted: the smallest is b4, whatever its pixels, the next b8 … Raises CheckpointError
    that names the variables nobody here knows, for they would change the picture.
    """

    def __init__(self, arrays: dict[str, np.ndarray], version: int, label: str):
        self.arrays, self.version, self.label = arrays, version, label
        scopes = {(int(m[1]), int(m[2])) for m in map(SCOPE.fullmatch, arrays) if m}
        ordered = sorted(scopes, key=lambda size: size[0] * size[1])
        if not ordered or any(big != (2 * h, 2 * w) for (h, w), big in pairwise(ordered)):
            sizes = ", ".join(f"{height}x{width}" for height, width in ordered[:12]) or "none"
            raise CheckpointError(f"{label} has resolutions that do not double from one to the next: {sizes}")
        skipped = self._growth(len(ordered))
        self.blocks = {size: 4 * 2**index for index, size in enumerate(ordered[: len(ordered) - skipped])}
        self.lod = skipped

    def _growth(self, count: int) -> int:
        """How many of the last resolutions a progressively grown network does not use yet."""
        if "synthesis/lod" not in self.arrays:
            return 0
        lod = self.arrays.get("lod", self.arrays["synthesis/lod"])  # the outer network's rules the inner's
        lod = float(lod.reshape(())) if lod.size == 1 else 0.0
        if not lod > 0:
            return 0
        if lod >= count or lod % 1:
            raise CheckpointError(
                f"{self.label} was saved while it was growing to the next resolution (lod {lod:g}); "
                "use a later snapshot"
            )
        return int(lod)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors but the filters."""
        places = {name: self._place(name, array) for name, array in self.arrays.items()}
        unknown = [name for name, place in places.items() if place is None]
        if unknown:
            shown = ", ".join(printable(name[:60]) for name in unknown[:5]) + (
                " …" if len(unknown) > 5 else ""
            )
            raise CheckpointError(
                f"{self.label} is a variant of StyleGAN{self.version} with parts not known here: {shown}"
            )
        wanted = [(place, self.arrays[name]) for name, place in places.items() if place[0]]
        tensors = {ours: _tensor(change(array)) for (ours, change), array in wanted}
        if "synthesis.b4.conv1.noise_strength" not in tensors:  # noise maps that no layer uses
            tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith("noise_const")}
        return tensors

    def _place(self, name: str, array: np.ndarray) -> tuple[str, Change] | None:
        """Our name and the change; an empty name for what is not needed; None for what nobody knows."""
        if name == "dlatent_avg":
            return "mapping.w_avg", _as_is
        if match := DENSE.fullmatch(name):
            return f"mapping.fc{int(match[1])}.{match[2]}", _turned if match[2] == "weight" else _as_is
        if name.startswith("mapping/") and name[8:] in MAPPING:
            ours, change = MAPPING[name[8:]]
            return f"mapping.{ours}", change
        if match := SCOPE.fullmatch(name):
            resolution = self.blocks.get((int(match[1]), int(match[2])))
            return self._in_block(resolution, match[3], match[4]) if resolution else NOT_NEEDED
        if match := NOISE.fullmatch(name):
            return self._noise(int(match[1]), array)
        if match := LAST_RGB.fullmatch(name):
            if int(match[1]) != self.lod:
                return NOT_NEEDED
            return self._in_block(max(self.blocks.values()), "ToRGB", match[2])
        # A single number beside the network, such as `lod`, is a training state.
        return NOT_NEEDED if array.size <= 1 else None

    def _in_block(self, resolution: int, unit: str, leaf: str) -> tuple[str, Change] | None:
        block, leaves = f"synthesis.b{resolution}", LEAVES[self.version]
        if unit == "Const":
            if self.version == 1:
                known = {"const": ("const", lambda array: array[0])} | leaves
                return (f"{block}.input.{known[leaf][0]}", known[leaf][1]) if leaf in known else None
            return (f"{block}.const", lambda array: array[0]) if leaf == "const" else None
        if unit not in UNITS or leaf not in leaves:
            return None
        ours, change = leaves[leaf]
        flipped = self.version == 2 and leaf == "weight" and unit in ("Conv0_up", "Skip")
        return f"{block}.{UNITS[unit]}.{ours}", _flipped if flipped else change

    def _noise(self, index: int, array: np.ndarray) -> tuple[str, Change]:
        """StyleGAN1 counts the constant's noise too: there layer `index` is at 4·2^(index // 2)."""
        position = index if self.version == 1 else index + 1
        resolution, second = 4 * 2 ** (position // 2), position % 2
        if array.size == 0 or resolution not in self.blocks.values():
            return NOT_NEEDED  # a network without noise, or a resolution it has not grown to
        unit = "conv1" if second else "input" if resolution == 4 else "conv0"
        return f"synthesis.b{resolution}.{unit}.noise_const", lambda array: array[0, 0]


def _tensor(array: np.ndarray) -> Tensor:
    """float32, in memory of its own."""
    with np.errstate(all="ignore"):  # numbers beyond float32 become infinite
        return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
