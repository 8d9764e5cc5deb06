"""A film before its GIF is drawn: colours are counted, frames come back as they were, none is left over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from render.encoding.film import Film


@pytest.fixture
def film(tmp_path: Path) -> Iterator[Film]:
    film = Film(tmp_path / "a.gif", width=9, height=7, fps=Fraction(25))
    yield film
    film.close()
    assert list(tmp_path.iterdir()) == []


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 7, 9, 3), dtype=np.uint8)


def test_frames_come_back_and_colours_fit_the_palette(film: Film) -> None:
    frames = noise(5)
    for frame in frames:
        film.add(frame)
    palette = film.palette(20)
    np.testing.assert_array_equal(np.stack(list(film.frames())), frames)
    assert len(palette.colours) <= 20
    assert not palette.is_exact
    gaps = np.linalg.norm(frames.reshape(-1, 1, 3) - palette.colours.astype(float), axis=2).min(axis=1)
    assert np.sqrt((gaps**2).mean() / 3) == pytest.approx(palette.error, rel=0.1)


def test_few_colours_are_all_kept(film: Film) -> None:
    frames = noise(1) // 255 * 255
    film.add(frames[0])
    palette = film.palette(8)
    assert palette.is_exact
    assert palette.error == 0
    np.testing.assert_array_equal(palette.colours, np.unique(frames.reshape(-1, 3), axis=0))
