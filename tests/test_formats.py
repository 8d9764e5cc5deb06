"""Every kind of file, decoded again by ffmpeg or Pillow: frames, rate, colours, flags; and deep frames."""

from __future__ import annotations

import os
import re
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from render.encoding import codecs, open_writer
from render.encoding.framing import Framing
from render.errors import EncodingError

WIDTH, HEIGHT, COUNT, FPS = 128, 96, 10, 25
TO_RGB = "zscale=matrixin=709:rangein=limited:matrix=gbr:range=full,format=gbrp16le,format=rgb48le"

# Name, settings, PSNR at least (dB, of float frames), and what ffmpeg says of the file.
VIDEOS = [
    ("a.mp4", {}, 44, r"h264 \(High\) .*yuv420p\(tv, bt709"),
    ("a.mp4", {"codec": "hevc", "bits": 8}, 43, r"hevc \(Main\) \(hvc1 .*yuv420p\(tv, bt709"),
    ("a.mp4", {"codec": "hevc"}, 45, r"hevc \(Main 10\) \(hvc1 .*yuv420p10le\(tv, bt709"),
    ("a.mp4", {"codec": "av1"}, 46, r"av1 .*yuv420p10le\(tv, bt709"),
    ("a.webm", {"preset": "fast"}, 43, r"vp9 .*yuv420p\(tv, bt709"),
    ("a.webm", {"codec": "av1"}, 46, r"av1 .*yuv420p10le\(tv, bt709"),
    ("a.mov", {"codec": "prores"}, 58, r"prores \(HQ\) \(apch .*yuv422p10le\((tv, )?bt709"),
    ("a.mov", {"codec": "prores4444"}, 60, r"prores \(4444\) \(ap4h .*yuv444p1.le\((tv, )?bt709"),
]
LOSSLESS = [
    ("a.mkv", r"ffv1.*gbrp16le"),
    ("a.apng", r"apng, rgb48be"),
    ("pictures/%03d.png", r"png, rgb48be"),
]


def field(index: int) -> np.ndarray:
    """A frame of smooth colour that moves, float32 [H, W, 3] in [0, 1]."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] / WIDTH
    red = 0.5 + 0.4 * np.sin(4 * rows + index / 10)
    green = 0.5 + 0.4 * np.cos(3 * columns - index / 10)
    blue = 0.3 + 0.3 * np.sin(2 * rows + 3 * columns)
    return np.stack([red, green, blue], axis=-1).astype(np.float32)


def as_type(frame: np.ndarray, dtype: str) -> np.ndarray:
    top = {"uint8": 255, "uint16": 65535, "float32": None}[dtype]
    return np.rint(frame * top).astype(dtype) if top else frame


def record(path: Path, dtype: str = "float32", fps: object = FPS, **settings: object) -> None:
    with open_writer(path, width=WIDTH, height=HEIGHT, fps=fps, dtype=dtype, **settings) as writer:
        for index in range(COUNT):
            writer.write(as_type(field(index), dtype))


def decoded(path: Path, colours: str = TO_RGB, kind: str = "uint16") -> np.ndarray:
    """All frames by ffmpeg, [N, H, W, 3] over the range of `kind`."""
    command = [codecs.ffmpeg_path(), "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
    command += ["-vf", colours, "-f", "rawvideo", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, kind).reshape(-1, HEIGHT, WIDTH, 3)


def by_pillow(path: Path) -> tuple[np.ndarray, list[float]]:
    """Frames [N, H, W, 3] in 0–1 and their durations in ms."""
    frames, durations = [], []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            frames.append(np.asarray(image.convert("RGB")) / 255)
            durations.append(image.info.get("duration"))
    return np.stack(frames), durations


def report(path: Path) -> str:
    shown = subprocess.run([codecs.ffmpeg_path(), "-i", str(path)], capture_output=True, text=True)
    return shown.stderr


EVERYWHERE = ("h264", "vp9", "ffv1", "prores", "prores4444")


def psnr(frames: np.ndarray) -> float:
    """Of decoded frames, against the frames that were written."""
    asked = np.stack([field(index) for index in range(COUNT)])
    return float(-10 * np.log10(np.mean((frames - asked) ** 2)))


def needs(codec: str) -> None:
    """Skips where the ffmpeg at hand was built without the encoder; every build has those of EVERYWHERE."""
    if codec in EVERYWHERE:
        return
    try:
        codecs.encoder_of(codecs.CODECS[codec])
    except EncodingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "settings", "quality", "words"), VIDEOS)
def test_video(tmp_path: Path, name: str, settings: dict[str, object], quality: float, words: str) -> None:
    needs(settings.get("codec", "vp9" if name.endswith("webm") else "h264"))
    record(tmp_path / name, **settings)
    frames, said = decoded(tmp_path / name), report(tmp_path / name)
    assert len(frames) == COUNT
    assert psnr(frames / 65535) > quality
    assert re.search(words, said)
    assert "25 fps" in said
    assert re.search(r"Duration: 00:00:00.40, start: 0.000000", said)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("name", "words"), LOSSLESS)
def test_lossless_files_keep_every_pixel(tmp_path: Path, name: str, words: str, dtype: str) -> None:
    record(tmp_path / name, dtype)
    kind = "uint8" if dtype == "uint8" else "uint16"
    colours = "format=rgb24" if dtype == "uint8" else "format=rgb48le"
    frames = decoded(tmp_path / name, colours, kind)
    np.testing.assert_array_equal(frames, [as_type(field(index), kind) for index in range(COUNT)])
    if dtype != "uint8":
        assert re.search(words, report(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "quality", "exact"), [("a.webp", 37, True), ("a.apng", 50, True), ("a.avif", 39, False)]
)
def test_animated_pictures(tmp_path: Path, name: str, quality: float, exact: bool) -> None:
    needs({"a.webp": "webp", "a.apng": "apng", "a.avif": "av1"}[name])
    record(tmp_path / name, "uint8")
    frames, durations = by_pillow(tmp_path / name)
    assert len(frames) == COUNT
    assert psnr(frames) > quality
    if exact:
        assert durations == [40] * COUNT
    else:  # Pillow reads no durations from it
        assert "Duration: 00:00:00.40" in report(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_gifs_take_deep_frames(tmp_path: Path, dtype: str) -> None:
    for kind in (dtype, "uint8"):
        record(tmp_path / f"{kind}.gif", kind)
    assert (tmp_path / f"{dtype}.gif").read_bytes() == (tmp_path / "uint8.gif").read_bytes()


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize(("bits", "black", "white"), [(8, 16, 235), (10, 64, 940)])
def test_black_and_white_of_deep_frames_are_exact(
    tmp_path: Path, value: float, bits: int, black: int, white: int
) -> None:
    needs("hevc")
    frame = np.full((64, 64, 3), value, np.float32)
    with open_writer(
        tmp_path / "a.mp4", width=64, height=64, fps=25, dtype="float32", codec="hevc", bits=bits
    ) as writer:
        writer.write(frame)
    kind = "yuv420p" if bits == 8 else "yuv420p10le"
    command = [codecs.ffmpeg_path(), "-v", "error", "-i", str(tmp_path / "a.mp4"), "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", kind, "pipe:1"], check=True, capture_output=True).stdout
    luma = np.frombuffer(raw, np.uint8 if bits == 8 else np.uint16)[: 64 * 64]
    assert np.unique(luma) == [white if value else black]


def test_dither_hides_the_bands_of_a_slow_gradient(tmp_path: Path) -> None:
    """Local means of a ramp of nine levels follow it, where rounding makes steps."""
    ramp = np.tile(np.linspace(0.3, 0.34, 256, dtype=np.float32)[:, None], (64, 1, 3)).reshape(64, 256, 3)
    off = {}
    for dither in (False, True):
        with open_writer(
            tmp_path / "a.mkv",
            width=256,
            height=64,
            fps=25,
            dtype="float32",
            codec="h264",
            crf=1,
            dither=dither,
        ) as writer:
            writer.write(ramp)
        command = [codecs.ffmpeg_path(), "-v", "error", "-i", str(tmp_path / "a.mkv"), "-f", "rawvideo"]
        raw = subprocess.run([*command, "-pix_fmt", "yuv420p", "-"], check=True, capture_output=True).stdout
        luma = np.frombuffer(raw, np.uint8)[: 64 * 256].reshape(64, 256)
        means = (luma - (16 + 219 * ramp[..., 0])).reshape(8, 8, 32, 8).mean(axis=(1, 3))
        off[dither] = means.std()
    assert off[True] < off[False] / 3


@pytest.mark.parametrize(("crf", "dither"), [(None, "ordered"), (18, "ordered"), (19, "none"), (30, "none")])
def test_dots_are_made_only_where_they_survive(tmp_path: Path, crf: int | None, dither: str) -> None:
    writer = open_writer(tmp_path / "a.mp4", width=8, height=8, fps=25, dtype="uint16", crf=crf)
    if "zscale" in " ".join(writer.command()):
        assert f"dither={dither}:" in " ".join(writer.command())


def test_deep_red_is_the_same_red(tmp_path: Path) -> None:
    """Its exact luma is 62.6: dots of 62 and 63 that come to that, where 8 bits have 63."""
    red = np.zeros((64, 64, 3), np.uint16)
    red[..., 0] = 65_535
    for dither in (True, False):
        with open_writer(
            tmp_path / "a.mp4", width=64, height=64, fps=25, dtype="uint16", crf=1, dither=dither
        ) as writer:
            writer.write(red)
        command = [codecs.ffmpeg_path(), "-v", "error", "-i", str(tmp_path / "a.mp4"), "-f", "rawvideo"]
        raw = subprocess.run([*command, "-pix_fmt", "yuv420p", "-"], check=True, capture_output=True).stdout
        y, u, v = np.split(np.frombuffer(raw, np.uint8), [4096, 5120])
        if dither:
            assert set(np.unique(y)) == {62, 63}
            assert y.mean() == pytest.approx(16 + 219 * 0.2126, abs=0.05)
        else:
            assert set(np.unique(y)) == {63}
        assert (round(u.mean()), round(v.mean())) == (102, 240)


def test_a_bitrate_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with open_writer(tmp_path / "a.mp4", width=128, height=96, fps=25, bitrate="400k") as writer:
        for _ in range(75):
            writer.write(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8))
    assert (tmp_path / "a.mp4").stat().st_size == pytest.approx(400_000 / 8 * 3, rel=0.25)


def test_an_ffmpeg_without_the_encoder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "listed", lambda *_: frozenset({"libx264", "png"}))
    with pytest.raises(
        EncodingError, match=r"no encoder for AV1 \(libsvtav1 or libaom-av1\); it can write H"
    ):
        record(tmp_path / "a.mp4", codec="av1")
    assert list(tmp_path.iterdir()) == []
    record(tmp_path / "a.mp4")


def test_half_an_answer_is_none(tmp_path: Path) -> None:
    """An ffmpeg that dies while it says what it has must not be taken for one that has less."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' ... zscale V->V Resize'\nkill -9 $$\n")
    program.chmod(0o755)
    with pytest.raises(EncodingError, match=r"ffmpeg was asked -filters, and it was killed by SIGKILL"):
        codecs.listed(str(program), "filters")
    changed = program.stat().st_mtime_ns
    program.write_text("#!/bin/sh\necho ' ... zscale V->V Resize'\n")
    os.utime(program, ns=(changed, changed))
    assert codecs.listed(str(program), "filters") == {"zscale"}


def test_what_is_asked_ahead_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(program: str, question: str) -> str:
        asked.append(question)
        time.sleep(0.05)
        return f" V....D {question[1:]} of this test\n"

    monkeypatch.setattr(codecs, "_answer", answer)
    codecs._listed.cache_clear()
    try:
        asking = codecs.ask_ahead()
        while not asked:
            time.sleep(0.001)
        answers = [codecs.listed(codecs.ffmpeg_path(), what) for what in ("encoders", "filters", "encoders")]
        asking.join()  # or it would keep this test's answers for those after it
        assert answers == [{"encoders"}, {"filters"}, {"encoders"}]
        assert sorted(asked) == ["-encoders", "-filters"]
    finally:
        codecs._listed.cache_clear()


def test_the_second_best_encoder_is_used_where_the_best_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "listed", lambda *_: frozenset({"libaom-av1"}))
    encoder = codecs.encoder_of(codecs.CODECS["av1"])
    assert encoder.name == "libaom-av1"
    assert encoder.speed("medium") == ["-cpu-used", "5"]


def test_speeds_are_complete() -> None:
    for codec in codecs.CODECS.values():
        for encoder in codec.encoders:
            assert len(encoder.speeds) in (0, len(codecs.SPEEDS))


def test_sequences_replace_only_their_own(tmp_path: Path) -> None:
    name = tmp_path / "a" / "f%02d.png"
    record(name, "uint8")
    record(name, "uint8")
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == [f"f{i:02}.png" for i in range(COUNT)]
    (tmp_path / "a" / "notes.txt").write_text("mine")
    with pytest.raises(EncodingError, match=r"a holds other files \(notes.txt\)"):
        record(name, "uint8")
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_failed_sequence_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with open_writer(tmp_path / "a" / "%d.png", width=WIDTH, height=HEIGHT, fps=25) as writer:
            writer.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_framing(dtype: str) -> None:
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    frame = np.full((40, 80, 3), top, dtype)
    frame[:, :20] = 0
    padded = Framing((40, 40), "pad", "#ff0000").apply(frame)
    assert padded.shape == (40, 40, 3)
    assert padded.dtype == dtype
    np.testing.assert_array_equal(padded[0, 0], [top, 0, 0])
    np.testing.assert_array_equal(padded[9, 0], [top, 0, 0])
    np.testing.assert_array_equal(padded[10, 39], [top] * 3)
    np.testing.assert_array_equal(padded[30, 39], [top, 0, 0])
    cropped = Framing((40, 40), "crop").apply(frame)
    np.testing.assert_array_equal(cropped, frame[:, 20:60])
    assert Framing((30, 90), "stretch").apply(frame).shape == (90, 30, 3)
    assert Framing((80, 40)).apply(frame) is frame


def test_a_file_may_have_another_size(tmp_path: Path) -> None:
    record(tmp_path / "a.apng", "uint8", size=(60, 60), fit="crop")
    with Image.open(tmp_path / "a.apng") as image:
        assert image.size == (60, 60)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 5)}, r"size is \(0, 5\); give a width and a height"),
        ({"size": (9, 9), "fit": "zoom"}, "fit is 'zoom'; choose one of pad, crop, stretch"),
        ({"size": (9, 9), "background": "blac"}, "background is 'blac'; give a colour"),
        ({"dtype": "int8"}, "frames cannot be int8; choose one of uint8, uint16, float32"),
        ({"codec": "prores4444", "crf": 17}, "crf is 17 for ProRes 4444; it has one quality only"),
        ({"codec": "prores", "bitrate": "5M"}, "ProRes 422 HQ has no bitrate to choose"),
    ],
)
def test_settings_are_checked(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        open_writer(tmp_path / "a.mov", **{"width": 8, "height": 8, "fps": 25, **settings})


def test_pictures_replace_those_of_an_earlier_run_and_nothing_beside_them(tmp_path: Path) -> None:
    mine = tmp_path / "frames.old"
    mine.mkdir()
    (mine / "mine.txt").write_text("mine")
    for count in (3, 2):
        with open_writer(tmp_path / "frames" / "%05d.png", width=8, height=8, fps=25) as writer:
            for level in range(count):
                writer.write(np.full((8, 8, 3), 40 * level, np.uint8))
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == ["00000.png", "00001.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "frames.old"]
    assert (mine / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["a.png", "%d-%d.png", "%s.png"])
def test_pictures_need_one_number(tmp_path: Path, name: str) -> None:
    with pytest.raises(EncodingError, match=r"%05d"):
        open_writer(tmp_path / name, width=8, height=8, fps=25)


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), 60])
def test_rates_of_animated_pictures_do_not_drift(tmp_path: Path, fps: Fraction | int) -> None:
    """WebP counts whole milliseconds: frames last 16 or 17, and the sum is right."""
    record(tmp_path / "a.webp", "uint8", fps=fps)
    assert sum(by_pillow(tmp_path / "a.webp")[1]) == pytest.approx(float(1000 * COUNT / fps), abs=1)
