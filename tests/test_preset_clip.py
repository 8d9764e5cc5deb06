"""The clip's markers and beats."""
# ruff: noqa: E501 (each mistake stands whole on its line)

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from render.errors import PresetError
from render.preset import Clip, Preset


def failing(make: object, *arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        make(*arguments, **values)
    return str(caught.value).splitlines()


def test_markers_stand_wherever_a_time_is_written() -> None:
    clip = Clip(duration="8s", bpm=120, markers={"fill": "drop-1b", "drop": "8b"})
    assert clip.clock.marker_seconds == {"fill": Fraction(7, 2), "drop": 4}
    one = Preset(models={"a": "x"}, clip=clip, truncation=[("fill", 0), ("drop+50%", 1)])
    assert one.tracks()["truncation"].value_at(Fraction(23, 4)) == 0.5
    assert Preset.from_yaml(one.to_yaml()) == one


def test_beats_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    listed = Clip(duration="2s", beats=[0.31, 0.82, 1.3])
    assert listed.clock.seconds_of_beat(Fraction(1)) == Fraction("0.82")
    (tmp_path / "song.beats").write_text("0.31  # intro\n0.82\n1.3\n")
    text = "models: {a: x}\nclip: {duration: 2s, beats: song.beats}\ntruncation: [[0s, 0], [2b, 1]]\n"
    loaded = Preset.from_yaml(text, base_dir=tmp_path)
    assert loaded.clip.beats.seconds == listed.beats.seconds
    assert loaded.tracks()["truncation"].keys[1].seconds == Fraction("1.3")
    assert Preset.from_yaml(loaded.to_yaml(), base_dir=tmp_path) == loaded
    assert loaded.replace(truncation=1).clip.beats == loaded.clip.beats


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ({"markers": {"s": "1s"}}, "clip.markers.s: 's' already means seconds; give the marker another name"),
        ({"markers": {"drop": "4b"}}, "clip.markers.drop: 4b: beats need a tempo: give clip.bpm, for example bpm: 120"),
        ({"markers": {"drop": 4}}, "clip.markers.drop: 4 has no unit"),
        ({"markers": ["drop"]}, "clip.markers: markers are names with their times, such as {drop: 16b}, not a list"),
        ({"beats": [0.5]}, "clip.beats: a list of beats has 2 to 20000 times, not 1"),
        ({"beats": [0.5, "x"]}, "clip.beats[1]: a beat is a time in seconds such as 0.51, not 'x'"),
        ({"beats": [0.5, 0.4]}, "clip.beats: beats rise by at least 0.01 s"),
        ({"beats": "no.beats"}, "clip.beats: cannot read the beats in no.beats: no such file or directory"),
        ({"beats": [0, 1], "bpm": 120}, "clip.bpm: has no meaning beside clip.beats, which says when every beat falls"),
        ({"duration": "drop", "markers": {"drop": "1s"}}, "clip.duration: drop depends on the clip itself"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(clip: dict, message: str) -> None:
    assert failing(Clip, **{"duration": "8s", **clip})[0].startswith(message)


def test_markers_that_lead_nowhere_are_located() -> None:
    found = failing(Clip, duration="8s", markers={"a": "b1+1s", "b1": "a", "c": "dorp", "drop": "1s"})
    assert [line.split(":")[0] for line in found] == ["clip.markers.a", "clip.markers.b1", "clip.markers.c"]
    assert "drop" in found[2]


def test_a_tempo_that_would_fill_the_memory_is_refused_at_once() -> None:
    text = 'version: 1\nmodels: {a: "sample:portrait"}\nclip: {duration: 4s, bpm: "1e999999999"}\n'
    with pytest.raises(PresetError, match="bpm is a number such as 120, not '1e999999999'"):
        Preset.from_yaml(text)
