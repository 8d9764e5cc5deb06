"""Layouts: the words under a picture, and sizes that are known without anything that draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

from render.layout import layout_of
from render.preset import Preset

YAML = """
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}, toon: {snapshots: sample:toon}}
clip: {duration: 8s}
blend: {low: portrait, high: HIGH}
panels: {show: [low, {show: blend, label: both}, high, toon], labels: true}
"""


@pytest.mark.parametrize(
    ("high", "label"),
    [("ukiyoe", "ukiyoe"), ("[[0s, ukiyoe], [4s, toon, fade 1s], [6s, ukiyoe]]", "ukiyoe → toon")],
)
def test_captions_name_the_models_shown(high, label):
    layout = layout_of(Preset.from_yaml(YAML.replace("HIGH", high)))
    assert layout.labels == ("portrait", "both", label, "toon")


def test_sizes_are_known_without_anything_that_draws():
    code = "import sys, render.layout; print({'numpy', 'PIL', 'torch'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
