"""The clip's markers, beats and sound."""
# ruff: noqa: E501 (each mistake stands whole on its line)

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sounds import clicks, tone, write_wave

from render.errors import PresetError
from render.preset import Clip, Preset
from render.preset.portable import portable_text, resolved_data
from render.sound import beats_of


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


# --- the sound of a clip ------------------------------------------------------------------------------------

HEARD = "models: {a: x, b: y}\nblend: {low: a, high: b}\n"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four seconds with beats at 0.5, 1, … and, in the second half, a hum that swells and fades."""
    sound = clicks(4, np.arange(0.5, 4, 0.5))
    sound[2 * 24_000 :] += tone(2, 60)
    (tmp_path / "song.beats").write_text("".join(f"{beat}\n" for beat in (0.5, 1, 1.5, 2, 2.5, 3, 3.5)))
    return write_wave(tmp_path / "song.wav", sound)


def heard(song: Path, clip: str, more: str = "") -> Preset:
    return Preset.from_yaml(f"{HEARD}clip: {{{clip}}}\n{more}", base_dir=song.parent)


def test_files_of_beats_speak_of_the_sound_and_lists_of_the_clip(song: Path) -> None:
    audio = "duration: 2s, audio: {file: song.wav, start: 1s}"
    for beats in ("song.beats", "detect"):
        clip = heard(song, f"{audio}, beats: {beats}").clip
        assert clip.clock.beat_times == tuple(Fraction(half, 2) for half in range(6)), beats
    assert heard(song, f"{audio}, beats: [0.25, 0.75]").clock.beat_times == (Fraction(1, 4), Fraction(3, 4))
    assert heard(song, "duration: 2s, beats: song.beats").clock.beat_times[0] == Fraction(1, 2)


def test_a_beat_just_before_the_start_is_the_first_one(song: Path) -> None:
    late = heard(song, "duration: 2s, audio: {file: song.wav, start: 1.02s}, beats: detect").clock
    assert late.beat_times[0] == Fraction(-2, 100)


def test_a_preset_that_stands_alone_has_the_beats_that_were_found(song: Path) -> None:
    clip = "duration: 2s, audio: {file: song.wav, start: 1.02s}, beats: detect, bpm: 120"
    preset = heard(song, clip, "outputs: a.mp4\n")
    alone = Preset.from_yaml(portable_text(preset, resolved_data(preset, preset.outputs[0]), song.parent))
    assert alone.clip.beat_times == preset.clip.beat_times
    assert alone.clip.beats.file is None
    assert alone.clip.audio.start == preset.clip.audio.start


def test_detect_survives_the_way_to_a_file_and_changes(song: Path) -> None:
    preset = heard(song, "duration: 3b, audio: song.wav, beats: detect")
    assert preset.clock.duration == Fraction(3, 2)
    assert "beats: detect" in preset.to_yaml()
    assert Preset.from_yaml(preset.to_yaml(), base_dir=song.parent) == preset
    song.with_name("song.beats").unlink()  # would be found again, by librosa
    later = preset.replace(clip=preset.clip.replace(audio={"file": "song.wav", "start": "1s"}))
    assert later.clock.beat_times[1] == Fraction(1, 2)
    saved = preset.save(song.parent / "sub.yaml")
    assert "detect" in saved.read_text()


def test_formulas_hear_the_sound_of_the_clip(song: Path) -> None:
    more = 'truncation: "=0.3 + 0.7*low"\nvars: {hat: audio(high), bass: "=2*audio(low)"}\n'
    preset = heard(song, "duration: 4s, audio: song.wav", more)
    tracks = preset.tracks()
    assert tracks["truncation"].value_at(Fraction(1, 4)) == pytest.approx(0.3, abs=0.02)
    assert tracks["truncation"].value_at(Fraction(3)) == pytest.approx(1, abs=0.02)
    assert tracks["vars.bass"].value_at(Fraction(3)) == pytest.approx(2, abs=0.05)
    assert tracks["vars.hat"].maximum > 0.9
    assert not tracks["truncation"].is_constant
    assert set(tracks) >= {"low"}
    assert "mid" not in tracks, "what nothing reads is not computed"
    assert Preset.from_yaml(preset.to_yaml(), base_dir=song.parent) == preset
    # The same at any frame rate, and for one moment or many.
    faster = preset.clock.with_fps(Fraction(120))
    assert faster.level("low", 3.0) == preset.clock.level("low", 3.0)
    mine = heard(song, "duration: 4s, audio: song.wav", 'truncation: "=low"\nvars: {low: 0.25}\n')
    assert mine.tracks()["truncation"].value_at(Fraction(3)) == 0.25, "a variable of one's own comes first"


@pytest.mark.parametrize(
    ("clip", "more", "message"),
    [
        ("beats: detect", "", "clip.beats: detect finds the beats of the clip's sound: give clip.audio, for example audio: song.mp3"),
        ("audio: none.mp3, beats: detect", "", "clip.audio: there is no file none.mp3"),
        ("audio: none.mp3", 'truncation: "=low"', "clip.audio: there is no file none.mp3"),
        ("audio: text.mp3, beats: detect", "", "clip.audio: text.mp3 holds no sound that ffmpeg can read"),
        ("audio: text.mp3", "truncation: audio(mid)", "clip.audio: text.mp3 holds no sound that ffmpeg can read"),
        ("audio: {file: song.wav, start: 2b}, bpm: 120", "", "clip.audio.start: 2b depends on the clip itself; write seconds or frames"),
        ("audio: {file: song.wav, start: -2s}", "", "clip.audio.start: this is a time from 0s on"),
        ("audio: {file: song.wav, fade: -1s}", "", "clip.audio.fade: this is a time from 0s on"),
        ("audio: {file: song.wav, start: 3.2s}, beats: detect", "", "clip.beats: there are no two beats from 3.2s on, where the clip begins in the sound"),
        ("bpm: 120, audio: song.wav, beats: song.beats", "", "clip.bpm: has no meaning beside clip.beats, which says when every beat falls"),
        ("fps: 30", 'truncation: "=low"', "truncation: low is how loud the clip's sound is: give clip.audio, for example audio: song.mp3"),
        ("fps: 30", "truncation: audio(low)", "truncation: =audio(low) at 0 s: audio(low) needs a sound: give clip.audio, for example audio: song.mp3"),
        ("audio: song.wav", "truncation: audio(loud)", "truncation: the loudness of the sound is audio(low), audio(mid), audio(high)"),
        ("audio: song.wav", "vars: {audio: 1}", "vars.audio: 'audio' has a meaning in formulas already (a word of formulas); choose another name"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sound_is_one_line(song: Path, clip: str, more: str, message: str) -> None:
    (song.parent / "text.mp3").write_text("la la la")
    (line,) = failing(heard, song, f"duration: 2s, {clip}", more)[:1]
    assert line.endswith(message)


def test_a_tempo_beside_detect_is_what_is_looked_for(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("render.sound.beats_of", lambda path, bpm: asked.append(bpm) or beats_of(path))
    preset = heard(song, "duration: 2s, audio: song.wav, beats: detect, bpm: 120")
    assert asked == [120]
    assert preset.clock.beat_times[0] == Fraction(1, 2)
    assert preset.clock.bpm is None
