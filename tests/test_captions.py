"""Captions: names in braces are what they are at the moment, and numbers stand still where they can."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.networks.generator import Layer
from render.preset import Preset
from render.preset.captions import Field, formatted, read_caption
from render.scene.captions import Captions

YAML = """
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}, toon: {snapshots: sample:toon}}
clip: {duration: 8s, fps: 25, bpm: 120}
vars: {peak: 0.5}
latents: {position: [[0s, 0], [end, 250]]}
blend:
  low: portrait
  high: [[0s, ukiyoe], [4s, toon, fade 2s]]
  swap: [[0s, 4], [4s, 16], [end, 256]]
  weight: [[0s, 0], [4s, 1], [end, -1]]
  snapshot: [[0s, 0], [end, 20]]
"""
LAYERS = [
    Layer(2 * power + level, f"{4 << power}/{level}", 4 << power, level)
    for power in range(6)
    for level in (0, 1)
]
LAYERS_3 = [Layer(0, "input", 16, 0), *(Layer(1 + at, f"L{at}", 16 << at // 4, 0) for at in range(9))]


def said(label: str, seconds: float, panel: str = "", layers: list[Layer] = LAYERS, more: str = "") -> str:
    preset = Preset.from_yaml(f'{YAML}panels: {{show: [{{show: blend, label: "{label}"{panel}}}]{more}}}\n')
    captions = Captions(preset, preset.tracks(), layers)
    moment = Fraction(seconds)
    values = {name: track.value_at(moment) for name, track in preset.tracks().items()}
    names = {name: track.weights_at(moment) for name, track in preset.names().items()}
    return captions.at(moment, values, names)[0]


@pytest.mark.parametrize(
    ("label", "seconds", "shown"),
    [
        ("half way", 0, "half way"),
        ("swap {blend.swap}", 0, "swap 4/0"),
        ("swap {blend.swap}", 4, "swap 16/0"),
        ("swap {blend.swap}", 8, "swap 256"),
        ("{blend.swap:.0f} px, {blend.swap:.1f}", 4, "16 px, 16.0"),
        ("{blend.weight}", 0, "0.00"),
        ("{blend.weight}", 2, "0.50"),
        ("{blend.weight}", 8, "-1.00"),
        ("{blend.weight:.0%} {blend.weight:+.1f}", 2, "50% +0.5"),
        ("{blend.snapshot} kimg", 2, "5.0 kimg"),
        ("{latents.position}", 4, "125"),
        ("{truncation} {peak} {vars.peak:.2f}", 1, "0.7 0.5 0.50"),
        ("{blend.low}, {blend.high}", 1, "portrait, ukiyoe"),
        ("{blend.high}", 5, "ukiyoe → toon"),
        ("{blend.high}", 7, "toon"),
        ("{t} s, beat {b}, {u:.0%}, {f}, {frame:04.0f}", 2, "2.0 s, beat 4.0, 25%, 50, 0050"),
        ("{name} {{t}}", 0, "blend {t}"),
    ],
)
def test_names_in_braces_stand_for_what_they_are_at_the_moment(label, seconds, shown):
    assert said(label, seconds) == shown


def test_a_picture_with_a_seed_says_which():
    assert said("{seed}: {name}", 0, ", seed: 14") == "14: seed 14"
    assert said("face {seed}", 0, more=", seeds: [92, 3]") == "face 92"


@pytest.mark.parametrize(("position", "shown"), [("L7", "L7 32"), ("input", "input 16"), (128, "128 128")])
def test_layers_of_stylegan3_have_their_own_names(position, shown):
    preset = Preset.from_yaml(
        YAML.replace("[[0s, 4], [4s, 16], [end, 256]]", str(position))
        + 'panels: {show: {show: blend, label: "{blend.swap} {blend.swap:.0f}"}}'
    )
    captions = Captions(preset, preset.tracks(), LAYERS_3)
    values = {name: track.value_at(Fraction(0)) for name, track in preset.tracks().items()}
    assert captions.at(Fraction(0), values, {})[0] == shown


def test_pictures_have_names_of_their_own_without_a_label():
    show = "[[low, high, snapshot:6], [toon@20, high@3, {show: portrait, seed: 3}]]"
    preset = Preset.from_yaml(f"{YAML}panels: {{show: {show}, labels: true}}\n")
    assert Captions(preset, preset.tracks(), LAYERS).at(Fraction(0), {}, {}) == (
        "portrait",
        "ukiyoe → toon",
        "6 kimg",
        "toon 20 kimg",
        "ukiyoe → toon 3 kimg",
        "portrait, seed 3",
    )


def test_what_carries_no_words_has_an_empty_caption():
    preset = Preset.from_yaml(YAML + "panels: [low, {show: blend, label: x}]\n")
    assert Captions(preset, preset.tracks(), LAYERS).at(Fraction(0), {}, {}) == ("", "x")


@given(st.text(max_size=30))
def test_doubled_braces_give_any_text_back(text):
    caption = read_caption(text.replace("{", "{{").replace("}", "}}"))
    assert caption.fields == ()
    assert caption.filled(lambda field: "wrong") == text


def test_a_format_follows_the_first_colon():
    assert read_caption("{ blend.weight : .2f }").fields == (Field("blend.weight", ".2f"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a } b", "a brace stands alone in 'a } b'"),
        ("{blend.swap", "a brace stands alone"),
        ("{}", "there is no name in '{}'"),
        ("{t:}", "'' is no way to write a number; use .2f"),
        ("{t:x}", "'x' is no way to write a number"),
        ("{t:{u}}", "a brace stands alone"),
        ("{t:999999f}", "is no way to write a number"),
    ],
)
def test_captions_that_mean_nothing_are_refused(text, message):
    with pytest.raises(ValueError, match=message.replace("{", r"\{").replace("}", r"\}")):
        read_caption(text)


@given(
    st.floats(-1e6, 1e6), st.sampled_from([".0f", ".1f", ".2f", ".3g", ".0%", "d", "+.2f", "06.1f", ",.0f"])
)
def test_no_number_reads_as_minus_nothing(number, form):
    text = formatted(number, form)
    assert not (text.startswith("-") and not any(digit in text for digit in "123456789"))
    assert abs(float(text.rstrip("%").replace(",", "")) * (0.01 if "%" in text else 1) - number) <= max(
        0.5, abs(number) / 100
    )
