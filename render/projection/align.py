"""Crops a face as the pictures of FFHQ and CelebA-HQ were, by its eyes and the corners of its mouth.

Source: Karras et al. 2018, "Progressive Growing of GANs", appendix C; FFHQ has the same crop. With the eyes
e0 and e1 and the corners of the mouth m0 and m1:

    x' = e1 - e0,  y' = (e0 + e1)/2 - (m0 + m1)/2,  centre = (e0 + e1)/2 - 0.1 y'
    side = max(4.0 |x'|, 3.6 |y'|),  x = normalize(x' - rotate90(y')),  y = rotate90(x)

Points are complex numbers here, column + row·i, so that to rotate is to multiply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from render.errors import PhotoError

EYES_TO_SIDE, MOUTH_TO_SIDE, DOWN = 4.0, 3.6, 0.1
FIVE = "left eye, right eye, nose, left and right corner of the mouth, as seen in the picture"
SIXTY_EIGHT = 68  # points of iBUG's scheme, which dlib has: eyes 36–41 and 42–47, mouth's corners 48 and 54
SOFT = 0.08  # of the side: how far what was mirrored in at an edge blurs
MOST_BYTES = 2**20
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Landmarks:
    """What a crop goes by, each column + row·i in pixels; left and right as seen in the picture."""

    left_eye: complex
    right_eye: complex
    left_mouth: complex
    right_mouth: complex

    @classmethod
    def of(cls, points: Sequence[Sequence[float]], name: str = "points") -> Landmarks:
        """From 5 points (FIVE) or 68 of iBUG's scheme, each (column, row). Raises PhotoError."""
        found = [complex(column, row) for column, row in points]
        if len(found) == 5:
            marks = cls(found[0], found[1], found[3], found[4])
        elif len(found) == SIXTY_EIGHT:
            marks = cls(sum(found[36:42]) / 6, sum(found[42:48]) / 6, found[48], found[54])
        else:
            count = "1 point" if len(found) == 1 else f"{len(found)} points"
            raise PhotoError(f"{name}: {count} given; wanted are 5 ({FIVE}) or {SIXTY_EIGHT}")
        if abs(marks.right_eye - marks.left_eye) < 1 or marks.side < 4:
            raise PhotoError(f"{name}: the points of the eyes are one; wanted are {FIVE}")
        return marks

    @property
    def eye_to_eye(self) -> complex:
        """x' of the paper."""
        return self.right_eye - self.left_eye

    @property
    def mouth_to_eyes(self) -> complex:
        """y' of the paper."""
        return (self.left_eye + self.right_eye) / 2 - (self.left_mouth + self.right_mouth) / 2

    @property
    def side(self) -> float:
        """Of the crop, in pixels of the picture."""
        return max(EYES_TO_SIDE * abs(self.eye_to_eye), MOUTH_TO_SIDE * abs(self.mouth_to_eyes))

    @property
    def centre(self) -> complex:
        """Of the crop."""
        return (self.left_eye + self.right_eye) / 2 - DOWN * self.mouth_to_eyes

    @property
    def right(self) -> complex:
        """Unit vector along the crop's upper edge; its left edge runs down along `right · i`."""
        x = self.eye_to_eye - _rotate90(self.mouth_to_eyes)
        return x / abs(x) if x else 1

    @property
    def corners(self) -> tuple[complex, complex, complex, complex]:
        """Of the crop: upper left, lower left, lower right, upper right."""
        x = self.right * self.side / 2
        y = _rotate90(x)
        return self.centre - x + y, self.centre - x - y, self.centre + x - y, self.centre + x + y

    def scaled(self, factor: float) -> Landmarks:
        """In a picture that is `factor` times as large."""
        return Landmarks(*(factor * point for point in vars(self).values()))


def _rotate90(z: complex) -> complex:
    """A quarter turn against the clock; rows count down."""
    return -1j * z


def aligned(picture: Image.Image, marks: Landmarks, side: int) -> Image.Image:
    """The crop of an RGB picture, `side` pixels wide; what lies outside is mirrored in, softly blurred."""
    factor = min(1.0, 2 * side / marks.side)
    if factor < 1:  # filtered first: a crop by itself takes single pixels
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        marks = marks.scaled(factor)
    corners = marks.corners
    left, top = (int(np.floor(min(part))) - 2 for part in _parts(corners))
    right, bottom = (int(np.ceil(max(part))) + 2 for part in _parts(corners))
    part, shift = _surroundings(np.asarray(picture), left, top, right, bottom, marks.side)
    quad = [value for corner in corners for value in (corner.real - shift[0], corner.imag - shift[1])]
    twice = Image.fromarray(part).transform(
        (2 * side, 2 * side), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR
    )
    return twice.resize((side, side), Image.Resampling.LANCZOS)


def _parts(points: Sequence[complex]) -> tuple[list[float], list[float]]:
    return [point.real for point in points], [point.imag for point in points]


def _surroundings(
    pixels: np.ndarray, left: int, top: int, right: int, bottom: int, side: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """The box of a picture [H, W, 3], mirrored at the picture's edges, and where it begins (column, row)."""
    height, width = pixels.shape[:2]
    wide = (max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)), (0, 0)
    inside = pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if not any(map(sum, wide)):
        return inside, (left, top)
    if min(inside.shape[:2]) < 2:
        raise PhotoError("the face lies outside the picture")
    box = np.pad(inside, wide, mode="reflect").astype(np.float32)
    away = _outside(box.shape[:2], wide) / (SOFT * side)
    soft = gaussian_filter(box, sigma=(0.5 * SOFT * side, 0.5 * SOFT * side, 0))
    share = np.clip(away, 0, 1)[..., None]
    return (box + (soft - box) * share).round().clip(0, 255).astype(np.uint8), (left, top)


def _outside(shape: tuple[int, int], wide: Sequence[tuple[int, int]]) -> np.ndarray:
    """How many pixels each lies outside the picture, [H, W]; 0 inside."""
    rows, columns = (
        np.maximum(before - np.arange(length), np.arange(length) - (length - 1 - after)).clip(0)
        for length, (before, after) in zip(shape, wide, strict=False)
    )
    return np.maximum(rows[:, None], columns[None]).astype(np.float32)


def read_points(text: str) -> Landmarks:
    """Landmarks written as numbers: `120,90 180,92 150,130 125,160 175,161`. Raises PhotoError."""
    return _from_numbers(text, "--points")


def read_landmarks(path: str | Path) -> Landmarks:
    """Landmarks from a text file of any shape (.json, .txt, .csv, .pts) with 5 or 68 points in it.

    All its numbers count, columns and rows in turn; lines of words and comments do not.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PhotoError(f"{path}: is too large for a file of landmarks")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise PhotoError(f"{path}: can't be read: {reason}") from None
    lines = [line.split("#")[0] for line in text.splitlines()]
    return _from_numbers(" ".join(line for line in lines if not re.search(r"[A-Za-z_]{2}", line)), str(path))


def _from_numbers(text: str, name: str) -> Landmarks:
    numbers = [float(number) for number in _NUMBER.findall(text)]
    if len(numbers) % 2:
        raise PhotoError(f"{name}: has {len(numbers)} numbers, which is half a point too many")
    return Landmarks.of(list(zip(numbers[::2], numbers[1::2], strict=True)), name)
