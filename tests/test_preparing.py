"""Long films have their networks' code compiled first; short ones start at once."""

from __future__ import annotations

import pytest

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
