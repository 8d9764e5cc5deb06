"""The two networks that are compared: a file each, or a whole training run of which the last one counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from render.checkpoints.library import SAMPLE_PREFIX, is_remote, resolve, resolve_series
from render.checkpoints.load import load
from render.networks import Generator

_SNAPSHOT_NUMBER = re.compile(r"[-_]?\d{6,}$")
_NO_WORD = re.compile(r"[^A-Za-z0-9_]+")
NAMELESS = "model_"
TAKEN = ("low", "high", "blend", "model", "mapping")  # what presets mean something else by


@dataclass(frozen=True, eq=False)
class Side:
    """One of the networks.

    name       a word for it, which presets can use
    source     what it was asked for as
    generator  the network; of a run the last one
    snapshots  the run, as (kimg, file) by rising kimg; empty for a single file
    """

    name: str
    source: str
    generator: Generator
    snapshots: tuple[tuple[float, Path], ...] = ()


def open_sides(a: str, b: str) -> tuple[Side, Side]:
    """Load both. Raises CheckpointError, as `load` does."""
    names = [called(source) for source in (a, b)]
    if names[0] == names[1]:  # both are network.pkl: their folders may be called otherwise
        folders = [called(str(Path(source).parent)) for source in (a, b)]
        is_told = folders[0] != folders[1] and NAMELESS not in folders
        names = folders if is_told else [f"{names[0]}_a", f"{names[1]}_b"]
    return tuple(_open(name, source) for name, source in zip(names, (a, b), strict=True))


def called(source: str) -> str:
    """A word for a source: `ukiyoe` for `sample:ukiyoe`, runs/ukiyoe/*.pkl and ukiyoe-000020.safetensors."""
    parts = [part for part in re.split(r"[:/\\]+", str(source)) if part and not set("*?[") & set(part)]
    stem = Path(parts[-1]).stem if parts else ""
    name = _NO_WORD.sub("_", _SNAPSHOT_NUMBER.sub("", stem)).strip("_")
    if not name:
        return NAMELESS
    return f"{name}_" if name in TAKEN else name if name[0].isalpha() else f"model_{name}"


def _open(name: str, source: str) -> Side:
    snapshots = _snapshots(source)
    if snapshots:
        return Side(name, source, load(snapshots[-1][1]), snapshots)
    return Side(name, source, load(resolve(source)))


def _snapshots(source: str) -> tuple[tuple[float, Path], ...]:
    """The run that `source` names: a folder, a pattern, or a sample that has snapshots."""
    path = Path(source).expanduser()
    is_pattern = any(sign in path.name for sign in "*?[") and not path.exists()
    is_run = source.startswith(SAMPLE_PREFIX) or path.is_dir() or is_pattern
    found = resolve_series(source) if is_run and not is_remote(source) else ()
    return found if len(found) > 1 or is_pattern or path.is_dir() else ()
