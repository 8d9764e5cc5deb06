"""Frames of a film, read one after the other: whatever ffmpeg reads, upright, scaled as they are decoded."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from render.encoding.codecs import ffmpeg_path
from render.errors import EncodingError

FILM_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif")


def decoded(path: str | os.PathLike[str], longest_side: int) -> Iterator[np.ndarray]:
    """The frames of a film, uint8 RGB [H, W, 3], upright; larger ones scaled to that longest side.

    Raises EncodingError: it is no film that ffmpeg can read, or it ends in the middle of a frame.
    """
    path = Path(path)
    fit = f"scale='min(iw,{longest_side})':'min(ih,{longest_side})':force_original_aspect_ratio=decrease"
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-i", f"file:{path}"]
    command += ["-map", "0:v:0", "-vf", f"{fit}:flags=lanczos", "-fps_mode", "passthrough"]
    command += ["-f", "image2pipe", "-c:v", "ppm", "pipe:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    count = 0
    try:
        while (frame := _next(process.stdout, path)) is not None:
            count += 1
            yield frame
        if not count:
            raise EncodingError(f"{path}: is no film that ffmpeg can read")
    finally:
        process.kill()
        with suppress(OSError):
            process.stdout.close()
        process.wait()


def _next(stream: BinaryIO, path: Path) -> np.ndarray | None:
    """The next picture of a stream in the format PPM, which says the size before the pixels."""
    words = b"".join(stream.readline() for _ in range(3)).split()
    if not words:
        return None
    width, height = int(words[1]), int(words[2])
    pixels = stream.read(width * height * 3)
    if len(pixels) != width * height * 3:
        raise EncodingError(f"{path}: ends in the middle of a frame")
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
