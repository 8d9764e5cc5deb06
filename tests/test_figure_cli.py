"""The commands grid and pairs: what they print and write, and how they refuse."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.test_cli import files, run

__all__ = ["run"]  # the fixture: the command in an empty folder that has clip.yaml


def test_a_grid_is_named_after_its_preset(run):
    result = run("grid", "clip.yaml", "--x", "blend.swap=4,16", "--y", "latents.seed=1-2")
    assert result.exit_code == 0, result.output
    assert "clip-grid.png  " in result.stdout
    assert files(run.folder) == ["clip-grid.png", "clip.yaml"]
    with Image.open(run.folder / "clip-grid.png") as picture:
        assert picture.format == "PNG"


def test_a_page_alone_and_values_set_over_the_preset(run):
    result = run("grid", "clip.yaml", "--x", "time=0s,50%", "--set", "truncation=0.2", "--zoom", "page", "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert files(run.folder) == ["clip.yaml", "page"]
    assert "index.html" in files(run.folder / "page")


def test_a_film_of_grids(run):
    result = run(
        "grid",
        "clip.yaml",
        "--x",
        "blend.swap=4,16",
        "--z",
        "truncation=0:1:0.5",
        "--gif",
        "g.gif",
        "--fps",
        "10",
    )
    assert result.exit_code == 0, result.output
    with Image.open(run.folder / "g.gif") as film:
        assert (film.n_frames, film.info["duration"]) == (3, 100)


def test_pairs_go_on_where_they_ended(run):
    for count in (2, 3):
        result = run("pairs", "clip.yaml", "--count", count, "--out", "set", "--at", "50%")
        assert result.exit_code == 0, result.output
        assert f"set  {count} pairs" in result.stdout
    assert files(run.folder / "set") == ["dataset.json", "manifest.jsonl", "train_A", "train_B", "train_ws"]
    assert len(files(run.folder / "set" / "train_B")) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["grid", "clip.yaml"], 2, "--x is missing: "),
        (["grid", "clip.yaml", "--x", "blend.swap"], 2, "'blend.swap' is no axis; write PLACE=VALUES"),
        (
            ["grid", "clip.yaml", "--x", "blend.swop=4"],
            2,
            "--x blend.swop=4: unknown key; did you mean 'swap'?",
        ),
        (["grid", "clip.yaml", "--x", "truncation=1", "--at", "9s"], 2, "--at 9s lies outside the clip"),
        (["grid", "clip.yaml", "--x", "truncation=1", "--z", "truncation=1"], 2, "two axes are truncation"),
        (["grid", "clip.yaml", "--x", "truncation=1", "--gif", "a.gif"], 2, "a film and its axis z belong"),
        (["grid", "clip.yaml", "--x", "truncation=1", "-o", "a.bmp"], 3, "a grid is written as .png"),
        (["grid", "clip.yaml", "--x", "truncation=1", "--zoom", "clip.yaml"], 3, "is a file; name a folder"),
        (["pairs", "clip.yaml", "--count", "2"], 2, "--out is missing: "),
        (["pairs", "clip.yaml", "--count", "0", "--out", "set"], 2, "--count"),
        (
            ["pairs", "clip.yaml", "--count", "2", "--out", "."],
            3,
            "other things in this folder, such as clip.yaml",
        ),
        (["pairs", "clip.yaml", "--count", "2", "--out", "set", "--base", "me"], 2, "unknown panel 'me'"),
    ],
)
def test_mistakes_are_explained_with_their_exit_code(run, arguments, code, message):
    result = run(*arguments)
    assert message in result.stderr
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert files(run.folder) == ["clip.yaml"]
