"""Public functions say what they take where they are given something else."""

from __future__ import annotations

import re

import pytest

import render
from render.errors import BlendreelError
from render.production.shoot import Shoot
from render.renderer import Renderer
from render.scene import Scene


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda low: render.blend("sample:a", "b"), "made of networks, not of 'sample:a'; render.load"),
        (lambda low: render.blend(low, None), "made of networks, not of None"),
        (lambda low: render.Blender("sample:a"), "made of networks, not of 'sample:a'"),
        (lambda low: render.Blend("x"), "weights are rows of numbers of one length, not 'x'"),
        (lambda low: render.Blend([[1, 2], [3]]), "rows of numbers of one length, not [[1, 2], [3]]"),
        (lambda low: render.save("x", "y.safetensors"), "y.safetensors: networks are written, not 'x'"),
        (lambda low: render.save(low, "y.safetensors", "float16"), "dtype is 'float16'; it is torch"),
        (lambda low: render.load("sample:portrait", "gpu"), "device is 'gpu'; usual are cpu, cuda"),
        (lambda low: render.render(None), "named by its file or its name, not by None"),
        (lambda low: render.frames({"version": 1}), "not by {'version': 1}; Preset(**it)"),
        (lambda low: render.sheet(3), "named by its file or its name, not by 3"),
    ],
)
def test_a_wrong_argument_is_told(sample_folder, low, call, message):
    with pytest.raises(BlendreelError, match=re.escape(message)):
        call(low)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resolution": "x"}, "resolution is a whole number of pixels from 1 on, not 'x'"),
        ({"resolution": 0}, "resolution is a whole number of pixels from 1 on, not 0"),
        ({"bits": 12}, "bits is 8 or 16 a channel, not 12"),
        ({"batch_size": 2.5}, "batch_size is a whole number of pictures from 1 on, not 2.5"),
    ],
)
def test_a_wrong_option_of_the_renderer_is_told(preset, options, message):
    with pytest.raises(BlendreelError, match=re.escape(message)):
        Renderer(Scene.open(preset, "cpu"), **options)


@pytest.mark.parametrize("count", [0, "a", 1.5])
def test_a_wrong_length_of_segments_is_told(preset, count):
    with pytest.raises(BlendreelError, match="segment_frames is a whole number of frames from 1 on"):
        Shoot(Renderer(Scene.open(preset, "cpu")), [], count)
