"""Frames on the disk: every pixel comes back, as often as asked, and what is cut short is an error."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from render.encoding import Spool
from render.errors import EncodingError


def filled(path, count=5):
    frames = np.random.default_rng(0).integers(0, 256, [count, 17, 31, 3], np.uint8)
    spool = Spool(path, width=31, height=17, fps=Fraction(24000, 1001))
    with spool.writer as writer:
        for frame in frames:
            writer.write(frame)
    return spool, frames


def test_every_pixel_comes_back_again_and_again(tmp_path):
    spool, frames = filled(tmp_path / "a.mkv")
    for _ in range(2):
        assert np.array_equal(np.stack(list(spool.frames())), frames)


def test_a_reader_may_stop_early(tmp_path):
    spool, frames = filled(tmp_path / "a.mkv")
    reader = spool.frames()
    assert np.array_equal(next(reader), frames[0])
    reader.close()
    assert len(list(spool.frames())) == 5


def test_lost_frames_are_an_error(tmp_path):
    spool, _ = filled(tmp_path / "a.mkv")
    data = spool.path.read_bytes()
    spool.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(EncodingError, match=r"\d of 5 frames can be read again"):
        list(spool.frames())
