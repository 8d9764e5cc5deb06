"""Results of one sitting are known again by where they come from, whatever else bears their names."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from render.errors import PhotoError, PresetError
from render.projection.files import save_latents
from render.projection.origin import check_free, is_of, origin_of, picture_notes, sign

OF = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def files(tmp_path):
    """A photograph, a folder of frames, a network, and a place to be in."""
    for name in ("me.jpg", "friend.jpg", "net.pkl"):
        (tmp_path / name).write_text(name)
    (tmp_path / "frames").mkdir()
    for name in ("2.png", "10.png", "notes.txt"):
        (tmp_path / "frames" / name).write_text(name)
    return tmp_path


def test_an_origin_is_what_files_hold_and_not_what_they_are_called(files):
    of = origin_of([files / "me.jpg", files / "friend.jpg"], files / "net.pkl")
    shutil.copy(files / "me.jpg", files / "copy.jpg")
    assert origin_of([files / "copy.jpg", files / "friend.jpg"], files / "net.pkl") == of
    assert origin_of([files / "friend.jpg", files / "me.jpg"], files / "net.pkl") != of
    assert origin_of([files / "me.jpg"], files / "net.pkl") != of
    assert origin_of([files / "me.jpg", files / "friend.jpg"], files / "me.jpg") != of
    assert origin_of([files / "nowhere.jpg"], files / "net.pkl")  # whoever reads it will complain


def test_a_folder_is_its_frames(files):
    of = origin_of([files / "frames"], files / "net.pkl")
    assert of == origin_of([files / "frames" / "2.png", files / "frames" / "10.png"], files / "net.pkl")
    (files / "frames" / "10.png").unlink()
    assert of != origin_of([files / "frames"], files / "net.pkl")
    (files / "frames" / "2.png").unlink()
    with pytest.raises(PhotoError, match="has no pictures in it"):
        origin_of([files / "frames"], files / "net.pkl")


def test_every_kind_of_result_is_known_again(tmp_path):
    latents = save_latents(tmp_path / "me.npz", np.zeros((1, 4, 8)), ["me"], origin=OF)
    Image.new("RGB", (8, 8)).save(tmp_path / "me.png", pnginfo=picture_notes(OF))
    (tmp_path / "me.yaml").write_text("version: 1\r\n")
    preset = sign(tmp_path / "me.yaml", OF)
    for path in (latents, tmp_path / "me.png", preset):
        assert is_of(path, OF)
        assert not is_of(path, OF[::-1])
        check_free([path, tmp_path / "new.npz"], OF)
    with pytest.raises(PresetError, match=r"me.npz, .*me.yaml exist already, and are no untouched results"):
        check_free([latents, preset], "another")
    assert preset.read_bytes().endswith(b"\nversion: 1\r\n")
    preset.write_text(preset.read_text() + "# mine\n")
    assert not is_of(preset, OF)


def test_a_schema_is_named_only_where_it_is(tmp_path):
    text = "# yaml-language-server: $schema=preset.schema.json\nversion: 1\n"
    preset = tmp_path / "me.yaml"
    preset.write_text(text)
    assert "schema" not in sign(preset, OF).read_text()
    assert preset.read_text().endswith("\nversion: 1\n")
    assert is_of(preset, OF)
    (tmp_path / "preset.schema.json").write_text("{}")
    preset.write_text(text)
    assert sign(preset, OF).read_text().endswith(text)


@pytest.mark.parametrize("name", ["x.npz", "x.png", "x.safetensors", "x.yaml", "x.mp4", "x"])
def test_whatever_else_is_there_stays(tmp_path, name):
    path = tmp_path / name
    for content in (b"", b"PK", b"\x89PNG\r\n\x1a\n", bytes(range(256)), OF.encode()):
        path.write_bytes(content)
        with pytest.raises(PresetError, match="exists already, and is no untouched result"):
            check_free([path], OF)
    path.unlink()
    path.mkdir()
    with pytest.raises(PresetError, match="exists already"):
        check_free([path], OF)
