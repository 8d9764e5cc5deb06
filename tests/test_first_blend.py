"""samples/first-blend.ipynb: ten cells that run, show pictures and a film, and install what is missing."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import render
from render.encoding import facts_of

NOTEBOOK = Path(__file__).parent.parent / "samples" / "first-blend.ipynb"
CELLS = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_it_has_ten_cells_and_no_outputs():
    assert len(CELLS) == 10
    assert all(cell["outputs"] == [] for cell in CELLS if cell["cell_type"] == "code")
    assert NOTEBOOK.stat().st_size < 20_000


def last_value(code: str, names: dict[str, object]) -> object:
    """Run a cell; the value of its last line, as a notebook shows it."""
    *before, last = code.rstrip().split("\n")
    exec("\n".join(before), names)
    if re.match(r"[\w.]+ *[(=]|\w+$", last) and not re.match(r"\w+ *=[^=]|print|import", last):
        return eval(last, names)
    exec(last, names)
    return None


@pytest.mark.filterwarnings("ignore:.*has no room on")  # captions of pictures of 16 pixels
def test_its_cells_run_with_networks_of_any_kind(sample_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    shown = [value for code in CODE if (value := last_value(code, names)) is not None]
    assert [type(value) for value in shown] == [render.Frame, render.Frame, Image.Image, render.Clip]
    assert shown[0].shape[0] < shown[0].shape[1]
    assert [path.name for path in shown[3]] == ["first-blend.mp4", "first-blend-poster.png"]
    assert facts_of(Path("first-blend.mp4")).frames == 30
    assert render.Preset.load("first-blend.yaml") == names["film"]
    assert "sample:portrait" in capsys.readouterr().out


def test_what_is_missing_is_installed_or_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
    with pytest.raises(SystemExit, match="write its address into SOURCE, in this cell"):
        exec(CODE[0], {})
    exec(CODE[0].replace('SOURCE = ""', 'SOURCE = "git+https://example.org/blendreel"'), {})
    assert asked == [[sys.executable, "-m", "pip", "install", "--quiet", "git+https://example.org/blendreel"]]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of Jupyter's own
def test_it_runs_from_top_to_bottom_in_a_kernel(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parent.parent))
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 3
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            assert image.width > 2 * image.height
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any(re.search(r"rendering: 30 frames in \d+ s", page) for page in pages)
    assert any('<video src="data:video/mp4;base64,' in page for page in pages)
    assert not [output for output in outputs if output.output_type == "error"]
