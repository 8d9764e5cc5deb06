"""Where eyes, mouth, hair and face are in a generated portrait: a small network that learnt from paintings.

The painter knows its own masks, but a generated picture has no painter's parameters. So a small U-Net learns
from paintings in the portrait style, blurred, tinted and made noisy so that it does not rely on their finish,
and is tested on paintings that it has not seen. Two minutes on one core; seeded.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from samples import painter

PARTS = ("eyes", "mouth", "hair", "face")
SIDE = 64  # pixels; pictures are averaged down to it
STEPS, BATCH, RATE = 500, 16, 3e-3
WIDTHS = (16, 32, 48, 48)


class MaskNet(nn.Module):
    """Pictures [N, 3, 64, 64] in [-1, 1] → logits [N, 4, 64, 64] of PARTS."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *WIDTHS)
        self.down = nn.ModuleList(_convolution(inputs[i], width) for i, width in enumerate(WIDTHS))
        self.up = nn.ModuleList(
            _convolution(WIDTHS[i] + WIDTHS[i - 1], WIDTHS[i - 1]) for i in range(len(WIDTHS) - 1, 0, -1)
        )
        self.last = nn.Conv2d(WIDTHS[0], len(PARTS), 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for index, step in enumerate(self.down):
            x = step(x if index == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        for step, finer in zip(self.up, kept[-2::-1], strict=True):
            x = step(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), finer], dim=1))
        return self.last(x)


def _convolution(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


def learn(seed: int = 0, steps: int = STEPS) -> MaskNet:
    """A network that has seen `steps` × BATCH paintings."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = MaskNet()
        optimiser = torch.optim.Adam(network.parameters(), RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for step in range(steps):
            pictures, truth = paintings(BATCH, seed=1_000_000 * (seed + 1) + step)
            loss = F.binary_cross_entropy_with_logits(network(_worn(pictures)), truth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval().requires_grad_(False)


def paintings(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Portraits [N, 3, 64, 64] in [-1, 1] and their masks [N, 4, 64, 64]."""
    people = painter.sample_parameters(count, seed)
    masks = painter.masks(people, "portrait", SIDE)
    return painter.paint(people, "portrait", SIDE), torch.stack([masks[part] for part in PARTS], dim=1)


def _worn(pictures: Tensor) -> Tensor:
    """Pictures as a generator might draw them: somewhat blurred, with other colours, and noise."""
    count = len(pictures)
    soft = F.avg_pool2d(F.pad(pictures, [1] * 4, mode="replicate"), 3, 1)
    worn = pictures.lerp(soft, torch.rand(count, 1, 1, 1))
    worn = worn * (0.8 + 0.4 * torch.rand(count, 3, 1, 1)) + 0.15 * torch.randn(count, 3, 1, 1)
    return worn + 0.06 * torch.rand(count, 1, 1, 1) * torch.randn_like(worn)


def masks_of(network: MaskNet, pictures: Tensor) -> dict[str, Tensor]:
    """Masks [N, H, W], True inside, of pictures [N, 3, H, W] in [-1, 1], by the names in PARTS."""
    small = F.adaptive_avg_pool2d(pictures.clamp(-1, 1), SIDE)
    logits = F.interpolate(network(small), size=pictures.shape[-2:], mode="bilinear")
    return {part: logits[:, index] > 0 for index, part in enumerate(PARTS)}


def agreement(network: MaskNet, count: int = 200, seed: int = 7) -> dict[str, float]:
    """Intersection over union with the painter's masks on paintings that were not learnt from."""
    pictures, truth = paintings(count, seed)
    found = masks_of(network, pictures)
    scores = {}
    for index, part in enumerate(PARTS):
        inside = truth[:, index] > 0.5
        scores[part] = float((found[part] & inside).sum() / (found[part] | inside).sum())
    return scores
