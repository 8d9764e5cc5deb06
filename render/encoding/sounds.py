"""Files with sound: what they say of themselves, and their samples. ffmpeg reads them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from render.encoding.codecs import ffmpeg_path
from render.encoding.listener import ending
from render.encoding.opening import opened
from render.errors import EncodingError

_BLOCK_SECONDS = 20
_STREAM = re.compile(r"Stream #.*?: Audio: (\w+)[^,]*, (\d+) Hz, ([^,\n]+)")
_DURATION = re.compile(r"Duration: (\d+):(\d+):([\d.]+)")


@dataclass(frozen=True)
class SoundFacts:
    """What a file says of its sound.

    channels  `mono`, `stereo`, `5.1` …
    seconds   how long it lasts; None where the file does not tell
    """

    codec: str
    rate: int  # samples a second
    channels: str
    seconds: float | None


def sound_facts(file: str | os.PathLike[str]) -> SoundFacts:
    """Look at a file; EncodingError where there is none, or it holds no sound."""
    file = Path(file)
    if not file.is_file():
        raise EncodingError(f"there is no file {file}")
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", *opened(file)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode < 0:
        raise EncodingError(f"{file}: ffmpeg failed: {ending(done.returncode)}")
    shown = done.stderr
    stream = _STREAM.search(shown)
    if stream is None:
        raise EncodingError(f"{file} holds no sound that ffmpeg can read")
    found = _DURATION.search(shown)
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None
    return SoundFacts(stream[1], int(stream[2]), stream[3].split(" (")[0], seconds)


def samples(
    file: str | os.PathLike[str], rate: int, start: Fraction = Fraction(0), seconds: Fraction | None = None
) -> Iterator[np.ndarray]:
    """The sound of a file, all channels in one, `rate` samples a second: blocks of float32 [n] in [-1, 1].

    start, seconds  the part of it: cut to the sample, as a film's sound is

    Raises EncodingError as `sound_facts`, and where the file ends in the middle of what it says.
    """
    sound_facts(file)
    first = round(start * rate)
    end = "" if seconds is None else f":end_sample={first + round(seconds * rate)}"
    command = [
        *(ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", *opened(file)),
        *("-map", "0:a:0", "-af", f"aresample={rate},atrim=start_sample={first}{end}"),
        *("-ac", "1", "-ar", str(rate), "-f", "f32le", "pipe:1"),
    ]
    size = 4 * rate * _BLOCK_SECONDS
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        while block := process.stdout.read(size):
            yield np.frombuffer(block[: len(block) // 4 * 4], np.float32)
        if process.wait():
            raise EncodingError(f"{file}: the sound cannot be read to its end")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
