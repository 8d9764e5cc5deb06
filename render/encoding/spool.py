"""Frames kept on the disk without loss, to be read again and again: drawn once, encoded many times."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.encoding.codecs import ffmpeg_path, raw_pixels
from render.encoding.opening import opened
from render.encoding.video import VideoSettings, VideoWriter
from render.errors import EncodingError


class Spool:
    """A film of frames in FFV1: `writer` takes them, `frames` gives them, any number of times.

    transparent  whether they are [H, W, 4] instead of [H, W, 3]
    bits   of the frames: 8 or 16, and every pixel comes back as it was; or 10, for frames uint16 whose finest
           6 bits are cut off, since they would take two thirds of the room
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        fps: Fraction,
        bits: int = 8,
        transparent: bool = False,
    ) -> None:
        self.path, self.bits, self.transparent = Path(path), bits, transparent
        self.writer = VideoWriter(
            self.path,
            width=width,
            height=height,
            fps=fps,
            dtype=_dtype(bits),
            transparent=transparent,
            muxer="matroska",
            codecs=("ffv1",),
            clear_codecs=("ffv1",),
            settings=VideoSettings(codec="ffv1", bits=bits),
        )

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, in order; read-only arrays. Raises EncodingError if some cannot be read again."""
        size = self.writer.width, self.writer.height
        return stored_frames(self.path, size, self.writer.frames_written, self.bits, self.transparent)


def _dtype(bits: int) -> str:
    return "uint8" if bits == 8 else "uint16"


def stored_frames(
    path: Path, size: tuple[int, int], count: int, bits: int = 8, transparent: bool = False
) -> Iterator[np.ndarray]:
    """The `count` frames of a spool's file, of width and height `size`; read-only arrays.

    bits         of the spool: frames are uint8, or for more than 8 uint16
    transparent  as of the spool: frames are [H, W, 4], or else [H, W, 3]

    Raises EncodingError if some cannot be read again.
    """
    shape, kind = (size[1], size[0], 3 + transparent), np.dtype(_dtype(bits))
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", *opened(path)]
    pixels = raw_pixels(8 if bits == 8 else 16, transparent)
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"]
    length, found = shape[0] * shape[1] * shape[2] * kind.itemsize, 0
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal is ours to answer: a segment is finished first
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    try:
        while len(raw := process.stdout.read(length)) == length:
            found += 1
            yield np.frombuffer(raw, kind).reshape(shape)
        if found != count:
            raise EncodingError(f"{path}: {found} of {count} frames can be read again")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
