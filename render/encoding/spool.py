"""Frames kept on the disk without loss, to be read again and again: drawn once, encoded many times."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.encoding.codecs import ffmpeg_path
from render.encoding.containers import open_writer
from render.encoding.opening import opened
from render.errors import EncodingError


class Spool:
    """A film of uint8 frames [H, W, 3] in FFV1, which gives back every pixel.

    `writer` takes the frames; once it has finished, `frames` gives them, any number of times.
    """

    def __init__(self, path: str | os.PathLike[str], *, width: int, height: int, fps: Fraction) -> None:
        self.path = Path(path)
        self.writer = open_writer(self.path, width=width, height=height, fps=fps, codec="ffv1")

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, in order; read-only arrays. Raises EncodingError if some cannot be read again."""
        size = self.writer.width, self.writer.height
        return stored_frames(self.path, size, self.writer.frames_written)


def stored_frames(path: Path, size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """The `count` frames uint8 [H, W, 3] of a spool's file, of width and height `size`; read-only arrays.

    Raises EncodingError if some cannot be read again.
    """
    shape = (size[1], size[0], 3)
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", *opened(path)]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    length, found = shape[0] * shape[1] * shape[2], 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        while len(pixels := process.stdout.read(length)) == length:
            found += 1
            yield np.frombuffer(pixels, np.uint8).reshape(shape)
        if found != count:
            raise EncodingError(f"{path}: {found} of {count} frames can be read again")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
