"""The network that is measured, with relatives to blend it with, and how thoroughly."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count

import torch
from torch import Tensor

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.drawing import Drawer
from render.networks import (
    GENERATORS,
    Generator,
    StyleGAN1Config,
    StyleGAN2Config,
    StyleGAN3Config,
    build,
)
from render.networks.fast import fast
from render.networks.synthesis import FastSynthesis
from render.scene import Picture

PATHS = ("exact", "fast")
LARGE = 512  # pixels from which on there is less of everything, so that it ends
STRANGE = 0.618  # multiples of it never come back: weights that no cache has seen
RELATED = 0.01  # how far a relative's weights are from the network's


@dataclass
class Subject:
    """One network on its device.

    is_quick  little of everything, once
    compiled  as in `fast`
    ceilings  products and sums a second, by format, once they are measured
    """

    generator: Generator
    is_quick: bool = False
    compiled: bool | None = True
    ceilings: dict[torch.dtype, float] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def title(self) -> str:
        return f"{self.generator.architecture}, {self.generator.resolution} px"

    @property
    def device(self) -> torch.device:
        return self.generator.mapping.w_avg.device

    @property
    def is_large(self) -> bool:
        return self.generator.resolution >= LARGE

    @property
    def turns(self) -> int:
        """How often everything is measured, after once to warm up."""
        return 1 if self.is_quick else 3

    @property
    def batches(self) -> tuple[int, ...]:
        """Pictures drawn at once."""
        return (1,) if self.is_large else (1, 4)

    @property
    def sweep_frames(self) -> int:
        """Frames of a sweep in memory: two seconds, or four frames for each layer of the upper half."""
        return 2 * self.layers if self.is_quick else 50

    @cached_property
    def paths(self) -> dict[str, FastSynthesis]:
        """The paths beside the plain one."""
        return {name: fast(self.generator, name, self.compiled) for name in PATHS}

    @property
    def formats(self) -> dict[str, torch.dtype]:
        """The number format of every path."""
        return {"plain": torch.float32} | {name: path.precision.dtype for name, path in self.paths.items()}

    def relative(self, number: int = 1) -> Generator:
        """A network near it, to be blended with it."""
        moved = {
            name: tensor
            if self.generator.role(name).kind in ("filter", "noise_map")
            else tensor * (1 + RELATED * number)
            for name, tensor in self.generator.state_dict().items()
        }
        return build(self.generator.config, moved).to(self.device).eval().requires_grad_(False)

    @cached_property
    def family(self) -> tuple[Generator, Generator]:
        """The network and a relative."""
        return self.generator, self.relative()

    def drawer(self, **options) -> Drawer:
        """What draws blends of the family, fast; options as `Drawer` has them."""
        options = {"precision": "fast", "compiled": self.compiled, "allow_broken": True} | options
        return Drawer(Blender(self.family), **options)

    def latents(self, number: int) -> Tensor:
        """ws [number, num_ws, w_dim], the same at every call."""
        source = torch.Generator().manual_seed(0)
        shape = number, self.generator.num_ws, self.generator.w_dim
        return torch.randn(shape, generator=source).to(self.generator.mapping.w_avg)

    def pictures(self, blends: list[Blend], is_fixed: bool = True) -> list[Picture]:
        """Pictures of these blends, of one latent or of one each."""
        ws = self.latents(len(blends)).cpu().numpy()
        return [
            Picture(ws[0 if is_fixed else i], blend, "const", fades=is_fixed)
            for i, blend in enumerate(blends)
        ]

    @property
    def layers(self) -> int:
        return len(self.generator.layers)

    def sweep(self) -> list[Blend]:
        """A swap that moves over the upper half of the layers."""
        steps = [(frame + 0.5) / self.sweep_frames for frame in range(self.sweep_frames)]
        return [Blend.low_high(self.layers, self.layers * (1 + step) / 2) for step in steps]

    def fresh_weight(self) -> float:
        """A number between 0.1 and 0.9 that was not there before."""
        return 0.1 + 0.8 * (next(self._numbers) * STRANGE % 1)

    def fade(self) -> Blend:
        """A mix of the two networks in every layer, as no cache has it."""
        return Blend.low_high(self.layers, 0, weight=self.fresh_weight())

    def crossing(self) -> Blend:
        """A swap in the middle of a layer, as no cache has it."""
        return Blend.low_high(self.layers, self.layers // 2 + self.fresh_weight())

    def measure(self, calls: Mapping, turns: int | None = None) -> dict:
        """As the function of that name."""
        with torch.inference_mode():
            return measure(calls, self.turns if turns is None else turns, self.device)


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


def random_network(resolution: int, architecture: str = "stylegan2", seed: int = 0) -> Generator:
    """A network of the published widths with random weights: time does not depend on what they are."""
    config, kind = CONFIGS[architecture](resolution), architecture.partition("-")[0]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = GENERATORS[kind](config)
    return generator.eval().requires_grad_(False)


def _channel_base(resolution: int) -> int:
    """Of StyleGAN2 and later."""
    return 16384 if resolution <= 256 else 32768


def _rotating(resolution: int) -> StyleGAN3Config:
    """StyleGAN3-R's: convolutions of one pixel, of twice as many channels."""
    widths = {"channel_base": 2 * _channel_base(resolution), "channel_max": 1024}
    return StyleGAN3Config(resolution, conv_kernel=1, use_radial_filters=True, **widths)


CONFIGS = {
    "stylegan1": StyleGAN1Config,
    "stylegan2": lambda resolution: StyleGAN2Config(resolution, channel_base=_channel_base(resolution)),
    "stylegan3-t": lambda resolution: StyleGAN3Config(resolution, channel_base=_channel_base(resolution)),
    "stylegan3-r": _rotating,
}
