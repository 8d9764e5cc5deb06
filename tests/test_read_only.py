"""A folder that nobody may write to: one line for every command, and what lies there stays as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from render.cli import main
from tests.conftest import CLIP

NOBODY = 65534


@contextmanager
def being_nobody() -> Iterator[None]:
    """Root may write anywhere, so be somebody else for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def folders(sample_folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders with a preset, its networks and an older film; the second one may only be read."""
    whole = Path(tempfile.mkdtemp(prefix="blendreel-"))  # pytest's own are closed to others altogether
    for name in ("free", "locked"):
        folder = whole / name
        shutil.copytree(sample_folder, folder / "nets")
        text = CLIP.replace("sample:portrait", "nets/portrait.safetensors")
        text = text.replace("sample:ukiyoe", "nets/ukiyoe*")
        (folder / "p.yaml").write_text(text.replace("[clip.mp4, clip.gif]", "{file: clip.gif, poster: 0s}"))
        (folder / "clip.gif").write_bytes(b"old")
    whole.chmod(0o755)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield whole / "free", folder
    for path in (folder, folder / "nets"):
        path.chmod(0o755)
    shutil.rmtree(whole)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (["render"], "clip.gif"),
        (["render", "-o", "clip.mp4"], "clip.mp4"),
        (["render", "-o", "frames/%d.png"], "frames"),
        (["preview"], "p-preview.mp4"),
        (["sheet"], "p-sheet.png"),
    ],
)
def test_a_read_only_folder_is_one_line(folders, monkeypatch, command, file) -> None:
    free, locked = folders
    monkeypatch.chdir(free)
    # This also imports what the command needs, which nobody may not be allowed to read.
    assert CliRunner().invoke(main, [*command, "p.yaml", "-q"]).exit_code == 0
    assert (free / file).exists()
    monkeypatch.chdir(locked)
    with being_nobody():
        done = CliRunner().invoke(main, [*command, "p.yaml", "-q"])
    assert done.output.splitlines() == [f"{file}: cannot be written: Permission denied"]
    assert done.exit_code == 3
    assert (locked / "clip.gif").read_bytes() == b"old"
    assert sorted(path.name for path in locked.iterdir()) == ["clip.gif", "nets", "p.yaml"]
