"""One network: the plain path against exact and fast, at each batch size, as shares of the ceiling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from render.bench.ceiling import ceiling_calls, convolution_flops, note_ceilings
from render.bench.report import Figure
from render.bench.subject import Subject
from render.networks import Generator
from render.networks.memory import returning_freed_memory

PLAIN = "plain"
KEPT = "plain, kept memory"  # the plain path with the allocator's setting of the others


def figures(subject: Subject) -> list[Figure]:
    """Every path at every batch size."""
    generator = subject.generator
    calls: dict[tuple, Callable[[], object]] = {}
    for batch in subject.batches:
        ws = subject.latents(batch)
        calls[PLAIN, batch] = partial(draw_plainly, generator, ws)
        calls[KEPT, batch] = partial(generator.synthesis, ws)
        for name, path in subject.paths.items():
            calls[name, batch] = partial(path, ws)
    seconds = subject.measure(calls | ceiling_calls(subject))
    note_ceilings(subject, seconds)
    flops, formats = convolution_flops(generator), subject.formats | {KEPT: torch.float32}
    return [
        Figure(
            subject.title,
            path,
            batch,
            taken / batch,
            speedup=seconds[PLAIN, batch] / taken,
            share=flops * batch / taken / subject.ceilings[formats[path]],
        )
        for (path, batch), taken in seconds.items()
        if path != "ceiling"
    ]


def draw_plainly(generator: Generator, ws: Tensor) -> Tensor:
    """The published way, in a process whose memory nobody has tuned."""
    with returning_freed_memory():
        return generator.synthesis(ws)
