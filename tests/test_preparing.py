"""Long films have their networks' code compiled first; short ones start at once."""

from __future__ import annotations

import pytest
import torch
from pretended_gpu import pretended_gpu

from render.errors import BlendreelWarning
from render.networks.compiling import COMPILED
from render.networks.cpu import CpuLibrary
from render.networks.fast import FAST
from render.production import preparing
from render.production.preparing import prepare_code
from render.renderer import Renderer
from render.scene import Scene


@pytest.fixture
def renderer(preset):
    return Renderer(Scene.open(preset, "cpu"), compiled=False)


@pytest.fixture
def asked(monkeypatch):
    """What the library is asked for; nothing is compiled."""
    asked = []
    monkeypatch.setattr(CpuLibrary, "find", lambda compiled, *where: asked.append(compiled) or object())
    return asked


def test_long_films_are_compiled_for_and_tell_so(renderer, asked):
    told = []
    frames = preparing.WORTH_COMPILING["stylegan2"] // (3 * 16 * 16) + 1  # three panels
    assert prepare_code(renderer, frames, told.append)
    assert asked == [True]
    assert told[0].startswith("compiling the networks' code for this processor, once")
    assert len(told) == 2


def test_short_films_start_at_once(renderer, asked):
    assert not prepare_code(renderer, 1000, pytest.fail)
    assert asked == []


def test_every_architecture_has_its_measure():
    """The C++ serves them all."""
    assert preparing.WORTH_COMPILING.keys() == FAST.keys()


def test_what_is_compiled_already_is_not_compiled_again(renderer, asked):
    renderer.drawer.synthesis.library = object()
    assert not prepare_code(renderer, 10**9, pytest.fail)
    assert asked == []
    assert renderer.drawer.code == "compiled"


@pytest.fixture
def no_kernels(monkeypatch):
    """Nothing was compiled for a GPU yet, nor given up."""
    monkeypatch.setattr(COMPILED, "_loaded", {})
    monkeypatch.setattr(COMPILED, "is_broken", False)


def film_on_gpu(preset, frames: int) -> tuple[list[str], str, list]:
    """What is told before a film of so many frames, what its code is called, and the first frame of it."""
    told = []
    with pretended_gpu() as device:
        scene = Scene.open(preset, device)
        renderer = Renderer(scene)
        assert not prepare_code(renderer, frames, told.append)
        return told, renderer.drawer.code, list(renderer.frames(scene.moments([0])))


LONG = preparing.TIMES_ON_GPU * preparing.WORTH_COMPILING["stylegan2"] // (3 * 16 * 16) + 1


def test_long_films_on_a_gpu_have_their_kernels_compiled(preset, no_kernels, monkeypatch):
    calls = []

    def compile(function, dynamic):
        return lambda *tensors: calls.append(tensors[0].device.type) or function(*tensors)

    _, code, expected = film_on_gpu(preset, LONG - 1)
    assert code == "plain"
    monkeypatch.setattr(torch, "compile", compile)
    told, code, frames = film_on_gpu(preset, LONG)
    assert told[0].startswith("compiling kernels for this GPU")
    assert told[1].startswith("compiled in ")
    assert code == "compiled"
    assert set(calls) == {"cuda"}
    assert (frames[0] == expected[0]).all()


def test_a_gpu_without_a_compiler_draws_all_the_same_and_says_so_once(preset, no_kernels, monkeypatch):
    def fail(*tensors):
        raise RuntimeError("Cannot find a working triton installation")

    _, _, expected = film_on_gpu(preset, 1)
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: fail)
    with pytest.warns(BlendreelWarning, match="goes on without compiled code.*working triton") as said:
        told, code, frames = film_on_gpu(preset, LONG)
    assert len(said) == len(told) == 1
    assert code == "plain"
    assert (frames[0] == expected[0]).all()
