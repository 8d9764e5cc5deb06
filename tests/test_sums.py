"""Sums of mixes: which layers at which time, before a network is open and in the network's own layers."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import PresetError
from render.preset import Preset
from render.preset.sums import is_wrong, unsummed


@dataclass(frozen=True)
class Layer:
    position: int
    name: str
    resolution: int
    level: int


def pyramid(resolution: int) -> list[Layer]:
    """The layers of a StyleGAN2."""
    count = 2 * int(np.log2(resolution)) - 2
    return [Layer(p, f"{4 << p // 2}/{p % 2}", 4 << p // 2, p % 2) for p in range(count)]


NAMED = [Layer(p, "input" if p == 0 else f"L{p - 1}", 16, p) for p in range(5)]


def preset(mix: object, **blend: object) -> Preset:
    models = {name: {"snapshots": name} for name in "abc"}
    clip = {"duration": "4s", "fps": 25, "loop": True}
    return Preset(models=models, clip=clip, blend={"mix": mix, **blend})


def sums(mix: object, **blend: object) -> str:
    with pytest.raises(PresetError) as caught:
        preset(mix, **blend)
    return str(caught.value)


HINT = "; they must sum to 1"
OFFER = f"{HINT}, and normalise: true divides them by their sum"


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"a": 1, "b": 0.5}, f"the weights of all layers sum to 1.5 (a 1, b 0.5){OFFER}"),
        ({"a": 1, "b": -1}, f"the weights of all layers sum to 0 (a 1, b -1){HINT}"),
        (
            {"a": {"4-8": 1, "16+": 0.7}, "b": {"16+": 0.7}},
            f"the weights of layers 16+ sum to 1.4 (a 0.7, b 0.7){OFFER}",
        ),
        ({"a": {"4-16": 1}, "b": {"16/1-32": 1}}, f"the weights of layers 16/1 sum to 2 (a 1, b 1){OFFER}"),
        (
            {"a": {"4/0": 0.5, "4/1-8/0": 1}, "b": {"8/1": 1}},
            f"the weights of layers 4/0 sum to 0.5 (a 0.5){OFFER}",
        ),
        (
            {"a": {"4": 1}, "b": {"16": 1}},
            "no model gives layers 8; in every layer the weights must sum to 1",
        ),
        (
            {"a": {"input": 1, "L0-L3": 0.5}, "b": {"L5+": 1}},
            f"the weights of layers L0 to L3 sum to 0.5 (a 0.5){OFFER}",
        ),
        (
            {"a": "=1 - u", "b": "=u*u"},
            f"the weights of all layers sum to 0.9901 at 0.04s (a 0.99, b 0.0001){OFFER}",
        ),
        (
            {"a": {"8": "=1 - u", "16": 1}, "b": {"8": "=u"}, "c": {"8+": [["2s", 0, "hold"], ["3s", 0.1]]}},
            f"the weights of layers 8 sum to 1.1 at 3s (a 0.25, b 0.75, c 0.1){OFFER}",
        ),
    ],
)
def test_the_sum_is_told_with_its_layers_and_its_time(mix: object, message: str) -> None:
    assert f"blend.mix: {message}" in sums(mix).split("\n")


def test_long_clips_are_looked_at_too() -> None:
    clip = {"duration": "300s", "fps": 60}
    models, late = {"a": "x", "b": "y"}, [["0s", 0], ["200s", 0], ["201s", 0.5]]
    with pytest.raises(PresetError, match=r"sum to 1\.\d+ at 200(\.\d+)?s \(a 1, b 0\.\d+\)"):
        Preset(models=models, clip=clip, blend={"mix": {"a": 1, "b": late}})
    Preset(models=models, clip=clip, blend={"mix": {"a": "=1-blend.mix.b", "b": late}})


def test_all_wrong_columns_are_told_at_once() -> None:
    assert sums({"a": {"4-8": 2, "16+": 3}}).count("sum to") == 4  # twice with a hint that says it again


def test_to_rgb_has_sums_of_its_own() -> None:
    assert "blend.to_rgb: the weights of all layers sum to 0.5" in sums({"a": 1}, to_rgb={"a": 0.5})


@pytest.mark.parametrize(
    "mix",
    [
        {"a": "=1 - u", "b": "=u"},
        {"a": {"4-8": 1, "16-32": 0.1}, "b": {"16-32": 0.2}, "c": {"16-32": 0.7, "64+": 1}},
        {"a": [["0s", 0], ["end", 1]], "b": [["0s", 1], ["end", 0]]},
        {"a": 1.5, "b": -0.5},
        {"a": 100, "b": -99},
        {"a": 1 + 5e-7},
        {"a": {"4-256": 0.5}, "b": 0.5},  # whether there is a 512 the network knows
        {"a": {"16+": 1}},  # and whether there is a 4: StyleGAN3 has none
        {"a": {"L0-L3": 1}, "b": {"4-8": 1}},
    ],
)
def test_what_sums_to_one_is_right(mix: object) -> None:
    assert preset(mix).blend.form == "mix"


def test_normalised_weights_need_only_a_sum() -> None:
    preset({"a": 1, "b": [["0s", 0], ["end", 3]]}, normalise=True)
    preset({"a": 1e-6, "b": 1e-6}, normalise=True)
    text = "the weights of all layers sum to 0 at 2s (a 1, b -1), which can't be normalised"
    assert text in sums({"a": 1, "b": [["0s", 0], ["2s", -1], ["end", 0]]}, normalise=True)
    assert "sum to 0.001 (a 1, b -0.999), which can't be normalised" in sums(
        {"a": 1, "b": -0.999}, normalise=True
    )
    assert "sum to 0 (a 0), which can't be normalised" in sums({"a": 0}, normalise=True)


def test_frames_of_every_file_count() -> None:
    pulse = [["0s", 0, "hold"], ["0.05s", 1, "hold"], ["0.06s", 0]]  # between two frames at 25
    preset({"a": 1, "b": pulse})
    models = {name: name for name in "ab"}
    clip = {"duration": "4s", "fps": 25, "loop": True}
    with pytest.raises(PresetError, match=r"sum to 2 at 0\.05s"):
        Preset(
            models=models,
            clip=clip,
            blend={"mix": {"a": 1, "b": pulse}},
            outputs=[{"file": "a.mp4", "fps": 60}],
        )


@pytest.mark.parametrize(
    ("mix", "layers", "found"),
    [
        ({"a": {"4-16": 1}}, pyramid(16), []),
        ({"a": {"4-16": 1}}, pyramid(64), ["no model gives layers 32/0 to 64/1"]),
        ({"a": {"8+": 1}}, pyramid(16), ["no model gives layers 4/0 to 4/1"]),
        ({"a": {"4-8": 0.5}, "b": 0.5}, pyramid(8), []),
        ({"a": {"4-8": 0.5}, "b": 0.5}, pyramid(16), ["the weights of layers 16/0 to 16/1 sum to 0.5 (b 0.5)"]),
        ({"a": {"L0-L3": 1}, "b": {"16": 0.5}}, NAMED, ["the weights of layers input sum to 0.5 (b 0.5)", "the weights of layers L0 to L3 sum to 1.5 (a 1, b 0.5)"]),
        ({"a": {"input": 1, "L0-L3": 1}}, NAMED, []),
    ],
)  # fmt: skip
def test_the_rest_is_told_by_the_network(mix: object, layers: list[Layer], found: list[str]) -> None:
    texts = unsummed(preset(mix), layers)
    assert [text.removeprefix("blend.mix: ").split(";")[0] for text in texts] == found


@settings(deadline=None, max_examples=60)
@given(
    parts=st.lists(st.floats(-3, 3), min_size=1, max_size=3),
    cuts=st.lists(st.sampled_from([4, 8, 16, 32]), min_size=1, max_size=3, unique=True),
)
def test_what_is_left_to_one_model_always_sums_to_one(parts: list[float], cuts: list[int]) -> None:
    edges = [*sorted(cuts), 64]
    ranges = [f"{first}-{last // 2}" for first, last in pairwise(edges)]
    mix = {
        "a": {layers: 1 - parts[index % len(parts)] for index, layers in enumerate(ranges)},
        "b": {layers: parts[index % len(parts)] for index, layers in enumerate(ranges)},
    }
    assert preset(mix).blend.form == "mix"
    spoilt = {**mix, "c": {ranges[0]: 0.01}}
    assert f"layers {ranges[0].split('-')[0]}" in sums(spoilt)


@pytest.mark.parametrize(
    ("shares", "normalise", "right"),
    [([1.0], False, True), ([0.5, 0.5 + 2e-6], False, False), ([100.0, -99.0 + 5e-5], False, True), ([], False, False),
     ([0.0, 0.0], True, False), ([2.0, 2.0], True, True), ([1.0, -0.99], True, True), ([1.0, -0.9901], True, False)],
)  # fmt: skip
def test_tolerances(shares: list[float], normalise: bool, right: bool) -> None:
    assert is_wrong(dict(enumerate(shares)), normalise) != right
