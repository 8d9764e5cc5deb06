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
]


def accepted(text: str) -> bool:
    return VALIDATOR.is_valid(YAML(typ="safe", pure=True).load(text))


def test_it_is_draft_7_and_plain_json() -> None:
    jsonschema.Draft7Validator.check_schema(preset_schema())
    assert json.loads(json.dumps(preset_schema())) == preset_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_presets_are_accepted(path: Path) -> None:
    assert accepted(path.read_text())


@pytest.mark.parametrize("text", GOOD)
def test_good_presets_pass_both(text: str) -> None:
    Preset.from_yaml(text)
    assert accepted(text)


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
