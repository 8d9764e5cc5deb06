"""Small pictures against full ones: a skip network stops at the resolution that is asked for."""

from __future__ import annotations

from render.bench.report import Figure
from render.bench.subject import Subject

SMALL = 256  # pixels


def figures(subject: Subject) -> list[Figure]:
    """Pictures of 256 px of a larger network, or of a quarter of its resolution, each in its usual batch."""
    full = subject.generator.resolution
    small = SMALL if full > SMALL else max(4, full // 4)
    drawers = {size: subject.drawer(resolution=size) for size in (full, small)}
    pictures = {
        size: subject.pictures([subject.sweep()[0]] * drawer.batch_size, is_fixed=False)
        for size, drawer in drawers.items()
    }
    calls = {size: lambda size=size: drawers[size].draw(pictures[size]) for size in drawers}
    taken = {size: each / len(pictures[size]) for size, each in subject.measure(calls).items()}
    work = f"preview of a network of {full} px"
    return [
        Figure(work, f"{full} px", len(pictures[full]), taken[full], 1.0),
        Figure(
            work,
            f"{small} px",
            len(pictures[small]),
            taken[small],
            taken[full] / taken[small],
            taken[small] / taken[full],
            "full picture",
        ),
    ]
