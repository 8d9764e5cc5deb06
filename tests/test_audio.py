"""Sound beside pictures: in time, as long as the film, its pictures untouched; and what is no sound."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sounds import write_wave

from render.encoding import Audio, open_writer
from render.encoding.codecs import ffmpeg_path
from render.encoding.inspection import boxes, facts_of
from render.errors import EncodingError

CLICKS = (0.5, 1.25, 2.0, 2.75)  # seconds
COUNT, FPS = 50, 25
SLACK_SECONDS = 1024 / 48_000  # an ffmpeg before 8 plays the last block of AAC to its end


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clicks in three seconds of faint hum, 44.1 kHz, mono."""
    time = np.arange(3 * 44_100) / 44_100
    sound = 0.02 * np.sin(2 * np.pi * 220 * time)
    for click in CLICKS:
        at = round(click * 44_100)
        sound[at : at + 200] = 0.9 * np.sin(np.arange(200) / 2)
    return write_wave(tmp_path_factory.mktemp("song") / "song.wav", sound, 44_100)


def film(path: Path, audio: Audio | None, **settings: object) -> None:
    with open_writer(path, width=48, height=48, fps=FPS, audio=audio, **settings) as writer:
        for index in range(COUNT):
            writer.write(np.full((48, 48, 3), 4 * index, np.uint8))


def sound_of(path: Path) -> np.ndarray:
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-map", "0:a", "-f", "f32le", "-ac", "1"]
    raw = subprocess.run([*command, "-ar", "48000", "pipe:1"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32)


def clicks_in(sound: np.ndarray) -> list[float]:
    """Where loud spells begin, in seconds."""
    loud = np.flatnonzero(np.abs(sound) > 0.3) / 48_000
    return [float(time) for time in loud[np.diff(loud, prepend=-1) > 0.1]]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mov", "aac"), ("a.webm", "opus")])
def test_sound_is_in_time_and_as_long_as_the_film(tmp_path: Path, song: Path, name: str, codec: str) -> None:
    film(tmp_path / name, Audio(song), preset="ultrafast")
    sound, facts = sound_of(tmp_path / name), facts_of(tmp_path / name)
    np.testing.assert_allclose(clicks_in(sound), CLICKS[:2], atol=0.005)
    assert -0.001 < len(sound) / 48_000 - COUNT / FPS < SLACK_SECONDS
    assert (facts.audio, facts.frames, facts.fps) == (codec, COUNT, FPS)
    assert not facts.edit_list
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm", "a.mkv"])
def test_a_flash_and_its_click_come_together(tmp_path: Path, song: Path, name: str) -> None:
    """On the clock of the file, from which players take what is shown and heard when."""
    flash = round((CLICKS[1] - 0.25) * FPS)
    with open_writer(
        tmp_path / name, width=48, height=48, fps=FPS, audio=Audio(song, start=Fraction(1, 4))
    ) as writer:
        for index in range(COUNT):
            writer.write(np.full((48, 48, 3), 255 * (index == flash), np.uint8))
    bright = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:function=greater:value=150"
    loud = "atrim=start=0.5,silencedetect=noise=-12dB:duration=0.1"
    seen = float(re.search(r"pts_time:([\d.]+)", shown(tmp_path / name, "v", bright))[1])
    heard = float(re.search(r"silence_end: ([\d.]+)", shown(tmp_path / name, "a", loud))[1])
    assert seen == pytest.approx(flash / FPS, abs=0.001)
    assert heard == pytest.approx(seen, abs=0.02)


def shown(path: Path, stream: str, filters: str) -> str:
    """What ffmpeg's filters say of a stream; times are those in the file."""
    kind = "-af" if stream == "a" else "-vf"
    command = [
        ffmpeg_path(),
        "-hide_banner",
        "-copyts",
        "-i",
        str(path),
        "-map",
        f"0:{stream}",
        kind,
        filters,
    ]
    return subprocess.run([*command, "-f", "null", "-"], check=True, capture_output=True, text=True).stderr


def test_it_starts_where_asked_and_fades(tmp_path: Path, song: Path) -> None:
    film(tmp_path / "a.mp4", Audio(song, start=Fraction(1), fade=Fraction(1, 2)))
    sound = sound_of(tmp_path / "a.mp4")
    np.testing.assert_allclose(clicks_in(sound)[:2], [0.25, 1.0], atol=0.005)
    assert np.abs(sound[-480:]).max() < 0.02
    assert np.abs(sound[80_000:86_000]).max() > 0.15, "half-way through the fade the last click is heard"


def test_after_a_short_sound_comes_silence(tmp_path: Path, song: Path) -> None:
    film(tmp_path / "a.mp4", Audio(song, start=2.5))
    sound = sound_of(tmp_path / "a.mp4")
    assert -0.001 < len(sound) / 48_000 - COUNT / FPS < SLACK_SECONDS
    assert np.abs(sound[30_000:]).max() < 0.001


def test_pictures_are_not_encoded_again(tmp_path: Path, song: Path) -> None:
    film(tmp_path / "a.mp4", Audio(song), threads=1)
    film(tmp_path / "b.mp4", None, threads=1)
    sums = []
    for name in ("a.mp4", "b.mp4"):
        command = [ffmpeg_path(), "-v", "error", "-i", str(tmp_path / name), "-map", "0:v", "-c", "copy"]
        sums.append(subprocess.run([*command, "-f", "framemd5", "-"], check=True, capture_output=True).stdout)
    assert sums[0] == sums[1]
    kinds = boxes(tmp_path / "a.mp4")
    assert kinds.index(b"moov") < kinds.index(b"mdat")


def test_mistakes_are_told_before_the_first_frame(tmp_path: Path, song: Path) -> None:
    text = tmp_path / "song.mp3"
    text.write_text("la la la")
    for name, audio, message in (
        ("a.mp4", Audio(text), r"song\.mp3 holds no sound that ffmpeg can read"),
        ("a.mp4", Audio(tmp_path / "none.mp3"), "there is no file .*none.mp3"),
        ("a.mp4", Audio(song, start=5), r"start is 5 s, and .*song\.wav ends at 3 s"),
        ("a.mp4", Audio(song, fade=-1), "fade is -1 s; it cannot be negative"),
        ("a.webp", Audio(song), "this kind of file has no sound; mp4, mov, webm, matroska have"),
    ):
        writer = open_writer(tmp_path / name, width=48, height=48, fps=FPS, audio=audio)
        with pytest.raises(EncodingError, match=f"{name}: .*{message}"):
            writer.start()
    assert [file.name for file in tmp_path.iterdir()] == ["song.mp3"]
