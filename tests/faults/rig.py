"""A film of tiny networks, rendered by the command in a process of its own that may be killed any time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from render.production.manifest import digest_of

FRAMES, SEGMENT = 30, 6
OUTPUTS = ("a.mp4", "b.gif")
PATIENCE_SECONDS = 120
PRESET = f"""\
version: 1
models: {{one: low.safetensors, two: high.safetensors}}
clip: {{duration: {FRAMES}f, fps: 12.5, loop: true}}
latents: {{seeds: [3, 14, 15]}}
blend: {{low: one, high: two, swap: [[0s, 4], [50%, 32], [end, 4]]}}
panels: [low, blend, high]
outputs: [a.mp4, b.gif]
"""

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["render.production.crew"])


def _command(folder: str, arguments: list[str], leap: float) -> None:
    """The command `blendreel` in a process that has imported everything already.

    leap  seconds by which the clock jumps when the process has been there for a moment
    """
    os.setsid()
    if leap:
        clock, began = time.time, time.monotonic()
        time.time = lambda: clock() + (leap if time.monotonic() > began + 0.3 else 0)
    from render.cli import main

    with (Path(folder) / "log.txt").open("a") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
        sys.stdout = sys.stderr = log
        main(arguments)


@dataclass
class Rig:
    """A folder with a preset, and renders of it. `clean`: the sha256 of the files that nothing disturbed."""

    folder: Path
    clean: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # that an undisturbed render takes

    @classmethod
    def build(cls, folder: Path) -> Rig:
        """Write models and preset, and render once in peace."""
        from render.checkpoints.native import save
        from tests.conftest import make_network, make_relative

        low = make_network(seed=1)
        save(low, folder / "low.safetensors")
        save(make_relative(low, seed=2), folder / "high.safetensors")
        (folder / "clip.yaml").write_text(PRESET)
        rig = cls(folder)
        for name in ("warm", "clean"):
            began = time.monotonic()
            assert rig.run(name) == 0, rig.said()
            rig.seconds = time.monotonic() - began
        rig.clean = rig.files("clean")
        assert sorted(rig.clean) == sorted(OUTPUTS)
        return rig

    def start(self, out: str, *more: str, leap: float = 0) -> multiprocessing.Process:
        """Begin a render into a folder; `leap`: see `_command`."""
        arguments = ["render", str(self.folder / "clip.yaml"), "--out-dir", str(self.folder / out)]
        arguments += ["--segment-frames", str(SEGMENT), "--batch-size", "3", "--device", "cpu", *more]
        process = CONTEXT.Process(target=_command, args=(str(self.folder), arguments, leap))
        process.start()
        return process

    def run(self, out: str, *more: str) -> int:
        """Render to the end; returns the exit code."""
        process = self.start(out, *more)
        process.join(PATIENCE_SECONDS)
        assert process.exitcode is not None, "hangs"
        return process.exitcode

    def files(self, out: str) -> dict[str, str]:
        """The sha256 of what has its name."""
        folder = self.folder / out
        names = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        return {path.name: digest_of(path) for path in names if path.suffix in (".mp4", ".gif")}

    def said(self) -> str:
        """What all renders said."""
        return (self.folder / "log.txt").read_text()

    def losses(self, out: str) -> int:
        """Go on with a disturbed render; returns how many files are not what an undisturbed one gives."""
        for name, digest in self.files(out).items():
            assert digest == self.clean[name], f"{name} has its name and is not whole"
        assert self.run(out) == 0, self.said()[-2000:]
        found = self.files(out)
        left = [path.name for path in (self.folder / out).iterdir() if path.name not in OUTPUTS]
        assert not left, left
        return sum(found.get(name) != digest for name, digest in self.clean.items())

    def moment(self, seed: int) -> float:
        """A random moment of a render, in seconds after its start."""
        return random.Random(seed).uniform(0.02, 1.1 * self.seconds)


def children(pid: int) -> list[int]:
    """The processes that a process has begun."""
    found = []
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, each.read_text().split())
    return found


def killed_encoder(rig: Rig, out: str, seed: int) -> bool:
    """Kill one of the ffmpegs of a render at a random moment; returns whether there was one to kill."""
    process = rig.start(out)
    time.sleep(rig.moment(seed))
    while process.is_alive():
        if encoders := children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.Random(seed).choice(encoders), signal.SIGKILL)
            process.join(PATIENCE_SECONDS)
            assert process.exitcode in (0, 3), rig.said()[-2000:]
            return True
        time.sleep(0.002)
    return False


QUESTIONS = ("-version", "-encoders", "-filters")


def killed_answer(rig: Rig, out: str, seed: int) -> bool:
    """Kill the ffmpeg that is asked what it has; returns whether one was seen."""
    return killed_at_work(rig, out, QUESTIONS[seed % len(QUESTIONS)])


def killed_joiner(rig: Rig, out: str, seed: int) -> bool:
    """Kill the ffmpeg that joins the pieces; returns whether it was seen."""
    return killed_at_work(rig, out, "concat")


def killed_at_work(rig: Rig, out: str, word: str) -> bool:
    """Kill an ffmpeg that was called with a word; returns whether one was seen."""
    process, hit = rig.start(out), False
    while process.is_alive() and not hit:
        for pid in children(process.pid):
            with contextlib.suppress(OSError):
                if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)
                    hit = True
        time.sleep(0.001)
    process.join(PATIENCE_SECONDS)
    assert process.exitcode in (0, 3), rig.said()[-2000:]
    return hit


def killed_renderer(rig: Rig, out: str, seed: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal to a render at a random moment; returns whether it was still at work."""
    process = rig.start(out)
    time.sleep(rig.moment(seed))
    was_alive = process.is_alive()
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
    process.join(PATIENCE_SECONDS)
    assert process.exitcode is not None, "hangs"
    return was_alive


def killed_worker(rig: Rig, out: str, seed: int) -> bool:
    """Kill one of two workers at a random moment; the others finish the film."""
    process = rig.start(out, "--workers", "2")
    time.sleep(rig.moment(seed))
    hit = False
    while process.is_alive() and not hit:
        # Workers are children of a server of their own; they draw where an ffmpeg is their child.
        workers = [pid for server in children(process.pid) for pid in children(server) if children(pid)]
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.Random(seed).choice(workers), signal.SIGKILL)
            hit = True
        time.sleep(0.005)
    process.join(PATIENCE_SECONDS)
    assert process.exitcode in (0, 4), rig.said()[-2000:]
    return hit


Fault = Callable[[Rig, str, int], bool]
