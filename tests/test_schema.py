"""The JSON Schema says the same as the reader."""
# ruff: noqa: E501 (each preset stands whole on its line)

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from render.errors import PresetError
from render.preset import Preset, preset_schema

SHIPPED = sorted((Path(__file__).parent.parent / "presets").glob("*.yaml"))
VALIDATOR = jsonschema.Draft7Validator(preset_schema())
BASE = "models: {a: x, b: {snapshots: y}}\nclip: {duration: 8s, bpm: 120}\n"
BLEND = BASE + "blend: {low: a, high: b}\n"

GOOD = [
    BLEND,
    "models: {a: x}\nclip: {duration: 90f, fps: 24000/1001, offset: 0.25s, loop: true}\n",
    BASE + "blend: a\n",
    f"models: {{a: {{file: hf://o/r/a.pkl, sha256: '{64 * 'c'}'}}}}\nclip: {{duration: 8s}}\n",
    BASE + "blend: {model: b, snapshot: [[0s, 0, out-quad], [end, 40]]}\n",
    BASE + "blend: {low: a, high: b, swap: 32/1, to_rgb: L7, width: 0.5, weight: =1-u, mapping: blend}\n",
    BASE
    + "blend: {low: a, high: b, swap: [[0s, [32, 1], hold], [4b+12f, 48.5, steps(4, end)], [end-1s, 4]]}\n",
    BASE
    + "blend: {low: a, high: b, swap: [[0, 4, 'cubic-bezier(0, 0, 1, 1)'], [1/3b, 8, cubic-bezier(0, 0, 1, 1)]]}\n",
    BLEND
    + "latents: {seeds: '0-5,9', every: 2b, path: slerp, space: z}\ntruncation: [[0s, 1], [50%, 0.5]]\n",
    BLEND + "latents: 7\nnoise: none\npanels: low\noutputs: a.mp4\n",
    BLEND + "latents: {seed: 7}\nnoise: {mode: random, seed: 3}\ntruncation_cutoff: 8\n",
    BLEND
    + "panels: [[low, {show: a, label: A}], [blend]]\noutputs: [a.mp4, {file: b.gif, colors: 16, loop: false}]\n",
    BLEND + "panels: {show: [low, b], labels: true, gap: 0, scale: 2, background: '#fff'}\n",
    BLEND + "outputs: [{file: b.mp4, crf: 20, speed: slow, width: 640, fps: 12.5}]\n",
    BLEND + "vars: {peak: 0.8, sway: =sin(t), rise: [[0s, 0], [end, =peak*sway]]}\ntruncation: =rise\n",
    "models: {a: x}\nclip: {duration: 8s, beats: [0.3, 0.8], markers: {drop: 1s, fill: drop-1b}}\n",
    BLEND.replace("bpm: 120", "bpm: 120, markers: {drop: 8b}")
    + "truncation: {keys: [[drop, 1], [drop+1b, 0]], ease: spline, repeat: mirror}\n",
    BLEND + "truncation: {4-8: 0.5, 16/0-16/1: [[0s, 0], [end, 1]], 32+: =u}\n",
    BLEND + "truncation: [[0s, {L0-L3: 0, L4+: 1}], [end, {L0-L3: 1, L4+: =u}, ease]]\n",
    BLEND + "truncation_cutoff: [[0s, 0], [end, 8]]\ntruncation_clusters: 16\n",
    BLEND
    + "truncation_clusters: {count: 4, seed: 2}\ntransform: {x: 0.1, rotate: [[0s, 0], [end, 360]], zoom: 2}\n",
    BLEND + "latents: {random: {count: 8, seed: 1}, path: hold, pace: even}\n",
    BLEND + "latents: {files: [me.npz, {file: 'a.npy#2', space: z}], every: 1s}\n",
    BLEND + "latents: {keys: [[0s, seed 3], [4b, file me.npz, ease-in-out], [5s, anna, hold], [end, 3]]}\n",
    BLEND + "latents: {seed: 1, path: noise-loop, diameter: 1.5, labels: {3: 0.5, 5: 0.5}}\n",
    BLEND + "latents: {labels: [[0s, 3], [4s, {5: 1}, ease], [6s, 7, fade 1s]]}\n",
    BLEND + "latents: {seeds: [1, 2], mixing: {seeds: 5-6, layers: 8+, weight: =u}}\n",
    BLEND + "latents: {directions: [{sefa: 2, layers: '0-2,6+', strength: =t}, {file: age.npy}]}\n",
    BASE
    + "blend: {low: a, high: [[0s, b], [4s, a, fade 2b ease-in-out]], mapping: [[0s, low], [1s, high, fade 1s]]}\n",
    BASE + "blend: {low: a, high: b, weight: {4-8: 0, 16+: 1}}\n",
    "models: {a: x}\nclip: {duration: 8s}\ntruncation: [[0s, 0, 'linear(0, 0.4 20%, 1)'], [end, 1]]\n",
    BASE + "blend: {mix: {a: {4-8: 1, 16+: =1-u}, b: {4-8: 0, 16+: =u}}, mapping: blend, noise: b}\n",
    BASE
    + "blend: {mix: {a: 3, b: [[0s, 0], [end, 1]]}, normalise: true, to_rgb: {b: 1}, snapshot: {b: =9*u}}\n",
    BASE + "blend: {base: a, add: {b: {4-8: -0.5, 16+: =u}}, snapshot: 3, interpolation: keep-norm}\n",
    BASE + "blend: {base: a, add: {b: 1}, to_rgb: {b: 0}, mapping: b}\n",
    BASE + "blend: {low: a, high: b, convention: dvschultz, noise: [[0s, low], [end, high, fade 1s]]}\n",
]
BAD = [
    "clip: {duration: 8s}\n",
    "models: {a: x}\n",
    "models: {}\nclip: {duration: 8s}\n",
    "models: {a: 3}\nclip: {duration: 8s}\n",
    "models: {a: {snapshot: x}}\nclip: {duration: 8s}\n",
    "models: {a: {file: x, sha256: abc}}\nclip: {duration: 8s}\n",
    "models: {a: x}\nclip: {duration: 8}\n",
    "models: {a: x}\nclip: {duration: 8s, fps: fast}\n",
    "models: {a: x}\nclip: {duration: 8s, fps: 0}\n",
    "models: {a: x}\nclip: {duration: 8s, bpm: 0}\n",
    "models: {a: x}\nclip: {duration: 8s, loop: yes}\n",
    "models: {a: x}\nclip: {duration: 8s, size: 3}\n",
    BLEND + "version: 2\n",
    BLEND + "colour: red\n",
    BLEND + "truncation: high\n",
    BLEND + "truncation: [0s, 1]\n",
    BLEND + "truncation: [[0s]]\n",
    BLEND + "truncation: [[5, 1]]\n",
    BLEND + "truncation: [[0s, 1, esae]]\n",
    BLEND + "latents: {seeds: [x]}\n",
    BLEND + "latents: {path: circular}\n",
    BLEND + "latents: {every: 2 parsecs}\n",
    BLEND + "noise: loud\n",
    BLEND + "panels: [3]\n",
    BLEND + "panels: {show: [low], gap: -1}\n",
    BLEND + "outputs: [a.avi]\n",
    BLEND + "outputs: [{file: a.gif, crf: 3}]\n",
    BLEND + "outputs: [{file: a.mp4, crf: 99}]\n",
    BLEND + "outputs: [{fps: 12}]\n",
    BASE + "blend: {low: a, high: b, swap: 3}\n",
    BASE + "blend: {low: a, high: b, width: -1}\n",
    BASE + "blend: {low: a, high: b, convention: pink}\n",
    BASE + "blend: {low: a, high: b, swp: 32}\n",
    BASE + "blend: {mix: {a: 1}, low: a}\n",
    BASE + "blend: {mix: {}}\n",
    BASE + "blend: {mix: [a, b]}\n",
    BASE + "blend: {mix: {a: x}}\n",
    BASE + "blend: {mix: {a: {fine: 1}}}\n",
    BASE + "blend: {mix: {a: 1}, swap: 32}\n",
    BASE + "blend: {mix: {a: 1}, normalise: maybe}\n",
    BASE + "blend: {base: a}\n",
    BASE + "blend: {add: {b: 1}}\n",
    BASE + "blend: {base: a, add: {b: 1}, convention: pinkney}\n",
    BASE + "blend: {low: a, high: b, snapshot: {b: -1}}\n",
    BASE + "blend: {low: a, high: b, normalise: true}\n",
    BASE + "blend: {low: a, high: b, interpolation: cubic}\n",
    "models: {a: x}\nclip: {duration: 8s, markers: {end: 3s}}\n",
    "models: {a: x}\nclip: {duration: 8s, markers: {2nd: 3s}}\n",
    "models: {a: x}\nclip: {duration: 8s, markers: {drop: 3}}\n",
    "models: {a: x}\nclip: {duration: 8s, beats: [1]}\n",
    BLEND + "vars: {my-peak: 1}\n",
    BLEND + "vars: {peak: high}\n",
    BLEND + "truncation: {keys: [[0s, 1], [end, 0]], repeat: twice}\n",
    BLEND + "truncation: {keys: [[0s, 1], [end, 0]], easing: ease}\n",
    BLEND + "truncation: {4-8: 0.5, fine: 1}\n",
    BLEND + "truncation: {4-8: x}\n",
    BLEND + "truncation: [[0s, {4-8: x}]]\n",
    BLEND + "truncation_cutoff: 99\n",
    BLEND + "truncation_clusters: 0\n",
    BLEND + "truncation_clusters: {seed: 1}\n",
    BLEND + "transform: {zoom: 0}\n",
    BLEND + "transform: {rotation: 3}\n",
    BLEND + "latents: {random: 0}\n",
    BLEND + "latents: {files: me.png}\n",
    BLEND + "latents: {keys: [[0s]]}\n",
    BLEND + "latents: {keys: [[0s, [3]]]}\n",
    BLEND + "latents: {pace: brisk}\n",
    BLEND + "latents: {labels: {3: 2}}\n",
    BLEND + "latents: {labels: [[0s, three]]}\n",
    BLEND + "latents: {mixing: {seeds: 5-6}}\n",
    BLEND + "latents: {mixing: {seeds: 5-6, layers: fine}}\n",
    BLEND + "latents: {directions: [{sefa: -1}]}\n",
    BLEND + "latents: {directions: {sefa: 1}}\n",
    BASE + "blend: {low: a, high: [[0s, b, ease]]}\n",
    BASE + "blend: {low: a, high: [[0s, 3]]}\n",
    BASE + "blend: {low: a, high: b, weight: {48: 1}}\n",
    BLEND + "latents: {seeds: [1, 2], random: 3}\n",
    BLEND + "latents: {keys: [[0s, 3]], every: 1s}\n",
    BLEND + "latents: {directions: [{sefa: 1, file: age.npy}]}\n",
    "models: {a: x}\nclip: {duration: 8s, bpm: 120, beats: [1, 2]}\n",
    BASE + "blend: {low: a, high: b, model: a}\n",
    BASE + "blend: {low: a}\n",
    "models: {a: {file: x, snapshots: y}}\nclip: {duration: 8s}\n",
]


def accepted(text: str) -> bool:
    data = YAML(typ="safe", pure=True).load(text)
    return VALIDATOR.is_valid(json.loads(json.dumps(data)))  # to editors every key is text, as to the reader


def test_it_is_draft_7_and_plain_json() -> None:
    jsonschema.Draft7Validator.check_schema(preset_schema())
    assert json.loads(json.dumps(preset_schema())) == preset_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_presets_are_accepted(path: Path) -> None:
    assert accepted(path.read_text())


def test_the_schema_beside_the_presets_is_this_one() -> None:
    """After a change of what presets can say: blendreel schema --out presets/preset.schema.json"""
    assert json.loads((SHIPPED[0].parent / "preset.schema.json").read_text("utf-8")) == preset_schema()


@pytest.mark.parametrize("text", GOOD)
def test_good_presets_pass_both(text: str) -> None:
    Preset.from_yaml(text)
    assert accepted(text)


def test_a_preset_that_extends_another_needs_no_models() -> None:
    assert accepted("extends: base.yaml\n")
    assert accepted("extends: base.yaml\nclip: {fps: 60}\nblend: {swap: 8}\nlatents: {mixing: {weight: 1}}\n")
    assert not accepted("extends: base.yaml\nclip: {fsp: 60}\n")
    assert not accepted("latents: 3\n")


@pytest.mark.parametrize("text", BAD)
def test_bad_presets_fail_both(text: str) -> None:
    with pytest.raises(PresetError):
        Preset.from_yaml(text)
    assert not accepted(text)


def test_every_key_is_explained_in_a_sentence() -> None:
    schema = preset_schema()
    mappings = [schema, *schema["definitions"].values()]
    mappings += [option for mapping in mappings for option in mapping.get("anyOf", [])]
    properties = [item for mapping in mappings for item in mapping.get("properties", {}).items()]
    assert len(properties) > 40
    for name, item in properties:
        assert item.get("description", "").endswith("."), name


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(preset_schema())
    names = {part.split('"')[0] for part in text.split("#/definitions/")[1:]}
    assert names <= set(preset_schema()["definitions"])
