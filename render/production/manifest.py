"""What is written down about a render: the plan of its segments, and of each finished segment what it is.

Files have their name only when they are whole and on the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from render.encoding.claim import settle

FORMAT = 1  # of these files


@dataclass(frozen=True)
class Plan:
    """One render. What decides about its bytes stands in `asked`; a change of that is another render.

    asked          preset, outputs and options, as plain data
    files          sha256 of every file the preset names: models, latents, directions …
    segment_frames frames of a segment; segments: how many there are; frames: in all
    threads        of each encoder: a part of the bytes of H.264 and HEVC
    """

    asked: Mapping[str, Any]
    files: Mapping[str, str]
    segment_frames: int
    segments: int
    frames: int
    threads: int
    format: int = FORMAT

    @property
    def identity(self) -> str:
        """Equal for renders that ask for the same; 64 hex digits."""
        data = [self.format, self.segment_frames, self.asked]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write it to a file."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The plan in a file; None where that is no plan, or one of another version."""
        return _loaded(cls, path)


@dataclass(frozen=True)
class PieceFacts:
    """A file of a segment, as it was when it was finished."""

    frames: int
    bytes: int
    sha256: str

    def fits(self, path: Path) -> bool:
        """Whether the file is still that."""
        try:
            return path.stat().st_size == self.bytes and digest_of(path) == self.sha256
        except (OSError, ValueError):  # ValueError: a NUL in its name
            return False


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment.

    identity      of its plan
    frames        for each rate, the range of its frames: [start, stop)
    pieces        its files by their names
    frame_hashes  for each rate 16 hex digits a frame, in order: BLAKE2 of its [H, W, 3]
    made_with     versions, device and batch size
    """

    number: int
    identity: str
    frames: Mapping[str, tuple[int, int]]
    pieces: Mapping[str, PieceFacts]
    frame_hashes: Mapping[str, tuple[str, ...]]
    made_with: Mapping[str, str]
    format: int = FORMAT

    def save(self, path: Path) -> None:
        """Write it to a file."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record in a file; None where that is none, or one of another version."""
        found = _loaded(cls, path)
        try:
            pieces = {name: PieceFacts(**facts) for name, facts in found.pieces.items()} if found else {}
            if any(Path(name).name != name for name in pieces):  # not one of ours: it leads elsewhere
                return None
            return found and cls(**{**vars(found), "pieces": pieces})
        except (TypeError, AttributeError):
            return None

    def is_whole(self, folder: Path) -> bool:
        """Whether all its files lie in the folder as they were."""
        return all(facts.fits(folder / name) for name, facts in self.pieces.items())


def _loaded(kind: type, path: Path) -> Any:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return kind(**data) if data["format"] == FORMAT else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write_json(path: Path, data: Any) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(data, indent=1), encoding="utf-8")
        settle(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    settle(path.parent)


def digest_of(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
