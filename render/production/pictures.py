"""Pictures beside a film: a poster, which is one of its frames, and a filmstrip of several."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from render.encoding import Framing, open_writer
from render.encoding.claim import claim, folder_beside
from render.encoding.viewing import spread
from render.errors import EncodingError
from render.jobs import Job
from render.layout import color_of
from render.pixels import has_alpha, laid_over, whole_levels
from render.renderer import Renderer
from render.timeline import Clock

GAP = 4  # pixels between the frames of a strip


class Pictures:
    """The pictures beside some films: places are taken when the block is entered, `draw` fills them.

    They have 8 bits a channel, since they go onto pages, and the size of the film that they belong to.
    """

    def __init__(self, jobs: list[Job], renderer: Renderer) -> None:
        self.jobs, self.renderer = [job for job in jobs if job.pictures], renderer
        self._parts: list[Path] = []

    def __enter__(self) -> Self:
        for job in self.jobs:
            self._parts += map(claim, job.pictures)
        return self

    def __exit__(self, *reason: object) -> None:
        for part in self._parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def draw(self) -> list[Path]:
        """Draw and write all pictures; returns their paths. Raises EncodingError."""
        for job in self.jobs:
            clock = self.renderer.scene.clock.with_fps(job.fps)
            if job.output.poster is not None:
                index = frame_at(clock, clock.resolve(job.output.poster))
                [frame] = self._frames(job, clock, [index])
                save_png(job.beside("poster"), frame)
            if job.output.filmstrip is not None:
                frames = self._frames(job, clock, strip_indices(clock, job.output.filmstrip))
                save_png(job.beside("strip"), side_by_side(frames))
        return [path for job in self.jobs for path in job.pictures]

    def _frames(self, job: Job, clock: Clock, indices: list[int]) -> list[np.ndarray]:
        """Frames uint8 of the film's size, [H, W, 3] or, where it keeps alpha, [H, W, 4]."""
        framing = job.framing(self.renderer.frame_size, clock.frame_count)
        into = Framing(**framing).apply if framing else lambda frame: frame
        scene = self.renderer.scene.at_fps(job.fps)
        ground = color_of(self.renderer.layout.background)
        frames = self.renderer.frames(scene.moments(indices))
        laid = (frame if job.transparent else laid_over(frame, ground) for frame in frames)
        return [whole_levels(into(frame), 8) for frame in laid]


def frame_at(clock: Clock, seconds: Fraction) -> int:
    """The frame whose moment is nearest to a time within the clip; the end of a loop is its beginning."""
    count = clock.frame_count
    if clock.loop:
        return round(seconds / clock.duration * count) % count
    return round(seconds / clock.duration * (count - 1))


def strip_indices(clock: Clock, count: int) -> list[int]:
    """So many frames, or all where there are fewer: from the first to the last, or all round a loop."""
    if not clock.loop:
        return list(spread(clock.frame_count, count))
    count = min(count, clock.frame_count)
    return [at * clock.frame_count // count for at in range(count)]


def side_by_side(frames: list[np.ndarray]) -> np.ndarray:
    """Frames RGB in one row, with a black gap between two; RGBA with a transparent one."""
    gap = np.zeros((frames[0].shape[0], GAP, frames[0].shape[2]), frames[0].dtype)
    row = [piece for frame in frames for piece in (gap, frame)]
    return np.concatenate(row[1:], axis=1)


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture RGB or RGBA, uint8 or uint16, as a PNG of as many bits. Raises EncodingError."""
    height, width, _ = picture.shape
    options = {"dtype": picture.dtype.name, "transparent": has_alpha(picture)}
    try:
        with folder_beside(path) as folder:
            target = Path(folder) / "picture" / "%d.png"
            with open_writer(target, width=width, height=height, fps=1, **options) as writer:
                writer.write(np.ascontiguousarray(picture))
            os.replace(target.with_name("0.png"), path)
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error
