"""Channels that a preset takes: their sets are found, checked, and change only what they say."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import make_network

from render.blending.channel_axes import channel_counts
from render.checkpoints.header import read_header
from render.checkpoints.native import save
from render.errors import PresetError
from render.networks import StyleGAN1, StyleGAN1Config, StyleGAN3, StyleGAN3Config
from render.preset import Preset
from render.report import describe, describe_frame
from render.report.models import Sizes
from render.scene import Scene

HEAD = """\
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 1s, fps: 10}
"""
EYES = (
    HEAD
    + "blend: portrait\nchannels: {eyes: {from: ukiyoe, weight: [[0s, 0], [end, 1]]}}\npanels: [blend, portrait]\n"
)


@pytest.fixture
def folder(sample_folder: Path, tmp_path: Path) -> Path:
    """The preset's folder; the samples beside it have sets."""
    (sample_folder / "portrait.channels.yaml").write_text(
        "eyes: {8/1: [3, 5], 16/0: [2]}\nhair: {16/0: [2, 4]}\n"
    )
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


def preset(folder: Path, text: str = EYES) -> Preset:
    (folder / "p.yaml").write_text(text)
    return Preset.load(folder / "p.yaml")


def refusals(folder: Path, text: str) -> list[str]:
    """What opening and checking a preset both say, without the folder and the lines with carets."""
    found = []
    for look in (Scene.open, describe):
        with pytest.raises(PresetError) as caught:
            look(preset(folder, text))
        lines = str(caught.value).replace(f"{folder}/", "").splitlines()
        found.append([line for line in lines if line[0] != " "])
    assert found[0] == found[1]
    return found[0]


def test_the_blend_alone_takes_channels_and_follows_their_track(folder):
    scene = Scene.open(preset(folder))
    pulls = [scene.moment(frame).pictures[0].blend.pulls for frame in (0, 5, 9)]
    assert pulls[0] == ()
    assert [(pull.position, pull.channels) for pull in pulls[2]] == [(3, (3, 5)), (4, (2,))]
    assert [pull.weight for pull in pulls[1]] == pytest.approx([5 / 9] * 2)
    assert pulls[2][0].models == (0, 0, 0, 1)  # the last snapshot
    assert scene.moment(9).pictures[1].blend.pulls == ()


def test_the_picture_is_that_of_the_channels_taken_by_hand(folder):
    import torch

    from render.drawing import to_frames
    from render.renderer import Renderer

    scene = Scene.open(preset(folder, EYES.replace("[blend, portrait]", "blend")))
    frame = next(iter(Renderer(scene).frames([scene.moment(9)])))
    low, high = scene.casts[0].generators[0], scene.casts[1].generators[-1]
    mixed = {name: tensor.clone() for name, tensor in low.state_dict().items()}
    for layer, channels, to_rgb in (("b8.conv1", [3, 5], "b8.torgb"), ("b16.conv0", [2], None)):
        for part in ("weight", "bias"):
            name = f"synthesis.{layer}.{part}"
            mixed[name][channels] = high.state_dict()[name][channels]
        if to_rgb:
            for name, axis in (("weight", 1), ("affine.weight", 0), ("affine.bias", 0)):
                name = f"synthesis.{to_rgb}.{name}"
                index = (slice(None), channels) if axis else channels
                mixed[name][index] = high.state_dict()[name][index]
    from render.networks import build

    with torch.inference_mode():
        image = build(low.config, mixed).synthesis(torch.from_numpy(scene.moment(9).pictures[0].ws)[None])
    assert np.abs(frame.astype(int) - to_frames(image)[0].astype(int)).max() <= 1


@pytest.mark.parametrize(
    "blend",
    [
        "{low: portrait, high: ukiyoe, swap: 16/1}",
        "{mix: {portrait: 0.5, ukiyoe: 0.5}, interpolation: keep-norm}",
        "{base: portrait, add: {ukiyoe: 0.5}, snapshot: {ukiyoe: 20}}",
        "{low: portrait, high: ukiyoe, swap: 8, convention: pinkney}",
    ],
)
def test_channels_lie_over_every_form_of_blend(folder, blend):
    from render.renderer import Renderer

    text = EYES.replace("blend: portrait", f"blend: {blend}").replace("[blend, portrait]", "blend")
    scene = Scene.open(preset(folder, text.replace("[[0s, 0], [end, 1]]", "1")))
    plain = Scene.open(preset(folder, text.replace("[[0s, 0], [end, 1]]", "0")))
    (taken,), (left,) = (Renderer(one).frames([one.moment(0)]) for one in (scene, plain))
    assert np.abs(taken.astype(int) - left).max() > 1


def test_the_nearest_file_that_has_the_set_counts(folder, sample_folder):
    def taken(text: str = EYES) -> dict[int, tuple[int, ...]]:
        pulls = Scene.open(preset(folder, text)).moment(9).pictures[0].blend.pulls
        return {pull.position: pull.channels for pull in pulls}

    assert taken() == {3: (3, 5), 4: (2,)}
    (folder / "portrait.channels.yaml").write_text("eyes: {8/0: [1]}\n")
    assert taken() == {2: (1,)}
    (folder / "channels.yaml").write_text("nose: {8/0: [2]}\n")
    assert taken() == {2: (1,)}
    (folder / "channels.yaml").write_text("eyes: {8/0: [2]}\n")
    assert taken() == {2: (2,)}
    (folder / "mine.yaml").write_text("eyes: {8/0: [3]}\n")
    assert taken(EYES.replace("from: ukiyoe", "from: ukiyoe, file: mine.yaml")) == {2: (3,)}
    assert taken(EYES.replace("from: ukiyoe", "from: ukiyoe, layers: {4/0: [7]}")) == {0: (7,)}


def test_a_series_has_its_sets_under_its_name_or_that_of_its_last_snapshot(folder, sample_folder):
    text = EYES.replace("blend: portrait", "blend: ukiyoe").replace("from: ukiyoe", "from: portrait")
    for name in ("ukiyoe-000040", "ukiyoe"):
        file = sample_folder / f"{name}.channels.yaml"
        file.write_text("eyes: {4/1: [1]}\n")
        assert Scene.open(preset(folder, text)).moment(9).pictures[0].blend.pulls
        file.unlink()


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ("{eys: ukiyoe}", ["p.yaml:5:12: channels.eys: there is no set 'eys'; did you mean 'eyes'?"]),
        ("{nose: ukiyoe}", ["p.yaml:5:12: channels.nose: there is no set 'nose'; known: eyes, hair"]),
        ("{eyes: ukiyoe, hair: ukiyoe}", ["p.yaml:5:26: channels.hair: eyes and hair both have channel 2 of layer 16/0"]),
        ("{eyes: ukiyoe, x: {from: portrait, layers: {16/0: [1, 2]}}}", ["p.yaml:5:26: channels.x: eyes and x both have channel 2 of layer 16/0"]),
        ("{x: {from: ukiyoe, layers: {32/0: [1]}}}", ["p.yaml:5:39: channels.x.layers.32/0: the model has no layer '32/0'; there are 4/0, 4/1, 8/0, 8/1, 16/0, 16/1"]),
        ("{x: {from: ukiyoe, layers: {16/0: [1, 9]}}}", ["p.yaml:5:45: channels.x.layers.16/0: layer 16/0 has no channel 9, only 0 to 7"]),
        ("{eyes: {from: ukiyoe, file: no.yaml}}", ["p.yaml:5:39: channels.eyes.file: there is no file no.yaml"]),
        ("{eyes: {from: ukiyoe, file: bad.yaml}, nose: ukiyoe}", ["p.yaml:5:50: channels.nose: there is no set 'nose'; known: eyes, hair", "bad.yaml:1:15: eyes.16/0: there is no channel 9; layer 16/0 has 0 to 7"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_where_it_is_written(folder, channels, message):
    (folder / "bad.yaml").write_text("eyes: {16/0: [9]}\n")
    assert refusals(folder, HEAD + f"blend: portrait\nchannels: {channels}\n") == message


def test_without_any_file_the_message_says_what_to_do(folder, sample_folder):
    (sample_folder / "portrait.channels.yaml").unlink()
    assert refusals(folder, EYES) == [
        "p.yaml:5:12: channels.eyes: nothing says which these are; write layers: {32/0: [3, 17]}, or have eyes in portrait.channels.yaml"
    ]


def test_a_preset_made_in_python_has_the_same_mistakes_without_lines(folder):
    one = preset(folder).replace(channels={"eys": "ukiyoe"})
    with pytest.raises(PresetError) as caught:
        Scene.open(one)
    assert str(caught.value) == "channels.eys: there is no set 'eys'; did you mean 'eyes'?"


def test_check_tells_of_every_set(folder):
    text = describe(preset(folder))
    assert ["ukiyoe", "channels"] in [line.split()[:2] for line in text.splitlines()]
    row = next(line.split() for line in text.splitlines() if line.startswith("  eyes"))
    assert row == [
        "eyes",
        "from",
        "ukiyoe",
        "3",
        "channels",
        "portrait.channels.yaml",
        "8/1:",
        "2,",
        "16/0:",
        "1",
    ]
    frame = describe_frame(preset(folder), 5)
    assert "eyes   from ukiyoe   55.6 %" in frame


def test_headers_tell_how_many_channels_layers_have(tmp_path):
    small = {"resolution": 16, "z_dim": 8, "w_dim": 8, "mapping_layers": 1}
    networks = [
        make_network(seed=1, resolution=32, channel_base=128, channel_max=8),
        make_network(seed=1, architecture="resnet"),
        StyleGAN1(StyleGAN1Config(resolution=16, z_dim=8, w_dim=8)),
        StyleGAN3(StyleGAN3Config(channel_base=128, channel_max=8, num_layers=4, **small)),
    ]
    for network in networks:
        save(network, tmp_path / "n.safetensors")
        assert dict(Sizes.of(read_header(tmp_path / "n.safetensors")).channels) == channel_counts(network)
