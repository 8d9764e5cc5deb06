"""How a video comes to a number of bytes: the crf that fits, as budgets find it, beside x264's two passes.

Three clips of 50 frames at 512 × 512, those of gif_comparison.py. Each is encoded with a crf; then two passes
are asked for the same number of bytes, and once more with the bitrate corrected by what they missed.

    python -m samples.budget_comparison      # the table of docs/output.md; a minute on one CPU core
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from render.encoding.codecs import ffmpeg_path
from samples.gif_comparison import CLIPS, COUNT, FPS, SIDE

CRFS = (24, 32)
_COLOURS = ("-vf", "scale=out_color_matrix=bt709,format=yuv420p")


def encode(frames: np.ndarray, *options: str) -> None:
    """x264 with its usual settings on frames uint8 [N, H, W, 3]; the file is the last option."""
    command = [ffmpeg_path(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{SIDE}x{SIDE}", "-r", str(FPS), "-i", "-", *_COLOURS, "-c:v", "libx264"]
    subprocess.run([*command, "-threads", "1", *options], input=frames.tobytes(), check=True)


def two_passes(frames: np.ndarray, bits: float, path: Path) -> int:
    """Encode with so many bits a second; returns the bytes of the file."""
    log = str(path.with_name("passes"))
    for number, target in ((1, ["-f", "null", "-"]), (2, ["-y", str(path)])):
        encode(frames, "-b:v", str(int(bits)), "-pass", str(number), "-passlogfile", log, *target)
    return path.stat().st_size


def psnr(frames: np.ndarray, path: Path) -> float:
    """Of a file against frames uint8 [N, H, W, 3], over all channels, in dB."""
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-vf", "scale=in_color_matrix=bt709"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    back = np.frombuffer(shown, np.uint8).reshape(frames.shape)
    return float(10 * np.log10(255**2 / np.mean((frames.astype(np.float32) - back) ** 2)))


def main() -> None:
    """Print the table."""
    print("| clip | crf | bytes | PSNR | two passes: first miss | bytes | PSNR |\n|" + " --- |" * 7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for name, make in CLIPS.items():
            frames = make()
            for crf in CRFS:
                encode(frames, "-crf", str(crf), "-y", str(path))
                size, quality = path.stat().st_size, psnr(frames, path)
                bits = size * 8 * FPS / COUNT
                first = two_passes(frames, bits, path)
                second = two_passes(frames, bits * size / first, path)
                print(
                    f"| {name} | {crf} | {size:,} | {quality:.2f} | {100 * (first / size - 1):+.1f} % | "
                    f"{second:,} | {psnr(frames, path):.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
