"""A few frames of a finished film, of any kind that can be written, evenly over its length."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from render.encoding.codecs import ffmpeg_path, raw_pixels
from render.encoding.containers import KNOWN_EXTENSIONS
from render.encoding.inspection import FileFacts, clear_stream, facts_of, film_stream
from render.encoding.opening import opened
from render.errors import EncodingError
from render.pixels import has_alpha, laid_over
from render.reach import within_reach

CHECKS, CHECK_LEVELS = 24, (96, 128)  # squares along a frame's shorter side, and how bright they are


@dataclass(frozen=True)
class View:
    """Some frames of a film.

    frames       uint8 [H, W, 3] each; what is transparent lies on a checkerboard
    indices      which of the film's frames they are
    frame_count  of the whole film
    fps          its rate; None where it has none, as numbered pictures
    """

    frames: tuple[np.ndarray, ...]
    indices: tuple[int, ...]
    frame_count: int
    fps: Fraction | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the film."""
        height, width, _ = self.frames[0].shape
        return width, height


def is_film(path: str | os.PathLike[str]) -> bool:
    """Whether this is a finished film by its extension, or a folder of numbered pictures."""
    path = Path(path)
    if path.is_dir():
        return next(path.glob("*.png"), None) is not None
    return path.suffix.lower() in (*KNOWN_EXTENSIONS, ".png") and path.is_file()


def view(path: str | os.PathLike[str], count: int) -> View:
    """At most `count` frames of a film, from its first to its last; of a folder, of its numbered pictures.

    Raises EncodingError where it is no film.
    """
    path = within_reach(Path(path), EncodingError)
    try:
        if path.is_dir():
            return _view_pictures(path, count)
        return _view_webp(path, count) if path.suffix.lower() == ".webp" else _view_film(path, count)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged, or no film"
        raise EncodingError(f"{path}: cannot be read: {reason}") from None


def spread(frame_count: int, count: int) -> tuple[int, ...]:
    """`count` frames, or all where there are fewer, from the first to the last."""
    count = min(count, frame_count)
    return tuple(round(Fraction(at * (frame_count - 1), max(1, count - 1))) for at in range(count))


def _view_film(path: Path, count: int) -> View:
    facts = facts_of(path)
    indices = spread(facts.frames, count)
    return View(_decoded(path, indices, facts), indices, facts.frames, facts.fps)


def _decoded(path: Path, indices: Sequence[int], facts: FileFacts) -> tuple[np.ndarray, ...]:
    select = f"select='{'+'.join(f'eq(n,{index})' for index in indices)}'"
    # ffmpeg's own decoder of VP9 leaves alpha out.
    decoder = ["-c:v", "libvpx-vp9"] if facts.alpha and facts.codec == "vp9" else []
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", *decoder, *opened(path)]
    stream, clear = film_stream(path), clear_stream(path)
    if clear:
        merged = f"[{stream}]{select},format=rgba[c];[{clear}]{select},format=gray[a];[c][a]alphamerge"
        command += ["-filter_complex", merged]
    else:
        command += ["-map", stream, "-vf", select]
    pixels = raw_pixels(8, facts.alpha)
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"]
    levels = subprocess.run(command, capture_output=True).stdout
    shape = (len(indices), facts.height, facts.width, 3 + facts.alpha)
    if len(levels) != math.prod(shape):
        raise EncodingError(f"{path}: some of its frames cannot be read")
    return tuple(map(_on_checks, np.frombuffer(levels, np.uint8).reshape(shape)))


def _on_checks(frame: np.ndarray) -> np.ndarray:
    """A frame uint8 RGB, or RGBA on a checkerboard: RGB."""
    if not has_alpha(frame) or frame[..., 3].min() == 255:
        return frame[..., :3]
    height, width, _ = frame.shape
    side = max(4, min(height, width) // CHECKS)
    rows, columns = np.arange(height) // side % 2, np.arange(width) // side % 2
    is_light = rows[:, None] == columns
    dark, light = (laid_over(frame, (level, level, level)) for level in CHECK_LEVELS)
    return np.where(is_light[..., None], light, dark)


def _view_webp(path: Path, count: int) -> View:
    """By Pillow: not every ffmpeg reads animations of this kind."""
    frames, lengths = {}, []
    with Image.open(path) as picture:
        total = getattr(picture, "n_frames", 1)
        indices = spread(total, count)
        for index in range(total):
            picture.seek(index)
            picture.load()
            lengths.append(picture.info.get("duration", 0))
            if index in indices:
                frames[index] = _shown(picture)
    whole = sum(lengths)
    fps = Fraction(1000 * total, whole).limit_denominator(1001) if whole else None
    return View(tuple(frames[index] for index in indices), indices, total, fps)


def _shown(picture: Image.Image) -> np.ndarray:
    clear = picture.has_transparency_data
    return _on_checks(np.asarray(picture.convert("RGBA" if clear else "RGB")))


def _view_pictures(folder: Path, count: int) -> View:
    files = sorted(folder.glob("*.png"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise EncodingError(f"{folder}: there are no numbered pictures in this folder")
    indices, frames = spread(len(files), count), []
    for index in indices:
        with Image.open(within_reach(files[index], EncodingError)) as picture:
            frames.append(_shown(picture))
    if len({frame.shape for frame in frames}) > 1:
        raise EncodingError(f"{folder}: its pictures have different sizes; they are no film")
    return View(tuple(frames), indices, len(files), None)
