"""Where frames go: to the writers of finished files, and to spools from which files are made to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from render.encoding import Fitted, Framing, Spool, fit
from render.errors import EncodingError
from render.production.jobs import Job, Size

Frames = Callable[[Fraction], Iterable[np.ndarray]]


class Sinks:
    """Where the frames of one rate go: a writer for each job, and one spool for all that have a budget.

    Leaving the block without `finish` aborts them all and leaves no trace.

    spool_path  the file of the spool, which is made only where there is something to fit
    """

    def __init__(self, jobs: list[Job], frame_size: Size, count: int, spool_path: Path) -> None:
        self.spool: Spool | None = None
        self._tried = [job.writer(frame_size, count) for job in jobs if job.budget]
        self._writers = [job.writer(frame_size, count) for job in jobs if not job.budget]
        if self._tried:
            width, height = frame_size
            self.spool = Spool(spool_path, width=width, height=height, fps=jobs[0].fps)

    def __enter__(self) -> Self:
        try:
            for writer in self._tried:  # a bad place or a missing encoder is found out now, not at the end
                writer.start()
                writer.abort()
            if self.spool:
                self._writers.append(self.spool.writer)
            for writer in self._writers:
                writer.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def write(self, frame: np.ndarray) -> None:
        """Give a frame uint8 [H, W, 3] to every file."""
        for writer in self._writers:
            writer.write(frame)

    def finish(self) -> list[str]:
        """Complete every file; one that fails does not take the others with it. Returns what went wrong."""
        errors = []
        for writer in self._writers:
            try:
                writer.finish()
            except EncodingError as error:
                errors.append(str(error))
        return errors

    def __exit__(self, *reason: object) -> None:
        for writer in self._writers:
            writer.abort()


def fitted(job: Job, frames: Frames, frame_size: Size, count: int) -> Fitted:
    """Write a job's file within its budget. Raises EncodingError.

    frames  gives all frames of `frame_size` at a rate, again and again
    count   of the frames at the job's rate
    """
    framing = job.framing(frame_size, count)
    width, height = framing.get("size", frame_size)
    into = Framing(**framing).apply if framing else lambda frame: frame
    return fit(
        job.path,
        lambda fps: map(into, frames(fps)),
        budget=job.budget,
        width=width,
        height=height,
        fps=job.fps,
        **job.settings,
    )
