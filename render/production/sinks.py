"""Where frames go: to the writers of finished files, and to spools from which files are made to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Self

import numpy as np

from render.encoding import Fitted, Framing, Spool, Writer, fit
from render.encoding.budget import Stage
from render.errors import EncodingError
from render.jobs import Job, Size
from render.layout import Color
from render.pixels import laid_over, whole_levels

Frames = Callable[[Fraction], Iterable[np.ndarray]]


def write_to(writers: Iterable[Writer], frame: np.ndarray, ground: Color) -> None:
    """Give a frame uint8 or uint16 to every writer, as deep as each takes it; planes go as they are.

    ground  the colour behind what is transparent, for those that hold no alpha
    """
    if frame.ndim == 2:
        for writer in writers:
            writer.write(frame)
        return
    forms: dict[tuple[int, str], np.ndarray] = {}
    for writer in writers:
        form = writer.channels, writer.dtype
        if form not in forms:
            laid = frame if writer.transparent else laid_over(frame, ground)
            forms[form] = whole_levels(laid, 8 * np.dtype(writer.dtype).itemsize)
        writer.write(forms[form])


class Sinks:
    """Where the frames of one rate go while they are drawn: a writer for each job, and perhaps one spool.

    Leaving the block without `finish` aborts them all and leaves no trace.

    live   jobs whose files are written now
    tried  jobs whose files are made later: started and given up, so that a bad place is found out now
    ground the colour behind what is transparent
    spool  keeps the frames; None where nobody asks for them again, or they are kept elsewhere
    """

    def __init__(
        self,
        live: list[Job],
        tried: list[Job],
        frame_size: Size,
        count: int,
        ground: Color,
        spool: Spool | None = None,
    ) -> None:
        self.spool, self._ground = spool, ground
        self._tried = [job.writer(frame_size, count) for job in tried]
        self._writers = [job.writer(frame_size, count) for job in live]

    def __enter__(self) -> Self:
        try:
            for writer in self._tried:
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

    def __bool__(self) -> bool:
        """Whether it takes any frames."""
        return bool(self._writers)

    def write(self, frame: np.ndarray) -> None:
        """Give a frame to every file."""
        write_to(self._writers, frame, self._ground)

    @property
    def waited(self) -> dict[str, float]:
        """Seconds that frames waited to be taken, by the name of the file, or of the first one made later."""
        waited = {writer.path.name: writer.waited for writer in self._writers}
        if self.spool:
            waited[self._tried[0].path.name] = waited.pop(self.spool.path.name)
        return waited

    def finish(self, stage: Stage | None = None) -> list[str]:
        """Complete every file; one that fails does not take the others with it. Returns what went wrong.

        stage  called with a file's name: gives what is told how far it is, where that takes a while
        """
        errors = []
        for writer in self._writers:
            writer.progress = stage(writer.path.name) if stage else None
            try:
                writer.finish()
            except EncodingError as error:
                errors.append(str(error))
        return errors

    def __exit__(self, *reason: object) -> None:
        for writer in (*self._tried, *self._writers):
            writer.abort()


def fitted(
    job: Job,
    frames: Frames,
    frame_size: Size,
    count: Callable[[Fraction], int],
    ground: Color,
    stage: Stage | None = None,
) -> Fitted:
    """Write a job's file within its budget. Raises EncodingError.

    frames  gives all frames of `frame_size` at a rate, again and again
    count   how many frames there are at a rate
    ground  the colour behind what is transparent in them
    """
    framing = job.framing(frame_size, count(job.fps))
    width, height = framing.get("size", frame_size)
    bits = job.writer(frame_size, count(job.fps)).depth

    def suited(frame: np.ndarray) -> np.ndarray:
        frame = whole_levels(frame if job.transparent else laid_over(frame, ground), bits)
        return Framing(**framing).apply(frame) if framing else frame

    return fit(
        job.path,
        lambda fps: map(suited, frames(fps)),
        budget=job.budget,
        width=width,
        height=height,
        fps=job.fps,
        dtype=f"uint{bits}",
        count=count,
        stage=stage,
        **job.settings,
    )
