"""GIFs with holes: whatever opens, closes, moves or stands still, players show what was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sprites import sprite

from render.encoding import open_writer
from render.encoding.codecs import ffmpeg_path
from render.encoding.cutout import Cutout
from render.pixels import whole_levels

WAYS = [{}, {"palette": "global"}, {"dither": 0}, {"dither": "floyd-steinberg"}, {"colors": 4}]


def shown(path: Path) -> dict[str, np.ndarray]:
    """All frames, uint8 [N, H, W, 4], as Pillow and as ffmpeg show them."""
    import subprocess

    frames = []
    with Image.open(path) as picture:
        size = picture.size
        for index in range(picture.n_frames):
            picture.seek(index)
            frames.append(np.asarray(picture.convert("RGBA")))
    command = [ffmpeg_path(), "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgba", "-"], check=True, capture_output=True).stdout
    return {"Pillow": np.stack(frames), "ffmpeg": np.frombuffer(raw, np.uint8).reshape(-1, *size[::-1], 4)}


def write(path: Path, frames: list[np.ndarray], **options: object) -> Path:
    height, width, _ = frames[0].shape
    with open_writer(path, width=width, height=height, fps=25, transparent=True, **options) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_sprite_that_moves_vanishes_and_comes_back(tmp_path: Path, way: dict[str, object]) -> None:
    frames = [whole_levels(sprite(index), 8) for index in (0, 1, 2, 2, 2, 6)]
    frames.insert(3, np.zeros_like(frames[0]))
    speck = np.zeros_like(frames[0])
    speck[4:8, 4:8] = (1, 2, 3, 255)
    frames.insert(5, speck)
    asked = np.stack(frames)
    opaque = asked[..., 3] >= 128
    for found in shown(write(tmp_path / "a.gif", frames, **way)).values():
        assert len(found) == len(frames)
        np.testing.assert_array_equal(found[..., 3], np.where(opaque, 255, 0))
        off = np.abs(found.astype(int) - asked)[opaque][:, :3]
        assert off.mean() < (12 if "colors" in way else 2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 3), min_size=16, max_size=16), min_size=1, max_size=6), st.booleans())
def test_any_film_of_few_pixels(tmp_path: Path, film: list[list[int]], whole: bool) -> None:
    """Four states a pixel: nothing, and three colours; every one as asked for in every frame."""
    colours = np.array([(0, 0, 0, 0), (250, 10, 10, 255), (10, 250, 10, 255), (10, 10, 250, 200)], np.uint8)
    frames = [colours[np.array(frame).reshape(4, 4)] for frame in film]
    asked = np.stack(frames)
    asked[..., 3] = np.where(asked[..., 3] >= 128, 255, 0)
    way = {"palette": "global"} if whole else {}
    [found, _] = shown(write(tmp_path / "a.gif", frames, **way)).values()
    # Pillow and ffmpeg leave out frames that change nothing, or show them; what differs counts.
    assert len(found) == len(asked)
    seen = asked[..., 3:] > 0
    np.testing.assert_array_equal(found[..., 3:], asked[..., 3:])
    np.testing.assert_array_equal(np.where(seen, found, 0), np.where(seen, asked, 0))


@pytest.mark.parametrize("palette", ["frame", "global"])
def test_a_film_that_shows_nothing(tmp_path: Path, palette: str) -> None:
    frames = [np.zeros((6, 8, 4), np.uint8)] * 3
    for found in shown(write(tmp_path / "a.gif", frames, palette=palette)).values():
        assert not found[..., 3].any()


def test_what_stands_still_is_drawn_once() -> None:
    planes, opaque = np.full((3, 8, 8), 9, np.uint8), np.ones((8, 8), bool)
    opaque[:4] = False
    cutout = Cutout()
    first, second = (cutout.cut(planes, opaque, opaque, 0) for _ in range(2))
    assert first.box == (0, 0, 8, 8)
    assert not first.wiped
    assert not second.drawn.any()
    less = opaque.copy()
    less[7] = False
    third = cutout.cut(planes, opaque, less, 0)
    assert third.wiped
    assert third.box == (0, 7, 8, 8)
    fourth = cutout.cut(planes, less, None, 0)
    assert not fourth.drawn.any()  # only the row that was wiped is gone
