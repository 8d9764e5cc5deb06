"""Kill it, fill its disk, damage what it keeps: the same command gives the film of a render left in peace.

Each trial disturbs a render of five segments into an MP4 and a GIF, goes on with it, and compares both
files with those of an undisturbed render, byte for byte. A few trials of some kinds run with all tests, all
of them by `make faults`, which prints the table of docs/reliability.md.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from functools import partial

import pytest
from conftest import FAULT_FIGURES

from tests.faults.rig import (
    OUTPUTS,
    PATIENCE_SECONDS,
    Rig,
    children,
    killed_answer,
    killed_encoder,
    killed_joiner,
    killed_renderer,
    killed_worker,
)

QUICK, WHOLE = 1, 30
KINDS = {
    "kill -9 of the renderer": (killed_renderer, WHOLE),
    "kill -9 of an ffmpeg": (killed_encoder, WHOLE),
    "kill -9 of an ffmpeg that is asked what it has": (killed_answer, 9),
    "kill -9 of the ffmpeg that joins": (killed_joiner, 5),
    "SIGTERM to the renderer": (partial(killed_renderer, number=signal.SIGTERM), 10),
    "Ctrl-C": (partial(killed_renderer, number=signal.SIGINT), 10),
    "kill -9 of a worker (--workers 2)": (killed_worker, 10),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    return Rig.build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def told(request):
    """Adds a line to the table: what was done, how often, in how many a render was hit, and what was lost."""
    return lambda *row: request.config.stash.setdefault(FAULT_FIGURES, []).append(row)


def trials(rig, kind, seeds):
    """(how many renders were hit, how many files were lost)."""
    hits = losses = 0
    for seed in seeds:
        out = f"{kind}-{seed}".replace(" ", "-")
        hits += KINDS[kind][0](rig, out, seed)
        losses += rig.losses(out)
        shutil.rmtree(rig.folder / out)
    return hits, losses


@pytest.mark.parametrize("kind", ["kill -9 of the renderer", "kill -9 of an ffmpeg"])
def test_some_kills_at_random_moments(rig, kind):
    assert trials(rig, kind, range(QUICK))[1] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_kills_at_random_moments(rig, kind, told):
    count = KINDS[kind][1]
    hits, losses = trials(rig, kind, range(count))
    told(kind, count, hits, losses)
    assert losses == 0
    assert hits >= count // 2


def interrupted(rig, out, seed, leap=0):
    """A render that was killed when some segments were finished; returns their files."""
    process = rig.start(out, leap=leap)
    wanted, kept = 1 + seed % 4, []
    while process.is_alive() and len(kept) < wanted:
        kept = sorted((rig.folder / out).glob(".a.mp4.segments/*/0*.json"))
        time.sleep(0.002)
    process.kill()
    process.join()
    return [path for path in kept[0].parent.glob("0*") if path.is_file()] if kept else []


def truncated(path, source):
    path.write_bytes(path.read_bytes()[: source.randrange(path.stat().st_size)])


def flipped(path, source):
    data = bytearray(path.read_bytes())
    data[source.randrange(len(data))] ^= 1 << source.randrange(8)
    path.write_bytes(data)


HARMS = {"a file of a segment cut short": truncated, "a bit of a segment's files flipped": flipped}


def harmed(rig, kind, seeds):
    losses = 0
    for seed in seeds:
        out, source = f"harm-{seed}", random.Random(seed)
        files = interrupted(rig, out, seed)
        HARMS[kind](source.choice(sorted(files)), source)
        losses += rig.losses(out)
        shutil.rmtree(rig.folder / out)
    return losses


@pytest.mark.parametrize("kind", HARMS)
def test_a_damaged_segment(rig, kind):
    assert harmed(rig, kind, range(1)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", HARMS)
def test_damaged_segments(rig, kind, told):
    losses = harmed(rig, kind, range(WHOLE))
    told(kind, WHOLE, WHOLE, losses)
    assert losses == 0


@pytest.fixture
def disk(rig):
    """Mounts a disk in memory of a size such as 100k, or changes it: `disk("size=100k")`, `disk("ro")`."""
    folder = rig.folder / "disk"
    folder.mkdir(exist_ok=True)

    def mount(option):
        again = ("remount,",) if os.path.ismount(folder) else ("",)
        command = ["mount", "-t", "tmpfs", "-o", again[0] + option, "none", str(folder)]
        for _ in range(50):  # an ffmpeg that has lost its renderer may still hold a file open
            if not subprocess.run(command, capture_output=True).returncode:
                return
            time.sleep(0.1)
        pytest.skip("no disk in memory can be mounted here")

    yield mount
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


@pytest.mark.slow
def test_a_disk_that_fills_up(rig, disk, told):
    """A disk that is too small for the film, and grows when the render has failed."""
    hits, losses, sizes = 0, 0, range(40, 340, 30)
    for size in sizes:
        disk(f"size={size}k")
        hits += rig.run("disk") == 3
        disk("size=20m")
        losses += rig.losses("disk")
        subprocess.run(["umount", str(rig.folder / "disk")], check=True)
    told("a full disk (in memory, of 40 to 310 kB)", len(sizes), hits, losses)
    assert "No space left on device" in rig.said()
    assert losses == 0
    assert hits > 0


@pytest.mark.slow
def test_a_folder_that_may_not_be_written(rig, disk, told):
    """In the middle of a render: told in one line, and gone on with when it may."""
    losses = 0
    for seed in range(3):
        disk("size=20m")
        interrupted(rig, "disk", seed)
        disk("ro")
        assert rig.run("disk") == 3
        assert rig.said().rstrip().splitlines()[-1].endswith("cannot be written: Read-only file system")
        disk("rw")
        losses += rig.losses("disk")
        subprocess.run(["umount", str(rig.folder / "disk")], check=True)
    told("a folder that may not be written", 3, 3, losses)
    assert losses == 0


@pytest.mark.slow
def test_a_slow_consumer(rig, told):
    """Every ffmpeg is held for a while, again and again: the renderer waits, and nothing is dropped."""
    process, held = rig.start("slow"), 0
    while process.is_alive():
        for pid in children(process.pid):
            try:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.15)
                os.kill(pid, signal.SIGCONT)
                held += 1
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    assert process.exitcode == 0
    found = rig.files("slow")
    losses = sum(found[name] != rig.clean[name] for name in OUTPUTS)
    told(f"a slow consumer (ffmpeg stopped {held} times)", 1, int(held > 0), losses)
    assert losses == 0


@pytest.mark.slow
def test_a_clock_that_jumps(rig, told):
    """In the middle of a render, and of what is kept, to 1970, 2038 and 2106: sums decide, not times."""
    hits = losses = 0
    for seed, seconds in enumerate((0, 2**31, 2**32)):
        files = interrupted(rig, f"clock-{seed}", seed, leap=seconds - time.time())
        hits += bool(files)
        for path in files:
            os.utime(path, (seconds, seconds))
        losses += rig.losses(f"clock-{seed}")
        process = rig.start(f"leap-{seed}", leap=seconds - time.time())
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0, rig.said()[-2000:]
        losses += rig.losses(f"leap-{seed}")
    told("a clock that jumps", 3, hits, losses)
    assert losses == 0
