"""Damaged and malicious files load or are refused; none of them runs, hangs, fills the memory or crashes.

400 files in every run of the tests, 2,000 with `make fuzz`. A file is made from its seed alone, so a failure
can be had again: `python tests/fuzz_worker.py SEED`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import FUZZ_FIGURES

WORKER = Path(__file__).with_name("fuzz_worker.py")
WORKERS = 2
HANG_SECONDS = 90  # of the clock, after which a process is ended; 20 of its own time end the case before


class Process:
    """A worker, started anew whenever a file ends it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None

    def ask(self, seed: int) -> SimpleNamespace:
        """What came of the file of that seed."""
        if self.process is None:
            command = [sys.executable, "-W", "ignore", str(WORKER)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        guard = threading.Timer(HANG_SECONDS, self.process.kill)
        guard.start()
        try:
            self.process.stdin.write(f"{seed}\n")
            self.process.stdin.flush()
            return SimpleNamespace(**json.loads(self.process.stdout.readline()))
        except (ValueError, BrokenPipeError):
            code, words = self.process.wait(), self.process.stderr.read()[-1500:]
            self.process = None
            detail = f"the process ended with {code} (or was ended after {HANG_SECONDS} s): {words}"
            return SimpleNamespace(
                seed=seed, kind="?", damage="?", outcome="FAILED", detail=detail, seconds=0, megabytes=0
            )
        finally:
            guard.cancel()

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()


def outcomes(count: int) -> list[SimpleNamespace]:
    """Of the files of the seeds 0 … count - 1."""
    seeds, lock = iter(range(count)), threading.Lock()

    def work(_) -> list[SimpleNamespace]:
        process, found = Process(), []
        while True:
            with lock:
                seed = next(seeds, None)
            if seed is None:
                process.close()
                return found
            found.append(process.ask(seed))

    with ThreadPoolExecutor(WORKERS) as pool:
        found = [each for part in pool.map(work, range(WORKERS)) for each in part]
    return sorted(found, key=lambda each: each.seed)


def table(found: list[SimpleNamespace]) -> list[str]:
    """The figures: a line for each format, and one for all."""
    rows = [("file", "files", "loaded", "refused", "failed", "slowest", "most memory")]
    for kind in [*dict.fromkeys(each.kind for each in sorted(found, key=lambda e: e.kind)), "all"]:
        chosen = [each for each in found if kind in (each.kind, "all")]
        counts = [str(sum(e.outcome == o for e in chosen)) for o in ("loaded", "refused", "FAILED")]
        slowest, most = max(e.seconds for e in chosen), max(e.megabytes for e in chosen)
        rows.append((kind, str(len(chosen)), *counts, f"{slowest:.2f} s", f"{most:.0f} MB"))
    return [f"{row[0]:26}" + "".join(f"{cell:>13}" for cell in row[1:]) for row in rows]


def none_does_harm(count: int, config: pytest.Config) -> None:
    found = outcomes(count)
    config.stash[FUZZ_FIGURES] = table(found)
    assert len(found) == count
    failed = [each for each in found if each.outcome == "FAILED"]
    assert not failed, "\n" + "\n".join(
        f"seed {e.seed} ({e.kind}, {e.damage}): {e.detail}\n  again: python tests/fuzz_worker.py {e.seed}"
        for e in failed
    )
    # Or the files were not what they should be: damage must neither spare nor spoil nearly all.
    assert 0.02 * count < sum(each.outcome == "loaded" for each in found) < 0.6 * count
    assert sum(each.detail.startswith("UnsafeCheckpointError") for each in found) > 0.05 * count


CONTROL = """
import os, pickle, fuzz_worker
class Calls:
    def __reduce__(self):
        return os.system, ("true",)
watch, data = fuzz_worker.Watch(), pickle.dumps(Calls())
for act in (lambda: None, lambda: eval("1"), lambda: pickle.loads(data)):
    watch.start()
    act()
    print(sorted(set(watch.stop())))
"""


def test_the_watch_notices_what_a_trusting_reader_would_run():
    command = [sys.executable, "-c", CONTROL]
    done = subprocess.run(command, cwd=WORKER.parent, capture_output=True, text=True, check=True)
    nothing, text, unpickled = done.stdout.splitlines()
    assert nothing == "[]"
    assert "exec" in text
    assert "os.system" in unpickled
    assert "pickle.find_class" in unpickled


def test_no_file_does_harm(pytestconfig):
    none_does_harm(400, pytestconfig)


@pytest.mark.slow
def test_none_of_two_thousand_files_does_harm(pytestconfig):
    none_does_harm(2000, pytestconfig)
