"""What a person looks like: one set of numbers that all three styles paint from."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

# Anchors that colours are mixed from, sRGB in [0, 1].
SKIN = (
    (0.98, 0.84, 0.75),
    (0.94, 0.76, 0.64),
    (0.88, 0.68, 0.53),
    (0.76, 0.55, 0.40),
    (0.58, 0.39, 0.28),
    (0.42, 0.28, 0.21),
)
HAIR = (
    (0.08, 0.07, 0.08),
    (0.14, 0.10, 0.09),
    (0.23, 0.14, 0.09),
    (0.36, 0.22, 0.13),
    (0.50, 0.24, 0.13),
    (0.66, 0.47, 0.27),
    (0.86, 0.71, 0.45),
    (0.74, 0.73, 0.74),
)
IRIS = (
    (0.26, 0.15, 0.08),
    (0.42, 0.26, 0.12),
    (0.34, 0.42, 0.18),
    (0.22, 0.47, 0.40),
    (0.25, 0.45, 0.68),
    (0.45, 0.54, 0.62),
)


@dataclass(frozen=True)
class Parameters:
    """N people. Every field is float32, [N] or (colours, sRGB in [0, 1]) [N, 3]."""

    yaw: Tensor  # head turned to the picture's left (-1) or right (1)
    roll: Tensor  # tilt, -1 to 1
    shift_x: Tensor  # place in the frame, -1 to 1
    shift_y: Tensor
    scale: Tensor  # -1 to 1
    face_width: Tensor  # -1 to 1
    face_length: Tensor  # -1 to 1
    jaw: Tensor  # pointed (0) to square (1)
    hair_length: Tensor  # short (0), bob (0.5), long (1)
    hair_volume: Tensor  # 0 to 1
    bun: Tensor  # none (0) to large (1)
    fringe: Tensor  # bare forehead (0) to brows covered (1)
    parting: Tensor  # -1 to 1
    wave: Tensor  # straight (0) to wavy (1)
    brow_height: Tensor  # -1 to 1
    brow_tilt: Tensor  # -1 to 1
    brow_weight: Tensor  # 0 to 1
    eye_size: Tensor  # -1 to 1
    eye_spacing: Tensor  # -1 to 1
    eye_open: Tensor  # narrow (0) to wide (1)
    eye_slant: Tensor  # -1 to 1
    gaze: Tensor  # -1 to 1
    nose_length: Tensor  # -1 to 1
    nose_width: Tensor  # -1 to 1
    mouth_width: Tensor  # -1 to 1
    smile: Tensor  # -1 to 1
    mouth_open: Tensor  # 0 to 1; about half are closed
    lip_fullness: Tensor  # 0 to 1
    light_x: Tensor  # from the left (-1) or right (1)
    light_y: Tensor  # from above (-1) to level (0)
    light_strength: Tensor  # 0 to 1
    beard: Tensor  # 0 to 1; most have none
    earring: Tensor  # 0 to 1; most have none
    neckline: Tensor  # high (0) to deep V (1)
    pattern: Tensor  # 0 to 1: which motif
    phase: Tensor  # 0 to 2 pi: where textures begin
    skin: Tensor
    hair: Tensor
    iris: Tensor
    lip: Tensor
    cloth: Tensor
    trim: Tensor
    back_a: Tensor
    back_b: Tensor

    def planes(self) -> Parameters:
        """The same people with [N] seen as [N, 1, 1] and [N, 3] as [N, 3, 1, 1], ready to meet pixels."""
        return Parameters(**{f.name: getattr(self, f.name)[..., None, None] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.yaw)

    def __getitem__(self, rows: slice) -> Parameters:
        return Parameters(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def _along(anchors: tuple[tuple[float, ...], ...], t: Tensor, device: torch.device) -> Tensor:
    """Colours [N, 3] at t in [0, 1] of the way through the anchors."""
    table = torch.tensor(anchors, device=device)
    place = t.clamp(0, 1) * (len(anchors) - 1)
    index = place.floor().long().clamp(max=len(anchors) - 2)
    return torch.lerp(table[index], table[index + 1], (place - index)[:, None])


def hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """sRGB [N, 3] of hue (turns), saturation and value [N] in [0, 1]."""
    offsets = torch.tensor([5.0, 3.0, 1.0], device=hue.device)
    k = (offsets + hue[:, None] * 6) % 6
    ramp = torch.minimum(k, 4 - k).clamp(0, 1)
    return value[:, None] * (1 - saturation[:, None] * ramp)


def sample_parameters(
    count: int, seed: int | torch.Generator = 0, device: torch.device | str = "cpu"
) -> Parameters:
    """`count` people, independent in every field; the same for the same seed, whatever the device.

    A generator (on the CPU) is drawn from where it stands, so that a training loop can go on and on.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)

    def unit() -> Tensor:
        return torch.rand(count, generator=generator)

    def bell() -> Tensor:  # -1 to 1, denser in the middle
        return unit() + unit() - 1

    def some(share: float, low: float) -> Tensor:  # 0 for most, `low` to 1 for the rest
        chosen = (unit() < share).float()
        return chosen * (low + (1 - low) * unit())

    tint = 0.04 * (torch.rand(count, 3, generator=generator) - 0.5)
    skin = (_along(SKIN, unit() ** 1.2, torch.device("cpu")) + tint).clamp(0, 1)
    hair = (_along(HAIR, unit(), torch.device("cpu")) + tint.flip(1)).clamp(0.03, 1)
    hue, deep = unit(), unit()
    values = {
        "skin": skin,
        "hair": hair,
        "iris": _along(IRIS, unit(), torch.device("cpu")),
        "lip": hsv((0.96 + 0.06 * unit()) % 1, 0.45 + 0.3 * unit(), 0.62 + 0.25 * unit()),
        "cloth": hsv(unit(), 0.25 + 0.55 * unit(), 0.25 + 0.6 * unit()),
        "trim": hsv(unit(), 0.15 + 0.5 * unit(), 0.7 + 0.28 * unit()),
        "back_a": hsv(hue, 0.15 + 0.4 * unit(), 0.12 + 0.35 * deep),
        "back_b": hsv((hue + 0.25 * bell()) % 1, 0.12 + 0.35 * unit(), 0.42 + 0.45 * deep),
        "hair_length": unit(),
        "hair_volume": unit(),
        "bun": some(0.3, 0.5),
        "fringe": unit(),
        "wave": unit(),
        "jaw": unit(),
        "brow_weight": unit(),
        "eye_open": 0.5 + 0.5 * bell(),
        "mouth_open": some(0.5, 0.15),
        "lip_fullness": unit(),
        "light_x": 2 * unit() - 1,
        "light_y": -unit(),
        "light_strength": unit(),
        "beard": some(0.5, 0.4),
        "earring": some(0.3, 0.6),
        "neckline": unit(),
        "pattern": unit(),
        "phase": 2 * torch.pi * unit(),
        "yaw": 2 * unit() - 1,
        "parting": 2 * unit() - 1,
        "gaze": bell(),
        "smile": 0.25 + 0.75 * bell(),
    }
    values["beard"] = values["beard"] * (values["hair_length"] < 0.4) * (values["bun"] == 0)
    rest = [f.name for f in fields(Parameters) if f.name not in values]
    values |= {name: bell() for name in rest}
    return Parameters(**{name: value.to(device) for name, value in values.items()})
