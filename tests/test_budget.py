"""Files within a number of bytes: never above it, near it or whole, and what was given up is told."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sounds import tone, write_wave

from render.encoding import Audio, facts_of
from render.encoding.budget import Fitted, fit
from render.encoding.codecs import CODECS, encoder_of
from render.errors import EncodingError

WIDTH, HEIGHT, SECONDS = 96, 64, 1


def clip(fps: Fraction) -> Iterator[np.ndarray]:
    """A second of moving colours with some grain."""
    grain = np.random.default_rng(0).normal(0, 6, (HEIGHT, WIDTH, 3))
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] / 20
    for index in range(round(SECONDS * fps)):
        phase = 2 * np.pi * float(index / fps)
        wave = np.stack([np.sin(rows + phase), np.cos(columns - phase), np.sin(rows + columns)], axis=-1)
        yield (128 + 90 * wave + grain).clip(0, 255).astype(np.uint8)


def fitted(path: Path, budget: int, fps: int = 25, **settings: object) -> Fitted:
    return fit(path, clip, budget=budget, width=WIDTH, height=HEIGHT, fps=fps, **settings)


@pytest.fixture(scope="module")
def whole_gif(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return fitted(tmp_path_factory.mktemp("whole") / "a.gif", 10_000_000)


def test_what_fits_is_left_alone(whole_gif: Fitted) -> None:
    assert (whole_gif.trials, whole_gif.given_up) == (1, ())
    assert whole_gif.size == whole_gif.path.stat().st_size
    assert str(whole_gif).endswith("nothing was given up")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.97, "pixels wide instead of 96"),
        (0.8, "20 frames a second instead of 25"),
        (0.2, "10 frames a second instead of 25"),
        (0.06, "colors"),
    ],
)
def test_gif(tmp_path: Path, whole_gif: Fitted, share: float, words: str) -> None:
    budget = int(whole_gif.size * share)
    result = fitted(tmp_path / "a.gif", budget)
    assert result.size == (tmp_path / "a.gif").stat().st_size
    assert 0.9 * budget <= result.size <= budget
    assert words in ", ".join(result.given_up)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames / SECONDS == pytest.approx(1000 / image.info["duration"], rel=0.05)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_a_tiny_gif_keeps_its_width_and_may_end_further_below(tmp_path: Path) -> None:
    def frames(fps: Fraction) -> Iterator[np.ndarray]:
        return (frame[:32, :32] for frame in clip(fps))

    of_frames = {"width": 32, "height": 32, "fps": 25}
    whole = fit(tmp_path / "a.gif", frames, budget=10**7, **of_frames)
    result = fit(tmp_path / "a.gif", frames, budget=int(0.75 * whole.size), **of_frames)
    assert result.size <= result.budget
    assert result.given_up
    with Image.open(result.path) as image:
        assert image.size == (32, 32)


@pytest.mark.parametrize(
    ("name", "settings"), [("a.mp4", {}), ("a.mp4", {"crf": 12, "preset": "fast"}), ("a.webp", {})]
)
def test_video(tmp_path: Path, name: str, settings: dict[str, object]) -> None:
    encoder_of(CODECS["webp" if name.endswith("webp") else "h264"])
    whole = fitted(tmp_path / name, 10**9, **settings)
    budget = whole.size // 3
    result = fitted(tmp_path / name, budget, **settings)
    assert 0.9 * budget <= result.size <= budget
    assert result.size == (tmp_path / name).stat().st_size
    first = settings.get("crf", 15 if name.endswith("webp") else 17)
    assert len(result.given_up) == 1
    assert result.given_up[0].endswith(f"instead of {first}")
    assert result.given_up[0].startswith("crf ")


def test_lossless_files_become_smaller_pictures(tmp_path: Path) -> None:
    whole = fitted(tmp_path / "a.mkv", 10**9)
    result = fitted(tmp_path / "a.mkv", whole.size // 2)
    assert 0.9 * result.budget <= result.size <= result.budget
    assert "pixels wide" in result.given_up[0]


@pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
def test_what_cannot_fit_is_told_and_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"good")
    with pytest.raises(
        EncodingError, match=r"does not fit into 500 bytes; the smallest .* has [\d,]+\. Make"
    ):
        fitted(tmp_path / name, 500)
    assert (tmp_path / name).read_bytes() == b"good"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_failing_frame_leaves_nothing(tmp_path: Path) -> None:
    def broken(fps: Fraction) -> Iterator[np.ndarray]:
        yield next(clip(fps))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(tmp_path / "a.gif", broken, budget=10**6, width=WIDTH, height=HEIGHT, fps=25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("budget", [0, -5, 2.5, None])
def test_budgets_are_checked(tmp_path: Path, budget: object) -> None:
    with pytest.raises(EncodingError, match="give a whole number above 0"):
        fitted(tmp_path / "a.gif", budget)


def test_the_sound_counts_among_the_bytes(tmp_path: Path) -> None:
    sound = Audio(write_wave(tmp_path / "song.wav", tone(2, 440)))
    silent = fitted(tmp_path / "a.mp4", 10**9)
    whole = fitted(tmp_path / "b.mp4", 10**9, audio=sound)
    assert whole.size > silent.size + 10_000
    budget = whole.size - silent.size // 2
    result = fitted(tmp_path / "c.mp4", budget, audio=sound)
    assert 0.9 * budget <= result.size <= budget
    assert facts_of(tmp_path / "c.mp4").audio == "aac"
