"""The peak memory of a whole process that renders a clip, and one ten times as long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from render.bench.clips import preset_of, saved
from render.bench.report import Figure
from render.bench.subject import Subject
from render.errors import RenderError
from render.networks import StyleGAN2, StyleGAN2Config

SECONDS, QUICK_SECONDS, TIMES = 10, 1, 10
# A process counts what its parent held when it was started, so a small one starts it.
WATCHED = """\
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
CLIP = """\
clip: {{duration: {seconds}s, fps: 25, loop: true}}
latents: {{seeds: [3, 14, 15]}}
blend: {{low: one, high: one, swap: [[0s, 4], [end, 32]]}}
outputs: [clip.mp4]
"""


def figures(subject: Subject) -> list[Figure]:
    """Of a small network, whatever is measured otherwise: memory per frame would show all the same."""
    if not hasattr(os, "wait4"):
        return []  # Windows tells no peaks
    short = QUICK_SECONDS if subject.is_quick else SECONDS
    small = StyleGAN2(StyleGAN2Config(32, channel_base=1024, z_dim=64, w_dim=64)).eval().requires_grad_(False)
    with saved({"one": small}) as folder:
        peaks = {seconds: _peak(folder, seconds) for seconds in (short, TIMES * short)}
    return [
        Figure(
            "peak memory, network of 32 px",
            f"{seconds} s of 25 frames/s",
            share=peak / peaks[short],
            whole="the short one",
            amount=peak / 2**20,
            unit="MB",
        )
        for seconds, peak in peaks.items()
    ]


def _peak(folder: Path, seconds: int) -> int:
    """Bytes that a process of its own takes for a clip at its largest."""
    file = folder / f"{seconds}.yaml"
    file.write_text(preset_of(folder, ["one"], CLIP.format(seconds=seconds)).to_yaml(), encoding="utf-8")
    command = [sys.executable, "-m", "render", "render", str(file), "--quiet", "--out-dir", str(folder)]
    command += ["--device", "cpu", "--allow-broken"]
    told = subprocess.run([sys.executable, "-c", WATCHED, *command], stdout=subprocess.PIPE, text=True)
    if told.returncode:
        raise RenderError(f"a render whose memory is measured failed: {' '.join(command)}")
    return int(told.stdout) * (1 if sys.platform == "darwin" else 2**10)
