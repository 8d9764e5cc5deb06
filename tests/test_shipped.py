"""The name of a preset becomes a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from render.errors import PresetError
from render.preset import Preset
from render.preset.shipped import find_preset, preset_folder, shipped_presets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_shipped_presets_have_names() -> None:
    assert {"hello", "grand-tour"} <= set(shipped_presets())
    assert not [name for name in shipped_presets() if "schema" in name]
    assert Preset.load("hello") == Preset.load(preset_folder() / "hello.yaml")
    assert Preset.load("hello").base_dir == preset_folder()


def test_a_file_comes_before_a_shipped_preset_and_a_folder_does_not(folder: Path) -> None:
    (folder / "toonify").mkdir()
    (folder / "hello").write_text("models: {a: x}\nclip: {duration: 1s}\n")
    assert find_preset("toonify").name == "toonify.yaml"
    assert list(Preset.load("hello").models) == ["a"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("helo", "there is no preset helo; did you mean hello?"),
        ("mien.yaml", "there is no preset mien.yaml; did you mean mine.yaml?"),
        ("sub/mien.yml", "there is no preset sub/mien.yml; did you mean sub/mine.yml?"),
        ("sub/hello", "there is no preset sub/hello"),
        ("nothing-like-it", "there is no preset nothing-like-it; shipped ones are beat-pulse, "),
        ("sub", "sub: this is a folder; name a preset file in it"),
        ("nowhere/x.yaml", "there is no preset nowhere/x.yaml"),
        ("out/hello.mp4", "there is no file out/hello.mp4"),
        ("hello.mp4", "there is no file hello.mp4; did you mean hello?"),
        ("film.webm", "film.webm: this is a film; blendreel render FILM --again makes one once more, and "),
        ("a\0b.yaml", "there is no preset 'a\\x00b.yaml'"),
    ],
)
def test_what_is_missing_is_explained(folder: Path, name: str, words: str) -> None:
    (folder / "sub").mkdir()
    (folder / "mine.yaml").touch()
    (folder / "film.webm").touch()
    (folder / "sub" / "mine.yml").touch()
    with pytest.raises(PresetError) as caught:
        Preset.load(name)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", sorted(preset_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_presets_name_their_schema(path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=preset.schema.json\n# ")
