"""Tags: a title and a comment come back from every kind of file, byte for byte, and pictures stay."""

from __future__ import annotations

import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from render.encoding import Audio, Tags, fit, open_writer, read_tags
from render.encoding.codecs import ffmpeg_path
from render.encoding.inspection import film_stream
from render.encoding.tags import _pairs, _xmp, gif_comment, metadata_file
from render.errors import EncodingError

COMMENT = (
    "# héllo; = \\ # 'q' \"d\" 日本 😀 <&> ]]>\nmodels: {a: b}\n\n  tab\there\n\\n no line break\n[STREAM]\n"
)
TAGS = Tags("a title = of; its # own", COMMENT)
KINDS = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.apng", "a.avif", "f/%03d.png"]


def frames(count: int = 3) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 255, (count, 32, 48, 3), dtype=np.uint8)


def written(path: Path, tags: Tags | None = TAGS, count: int = 3, **settings: object) -> Path:
    with open_writer(path, width=48, height=32, fps=Fraction(25), tags=tags, **settings) as writer:
        for frame in frames(count):
            writer.write(frame)
    return path.parent if "%" in path.name else path


def decoded(path: Path) -> bytes:
    """Every pixel, by ffmpeg, or by Pillow where some versions of ffmpeg cannot."""
    if path.suffix == ".webp":
        with Image.open(path) as picture:
            return b"".join(frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture))
    name = f"{path}/%03d.png" if path.is_dir() else path
    command = [
        ffmpeg_path(),
        "-loglevel",
        "error",
        "-i",
        str(name),
        "-map",
        film_stream(path),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("count", [1, 3])
def test_tags_come_back_and_pictures_stay(tmp_path: Path, name: str, count: int) -> None:
    tagged = written(tmp_path / "tagged" / name, count=count)
    plain = written(tmp_path / "plain" / name, None, count=count)
    title = "" if name == "a.gif" else TAGS.title
    assert read_tags(tagged) == Tags(title, COMMENT)
    assert read_tags(plain) == Tags()
    assert decoded(tagged) == decoded(plain) != b""
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "f/%03d.png"])
def test_pillow_finds_them_too(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    with Image.open(path / "000.png" if path.is_dir() else path) as picture:
        assert getattr(picture, "n_frames", 1) == (1 if path.is_dir() else 3)
        picture.seek(0 if path.is_dir() else 2)
        picture.load()
        if name == "a.webp":
            assert picture.info["xmp"] == _xmp(TAGS)
        elif name == "a.gif":
            assert picture.info["comment"].decode() == COMMENT
        else:
            assert (picture.text["Title"], picture.text["Comment"]) == (TAGS.title, COMMENT)


@pytest.mark.parametrize("name", ["a.mov", "a.mp4", "a.mkv"])
def test_long_comments_are_whole(tmp_path: Path, name: str) -> None:
    long = "".join(f"{number}: a line of a long preset\n" for number in range(6000))
    assert read_tags(written(tmp_path / name, Tags("long", long))) == Tags("long", long)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm", "a.mkv"])
def test_sound_brings_no_tags_of_its_own(tmp_path: Path, name: str) -> None:
    with wave.open(str(tmp_path / "plain.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(48_000))
    command = [ffmpeg_path(), "-loglevel", "error", "-i", str(tmp_path / "plain.wav")]
    tags = [
        "-metadata",
        "title=secret song",
        "-metadata",
        "comment=secret words",
        "-metadata",
        "artist=secret",
    ]
    subprocess.run([*command, *tags, str(tmp_path / "song.flac")], check=True)
    audio = Audio(tmp_path / "song.flac")
    assert read_tags(tmp_path / "song.flac").comment == "secret words"
    path = written(tmp_path / name, audio=audio)
    assert read_tags(path) == TAGS
    assert b"secret" not in path.read_bytes()
    path = written(tmp_path / name, None, audio=audio)
    assert read_tags(path) == Tags()
    assert b"secret" not in path.read_bytes()


def test_tags_count_in_a_budget(tmp_path: Path) -> None:
    tags = Tags("", "x" * 3000)
    size = written(tmp_path / "a.gif", None).stat().st_size
    options = {"budget": size + 1000, "width": 48, "height": 32, "fps": 25}
    fit(tmp_path / "b.gif", lambda fps: frames(), tags=tags, **options)
    assert (tmp_path / "b.gif").stat().st_size <= size + 1000
    assert read_tags(tmp_path / "b.gif") == tags


def test_no_temporary_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    written(tmp_path / "a.mp4")
    writer = open_writer(tmp_path / "b.mp4", width=48, height=32, fps=25, tags=TAGS)
    writer.start()
    writer.write(frames()[0])
    writer.abort()
    assert list((tmp_path / "temporary").iterdir()) == []
    (tmp_path / "temporary").rmdir()
    with pytest.raises(EncodingError, match=r"b\.mp4: no temporary file: No such file"):
        written(tmp_path / "b.mp4")


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\\;#=["), max_size=300))
def test_any_text_survives_the_file_that_ffmpeg_reads(text: str) -> None:
    name = metadata_file(Tags(text, text))
    try:
        found = dict(_pairs(Path(name).read_text("utf-8").split("\n", 1)[1]))
    finally:
        Path(name).unlink()
    assert found == {"title": text, "comment": text}


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no film")
    (tmp_path / "empty").mkdir()
    for name, words in (
        ("a.mp4", "is no film and no picture that can be read"),
        ("b.mp4", "cannot be read: No such file or directory"),
        ("empty", "there are no numbered pictures in this folder"),
    ):
        with pytest.raises(EncodingError, match=words):
            read_tags(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "a.avif"])
def test_damaged_files_have_no_tags_and_end(tmp_path: Path, name: str) -> None:
    data = written(tmp_path / name).read_bytes()
    random = np.random.default_rng(1)
    for _ in range(60):
        bytes_ = bytearray(data[: random.integers(16, len(data))])
        for place in random.integers(12, len(bytes_), 8):
            bytes_[place] = random.integers(256)
        (tmp_path / name).write_bytes(bytes_)
        assert isinstance(read_tags(tmp_path / name), Tags)


def test_xmp_with_entities_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.webp")
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50 + b'">]>'
    data = path.read_bytes()
    path.write_bytes(data.replace(b"<?xpacket begin", bomb[: len(b"<?xpacket begin")], 1))
    assert read_tags(path) == Tags()


def test_a_gif_of_a_comment_of_many_blocks() -> None:
    assert (
        gif_comment(Tags("", "y" * 600))
        == b"!\xfe\xff" + b"y" * 255 + b"\xff" + b"y" * 255 + b"\x5a" + b"y" * 90 + b"\0"
    )
