"""A key of one section at the top of a preset: the message names where it belongs."""

from __future__ import annotations

import pytest

from render.errors import PresetError
from render.preset import Preset


def message(**changes: object) -> str:
    with pytest.raises(PresetError) as caught:
        Preset.load("hello").replace(**changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("psi", "'truncation'"),
        ("truncation_psi", "'truncation'"),
        ("seeds", "latents.seeds"),
        ("seed", "latents.seed"),
        ("swap", "blend.swap"),
        ("fps", "clip.fps"),
        ("outptus", "'outputs'"),
    ],
)
def test_a_key_in_the_wrong_place_names_the_right_one(key: str, meant: str) -> None:
    assert message(**{key: 1}) == f"{key}: unknown key; did you mean {meant}?"


def test_a_value_set_from_outside_too() -> None:
    with pytest.raises(PresetError, match=r"did you mean blend\.swap\?"):
        Preset.load("hello", overrides=["swap=3"])


def test_weights_without_mix_are_one_mistake() -> None:
    text = "blend: weights of models go under mix: {mix: {portrait: 0.5, ukiyoe: 0.5}}"
    assert message(blend={"portrait": 0.5, "ukiyoe": 0.5}) == text
    assert "did you mean 'swap'?" in message(blend={"swpa": 8})
