"""Films that play round and round: no frame twice, none missing, no gap in time, the seam a step like any."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import render
from render.encoding import open_writer
from render.encoding.codecs import ffmpeg_path
from render.encoding.inspection import boxes
from render.preset import Preset

COUNT, FPS, SIDE = 24, Fraction(24000, 1001), 64
FILMS = [
    ("a.mp4", {}),
    ("a.mp4", {"codec": "hevc"}),
    ("a.mov", {"codec": "prores"}),
    ("a.webm", {}),
    ("a.gif", {}),
]
LOOP = """
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 1s, fps: 25, loop: true}
latents: {seeds: [3, 14, 15], path: spline}
blend: {low: portrait, high: ukiyoe, swap: 8, weight: =0.5 - 0.5*cos(tau*u)}
panels: [blend]
outputs: [clip.mp4]
"""


def turning(index: int, count: int = COUNT) -> np.ndarray:
    """A wave that goes once round in `count` frames: every step is as large as any other."""
    angle = 2 * np.pi * index / count
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] * 2 * np.pi / SIDE
    waves = np.sin(columns + angle), np.cos(columns - angle), np.sin(rows + angle)
    return np.rint(127.5 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)


def record(path: Path, fps: Fraction = FPS, **settings: object) -> None:
    with open_writer(path, width=SIDE, height=SIDE, fps=fps, **settings) as writer:
        for index in range(COUNT):
            writer.write(turning(index))


def decoded(path: Path, width: int = SIDE, height: int = SIDE) -> np.ndarray:
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3).astype(int)


def moments(path: Path, *options: str) -> list[Fraction]:
    """When each frame is shown, in seconds, as ffmpeg reads it."""
    command = [ffmpeg_path(), "-v", "error", *options, "-i", str(path), "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "demux", "-copyts", "-f", "framecrc", "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    base = Fraction(next(line for line in shown.splitlines() if line.startswith("#tb")).split()[-1])
    return [int(line.split(",")[2]) * base for line in shown.splitlines() if line[:1].isdigit()]


def steps(frames: np.ndarray) -> np.ndarray:
    """How far each frame is from the one before, root mean square; the first from the last."""
    return np.sqrt(np.mean((frames - np.roll(frames, 1, axis=0)) ** 2, axis=(1, 2, 3)))


@pytest.mark.parametrize(("name", "settings"), FILMS)
def test_the_seam_is_a_step_like_any_other(tmp_path: Path, name: str, settings: dict[str, object]) -> None:
    record(tmp_path / name, Fraction(25) if name == "a.gif" else FPS, **settings)
    frames = decoded(tmp_path / name)
    assert len(frames) == COUNT
    walked, asked = steps(frames), steps(np.stack([turning(index) for index in range(COUNT)]).astype(int))
    assert walked == pytest.approx(asked, rel=0.1)
    assert frames[-1].mean() > 100, "no black at the end"


@pytest.mark.parametrize("settings", [{}, {"codec": "hevc"}, {"codec": "av1"}, {"crf": 30, "preset": "slow"}])
def test_played_twice_there_is_no_gap(tmp_path: Path, settings: dict[str, object]) -> None:
    """By ffmpeg, which begins the next round where the file says that it ends."""
    path = tmp_path / "a.mp4"
    record(path, **settings)
    once, twice = moments(path), moments(path, "-stream_loop", "1")
    assert once == [index / FPS for index in range(COUNT)]
    assert twice == [index / FPS for index in range(2 * COUNT)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_every_duration_in_the_file_is_that_of_its_frames(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    record(path)
    data = path.read_bytes()
    assert b"elst" not in boxes(path)
    for kind, place in ((b"mvhd", 12), (b"mdhd", 12)):
        ticks, duration = struct.unpack_from(">II", data, data.index(kind) + 4 + place)
        assert Fraction(duration, ticks) == COUNT / FPS, kind


@pytest.fixture
def loop(sample_folder) -> Preset:
    return Preset.from_yaml(LOOP)


def test_a_preset_with_loop_true(loop: Preset, tmp_path: Path) -> None:
    """All of the above for a film of moving networks, and its frames are those of the renderer."""
    [path] = render.render(loop, out_dir=tmp_path)
    frames, drawn = decoded(path, 16, 16), np.stack(list(render.frames(loop))).astype(int)
    assert len(frames) == len(drawn) == 25
    assert moments(path, "-stream_loop", "1") == [Fraction(index, 25) for index in range(50)]
    walked = steps(drawn)
    assert walked.min() > 0.3, "every frame moves"
    assert walked[0] < 1.5 * max(walked[1], walked[-1]), "the seam is no longer step than those beside it"
    luma = (frames - drawn) @ [0.2126, 0.7152, 0.0722]  # other colours are shared by four pixels
    assert np.sqrt(np.mean(luma**2)) < 4
    assert steps(frames)[0] < 1.5 * walked.max()
    assert frames[-1].mean() > 100, "no black at the end"


def test_without_loop_the_last_frame_is_the_end(loop: Preset) -> None:
    """100% is another moment than 0%, and is shown."""
    still = loop.replace(clip={"duration": "1s", "fps": 25}, blend={"low": "portrait", "high": "ukiyoe"})
    with_end = still.replace(truncation="=0.2 + 0.8*u")
    frames = list(render.frames(with_end))
    assert len(frames) == 25
    last = list(render.frames(with_end.replace(truncation=1.0)))[-1]
    np.testing.assert_array_equal(frames[-1], last)
