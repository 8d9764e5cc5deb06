"""`check --frame`: one moment of a preset in words and numbers, the same that is rendered."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from render.errors import PresetError
from render.preset import Preset
from render.report import WIDTH, describe_frame
from render.scene import Scene
from tests.test_report import line_with

YAML = """\
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 8b, fps: 25, bpm: 120, markers: {drop: 4b, fill: drop+1s}}
latents: {keys: [[0s, 3], [1s, 14, ease-in], [2s, 15, hold], [end, 92]], pace: even}
blend:
  low: portrait
  high: [[0s, ukiyoe], [2s, portrait, fade 1s]]
  swap: [[0s, 4], [end, 32]]
  weight: {4-8: 1, 16+: "=u"}
  snapshot: 25
"""


def frame_text(frame: int, yaml: str = YAML) -> str:
    return describe_frame(Preset.from_yaml(yaml), frame)


def words_of(text: str, start: str) -> str:
    return " ".join(line_with(text, start))


def test_the_moment_is_told_in_every_unit(sample_folder):
    text = frame_text(62)
    assert words_of(text, "frame  ") == "frame 62, of 0 to 99"
    assert words_of(text, "time") == "time 2.505 s · 62.6 % · beat 5.01"
    assert words_of(text, "markers") == "markers drop 0.5051 s ago · fill in 0.4949 s"
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (0, "at seed 3"),
        (10, "seed 3 to seed 14, 40.4 % of the way"),
        (30, "seed 14 to seed 15, 6.9 % of the way (21.2 % of the time, ease-in)"),
        (62, "at seed 15"),
        (-1, "at seed 92"),
    ],
)
def test_the_walk_is_between_two_latents(sample_folder, frame, words):
    assert words_of(frame_text(frame), "walk").removeprefix("walk ").startswith(words)


@pytest.mark.parametrize(
    ("latents", "frame", "words"),
    [
        ("{seeds: [3, 14], every: 1s}", 25, "walk at seed 14"),
        ("{seeds: [3, 14], every: 1s}", 37, "walk seed 14 to seed 3, 48 % of the way"),
        ("{seeds: [3, 14, 15], position: 5.25}", 0, "walk seed 15 to seed 3, 25 % of the way"),
        ("{seeds: [3, 14], path: circle, every: 2s}", 25, "walk 0.5 turns of the circle"),
        ("{seeds: [3, 14], path: hold, every: 1s}", 30, "walk at seed 14"),
        ("{keys: [[1s, 3], [2s, 14]]}", 12, "walk seed 14 to seed 3, 82.7 % of the way"),
        ("{seed: 9}", 30, "walk at seed 9"),
    ],
)
def test_walks_in_a_loop_come_round(sample_folder, latents, frame, words):
    yaml = YAML.replace("bpm: 120", "bpm: 120, loop: true")
    yaml = "\n".join(
        f"latents: {latents}" if line.startswith("latents") else line for line in yaml.splitlines()
    )
    assert words_of(frame_text(frame, yaml), "walk").startswith(words)


@pytest.mark.parametrize("frame", [0, 33, 62, 99])
def test_weights_are_those_that_are_rendered(sample_folder, frame):
    text = frame_text(frame)
    preset = Preset.from_yaml(YAML)
    scene = Scene.open(preset.replace(latents=3))
    moment = scene.moment(frame)
    blend = scene.mixture.blend(moment.values, moment.names)
    shown = [
        [float(word) if word != "below" else 0 for word in words_of(text, f"{layer.name} ").split()[1::2]]
        for layer in scene.model.layers
    ]
    order = [scene.models.index(name) for name in line_with(text, "layer  ")[1:]]
    assert np.allclose(np.array(shown).T / 100, blend.weights[order], atol=6e-4)
    assert "The mapping network is portrait." in text


def test_names_and_snapshots_are_told_with_their_shares(sample_folder):
    text = frame_text(62)
    assert words_of(text, "blend.high") == "blend.high ukiyoe 49.5 %, portrait 50.5 %"
    assert words_of(text, "ukiyoe  ") == "ukiyoe 25 kimg ukiyoe-000020 75 %, ukiyoe-000040 25 %"


def test_layers_need_a_header(sample_folder, tmp_path, low):
    from conftest import write_nvlabs

    write_nvlabs(tmp_path / "net.pkl", low)
    preset = Preset.from_yaml("models: {faces: net.pkl}\nclip: {duration: 2s}\n", base_dir=tmp_path)
    assert "not known before the networks are opened" in describe_frame(preset, 0)


@pytest.mark.parametrize("frame", [100, -101, 10**9])
def test_frames_outside_are_refused_with_the_range(sample_folder, frame):
    with pytest.raises(PresetError) as caught:
        frame_text(frame)
    assert str(caught.value) == (
        f"--frame {frame}: this clip has the frames 0 to 99, or -1 to -100 counted from the end"
    )


def test_the_last_frame_counts_from_the_end(sample_folder):
    assert frame_text(-1) == frame_text(99)


def test_a_moment_imports_no_torch():
    code = """
import sys
from render.preset import Preset
from render.report import describe_frame
describe_frame(Preset.load("hello"), 5)
print("torch" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
