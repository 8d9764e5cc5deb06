"""Where encoding takes longer than drawing, a render says so, and what would be quicker."""

from __future__ import annotations

import time

import pytest

from render import production
from render.encoding.gif import GifWriter
from render.encoding.video import VideoWriter
from render.production import Manner, Renderer, Share, bottleneck
from render.production.shards import Shard

HINT = "`speed: veryfast` or a hardware encoder (`encoder: auto`) would be quicker"


@pytest.fixture(autouse=True)
def not_long(monkeypatch):
    """Nobody waits for ten seconds here, and machines may be busy."""
    monkeypatch.setattr(bottleneck, "LONG", 0.0)
    monkeypatch.setattr(bottleneck, "MOST", 0.3)


@pytest.fixture
def slow_encoders(monkeypatch):
    """Encoders that take a twentieth of a second for a frame, beside which this clip is drawn in no time."""
    pipe, draw = VideoWriter._pipe, GifWriter._draw

    def slowly(self, pixels):
        time.sleep(0.05)
        pipe(self, pixels)

    def drawn_slowly(self, item):
        time.sleep(0.05)
        draw(self, item)

    monkeypatch.setattr(VideoWriter, "_pipe", slowly)
    monkeypatch.setattr(GifWriter, "_draw", drawn_slowly)


@pytest.fixture
def said(preset, tmp_path):
    """A function that films, and returns what is told of the pace."""

    def film(*outputs, **options):
        told = []
        manner = Manner(notify=told.append)
        production.render(preset.replace(outputs=outputs), out_dir=tmp_path, manner=manner, **options)
        return [text for text in told if "pace" in text]

    return film


def test_a_slow_encoder_is_named_with_its_share_and_with_what_is_quicker(said, slow_encoders):
    [text] = said("slow.mp4")
    share, rest = text.removeprefix("encoding set the pace: ").split("%", 1)
    assert 30 <= int(share) <= 100
    assert rest == f" of the time frames waited for slow.mp4; {HINT}"


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ({"file": "a.mp4", "speed": "superfast"}, "a hardware encoder (`encoder: auto`) would be quicker"),
        ({"file": "a.mkv", "codec": "ffv1"}, ""),
        ("a.gif", ""),
    ],
)
def test_only_what_is_slower_than_need_be_is_advised_on(said, slow_encoders, output, hint):
    [text] = said(output)
    assert text.partition("; ")[2] == hint


def test_segments_and_parts_know_which_file_they_are_for(said, slow_encoders):
    assert "waited for cut.mp4" in said("cut.mp4", segment_frames=5)[0]
    assert "waited for part.mp4" in said("part.mp4", segment_frames=5, share=Share(shard=Shard(1, 2)))[0]
    budget = {"file": "kept.gif", "budget": "5 MB"}
    assert "waited for kept.gif" in said(budget)[0]
    assert "waited for kept.gif" in said(budget, segment_frames=5)[0]


def test_drawing_slowly_is_no_news(said, monkeypatch):
    draw = Renderer.frames

    def slowly(self, moments):
        for frame in draw(self, moments):
            time.sleep(0.1)
            yield frame

    monkeypatch.setattr(Renderer, "frames", slowly)
    assert said("quick.mp4", "quick.gif") == []


def test_short_waits_are_not_told(said, slow_encoders, monkeypatch):
    monkeypatch.setattr(bottleneck, "LONG", 60.0)
    assert said("slow.mp4") == []


def test_what_is_only_put_together_was_not_held_up(said, slow_encoders):
    said("a.mp4", segment_frames=5, share=Share(shard=Shard(0, 1)))
    assert said("a.mp4", segment_frames=5) == []
