"""The contract of every encoder: start, write frames, finish; aborted without a trace if anything fails."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from render.encoding.claim import claim, part_of, settle
from render.encoding.framing import Framing
from render.encoding.tags import Tags, stamp
from render.errors import EncodingError
from render.pixels import TOP
from render.timeline import parse_fps


class Writer(ABC):
    """Writes frames to `NAME.part` and gives the file its name only when it is complete.

        with open_writer("morph.mp4", width=512, height=512, fps=Fraction(30)) as writer:
            writer.write(frame)  # uint8 [H, W, 3], sRGB

    Leaving the block finishes the file; an error or Ctrl-C inside it removes what was written. A file that
    already has the name is replaced at the very end, or not at all.

    width, height  of the frames that are written
    dtype          of the frames: uint8 or uint16 over their whole range, or float32 in [0, 1]
    transparent    whether frames are RGBA [H, W, 4] with straight alpha, which the file keeps
    framing        how they are fitted to another size; by default the file has theirs
    tags           what the file says of itself; by default nothing

    `width` and `height` of a writer are the file's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        fps: Fraction | int | str,
        dtype: str = "uint8",
        transparent: bool = False,
        framing: Framing | None = None,
        tags: Tags | None = None,
    ) -> None:
        self.path = Path(path)
        self.part_path = part_of(self.path)
        self.frame_width, self.frame_height = int(width), int(height)
        self.width, self.height = framing.size if framing else (self.frame_width, self.frame_height)
        self.framing, self.dtype, self.tags = framing, str(dtype), tags
        self.transparent = bool(transparent)
        self.fps = checked_fps(self.path, fps)
        if self.dtype not in TOP:
            raise EncodingError(f"{self.path}: frames cannot be {dtype}; choose one of {', '.join(TOP)}")
        self.frames_written = 0
        self.waited = 0.0  # seconds for which frames, and then the end of the file, waited for the encoder
        # Called with (frames done, frames in all) where finishing goes through all of them once more.
        self.progress: Callable[[int, int], None] | None = None
        self._is_open = False
        if self.frame_width < 1 or self.frame_height < 1:
            raise EncodingError(f"{self.path}: a picture of {width}×{height} pixels cannot be encoded")

    @property
    def depth(self) -> int:
        """Bits of the frames that it makes the most of: 16 where it shows more than 8, or dithers; else 8."""
        return 8

    @property
    def channels(self) -> int:
        """Of the frames that it takes: 3, or with alpha 4."""
        return 3 + self.transparent

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of the arrays that it takes."""
        return self.frame_height, self.frame_width, self.channels

    def start(self) -> None:
        """Make the folder and the part file, and start the encoder; EncodingError where one cannot be."""
        self._claim()
        self._is_open = True
        try:
            self._begin()
        except BaseException:
            self.abort()
            raise

    def write(self, frame: np.ndarray) -> None:
        """Add a frame [H, W, 3], or transparent [H, W, 4], in sRGB, of its dtype.

        The array may be reused once this returns.
        """
        if not self._is_open:
            raise EncodingError(f"{self.path}: no frame can be written before the start or after the end")
        shape = self.frame_shape
        if getattr(frame, "dtype", None) != self.dtype or frame.shape != shape:
            is_array = isinstance(frame, np.ndarray)
            found = f"{frame.dtype} {list(frame.shape)}" if is_array else type(frame).__name__
            letters = "RGBA" if self.transparent else "RGB"
            meaning = f"height, width, {letters}" if len(shape) == 3 else "planes of yuv420p"
            raise EncodingError(
                f"{self.path}: frame {self.frames_written} is {found}; "
                f"expected {self.dtype} {list(shape)} ({meaning})"
            )
        with self._timed():
            self._put(self.framing.apply(frame) if self.framing else frame)
        self.frames_written += 1

    def finish(self) -> None:
        """Wait for the encoder and give the file its name; where that fails, abort with an EncodingError.

        Does nothing after an `abort`.
        """
        if not self._is_open:
            return
        try:
            if not self.frames_written:
                raise EncodingError(f"{self.path}: no frame was written, so there is nothing to encode")
            with self._timed():
                self._end()
            self._complete()
            self._give_name()
        except BaseException:
            self.abort()
            raise
        self._is_open = False

    def abort(self) -> None:
        """Stop the encoder and remove the part file. Does nothing after `finish` or another abort."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._drop()
        finally:
            self._discard()

    @contextmanager
    def from_elsewhere(self, frames: int) -> Iterator[Path]:
        """Give the part file, for somebody else to put `frames` encoded frames into; then publish that."""
        self._claim()
        self._is_open = True
        try:
            self._prepare()
            yield self.part_path
            self.frames_written = frames
            self._complete()
            self._give_name()
        except BaseException:
            self.abort()
            raise
        self._is_open = False
        self._drop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.waited += time.monotonic() - began

    def _claim(self) -> None:
        """Take the place where the part file will be; EncodingError where there is none."""
        claim(self.path)

    def _sign(self, tags: Tags) -> None:
        """Put the tags into the complete part file. Raises OSError."""
        stamp(self.part_path, tags)

    def _prepare(self) -> None:  # noqa: B027
        """What comes before the first frame, whoever encodes; for most, nothing does."""

    def _complete(self) -> None:  # noqa: B027
        """Add to the part file what comes when all frames are in it; for most, nothing does."""

    def _give_name(self) -> None:
        try:
            if self.tags:
                self._sign(self.tags)
            self._publish()
        except OSError as error:
            raise EncodingError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _publish(self) -> None:
        """Give the complete part file its name."""
        if not self.part_path.stat().st_size:
            raise EncodingError(f"{self.path}: the encoder left an empty file")
        settle(self.part_path)  # a power cut must not leave the name on a file that is not there yet
        os.replace(self.part_path, self.path)

    def _discard(self) -> None:
        """Remove the part file."""
        with suppress(OSError):
            self.part_path.unlink()

    @abstractmethod
    def _begin(self) -> None:
        """Start the encoder; the part file exists and is empty."""

    @abstractmethod
    def _put(self, frame: np.ndarray) -> None:
        """Hand one valid frame to the encoder; it must be copied if it is kept."""

    @abstractmethod
    def _end(self) -> None:
        """Complete the part file; raises EncodingError where it is not whole."""

    @abstractmethod
    def _drop(self) -> None:
        """Stop at once, whatever state the encoder is in, and let go of the part file."""


def checked_fps(path: Path, fps: Fraction | int | str) -> Fraction:
    """A frame rate as an exact fraction; EncodingError where it is none, or no file can keep it."""
    try:
        return parse_fps(fps)
    except ValueError as error:
        raise EncodingError(f"{path}: {error}") from None
