"""What loading a full-size network costs, beside reading the file's bytes: `pytest -m slow -s` prints it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from conftest import write_nvlabs

import render
from render.networks import StyleGAN2, StyleGAN2Config

ROUNDS = 10
PEAK = """
import pathlib, sys
import render.checkpoints.load, render.checkpoints.nvlabs
def peak():
    return int(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]) * 1024
path, before = pathlib.Path(sys.argv[2]), peak()
kept = path.read_bytes() if sys.argv[1] == "read" else render.checkpoints.load.load(path)
print(peak() - before)
"""


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """1024 px, 30 million random weights, in NVIDIA's format."""
    network = StyleGAN2(StyleGAN2Config(resolution=1024)).requires_grad_(False)
    return write_nvlabs(tmp_path_factory.mktemp("full") / "full.pkl", network)


def seconds(call) -> float:
    """The quickest of some rounds: what the work itself takes."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        kept = call()
        rounds.append(time.perf_counter() - started)
        del kept
    return min(rounds)


@pytest.mark.slow
def test_loading_costs_little_more_than_reading(full_size):
    reading, loading = seconds(full_size.read_bytes), seconds(lambda: render.load(full_size))
    print(f"\nread {reading * 1e3:.0f} ms, load {loading * 1e3:.0f} ms: {loading / reading:.2f} times")
    assert loading < 1.5 * reading


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_loading_takes_little_more_memory_than_reading(full_size):
    peaks = {}
    for way in ("read", "load"):
        command = [sys.executable, "-c", PEAK, way, str(full_size)]
        peaks[way] = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(f"\nread {peaks['read'] / 1e6:.0f} MB, load {peaks['load'] / 1e6:.0f} MB")
    assert peaks["load"] < 2 * peaks["read"]
