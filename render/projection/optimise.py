"""Photographs into latent space, by descent: w as StyleGAN2's authors did, or a row of w+ for every layer.

w:  Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", appendix D: one w for all
    layers, shaken less and less on the way; noise maps are found beside it, under a penalty that keeps the
    picture out of them. The maps are thrown away: a preset draws with the network's own.
w+: Abdal et al. 2019, "Image2StyleGAN", with a pull towards w_avg, without which rows drift to where the
    network, and above all its relatives, were never trained to draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from render.errors import PresetError
from render.networks import Generator
from render.projection.losses import Features, PictureLoss
from render.projection.start import Samples, samples_of
from render.projection.working import as_ws, draw, noise_layers, working_copy

SPACES = ("w", "w+")
WARM_UP, COOL_DOWN = 0.05, 0.5  # shares of the steps
SHAKEN = 0.75  # share of the steps in which w is shaken
PIXELS_AT_ONCE = {"cpu": 16 * 128**2, "cuda": 64 * 256**2, "mps": 16 * 256**2}

Progress = Callable[[int, int, float], None]  # steps done, steps in all, mean loss of the pictures at work
Watch = Callable[[int, Tensor], None]  # step, images [N, C, H, W] of it


@dataclass(frozen=True)
class Plan:
    """How latents are searched.

    space   w, or w+: a row for each layer
    steps   of descent
    rate    how far a step goes at most, in standard deviations of w
    pull    how strongly w+ is held to w_avg: weight of the mean square distance, in standard deviations
    shake   of w in its first steps, in standard deviations
    noise   weight of the penalty that keeps noise maps noise (w only)
    seed    of the shaking
    """

    space: str = "w+"
    steps: int = 200
    rate: float = 0.15
    pull: float = 0.1
    shake: float = 0.05
    noise: float = 1e3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise PresetError(f"unknown space {self.space!r}; there are {', '.join(SPACES)}")
        if self.steps < 1:
            raise PresetError(f"the number of steps is 1 or more, not {self.steps}")


@dataclass(frozen=True)
class Projection:
    """What was found.

    ws      float32 [N, num_ws, w_dim]; in space w all rows of a picture are the same
    images  float32 [N, C, H, W] as a preset draws them: with the network's own noise, in full precision
    losses  [steps, N], of the pictures alone
    """

    ws: Tensor
    images: Tensor
    losses: Tensor


def project(
    generator: Generator,
    targets: Tensor,
    plan: Plan | None = None,
    *,
    samples: Samples | None = None,
    start: Tensor | None = None,
    features: Features | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Projection:
    """Latents of photographs `targets`, float [N, C, H, W] in [-1, 1] at the network's size.

    samples   to start from, see `samples_of`; by default found or drawn
    start     latents [N, D], [1, D] or [N, num_ws, D] to start from instead
    features  a perceptual network for the loss, see `load_features`
    watch     is shown the pictures of the first batch after every step

    Each picture is searched for itself, as many at a time as suit the device. The generator is not changed.
    """
    plan = plan or Plan()
    working = working_copy(generator)
    samples = samples or samples_of(generator)
    if start is None:
        start = samples.nearest(targets)
    device = generator.mapping.w_avg.device
    start = as_ws(start, generator.num_ws).expand(len(targets), -1, -1).to(device)
    at_once = batch_size(targets, device)
    found, losses = [], []
    for first in range(0, len(targets), at_once):
        chosen = slice(first, first + at_once)
        loss = PictureLoss(targets[chosen].to(device), features)
        search = Search(working, loss, plan, start[chosen], samples.spread.to(device))
        counted = _counted(progress, first, at_once, len(targets), plan.steps)
        losses.append(search.run(counted, None if first else watch))
        found.append(search.ws)
    ws = torch.cat(found)
    return Projection(ws.cpu(), draw(generator, ws), torch.cat(losses, dim=1))


def batch_size(targets: Tensor, device: torch.device) -> int:
    """How many photographs [N, C, H, W] are searched at once."""
    height, width = targets.shape[2:]
    return max(1, PIXELS_AT_ONCE.get(device.type, PIXELS_AT_ONCE["cpu"]) // (height * width))


def _counted(
    progress: Progress | None, first: int, at_once: int, count: int, steps: int
) -> Callable[[int, float], None]:
    """Steps of one batch as steps of all."""
    batches = -(-count // at_once)

    def show(done: int, loss: float) -> None:
        if progress:
            progress(first // at_once * steps + done, batches * steps, loss)

    return show


class Search:
    """One batch on its way.

    generator  a working copy
    loss       images → [N]
    start      ws [N, num_ws, D]
    spread     of w, [D]: the unit in which it is moved
    anchor     ws [N, num_ws, D] that the latents are held to, with `hold` as the weight; see `sequence`
    """

    def __init__(
        self,
        generator: Generator,
        loss: PictureLoss,
        plan: Plan,
        start: Tensor,
        spread: Tensor,
        anchor: Tensor | None = None,
        hold: float = 0.0,
    ):
        self.generator, self.loss, self.plan, self.spread = generator, loss, plan, spread
        self.anchor, self.hold = anchor, hold
        # Moved in standard deviations from w_avg, so that one rate and one pull suit every network.
        average = generator.mapping.w_avg
        start = start.mean(dim=1, keepdim=True) if plan.space == "w" else start
        self.moved = ((start - average) / spread).detach().clone().requires_grad_(True)
        self.own_noise = {layer: layer.noise_const for layer in noise_layers(generator)}
        self.maps: list[Tensor] = []
        self.random = torch.Generator().manual_seed(plan.seed)

    @property
    def ws(self) -> Tensor:
        """float32 [N, num_ws, D]."""
        return self._to_ws(self.moved.detach())

    def run(self, progress: Callable[[int, float], None] | None = None, watch: Watch | None = None) -> Tensor:
        """All steps; returns the losses [steps, N]."""
        if self.plan.space == "w":
            self._free_noise()
        try:
            return self._descend(progress, watch)
        finally:
            for layer, own in self.own_noise.items():
                layer.noise_const = own

    def _descend(self, progress: Callable[[int, float], None] | None, watch: Watch | None) -> Tensor:
        optimiser = torch.optim.Adam([self.moved, *self.maps], lr=self.plan.rate, betas=(0.9, 0.99))
        losses = []
        for step in range(self.plan.steps):
            share = step / self.plan.steps
            for group in optimiser.param_groups:
                group["lr"] = self.plan.rate * schedule(share)
            images = self.generator.synthesis(self._to_ws(self._shaken(share)), noise_mode="const")
            distances = self.loss(images)
            optimiser.zero_grad(set_to_none=True)
            (distances.sum() + self._penalties()).backward()
            optimiser.step()
            self._normalise_noise()
            losses.append(distances.detach().cpu())
            if watch:
                watch(step, images.detach())
            if progress:
                progress(step + 1, float(losses[-1].mean()))
        return torch.stack(losses)

    def _to_ws(self, moved: Tensor) -> Tensor:
        return as_ws(self.generator.mapping.w_avg + moved * self.spread, self.generator.num_ws)

    def _shaken(self, share: float) -> Tensor:
        """The latents with the noise of that share of the way, the same for every picture of a batch."""
        size = self.plan.shake * max(0.0, 1 - share / SHAKEN) ** 2
        if self.plan.space != "w" or size == 0:
            return self.moved
        noise = torch.randn([1, 1, self.moved.shape[2]], generator=self.random)
        return self.moved + size * noise.to(self.moved.device)

    def _penalties(self) -> Tensor:
        total = self.moved.new_zeros([])
        if self.plan.space == "w+" and self.plan.pull:
            total = total + self.plan.pull * self.moved.square().mean(dim=(1, 2)).sum()
        if self.anchor is not None:
            away = (self._to_ws(self.moved) - self.anchor) / self.spread
            total = total + self.hold * away.square().mean(dim=(1, 2)).sum()
        return total + self.plan.noise * sum(noise_correlation(noise).sum() for noise in self.maps)

    def _free_noise(self) -> None:
        """Give every picture noise maps of its own, [N, 1, H, W], that take gradients."""
        for layer, own in self.own_noise.items():
            layer.noise_const = own.expand(len(self.moved), 1, -1, -1).clone().requires_grad_(True)
            self.maps.append(layer.noise_const)

    @torch.no_grad()
    def _normalise_noise(self) -> None:
        for noise in self.maps:
            noise -= noise.mean(dim=(1, 2, 3), keepdim=True)
            noise *= noise.square().mean(dim=(1, 2, 3), keepdim=True).add(1e-8).rsqrt()


def schedule(share: float) -> float:
    """The rate at that share of the steps: up in the first twentieth, down a cosine in the second half."""
    down = min(1.0, (1 - share) / COOL_DOWN)
    return min(1.0, max(share, 1e-3) / WARM_UP) * (0.5 - 0.5 * math.cos(math.pi * down))


def noise_correlation(noise: Tensor) -> Tensor:
    """[N] of maps [N, 1, H, W]: how much neighbours are alike, at all scales down to 8 pixels."""
    total = noise.new_zeros(len(noise))
    while True:
        for axis in (2, 3):
            total = total + (noise * noise.roll(1, dims=axis)).mean(dim=(1, 2, 3)).square()
        if min(noise.shape[2:]) <= 8:
            return total
        noise = 2 * torch.nn.functional.avg_pool2d(noise, 2)  # of unit variance again
