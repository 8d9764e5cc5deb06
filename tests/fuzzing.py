"""Runs a suite of fuzzing in processes of their own, and counts what came of each file."""

from __future__ import annotations

import json
import os
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
HANG_SECONDS = 240  # of the clock, after which a process is ended; 20 of its own time end the case before


class Process:
    """A worker, started anew whenever a file ends it."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.process: subprocess.Popen | None = None

    def ask(self, seed: int) -> SimpleNamespace:
        """What came of the file of that seed."""
        if self.process is None:
            command = [sys.executable, "-W", "ignore", str(WORKER), "--suite", self.suite]
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            # The package beside these tests, wherever another may be installed.
            own = {**os.environ, "PYTHONPATH": str(WORKER.parent.parent)}
            self.process = subprocess.Popen(command, **pipes, text=True, env=own)
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


def outcomes(suite: str, count: int) -> list[SimpleNamespace]:
    """Of the files of the seeds 0 … count - 1."""
    seeds, lock = iter(range(count)), threading.Lock()

    def work(_) -> list[SimpleNamespace]:
        process, found = Process(suite), []
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


def without_harm(suite: str, count: int, config: pytest.Config) -> list[SimpleNamespace]:
    """What came of so many files, none of which failed; their figures are shown at the end of the run."""
    found = outcomes(suite, count)
    config.stash.setdefault(FUZZ_FIGURES, {})[suite] = table(found)
    assert len(found) == count
    failed = [each for each in found if each.outcome == "FAILED"]
    assert not failed, "\n" + "\n".join(
        f"seed {e.seed} ({e.kind}, {e.damage}): {e.detail}\n"
        f"  again: python tests/fuzz_worker.py --suite {suite} {e.seed}"
        for e in failed
    )
    return found
