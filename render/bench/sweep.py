"""A swap sweep over the upper half of the layers under one latent, in memory: a part of the usual video."""

from __future__ import annotations

from dataclasses import replace

from render.bench.report import Figure
from render.bench.subject import Subject


def figures(subject: Subject) -> list[Figure]:
    """As the renderer draws it, batch by batch with what follows, against every frame from the start."""
    pictures = subject.pictures(subject.sweep())
    apart = [replace(picture, fades=False) for picture in pictures]
    together, alone = subject.drawer(), subject.drawer(batch_size=1)
    size = together.batch_size

    def with_reuse() -> None:
        together.synthesis.forget()  # of the turn before
        chunks = [pictures[start : start + size] for start in range(0, len(pictures), size)]
        for chunk, following in zip(chunks, [*chunks[1:], []], strict=True):
            together.draw(chunk, following)

    def without() -> None:
        for picture in apart:
            alone.draw([picture])

    seconds = subject.measure({("no reuse", 1): without, ("layers below once", size): with_reuse})
    first = seconds["no reuse", 1]
    return [
        Figure("swap sweep, upper half", path, batch, taken / len(pictures), first / taken)
        for (path, batch), taken in seconds.items()
    ]
