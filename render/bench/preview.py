"""Small pictures against full ones: a skip network stops at the resolution that is asked for."""

from __future__ import annotations

from render.bench.report import Figure
from render.bench.subject import Subject

SMALL = (256, 128)  # pixels: of larger networks; the second is what `blendreel preview` draws


def figures(subject: Subject) -> list[Figure]:
    """Small pictures, each in its usual batch; of small networks a quarter and an eighth as wide."""
    full = subject.generator.resolution
    small = SMALL if full > SMALL[0] else (max(4, full // 4), max(4, full // 8))
    sizes = list(dict.fromkeys((full, *small)))
    drawers = {size: subject.drawer(resolution=size) for size in sizes}
    pictures = {
        size: subject.pictures([subject.sweep()[0]] * drawer.batch_size, is_fixed=False)
        for size, drawer in drawers.items()
    }
    calls = {size: lambda size=size: drawers[size].draw(pictures[size]) for size in sizes}
    taken = {size: each / len(pictures[size]) for size, each in subject.measure(calls).items()}
    return [
        Figure(
            f"preview of a network of {full} px",
            f"{size} px",
            len(pictures[size]),
            taken[size],
            taken[full] / taken[size],
            taken[size] / taken[full],
            "full picture",
        )
        for size in sizes
    ]
