"""Pieces become one film: every frame, exact timestamps, the same bytes each time, nothing encoded again."""

from __future__ import annotations

import subprocess
import wave
from fractions import Fraction

import numpy as np
import pytest

from render.encoding import Audio, Tags, can_join, facts_of, join, open_writer, piece_writer, read_tags
from render.encoding.codecs import ffmpeg_path
from render.encoding.joining import _listing
from render.errors import EncodingError

SIZE = {"width": 32, "height": 16}
LENGTHS = (7, 7, 7, 2)
RATES = [Fraction(24), Fraction(30), Fraction(60), Fraction(24000, 1001)]


def picture(index):
    """Frames that move: encoders reorder them."""
    y, x = np.mgrid[0:16, 0:32]
    return np.stack([x * 4 + index * 3, y * 9 + index, x + y + index * 5], -1).astype(np.uint8)


def film(folder, name="film.mp4", fps=Fraction(25), lengths=LENGTHS, **settings):
    """A film joined from pieces that were encoded last one first."""
    folder.mkdir(exist_ok=True, parents=True)
    whole = open_writer(folder / name, fps=fps, **SIZE, **settings)
    pieces, starts = [], np.cumsum([0, *lengths])
    for number, count in reversed(list(enumerate(lengths))):
        path = folder / f"{number}.nut"
        with piece_writer(whole, path, threads=2) as piece:
            for index in range(count):
                piece.write(picture(starts[number] + index))
        pieces.insert(0, (path, count))
    join(whole, pieces)
    for path, _ in pieces:
        path.unlink()
    return whole.path


def timestamps(path):
    """When each frame is shown, in order of time, in ticks; and the length of a tick."""
    command = [ffmpeg_path(), "-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-copyts"]
    shown = subprocess.run([*command, "-f", "framecrc", "-"], capture_output=True, text=True, check=True)
    rows = [line.split(",") for line in shown.stdout.splitlines() if line[0].isdigit()]
    base = next(line for line in shown.stdout.splitlines() if line.startswith("#tb")).split()[-1]
    return sorted(int(row[2]) for row in rows), Fraction(base)


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_every_frame_is_shown_at_its_exact_time(tmp_path, fps, codec):
    shown, tick = timestamps(film(tmp_path, fps=fps, codec=codec, preset="ultrafast"))
    assert [at * tick for at in shown] == [index / fps for index in range(sum(LENGTHS))]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm", "a.mkv"])
def test_a_joined_film_keeps_time_as_one_encoded_in_one_go(tmp_path, name):
    fps = Fraction(24000, 1001)
    joined = film(tmp_path / "joined", name, fps)
    with open_writer(tmp_path / name, fps=fps, **SIZE) as writer:
        for index in range(sum(LENGTHS)):
            writer.write(picture(index))
    assert timestamps(joined) == timestamps(writer.path)
    facts, whole = facts_of(joined), facts_of(writer.path)
    names = ("codec", "pixels", "width", "height", "frames", "fps", "index_first", "edit_list")
    assert [getattr(facts, each) for each in names] == [getattr(whole, each) for each in names]


@pytest.mark.parametrize("fps", [*RATES, Fraction(25, 2), Fraction(30000, 1001), Fraction(1000, 7)], ids=str)
def test_rounding_never_adds_up_over_thousands_of_pieces(tmp_path, fps):
    begins, frames = 0, 0
    for line in _listing([(tmp_path / "a.nut", 7)] * 5000, fps).splitlines():
        if line.startswith("duration"):
            assert abs(begins - frames / fps * 1_000_000) <= Fraction(1, 2)
            begins, frames = begins + int(line.removeprefix("duration ").removesuffix("us")), frames + 7
    assert frames == 35_000


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mkv"])
def test_the_same_frames_give_the_same_bytes(tmp_path, name):
    one, two = film(tmp_path / "one", name), film(tmp_path / "two", name)
    assert one.read_bytes() == two.read_bytes()


def test_title_comment_and_sound_are_those_of_the_whole(tmp_path):
    with wave.open(str(tmp_path / "hum.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((9000 * np.sin(np.arange(16_000) / 6)).astype("<i2").tobytes())
    tags = Tags("a title", "a = comment\nof two; lines")
    path = film(tmp_path / "film", tags=tags, audio=Audio(tmp_path / "hum.wav"))
    assert read_tags(path) == tags
    assert (facts_of(path).audio, facts_of(path).frames) == ("aac", sum(LENGTHS))


def test_folders_may_have_any_name(tmp_path):
    path = film(tmp_path / "it's a 'test'; # 100% ü\n-x", "-f ilm.mp4")
    assert facts_of(path).frames == sum(LENGTHS)


def test_pieces_that_lack_frames_make_no_film(tmp_path):
    whole = open_writer(tmp_path / "a.mp4", fps=25, **SIZE)
    with piece_writer(whole, tmp_path / "0.nut") as piece:
        for index in range(5):
            piece.write(picture(index))
    with pytest.raises(EncodingError, match=r"a\.mp4: its pieces have 5 of 6 frames"):
        join(whole, [(piece.path, 6)])
    with pytest.raises(EncodingError, match=r"a\.mp4: its pieces could not be joined"):
        join(whole, [(piece.path, 5), (tmp_path / "none.nut", 5)])
    assert [file.name for file in tmp_path.iterdir()] == ["0.nut"]


def test_which_files_can_be_joined(tmp_path):
    names = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.apng", "a.avif", "a/%d.png"]
    joinable = [can_join(open_writer(tmp_path / name, fps=25, **SIZE)) for name in names]
    assert joinable == [True] * 4 + [False] * 5
