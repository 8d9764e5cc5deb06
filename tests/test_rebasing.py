"""Relative files named from another folder."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from render.preset.rebasing import rebased

MOVED = [
    ({"models": {"a": "x.pkl", "b": {"file": "d/x.pkl"}, "c": {"snapshots": "runs/*.pkl"}}},
     {"models": {"a": "../old/x.pkl", "b": {"file": "../old/d/x.pkl"},
                 "c": {"snapshots": "../old/runs/*.pkl"}}}),
    ({"clip": {"beats": "song.beats"}}, {"clip": {"beats": "../old/song.beats"}}),
    ({"clip": {"beats": "detect", "audio": "song.mp3"}},
     {"clip": {"beats": "detect", "audio": "../old/song.mp3"}}),
    ({"clip": {"audio": {"file": "song.mp3", "start": "1s"}}},
     {"clip": {"audio": {"file": "../old/song.mp3", "start": "1s"}}}),
    ({"latents": {"files": "me.npz"}}, {"latents": {"files": "../old/me.npz"}}),
    ({"latents": {"files": ["me.npz", "walk.npy#2", {"file": "z.pt", "space": "z"}]}},
     {"latents": {"files": ["../old/me.npz", "../old/walk.npy#2", {"file": "../old/z.pt", "space": "z"}]}}),
    ({"latents": {"keys": [["0s", "file me", "hold"], ["1s", "seed 3"], ["2s", 3], ["3s", "me.npy#2"]]}},
     {"latents": {"keys": [["0s", "file ../old/me", "hold"], ["1s", "seed 3"], ["2s", 3],
                           ["3s", "../old/me.npy#2"]]}}),
    ({"latents": {"keys": [["0s", "anna"], ["1s", "bert"], ["2s", "nobody"]]}},
     {"latents": {"keys": [["0s", "file ../old/anna.npz"], ["1s", "file ../old/latents/bert.pt"],
                           ["2s", "nobody"]]}}),
    ({"latents": {"mixing": {"files": ["a.npy"]}, "directions": [{"file": "age.npy"}, {"sefa": 2}]}},
     {"latents": {"mixing": {"files": ["../old/a.npy"]},
                   "directions": [{"file": "../old/age.npy"}, {"sefa": 2}]}}),
    ({"outputs": ["a.mp4", {"file": "b.mp4", "audio": "song.mp3"}, {"audio": {"file": "song.mp3"}}]},
     {"outputs": ["a.mp4", {"file": "b.mp4", "audio": "../old/song.mp3"},
                  {"audio": {"file": "../old/song.mp3"}}]}),
    ({"outputs": {"file": "b.mp4", "audio": "song.mp3"}},
     {"outputs": {"file": "b.mp4", "audio": "../old/song.mp3"}}),
    ({"outputs": {"audio": {"file": "song.mp3"}}}, {"outputs": {"audio": {"file": "../old/song.mp3"}}}),
]  # fmt: skip
STAYS = [
    {"models": {"a": "sample:portrait", "b": "https://x.org/a.pkl", "c": "/nets/a.pkl", "d": "~/a.pkl",
                "e": "hf://o/r/f"}},
    {"outputs": {"file": "b.mp4", "audio": False}},
    {"clip": {"beats": [0.5, 1]}, "latents": {"seeds": "0-4", "keys": [["0s"], 3]}, "outputs": ["a.mp4"]},
    {"models": 3, "clip": 3, "latents": [{"files": "a.npy"}]},
    {"models": {"a": None, "b": {"file": 3}}, "latents": {"files": None, "directions": {"file": "x"}}},
    {},
    None,
]  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old/latents", "new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "old" / "anna.npz").touch()
    (tmp_path / "old" / "latents" / "bert.pt").touch()
    return tmp_path / "old", tmp_path / "new"


@pytest.mark.parametrize(("data", "moved"), MOVED)
def test_relative_files_are_named_from_the_new_folder(data: dict, moved: dict, folders: tuple) -> None:
    assert rebased(deepcopy(data), *folders) == moved


@pytest.mark.parametrize("data", STAYS)
def test_everything_else_stays(data: object, folders: tuple) -> None:
    assert rebased(deepcopy(data), *folders) == data


@pytest.mark.parametrize("data", [pair[0] for pair in MOVED])
def test_nothing_moves_within_a_folder(data: dict, folders: tuple) -> None:
    old = folders[0]
    assert rebased(deepcopy(data), old, old.parent / "new" / ".." / "old") == data
