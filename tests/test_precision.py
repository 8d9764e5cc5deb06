"""Precision: which format follows from a name and a device, and what it is bounded by."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from render.networks import memory, precision
from render.networks.precision import Precision, find_precision, without_tf32

CPU = torch.device("cpu")


def test_names_mean_formats():
    assert find_precision("exact", CPU) == Precision("exact", torch.float32)
    assert find_precision("fast", CPU) == Precision("fast", torch.bfloat16)
    assert find_precision("fast", torch.device("mps")).name == "exact"
    assert str(find_precision("fast", CPU)) == "fast (bfloat16)"


@pytest.mark.parametrize("has", [True, False])
def test_auto_is_fast_where_the_hardware_is(has, monkeypatch):
    monkeypatch.setattr(precision, "_has_short_products", lambda device: has)
    assert find_precision("auto", CPU).name == ("fast" if has else "exact")


def test_only_float16_needs_a_bound_of_its_own():
    assert Precision("fast", torch.float16).clamp(None) == 256
    assert Precision("fast", torch.float16).clamp(100.0) == 100
    assert Precision("fast", torch.bfloat16).clamp(None) is None


def test_exact_forbids_tf32_for_its_time_only(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with without_tf32(Precision("exact", torch.float32), torch.device("cuda")):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32
    with without_tf32(Precision("fast", torch.float16), torch.device("cuda")):
        assert torch.backends.cudnn.allow_tf32


def test_other_systems_keep_memory_as_they_like(monkeypatch):
    monkeypatch.setattr(memory, "_library", lambda: None)
    assert not memory.keep_freed_memory()
    with memory.returning_freed_memory():
        pass


def test_settings_of_another_kind_leave_memory_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory._library.__wrapped__() is None


THREAD = """
import importlib.util, resource, sys, threading
spec = importlib.util.spec_from_file_location("memory", sys.argv[1])
memory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(memory)
assert memory.keep_freed_memory()

def work():
    for turn in range(4):
        if turn == 1:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(100 * 2**20)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(memory._library() is None, reason="there is no glibc here")
def test_large_blocks_are_kept_for_threads_too():
    """Pictures are drawn in a thread: 100 MB, which is 25,600 pages, are there for it once it had them."""
    command = [sys.executable, "-c", THREAD, memory.__file__]
    faults = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(faults) < 1000
