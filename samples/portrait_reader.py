"""Reads pose and colours off a portrait: a small network that learnt from paintings, to judge projections by.

The painter knows how its people turn and what colours they have. A projected picture has no such numbers, so
a network learns to tell them from paintings in the portrait style; how well it does on paintings it has not
seen is the best that can be asked of a projection. Some minutes on one core; seeded.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from samples import painter
from samples.painter import Parameters

POSE = ("yaw", "roll", "shift_x", "shift_y", "scale")
COLOURS = ("skin", "hair", "cloth", "back_b")
SIDE = 64  # pixels; pictures are averaged down to it
STEPS, BATCH, RATE = 1500, 16, 2e-3
WIDTHS = (24, 48, 64, 96, 96)


class Reader(nn.Module):
    """Pictures [N, 3, 64, 64] in [-1, 1] → the numbers of POSE and COLOURS, [N, 17]."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *WIDTHS)
        self.steps = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs[i], width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
            for i, width in enumerate(WIDTHS)
        )
        self.last = nn.Sequential(
            nn.Linear(WIDTHS[-1] * 16, 128), nn.ReLU(), nn.Linear(128, len(POSE) + 3 * len(COLOURS))
        )

    def forward(self, x: Tensor) -> Tensor:
        for index, step in enumerate(self.steps):
            x = step(x if index == 0 else F.max_pool2d(x, 2))
        return self.last(x.flatten(1))


def truth(people: Parameters) -> Tensor:
    """What the painter knows, [N, 17]."""
    pose = [getattr(people, name)[:, None] for name in POSE]
    return torch.cat([*pose, *(getattr(people, name) for name in COLOURS)], dim=1)


def read(reader: Reader, pictures: Tensor) -> Tensor:
    """The numbers of pictures [N, 3, H, W] in [-1, 1], [N, 17]."""
    with torch.no_grad():
        return reader(F.adaptive_avg_pool2d(pictures.clamp(-1, 1), SIDE))


def errors(found: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Mean absolute error of each person, [N]: of `pose` (-1 to 1) and of `colours` (sRGB, 0 to 1)."""
    error = (found - wanted).abs()
    return {"pose": error[:, : len(POSE)].mean(dim=1), "colours": error[:, len(POSE) :].mean(dim=1)}


def learn(path: Path, seed: int = 0, steps: int = STEPS) -> Reader:
    """A reader that has seen `steps` × BATCH paintings; kept at `path`, and taken from there later."""
    reader = Reader()
    if path.is_file():
        reader.load_state_dict(load_file(path))
        return reader.eval().requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        reader = Reader()
        optimiser = torch.optim.Adam(reader.parameters(), RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for step in range(steps):
            people = painter.sample_parameters(BATCH, 2_000_000 * (seed + 1) + step)
            pictures = painter.paint(people, "portrait", SIDE)
            blur = F.avg_pool2d(F.pad(pictures, [1] * 4, mode="replicate"), 3, 1)
            pictures = pictures.lerp(blur, torch.rand(BATCH, 1, 1, 1))  # projections are softer
            loss = F.smooth_l1_loss(reader(pictures), truth(people), beta=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(reader.state_dict(), path)
    return reader.eval().requires_grad_(False)
