"""How near exact is to the plain path in floats, and fast to exact in pictures of 8 bits."""

from __future__ import annotations

import math

import torch

from render.bench.report import Figure
from render.bench.subject import Subject
from render.drawing import to_frames

PICTURES, FEW = 24, 2
PSI = 0.7


def figures(subject: Subject) -> list[Figure]:
    """Of pictures of the network's own mapping, truncated as usual."""
    generator = subject.generator
    number = FEW if subject.is_quick or subject.is_large else PICTURES
    z = torch.randn(number, generator.z_dim, generator=torch.Generator().manual_seed(0)).to(subject.device)
    peak, squares = 0.0, []
    with torch.inference_mode():
        ws = generator.mapping(z, truncation_psi=PSI)
        for row in ws.split(1):
            plain = generator.synthesis(row)
            exact, short = (subject.paths[name](row) for name in ("exact", "fast"))
            peak = max(peak, float((exact - plain).abs().max()))
            first, second = (to_frames(image).astype(float) for image in (exact, short))
            squares.append(((first - second) ** 2).mean())
    work = f"{number} pictures of {subject.title}"
    return [
        Figure(work, "exact from plain, most", amount=peak, unit="of [-1, 1]"),
        Figure(work, "fast from exact, the worst", amount=decibels(max(squares)), unit="dB PSNR"),
        Figure(work, "fast from exact, together", amount=decibels(sum(squares) / number), unit="dB PSNR"),
    ]


def decibels(error: float) -> float | None:
    """The PSNR of pictures of 8 bits with that mean squared error; None for the same pictures."""
    return 10 * math.log10(255**2 / error) if error else None
