"""Files for every place, rendered from one preset and read again: each keeps the limits of its place."""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path

import pytest
from sounds import tone, write_wave

import render
from render.checkpoints.native import save
from render.encoding import FileFacts, facts_of, target_of, targets
from render.encoding.targets import _CHECKS, Limits
from render.errors import BlendreelWarning
from render.networks import Generator
from render.preset import Preset

PRESET = """
models: {a: low.safetensors, b: high.safetensors}
clip: {duration: 3.2s, fps: 12.5, audio: song.wav}
blend: {low: a, high: b, swap: [[0s, 4], [end, 32]]}
"""
FILMS = [name for name, target in targets().items() if target.video]
GIFS = [name for name, target in targets().items() if target.gif]


@pytest.fixture(scope="module")
def posted(
    tmp_path_factory: pytest.TempPathFactory, low: Generator, high: Generator
) -> tuple[dict[str, FileFacts], str]:
    """What every place's film and GIF say of themselves, and what was told while they were made."""
    folder = tmp_path_factory.mktemp("posted")
    write_wave(folder / "song.wav", tone(5, 440))
    save(low, folder / "low.safetensors")
    save(high, folder / "high.safetensors")
    preset = Preset.from_yaml(PRESET, base_dir=folder)
    outputs = [{"file": f"{name}.mp4", "for": name, "speed": "ultrafast"} for name in FILMS]
    outputs += [{"file": f"{name}.gif", "for": name} for name in GIFS]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", BlendreelWarning)
        paths = render.render(preset.replace(outputs=tuple(outputs)), out_dir=folder)
    return {path.name: facts_of(path) for path in paths}, "\n".join(str(each.message) for each in told)


@pytest.mark.parametrize("name", [*(f"{name}.mp4" for name in FILMS), *(f"{name}.gif" for name in GIFS)])
def test_a_file_for_a_place_keeps_its_limits(posted: tuple[dict[str, FileFacts], str], name: str) -> None:
    facts, target = posted[0][name], target_of(Path(name).stem)
    assert target.breaches(facts) == []
    assert facts.seconds == pytest.approx(3.2, abs=0.05)
    if name.endswith(".mp4"):
        assert (facts.audio, facts.codec, facts.index_first, facts.edit_list) == ("aac", "h264", True, False)
        assert facts.fps == (25 if target.video.min_fps else 12.5)


def test_nothing_breaks_a_limit_and_changes_are_told(
    posted: tuple[dict[str, FileFacts], str],
) -> None:
    assert " wants " not in posted[1]
    assert " takes " not in posted[1]
    for name in ("instagram-reels", "instagram-feed", "tiktok"):
        title = target_of(name).title
        assert f"{name}.mp4: for {title}: 25 frames a second instead of 12.5" in posted[1]


def test_every_limit_is_checked() -> None:
    assert {field.name for field in fields(Limits)} == set(_CHECKS)
