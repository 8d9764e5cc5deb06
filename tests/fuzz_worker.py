"""Loads damaged files one by one and says what came of each; a process of its own, which may die of it.

    python tests/fuzz_worker.py SEED [SEED …]   again, what the tests reported; --keep FOLDER keeps the files

Without seeds, they come line by line from the standard input. Each answer is one line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import fuzz_bombs
import fuzz_calls
import fuzz_containers  # noqa: F401  (its bombs join the others)
import fuzz_files

import render
from render.errors import CheckpointError

SECONDS, MEGABYTES = 5, 1000  # of processor time; of memory beyond what the process had
GIVE_UP_SECONDS = 20
BOMB_EVERY = 4  # every fourth seed is a file written to do harm, the others are damaged ones
HARM = "written to do harm"
# What Python tells its auditors when something is run, fetched or unpickled by its own unpickler.
FORBIDDEN = frozenset(
    {"os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pickle.find_class"}
    | {
        "socket.connect",
        "socket.getaddrinfo",
        "ctypes.dlopen",
        "code.__new__",
        "builtins.input",
    }
)


@dataclass(frozen=True)
class Case:
    """One file: the format it is of, what was done to it, its bytes."""

    kind: str
    damage: str
    data: bytes


@dataclass(frozen=True)
class Outcome:
    """What came of loading it: `loaded`, `refused` (a CheckpointError), or `FAILED`.

    seconds    of processor time
    megabytes  that the process grew by at most meanwhile
    """

    seed: int
    kind: str
    damage: str
    outcome: str
    detail: str
    seconds: float
    megabytes: float


def make_case(seed: int, mark: Path) -> Case:
    """The file of that seed, always the same; if it had its way, the file `mark` would exist afterwards."""
    rng, index = random.Random(seed), seed // BOMB_EVERY
    if seed % BOMB_EVERY == 0:
        names = list(fuzz_bombs.BOMBS)
        name = names[index % len(names)]
        return Case(HARM, name, fuzz_bombs.BOMBS[name](rng))
    kinds = list(fuzz_files.originals())
    kind = kinds[seed % len(kinds)]
    if rng.random() < 0.15:
        return Case(kind, "calls", fuzz_files.damaged(rng, kind, "", rng.choice(fuzz_calls.hostile(mark))))
    damage = rng.choice(list(fuzz_files.MUTATIONS))
    return Case(kind, damage, fuzz_files.damaged(rng, kind, damage))


class Watch:
    """Notes what Python's auditing says was run between `start` and `stop`."""

    def __init__(self) -> None:
        self.on, self.seen = False, []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        source = ""
        if event == "compile":
            source = str(arguments[1])
        elif event == "exec":
            source = str(getattr(arguments[0], "co_filename", ""))
        from_text = source.startswith("<") and "frozen" not in source
        if event in FORBIDDEN or from_text:
            self.seen.append(event)

    def start(self) -> None:
        self.seen, self.on = [], True

    def stop(self) -> list[str]:
        self.on = False
        return self.seen


class TooSlow(BaseException):
    """Not an Exception, so that nothing under test can take it for damage."""


def give_up(*_) -> None:
    raise TooSlow


def memory(which: str) -> int:
    """Bytes that this process has now (VmRSS), or had at most since the last reset (VmHWM)."""
    if not sys.platform.startswith("linux"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac, and it only ever rises
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) * 1024


def reset_peak() -> None:
    """Give freed memory back, and count the peak from here."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # without these, the peak is only less exact
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")


def judged(path: Path) -> tuple[str, str]:
    """Outcome and detail of loading that file."""
    try:
        generator = render.load(path)
        problem = check(generator, path)
        return ("FAILED", problem) if problem else ("loaded", "")
    except CheckpointError as error:
        text = str(error)
        fine = path.name in text and len(text) < 4000
        return ("refused" if fine else "FAILED", f"{type(error).__name__}: {text[:300]}")
    except TooSlow:
        return "FAILED", f"still loading after {GIVE_UP_SECONDS} s"
    except BaseException as error:
        return "FAILED", f"{type(error).__name__} instead of a CheckpointError: {str(error)[:300]}"


def check(generator, path: Path) -> str:
    """What is wrong with a network that loaded; nothing, if it is as large as its file and whole."""
    tensors = generator.state_dict()
    count = sum(tensor.numel() for tensor in tensors.values())
    odd = [name for name, tensor in tensors.items() if str(tensor.dtype) != "torch.float32"]
    if odd:
        return f"{odd[0]} is no float32"
    if count > 25 * path.stat().st_size:
        return f"{count:,} numbers out of a file of {path.stat().st_size:,} bytes"
    return "" if generator.structure() and len(generator.layers) > 1 else "it has no layers"


def run(seed: int, folder: Path, watch: Watch) -> Outcome:
    mark = folder / "it-ran"
    case = make_case(seed, mark)
    path = folder / f"case-{seed}.bin"
    path.write_bytes(case.data)
    reset_peak()
    before = memory("VmRSS")
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, GIVE_UP_SECONDS)
    watch.start()
    try:
        outcome, detail = judged(path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        ran = watch.stop()
    seconds, megabytes = time.process_time() - started, (memory("VmHWM") - before) / 1e6
    if ran or mark.exists():
        outcome, detail = (
            "FAILED",
            f"it ran something ({', '.join(ran[:5]) or 'its mark is there'}); {detail}",
        )
    elif outcome != "FAILED" and (seconds > SECONDS or megabytes > MEGABYTES):
        outcome, detail = "FAILED", f"it took {seconds:.1f} s and {megabytes:.0f} MB; {detail}"
    mark.unlink(missing_ok=True)
    path.unlink()
    return Outcome(
        seed, case.kind, case.damage, outcome, detail, round(seconds, 3), round(max(megabytes, 0), 1)
    )


def warm_up(folder: Path) -> None:
    """Everything is imported once, so that what follows is measured by itself and imports nothing."""
    for index, data in enumerate(fuzz_files.originals().values()):
        path = folder / str(index)
        path.write_bytes(data)
        render.load(path)
        path.unlink()
    gc.collect()
    gc.freeze()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--keep", type=Path, help="write the files there, and load nothing")
    options = parser.parse_args()
    if options.keep:
        for seed in options.seeds:
            case = make_case(seed, options.keep / "it-ran")
            (options.keep / f"case-{seed}.bin").write_bytes(case.data)
        return
    signal.signal(signal.SIGPROF, give_up)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder, watch = Path(name), Watch()
        warm_up(folder)
        for line in options.seeds or sys.stdin:
            print(json.dumps(asdict(run(int(line), folder, watch))), flush=True)


if __name__ == "__main__":
    main()
