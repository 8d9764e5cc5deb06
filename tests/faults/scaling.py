"""How long a film takes with 1, 2 and 4 workers, and what the cost model of docs/scale.md says of it.

python -m tests.faults.scaling
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FRAMES, SEGMENT, WORKERS = 3200, 320, (1, 2, 4)
FILM = ("hello", "--set", "blend.swap=16", "--set", "panels=[blend]", "-o", "a.mp4")


def seconds(folder: Path, name: str, *more: str) -> float:
    """How long the command takes; `name` is of a folder for the film."""
    command = [sys.executable, "-m", "render", "render", *FILM, "--out-dir", str(folder / name), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.monotonic() - began


def clip(frames: int) -> tuple[str, str]:
    """The option for a clip of so many frames."""
    return "--set", f"clip.duration={frames}f"


def main() -> None:
    """Measure, and print a table."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seconds(folder, "warm", *clip(SEGMENT))
        few = seconds(folder, "few", *clip(SEGMENT))
        whole = seconds(folder, "whole", *clip(FRAMES), "--segment-frames", str(FRAMES))
        rate = (FRAMES - SEGMENT) / (whole - few)
        start = few - SEGMENT / rate
        parts = seconds(folder, "parts", *clip(FRAMES), "--segment-frames", str(SEGMENT))
        segments = math.ceil(FRAMES / SEGMENT)
        overhead = (parts - whole) / segments
        costs = f"{rate:.1f} frames/s; a segment costs {overhead:.2f} s"
        print(f"{cores} cores; start with models {start:.1f} s; {costs}")
        print(f"one process, one segment {whole:.1f} s; {segments} segments {parts:.1f} s, the join included")
        print("| workers | measured, s | model, s |\n| --- | --- | --- |")
        for count in WORKERS:
            measured = seconds(
                folder, f"w{count}", *clip(FRAMES), "--segment-frames", str(SEGMENT), "--workers", str(count)
            )
            busy = min(count, cores)
            rounds = math.ceil(segments / count) * count / busy
            # The driver starts first, then all workers at once, on the cores there are.
            model = start + start * count / busy + rounds * (SEGMENT / rate + overhead)
            print(f"| {count} | {measured:.1f} | {model:.1f} |", flush=True)
        films = {path.read_bytes() for path in [folder / "parts" / "a.mp4", *folder.glob("w[0-9]/a.mp4")]}
        print(f"all of them, but for the one of one segment, are the same file: {len(films) == 1}")


if __name__ == "__main__":
    main()
