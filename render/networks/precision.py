"""Precision of rendering: which number format the activations have, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

PRECISIONS = ("exact", "fast", "auto")
FAST = {"cpu": torch.bfloat16, "cuda": torch.float16}
HALF_CLAMP = 256.0  # of NVIDIA's own float16 layers: keeps activations and their sums finite


@dataclass(frozen=True)
class Precision:
    """How a picture is computed.

    name   `exact` (float32, within 1e-4 of the definition) or `fast`
    dtype  of activations and convolution weights; styles, demodulation and pictures stay float32
    """

    name: str
    dtype: torch.dtype

    def clamp(self, own: float | None) -> float | None:
        """The bound of activations: the network's own, or NVIDIA's where the format needs one."""
        return HALF_CLAMP if own is None and self.dtype == torch.float16 else own

    def __str__(self) -> str:
        return f"{self.name} ({str(self.dtype).removeprefix('torch.')})"


def find_precision(name: str, device: torch.device) -> Precision:
    """`exact`, `fast` (bfloat16 on a CPU, float16 on CUDA; elsewhere exact), or `auto`.

    auto is fast where the hardware multiplies the short format faster than float32.
    Raises ValueError for another name.
    """
    if name not in PRECISIONS:
        raise ValueError(f"unknown precision {name!r}; there are {', '.join(PRECISIONS)}")
    dtype = FAST.get(device.type)
    if name == "exact" or dtype is None or (name == "auto" and not _has_short_products(device)):
        return Precision("exact", torch.float32)
    return Precision("fast", dtype)


def _has_short_products(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (7, 0)
    # Named with an underscore, so they may go; without them, nobody knows and float32 is safe.
    probes = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(probe is not None and probe() for probe in probes)


@contextmanager
def without_tf32(precision: Precision, device: torch.device) -> Iterator[None]:
    """Full float32 products on CUDA, whatever the process allows otherwise, if `precision` is exact."""
    if precision.name != "exact" or device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
