"""Damaged and malicious checkpoints load or are refused; none runs, hangs, fills the memory or crashes.

200 files in every run of the tests, 2,000 with `make fuzz`. A file is made from its seed alone, so a failure
can be had again: `python tests/fuzz_worker.py SEED`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from fuzzing import WORKER, without_harm


def none_does_harm(count: int, config: pytest.Config) -> None:
    found = without_harm("checkpoints", count, config)
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
    none_does_harm(200, pytestconfig)


@pytest.mark.slow
def test_none_of_two_thousand_files_does_harm(pytestconfig):
    none_does_harm(2000, pytestconfig)
