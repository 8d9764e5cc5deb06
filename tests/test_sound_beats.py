"""Beats found in a sound: in time, and in a file that stays as its owner edits it."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sounds import clicks, tone, write_wave

from render.errors import EncodingError
from render.sound import beats_of
from render.sound.beats import find_beats

SECONDS = 8


class RoughTracker(SimpleNamespace):
    """In librosa's place: beats at a pace, up to 30 ms off, the first one out of step. Counts its calls."""

    def __init__(self, pace: float = 0.5) -> None:
        super().__init__(calls=0, asked=None)
        self.feature = SimpleNamespace(tempo=lambda **_: np.array([60 / pace]))
        self.beat = SimpleNamespace(beat_track=self.track)
        self.pace = pace

    def track(self, *, bpm: float, onset_envelope: np.ndarray, **_: object) -> tuple[float, np.ndarray]:
        self.calls, self.asked = self.calls + 1, bpm
        assert len(onset_envelope) == pytest.approx(100 * SECONDS, abs=2)
        off = np.random.default_rng(1).uniform(-0.03, 0.03, 13)
        return bpm, np.array([1.05, *(0.35 + self.pace * np.arange(2, 15) + off)])


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> RoughTracker:
    rough = RoughTracker()
    monkeypatch.setitem(sys.modules, "librosa", rough)
    return rough


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_wave(tmp_path / "song.wav", clicks(SECONDS, TIMES))


TIMES = np.arange(0.35, SECONDS - 0.1, 0.5)


def test_beats_come_to_their_onsets_and_reach_both_ends(tracker: RoughTracker, song: Path) -> None:
    found = beats_of(song)
    np.testing.assert_allclose([float(time) for time in found.seconds], TIMES, atol=0.006)
    assert found.file == song.with_name("song.beats")
    assert tracker.asked == 120


def test_beats_between_onsets_stay_where_they_are(tracker: RoughTracker, tmp_path: Path) -> None:
    """A rest has beats, too; where the sound has not begun, or is over, there are none."""
    played = np.r_[TIMES[3:8], TIMES[10:14]]
    song = write_wave(tmp_path / "song.wav", clicks(SECONDS, played))
    found = np.array(find_beats(song))
    np.testing.assert_allclose(found, TIMES[3:14], atol=0.04)
    np.testing.assert_allclose(np.delete(found, [5, 6]), played, atol=0.006)


def test_the_file_is_used_the_next_time(tracker: RoughTracker, song: Path) -> None:
    first = beats_of(song)
    text = first.file.read_text()
    assert text.startswith("# The beats of song.wav, found by librosa: seconds from its beginning.")
    assert beats_of(song) == first
    assert tracker.calls == 1
    first.file.write_text(text + "7.9\n8.4\n")
    assert beats_of(song).seconds == (*first.seconds, Fraction("7.9"), Fraction("8.4"))
    first.file.write_text("0.1\n0.9\n")
    assert beats_of(song).seconds == (Fraction("0.1"), Fraction("0.9")), "tapped by hand"
    assert tracker.calls == 1


def test_another_tempo_or_sound_makes_another_file_unless_it_was_edited(
    tracker: RoughTracker, song: Path
) -> None:
    file = beats_of(song).file
    beats_of(song, bpm=Fraction(240))
    assert (tracker.calls, tracker.asked) == (2, 240)
    assert ", bpm 240," in file.read_text()
    write_wave(song, clicks(SECONDS, TIMES + 0.015))
    moved = beats_of(song, bpm=Fraction(240))
    assert tracker.calls == 3
    assert moved.seconds[4] == pytest.approx(TIMES[4] + 0.015, abs=0.006)
    edited = file.read_text() + "9.9\n"
    file.write_text(edited)
    with pytest.raises(ValueError, match=r"song\.beats was found for bpm: 240, and edited; write beats: "):
        beats_of(song)
    write_wave(song, clicks(SECONDS, TIMES))
    with pytest.raises(ValueError, match=r"was found for another song\.wav, and edited"):
        beats_of(song, bpm=Fraction(240))
    assert file.read_text() == edited, "what somebody edited is never lost"
    assert tracker.calls == 3


def test_a_folder_that_takes_no_file_is_no_mistake(
    tracker: RoughTracker, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    found = beats_of(song)
    assert found.file is None
    assert len(found.seconds) == len(TIMES)
    assert [each.name for each in song.parent.iterdir()] == ["song.wav"]


def test_what_goes_wrong_is_one_line(
    tracker: RoughTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncodingError, match=r"there is no file .*none\.mp3"):
        beats_of(tmp_path / "none.mp3")
    silent = write_wave(tmp_path / "silent.wav", np.zeros(24_000 * SECONDS))
    with pytest.raises(ValueError, match=r"silent\.wav: no beats are heard in it"):
        beats_of(silent)
    short = write_wave(tmp_path / "short.wav", np.zeros(0))
    with pytest.raises((ValueError, EncodingError), match=r"short\.wav"):
        beats_of(short)
    hum = write_wave(tmp_path / "hum.wav", tone(SECONDS, 440))
    (tmp_path / "hum.beats").write_text("soon\n")
    with pytest.raises(ValueError, match=r"hum\.beats: line 1: a beat is a time in seconds"):
        beats_of(hum)
    monkeypatch.setattr("render.sound.beats.LONGEST", 5)
    with pytest.raises(ValueError, match=r"is longer than an hour; cut out the part that the clip plays"):
        find_beats(hum)
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ValueError, match=r"needs the package librosa: pip install 'blendreel\[audio\]'"):
        find_beats(hum)


@pytest.mark.slow  # where librosa was just installed its parts are compiled first, for half a minute
@pytest.mark.parametrize("bpm", [75, 90, 112.5, 120, 140])
@pytest.mark.parametrize("first", [0.017, 0.3, 1.1])
def test_a_click_track_has_its_beats_within_20_ms(tmp_path: Path, bpm: float, first: float) -> None:
    times = np.arange(first, 11.9, 60 / bpm)
    found = np.array(find_beats(write_wave(tmp_path / "a.wav", clicks(12, times))))
    assert len(found) == len(times)
    np.testing.assert_allclose(found, times, atol=0.02)
