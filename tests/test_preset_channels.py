"""The section `channels` of a preset: its forms, its tracks, its mistakes, and the way back to text."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

from pathlib import Path

import pytest

from render.errors import PresetError
from render.preset import Preset, TakenChannels

HEAD = """\
version: 1
models: {portrait: a.pkl, ukiyoe: {snapshots: u}}
clip: {duration: 4s, fps: 25}
blend: portrait
"""
SETS = """\
channels:
  eyes: {from: ukiyoe, weight: [[0s, 0], [end, 1]]}   # at last
  mouth: ukiyoe
  left-ear: {from: ukiyoe, weight: "=channels.eyes.weight/2", layers: {32/0: [3, 17], L7: [0]}}
"""


def mistakes(channels: str) -> list[str]:
    """The lines of the message, without the file's name, the preset's line and the caret."""
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(HEAD + channels)
    return [line.removeprefix("preset:") for line in str(caught.value).splitlines() if line[0] != " "]


def test_every_set_has_a_track_that_formulas_read() -> None:
    tracks = Preset.from_yaml(HEAD + SETS).tracks()
    assert list(tracks) == [
        "truncation",
        *(f"channels.{name}.weight" for name in ("eyes", "mouth", "left-ear")),
    ]
    assert tracks["channels.mouth.weight"].value_at(2) == 1
    assert tracks["channels.left-ear.weight"].value_at(2) == pytest.approx(
        tracks["channels.eyes.weight"].value_at(2) / 2
    )


def test_a_model_alone_is_all_of_a_set() -> None:
    preset = Preset.from_yaml(HEAD + SETS)
    assert preset.channels["mouth"] == TakenChannels(**{"from": "ukiyoe"})
    assert preset.channels["mouth"].model == "ukiyoe"
    assert preset.channels["left-ear"].layers == {"32/0": (3, 17), "L7": (0,)}


def test_the_text_comes_back_with_its_comments_and_from_nothing() -> None:
    preset = Preset.from_yaml(HEAD + SETS)
    assert preset.to_yaml() == HEAD + SETS
    fresh = Preset(**{name: getattr(preset, name) for name in preset.model_fields_set}).to_yaml()
    assert "  mouth: ukiyoe\n" in fresh
    assert Preset.from_yaml(fresh) == preset


def test_a_set_can_be_changed_from_outside() -> None:
    changed = Preset.from_yaml(
        HEAD + SETS, overrides={"channels.mouth.weight": 0.25, "channels.eyes.file": "x.yaml"}
    )
    assert changed.channels["mouth"].model == "ukiyoe"
    assert changed.tracks()["channels.mouth.weight"].value_at(0) == 0.25
    assert changed.channels["eyes"].file == "x.yaml"
    without = Preset.from_yaml(HEAD + SETS, overrides={"channels": None})
    assert without.channels is None


def test_layers_take_the_place_of_an_inherited_file() -> None:
    overrides = {"channels.eyes.file": "x.yaml"}
    one = Preset.from_yaml(HEAD + SETS, overrides=overrides | {"channels.eyes.layers": {"32/0": [1]}})
    assert (one.channels["eyes"].file, one.channels["eyes"].layers) == (None, {"32/0": (1,)})


def test_a_file_of_sets_is_named_from_where_the_preset_is_saved(tmp_path: Path) -> None:
    preset = Preset.from_yaml(HEAD + "channels: {eyes: {from: ukiyoe, file: my.yaml}}\n", base_dir=tmp_path)
    (tmp_path / "sub").mkdir()
    assert "file: ../my.yaml" in preset.save(tmp_path / "sub" / "p.yaml").read_text()


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ("{eyes: {from: ukiyo}}", "5:25: channels.eyes.from: unknown model 'ukiyo'; did you mean 'ukiyoe'?"),
        ("{eyes: ukiyo}", "5:18: channels.eyes: unknown model 'ukiyo'; did you mean 'ukiyoe'?"),
        ("{eyes: {weight: 1}}", "5:12: channels.eyes.from: missing. The model that gives the channels."),
        ("{eyes: {from: ukiyoe, weihgt: 1}}", "5:33: channels.eyes.weihgt: unknown key; did you mean 'weight'?"),
        ("{eyes: {from: ukiyoe, weight: 101}}", "5:41: channels.eyes.weight: a weight is a number from -100 to 100, not 101"),
        ("{the eyes: ukiyoe}", "5:12: channels.the eyes: 'the eyes' is no name for channels; it is a word such as eyes or left-eye"),
        ("[eyes]", "5:11: channels: channels are sets with the model they are taken from: {eyes: {from: ukiyoe, weight: 1}}, not a list"),
        ("{eyes: {from: ukiyoe, layers: {32: [1]}}}", "5:42: channels.eyes.layers.32: 32 is two layers; write 32/0 or 32/1"),
        ("{eyes: {from: ukiyoe, layers: {top: [1]}}}", "5:42: channels.eyes.layers.top: a layer is 32/0 or 32/1, in StyleGAN3 L7 or input, not 'top'"),
        ("{eyes: {from: ukiyoe, layers: {32/0: [1, 1]}}}", "5:52: channels.eyes.layers.32/0[1]: channel 1 is there twice"),
        ("{eyes: {from: ukiyoe, layers: {32/0: [-1]}}}", "5:49: channels.eyes.layers.32/0[0]: a channel is a whole number from 0 on, not -1"),
        ("{eyes: {from: ukiyoe, layers: {32/0: 3}}}", "5:48: channels.eyes.layers.32/0: this is a list of channels, such as [3, 17], not 3"),
        ("{eyes: {from: ukiyoe, layers: {}}}", "5:41: channels.eyes.layers: these are layers with their channels, such as {32/0: [3, 17]}, not an empty mapping"),
        ("{eyes: {from: ukiyoe, layers: {32/0: [1]}, file: x}}", "5:54: channels.eyes.file: layers says which channels these are; leave one of the two out"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is_written(channels: str, message: str) -> None:
    assert mistakes(f"channels: {channels}\n") == [message]


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("channels:\n  eyes: {from: ukiyoe, wieght: 1}\n  mouth: {layers: {32/0: [0.5]}}\n")
    assert [line.split(":")[0] for line in found] == ["6", "7", "7"]


def test_without_a_blend_the_message_names_both_ways_out() -> None:
    with pytest.raises(PresetError, match="or name the one whose channels are taken from others"):
        Preset.from_yaml(HEAD.replace("blend: portrait\n", "channels: {eyes: ukiyoe}\n"))


def test_weights_far_out_are_warned_of() -> None:
    text = HEAD + "channels: {eyes: {from: ukiyoe, weight: [[0s, 0], [end, 5]]}}\n"
    assert Preset.from_yaml(text).warnings() == [
        "channels.eyes.weight: reaches 5; beyond -2 to 3 pictures mostly fall apart"
    ]
