"""MP4 files as a player sees them: colours, counts, durations, boxes. Decoded by ffmpeg, parsed by hand."""

from __future__ import annotations

import re
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from render.encoding import KNOWN_EXTENSIONS, conversion, open_writer
from render.encoding.codecs import CODECS, encoder_of, ffmpeg_path
from render.encoding.muxers import timescale
from render.errors import EncodingError

PARENTS = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"}


def write_clip(path: Path, frames: list[np.ndarray], fps: Fraction | int | str, **settings: object) -> None:
    height, width, _ = frames[0].shape
    with open_writer(path, width=width, height=height, fps=fps, **settings) as writer:
        for frame in frames:
            writer.write(frame)
    assert writer.frames_written == len(frames)


def decode(path: Path, pixel_format: str, *options: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-fps_mode", "passthrough", *options, "-f", "rawvideo", "-pix_fmt", pixel_format, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Every box of an MP4 in file order as (type, body), parents before their children."""
    found, place = [], 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + size]
        found.append((kind, body))
        if kind in PARENTS:
            found += boxes(body)
        place += size
    return found


def counting_frames(count: int, height: int = 32, width: int = 48) -> list[np.ndarray]:
    """Frames of even grey that tell their index."""
    return [np.full((height, width, 3), 20 + 4 * index, np.uint8) for index in range(count)]


def test_pure_red_is_bt709(tmp_path: Path) -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    write_clip(tmp_path / "red.mp4", [red] * 3, 30)
    yuv = np.frombuffer(decode(tmp_path / "red.mp4", "yuv420p"), np.uint8)[: 64 * 64 * 3 // 2]
    y, u, v = yuv[:4096], yuv[4096:5120], yuv[5120:]
    assert (np.unique(y), np.unique(u), np.unique(v)) == ([63], [102], [240])


@pytest.mark.parametrize(("known", "is_used"), [({"scale"}, False), ({"scale", "zscale"}, True), ((), True)])
def test_an_ffmpeg_without_zscale_converts_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: set[str], is_used: bool
) -> None:
    """One that does not say what it has is believed to have everything."""
    monkeypatch.setattr(conversion, "listed", lambda *_: frozenset(known))
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    with open_writer(tmp_path / "red.mp4", width=32, height=32, fps=30) as writer:
        assert ("zscale=" in " ".join(writer.command())) is is_used
        writer.write(red)
    assert np.frombuffer(decode(tmp_path / "red.mp4", "yuv420p"), np.uint8)[0] == 63


def test_colours_come_back(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:96, 0:128] / 128
    frame = np.stack([rows * 255, columns * 255, 255 - rows * 128], axis=-1).astype(np.uint8)
    write_clip(tmp_path / "ramp.mp4", [frame] * 2, 25)
    raw = decode(tmp_path / "ramp.mp4", "yuv444p", "-vf", "zscale,format=yuv444p")
    y, u, v = np.frombuffer(raw, np.uint8).reshape(2, 3, 96, 128)[1]
    # BT.709's own inverse; ffmpeg's usual way back to RGB rounds down, and shifts colours by half a pixel.
    luma, blue, red = (y - 16.0) / 219, (u - 128.0) / 224, (v - 128.0) / 224
    back = np.stack([luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue], axis=-1)
    error = back * 255 - frame
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.5
    assert np.sqrt((error**2).mean()) < 1.5


@pytest.mark.parametrize("fps", [24, 25, 30, 60, "24000/1001", "30000/1001", "25/2"])
@pytest.mark.parametrize("count", [1, 31])
def test_count_and_duration_are_exact(tmp_path: Path, fps: int | str, count: int) -> None:
    write_clip(
        tmp_path / "clip.mp4", counting_frames(count), fps, preset="ultrafast" if count == 1 else "medium"
    )
    found = dict(boxes((tmp_path / "clip.mp4").read_bytes()))
    _, runs, *table = struct.unpack_from(">II2I", found[b"stts"])
    ticks, duration = struct.unpack_from(">II", found[b"mdhd"], 12)
    movie_ticks, movie_duration = struct.unpack_from(">II", found[b"mvhd"], 12)
    assert runs == 1
    assert table[0] == count
    assert Fraction(table[1], ticks) == 1 / Fraction(fps)
    assert Fraction(duration, ticks) == Fraction(movie_duration, movie_ticks) == count / Fraction(fps)


def test_every_frame_arrives_in_order(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", counting_frames(50), 30)
    back = np.frombuffer(decode(tmp_path / "clip.mp4", "rgb24"), np.uint8).reshape(50, 32, 48, 3)
    means = back.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, 20 + 4 * np.arange(50), atol=1.5)


def test_key_frames_of_hevc_begin_anew(tmp_path: Path) -> None:
    """Closed groups of pictures: no picture refers to one before its key frame (IDR, not CRA)."""
    try:
        encoder_of(CODECS["hevc"])
    except EncodingError as error:
        pytest.skip(str(error))
    noise = np.random.default_rng(0).integers(0, 255, (16, 300, 3), np.uint8)
    frames = [np.ascontiguousarray(noise[:, index : index + 32]) for index in range(260)]
    write_clip(tmp_path / "clip.mp4", frames, 25, codec="hevc", preset="veryfast")
    command = [ffmpeg_path(), "-v", "error", "-i", str(tmp_path / "clip.mp4"), "-c", "copy"]
    command += ["-bsf:v", "hevc_mp4toannexb", "-f", "hevc", "-"]
    stream = subprocess.run(command, check=True, capture_output=True).stdout
    units = [stream[start.end()] >> 1 & 63 for start in re.finditer(rb"\x00\x00\x01", stream)]
    keys = [unit for unit in units if 16 <= unit <= 21]
    assert len(keys) == 2
    assert set(keys) <= {19, 20}


@pytest.mark.parametrize("name", ["clip.mp4", "CLIP.MP4", "clip.mov"])
def test_file_is_made_for_the_web(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / name, counting_frames(12), 30)
    kinds = [kind for kind, _ in boxes((tmp_path / name).read_bytes())]
    assert kinds.index(b"moov") < kinds.index(b"mdat")
    assert b"elst" not in kinds
    assert kinds.count(b"trak") == 1
    assert [file.name for file in tmp_path.iterdir()] == [name]
    report = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / name)], capture_output=True, text=True
    ).stderr
    assert "start: 0.000000" in report
    assert re.search(r"h264 .*yuv420p\(tv, bt709", report)
    assert "Audio" not in report


@pytest.mark.parametrize(("height", "width"), [(33, 47), (32, 47), (33, 48), (1, 1)])
def test_odd_sizes_repeat_the_edge(tmp_path: Path, height: int, width: int) -> None:
    frame = np.full((height, width, 3), 40, np.uint8)
    frame[-1], frame[:, -1] = 200, 200
    write_clip(tmp_path / "odd.mp4", [frame] * 2, 30, crf=1)
    even = (height + height % 2, width + width % 2)
    back = np.frombuffer(decode(tmp_path / "odd.mp4", "rgb24"), np.uint8).reshape(2, *even, 3)[0]
    padded = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    assert np.abs(back.astype(int) - padded).max() <= 12


def test_the_same_frames_make_the_same_file(tmp_path: Path) -> None:
    frames = counting_frames(10)
    write_clip(tmp_path / "a.mp4", frames, 30, threads=1)
    write_clip(tmp_path / "b.mp4", frames, 30, threads=1)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_frame_may_be_reused_and_strided(tmp_path: Path) -> None:
    canvas = np.zeros((32, 96, 3), np.uint8)
    with open_writer(tmp_path / "clip.mp4", width=48, height=32, fps=30) as writer:
        for level in range(0, 200, 10):
            canvas[:] = level
            writer.write(canvas[:, ::2])
    back = np.frombuffer(decode(tmp_path / "clip.mp4", "rgb24"), np.uint8).reshape(20, -1)
    np.testing.assert_allclose(back.mean(axis=1), np.arange(0, 200, 10), atol=1.5)


def test_lower_crf_is_closer(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    sizes = []
    for crf in (10, 40):
        write_clip(tmp_path / "clip.mp4", [noise] * 2, 30, crf=crf)
        sizes.append((tmp_path / "clip.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(60), Fraction(24000, 1001), Fraction(1, 3), Fraction(25, 2)]
)
def test_timescale_divides_evenly(rate: Fraction) -> None:
    assert (timescale(rate) / rate).denominator == 1
    assert 10_000 <= timescale(rate) < 2**31


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crf": 60}, r"crf is 60 for H.264; it runs from 0 \(best\) to 51"),
        ({"crf": -1}, "crf is -1; it runs from 0"),
        ({"codec": "vp9"}, "cannot hold vp9; choose one of h264, hevc, av1"),
        ({"codec": "divx"}, "codec is 'divx'; choose one of h264"),
        ({"bits": 10}, "bits is 10; H.264 has 8 a channel"),
        ({"bitrate": "fast"}, "bitrate is 'fast'; give bits a second, such as 5M"),
        ({"bitrate": "5M", "crf": 20}, "crf and bitrate are both given"),
        ({"preset": "quick"}, "preset is 'quick'; choose one of ultrafast"),
        ({"threads": -1}, "threads is -1"),
        ({"loop": True}, "unknown setting 'loop' for MP4 video; known are codec, crf, bitrate, preset, bits"),
    ],
)
def test_settings_are_checked(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        open_writer(tmp_path / "clip.mp4", width=8, height=8, fps=30, **settings)


@pytest.mark.parametrize("fps", [0, -3, "30fps", 23.976023976, float("nan"), None])
def test_rates_that_are_not_exact_are_refused(tmp_path: Path, fps: object) -> None:
    with pytest.raises(EncodingError, match=r"clip\.mp4: a.* frame rate"):
        open_writer(tmp_path / "clip.mp4", width=8, height=8, fps=fps)


@pytest.mark.parametrize("name", ["clip.avi", "clip", "clip.mp4.part"])
def test_unknown_extensions_are_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(EncodingError, match="extension") as caught:
        open_writer(tmp_path / name, width=8, height=8, fps=30)
    assert all(extension in str(caught.value) for extension in KNOWN_EXTENSIONS)
    assert list(tmp_path.iterdir()) == []
