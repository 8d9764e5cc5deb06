"""Frames on the disk: every pixel comes back, as often as asked, and what is cut short is an error."""

from __future__ import annotations

import os
import subprocess
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


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="sessions are POSIX's")
def test_what_reads_frames_is_out_of_reach_of_the_terminals_ctrl_c(tmp_path, monkeypatch):
    """Ctrl-C goes to all of the terminal's session; the segment that is read shall be finished first."""
    sessions, start = [], subprocess.Popen

    def noted(*arguments, **options):
        process = start(*arguments, **options)
        sessions.append(os.getsid(process.pid))
        return process

    spool, _ = filled(tmp_path / "a.mkv")
    monkeypatch.setattr(subprocess, "Popen", noted)
    assert len(list(spool.frames())) == 5
    assert sessions
    assert os.getsid(0) not in sessions


def test_lost_frames_are_an_error(tmp_path):
    spool, _ = filled(tmp_path / "a.mkv")
    data = spool.path.read_bytes()
    spool.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(EncodingError, match=r"\d of 5 frames can be read again"):
        list(spool.frames())


def test_deep_frames_come_back_to_a_quarter_of_a_level(tmp_path):
    """In a third of the room: 10 of 16 bits; black and white are exact."""
    rows = np.linspace(0, 65_535, 40)[:, None, None]
    frame = np.broadcast_to(np.rint(rows), (40, 64, 3)).astype(np.uint16)
    spool = Spool(tmp_path / "a.mkv", width=64, height=40, fps=Fraction(25), bits=10)
    with spool.writer as writer:
        writer.write(frame)
    [back] = spool.frames()
    assert back.dtype == np.uint16
    off = back.astype(int) - frame
    assert np.abs(off).max() <= 64
    assert abs(off.mean()) < 8
    assert (back[0].max(), back[-1].min()) == (0, 65_535)


def test_deep_frames_may_be_kept_whole(tmp_path):
    frame = np.random.default_rng(0).integers(0, 65_536, [17, 31, 3], np.uint16)
    spool = Spool(tmp_path / "a.mkv", width=31, height=17, fps=Fraction(25), bits=16)
    with spool.writer as writer:
        writer.write(frame)
    [back] = spool.frames()
    np.testing.assert_array_equal(back, frame)
