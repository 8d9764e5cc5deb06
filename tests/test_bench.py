"""The benchmark counts and tells what it says; nothing here depends on how long anything takes."""

from __future__ import annotations

import json

import pytest
import torch
from conftest import REFERENCE, make_network

import render
from render.bench import PARTS, Figure, Report, bench, chosen_parts
from render.bench.ceiling import convolution_flops
from render.bench.clip import PLAIN_EVERY, SWEEPS
from render.bench.draw import KEPT, PLAIN
from render.bench.quality import decibels
from render.bench.subject import Subject, measure, random_network
from render.errors import PresetError


@pytest.fixture(scope="module")
def report():
    parts = [part for part in PARTS if part not in ("memory", "growth", "neighbours")]
    return bench(make_network(seed=1), parts, is_quick=True, compiled=False)


def of(report, work):
    return [figure for figure in report.figures if figure.work.startswith(work)]


def test_every_path_is_measured_at_every_batch(report):
    drawn = of(report, "stylegan2, 16 px")
    expected = {(path, batch) for path in (PLAIN, KEPT, "exact", "fast") for batch in (1, 4)}
    assert {(figure.path, figure.batch) for figure in drawn} == expected
    assert all(figure.seconds > 0 and figure.share > 0 for figure in drawn)
    assert [figure.speedup for figure in drawn if figure.path == PLAIN] == [1, 1]


def test_a_sweep_is_measured_with_and_without_reuse(report):
    without, reuse = of(report, "swap sweep")
    assert (without.path, without.batch, without.speedup) == ("no reuse", 1, 1)
    assert reuse.speedup == pytest.approx(without.seconds / reuse.seconds)


def test_blending_is_a_share_of_its_frame(report):
    frame, blending, preparing = of(report, "weight sweep")
    assert frame.share is None
    assert blending.share == pytest.approx(blending.seconds / frame.seconds)
    assert preparing.share == pytest.approx(preparing.seconds / frame.seconds)


def test_a_preview_is_a_share_of_the_full_picture(report):
    full, small = of(report, "preview")
    assert (full.path, small.path, small.whole) == ("16 px", "4 px", "full picture")
    assert full.share == 1
    assert small.share == pytest.approx(small.seconds / full.seconds)


def test_a_clip_is_compared_with_the_plain_path_and_with_drawing_alone(report):
    for sweep in SWEEPS:
        plain, first, again, encoder = of(report, f"1 s of 25 frames/s, {sweep}")
        assert f"1 frame in {PLAIN_EVERY}" in plain.path
        for fast in (first, again):
            assert fast.speedup == pytest.approx(plain.seconds / fast.seconds)
            assert fast.amount == pytest.approx(1 / fast.seconds)
        assert first.share is None
        assert again.share > 0
        assert 0 < encoder.share < 1
        assert encoder.share == pytest.approx(encoder.seconds / again.seconds / torch.get_num_threads())


def test_the_quality_of_exact_and_fast_pictures_is_measured(report):
    exact, worst, together = of(report, "2 pictures")
    assert 0 < exact.amount < 1e-4
    assert 20 < worst.amount <= together.amount < 100
    assert decibels(1) == pytest.approx(48.13, abs=0.01)
    assert decibels(0) is None


def test_parts_are_chosen_in_their_order():
    assert chosen_parts([]) == tuple(PARTS)
    assert chosen_parts(["clip", "draw"]) == ("draw", "clip")
    with pytest.raises(PresetError, match=r"no part 'drow' to measure; there are draw, quality, sweep"):
        chosen_parts(["drow"])


def test_reports_are_tables_and_json(report):
    assert json.loads(report.to_json())["machine"]["threads"] == torch.get_num_threads()
    figures = (
        Figure("a 256 px", "fast", 4, 0.05, 5.5, 0.7),
        Figure("blending", "one", 1, 0.001, share=0.0123, whole="frame"),
    )
    shown = Report({"device": "cpu"}, figures).table().splitlines()
    assert shown[0] == "device cpu"
    assert shown[1].split() == ["work", "path", "batch", "ms/picture", "speed", "share"]
    assert shown[2].split() == ["a", "256", "px", "fast", "4", "50.0", "5.50×", "70%", "of", "ceiling"]
    assert shown[3].split() == ["blending", "one", "1", "1.0", "1.2%", "of", "frame"]


def test_weights_of_sweeps_are_never_seen_twice():
    subject = Subject(make_network())
    assert len({subject.fresh_weight() for _ in range(500)}) == 500
    assert len(set(subject.sweep())) == subject.sweep_frames


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
