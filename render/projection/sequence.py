"""Films into latent space: every frame is searched from the one before, and held near where it was going.

Frames projected alone find latents apart from each other, for there are many that draw nearly the same;
played one after the other they flicker. From the frame before, a search finds the nearest of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from render.errors import PresetError
from render.networks import Generator
from render.projection.losses import Features, PictureLoss
from render.projection.optimise import Plan, Progress, Projection, Search
from render.projection.start import Samples, samples_of
from render.projection.working import as_ws, draw, working_copy

BINOMIAL = (1, 4, 6, 4, 1)


@dataclass(frozen=True)
class Following:
    """How a frame follows the one before.

    steps  of a frame's search; the first frame has those of the plan
    hold   weight of the mean square distance to the frame before, in standard deviations of w
    rate   how far a step goes at most, in standard deviations: less than in a search from afar
    smooth whether the latents are smoothed over five frames in the end, which is worth more than any hold:
           what trembles is fine detail, of which every frame finds its own
    """

    steps: int = 20
    hold: float = 2.0
    rate: float = 0.05
    smooth: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise PresetError(f"the number of steps is 1 or more, not {self.steps}")


def project_film(
    generator: Generator,
    frames: Tensor,
    plan: Plan | None = None,
    following: Following | None = None,
    *,
    samples: Samples | None = None,
    features: Features | None = None,
    progress: Progress | None = None,
) -> Projection:
    """Latents of the frames of a film [T, C, H, W] in [-1, 1], each found from the one before.

    `losses` of the result are those of each frame's last step, [1, T]. `progress` counts frames.
    """
    plan, following = plan or Plan(), following or Following()
    samples = samples or samples_of(generator)
    working, device = working_copy(generator), generator.mapping.w_avg.device
    spread, found, losses = samples.spread.to(device), [], []
    later = replace(plan, steps=following.steps, rate=following.rate, shake=0.0)
    for index, frame in enumerate(frames):
        target = frame[None].to(device)
        loss = PictureLoss(target, features)
        if found:
            search = Search(working, loss, later, found[-1], spread, found[-1], following.hold)
        else:
            start = as_ws(samples.nearest(target), generator.num_ws).to(device)
            search = Search(working, loss, plan, start, spread)
        losses.append(search.run()[-1:])
        found.append(search.ws)
        if progress:
            progress(index + 1, len(frames), float(losses[-1].mean()))
    ws = smoothed(torch.cat(found)) if following.smooth else torch.cat(found)
    return Projection(ws.cpu(), draw(generator, ws), torch.cat(losses, dim=1))


def smoothed(ws: Tensor) -> Tensor:
    """ws [T, num_ws, D] under a window of five frames (binomial weights 1, 4, 6, 4, 1); ends are held."""
    held = torch.cat([ws[:1], ws[:1], ws, ws[-1:], ws[-1:]])
    count = len(ws)
    return sum(weight * held[at : at + count] for at, weight in enumerate(BINOMIAL)) / sum(BINOMIAL)
