"""Films and folders of frames as what a network draws: every frame, upright, with its face in one place."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from render.encoding import facts_of
from render.encoding.decode import FILM_SUFFIXES, decoded
from render.errors import BlendreelWarning, EncodingError, PhotoError
from render.networks import Generator
from render.projection.align import Landmarks, aligned
from render.projection.faces import MissingExtraError
from render.projection.photographs import SUFFIXES, MarksOf, fitted, read_photograph, to_tensor

READ_SIDE = 1280  # pixels: frames are decoded no larger
MOST_FRAMES = 10_000  # what a walk may have
MOST_NUMBERS = 2**29  # of all frames: 2 GiB
FOLDER_FPS = Fraction(25)
STEADY = 2.0  # frames: σ of the window that landmarks are steadied under


@dataclass(frozen=True)
class Film:
    """frames float32 [T, C, H, W] in [-1, 1] at the network's size, and frames a second."""

    frames: Tensor
    fps: Fraction


def is_film(path: str | Path) -> bool:
    """Whether it is a folder, or called like a film; a GIF that does not move is a photograph."""
    path = Path(path)
    if path.is_dir() or path.suffix.lower() != ".gif":
        return path.is_dir() or path.suffix.lower() in FILM_SUFFIXES
    try:
        with Image.open(path) as picture:
            return getattr(picture, "is_animated", True)
    except (OSError, ValueError):
        return False


def open_film(
    path: str | Path,
    generator: Generator,
    fps: Fraction | None = None,
    marks_of: MarksOf | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Film:
    """A film, or a folder of pictures in the order of their names, at the size of the generator's pictures.

    fps       frames a second of a folder; 25 by default. A film has its own
    marks_of  finds the face in a frame, see `open_photographs`. Frames in which it finds none take their
              neighbours' place, and all places are steadied, so that the crop does not tremble

    Raises PhotoError: there are no frames, too many, or no face in any.
    """
    path = Path(path)
    if not path.exists():
        raise PhotoError(f"{path}: there is no such file")
    if not path.is_dir():
        if fps is not None:
            raise PhotoError(f"{path}: has a frame rate of its own; --fps is for folders of pictures")
        frames, count, fps = _of_film(path)
    else:
        files = pictures_in(path)
        frames, count, fps = map(read_photograph, files), len(files), fps or FOLDER_FPS
    width, height = generator.picture_size
    if count > min(MOST_FRAMES, MOST_NUMBERS // (3 * width * height)):
        most = min(MOST_FRAMES, MOST_NUMBERS // (3 * width * height))
        raise PhotoError(f"{path}: has {count:,} frames, and at most {most:,} of this size are taken; cut it")
    with _told_once(str(path), count):
        faces = list(_faces(frames, count, str(path), generator.picture_size, marks_of, progress))
    return Film(to_tensor(faces, generator.config.img_channels), fps)


def _of_film(path: Path) -> tuple[Iterator[Image.Image], int, Fraction]:
    try:
        facts = facts_of(path)
    except EncodingError as error:
        raise PhotoError(str(error)) from None
    return map(Image.fromarray, decoded(path, READ_SIDE)), facts.frames, facts.fps


@contextmanager
def _told_once(name: str, count: int) -> Iterator[None]:
    """What is warned of in many of a film's frames is told once, with how many they are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BlendreelWarning)
        yield
    frame = re.compile(rf"{re.escape(name)}, frame \d+: ")
    told = Counter((frame.sub("", str(each.message)), each.category) for each in caught)
    for (text, category), number in told.items():
        warnings.warn(f"{name}: {text} (in {number:,} of {count:,} frames)", category, stacklevel=4)


def pictures_in(path: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, 2 before 10. Raises PhotoError: there is none."""
    files = [each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file()]
    files.sort(
        key=lambda each: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", each.name)]
    )
    if not files:
        raise PhotoError(f"{path}: has no pictures in it ({', '.join(SUFFIXES)})")
    return files


def _faces(
    frames: Iterator[Image.Image],
    count: int,
    name: str,
    size: tuple[int, int],
    marks_of: MarksOf | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Image.Image]:
    """Every frame at the network's size."""
    if marks_of is None:
        for index, frame in enumerate(frames):
            yield fitted(frame, size, f"{name}, frame {index}")
            if progress:
                progress(index + 1, count)
        return
    kept, found = [], []
    for index, frame in enumerate(frames):
        try:
            found.append(marks_of(index, frame, f"{name}, frame {index}"))
        except MissingExtraError:
            raise
        except PhotoError:
            found.append(None)
        kept.append(frame)
        if progress:
            progress(index + 1, count)
    for frame, marks in zip(kept, steadied(found, name), strict=True):
        yield fitted(aligned(frame, marks, max(size)), size, name)


def steadied(found: Sequence[Landmarks | None], name: str) -> list[Landmarks]:
    """Landmarks of every frame: missing ones between their neighbours, and all under a window of time."""
    known = [index for index, marks in enumerate(found) if marks is not None]
    if not known:
        raise PhotoError(f"{name}: there is no face in any of its {len(found)} frames that could be found")
    points = np.array([list(vars(found[index]).values()) for index in known])  # complex [K, 4]
    times = np.arange(len(found))
    filled = [
        np.interp(times, known, column.real) + 1j * np.interp(times, known, column.imag)
        for column in points.T
    ]
    steady = [gaussian_filter1d(column, STEADY, mode="nearest") for column in filled]
    return [Landmarks(*(complex(column[index]) for column in steady)) for index in times]
