"""What was opened for a film is gone with it: hundreds of megabytes would wait for Python's collector.

A circle of references is only found when the collector next looks, and networks make few objects for it to
count. A process that renders film after film would grow by all that each of them had mixed and prepared.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch

import render
from render.networks.fast import fast
from render.preset import Preset
from render.production import render as rendered
from render.renderer import Renderer
from render.scene import Scene
from tests.conftest import REFERENCE

ODD = """
version: 1
models: {portrait: sample:portrait, ukiyoe: sample:ukiyoe}
clip: {duration: 1s, fps: 4}
latents: [3, 14]
blend: {low: portrait, high: ukiyoe, weight: [[0s, 0], [end, 1]], mapping: blend}
panels: [low, blend, {show: blend, seed: 7}]
"""


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("name", ["stylegan1-tf", "stylegan2-ada", "stylegan3-t"])
def test_a_synthesis_keeps_nobody_and_least_itself(name, precision):
    network = render.load(REFERENCE / name / "network.pkl")
    synthesis = fast(network, precision, compiled=False)
    ws = torch.zeros(2, network.num_ws, network.w_dim)
    batch = synthesis.batch(ws)
    synthesis.draw(batch, following=synthesis.batch(ws + 1))
    gone = [weakref.ref(synthesis), weakref.ref(synthesis.stock)]
    del synthesis
    assert gone[0]() is batch.owner  # a batch may be drawn as long as it is there
    del batch
    assert [one() for one in gone] == [None, None]


@pytest.mark.parametrize("text", [None, ODD])
def test_a_scene_and_its_renderer_go_with_their_film(preset, sample_folder, text):
    preset = preset if text is None else Preset.from_yaml(text, base_dir=sample_folder)
    scene = Scene.open(preset, "cpu")
    renderer = Renderer(scene)
    assert len(list(renderer.frames(scene.moments(range(3))))) == 3
    gone = [weakref.ref(one) for one in (scene, scene.blender, scene.journey, scene.model, renderer.drawer)]
    del scene, renderer
    assert [one() for one in gone] == [None] * len(gone)


def test_nothing_of_a_rendered_film_stays(preset, tmp_path, monkeypatch):
    opened, own = [], Scene.open.__func__

    def watched(cls, *arguments):
        scene = own(cls, *arguments)
        opened.extend(weakref.ref(one) for one in (scene, scene.blender, scene.model))
        return scene

    monkeypatch.setattr(Scene, "open", classmethod(watched))
    rendered(preset.replace(outputs=("a.mp4",)), out_dir=tmp_path, device="cpu", progress=False)
    assert [one() for one in opened] == [None, None, None]
