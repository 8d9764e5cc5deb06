"""In notebooks: films play, frames are pictures, and progress is a bar; elsewhere all stays as it was."""

from __future__ import annotations

import base64
import io
import re
import sys
import types

import numpy as np
import pytest
from PIL import Image

import render
from render import console
from render.production import notebook
from render.production.notebook import Clip, Frame


@pytest.fixture
def kernel(monkeypatch):
    """A stand-in for a notebook's kernel: what is displayed, and how often it was updated."""
    shown = []

    class Handle:
        def update(self, thing):
            shown[-1].append(thing._repr_html_())

    def display(thing, display_id):
        assert display_id is True
        shown.append([thing._repr_html_()])
        return Handle()

    ipython, shell = types.ModuleType("IPython"), types.SimpleNamespace(kernel=object())
    ipython.get_ipython = lambda: shell
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return types.SimpleNamespace(shown=shown, shell=shell)


def test_a_clip_is_the_list_of_its_paths_and_plays(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = render.render(preset, "f/%d.png", "a b.mp4", "c.gif", out_dir=tmp_path)
    paths = [tmp_path / "f", tmp_path / "a b.mp4", tmp_path / "c.gif"]
    assert clip == paths
    assert list(clip) == paths
    bundle = clip._repr_mimebundle_()
    page = bundle["text/html"]
    data = re.search(r'<video src="data:video/mp4;base64,([^"]+)"', page)
    assert base64.b64decode(data[1]) == paths[1].read_bytes()
    assert "autoplay loop muted controls" in page
    assert page.count("<video") + page.count("<img") == 1
    assert '<a href="a%20b.mp4" target="_blank">' in page
    assert "13 pictures" in page
    assert bundle["text/plain"].splitlines()[0] == f"{tmp_path / 'f'}  13 pictures"


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("a.mp4", '<video src="data:video/mp4'),
        ("a.webm", '<video src="data:video/webm'),
        ("a.gif", '<img src="data:image/gif'),
        ("a.webp", '<img src="data:image/webp'),
        ("a.mov", ""),
    ],
)
def test_each_kind_is_shown_as_browsers_can(tmp_path, name, tag):
    (tmp_path / name).write_bytes(b"film")
    page = Clip([tmp_path / name]).html()
    assert tag in page
    assert ("base64" in page) == bool(tag)


def test_big_files_are_links_and_say_why(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook, "EMBED_LIMIT", 1_000_000)
    (tmp_path / "a.mp4").write_bytes(bytes(1_000_001))
    (tmp_path / "b<i>.gif").write_bytes(b"small")
    page = Clip([tmp_path / "a.mp4"]).html()
    assert "1.0 MB (files over 1 MB are not put into the notebook)" in page
    assert "base64" not in page
    page = Clip([tmp_path / "a.mp4", tmp_path / "b<i>.gif"]).html()
    assert '<img src="data:image/gif' in page
    assert "<i>" not in page
    assert "is gone" in Clip([tmp_path / "none.mp4"]).html()
    assert Clip().html() == "<div>no files</div>"


def test_frames_are_pictures_and_arrays(preset):
    frame = next(render.frames(preset))
    with Image.open(io.BytesIO(frame._repr_png_())) as picture:
        assert np.array_equal(np.asarray(picture), frame)
    assert isinstance(frame, np.ndarray)
    assert frame[2:9, 4:]._repr_png_().startswith(b"\x89PNG")
    assert frame.astype(float)._repr_png_() is None
    assert frame[0]._repr_png_() is None
    assert frame[:0]._repr_png_() is None
    assert type(frame.mean()) is np.float64
    assert type(frame / 2) is np.ndarray
    assert type(frame.max()) is np.uint8
    row = np.hstack([frame, frame])
    assert row._repr_png_().startswith(b"\x89PNG")
    assert not isinstance(np.stack([frame, frame]).sum(axis=0), Frame)


def test_sheets_are_pictures(preset, tmp_path):
    of_preset = render.sheet(preset, count=3)
    [film] = render.render(preset, "a.gif", out_dir=tmp_path)
    of_film = render.sheet(film)
    for picture in (of_preset, of_film):
        assert picture._repr_png_().startswith(b"\x89PNG")
    assert of_preset.size != of_film.size


def test_a_bar_is_shown_in_a_notebook_and_ends_as_a_line(preset, tmp_path, kernel, capsys, monkeypatch):
    monkeypatch.setattr(console, "BAR_SECONDS", 0)
    render.render(preset, "a.gif", out_dir=tmp_path)
    [states] = kernel.shown
    assert len(states) == 13
    assert '<progress value="1" max="13"' in states[0]
    assert re.fullmatch(r"<small>rendering: 13 frames in \d+ s, [\d.]+ frames/s</small>", states[-1])
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_silent_when_it_is_told_and_elsewhere(preset, tmp_path, kernel, capsys):
    render.render(preset, "a.gif", out_dir=tmp_path, progress=False)
    seen = []
    render.render(preset, "a.gif", out_dir=tmp_path, progress=lambda *state: seen.append(state))
    assert len(seen) == 13
    del kernel.shell.kernel  # a plain IPython
    render.render(preset, "a.gif", out_dir=tmp_path)
    assert kernel.shown == []
    assert capsys.readouterr() == ("", "")


def test_a_bar_does_not_hurry(kernel, monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr(console.time, "monotonic", lambda: clock["now"])
    show = console.NotebookBar("rendering")
    for done in range(1, 101):
        clock["now"] += 0.05
        show(done, 100)
    [states] = kernel.shown
    assert 20 <= len(states) <= 27
    assert states[-1] == "<small>rendering: 100 frames in 5 s, 20.0 frames/s</small>"
    assert ", 4 s left" in states[5]
