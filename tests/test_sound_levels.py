"""How loud a sound is in three bands: from 0 to 1, in time, and the same at any frame rate."""

from __future__ import annotations

import os
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import clicks, tone, write_wave

from render.sound import BANDS, SoundLevels
from render.sound.levels import RELEASE


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second each of 60 Hz, silence, 800 Hz, silence, 6 kHz and silence."""
    parts = [tone(1, 60), np.zeros(24_000), tone(1, 800), np.zeros(24_000), tone(1, 6000), np.zeros(24_000)]
    return write_wave(tmp_path_factory.mktemp("sound") / "bursts.wav", np.concatenate(parts))


def levels(file: Path, start: float = 0, seconds: float = 6) -> SoundLevels:
    return SoundLevels(file, Fraction(start), Fraction(seconds))


def test_each_band_hears_its_own_tones(bursts: Path) -> None:
    heard = levels(bursts)
    for index, band in enumerate(BANDS):
        curve = heard.at(band, np.linspace(0, 6, 1201))
        assert curve.min() >= 0
        assert curve.max() == pytest.approx(1, abs=1e-4)
        middle = np.array([heard.at(band, 2 * other + 0.5) for other in range(3)])
        assert middle[index] > 0.95
        assert np.delete(middle, index).max() < 0.1


def test_levels_rise_at_once_and_fall_slowly(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(24_000), tone(0.1, 1000), np.zeros(24_000)])
    heard = levels(write_wave(tmp_path / "a.wav", sound), seconds=2)
    assert heard.at("mid", 0.9) == 0
    assert heard.at("mid", 1.04) > 0.95
    falling = heard.at("mid", 1.1 + np.array([0.02, 0.02 + RELEASE]))
    assert falling[1] / falling[0] == pytest.approx(np.exp(-0.6), rel=0.05)


def test_clicks_are_where_they_are(tmp_path: Path) -> None:
    times = [0.31, 0.8, 1.234]
    heard = levels(write_wave(tmp_path / "a.wav", clicks(2, times)), seconds=2)
    moments = np.arange(0, 2, 0.001)
    curve = heard.at("mid", moments)
    for time in times:
        near = (moments > time - 0.1) & (moments < time + 0.1)
        steepest = moments[near][np.diff(curve[near]).argmax()]
        assert steepest == pytest.approx(time, abs=0.02)


def test_the_part_that_the_clip_plays_counts(bursts: Path) -> None:
    whole, part = levels(bursts), levels(bursts, start=2, seconds=2)
    moments = np.linspace(0.1, 1.9, 50)
    np.testing.assert_allclose(part.at("mid", moments), whole.at("mid", moments + 2), atol=0.02)
    assert part.at("low", moments).max() < 0.1, "its bass is not in this part, and hiss is not drawn up to 1"


def test_after_the_end_of_the_sound_it_is_silent(bursts: Path) -> None:
    heard = levels(bursts, start=4, seconds=10)
    assert heard.at("high", 0.5) > 0.9
    assert heard.at("high", 9.9) == 0


def test_silence_is_0(tmp_path: Path) -> None:
    heard = levels(write_wave(tmp_path / "a.wav", np.zeros(24_000)), seconds=1)
    assert {heard.at(band, 0.5) for band in BANDS} == {0}


@given(st.lists(st.floats(-1, 8), min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_one_moment_and_many_agree(bursts: Path, moments: list[float]) -> None:
    heard = levels(bursts)
    for band in BANDS:
        one_by_one = [heard.at(band, moment) for moment in moments]
        assert all(type(level) is float for level in one_by_one)
        np.testing.assert_array_equal(heard.at(band, np.array(moments)), one_by_one)


def test_they_are_values(bursts: Path) -> None:
    heard = levels(bursts)
    again = pickle.loads(pickle.dumps(heard))
    assert (again, hash(again)) == (heard, hash(heard))
    assert again.at("low", 0.5) == heard.at("low", 0.5)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    heard = levels(write_wave(tmp_path / "a.wav", tone(1, 60)), seconds=1)
    assert heard.at("low", 0.5) > 0.9
    write_wave(tmp_path / "a.wav", tone(1, 6000))
    os.utime(tmp_path / "a.wav", (1, 1))
    assert heard.at("low", 0.5) < 0.1


def test_no_sound_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("la la la")
    (tmp_path / "empty.mp3").touch()
    for name, words in (
        ("none.mp3", "there is no file .*none.mp3"),
        ("text.mp3", "text.mp3 holds no sound that ffmpeg can read"),
        ("empty.mp3", "empty.mp3 holds no sound that ffmpeg can read"),
        ("", "there is no file"),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            levels(tmp_path / name).check()
        assert "\n" not in str(caught.value)
