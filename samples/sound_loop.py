"""Eight seconds of drums, bass and chords at 120 beats a minute, for a preset that moves with its sound.

python -m samples.sound_loop      # presets/loop.opus and presets/loop.beats; needs the extra `audio`
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from render.encoding.codecs import ffmpeg_path
from render.sound import beats_of

RATE, BEAT, BEATS = 48_000, 0.5, 16
FOLDER = Path(__file__).parent.parent / "presets"
CHORDS = (
    (45, 57, 60, 64),
    (41, 53, 57, 60),
    (36, 55, 60, 64),
    (43, 55, 59, 62),
)  # MIDI notes; the first is the bass


def hertz(note: float) -> float:
    """The frequency of a MIDI note."""
    return 440 * 2 ** ((note - 69) / 12)


def seconds(length: float) -> np.ndarray:
    """The moments of a note's samples, [n]."""
    return np.arange(round(length * RATE)) / RATE


def kick() -> np.ndarray:
    time = seconds(0.3)
    return 0.9 * np.exp(-time / 0.09) * np.sin(2 * np.pi * (48 * time + 6 * (1 - np.exp(-time / 0.03))))


def snare(rng: np.random.Generator) -> np.ndarray:
    time = seconds(0.2)
    hiss = np.exp(-time / 0.06) * rng.standard_normal(len(time))
    return 0.25 * hiss + 0.3 * np.exp(-time / 0.04) * np.sin(2 * np.pi * 190 * time)


def hat(rng: np.random.Generator) -> np.ndarray:
    time = seconds(0.08)
    return 0.12 * np.exp(-time / 0.02) * np.diff(rng.standard_normal(len(time) + 1))


def bass(note: int) -> np.ndarray:
    time = seconds(0.22)
    return 0.3 * np.minimum(1, (0.22 - time) / 0.03) * np.tanh(3 * np.sin(2 * np.pi * hertz(note) * time))


def chord(notes: tuple[int, ...]) -> np.ndarray:
    time = seconds(4 * BEAT)
    swell = np.sin(np.pi * time / time[-1]) ** 0.7
    tones = [np.sin(2 * np.pi * hertz(note) * time * detune) for note in notes for detune in (0.997, 1.003)]
    return 0.05 * swell * np.sum(tones, axis=0)


def loop() -> np.ndarray:
    """The whole loop, float64 [n]; what rings over its end begins it."""
    rng = np.random.default_rng(7)
    sound = np.zeros(round(BEATS * BEAT * RATE))

    def play(beat: float, part: np.ndarray) -> None:
        places = (round(beat * BEAT * RATE) + np.arange(len(part))) % len(sound)
        sound[places] += part

    for bar, notes in enumerate(CHORDS):
        play(4 * bar, chord(notes[1:]))
        for eighth in range(8):
            play(4 * bar + eighth / 2, hat(rng))
            if eighth in (0, 3, 6):
                play(4 * bar + eighth / 2, bass(notes[0] - 12))
        for beat in range(4):
            play(4 * bar + beat, snare(rng) if beat % 2 else kick())
        play(4 * bar + 2.5, 0.7 * kick())
    return sound / np.abs(sound).max() * 0.9


def main() -> None:
    """Write the loop and its beats."""
    path = FOLDER / "loop.opus"
    command = [ffmpeg_path(), "-v", "error", "-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0"]
    command += ["-c:a", "libopus", "-b:a", "64k", "-map_metadata", "-1", "-y", str(path)]
    subprocess.run(command, input=loop().astype(np.float32).tobytes(), check=True)
    path.with_suffix(".beats").unlink(missing_ok=True)
    found = beats_of(path)
    print(f"{path}: {path.stat().st_size:,} bytes; {found.file}: {len(found.seconds)} beats")


if __name__ == "__main__":
    main()
