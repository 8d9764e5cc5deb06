"""docs/blending.md: its presets load without a warning, its Python runs, its pictures are all there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_examples import STANDARD, blocks_of, examples_of

from render.networks import Generator
from samples.blend_figures import FIGURES

PAGE = Path(__file__).parent.parent / "docs" / "blending.md"
BASE = """\
version: 1
models: {portrait: p.pkl, ukiyoe: {snapshots: u}, toon: {snapshots: t}}
clip: {duration: 4s, fps: 25}
"""
EXAMPLES = [replace(example, files={STANDARD: BASE}) for example in examples_of(PAGE)]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_every_preset_loads_without_a_warning(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert example.load(tmp_path).warnings() == []


def test_the_python_runs():
    [block] = [block for block in blocks_of(PAGE) if block.language == "python"]
    names: dict = {}
    exec(block.text, names)
    assert isinstance(names["network"], Generator)


def test_every_picture_is_there_and_drawn_by_the_project():
    shown = re.findall(r"!\[[^]]+\]\((pictures/[^)]+)\)", PAGE.read_text("utf-8"))
    assert sorted(shown) == sorted(f"pictures/blend-{name}.webp" for name in FIGURES)
    assert all((PAGE.parent / picture).is_file() for picture in shown)
