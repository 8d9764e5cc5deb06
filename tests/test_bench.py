"""The benchmark counts and tells what it says; nothing here depends on how long anything takes."""

from __future__ import annotations

import json

import pytest
import torch
from conftest import REFERENCE, make_network

import render
from render.bench import KEPT, Figure, Report, bench, convolution_flops, measure, random_network


@pytest.fixture(scope="module")
def report():
    return bench(make_network(seed=1), batches=(1, 2), compiled=False, turns=1)


def test_every_path_is_measured_at_every_batch(report):
    drawn = {(figure.path, figure.batch) for figure in report.figures if figure.ceiling is not None}
    assert drawn == {(path, batch) for path in ("plain", KEPT, "exact", "fast") for batch in (1, 2)}
    assert all(figure.seconds > 0 for figure in report.figures)
    plain = [figure.speedup for figure in report.figures if figure.path == "plain"]
    assert plain == [1, 1]


def test_a_sweep_is_measured_with_and_without_reuse(report):
    paths = [figure.path for figure in report.figures if figure.work.startswith("swap sweep")]
    assert paths == ["one by one", "shared layers once"]


def test_reports_are_tables_and_json(report):
    assert json.loads(report.to_json())["machine"]["threads"] == torch.get_num_threads()
    shown = Report({"device": "cpu"}, (Figure("a 256 px", "fast", 4, 0.05, 5.5, 0.7),)).table().splitlines()
    assert shown[0] == "device cpu"
    assert shown[2].split() == ["a", "256", "px", "fast", "4", "50.0", "5.50×", "70%"]


def test_the_products_of_a_network_are_counted():
    # 16 px, 8 channels: five 3×3 layers; those that double work on a quarter of the pixels.
    expected = 2 * 9 * 8 * 8 * (16 + (16 + 64) + (64 + 256))
    assert convolution_flops(make_network()) == expected
    # 148 GFLOP: the published size of config f at 1024 px
    with torch.device("meta"):
        assert convolution_flops(random_network(1024)) == pytest.approx(148e9, rel=0.02)
    assert convolution_flops(render.load(REFERENCE / "stylegan3-t" / "network.pkl")) > 1e6


def test_the_first_turn_warms_up_and_does_not_count():
    calls = []
    measure({"work": lambda: calls.append(1)}, 3, torch.device("cpu"))
    assert len(calls) == 4
