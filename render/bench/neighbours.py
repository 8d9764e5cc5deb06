"""What a second render on the same machine costs the first: where it gives way, and where it would not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from render.bench.clips import preset_of, saved
from render.bench.report import Figure
from render.bench.subject import Subject
from render.errors import RenderError

FRAMES, QUICK_FRAMES, LONGER = 100, 5, 50
CLIP = """\
clip: {{duration: {frames}f, fps: 25}}
latents: {{seeds: [3, 14]}}
outputs: [{name}.mp4]
"""


def figures(subject: Subject) -> list[Figure]:
    """The first render's time alone, and beside another one that begins as soon as this one renders."""
    if subject.device.type != "cpu":
        return []
    frames = QUICK_FRAMES if subject.is_quick else FRAMES
    with saved({"one": subject.generator}) as folder:
        alone = _seconds(folder, frames, None)
        beside = {
            "gives way": _seconds(folder, frames, "same"),
            "does not": _seconds(folder, frames, "other"),
        }
    rows = {"alone": alone} | {f"beside one that {word}": seconds for word, seconds in beside.items()}
    return [
        Figure(f"a render of {frames} frames", path, seconds=seconds / frames, speedup=alone / seconds)
        for path, seconds in rows.items()
    ]


def _seconds(folder: Path, frames: int, neighbour: str | None) -> float:
    """How long a render takes; the neighbour knows of it if they have the `same` folder for such notes."""
    places = {name: folder / name for name in ("same", "other")}
    for place in places.values():
        place.mkdir(exist_ok=True)
    other = None
    began = time.perf_counter()
    first = _start(folder, "first", frames, places["same"])
    try:
        if neighbour:
            while first.poll() is None and not any(places["same"].glob("*.lock")):
                time.sleep(0.01)  # until the first one counts as rendering
            other = _start(folder, "second", LONGER * frames, places[neighbour])
        if first.wait():
            raise RenderError("a render that is measured failed")
        return time.perf_counter() - began
    finally:
        for process in filter(None, (first, other)):
            process.kill()
            process.wait()


def _start(folder: Path, name: str, frames: int, place: Path) -> subprocess.Popen:
    """A render in a process of its own."""
    file, out = folder / f"{name}.yaml", folder / f"{name}-films"
    file.write_text(
        preset_of(folder, ["one"], CLIP.format(frames=frames, name=name)).to_yaml(), encoding="utf-8"
    )
    command = [sys.executable, "-m", "render", "render", str(file), "--quiet", "--fresh", "--allow-broken"]
    command += ["--device", "cpu", "--out-dir", str(out)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | {"TMPDIR": str(place)}, **silent)
