"""MP4 of frames that a sweep of this network shows, encoded alone: the most that a render can reach."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from render.bench.report import Figure
from render.bench.subject import Subject
from render.encoding import open_writer
from render.pixels import Planes

FRAMES, FPS = 96, 25


def figures(subject: Subject) -> list[Figure]:
    """H.264 as renders write it when nothing else is asked for: from RGB in 16 bits, and from planes."""
    with tempfile.TemporaryDirectory(prefix="blendreel-") as folder:
        path, full = Path(folder) / "frames.mp4", subject.generator.resolution
        calls = {
            "mp4": _encoding(subject, path, None),
            "mp4, of planes": _encoding(subject, path, Planes(dithered=True)),
        }
        seconds, count = subject.measure(calls), _count(subject)
    return [
        Figure(f"encoding {full} px", name, 1, taken / count, amount=count / taken, unit="frames/s")
        for name, taken in seconds.items()
    ]


def _count(subject: Subject) -> int:
    return FRAMES // 4 if subject.is_quick or subject.is_large else FRAMES


def _encoding(subject: Subject, path: Path, planes: Planes | None) -> Callable[[], None]:
    """What encodes the frames of a sweep, forth and back, in this form."""
    drawer = subject.drawer(bits=16)
    drawer.planes = planes
    drawn = [np.ascontiguousarray(one.array()) for one in drawer.draw(subject.pictures(subject.sweep()))]
    forth = [*drawn, *reversed(drawn)]
    frames = [forth[index % len(forth)] for index in range(_count(subject))]
    width, height = subject.generator.picture_size

    def encode() -> None:
        dtype = "uint8" if planes else "uint16"
        writer = open_writer(path, width=width, height=height, fps=FPS, dtype=dtype)
        if planes:
            writer.take_planes()
        with writer:
            for frame in frames:
                writer.write(frame)

    return encode
