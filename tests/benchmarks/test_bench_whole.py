"""The whole benchmark, as `make bench` runs it, on a tiny network: that it goes through. No time is judged.

python -m pytest -m slow tests/benchmarks
"""

from __future__ import annotations

import pytest

from render.bench import PARTS, bench
from render.bench.subject import random_network


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_part_goes_through(part):
    report = bench(random_network(16), [part], is_quick=True, compiled=None)
    assert report.figures
    print(f"\n{report.table()}")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_clip():
    short, long = bench(random_network(16), ["memory"], is_quick=True, compiled=None).figures
    assert long.amount == pytest.approx(short.amount, rel=0.05)
