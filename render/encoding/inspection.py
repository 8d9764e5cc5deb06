"""What a file says of itself: size, duration, rate, codec, and whether a site can start to play it at once.

Source: ISO/IEC 14496-12 for the boxes of MP4 and MOV. The rest is what ffmpeg reads.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from render.encoding.codecs import ffmpeg_path
from render.encoding.listener import ending
from render.encoding.opening import opened
from render.errors import EncodingError

_VIDEO = re.compile(r"Stream #.*?: Video: (\w+)(?:[^,]*), (\w+)(?:\([^)]*\))?,? .*?(\d+)x(\d+)")
_FPS = re.compile(r"Video: .*?, ([\d.]+) fps")
_AUDIO = re.compile(r"Stream #.*?: Audio: (\w+).*?, (\d+) Hz")
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "mkv", ".gif": "gif"}
_CLEAR = re.compile(r"yuva|rgba|bgra|argb|abgr|gbrap|ya\d")  # formats of pixels with alpha
_BESIDE = re.compile(r"alpha_mode\s*: 1")  # VP9: alpha lies beside the pictures
_AVIF_ALPHA, _AVIF_HEAD = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", 4096
_PARENTS = (b"moov", b"trak", b"edts", b"mdia")


@dataclass(frozen=True)
class FileFacts:
    """Facts of a film, read from the file itself.

    index_first, edit_list  of MP4 and MOV only; None elsewhere
    alpha  whether it has room for transparency, used or not; every GIF has
    """

    container: str
    codec: str
    pixels: str
    width: int
    height: int
    frames: int
    fps: Fraction
    size: int  # bytes
    index_first: bool | None = None
    edit_list: bool | None = None
    audio: str | None = None
    alpha: bool = False

    @property
    def seconds(self) -> Fraction:
        """How long it lasts."""
        return self.frames / self.fps


def facts_of(path: str | os.PathLike[str]) -> FileFacts:
    """Read a film, every frame of it; EncodingError where it is none."""
    path = Path(path)
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", *opened(path), "-map", film_stream(path)]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "framecrc", "pipe:1"]
    shown = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if shown.returncode < 0:
        raise EncodingError(f"{path}: ffmpeg failed: {ending(shown.returncode)}")
    video = _VIDEO.search(shown.stderr)
    lines = [line.split(",") for line in shown.stdout.splitlines() if line and line[0].isdigit()]
    if not video or not lines or not path.is_file():
        raise EncodingError(f"{path}: is no film that ffmpeg can read")
    base = Fraction(re.search(r"^#tb 0: (\S+)", shown.stdout, re.M)[1])
    first, last = int(lines[0][2]), int(lines[-1][2]) + int(lines[-1][3])
    is_boxed = path.suffix.lower() in (".mp4", ".m4v", ".mov")
    kinds = boxes(path) if is_boxed else []
    sound = _AUDIO.search(shown.stderr)
    return FileFacts(
        container=_CONTAINERS.get(path.suffix.lower(), path.suffix.lower().strip(".")),
        codec=video[1],
        pixels=video[2],
        width=int(video[3]),
        height=int(video[4]),
        frames=len(lines),
        fps=_rate(len(lines), (last - first) * base, base, shown.stderr),
        size=path.stat().st_size,
        index_first=kinds.index(b"moov") < kinds.index(b"mdat") if is_boxed else None,
        edit_list=b"elst" in kinds if is_boxed else None,
        audio=sound[1] if sound else None,
        alpha=bool(_CLEAR.match(video[2]) or _BESIDE.search(shown.stderr) or clear_stream(path)),
    )


def film_stream(path: Path) -> str:
    """Which stream of a file ffmpeg is to read: in an animated AVIF the first ones are pictures at rest."""
    return f"0:v:{_rests(path)}"


def clear_stream(path: Path) -> str | None:
    """The stream with the alpha of an animated AVIF; None where it has none, or is something else."""
    return "0:v:3" if _rests(path) == 2 else None


def _rests(path: Path) -> int:
    """How many pictures at rest a file begins with: an animated AVIF has one, and with alpha two."""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_AVIF_HEAD)
        if head[4:12] == b"ftypavis":
            return 2 if _AVIF_ALPHA in head.partition(b"moov")[0] else 1
    return 0


def _rate(frames: int, seconds: Fraction, base: Fraction, shown: str) -> Fraction:
    """Frames a second. Where a container counts in milliseconds, the usual rate nearest to what is shown."""
    if base != Fraction(1, 1000) or not (said := _FPS.search(shown)):
        return frames / seconds
    about = Fraction(said[1])
    usual = (Fraction(round(about)), Fraction(round(about * 1001 / 1000) * 1000, 1001))
    near = min(usual, key=lambda rate: abs(rate - about))
    return near if abs(near - about) < Fraction(1, 100) else frames / seconds


def boxes(path: Path) -> list[bytes]:
    """The types of the boxes of an MP4 or MOV in file order, parents before their children."""
    found: list[bytes] = []
    with path.open("rb") as file:
        _walk(file, path.stat().st_size, found)
    return found


def _walk(file: object, end: int, found: list[bytes]) -> None:
    while (start := file.tell()) + 8 <= end:
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        size = size or end - start
        if size < 8:
            return
        found.append(kind)
        if kind in _PARENTS:
            _walk(file, start + size, found)
        file.seek(start + size)
