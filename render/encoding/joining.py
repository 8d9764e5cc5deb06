"""Pieces of a film, encoded one by one, joined without encoding anything again; timestamps stay exact.

A piece starts with a key frame of its own. It lies in NUT, ffmpeg's plain container: that takes every codec,
counts in frames and has no edit lists. Source: ffmpeg's documentation of the concat demuxer.
"""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from render.encoding import muxers
from render.encoding.base import Writer
from render.encoding.claim import part_of, writable
from render.encoding.codecs import ffmpeg_path
from render.encoding.listener import ending
from render.encoding.video import VideoWriter
from render.errors import EncodingError

PIECE_SUFFIX = ".nut"
JOINABLE = ("mp4", "mov", "matroska", "webm")
_LIST_SUFFIX = ".ffconcat"
_MICROSECONDS = 1_000_000

Piece = tuple[Path, int]  # its file, and how many frames it has


def can_join(writer: Writer) -> bool:
    """Whether the file of a writer can be made of pieces. GIFs, other animations and pictures cannot.

    Nor can VP9 with alpha: that lies beside the pictures, where the container of pieces has no place for it.
    """
    if not isinstance(writer, VideoWriter) or writer.muxer not in JOINABLE:
        return False
    return not (writer.transparent and writer.codec.name == "vp9")


def piece_writer(film: VideoWriter, path: Path, threads: int = 0) -> VideoWriter:
    """A writer like `film`, not yet started, for a piece of it; the sound is added to the whole."""
    piece = copy.copy(film)
    piece.path, piece.part_path, piece.muxer = path, part_of(path), "nut"
    piece.tags = None
    piece.settings = replace(film.settings, audio=None, threads=film.settings.threads or threads)
    return piece


def join(film: VideoWriter, pieces: Sequence[Piece]) -> None:
    """Make the file of a writer that is not started, from pieces that lie in one folder.

    Raises EncodingError; the file has its name only when every frame is in it.
    """
    with film.from_elsewhere(sum(count for _, count in pieces)) as part:
        _concatenate(film, pieces, part)


def _concatenate(film: VideoWriter, pieces: Sequence[Piece], target: Path) -> None:
    folder = pieces[0][0].parent
    listing = folder / f"{film.path.suffix.lstrip('.')}-{id(film):x}{_LIST_SUFFIX}"
    with writable(film.path):
        listing.write_text(_listing(pieces, film.fps), encoding="utf-8")
    command = [
        *(ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-nostats", "-progress", "pipe:1"),
        # Names in the list are plain, and are looked for where it lies: no folder's name needs quoting.
        *("-f", "concat", "-i", listing.name),
        *(film.tag_options() or ("-map", "0:v:0", "-map_metadata", "-1")),
        *("-c", "copy"),
        *film.letters(),
        *muxers.options(film.muxer, film.fps),
        *("-f", film.muxer, "-y", f"file:{target.absolute()}"),
    ]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    finally:
        listing.unlink(missing_ok=True)
    if done.returncode or done.stderr.strip():
        reason = (done.stderr.strip().splitlines() or [f"ffmpeg failed: {ending(done.returncode)}"])[0]
        raise EncodingError(f"{film.path}: its pieces could not be joined: {reason}")
    wanted = sum(count for _, count in pieces)
    found = [line[6:] for line in done.stdout.splitlines() if line.startswith("frame=")]
    if found and int(found[-1]) != wanted:
        raise EncodingError(f"{film.path}: its pieces have {found[-1]} of {wanted} frames")


def _listing(pieces: Sequence[Piece], fps: Fraction) -> str:
    """The list that ffmpeg reads. Each piece lasts until the whole microsecond nearest to where the next one
    begins, so that rounding never adds up."""
    lines, frames, begins = ["ffconcat version 1.0"], 0, 0
    for path, count in pieces:
        frames += count
        ends = round(frames / fps * _MICROSECONDS)
        lines += [f"file {path.name}", f"duration {ends - begins}us"]
        begins = ends
    return "\n".join(lines) + "\n"
