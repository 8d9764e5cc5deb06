"""Pivotal tuning (Roich et al. 2021): the generator is trained until it draws a face from its latent.

What lies far from the face shall stay as it was, or everything would drift that walks and blends are made
of. So now and then pictures on the way from the face to other samples are compared with what the untuned
network draws there ("locality regularisation").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from render.errors import PresetError
from render.networks import Generator, build
from render.projection.losses import Features, PictureLoss, pyramid_distance
from render.projection.optimise import schedule
from render.projection.start import Samples, samples_of
from render.projection.working import as_ws, working_copy

AT_ONCE = 4  # pictures in a step


@dataclass(frozen=True)
class Tuning:
    """How a generator is tuned.

    steps     of descent
    rate      Adam's
    locality  weight of what shall stay as it was
    every     how many steps from one look at that to the next
    seed      of the samples it looks at, and of the order of the photographs
    """

    steps: int = 150
    rate: float = 1e-3
    locality: float = 0.2
    every: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise PresetError(f"the number of steps is 1 or more, not {self.steps}")


def tune(
    generator: Generator,
    targets: Tensor,
    ws: Tensor,
    tuning: Tuning | None = None,
    *,
    samples: Samples | None = None,
    features: Features | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Generator:
    """A copy of `generator` that draws `targets` [N, C, H, W] from `ws` [N, num_ws, w_dim], which stay.

    Its mapping, w_avg and noise maps are those of `generator`, so that latents mean the same in both, and its
    layers blend as before. `progress` is told steps done, steps in all, and the loss.
    """
    tuning = tuning or Tuning()
    samples = samples or samples_of(generator)
    device = generator.mapping.w_avg.device
    before, working = working_copy(generator), working_copy(generator)
    targets, ws = targets.to(device), ws.to(device)
    random = torch.Generator().manual_seed(tuning.seed)
    weights = trained(working)
    optimiser = torch.optim.Adam(weights, lr=tuning.rate, betas=(0.9, 0.99))
    losses = PictureLoss(targets, features)
    for step in range(tuning.steps):
        for group in optimiser.param_groups:
            group["lr"] = tuning.rate * schedule(step / tuning.steps)
        rows = torch.randperm(len(ws), generator=random)[:AT_ONCE]
        loss = losses.of(rows)(working.synthesis(ws[rows], noise_mode="const")).mean()
        total = loss
        if tuning.locality and step % tuning.every == 0:
            around = _between(ws[rows], samples, random)
            with torch.no_grad():
                wanted = before.synthesis(around, noise_mode="const")
            drift = pyramid_distance(working.synthesis(around, noise_mode="const") - wanted).mean()
            total = loss + tuning.locality * tuning.every * drift
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        optimiser.step()
        if progress:
            progress(step + 1, tuning.steps, float(loss.detach()))
    tensors = {name: tensor.detach().contiguous() for name, tensor in working.state_dict().items()}
    return build(generator.config, tensors, generator.provenance).to(device)


def trained(generator: Generator) -> list[nn.Parameter]:
    """The weights that are tuned: those of layers and to-RGBs, but for the strength of noise."""
    return [
        parameter.requires_grad_(True)
        for name, parameter in generator.named_parameters()
        if generator.role(name).kind in ("layer", "to_rgb") and not name.endswith("noise_strength")
    ]


def _between(ws: Tensor, samples: Samples, random: torch.Generator) -> Tensor:
    """Latents on the way from these to samples drawn at random, [N, num_ws, D]."""
    drawn = torch.randint(len(samples), [len(ws)], generator=random)
    share = 0.3 + 0.7 * torch.rand([len(ws), 1, 1], generator=random)
    other = as_ws(samples.w[drawn], ws.shape[1]).to(ws.device)
    return torch.lerp(ws, other, share.to(ws.device))
