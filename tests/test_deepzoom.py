"""Pyramids: every tile there with its size, the same picture on every scale, however the rows arrive."""

from __future__ import annotations

import math
import tracemalloc
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from render import deepzoom
from render.deepzoom import OVERLAP, Pyramid, VipsPyramid, halved, level_count, pyramid_in, zoom_folder
from render.errors import EncodingError


def picture(width, height, seed=0):
    """A smooth picture, to which JPEG does little harm."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (9 + c) + seed) * np.cos(y / (13 - c)) for c in range(3)]
    return (127.5 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def build(folder, rows, heights=(), kind=Pyramid):
    pyramid = kind(folder, rows.shape[1], rows.shape[0])
    for band in np.split(rows, [cut for cut in np.cumsum(heights) if cut < len(rows)]):
        pyramid.write(band)
    pyramid.finish()
    return pyramid


def level_from(folder, number, width, height, tile):
    """A level put together from its tiles, each of the size that the format says."""
    whole = np.zeros((height, width, 3), np.uint8)
    for row in range(math.ceil(height / tile)):
        for column in range(math.ceil(width / tile)):
            left, top = max(0, column * tile - OVERLAP), max(0, row * tile - OVERLAP)
            right = min(width, (column + 1) * tile + OVERLAP)
            bottom = min(height, (row + 1) * tile + OVERLAP)
            found = np.asarray(Image.open(folder / "grid_files" / str(number) / f"{column}_{row}.png"))
            assert found.shape == (bottom - top, right - left, 3)
            whole[top:bottom, left:right] = found
    return whole


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    heights=st.lists(st.integers(1, 30), max_size=5),
    tile=st.sampled_from([14, 30, 62]),
)
@settings(deadline=None, max_examples=25)
def test_every_level_is_the_picture_at_half_the_size(tmp_path_factory, width, height, heights, tile):
    folder = tmp_path_factory.mktemp("zoom")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deepzoom, "TILE", tile)
        patch.setattr(deepzoom, "FORMAT", "png")  # exact
        build(folder, picture(width, height), heights)
    expected = picture(width, height)
    for number in reversed(range(level_count(width, height))):
        h, w = expected.shape[:2]
        shown = level_from(folder, number, w, h, tile)
        files = list((folder / "grid_files" / str(number)).iterdir())
        assert len(files) == math.ceil(w / tile) * math.ceil(h / tile)
        assert np.array_equal(shown, expected)
        expected = halved(expected)
    assert (w, h) == (1, 1)
    root = ElementTree.parse(folder / "grid.dzi").getroot()
    assert root.attrib["TileSize"] == str(tile)
    assert {name: int(side) for name, side in root[0].attrib.items()} == {"Width": width, "Height": height}


def test_half_a_picture_is_the_mean_of_four():
    rows = np.array([[[0], [10], [30]], [[20], [11], [31]], [[7], [8], [9]]], np.uint8).repeat(3, axis=2)
    assert halved(rows)[..., 0].tolist() == [[10, 31], [8, 9]]


def test_memory_does_not_grow_with_the_height(tmp_path):
    pyramid = Pyramid(tmp_path, 300, 40_000)
    band = picture(300, 500)
    tracemalloc.start()
    for _ in range(80):
        pyramid.write(band)
    pyramid.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * 40_000 * 3 / 5


def test_libvips_makes_the_same_files(tmp_path):
    pytest.importorskip("pyvips")
    rows = picture(1300, 700)
    (tmp_path / "ours").mkdir()
    (tmp_path / "vips").mkdir()
    build(tmp_path / "ours", rows, [100, 333])
    build(tmp_path / "vips", rows, [100, 333], VipsPyramid)
    names = [
        sorted(str(path.relative_to(tmp_path / kind)) for path in (tmp_path / kind).rglob("*"))
        for kind in ("ours", "vips")
    ]
    assert names[0] == names[1]
    for name in (name for name in names[0] if name.endswith(".jpg")):
        ours, theirs = (
            np.asarray(Image.open(tmp_path / kind / name)).astype(int) for kind in ("ours", "vips")
        )
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 3


def test_pillow_makes_the_tiles_where_libvips_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(deepzoom.importlib.util, "find_spec", lambda name: None)
    assert type(pyramid_in(tmp_path, 3, 3)) is Pyramid


def test_a_folder_is_replaced_at_the_very_end_or_not_at_all(tmp_path):
    folder = tmp_path / "zoom"
    with zoom_folder(folder) as part:
        (part / "grid.dzi").write_text("first")
        (part / "index.html").write_text("first")

    def interrupted():
        with zoom_folder(folder) as part:
            (part / "grid.dzi").write_text("second")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (folder / "grid.dzi").read_text() == "first"
    with zoom_folder(folder) as part:
        (part / "grid.dzi").write_text("third")
    assert [path.name for path in folder.iterdir()] == ["grid.dzi"]
    assert [path.name for path in tmp_path.iterdir()] == ["zoom"]


def test_what_somebody_else_keeps_there_is_left_alone(tmp_path):
    (tmp_path / "zoom").mkdir()
    (tmp_path / "zoom" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    for name, words in (("zoom", r"other things in this folder, such as thesis\.tex"), ("file", "is a file")):
        with pytest.raises(EncodingError, match=words), zoom_folder(tmp_path / name):
            pass
    with pytest.raises(EncodingError, match="cannot be written"), zoom_folder(tmp_path / "file" / "zoom"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "zoom"]
    assert (tmp_path / "zoom" / "thesis.tex").exists()
