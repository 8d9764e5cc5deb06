"""Reads damaged files one by one and says what came of each; a process of its own, which may die of it.

    python tests/fuzz_worker.py SEED [SEED …]   again, what the tests reported; --keep FOLDER keeps the files
    python tests/fuzz_worker.py --suite readers SEED [SEED …]

Without seeds, they come line by line from the standard input. Each answer is one line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

os.environ["OMP_NUM_THREADS"] = "1"

from fuzz_cases import Case

SUITES = {"checkpoints": "fuzz_checkpoints", "readers": "fuzz_readers"}
MEGABYTES = 1000  # of memory beyond what the process had; how many seconds may pass, each suite says
GIVE_UP_SECONDS = 20
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
class Outcome:
    """What came of reading it: `loaded`, `refused` (an error of ours), or `FAILED`.

    seconds    of processor time, with what the process started
    megabytes  that the process grew by at most meanwhile
    """

    seed: int
    kind: str
    damage: str
    outcome: str
    detail: str
    seconds: float
    megabytes: float


class Watch:
    """Notes what Python's auditing says was run between `start` and `stop`."""

    def __init__(self, programs: tuple[str, ...] = (), parses: bool = False) -> None:
        """programs: what may be started; parses: whether text may become a syntax tree, which is not run."""
        self.programs, self.parses = programs, parses
        self.on, self.seen = False, []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        source = ""
        if event == "subprocess.Popen" and Path(str(arguments[0])).name.startswith(self.programs or "/"):
            return
        if event == "compile" and not self.parses:
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


def processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def judged(suite: ModuleType, case: Case, path: Path) -> tuple[str, str]:
    """Outcome and detail of reading that file."""
    try:
        problem = suite.read(case, path)
        return ("FAILED", problem) if problem else ("loaded", "")
    except TooSlow:
        return "FAILED", f"still reading after {GIVE_UP_SECONDS} s"
    except BaseException as error:
        text = f"{type(error).__name__}: {str(error)[:300]}"
        if suite.is_fine(error, path):
            return "refused", text
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "FAILED", f"{text} ({Path(last.filename).name}:{last.lineno})"


def run(suite: ModuleType, seed: int, folder: Path, watch: Watch) -> Outcome:
    mark = folder / "it-ran"
    case = suite.make_case(seed, mark)
    path = folder / f"case-{seed}{case.suffix}"
    path.write_bytes(case.data)
    reset_peak()
    before = memory("VmRSS")
    started = processor_seconds()
    signal.setitimer(signal.ITIMER_PROF, GIVE_UP_SECONDS)
    watch.start()
    try:
        outcome, detail = judged(suite, case, path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        ran = watch.stop()
    seconds, megabytes = processor_seconds() - started, (memory("VmHWM") - before) / 1e6
    if ran or mark.exists():
        outcome, detail = (
            "FAILED",
            f"it ran something ({', '.join(ran[:5]) or 'its mark is there'}); {detail}",
        )
    elif outcome != "FAILED" and (seconds > suite.SECONDS or megabytes > MEGABYTES):
        outcome, detail = "FAILED", f"it took {seconds:.1f} s and {megabytes:.0f} MB; {detail}"
    mark.unlink(missing_ok=True)
    path.unlink()
    return Outcome(
        seed, case.kind, case.damage, outcome, detail, round(seconds, 3), round(max(megabytes, 0), 1)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--suite", choices=SUITES, default="checkpoints")
    parser.add_argument("--keep", type=Path, help="write the files there, and load nothing")
    options = parser.parse_args()
    suite = importlib.import_module(SUITES[options.suite])
    if options.keep:
        for seed in options.seeds:
            case = suite.make_case(seed, options.keep / "it-ran")
            (options.keep / f"case-{seed}{case.suffix}").write_bytes(case.data)
        return
    signal.signal(signal.SIGPROF, give_up)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder, watch = Path(name), Watch(suite.PROGRAMS, suite.PARSES)
        suite.warm_up(folder)
        gc.collect()
        gc.freeze()
        for line in options.seeds or sys.stdin:
            print(json.dumps(asdict(run(suite, int(line), folder, watch))), flush=True)


if __name__ == "__main__":
    main()
