"""Measures how fast networks draw: plain against exact against fast, and against what the machine can do.

Figures of one run are comparable; across runs and machines their ratios are. Everything is taken in turns,
and the quickest of several turns counts, so that a busy machine disturbs all alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.networks import Generator, StyleGAN2, StyleGAN2Config, StyleGAN3, build
from render.networks.fast import fast
from render.networks.memory import returning_freed_memory
from render.networks.pyramid import Pyramid

KEPT = "plain, kept memory"  # the plain path with the allocator's setting of the others
PATHS = ("exact", "fast")
TURNS = 3
CEILING = (128, 256)  # channels and pixels of the convolution that tells what the machine can do
SWEEP_FRAMES = 8


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    work     what was drawn
    path     plain (also with freed memory kept, as `render.networks.memory` does), exact or fast
    batch    pictures at once
    seconds  for one picture
    speedup  against the plain path at the same work, None where there is none
    ceiling  the network's convolutions, as a share of the machine's speed in that format; None if not of one
    """

    work: str
    path: str
    batch: int
    seconds: float
    speedup: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True)
class Report:
    """All figures, and where they were measured: device, threads, PyTorch, GFLOP/s of the ceilings."""

    machine: dict[str, str | int | float]
    figures: tuple[Figure, ...]

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(asdict(self), indent=2)

    def table(self) -> str:
        """The report as lines of text."""
        rows = [("work", "path", "batch", "ms/picture", "speed", "of ceiling")]
        for figure in self.figures:
            speedup = "" if figure.speedup is None else f"{figure.speedup:.2f}×"
            share = "" if figure.ceiling is None else f"{figure.ceiling:.0%}"
            rows.append(
                (figure.work, figure.path, f"{figure.batch}", f"{1000 * figure.seconds:.1f}", speedup, share)
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if index < 2 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([", ".join(f"{name} {value}" for name, value in self.machine.items()), *lines])


def bench(
    generator: Generator, batches: Sequence[int] = (1, 4), compiled: bool | None = True, turns: int = TURNS
) -> Report:
    """Measure one network on its device: each path at each batch size, and a sweep with and without reuse.

    compiled  as in `fast`. Takes about `turns` + 1 times as long as everything drawn once
    """
    device = generator.mapping.w_avg.device
    paths = {name: fast(generator, name, compiled) for name in PATHS}
    formats = {"plain": torch.float32, KEPT: torch.float32} | {
        name: path.precision.dtype for name, path in paths.items()
    }
    calls: dict[tuple, Callable[[], object]] = {}
    for batch in batches:
        ws = _latents(generator, batch)
        calls["draw", "plain", batch] = partial(_draw_plainly, generator, ws)
        calls["draw", KEPT, batch] = lambda ws=ws: generator.synthesis(ws)
        for name, path in paths.items():
            calls["draw", name, batch] = lambda ws=ws, path=path: path(ws)
    calls |= _sweep(generator, paths["fast"])
    for dtype in set(formats.values()):
        calls["ceiling", dtype] = _convolution(dtype, device)
    with torch.inference_mode():
        seconds = measure(calls, turns, device)
    ceilings = {dtype: _ceiling_flops() / seconds["ceiling", dtype] for dtype in set(formats.values())}
    flops = convolution_flops(generator)
    figures = []
    for (work, path, batch), taken in ((key, value) for key, value in seconds.items() if key[0] != "ceiling"):
        plain = seconds.get((work, "plain", batch), seconds.get((work, "one by one", batch)))
        share = flops * batch / taken / ceilings[formats[path]] if work == "draw" else None
        title = f"{generator.architecture}, {generator.resolution} px" if work == "draw" else work
        figures.append(Figure(title, path, batch, taken / batch, plain and plain / taken, share))
    return Report(_machine(device, ceilings), tuple(figures))


def measure(calls: Mapping, turns: int, device: torch.device) -> dict:
    """The shortest time in seconds of each call, taken in turns after one to warm up."""
    best = dict.fromkeys(calls, float("inf"))
    for turn in range(turns + 1):
        for key, call in calls.items():
            began = time.perf_counter()
            call()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn:
                best[key] = min(best[key], time.perf_counter() - began)
    return best


def random_network(resolution: int, seed: int = 0) -> StyleGAN2:
    """A StyleGAN2 of the usual widths with random weights: time does not depend on what they are."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = StyleGAN2(StyleGAN2Config(resolution, channel_base=16384 if resolution <= 256 else 32768))
    return generator.eval().requires_grad_(False)


def convolution_flops(generator: Generator) -> float:
    """Products and sums of a picture's 3×3 (StyleGAN3-R: 1×1) convolutions; all the rest is not counted."""
    total = 0.0
    if isinstance(generator.config, Pyramid):
        for resolution, block in zip(generator.config.resolutions, generator.synthesis.blocks, strict=True):
            height, width = generator.config.pixels(resolution)
            for name, share in (
                ("conv0", 0.25),
                ("conv1", 1),
            ):  # doubling starts from a quarter of the pixels
                if hasattr(block, name):
                    total += 2 * getattr(block, name).weight.numel() * height * width * share
    elif isinstance(generator, StyleGAN3):
        bands = generator.config.bands
        for name, before in zip(generator.synthesis.layer_names, (bands[0], *bands), strict=False):
            layer = getattr(generator.synthesis, name)
            total += 2 * layer.weight.numel() * (before.size + 2 * layer.reach) ** 2
    return total


def _sweep(generator: Generator, path) -> dict[tuple, Callable[[], object]]:
    """A swap that moves over the upper half of the layers, under one latent: with and without reuse."""
    moved = {
        name: tensor if generator.role(name).kind in ("filter", "noise_map") else tensor * 1.01
        for name, tensor in generator.state_dict().items()
    }
    blender = Blender([generator, build(generator.config, moved)])
    layers = blender.layer_count
    blends = [
        Blend.low_high(layers, layers / 2 + layers / 2 * (frame + 0.5) / SWEEP_FRAMES)
        for frame in range(SWEEP_FRAMES)
    ]
    tensors = [blender.tensors(blend) for blend in blends]
    ws = _latents(generator, 1)

    def one_by_one() -> None:
        for own in tensors:
            path.run(ws, tensors=[own])

    def together() -> None:
        path.run(ws.expand(SWEEP_FRAMES, -1, -1), tensors=tensors)

    def blended() -> None:
        Blender(blender.models, cache_bytes=0).tensors(blends[0])

    work = "swap sweep, upper half"
    return {
        (work, "one by one", SWEEP_FRAMES): one_by_one,
        (work, "shared layers once", SWEEP_FRAMES): together,
        ("blending one layer", "blender", 1): blended,
    }


def _draw_plainly(generator: Generator, ws: Tensor) -> Tensor:
    """The published way, in a process whose memory nobody has tuned."""
    with returning_freed_memory():
        return generator.synthesis(ws)


def _latents(generator: Generator, count: int) -> Tensor:
    source = torch.Generator().manual_seed(0)
    return torch.randn(count, generator.num_ws, generator.w_dim, generator=source).to(generator.mapping.w_avg)


def _convolution(dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    """A large 3×3 convolution in the layout that is fastest: the most that a network could reach."""
    channels, side = CEILING
    x = torch.randn(1, channels, side, side, device=device).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device).to(dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    return lambda: F.conv2d(x, weight, padding=1)


def _ceiling_flops() -> int:
    channels, side = CEILING
    return 2 * 9 * channels**2 * side**2


def _machine(device: torch.device, ceilings: Mapping[torch.dtype, float]) -> dict[str, str | int | float]:
    """What the figures depend on."""
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    known = {"device": where, "threads": torch.get_num_threads(), "torch": torch.__version__}
    names = {dtype: str(dtype).removeprefix("torch.") for dtype in ceilings}
    return known | {f"GFLOP/s in {names[dtype]}:": round(rate / 1e9) for dtype, rate in ceilings.items()}
