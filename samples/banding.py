"""Bands in slow gradients: how video of 8 bits, dithered or not, and of 10 bits follows what was drawn.

A dark sky of 512 × 512 that sways for 25 frames, drawn in float. Each file is decoded to 16 bits by ffmpeg,
and the mean luma of 8 × 8 pixels is compared, since that is what is seen at arm's length. Columns, in levels:

    size    of the file
    error   root mean square of (means - the source's means)
    steps   the same of the differences between neighbouring means: the edges of bands
    crawl   the same of the differences from one frame to the next: bands that wander
    flat    how much of the picture looks flat: neighbouring means that are equal, where the source's are not

    python -m samples.banding              # the table of docs/output.md
    python -m samples.banding --dithers    # the ways of dithering
    python -m samples.banding --picture docs/pictures/bands.png
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from render.encoding import conversion, open_writer, video
from render.encoding.codecs import ffmpeg_path

SIDE, COUNT, FPS, BLOCK = 512, 25, 25, 8
FLAT = 0.02  # levels: a smaller difference is none
BACK = "zscale=matrixin=709:rangein=limited:matrix=gbr:range=full:dither=none,format=gbrp16le,format=rgb48le"
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
CONTRAST = 6  # of the picture


def sky(index: int) -> np.ndarray:
    """One frame, float32 [H, W, 3] in 0–1."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    phase = 2 * np.pi * index / 250  # a round of ten seconds
    height = rows + 0.1 * np.sin(2 * columns + phase) + 0.05 * np.sin(phase)
    glow = np.exp(-((columns - 0.5 - 0.1 * np.sin(phase)) ** 2 + (rows - 1) ** 2) / 0.3)
    levels = np.stack([22 + 16 * height + 14 * glow, 20 + 14 * height + 4 * glow, 40 + 26 * height], axis=-1)
    return (levels / 255).astype(np.float32)


def as_uint8(frame: np.ndarray) -> np.ndarray:
    """What a renderer of 8 bits gives."""
    return np.rint(frame * 255).astype(np.uint8)


def as_uint16(frame: np.ndarray) -> np.ndarray:
    """What a renderer of 16 bits gives."""
    return np.rint(frame * 65535).astype(np.uint16)


# A name, the extension, how frames are given, and the encoder's settings.
ROWS: list[tuple[str, str, Callable[[np.ndarray], np.ndarray], dict[str, object]]] = [
    ("H.264, 8-bit frames", "mp4", as_uint8, {}),
    ("H.264, no dither", "mp4", as_uint16, {"dither": False}),
    ("H.264, dithered", "mp4", as_uint16, {}),
    ("H.264, crf 23, 8-bit frames", "mp4", as_uint8, {"crf": 23}),
    ("H.264, crf 23, no dither", "mp4", as_uint16, {"crf": 23, "dither": False}),
    ("HEVC 8 bits, 8-bit frames", "mp4", as_uint8, {"codec": "hevc", "bits": 8}),
    ("HEVC 8 bits, dithered", "mp4", as_uint16, {"codec": "hevc", "bits": 8}),
    ("HEVC 10 bits", "mp4", as_uint16, {"codec": "hevc"}),
    ("AV1 8 bits, 8-bit frames", "mp4", as_uint8, {"codec": "av1", "bits": 8}),
    ("AV1 8 bits, dithered", "mp4", as_uint16, {"codec": "av1", "bits": 8}),
    ("AV1 10 bits", "mp4", as_uint16, {"codec": "av1"}),
    ("VP9 8 bits, 8-bit frames", "webm", as_uint8, {}),
    ("VP9 8 bits, dithered", "webm", as_uint16, {}),
    ("VP9 10 bits", "webm", as_uint16, {"bits": 10}),
    ("ProRes 422 HQ", "mov", as_uint16, {"codec": "prores"}),
    ("ProRes 4444", "mov", as_uint16, {"codec": "prores4444"}),
]


@dataclass(frozen=True)
class Result:
    """What became of the clip; see the module for the units."""

    kilobytes: float
    error: float
    steps: float
    crawl: float
    flat: float
    last: np.ndarray

    def __str__(self) -> str:
        return (
            f"{self.kilobytes:,.0f} | {self.error:.2f} | {self.steps:.2f} | {self.crawl:.2f} | "
            f"{self.flat:.0%} |"
        )


def measured(suffix: str, given: Callable[[np.ndarray], np.ndarray], settings: dict[str, object]) -> Result:
    """Encode the clip and compare what ffmpeg decodes."""
    source = [sky(index) for index in range(COUNT)]
    frames = [given(frame) for frame in source]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{suffix}"
        with open_writer(
            path, width=SIDE, height=SIDE, fps=FPS, dtype=frames[0].dtype.name, **settings
        ) as writer:
            for frame in frames:
                writer.write(frame)
        back, size = decoded(path), path.stat().st_size
    asked, found = (np.stack([means(frame) for frame in each]) for each in (source, back))
    off = found - asked
    edges = [np.diff(off, axis=axis) for axis in (1, 2)]
    still = [np.abs(np.diff(found, axis=axis)) < FLAT for axis in (1, 2)]
    moving = [np.abs(np.diff(asked, axis=axis)) > 2 * FLAT for axis in (1, 2)]
    flat = [s[m].mean() for s, m in zip(still, moving, strict=True)]
    return Result(
        *(size / 1000, rms(off), rms(*edges), rms(np.diff(off, axis=0)), float(np.mean(flat)), back[-1]),
    )


def rms(*values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.concatenate([value.ravel() for value in values]) ** 2)))


def means(frame: np.ndarray) -> np.ndarray:
    """Means of 8 × 8 pixels of a frame's luma in levels of 255: [H / 8, W / 8]."""
    luma = 255 * (frame @ LUMA)
    return luma.reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK).mean(axis=(1, 3))


def decoded(path: Path) -> np.ndarray:
    """All frames by ffmpeg, float32 [N, H, W, 3] in 0–1."""
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-vf", BACK, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return (np.frombuffer(raw, np.uint16).reshape(-1, SIDE, SIDE, 3) / 65535).astype(np.float32)


def picture(path: Path) -> None:
    """The middle of the last frame of four files, side by side, its contrast stretched."""
    wanted = ("H.264, 8-bit frames", "H.264, no dither", "H.264, dithered", "HEVC 10 bits")
    crops = []
    for title, *row in ROWS:
        if title in wanted:
            luma = measured(*row).last[160:416, 128:384] @ LUMA
            crops.append((luma - luma.mean()) * CONTRAST + 0.5)
    strip = np.concatenate([np.pad(crop, ((0, 0), (0, 6)), constant_values=1) for crop in crops], axis=1)
    Image.fromarray(np.rint(strip.clip(0, 1) * 255).astype(np.uint8)[:, :-6]).save(path, optimize=True)


def main() -> None:
    """Print a table, or draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dithers", action="store_true", help="H.264 with each of zscale's dithers")
    parser.add_argument("--picture", type=Path, help="write a picture instead")
    options = parser.parse_args()
    if options.picture:
        picture(options.picture)
        return
    print(f"| file | kB | error | steps | crawl | flat |\n|{' --- |' * 6}")
    if options.dithers:
        video.CODECS["h264"] = replace(video.CODECS["h264"], dithered=51)
        for crf in (17, 23):
            for dither in ("none", "ordered", "random", "error_diffusion"):
                conversion.DITHER = dither
                print(f"| crf {crf}, {dither} | {measured('mp4', as_uint16, {'crf': crf})}", flush=True)
        return
    for title, *row in ROWS:
        print(f"| {title} | {measured(*row)}", flush=True)


if __name__ == "__main__":
    main()
