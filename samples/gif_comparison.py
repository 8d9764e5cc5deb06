"""GIF encoders side by side: ours, Pillow's, ffmpeg's, and gifski's and gifsicle's where they are installed.

Three clips of 50 frames at 512 × 512 and 25 frames a second: a blend of two samples drawn at 128 pixels and
enlarged, a slow gradient, and moving texture with hard edges. Columns:

    size     of the file
    PSNR     over all frames and channels, dB
    SSIM     of the luma, mean over every third frame (Wang et al. 2004: Gaussian window of 1.5 pixels)
    flicker  how unsteady areas are whose source moves by two levels or less from frame to frame: root mean
             square of (output's change - source's change) in levels, once by pixels and once by means of
             8 × 8 pixels, which is what is seen at arm's length
    CPU      processor time a frame, of all threads and processes
    rate     frames a second by the clock

    python -m samples.gif_comparison --clips morph      # a table of docs/gif.md; 3 minutes for all
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import render
from render.encoding import open_writer
from render.encoding.codecs import ffmpeg_path

COUNT, SIDE, FPS = 50, 512, 25
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
MORPH = """
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 2s, fps: 25, loop: true}
latents: {seeds: [3, 14]}
truncation: 0.7
blend: {low: portrait, high: ukiyoe, swap: [[0s, 256], [1s, 4], [end, 256]]}
outputs: [morph.gif]
"""


def morph() -> np.ndarray:
    """A blend of two sample networks, enlarged from 128 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "morph.yaml"
        file.write_text(MORPH)
        frames = list(render.frames(render.Preset.load(file)))
    enlarged = [Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.LANCZOS) for frame in frames]
    return np.stack([np.asarray(image) for image in enlarged])


def gradient() -> np.ndarray:
    """An evening sky that sways."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    stops = np.array([[22, 24, 60], [70, 44, 110], [176, 92, 120], [236, 164, 110]])
    frames = []
    for phase in np.arange(COUNT) * 2 * np.pi / COUNT:
        wave = rows + 0.35 * np.sin(1.5 * columns + 0.5 * np.sin(phase))
        height = 0.5 + 0.42 * np.sin(1.6 * wave - 0.8 + 0.25 * np.sin(phase))
        sky = np.stack([np.interp(height, [0, 0.35, 0.7, 1], stops[:, c]) for c in range(3)], axis=-1)
        frames.append(sky + 8 * np.cos(3 * columns - phase)[..., None] * np.array([-1, 0.6, 1]))
    return np.rint(np.stack(frames).clip(0, 255)).astype(np.uint8)


def busy() -> np.ndarray:
    """Three layers of texture that slide over each other, and discs on top."""
    rng = np.random.default_rng(5)
    layers = [
        sum(
            gaussian_filter(rng.standard_normal((SIDE, SIDE)), s, mode="wrap") * s * 1.2
            for s in (2, 6, 18, 40)
        )
        for _ in range(3)
    ]
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    frames = []
    for phase in np.arange(COUNT) * 2 * np.pi / COUNT:
        shifts = [(round(40 * np.sin(phase + c)), round(40 * np.cos(phase + 2 * c))) for c in range(3)]
        frame = np.stack(
            [np.roll(layer, s, (0, 1)) for layer, s in zip(layers, shifts, strict=True)], axis=-1
        )
        frame = 128 + 70 * frame
        for disc in range(5):
            x, y = 0.35 * np.cos(phase + disc * 1.3), 0.35 * np.sin(phase + disc * 1.9)
            inside = np.clip((0.09 - np.hypot(columns - x, rows - y)) * SIDE + 0.5, 0, 1)[..., None]
            colour = np.array([40 * disc + 200, 90 * disc + 30, 140 * disc + 90]) % 256
            frame = frame * (1 - inside) + inside * colour
        frames.append(frame)
    return np.rint(np.stack(frames).clip(0, 255)).astype(np.uint8)


CLIPS: dict[str, Callable[[], np.ndarray]] = {"morph": morph, "gradient": gradient, "busy": busy}


def ours(frames: np.ndarray, path: Path, **settings: float | str) -> None:
    """This project's writer, by itself with its defaults."""
    with open_writer(path, width=SIDE, height=SIDE, fps=FPS, **settings) as writer:
        for frame in frames:
            writer.write(frame)


def pillow(frames: np.ndarray, path: Path) -> None:
    """Pillow's `save` as its documentation shows it: a median cut for each frame, no dither."""
    first, *rest = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=rest, duration=1000 // FPS, loop=0)


def ffmpeg(*filters: str) -> Callable[[np.ndarray, Path], None]:
    """An ffmpeg command with or without filters."""

    def encode(frames: np.ndarray, path: Path) -> None:
        command = [
            ffmpeg_path(),
            "-v",
            "error",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{SIDE}x{SIDE}",
        ]
        command += ["-r", str(FPS), "-i", "-", *filters, "-y", str(path)]
        subprocess.run(command, input=frames.tobytes(), check=True)

    return encode


def gifski(frames: np.ndarray, path: Path) -> float:
    """gifski with its defaults; the seconds without writing the PNGs that it reads."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder) / f"{index:04}.png") for index in range(len(frames))]
        for frame, name in zip(frames, names, strict=True):
            Image.fromarray(frame).save(name, compress_level=0)
        start = time.perf_counter()
        command = ["gifski", "--quiet", "--fps", str(FPS), "--width", str(SIDE), "--output", str(path)]
        subprocess.run([*command, *names], check=True)
        return time.perf_counter() - start


def gifsicle(frames: np.ndarray, path: Path) -> None:
    """gifsicle's lossy mode on ffmpeg's file of one palette, as people chain them."""
    whole = path.with_name("whole.gif")
    ffmpeg("-vf", ONE_PALETTE)(frames, whole)
    command = ["gifsicle", "-O3", "--lossy=80", str(whole), "-o", str(path)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    whole.unlink()


ONE_PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
EACH_PALETTE = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"
ENCODERS: dict[str, tuple[Callable[[np.ndarray, Path], float | None], str]] = {
    "ours": (ours, ""),
    "ours, `palette: global`": (partial(ours, palette="global"), ""),
    "ours, `dither: 0`": (partial(ours, dither=0), ""),
    "ours, `dither: 0.5`": (partial(ours, dither=0.5), ""),
    "ours, `floyd-steinberg 0.5`": (partial(ours, dither="floyd-steinberg 0.5"), ""),
    "ours, `floyd-steinberg`": (partial(ours, dither="floyd-steinberg"), ""),
    "Pillow, default": (pillow, ""),
    "ffmpeg, default": (ffmpeg(), ""),
    "ffmpeg, one palette": (ffmpeg("-vf", ONE_PALETTE), ""),
    "ffmpeg, a palette each": (ffmpeg("-vf", EACH_PALETTE), ""),
    "gifski, default": (gifski, "gifski"),
    "ffmpeg + gifsicle --lossy=80": (gifsicle, "gifsicle"),
}


@dataclass(frozen=True)
class Result:
    """What one encoder made of one clip."""

    kilobytes: float
    psnr: float
    ssim: float
    flicker: float
    coarse_flicker: float
    cpu_ms: float
    rate: float


def measured(encode: Callable[[np.ndarray, Path], float | None], frames: np.ndarray) -> Result:
    """Encode a clip [N, H, W, 3] and compare what Pillow decodes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.gif"
        wall, cpu = time.perf_counter(), processor_seconds()
        seconds = encode(frames, path) or time.perf_counter() - wall
        cpu = processor_seconds() - cpu
        back, size = decoded(path), path.stat().st_size
    error = np.mean([np.mean((a.astype(np.float32) - b) ** 2) for a, b in zip(frames, back, strict=True)])
    likeness = np.mean([ssim(frames[i] @ LUMA, back[i] @ LUMA) for i in range(0, len(frames), 3)])
    psnr = float(10 * np.log10(255**2 / error))
    return Result(
        *(size / 1000, psnr, float(likeness), *flicker(frames, back)),
        *(1000 * cpu / len(frames), len(frames) / seconds),
    )


def processor_seconds() -> float:
    """Processor time of this process and of its children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def decoded(path: Path) -> np.ndarray:
    """All frames; one that is shown longer is repeated."""
    frames = []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            frames += [np.asarray(image.convert("RGB"))] * max(1, round(image.info["duration"] * FPS / 1000))
    return np.stack(frames)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two pictures [H, W] in 0–255."""

    def blur(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x, 1.5, truncate=3.5)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    light, structure = 0.01 * 255, 0.03 * 255
    top = (2 * mean_a * mean_b + light**2) * (2 * both + structure**2)
    return float((top / ((mean_a**2 + mean_b**2 + light**2) * (var_a + var_b + structure**2))).mean())


def flicker(frames: np.ndarray, back: np.ndarray) -> tuple[float, float]:
    """Unrest in areas that hardly move, by pixels and by means of 8 × 8; see the module."""
    fine, coarse = [], []
    for index in range(1, len(frames), 2):
        asked = frames[index].astype(np.float32) - frames[index - 1]
        extra = back[index].astype(np.float32) - back[index - 1] - asked
        still = np.abs(asked).max(axis=2) <= 2
        fine.append(extra[still] ** 2)
        calm = still.reshape(SIDE // 8, 8, SIDE // 8, 8).all(axis=(1, 3))
        coarse.append(extra.reshape(SIDE // 8, 8, SIDE // 8, 8, 3).mean(axis=(1, 3))[calm] ** 2)
    return tuple(float(np.sqrt(np.mean(np.concatenate(each)))) for each in (fine, coarse))


def main() -> None:
    """Print a table for each clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", default=",".join(CLIPS), help="some of them, with commas")
    for name in parser.parse_args().clips.split(","):
        frames = CLIPS[name]()
        print(f"\n| {name} | size kB | PSNR | SSIM | flicker | by 8 × 8 | CPU ms | rate |\n|{' --- |' * 8}")
        for title, (encode, program) in ENCODERS.items():
            if program and not shutil.which(program):
                continue
            r = measured(encode, frames)
            print(
                f"| {title} | {r.kilobytes:,.0f} | {r.psnr:.2f} | {r.ssim:.4f} | {r.flicker:.2f} | "
                f"{r.coarse_flicker:.2f} | {r.cpu_ms:.0f} | {r.rate:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
