"""Beats found in a sound, and the file they are written to, which can be edited.

Sources: D. P. W. Ellis, "Beat tracking by dynamic programming" (2007), which is librosa's tracker; J. P.
Bello et al., "A tutorial on onset detection in music signals" (2005) for the onsets.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import re
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from render.reach import within_reach
from render.timeline import parse_beats, rate_text

EXTRA = "pip install 'blendreel[audio]'"
ENDING = ".beats"
RATE = 24_000  # samples a second that are looked at
LONGEST = 3600  # seconds
_COARSE, _FINE = (
    (240, 1024),
    (48, 256),
)  # hop and window in samples: onsets for the tracker, and for their place
_COMPRESSION = 100  # how much faint onsets count: spectra become log(1 + so much of the loudest)
_TEMPO_SECONDS = 300  # from the middle of a long sound
_REACH = 0.05  # seconds that a beat may be moved to the onset it belongs to
_UNEVEN = 0.08  # of the pace: so much an interval may differ where the tracker begins and ends
_FAINT = 0.25  # of the median onset: where there is less, a beat stays where the tracker put it
_HEAD = re.compile(r"# sound ([0-9a-f]{16}), bpm (\S+), beats ([0-9a-f]{16})")


@dataclass(frozen=True)
class SoundBeats:
    """Where the beats of a sound fall, in seconds from its beginning, and the file that says so.

    file  None where it could not be written
    """

    seconds: tuple[Fraction, ...]
    file: Path | None


def beats_of(sound: Path, bpm: Fraction | None = None) -> SoundBeats:
    """The beats in the file beside a sound, `song.beats`; where there is none, one is made.

    bpm  about how many there are a minute, where that is known: it decides between a tempo and its double

    A file that was edited is used as it is. Raises EncodingError: there is no such sound; PresetError: the
    file is out of reach; ValueError: the sound has no beats, librosa is not installed, or the file is an
    edited one for another sound or tempo.
    """
    from render.encoding.sounds import sound_facts

    sound_facts(sound)
    state = (sound.stat().st_mtime_ns, sound.stat().st_size)
    file, asked = within_reach(sound.with_suffix(ENDING)), rate_text(bpm) if bpm else "any"
    digest = _digest_of_file(sound, state)
    if file.is_file():
        text = file.read_text("utf-8-sig", errors="replace")
        head = _HEAD.search(text)
        if head is None or (head[1], head[2]) == (digest, asked):
            return SoundBeats(_parsed(text, file), file)
        if head[3] != _digest(_body(text)):
            what = f"another {sound.name}" if head[1] != digest else f"bpm: {head[2]}"
            raise ValueError(
                f"{file} was found for {what}, and edited; write beats: {file.name} to use it, or delete it"
            )
    text = _found_text(sound, digest, asked, bpm, state)
    return SoundBeats(_parsed(text, file), file if _write(file, text) else None)


def _parsed(text: str, file: Path) -> tuple[Fraction, ...]:
    try:
        return parse_beats(text)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _body(text: str) -> str:
    """The times in a file, without the comments above them."""
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=32)
def _digest_of_file(file: Path, state: tuple[int, int]) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _write(file: Path, text: str) -> bool:
    """Write all of a file or nothing; False where its folder takes none."""
    from render.encoding.claim import fresh

    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        fresh(part).write_text(text, "utf-8")
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


@functools.lru_cache(maxsize=8)
def _found_text(sound: Path, digest: str, asked: str, bpm: Fraction | None, state: tuple[int, int]) -> str:
    """The beat file of a sound."""
    times = find_beats(sound, bpm)
    body = "\n".join(f"{time:.3f}" for time in times)
    return (
        f"# The beats of {sound.name}, found by librosa: seconds from its beginning. You may edit them.\n"
        f"# sound {digest}, bpm {asked}, beats {_digest(body)}\n{body}\n"
    )


# --- finding ------------------------------------------------------------------------------------------------


def find_beats(sound: Path, bpm: Fraction | None = None) -> list[float]:
    """The seconds at which the beats of a sound fall, rising.

    Raises ValueError: it has no beats, is longer than an hour, or librosa is not installed; EncodingError: it
    is no sound.
    """
    import numpy as np

    librosa = _librosa()
    coarse, fine = _onsets(sound)
    if not len(fine) or fine.max() <= 0:
        raise ValueError(f"{sound}: no beats are heard in it")
    hop = _COARSE[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries below librosa
        if bpm is None:
            middle, half = len(coarse) // 2, _TEMPO_SECONDS * RATE // hop // 2
            part = coarse[max(middle - half, 0) : middle + half]
            bpm = librosa.feature.tempo(onset_envelope=part, sr=RATE, hop_length=hop)[0]
        _, found = librosa.beat.beat_track(
            onset_envelope=coarse, sr=RATE, hop_length=hop, bpm=float(bpm), units="time", trim=False
        )
    times = _at_onsets(_to_the_ends(np.asarray(found), len(coarse) * hop / RATE), fine)
    kept = [time for index, time in enumerate(times) if not index or time - times[index - 1] >= 0.02]
    if len(kept) < 2:
        raise ValueError(f"{sound}: no beats are heard in it")
    return kept


def _librosa() -> Any:
    try:
        return importlib.import_module("librosa")
    except ImportError:
        raise ValueError(f"beats: detect needs the package librosa: {EXTRA}") from None


def _onsets(sound: Path) -> tuple[Any, Any]:
    """How much begins at each moment of a sound, once for each of _COARSE and _FINE: float64 [n]."""
    import numpy as np

    from render.encoding.sounds import samples

    blocks, length = [], 0
    for block in samples(sound, RATE):
        blocks.append(block)
        length += len(block)
        if length > LONGEST * RATE:
            raise ValueError(f"{sound} is longer than an hour; cut out the part that the clip plays")
    wave = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return tuple(_flux(wave, hop, window) for hop, window in (_COARSE, _FINE))


def _flux(wave: Any, hop: int, window: int) -> Any:
    """How much louder the spectrum of a wave [n] becomes from frame to frame, on average: float64 [frames].

    Frame i has its middle at sample i · hop.
    """
    import numpy as np
    from scipy import signal

    taper, count = signal.windows.hann(window, sym=False).astype(np.float32), len(wave) // hop + 1
    wave = np.pad(wave, window // 2 + hop)  # one frame more at the start, from which the first one grows
    frames = np.lib.stride_tricks.sliding_window_view(wave, window)[::hop][: count + 1]
    top = max((np.abs(np.fft.rfft(part * taper)).max() for part in _parts(frames)), default=0.0)
    if not top > 0:
        return np.zeros(count)
    flux, last = [], None
    for part in _parts(frames):
        spectrum = np.log1p(_COMPRESSION / top * np.abs(np.fft.rfft(part * taper)))
        steps = np.diff(spectrum, axis=0, prepend=spectrum[:1] if last is None else last)
        flux.append(np.maximum(steps, 0).mean(axis=1))
        last = spectrum[-1:]
    return np.concatenate(flux)[1:]


def _parts(frames: Any, size: int = 4096) -> Any:
    return (frames[start : start + size] for start in range(0, len(frames), size))


def _to_the_ends(beats: Any, seconds: float) -> Any:
    """Beats [n] in seconds that go on at their pace to both ends of a sound.

    The tracker has no pace yet where it begins: a first or last beat that is out of step is dropped.
    """
    import numpy as np

    pace = np.median(np.diff(beats)) if len(beats) > 1 else 0.0
    while len(beats) > 2 and abs(beats[1] - beats[0] - pace) > _UNEVEN * pace:
        beats = beats[1:]
    while len(beats) > 2 and abs(beats[-1] - beats[-2] - pace) > _UNEVEN * pace:
        beats = beats[:-1]
    if not pace > 0:
        return beats
    before = np.arange(beats[0] - pace, 0, -pace)[::-1]
    return np.concatenate([before, beats, np.arange(beats[-1] + pace, seconds, pace)])


def _at_onsets(beats: Any, fine: Any) -> list[float]:
    """Beats [n], in seconds, each at its onset; none before the first onset or after the last one."""
    import numpy as np

    per_second, half_step = RATE / _FINE[0], 0.5 * _FINE[0] / RATE
    reach = round(_REACH * per_second)
    near = np.rint(beats * per_second).astype(int)[:, None] + np.arange(-reach, reach + 1)
    near = near.clip(0, len(fine) - 1)
    place = near[np.arange(len(near)), fine[near].argmax(axis=1)] if len(near) else near[:, 0]
    is_heard = fine[place] > _FAINT * np.median(fine[place]) if len(near) else np.zeros(0, bool)
    # What grew from one frame to the next did so half-way between them.
    times = np.where(is_heard, place / per_second - half_step, beats)
    heard = np.flatnonzero(is_heard)
    return times[heard[0] : heard[-1] + 1].clip(0).tolist() if len(heard) else []
