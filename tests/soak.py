"""One long render that is watched: memory, threads, processes and open files from frame to frame.

python tests/soak.py --frames 20000 --side 64     prints the figures as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))  # the package beside these tests
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from conftest import make_network, make_relative

import render
from render.checkpoints.native import save
from render.preset import Preset

FPS = 50
SAMPLES = 100  # in one render
SETTLED = 0.2  # of the frames, before which memory is still being found


def megabytes() -> float:
    """Resident memory of this process and of those it has started."""
    pages = 0
    for pid in (os.getpid(), *children()):
        with suppress(OSError):  # one that has just ended
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children() -> list[int]:
    """The processes that this one has started and that have not ended."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def film(folder: Path, frames: int, side: int, channels: int) -> Preset:
    """A swap that goes up and down, a walk and a caption that moves: what keeps no frame like another."""
    low = make_network(1, resolution=side, channel_base=channels * 8, channel_max=channels)
    save(low, folder / "low.safetensors")
    save(make_relative(low, 2), folder / "high.safetensors")
    swap = {"keys": [["0s", 4], ["2s", side], ["4s", 4]], "repeat": "loop"}
    return Preset(
        models={"a": str(folder / "low.safetensors"), "b": str(folder / "high.safetensors")},
        clip={"duration": f"{frames}f", "fps": FPS, "loop": True},
        latents={"seeds": list(range(100))},
        blend={"low": "a", "high": "b", "swap": swap},
        panels={"show": [{"show": "blend", "label": "{blend.swap:.1f}"}]},
        outputs=["soak.mp4"],
    )


def soak(frames: int, side: int, channels: int = 16) -> dict[str, float]:
    """Render so many frames; what was used, and what was left open. Memory is that after the first fifth."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preset = film(folder, frames, side, channels)
        render.render(preset.replace(clip={"duration": "30f", "fps": FPS, "loop": True}), out_dir=folder)
        before = {"threads": threading.active_count(), "processes": len(children()), "files": open_files()}
        seen: list[tuple[int, float]] = []
        every = max(1, frames // SAMPLES)

        def watch(done: int, total: int) -> None:
            if done % every == 0:
                seen.append((done, megabytes()))

        started = time.perf_counter()
        [path] = render.render(preset, out_dir=folder, progress=watch)
        seconds, size = time.perf_counter() - started, path.stat().st_size
        after = {"threads": threading.active_count(), "processes": len(children()), "files": open_files()}
    at, used = np.array([each for each in seen if each[0] > SETTLED * frames]).T
    slope = np.polyfit(at, used, 1)[0] * 1000
    return {
        "frames": frames,
        "seconds": round(seconds, 1),
        "most megabytes": round(float(used.max()), 1),
        "megabytes more in 1,000 frames": round(float(slope), 3),
        "megabytes from least to most": round(float(np.ptp(used)), 1),
        **{f"{kind} left open": after[kind] - before[kind] for kind in before},
        "bytes of film": size,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--channels", type=int, default=16)
    options = parser.parse_args()
    print(json.dumps(soak(options.frames, options.side, options.channels)))
