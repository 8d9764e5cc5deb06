"""The shelf gives back what was put there, and never more than it may hold."""

from __future__ import annotations

import tempfile

import numpy as np

from render.shelf import Shelf


def test_pictures_come_back_as_they_were():
    shelf, source = Shelf(), np.random.default_rng(0)
    pictures = {bytes([n]): source.integers(0, 255, (4, 5, 3)).astype(dtype) for n, dtype in enumerate("BHB")}
    for key, picture in pictures.items():
        shelf.put(key, picture)
    for key, picture in reversed(pictures.items()):
        assert shelf.get(key).dtype == picture.dtype
        assert np.array_equal(shelf.get(key), picture)
    assert b"other" not in shelf


def test_it_is_bounded_and_the_first_stay():
    shelf = Shelf(max_bytes=100)
    for n in range(5):
        shelf.put(bytes([n]), np.full(40, n, np.uint8))
    assert [bytes([n]) in shelf for n in range(5)] == [True, True, False, False, False]
    assert shelf.nbytes == 80


def test_a_disk_that_cannot_be_written_only_means_drawing_again(monkeypatch):
    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    shelf = Shelf()
    shelf.put(b"a", np.zeros(4, np.uint8))
    assert b"a" not in shelf
