"""Places where films are posted: the data is whole, and files are judged by what they are."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from render.encoding import open_writer
from render.encoding.inspection import FileFacts, facts_of
from render.encoding.targets import target_of, targets
from render.errors import EncodingError

GOOD = FileFacts("mp4", "h264", "yuv420p", 720, 720, 240, Fraction(30), 10**6, True, False)


def made(path: Path, count: int = 12, side: int = 64, fps: object = 25, **settings: object) -> Path:
    with open_writer(path, width=side, height=side, fps=fps, **settings) as writer:
        for index in range(count):
            writer.write(np.full((side, side, 3), 20 * index % 256, np.uint8))
    return path


@pytest.mark.parametrize("name", list(targets()))
def test_every_place_is_dated_and_has_a_source(name: str) -> None:
    target = target_of(name)
    assert re.fullmatch(r"20\d\d-\d\d", target.checked)
    assert target.source.startswith("https://")
    assert target.video is not None
    assert not target.breaches(replace(GOOD, size=10**6))


def test_the_places_that_people_ask_for_are_there() -> None:
    asked = {"discord", "x", "instagram-reels", "instagram-feed", "tiktok", "mastodon", "giphy", "web"}
    assert asked | {"slack"} <= set(targets())


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("instagram-reels", {"frames": 60}, "Instagram reels wants at least 3 s, and this lasts 2 s"),
        ("instagram-reels", {"fps": Fraction(12)}, "wants at least 23 frames a second, and this has 12"),
        ("instagram-reels", {"size": 25_000_001}, "takes 25,000,000 bits a second, and this has 25,000,001"),
        ("instagram-reels", {"edit_list": True}, "takes no edit list"),
        ("instagram-reels", {"index_first": False}, "wants the index before the pictures"),
        ("instagram-reels", {"pixels": "yuv444p"}, "wants yuv420p pixels, and these are yuv444p"),
        ("instagram-reels", {"codec": "av1"}, "takes h264 or hevc, and this is av1"),
        ("discord", {"size": 10_000_001}, "Discord takes 10,000,000 bytes, and this has 10,000,001"),
        ("tiktok", {"width": 320}, "wants a width of 360 or more, and this has 320"),
        ("tiktok", {"width": 361}, "wants an even width and height, and these are 361 and 720"),
        ("giphy", {"frames": 600}, "takes 15 s, and this lasts 20 s"),
        (
            "instagram-feed",
            {"height": 238, "frames": 90},
            "no film wider than 16:9, and this is 720 × 238, 3.03",
        ),
        ("instagram-feed", {"width": 540}, "takes no film narrower than 4:5, and this is 540 × 720, 0.75:1"),
        ("x", {"width": 720, "height": 238}, "X takes no film wider than 3:1, and this is 720 × 238, 3.03:1"),
        ("x", {"container": "gif", "codec": "gif", "frames": 351}, "X takes 350 frames, and this has 351"),
        ("x", {"container": "gif", "width": 1280, "frames": 340}, "takes 300,000,000 pixels over all frames"),
    ],
)
def test_breaches_name_the_limit(name: str, change: dict[str, object], words: str) -> None:
    (sentence,) = target_of(name).breaches(replace(GOOD, **change))
    assert words in sentence
    assert "(as of 2026-" in sentence


@pytest.mark.parametrize(("width", "height"), [(854, 480), (1280, 720), (864, 1080), (606, 758)])
def test_a_shape_may_be_off_by_what_even_sides_need(width: int, height: int) -> None:
    assert not target_of("instagram-feed").breaches(replace(GOOD, width=width, height=height))


def test_instagram_takes_no_gif() -> None:
    with pytest.raises(EncodingError, match=r"Instagram reels takes no GIF; make an MP4\. GIFs do not move"):
        target_of("instagram-reels").limits(is_gif=True)


def test_unknown_places_are_told() -> None:
    with pytest.raises(EncodingError, match=r"'discrod' is no place .* known are discord, .* mean discord\?"):
        target_of("discrod")


@pytest.mark.parametrize(
    ("name", "fps", "settings", "codec", "pixels"),
    [
        ("a.mp4", 25, {}, "h264", "yuv420p"),
        ("a.mp4", "30000/1001", {"codec": "hevc"}, "hevc", "yuv420p"),
        ("a.mov", 24, {"codec": "prores"}, "prores", "yuv422p10le"),
        ("a.webm", 30, {"preset": "veryfast"}, "vp9", "yuv420p"),
        ("a.mkv", "24000/1001", {}, "ffv1", "bgr0"),
        ("a.gif", "100/3", {}, "gif", "bgra"),
    ],
)
def test_facts_are_read_from_the_file(
    tmp_path: Path, name: str, fps: object, settings: dict[str, object], codec: str, pixels: str
) -> None:
    path = made(tmp_path / name, fps=fps, **settings)
    facts = facts_of(path)
    assert (facts.codec, facts.pixels, facts.width, facts.height) == (codec, pixels, 64, 64)
    assert (facts.frames, facts.fps) == (12, Fraction(fps))
    assert facts.size == path.stat().st_size
    is_boxed = name.endswith(("mp4", "mov"))
    assert (facts.index_first, facts.edit_list) == ((True, False) if is_boxed else (None, None))
    assert facts.audio is None


@pytest.mark.parametrize("name", [name for name, target in targets().items() if target.video])
def test_our_mp4_passes_everywhere(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "a.mp4", count=96, side=360, preset="ultrafast")
    assert target_of(name).breaches(facts_of(path)) == []


def test_what_is_no_film_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a film")
    with pytest.raises(EncodingError, match="is no film that ffmpeg can read"):
        facts_of(tmp_path / "a.mp4")
