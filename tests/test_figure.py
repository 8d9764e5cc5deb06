"""Grids: axes as they are written, cells where their labels say, and files that are whole or not there."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from render.errors import EncodingError, PresetError
from render.figure import Axis, Grid, read_axis, save_grid
from render.figure.layout import GAP, GROUND, GridLayout
from render.figure.png import PngWriter
from render.figure.zoom_page import write_page
from render.production import frames
from render.variants import with_values

# --- axes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "values"),
    [
        ("blend.swap=4,8,16", "blend.swap", [4, 8, 16]),
        ("blend.swap = 4 , 32/1", "blend.swap", [4, "32/1"]),
        ("blend.snapshot=0:20:4", "blend.snapshot", [0, 4, 8, 12, 16, 20]),
        ("blend.snapshot=0:5:2,40", "blend.snapshot", [0, 2, 4, 40]),
        ("blend.swap=4:64:x2", "blend.swap", [4, 8, 16, 32, 64]),
        ("truncation=0:0.3:0.1", "truncation", [0, 0.1, 0.2, 0.3]),
        ("blend.weight=-1:1", "blend.weight", [-1, 0, 1]),
        ("blend.high=ukiyoe,toon", "blend.high", ["ukiyoe", "toon"]),
        ("blend.swap=[[0s, 4], [end, 8]],16", "blend.swap", [[["0s", 4], ["end", 8]], 16]),
        ('blend.weight="=sin(t, 1)",1', "blend.weight", ["=sin(t, 1)", 1]),
        ("latents.seed=3,7-9", "latents.seed", [3, 7, 8, 9]),
        ("latents.seeds=2-1", "latents.seed", [2, 1]),
        ("latents.seeds=[1, 2],[3, 4]", "latents.seeds", [[1, 2], [3, 4]]),
        ("time=0s,50%,end", "time", ["0s", "50%", "end"]),
        ("time=0s:1s:0.5s", "time", ["0s", "0.5s", "1s"]),
    ],
)
def test_axes_as_they_are_written(text, place, values):
    axis = read_axis(text)
    assert (axis.place, list(axis.values)) == (place, values)
    assert len(axis.labels) == len(axis)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("blend.swap", "is no axis; write PLACE=VALUES"),
        ("=4", "is no axis"),
        ("blend.swap=", "a value is missing"),
        ("blend.swap=4,,8", "a value is missing"),
        ("blend.swap=8:4", "never gets from 8 to 4"),
        ("blend.swap=0:8:x2", "never gets from 0 to 8"),
        ("blend.swap=4:8:0", "never gets from 4 to 8"),
        ("blend.swap=4:8:1:1", "4:8:1:1 is no range; write FIRST:LAST:STEP"),
        ("blend.swap=0:1:0.0001", "more than 1000 values"),
        ("blend.swap=1s:2s", "a range is of plain numbers"),
        ("time=0s:4b:1s", "a range has one unit in all its parts"),
        ("latents.seed=0-99999", "more than 1000 seeds"),
        ("blend.high={a", "the value '{a' is no YAML"),
    ],
)
def test_a_wrong_axis_is_explained(text, words):
    with pytest.raises(PresetError) as caught:
        read_axis(text)
    assert words in str(caught.value)


@given(first=st.decimals(-9, 9, places=2), step=st.decimals("0.01", 3, places=2), count=st.integers(1, 50))
def test_a_range_is_exact_and_has_its_last_value(first, step, count):
    last = first + step * (count - 1)
    axis = read_axis(f"truncation={first}:{last}:{step}")
    assert list(axis.values) == [float(first + step * number) for number in range(count)]


# --- PNG ----------------------------------------------------------------------------------------------------


@given(
    width=st.integers(1, 40),
    heights=st.lists(st.integers(1, 70), min_size=1, max_size=4),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=40)
def test_a_png_written_in_bands_is_the_picture(tmp_path_factory, width, heights, seed):
    random = np.random.default_rng(seed)
    rows = np.cumsum(random.integers(-3, 4, (sum(heights), width, 3)), axis=seed % 2).astype(np.uint8)
    path = tmp_path_factory.mktemp("png") / "p.png"
    with PngWriter(path, width, len(rows)) as writer:
        for band in np.split(rows, np.cumsum(heights)[:-1]):
            writer.write(band)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), rows)


def test_a_png_is_whole_or_not_there(tmp_path):
    rows = np.zeros((4, 5, 3), np.uint8)
    for write, words in (
        (lambda writer: writer.write(rows), "4 of 8 rows"),
        (lambda writer: [writer.write(rows) for _ in range(3)], "more than 8 rows"),
        (lambda writer: writer.write(rows[:, :3]), r"expected uint8 \[h, 5, 3\]"),
    ):
        with pytest.raises(EncodingError, match=words), PngWriter(tmp_path / "a.png", 5, 8) as writer:
            write(writer)
        assert not list(tmp_path.iterdir())
    with pytest.raises(EncodingError, match=r"a grid is written as \.png"):
        PngWriter(tmp_path / "a.jpg", 5, 8)


# --- grids --------------------------------------------------------------------------------------------------


def cell(sheet, layout, column, row):
    x = layout.left + column * (layout.cell[0] + GAP)
    y = layout.top + row * (layout.cell[1] + GAP)
    return sheet[y : y + layout.cell[1], x : x + layout.cell[0]]


def test_cells_stand_where_their_labels_say(preset, tmp_path):
    x, y = read_axis("blend.swap=4,16"), read_axis("latents.seed=1-3")
    seen = []
    grid = Grid(preset, x, y)
    (path,) = save_grid(
        grid, out=tmp_path / "g.png", device="cpu", progress=lambda *state: seen.append(state)
    )
    sheet, layout = np.asarray(Image.open(path)), GridLayout((16, 16), x, y)
    assert sheet.shape == (*reversed(layout.size), 3)
    assert seen == [(number, 6) for number in range(1, 7)]
    for row, seed in enumerate(y.values):
        for column, swap in enumerate(x.values):
            plain = with_values(preset.replace(panels=["blend"]), {"blend.swap": swap, "latents.seed": seed})
            (expected,) = frames(plain, 0, 1, device="cpu")
            assert np.abs(cell(sheet, layout, column, row).astype(int) - expected).max() <= 1
    assert (sheet[: layout.top, layout.left :] != GROUND).any()  # words above
    assert (sheet[layout.top :, : layout.left] != GROUND).any()  # words at the left


def test_blocks_of_rows_make_no_difference(preset, tmp_path, monkeypatch):
    grid = Grid(preset, read_axis("blend.swap=4,8,16"), read_axis("blend.weight=0:1:0.25"))
    whole = np.asarray(Image.open(save_grid(grid, out=tmp_path / "a.png", device="cpu")[0]))
    monkeypatch.setattr("render.figure.grid.BLOCK_BYTES", 1)
    rows = np.asarray(Image.open(save_grid(grid, out=tmp_path / "b.png", device="cpu")[0]))
    assert np.abs(whole.astype(int) - rows).max() <= 1


def test_the_moment_is_the_one_asked_for(preset, tmp_path):
    still = preset.replace(latents={"seed": 1}, panels=["blend"])
    weight = read_axis("blend.weight=1")
    by_at = save_grid(Grid(still, weight, at="50%"), out=tmp_path / "a.png", device="cpu")[0]
    by_axis = save_grid(Grid(still, read_axis("time=0s,50%")), out=tmp_path / "b.png", device="cpu")[0]
    first, second = (np.asarray(Image.open(path)) for path in (by_at, by_axis))
    layout = GridLayout((16, 16), read_axis("time=0s,50%"))
    assert np.array_equal(cell(first, GridLayout((16, 16), weight), 0, 0), cell(second, layout, 1, 0))
    assert not np.array_equal(cell(second, layout, 0, 0), cell(second, layout, 1, 0))


def test_a_film_has_a_frame_for_each_value_of_z(preset, tmp_path):
    grid = Grid(
        preset, read_axis("blend.swap=4,16"), read_axis("latents.seed=1-2"), read_axis("blend.weight=0:1:0.5")
    )
    (path,) = save_grid(grid, film=tmp_path / "g.gif", fps=5, device="cpu")
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.size == GridLayout((16, 16), grid.x, grid.y, note=True).size
        assert film.info["duration"] == 200
        frames = [np.asarray((film.seek(number), film.convert("RGB"))[1]) for number in range(3)]
    assert not np.array_equal(frames[0], frames[1])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: Grid(p, read_axis("truncation=1"), read_axis("truncation=0")), "two axes are truncation"),
        (lambda p: Grid(p, read_axis("time=0s"), at="1s"), "leave 1s out"),
        (lambda p: save_grid(Grid(p, read_axis("truncation=1")), film="a.gif"), "belong together"),
        (
            lambda p: save_grid(Grid(p, Axis.of("blend.swap", [4, "x"])), out="a.png"),
            "--x blend.swap=x: ",
        ),
        (
            lambda p: save_grid(Grid(p, read_axis("time=9s")), out="a.png"),
            "time=9s: 9s lies outside the clip",
        ),
        (
            lambda p: save_grid(
                Grid(p, *map(read_axis, ("truncation=1", "blend.high=portrait,me"))), out="a.png"
            ),
            "--x truncation=1, --y blend.high=",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anything_is(preset, tmp_path, monkeypatch, make, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PresetError) as caught:
        make(preset)
    assert words in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name != "samples"]


# --- pages --------------------------------------------------------------------------------------------------


def test_a_page_to_zoom_in_is_complete_and_needs_no_network(preset, tmp_path):
    x, y = read_axis("blend.swap=4,16"), read_axis("blend.weight=0,1")
    made = save_grid(Grid(preset, x, y), out=tmp_path / "g.png", zoom=tmp_path / "zoom", device="cpu")
    assert made == [tmp_path / "g.png", tmp_path / "zoom" / "index.html"]
    page = made[1].read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["openseadragon.min.js"]
    assert (tmp_path / "zoom" / "openseadragon.min.js").stat().st_size > 100_000
    assert "BSD" not in page  # its licence is a file of its own
    assert "Redistributions" in (tmp_path / "zoom" / "OPENSEADRAGON-LICENSE.txt").read_text()
    data = json.loads(re.search(r"const grid = (.*);", page)[1])
    assert data["x"] == {"place": "blend.swap", "labels": ["4", "16"]}
    width, height = GridLayout((16, 16), x, y).inner
    assert data["image"]["Image"]["Size"] == {"Width": str(width), "Height": str(height)}
    levels = tmp_path / "zoom" / data["image"]["Image"]["Url"]
    sheet = np.asarray(Image.open(made[0])).astype(int)
    largest = max(levels.iterdir(), key=lambda each: int(each.name))
    tile = np.asarray(Image.open(largest / "0_0.jpg")).astype(int)
    layout = GridLayout((16, 16), x, y)
    inner = sheet[layout.top :, layout.left :][:height, :width]
    assert tile.shape == inner.shape
    assert np.abs(tile - inner).mean() < 6


def test_words_of_an_axis_cannot_break_the_page(tmp_path):
    axis = Axis.of("blend.</script><b>", ["</script>", "{{grid}}", "ä·\u2028"])
    page = write_page(tmp_path, GridLayout((16, 16), axis)).read_text(encoding="utf-8")
    assert page.count("</script>") == 2
    assert json.loads(re.search(r"const grid = (.*);", page)[1])["x"]["labels"] == list(axis.labels)
    assert "<title>blend.&lt;/script&gt;&lt;b&gt;</title>" in page
