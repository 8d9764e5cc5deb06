"""H.264 in MP4 or MOV by an ffmpeg process of our own, fed with raw frames through a pipe.

Sources: ffmpeg's documentation of libx264, the scale and setparams filters and the mov muxer; ITU-R BT.709.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import imageio_ffmpeg
import numpy as np

from render.encoding.base import Writer
from render.encoding.feeder import Feeder
from render.errors import EncodingError

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
MIN_TIMESCALE = 10_000  # ticks a second; a frame always lasts a whole number of them
EXIT_SECONDS = 10  # how long an ffmpeg that has closed its input may take to say why

# BT.709 has to be asked of the conversion: flags on the encoder would only tag BT.601 pixels as BT.709.
COLOUR_FILTER = (
    "scale=flags=bicubic+accurate_rnd+full_chroma_int:in_range=pc:out_color_matrix=bt709:out_range=tv,"
    "format=yuv420p,"
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
)

# What ffmpeg says after an error, without adding to it.
_NOISE = re.compile(
    r"Conversion failed|Last message repeated|Task finished with error|Terminating thread"
    r"|Nothing was written into output|Error opening (in|out)put files"
)
_SOURCE = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\]\s*")
_PROGRESS = re.compile(r"^(\w+)=\s*(\S+)\s*$")


@dataclass(frozen=True)
class VideoSettings:
    """How to encode. crf: 0 (lossless) to 51 (worst). threads: 0 lets the encoder choose."""

    crf: float = 17
    preset: str = "medium"
    threads: int = 0

    def __post_init__(self) -> None:
        if type(self.crf) not in (int, float) or not 0 <= self.crf <= 51:
            raise EncodingError(f"crf is {self.crf!r}; it runs from 0 (lossless) to 51 (worst)")
        if self.preset not in PRESETS:
            raise EncodingError(f"preset is {self.preset!r}; choose one of {', '.join(PRESETS)}")
        if type(self.threads) is not int or self.threads < 0:
            raise EncodingError(f"threads is {self.threads!r}; give a whole number, 0 for as many as suit")


class VideoWriter(Writer):
    """Feeds ffmpeg from a thread; no more than a few frames wait in memory.

    H.264 stores whole pairs of pixels, so an odd width or height repeats its last column or row once.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        fps: Fraction | int | str,
        settings: VideoSettings | None = None,
        muxer: str = "mp4",
    ) -> None:
        super().__init__(path, width=width, height=height, fps=fps)
        self.settings, self.muxer = settings or VideoSettings(), muxer
        self._padding = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: Listener | None = None
        self._feeder: Feeder[bytes] | None = None

    def command(self) -> list[str]:
        """The whole ffmpeg command line."""
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        size = f"{self.width + self.width % 2}x{self.height + self.height % 2}"
        ticks = str(timescale(self.fps))
        return [
            *(_ffmpeg(), "-hide_banner", "-nostdin", "-loglevel", "error", "-nostats", "-progress", "pipe:2"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", size, "-framerate", rate, "-i", "pipe:0"),
            *("-an", "-vf", COLOUR_FILTER, "-fps_mode", "passthrough"),
            *("-c:v", "libx264", "-crf", str(self.settings.crf), "-preset", self.settings.preset),
            *("-threads", str(self.settings.threads)),
            *("-movflags", "+faststart+negative_cts_offsets", "-use_editlist", "0"),
            *("-video_track_timescale", ticks, "-movie_timescale", ticks),
            *("-f", self.muxer, "-y", f"file:{self.part_path}"),
        ]

    def _begin(self) -> None:
        command = self.command()
        try:
            # A session of its own keeps Ctrl-C from reaching ffmpeg before us. Signals that Python ignores
            # stay ignored, so that a file over the size limit is an error ffmpeg names, not its death.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                restore_signals=False,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            raise EncodingError(f"{self.path}: {command[0]} cannot be run: {error.strerror}") from error
        self._listener = Listener(self._process.stderr)
        self._feeder = Feeder(self._pipe, name="ffmpeg-input")

    def _put(self, frame: np.ndarray) -> None:
        if self.height % 2 or self.width % 2:
            frame = np.pad(frame, self._padding, mode="edge")
        self._feeder.put(frame.tobytes())

    def _pipe(self, pixels: bytes) -> None:
        """Push one frame into ffmpeg; runs in the feeder's thread."""
        rest = memoryview(pixels)
        try:
            while rest:
                rest = rest[self._process.stdin.write(rest) :]
        except OSError as error:
            raise self._failure() from error

    def _end(self) -> None:
        self._feeder.close()
        with suppress(OSError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._failure()
        self._close()
        encoded = self._listener.progress.get("frame")
        if encoded is not None and encoded != str(self.frames_written):
            raise EncodingError(f"{self.path}: ffmpeg wrote {encoded} of {self.frames_written} frames")

    def _drop(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
        if self._process is not None:
            self._process.kill()  # lets go of a feeder that is stuck in the pipe
        if self._feeder is not None:
            self._feeder.join()
        self._close()

    def _close(self) -> None:
        """Leave no process, thread or pipe behind."""
        if self._process is None:
            return
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        if self._listener is not None:
            self._listener.join()

    def _failure(self) -> EncodingError:
        """The error for an ffmpeg that has given up: its own words, or else how it ended."""
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._listener.join()
        return EncodingError(f"{self.path}: ffmpeg failed: {self._listener.reason() or _ending(code)}")


class Listener:
    """Reads what ffmpeg says, in a thread of its own so that ffmpeg never waits for a reader."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.progress: dict[str, str] = {}
        self._stream = stream
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=8)
        self._thread = threading.Thread(target=self._run, name="ffmpeg-messages", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until ffmpeg has said its last word."""
        self._thread.join()
        self._stream.close()

    def reason(self) -> str:
        """The first thing that went wrong, the cause of what was said after it; empty if nothing was."""
        for line in (*self._first, *self._last):
            text = _SOURCE.sub("", line)
            if text and not _NOISE.search(text):
                return text
        return ""

    def _run(self) -> None:
        for raw in iter(self._stream.readline, b""):
            line = raw.decode("utf-8", "replace").strip()
            progress = _PROGRESS.match(line)
            if progress:
                self.progress[progress[1]] = progress[2]
            elif len(self._first) < 8:
                self._first.append(line)
            else:
                self._last.append(line)


def timescale(fps: Fraction) -> int:
    """Ticks a second such that one frame is a whole number of ticks."""
    ticks = fps.numerator
    while ticks < MIN_TIMESCALE:
        ticks *= 2
    return ticks


def _ffmpeg() -> str:
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise EncodingError(
            "no ffmpeg was found; install the package imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to one"
        ) from error


def _ending(code: int) -> str:
    """How a process that said nothing ended, in words."""
    if code >= 0:
        return f"it stopped with status {code} and gave no reason"
    try:
        return f"it was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was killed by signal {-code}"
