"""A contact sheet of a finished film: the right frames with the right times, of every kind of file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sprites import INSIDE, sprite

from render.cli import main
from render.encoding import is_film, open_writer, view
from render.encoding.viewing import spread
from render.errors import EncodingError, PresetError
from render.pixels import whole_levels
from render.sheets import draw_film_sheet
from render.sheets.film import _columns

KINDS = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.apng", "a.avif", "f/%d.png"]
COLORS = np.array([(30 * index + 5, 200 - 15 * index, 90) for index in range(8)], np.uint8)


def film(path: Path, count: int = 8, fps: int = 10) -> Path:
    with open_writer(path, width=64, height=48, fps=fps) as writer:
        for color in COLORS[:count]:
            writer.write(np.broadcast_to(color, (48, 64, 3)).copy())
    return path.parent if "%" in path.name else path


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_those_of_the_film(tmp_path, name):
    found = view(film(tmp_path / name), 4)
    assert found.indices == (0, 2, 5, 7)
    assert (found.frame_count, found.size) == (8, (64, 48))
    assert found.fps == (None if "%" in name else 10)
    middles = np.array([frame[24, 32] for frame in found.frames]).astype(int)
    assert np.abs(middles - COLORS[[0, 2, 5, 7]]).max() <= 6


@pytest.mark.parametrize(
    "name", ["a.webm", "a.mov", "a.mkv", "a.gif", "a.webp", "a.apng", "a.avif", "f/%d.png"]
)
def test_what_is_transparent_lies_on_a_checkerboard(tmp_path, name):
    with open_writer(tmp_path / name, width=96, height=64, fps=10, transparent=True) as writer:
        for index in range(4):
            writer.write(whole_levels(sprite(4 * index), 8))
    path = tmp_path / name
    found = view(path.parent if "%" in name else path, 2)
    assert found.frame_count == 4
    first, last = (frame.astype(int) for frame in found.frames)
    assert np.abs(first[32, 24] - INSIDE).max() < 8
    assert np.abs(last[32, 24 + 24] - INSIDE).max() < 8
    corner = first[:16, :8].reshape(-1, 3)
    assert {tuple(color) for color in corner // 4 * 4} == {(96,) * 3, (128,) * 3}


def test_frames_go_from_the_first_to_the_last():
    assert spread(100, 3) == (0, 50, 99) or spread(100, 3) == (0, 49, 99)
    assert spread(5, 8) == (0, 1, 2, 3, 4)
    assert spread(9, 1) == (0,)
    assert spread(1, 4) == (0,)


@pytest.mark.parametrize("columns", [None, 1, 3, 8])
def test_every_frame_is_on_the_sheet(tmp_path, columns):
    sheet = np.asarray(draw_film_sheet(film(tmp_path / "a.apng"), 8, columns))
    for color in COLORS:
        ys, xs = np.nonzero((sheet == color).all(axis=2))
        assert len(ys) == 64 * 48
        assert (np.ptp(ys) + 1, np.ptp(xs) + 1) == (48, 64)
    assert sheet.shape[1] <= 2400


def test_a_large_film_is_made_smaller(tmp_path):
    with open_writer(tmp_path / "a.apng", width=1600, height=400, fps=10) as writer:
        for level in (40, 80, 120):
            writer.write(np.full((400, 1600, 3), level, np.uint8))
    sheet = draw_film_sheet(tmp_path / "a.apng", 3, 3)
    assert sheet.width <= 2400
    assert (np.asarray(sheet) == 80).all(axis=2).sum() > 100_000


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(12, (480, 178), 3), (12, (1920, 1080), 3), (12, (512, 512), 4), (1, (9, 9), 1)],
)
def test_sheets_have_a_pleasant_shape(count, size, columns):
    assert _columns(count, size) == columns


def test_what_is_no_film_is_told_in_a_line(tmp_path):
    (tmp_path / "a.mp4").write_text("text")
    (tmp_path / "a.webp").write_bytes(b"RIFF....WEBPVP8X")
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "0.png").write_bytes(b"\x89PNG")
    for name, words in (
        ("a.mp4", "a.mp4: is no film that ffmpeg can read"),
        ("a.webp", "a.webp: cannot be read: it is damaged, or no film"),
        ("f", "f: cannot be read: it is damaged, or no film"),
        ("none.mp4", "none.mp4: is no film that ffmpeg can read"),
    ):
        with pytest.raises(EncodingError, match=words):
            draw_film_sheet(tmp_path / name)
    Image.new("RGB", (5, 5)).save(tmp_path / "f" / "0.png")
    Image.new("RGB", (6, 5)).save(tmp_path / "f" / "1.png")
    with pytest.raises(EncodingError, match=r"f: its pictures have different sizes"):
        view(tmp_path / "f", 2)
    with pytest.raises(PresetError, match="a sheet has at least one of its columns, not 0"):
        draw_film_sheet(tmp_path / "f", 2, 0)


def test_films_are_known_by_their_names(tmp_path):
    for name in ("a.mp4", "a.yaml", "a.png"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    assert [name for name in ("a.mp4", "a.yaml", "a.png", "empty", "b.mp4") if is_film(tmp_path / name)] == [
        "a.mp4",
        "a.png",
    ]


def test_the_command_draws_films(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "a.gif")
    done = CliRunner().invoke(main, ["sheet", "a.gif", "--frames", "8", "--columns", "8"])
    assert done.exit_code == 0
    assert done.output.startswith("a-sheet.png  ")
    with Image.open("a-sheet.png") as sheet:
        assert sheet.height < 200 < 8 * 64 < sheet.width


def test_columns_are_for_films(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(preset.to_yaml())
    done = CliRunner().invoke(main, ["sheet", "p.yaml", "--columns", "3"])
    assert done.exit_code == 2
    assert done.output == (
        "columns are for films; the frames of a preset stand in one row, over its curves\n"
    )
