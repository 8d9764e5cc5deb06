"""The header of our own `.safetensors` files, read in plain Python: no torch, no tensor data.

A safetensors file opens with the header's length (8 bytes, little-endian) and the header, which is JSON:
every tensor's type, shape and place, and `__metadata__`, text to text. Ours has one key there, `blendreel`.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from render.checkpoints.formats import sniff
from render.checkpoints.wrapping import unwrapped
from render.errors import CheckpointError

METADATA_KEY = "blendreel"
FORMAT_VERSION = 1
MAX_HEADER_BYTES = 8 * 2**20  # a 1024 px network needs 40 KiB; JSON grows twentyfold in memory


@dataclass(frozen=True)
class Base:
    """The network that a delta is added to.

    source  what it was opened as, seen from the delta's folder
    sha256  of its file
    """

    source: str
    sha256: str


@dataclass(frozen=True)
class Header:
    """What a file of ours says about itself.

    architecture  `stylegan2`, …
    config        the fields of that architecture's config, as JSON has them
    kimg          thousands of images seen in training, if known
    lineage       names of the networks it was fine-tuned from, nearest first
    tensors       name → (type such as `F16`, shape)
    base          of a delta, which holds only differences; None: the file is whole
    origin        of a delta: a sum of the photographs that it was tuned to, or nothing
    """

    architecture: str
    config: dict[str, Any]
    kimg: float | None
    lineage: tuple[str, ...]
    tensors: dict[str, tuple[str, tuple[int, ...]]]
    base: Base | None = None
    origin: str = ""

    @property
    def resolution(self) -> int | None:
        return self.config.get("resolution")


def header_of(path: str | Path) -> Header | None:
    """What a checkpoint says about itself, wrapped in gzip or zip or not; None if its format has no header.

    Raises CheckpointError for what is no checkpoint at all.
    """
    with unwrapped(Path(path)) as plain:
        return read_header(plain) if sniff(plain) == "native" else None


def read_raw_header(path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of any safetensors file, and how many bytes follow it. Raises CheckpointError."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
            raise CheckpointError(f"{path.name} is cut off or damaged: its header is not whole")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{path.name} is damaged: its header can't be read") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path.name} is damaged: its header is no table")
    return header, size - 8 - length


def read_header(path: str | Path) -> Header:
    """What a file of ours says about itself. Raises CheckpointError if it is not one, or is cut off."""
    path = Path(path)
    raw, data_bytes = read_raw_header(path)
    try:
        own = json.loads((raw.pop("__metadata__", None) or {})[METADATA_KEY])
    except KeyError as error:
        raise CheckpointError(
            f"{path.name} is a safetensors file, but not blendreel's (it has no {METADATA_KEY!r} entry)"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is damaged: its {METADATA_KEY!r} entry can't be read") from error
    version = own.get("version") if isinstance(own, dict) else None
    if version != FORMAT_VERSION:
        found = f"version {version}" if type(version) is int else "no version"
        raise CheckpointError(
            f"{path.name} has {found} of the format; this blendreel reads version {FORMAT_VERSION}"
        )
    try:
        tensors = {name: (str(entry["dtype"]), tuple(entry["shape"])) for name, entry in raw.items()}
        end = max((int(entry["data_offsets"][1]) for entry in raw.values()), default=0)
        header = Header(
            architecture=str(own["architecture"]),
            config=dict(own["config"]),
            kimg=None if own.get("kimg") is None else float(own["kimg"]),
            lineage=tuple(str(name) for name in own.get("lineage", ())),
            tensors=tensors,
            base=_base(own.get("base")),
            origin=str(own.get("origin", "")),
        )
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        reason = str(error)[:100]
        raise CheckpointError(f"{path.name} is damaged: its header is not complete ({reason})") from error
    if end > data_bytes:
        raise CheckpointError(f"{path.name} is cut off: it ends before its last tensor")
    return header


def _base(described: Any) -> Base | None:
    """The base as a header describes it. Raises LookupError, TypeError or ValueError."""
    if described is None:
        return None
    source, sha256 = described["source"], described["sha256"]
    if not isinstance(source, str) or not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError("its base is described wrongly")
    return Base(source, sha256)
