"""A film of a painted person who turns, smiles and looks around: the source of projected films."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from samples import painter
from samples.painter import Parameters


def moving(person: Parameters, frames: int, fps: float = 25) -> Parameters:
    """One person ([1] in every field) through that many frames: yaw, roll, gaze, smile and place move."""
    seconds = torch.arange(frames) / fps
    swing = {
        "yaw": 0.5 * torch.sin(2 * math.pi * seconds / 4),
        "roll": 0.4 * torch.sin(2 * math.pi * seconds / 3 + 1),
        "gaze": 0.5 * torch.sin(2 * math.pi * seconds / 2),
        "smile": 0.5 * torch.sin(2 * math.pi * seconds / 2.5 + 2),
        "shift_x": 0.3 * torch.sin(2 * math.pi * seconds / 5),
    }
    still = {name: value.expand(frames, *value.shape[1:]) for name, value in vars(person).items()}
    moved = {name: (still[name] + change).clamp(-1, 1) for name, change in swing.items()}
    return replace(person, **(still | moved))


def film(seed: int, frames: int, resolution: int = 128, fps: float = 25) -> Tensor:
    """Frames [T, 3, R, R] in [-1, 1] of the person of that seed."""
    return painter.paint(moving(painter.sample_parameters(1, seed), frames, fps), "portrait", resolution)
