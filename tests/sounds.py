"""Sounds that tests write: clicks, tones and a beat."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def write_wave(path: Path, sound: np.ndarray, rate: int = 24_000) -> Path:
    """A mono sound [n] in [-1, 1] as a WAV file of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def clicks(seconds: float, times: Iterable[float], rate: int = 24_000) -> np.ndarray:
    """Clicks of a few milliseconds over faint noise."""
    sound = 0.002 * np.random.default_rng(0).standard_normal(round(seconds * rate))
    one = np.arange(rate // 20) / rate
    click = 0.8 * np.sin(2 * np.pi * 1000 * one) * np.exp(-one / 0.01)
    for time in times:
        at = round(time * rate)
        sound[at : at + len(click)] += click[: len(sound) - at]
    return sound


def tone(seconds: float, hertz: float, rate: int = 24_000) -> np.ndarray:
    """A sine that swells and fades within 20 ms, so that nothing else is in it."""
    time = np.arange(round(seconds * rate)) / rate
    edge = np.clip(np.minimum(time, seconds - time) / 0.02, 0, 1)
    return 0.5 * np.sin(np.pi / 2 * edge) ** 2 * np.sin(2 * np.pi * hertz * time)
