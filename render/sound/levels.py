"""How loud a sound is from moment to moment, in three bands: curves from 0 to 1 for formulas.

Sources: S. Butterworth, "On the theory of filter amplifiers" (1930), as SciPy has it; S. S. Stevens, "On the
psychophysical law" (1957): loudness grows with the 0.6th power of the pressure.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from render.errors import EncodingError

# Hz, from and to. Bass and kick drum; voices and most instruments; cymbals, hiss and consonants.
BANDS: dict[str, tuple[float | None, float | None]] = {
    "low": (None, 200),
    "mid": (200, 2500),
    "high": (2500, None),
}
RATE = 24_000  # samples a second that are looked at
STEPS = 200  # levels a second
SMOOTHING = 0.01  # seconds: the standard deviation of the average before everything else
RELEASE = 0.15  # seconds in which a level falls to 1/e when the sound stops; it rises at once
LOUDNESS = 0.6
FAINTEST = 0.01  # of the loudest band: what is fainter all the time is not drawn up to 1
SILENCE = 1e-4  # of full scale
_ORDER = 6


@dataclass(frozen=True)
class SoundLevels:
    """The levels of a part of a sound: functions of time, the same at any frame rate.

    In each band 1 is the loudest moment of the part, and 0 is silence. Nothing is read before it is needed.

    file            with the sound
    start, seconds  the part of it that a clip plays; its times count from there
    """

    file: Path
    start: Fraction
    seconds: Fraction

    def at(self, band: str, seconds: Any) -> Any:
        """The level of a band, in [0, 1], at a moment or at an array of moments [N] of the clip.

        Raises:
            ValueError: the file is missing or holds no sound.
        """
        import numpy as np

        curve = self._curves()[band]
        # A step's level is that of its middle.
        place = np.clip(np.asarray(seconds, dtype=float) * STEPS - 0.5, 0, len(curve) - 1)
        before = np.floor(place).astype(int)
        after = np.minimum(before + 1, len(curve) - 1)
        level = curve[before] + (place - before) * (curve[after] - curve[before])
        return level if np.ndim(seconds) else float(level)

    def check(self) -> None:
        """Raises ValueError where `at` would."""
        self._curves()

    def _curves(self) -> dict[str, Any]:
        try:
            changed = self.file.stat().st_mtime_ns if self.file.is_file() else 0
            return _curves(self.file, changed, self.start, self.seconds)
        except EncodingError as error:
            raise ValueError(str(error)) from None


@functools.lru_cache(maxsize=8)
def _curves(file: Path, changed: int, start: Fraction, seconds: Fraction) -> dict[str, Any]:
    """The levels of each band, float32 [steps]; `changed` is when the file was, so that it is read again."""
    import numpy as np

    powers = _powers(file, start, seconds)
    count = math.ceil(seconds * STEPS) + 1
    curves = {band: _followed(power, count) for band, power in zip(BANDS, powers, strict=True)}
    loudest = max(curve.max() for curve in curves.values())
    for band, curve in curves.items():
        full = max(curve.max(), FAINTEST * loudest, SILENCE)
        curves[band] = ((curve / full) ** LOUDNESS).astype(np.float32)
        curves[band].flags.writeable = False
    return curves


def _powers(file: Path, start: Fraction, seconds: Fraction) -> Any:
    """The mean square of each band in each step: float64 [bands, steps]; read block by block."""
    import numpy as np
    from scipy import signal

    from render.encoding.sounds import samples

    filters = [_filter(*edges) for edges in BANDS.values()]
    states = [np.zeros((len(each), 2)) for each in filters]
    per_step, rest = RATE // STEPS, np.zeros((len(BANDS), 0))
    found = [np.zeros((len(BANDS), 0))]
    for block in samples(file, RATE, start, seconds):
        bands = np.empty((len(BANDS), len(block)))
        for index, each in enumerate(filters):
            bands[index], states[index] = signal.sosfilt(each, block, zi=states[index])
        rest = np.concatenate([rest, bands * bands], axis=1)
        whole = rest.shape[1] // per_step * per_step
        found.append(rest[:, :whole].reshape(len(BANDS), -1, per_step).mean(axis=2))
        rest = rest[:, whole:]
    return np.concatenate(found, axis=1)


def _filter(low: float | None, high: float | None) -> Any:
    """A Butterworth filter as second-order sections."""
    from scipy import signal

    if low is None or high is None:
        return signal.butter(_ORDER, high or low, "low" if low is None else "high", fs=RATE, output="sos")
    return signal.butter(_ORDER, (low, high), "band", fs=RATE, output="sos")


def _followed(power: Any, count: int) -> Any:
    """The amplitude behind a band's power [steps], smoothed, and falling slowly: float64 [count]."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    power = np.concatenate([power[:count], np.zeros(max(count - len(power), 0))])
    amplitude = np.sqrt(np.maximum(gaussian_filter1d(power, SMOOTHING * STEPS), 0))
    # The highest of all amplitudes so far, each of which falls exponentially: a maximum of logarithms.
    fall = np.arange(count) / (STEPS * RELEASE)
    followed = np.exp(np.maximum.accumulate(np.log(amplitude + 1e-9) + fall) - fall)
    return np.where(followed < SILENCE, 0.0, followed)
