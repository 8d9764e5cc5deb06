"""Layer by layer: PyTorch's convolution and passes against the CPU library's, and what precision fast costs.

python tests/benchmarks/layers.py [--quick]    prints the tables of docs/speed.md; takes a minute or two
"""

from __future__ import annotations

import math
import sys
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

import render
from render.bench.subject import measure
from render.networks import ops
from render.networks.colours2 import upsample_picture
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import DOUBLING, EVEN, Colours, Finish, LowPass
from render.networks.fast import fast
from render.networks.memory import keep_freed_memory
from render.networks.modulated import depthwise, double

CPU = torch.device("cpu")
# Inputs, outputs, pixels a side of the input: the layers of a network of 1024 px from 8 px on.
PLAIN = [(512, 512, 8), (512, 512, 16), (512, 512, 64), (256, 256, 128), (128, 128, 256), (64, 64, 512)]
LAST = [(32, 32, 1024)]
UP = [(512, 512, 8), (512, 512, 32), (512, 256, 64), (256, 128, 128), (128, 64, 256), (64, 32, 512)]
FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def milliseconds(call, turns: int) -> float:
    """The quickest of several turns after one to warm up."""
    return 1000 * measure({"call": call}, turns, CPU)["call"]


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    x = torch.randn(shape).to(dtype)
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def convolutions(library: CpuLibrary, turns: int) -> None:
    print("layer             format    PyTorch  library  ms; preparing its weights once")
    kernel = ops.setup_filter((1, 3, 3, 1))
    for scheme, layers in ((EVEN, PLAIN + LAST), (DOUBLING, UP)):
        for inputs, outputs, size in layers:
            weight = torch.randn(outputs, inputs, 3, 3) / math.sqrt(9 * inputs)
            for name, dtype in FORMATS.items():
                x, products = (
                    drawn(1, inputs, size, size, dtype=dtype),
                    library.products(dtype, size, scheme.doubles),
                )
                own = drawn(*(weight.transpose(0, 1) if scheme.doubles else weight).shape, dtype=dtype)
                direct, low_pass = partial(F.conv2d, x, own, padding=1), None
                if scheme.doubles:  # with the filter that follows
                    direct = partial(double, x, own, kernel)
                    low_pass = LowPass(kernel.sum(0) * 2, 1, (2 * size, 2 * size))
                packed = library.weights(weight, scheme, products)
                calls = (
                    direct,
                    partial(library.convolve, x, packed, None, Finish(), low_pass=low_pass),
                    partial(library.weights, weight, scheme, products),
                )
                figures = "".join(f"{milliseconds(call, turns):9.1f}" for call in calls)
                title = f"{inputs}→{outputs}, {size} px{' ×2' if scheme.doubles else ''}"
                print(f"{title:18}{name:9}{figures}", flush=True)


def passes(library: CpuLibrary, turns: int) -> None:
    print("pass at 1024 px, 32 channels  format    PyTorch  library  ms")
    kernel = ops.setup_filter((1, 3, 3, 1))
    taps, image = kernel.sum(0) * 2, drawn(1, 3, 512, 512)
    weight, bias = torch.randn(1, 3, 32), torch.zeros(1, 3)
    for name, dtype in FORMATS.items():
        x, y = drawn(1, 32, 1025, 1025, dtype=dtype), drawn(1, 32, 1024, 1024, dtype=dtype)
        plain = partial(depthwise, x, kernel * 4, (1, 1, 1, 1))
        ours = partial(library.low_pass, x, LowPass(taps, 1, (1024, 1024)), Finish())
        print(
            f"{'low-pass filter':30}{name:9}{milliseconds(plain, turns):8.1f}{milliseconds(ours, turns):9.1f}"
        )

        def colours(y: Tensor = y) -> Tensor:
            flat = y.permute(0, 2, 3, 1).reshape(1, -1, 32)
            rgb = torch.bmm(flat, weight.transpose(1, 2).to(y.dtype)).transpose(1, 2).float().contiguous()
            return rgb.reshape(1, 3, 1024, 1024).add_(upsample_picture(image, kernel))

        ours = partial(library.colours, y, Colours(weight, bias, math.inf, image, taps))
        print(f"{'colours':30}{name:9}{milliseconds(colours, turns):8.1f}{milliseconds(ours, turns):9.1f}")


def precision() -> None:
    print("sample    exact from plain  fast from exact")
    for name in ("portrait", "ukiyoe", "toon"):
        generator = render.load(f"sample:{name}")
        z = torch.randn(8, generator.z_dim, generator=torch.Generator().manual_seed(1))
        ws = generator.mapping(z, truncation_psi=0.7)
        exact, short = (fast(generator, precision, compiled=True)(ws) for precision in ("exact", "fast"))
        worst = (exact - generator.synthesis(ws)).abs().max().item()
        error = (ops.to_uint8(exact).double() - ops.to_uint8(short)).square().mean().item()
        print(f"{name:10}{worst:16.1e}{10 * math.log10(255**2 / error):13.1f} dB")


def main() -> None:
    keep_freed_memory()
    library = CpuLibrary.find(True, CPU, torch.float32)
    if library is None:
        sys.exit("there is no library here: it takes Linux and a C++ compiler")
    turns = 1 if "--quick" in sys.argv else 3
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    with torch.inference_mode():
        convolutions(library, turns)
        passes(library, turns)
        precision()


if __name__ == "__main__":
    main()
