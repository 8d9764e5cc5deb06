"""The first of several renders keeps the processors; the others give way, and say so."""

from __future__ import annotations

import os

import pytest

from render import processors
from render.processors import shared_processors


@pytest.fixture
def niced(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "_lock_file", lambda: tmp_path / "rendering.lock")
    niced = []
    monkeypatch.setattr(os, "nice", niced.append, raising=False)
    return niced


def test_the_first_has_them_and_the_second_gives_way_with_one_line(niced):
    told = []
    with shared_processors(told.append) as first, shared_processors(told.append) as second:
        assert (first, second) == (True, False)
    assert niced == [processors.GIVEN_WAY]
    assert len(told) == 1
    assert told[0].startswith("another render is using the processors; this one gives way to it")


def test_after_the_first_has_ended_the_next_has_them(niced):
    for _ in range(2):
        with shared_processors(pytest.fail) as alone:
            assert alone
    assert niced == []


def test_a_folder_that_cannot_be_written_keeps_nobody_from_rendering(niced, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(processors, "_lock_file", lambda: tmp_path / "file" / "rendering.lock")
    with shared_processors(pytest.fail) as alone:
        assert alone
