"""The fast path of any generator: `fast(generator)` draws what `generator.synthesis` defines."""

from __future__ import annotations

from render.networks.fast1 import FastStyleGAN1
from render.networks.fast2 import FastStyleGAN2
from render.networks.fast3 import FastStyleGAN3
from render.networks.generator import Generator
from render.networks.precision import find_precision
from render.networks.synthesis import FastSynthesis

FAST = {cls.architecture: cls for cls in (FastStyleGAN1, FastStyleGAN2, FastStyleGAN3)}


def fast(generator: Generator, precision: str = "auto", compiled: bool | None = None) -> FastSynthesis:
    """A synthesis with the signature of `generator.synthesis`, several times as fast.

    precision  exact  float32 (never TF32), within 1e-4 of the plain path
               fast   bfloat16 on a CPU, float16 on CUDA: at least 45 dB from exact
               auto   fast where the hardware has products of the short format
    compiled   use machine code of our own, for convolutions and what follows them: True compiles it once
               for all later runs (about half a minute), None uses what lies on disk, False does without

    Raises ValueError for another precision.
    """
    device = generator.mapping.w_avg.device
    return FAST[generator.architecture](generator, find_precision(precision, device), compiled)
