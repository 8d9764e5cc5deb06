"""What mixing the weights of two networks takes of a frame, and preparing them for the fast path."""

from __future__ import annotations

from render.bench.report import Figure
from render.bench.subject import Subject
from render.blending.blender import Blender
from render.networks.unmixed import mixed

FRAMES = 4  # of one turn


def figures(subject: Subject) -> list[Figure]:
    """A weight that moves in every layer, and a swap that moves in one: frames, and their shares."""
    drawer, synthesis = subject.drawer(), subject.paths["fast"]
    blender = Blender(subject.family)
    drawer.draw(subject.pictures([subject.fade()]))
    frames = 1 if subject.is_large else FRAMES

    def draw(kind) -> None:
        drawer.draw(subject.pictures([kind() for _ in range(frames)], is_fixed=False))

    def mix(kind) -> None:
        for _ in range(frames):
            for source in blender.sources(kind()).values():
                mixed(source)  # and let go of it, as whoever prepares it does

    whole = blender.tensors(subject.fade())
    synthesis.batch(subject.latents(1), tensors=[whole])

    def prepare() -> None:
        for _ in range(frames):
            for name, unit in synthesis.units.items():
                unit.make(dict(zip(unit.leaves, synthesis.sources(name, whole), strict=True)))

    works = {"weight sweep, every layer": subject.fade, "swap, one layer moves": subject.crossing}
    calls = {(work, "frame"): lambda kind=kind: draw(kind) for work, kind in works.items()}
    calls |= {(work, "blending"): lambda kind=kind: mix(kind) for work, kind in works.items()}
    first = next(iter(works))
    calls[first, "preparing weights"] = prepare
    seconds = subject.measure(calls)
    return [
        Figure(
            work,
            part,
            frames if part == "frame" else 1,
            taken / frames,
            share=None if part == "frame" else taken / seconds[work, "frame"],
            whole="frame",
        )
        for work in works
        for (own, part), taken in seconds.items()
        if own == work
    ]
