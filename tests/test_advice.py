"""Warnings: what may not be meant is said once, and what is meant is left alone."""
# ruff: noqa: E501 (each mistake stands whole on its line)

from __future__ import annotations

import time
from pathlib import Path

import pytest

from render.preset import Preset

MODELS = {"a": "x", "b": "y", "c": "z"}
CLIP = {"duration": "8s", "bpm": 120}


def warnings(
    clip: dict | None = None, latents: object = 3, blend: dict | None = None, **more: object
) -> list[str]:
    roles = {"low": "a", "high": "b", **(blend or {})}
    return Preset(
        models=MODELS, clip={**CLIP, **(clip or {})}, latents=latents, blend=roles, **more
    ).warnings()


CUT = "off the beat and the whole second"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"truncation": [("0s", 1), ("9s", 0)]}, ["truncation[1]: 9s lies outside the clip, which lasts 8s"]),
        ({"truncation": [("0s", 1), ("end", 1)]}, ["truncation: never changes: all keys say 1"]),
        ({"clip": {"fps": 29.97}}, ["clip.fps: the rate called 29.97 is exactly 30000/1001; write that"]),
        ({"clip": {"fps": "23.98"}}, ["clip.fps: the rate called 23.98 is exactly 24000/1001; write that"]),
        ({"clip": {"fps": "24000/1001"}}, []),
        ({"truncation": "=0.7 + 0*t"}, ["truncation: the formula never changes: it is 0.7 all the time"]),
        ({"vars": {"peak": 1}}, ["vars.peak: no formula reads it; a formula would write =peak"]),
        ({"clip": {"markers": {"drop": "4b"}}}, ["clip.markers.drop: no time speaks of it"]),
        (
            {"clip": {"markers": {"drop": "9s"}}, "truncation": [("drop-2s", 0), ("end", 1)]},
            ["clip.markers.drop: 9s lies outside the clip, which lasts 8s"],
        ),
        (
            {"truncation": [("0s", 0), ("1s", 1, "hold"), ("2.3s", 0), ("end", 1)]},
            [f"truncation[2]: the value cuts at 2.3s, {CUT}, while the rest moves smoothly"],
        ),
        (
            {"blend": {"high": [("0s", "b"), ("2s", "c", "fade 1s"), ("4.2s", "b")]}},
            [f"blend.high[2]: the name cuts at 4.2s, {CUT}, while others fade; for a soft change write fade 0.5s"],
        ),
        (
            {"blend": {"high": [("0s", "b"), ("2s", "c", "fade 3s"), ("4s", "b", "fade 5s")]}},
            [
                "blend.high[1]: the fade of 3s is not over when the next key comes, 2s later",
                "blend.high[2]: the fade of 5s is not over when the clip ends",
            ],
        ),
        ({"latents": {"keys": [("0s", 1), ("9s", 2)]}}, ["latents.keys[1]: 9s lies outside the clip, which lasts 8s"]),
        (
            {"latents": {"seed": 1, "mixing": {"seeds": [1, 2], "layers": 3, "every": "3s"}}},
            ["latents.mixing: the walk ends at 3s and then stands still"],
        ),
        (
            {"clip": {"loop": True}, "transform": {"rotate": [("0s", 0), ("end", 90)]}},
            ["transform.rotate: jumps from 90 to 0 when the clip starts over"],
        ),
        (
            {"panels": ["low", "c"], "blend": {"swap": [("0s", 4), ("end", 64)]}},
            ["panels: no picture shows how blend.swap moves; write blend among them"],
        ),
        ({"panels": ["low", "c"]}, []),
        ({"panels": [["a"], ["blend"]], "blend": {"swap": [("0s", 4), ("end", 64)]}}, []),
        ({"blend": {"high": "a"}}, ["blend: low and high are both a, so nothing is blended"]),
        ({"blend": {"low": [("0s", "a"), ("4s", "b")], "high": "a"}}, []),
        ({"blend": {"high": "a"}, "channels": {"eyes": {"from": "b", "layers": {"16/1": [3]}}}}, []),
        (
            {"panels": ["low"], "channels": {"eyes": {"from": "b", "layers": {"16/1": [3]}, "weight": [("0s", 0), ("end", 1)]}}},
            ["panels: no picture shows how channels.eyes.weight moves; write blend among them"],
        ),
        ({"noise": {"seed": 3}}, ["noise.seed: const noise has no seed; a seed takes mode: random"]),
        ({"noise": {"mode": "random", "seed": 3}}, []),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_said(more: dict, expected: list[str]) -> None:
    assert warnings(**more) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"truncation": [("0s", 0), ("1s", 1, "hold"), ("3b", 0), ("end", 1)]},
        {"truncation": [("0s", 0), ("1s", 1, "hold"), ("2s", 0), ("end", 1)]},
        {"truncation": [("0s", 0, "hold"), ("1.3s", 1, "hold"), ("2.6s", 0)]},
        {"truncation": [("0s", 0), ("1s", 1, "hold"), ("drop", 0), ("end", 1)], "clip": {"markers": {"drop": "2.3s"}}},
        {"blend": {"high": [("0s", "b"), ("2s", "c", "fade 1s"), ("9b", "b")]}},
        {"blend": {"high": [("0s", "b"), ("1.3s", "c"), ("2.9s", "b")]}},
        {"truncation": {"keys": [("0b", 1), ("1b", 0)], "repeat": "loop"}, "clip": {"loop": True}},
        {"truncation": {"keys": [("0s", 1), ("9s", 0)], "repeat": "mirror"}},
        {"vars": {"peak": 0.8}, "truncation": "=peak"},
        {"clip": {"loop": True}, "transform": {"rotate": [("0s", 0), ("end", 360)]}},
        {"clip": {"markers": {"drop": "4b", "fill": "drop-1b"}}, "blend": {"high": [("0s", "b"), ("fill", "c")]}},
    ],
)  # fmt: skip
def test_what_is_meant_is_left_alone(more: dict) -> None:
    assert warnings(**more) == []


def test_beats_of_a_song_are_no_stray_cuts(tmp_path: Path) -> None:
    (tmp_path / "song.beats").write_text("# tapped\n0.31\n0.82 snare\n\n1.3\n")
    text = "models: {a: x, b: y}\nclip: {duration: 2s, beats: song.beats}\nblend: {low: a, high: b}\n"
    text += "truncation: [[0s, 0], [0.31s, 1, hold], [1b, 0.5], [end, 1]]\n"
    assert Preset.from_yaml(text, base_dir=tmp_path).warnings() == []


def test_a_day_of_beats_is_looked_at_in_no_time() -> None:
    started = time.perf_counter()
    pulse = {"keys": [("0b", 1, "hold"), ("1.3b", 0), ("2b", 1)], "repeat": "mirror"}
    assert len(warnings({"duration": "86400s", "bpm": 1000}, truncation=pulse)) == 1
    assert time.perf_counter() - started < 1  # listing all beats takes five seconds
