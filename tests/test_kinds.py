"""Every kind of file with every setting: what ffmpeg or Pillow decodes is what was asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from render.encoding import claim, codecs, facts_of, open_writer
from render.encoding.video import VideoWriter
from render.errors import EncodingError

WIDTH, HEIGHT = 96, 64
BACK = "zscale=matrixin=709:rangein=limited:matrix=gbr:range=full,format=gbrp,format=rgb24"


class Kind(NamedTuple):
    """A kind of file: a name, the codec asked for, and who decodes it here."""

    name: str
    codec: str
    by_pillow: bool = False

    @property
    def settings(self) -> dict[str, str]:
        return {"codec": self.codec} if self.name[1:] in (".mp4", ".webm", ".mov", ".mkv") else {}


VIDEO = [
    Kind("a.mp4", "h264"),
    Kind("a.mp4", "hevc"),
    Kind("a.mp4", "av1"),
    Kind("a.webm", "vp9"),
    Kind("a.webm", "av1"),
    Kind("a.mov", "prores"),
    Kind("a.mov", "prores4444"),
    Kind("a.mkv", "ffv1"),
]
PICTURES = [
    Kind("a.gif", "gif", True),
    Kind("a.webp", "webp", True),
    Kind("a.apng", "apng", True),
    Kind("a.avif", "av1", True),
    Kind("a/%02d.png", "png", True),
]
ALL = [*VIDEO, *PICTURES]
ONE_OF_A_CODEC = list({kind.codec: kind for kind in reversed(ALL)}.values())[::-1]
WITH_CRF = [kind for kind in ONE_OF_A_CODEC if getattr(codecs.CODECS.get(kind.codec), "max_crf", 0)]
WITH_BITRATE = [kind for kind in WITH_CRF if kind.codec != "webp"]


def ids(kinds: list[Kind]) -> dict[str, object]:
    return {"argvalues": kinds, "ids": [f"{kind.name.partition('.')[2]}-{kind.codec}" for kind in kinds]}


def frame(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Soft colours that move, uint16 [H, W, 3]."""
    rows, columns = np.mgrid[0:height, 0:width] / width
    waves = [np.sin(5 * rows + index / 6), np.cos(4 * columns - index / 6), np.sin(3 * rows + 2 * columns)]
    return np.rint(65535 * (0.5 + 0.35 * np.stack(waves, axis=-1))).astype(np.uint16)


def record(
    folder: Path, kind: Kind, frames: Iterator[np.ndarray], fps: object = 25, **settings: object
) -> Path:
    """Write frames uint16; returns the file, or the folder of numbered pictures."""
    if kind.codec in ("hevc", "av1", "webp"):  # not in every ffmpeg
        try:
            codecs.encoder_of(codecs.CODECS[kind.codec])
        except EncodingError as error:
            pytest.skip(str(error))
    frames = list(frames)
    height, width, _ = frames[0].shape
    path = folder / kind.name
    options = kind.settings | settings
    with open_writer(path, width=width, height=height, fps=fps, dtype="uint16", **options) as writer:
        for each in frames:
            writer.write(each)
    return path.parent if "%" in kind.name else path


def decoded(path: Path) -> np.ndarray:
    """All frames by ffmpeg or Pillow, uint8 [N, H, W, 3]."""
    if path.is_dir():
        return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in sorted(path.iterdir())])
    if path.suffix in (".mp4", ".webm", ".mov", ".mkv"):
        facts = facts_of(path)
        command = [codecs.ffmpeg_path(), "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
        command += [*(() if facts.pixels.startswith(("gbr", "bgr")) else ("-vf", BACK))]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
        return np.frombuffer(raw, np.uint8).reshape(-1, facts.height, facts.width, 3)
    with Image.open(path) as image:
        shown = []
        for index in range(image.n_frames):
            image.seek(index)
            shown.append(np.asarray(image.convert("RGB")))
    return np.stack(shown)


def psnr(found: np.ndarray, frames: list[np.ndarray]) -> float:
    return float(-10 * np.log10(np.mean((found / 255 - np.stack(frames) / 65535) ** 2)))


@pytest.mark.parametrize("kind", **ids(ALL))
def test_frames_and_colours(tmp_path: Path, kind: Kind) -> None:
    frames = [frame(index) for index in range(6)]
    found = decoded(record(tmp_path, kind, frames))
    assert len(found) == 6
    assert psnr(found, frames) > {"gif": 34, "webp": 36}.get(kind.codec, 36 if kind.by_pillow else 40)


@pytest.mark.parametrize("kind", **ids(WITH_CRF))
def test_crf(tmp_path: Path, kind: Kind) -> None:
    rng = np.random.default_rng(0)
    frames = [
        frame(index) // 2 + rng.integers(0, 20_000, (HEIGHT, WIDTH, 1), np.uint16) for index in range(3)
    ]
    sizes, likeness = [], []
    most = codecs.CODECS[kind.codec].max_crf
    for share in (0.2, 0.8):
        path = record(tmp_path, kind, frames, crf=round(share * most), preset="fast")
        sizes.append(path.stat().st_size)
        likeness.append(psnr(decoded(path), frames))
    assert sizes[0] > 2 * sizes[1]
    assert likeness[0] > likeness[1] + 3


@pytest.mark.parametrize("kind", **ids(WITH_BITRATE))
def test_bitrate(tmp_path: Path, kind: Kind) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 65535, (HEIGHT, WIDTH, 3), np.uint16) for _ in range(25)]
    small, large = (
        record(tmp_path, kind, frames, bitrate=rate, preset="veryfast").stat().st_size
        for rate in ("400k", "1600k")
    )
    assert large == pytest.approx(200_000, rel=0.45)  # a second of noise at 1,600 kbit/s
    assert small < 0.65 * large


@pytest.mark.parametrize("speed", ["ultrafast", "veryslow"])
@pytest.mark.parametrize("kind", **ids([kind for kind in VIDEO if kind in ONE_OF_A_CODEC]))
def test_speeds(tmp_path: Path, kind: Kind, speed: str) -> None:
    frames = [frame(index, 48, 32) for index in range(3)]
    assert psnr(decoded(record(tmp_path, kind, frames, preset=speed)), frames) > 36


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), 240])
@pytest.mark.parametrize("kind", **ids(VIDEO))
def test_rates_of_video(tmp_path: Path, kind: Kind, fps: Fraction | int) -> None:
    path = record(tmp_path, kind, (frame(index, 48, 32) for index in range(12)), fps, preset="ultrafast")
    facts = facts_of(path)
    assert facts.frames == 12
    assert float(facts.fps) == pytest.approx(float(fps), rel=1e-5)


@pytest.mark.parametrize(
    "kind", **ids([Kind("a.gif", "gif"), Kind("a.webp", "webp"), Kind("a.apng", "apng")])
)
def test_rates_of_animations(tmp_path: Path, kind: Kind) -> None:
    """Each at the fastest rate of its own: a GIF counts hundredths of a second, WebP milliseconds."""
    fps = 50 if kind.codec == "gif" else 240
    path = record(tmp_path, kind, (frame(index, 48, 32) for index in range(12)), fps)
    with Image.open(path) as image:
        durations = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            durations.append(image.info["duration"])
    assert len(durations) == 12
    assert sum(durations) == pytest.approx(12_000 / fps, abs=1)


# White in the middle of a frame twice as wide as high.
WIDE = np.full((48, 96, 3), 65535, np.uint16)
WIDE[:, :24], WIDE[:, 72:] = 0, 0


INKS = {"bar": [192, 32, 64], "white": [255] * 3, "black": [0] * 3}
PLACES = {
    "pad": {(4, 4): "bar", (60, 60): "bar", (32, 32): "white", (32, 4): "black"},
    "crop": {(4, 32): "white", (60, 32): "white", (32, 26): "white"},
    "stretch": {(4, 32): "white", (60, 4): "black", (4, 60): "black"},
}


@pytest.mark.parametrize(
    ("kind", "fit"),
    [(kind, fit) for kind in ALL for fit in ("pad", "crop")] + [(ALL[0], "stretch")],
)
def test_sizes(tmp_path: Path, kind: Kind, fit: str) -> None:
    """The right shape and colours, with the background beside it; frames are fitted, then encoded."""
    path = record(tmp_path, kind, [WIDE] * 2, size=(64, 64), fit=fit, background="#c02040")
    found = decoded(path)[0].astype(int)
    assert found.shape == (64, 64, 3)
    for place, ink in PLACES[fit].items():
        assert np.abs(found[place] - INKS[ink]).max() <= 6, place


@pytest.mark.parametrize("kind", **ids(ALL))
@pytest.mark.parametrize("size", [(47, 33), (1, 1)])
def test_odd_sizes(tmp_path: Path, kind: Kind, size: tuple[int, int]) -> None:
    """Frames come back whole; or one line says what the codec takes."""
    frames = [frame(index, *size) for index in range(2)]
    if kind.codec in ("hevc", "av1") and size == (1, 1):
        with pytest.raises(EncodingError, match=r"takes pictures of 16 to 16,384 pixels a side, not 2 × 2$"):
            record(tmp_path, kind, frames)
        assert not list(tmp_path.iterdir())
        return
    found = decoded(record(tmp_path, kind, frames))
    assert len(found) == 2
    assert psnr(found[:, : size[1], : size[0]], frames) > (25 if size == (1, 1) else 34)


@pytest.mark.parametrize("kind", **ids(ALL))
def test_no_frames(tmp_path: Path, kind: Kind) -> None:
    good = record(tmp_path, kind, [frame(0)])
    before = decoded(good).tobytes()
    path = tmp_path / kind.name
    with (
        pytest.raises(EncodingError, match=r"no frame was written, so there is nothing to encode$"),
        open_writer(path, width=WIDTH, height=HEIGHT, fps=25, **kind.settings),
    ):
        pass
    assert decoded(good).tobytes() == before
    assert not [file for file in tmp_path.rglob("*") if ".part" in file.name]


@pytest.mark.parametrize("kind", **ids(ALL))
def test_sizes_beyond_what_is_possible(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(
        EncodingError, match=r"^\S+: (.* takes pictures of .*, not 70000 × 70000|70000×70000 is too)"
    ):
        open_writer(tmp_path / kind.name, width=70_000, height=70_000, fps=25, **kind.settings)


def test_a_gif_of_4097_pixels(tmp_path: Path) -> None:
    """More than many programs show, and whole."""
    frames = [frame(index, 4097, 3) for index in range(2)]
    found = decoded(record(tmp_path, Kind("a.gif", "gif"), frames))
    assert found.shape == (2, 3, 4097, 3)
    assert psnr(found, frames) > 34


@pytest.mark.parametrize("width", [16, 40, 48, 62])
def test_narrow_pictures_of_ten_bits(tmp_path: Path, width: int) -> None:
    """Widths at which x265's own fast code crashes."""
    frames = [frame(index, width, 40) for index in range(4)]
    assert psnr(decoded(record(tmp_path, Kind("a.mp4", "hevc"), frames)), frames) > 33


@pytest.mark.parametrize("fps", [60, 240])
def test_a_rate_that_no_gif_has(tmp_path: Path, fps: int) -> None:
    with pytest.raises(EncodingError, match=rf"cannot play {fps} frames a second exactly; .* it can is 50$"):
        open_writer(tmp_path / "a.gif", width=8, height=8, fps=fps)


def test_a_rate_beyond_the_codec_is_told_in_its_words(tmp_path: Path) -> None:
    kind = Kind("a.mp4", "av1")
    try:
        record(tmp_path, kind, (frame(index) for index in range(3)), fps=1000)
    except EncodingError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert str(error).endswith("ffmpeg failed: The maximum allowed frame rate is 240 fps")  # noqa: PT017
        assert not list(tmp_path.iterdir())
    else:
        assert VideoWriter  # libaom takes any


@pytest.mark.parametrize("kind", **ids([kind for kind in ALL if kind.name != "a/%02d.png"]))
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    """One line says so, and the file of that name is as it was."""
    (tmp_path / kind.name).write_bytes(b"good")

    def full(part: Path) -> Path:
        part.symlink_to("/dev/full")
        return part

    monkeypatch.setattr(claim, "fresh", full)
    with pytest.raises(EncodingError, match=r"No space left on device") as told:
        record(tmp_path, kind, [frame(0)] * 3)
    assert "\n" not in str(told.value)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(kind.name, b"good")]


@pytest.mark.parametrize("kind", **ids(ALL))
def test_a_folder_that_cannot_be_written(tmp_path: Path, kind: Kind) -> None:
    """Where a file stands in the place of a folder, which stops even root."""
    (tmp_path / "out").write_bytes(b"good")
    with pytest.raises(EncodingError, match=r"cannot be written: .*") as told:
        record(tmp_path / "out", kind, [frame(0)])
    assert "\n" not in str(told.value)
    assert (tmp_path / "out").read_bytes() == b"good"
