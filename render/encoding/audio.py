"""Sound under a finished film: trimmed to its length, and laid beside pictures that stay as they are.

Sources: ffmpeg's documentation of atrim, apad, afade and its AAC encoder, whose first 1,024 samples are
silence that only an edit list could hide.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from render.encoding import muxers
from render.encoding.codecs import ffmpeg_path
from render.encoding.opening import opened
from render.encoding.sounds import sound_facts
from render.errors import EncodingError

RATE = 48_000  # samples a second
_CODECS = {  # by container: the encoder's options
    "mp4": ("-c:a", "aac", "-b:a", "192k"),
    "mov": ("-c:a", "aac", "-b:a", "192k"),
    "webm": ("-c:a", "libopus", "-b:a", "160k"),
    "matroska": ("-c:a", "flac"),
}
_AAC_DELAY = 1024  # samples


@dataclass(frozen=True)
class Audio:
    """A file with sound, where in it the film begins, and how long it fades out at the end, in seconds.

    The first 21 ms are silent in MP4 and MOV: the place that the encoder needs for its start.
    """

    file: str | os.PathLike[str]
    start: Fraction | float = 0
    fade: Fraction | float = 0

    def check(self, muxer: str) -> None:
        """EncodingError where there is no such sound, or a container keeps none: found before any frame."""
        if muxer not in _CODECS:
            raise EncodingError(f"this kind of file has no sound; {', '.join(_CODECS)} have")
        for name in ("start", "fade"):
            if getattr(self, name) < 0:
                raise EncodingError(f"audio: {name} is {getattr(self, name)} s; it cannot be negative")
        try:
            seconds = sound_facts(self.file).seconds
        except EncodingError as error:
            raise EncodingError(f"audio: {error}") from None
        if seconds is not None and self.start >= seconds:
            raise EncodingError(
                f"audio: start is {float(self.start):g} s, and {self.file} ends at {seconds:g} s"
            )


def add_sound(
    video: Path, audio: Audio, target: Path, *, seconds: Fraction, muxer: str, fps: Fraction
) -> None:
    """Write `target`: the pictures of `video`, untouched, with `seconds` of sound.

    A sound that ends early is followed by silence. Raises EncodingError.
    """
    command = [
        *(ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error"),
        *(*opened(video), *opened(audio.file), "-map", "0:v:0", "-map", "1:a:0"),
        *("-c:v", "copy", "-af", _filter(audio, seconds, muxer), *_CODECS[muxer], "-ac", "2"),
        # What the film says of itself stays, what the song says does not come in.
        *("-map_metadata", "0", "-map_metadata:s", "-1", "-map_chapters", "-1"),
        *(*muxers.options(muxer, fps), "-f", muxer, "-y", f"file:{target}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[0]
        raise EncodingError(f"{audio.file}: the sound could not be added: {reason}")


def _filter(audio: Audio, seconds: Fraction, muxer: str) -> str:
    samples = round(seconds * RATE)
    start = round(Fraction(audio.start) * RATE)
    fade = min(round(Fraction(audio.fade) * RATE), samples)
    steps = [f"aresample={RATE}", f"atrim=start_sample={start}", "asetpts=N/SR/TB"]
    steps += [f"apad=whole_len={samples}", f"atrim=end_sample={samples}"]
    if fade:
        steps.append(f"afade=t=out:ss={samples - fade}:ns={fade}")
    if muxer in ("mp4", "mov"):
        # Without an edit list the encoder's silence is played: as much of the sound makes room for it.
        steps += [f"atrim=start_sample={_AAC_DELAY}", "asetpts=N/SR/TB"]
    return ",".join(steps)
