"""MP4 of frames that a sweep of this network shows, encoded alone: the most that a render can reach."""

from __future__ import annotations

import tempfile
from pathlib import Path

from render.bench.report import Figure
from render.bench.subject import Subject
from render.encoding import open_writer

FRAMES, FPS = 96, 25


def figures(subject: Subject) -> list[Figure]:
    """H.264 as renders write it when nothing else is asked for."""
    drawn = [one.array() for one in subject.drawer().draw(subject.pictures(subject.sweep()))]
    forth = [*drawn, *reversed(drawn)]
    count = FRAMES // 4 if subject.is_quick or subject.is_large else FRAMES
    frames = [forth[index % len(forth)] for index in range(count)]
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory(prefix="blendreel-") as folder:

        def encode() -> None:
            path = Path(folder) / "frames.mp4"
            with open_writer(path, width=width, height=height, fps=FPS) as writer:
                for frame in frames:
                    writer.write(frame)

        seconds = subject.measure({"mp4": encode})["mp4"] / count
    return [Figure(f"encoding {width}×{height}", "mp4", 1, seconds, amount=1 / seconds, unit="frames/s")]
