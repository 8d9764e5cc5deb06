"""Deltas: a network as what sets it apart from another, its base, which is found again by its sha256.

A network that was tuned to one face differs from its base in little, and is of no use without the family it
belongs to. So a delta holds differences alone, as float16, of the tensors that changed; it names its base and
its base's sha256, and is refused beside any other. Otherwise it is a file of ours like every other.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import torch

from render.checkpoints.download import hash_file
from render.checkpoints.formats import Contents
from render.checkpoints.header import FORMAT_VERSION, Base
from render.checkpoints.library import is_remote, resolve
from render.checkpoints.shown import shown
from render.errors import CheckpointError
from render.networks import Generator
from render.reach import within_reach


def save_delta(tuned: Generator, base: Generator, reference: str, path: str | Path, origin: str = "") -> Path:
    """Write what sets `tuned` apart from `base` to `path` (NAME.safetensors), whole or not at all.

    reference  what `base` was opened as: sample:NAME, a path, an address; a path is written as it is seen
               from the delta's folder
    origin     a sum of what it was tuned to, by which it is known again

    Raises CheckpointError: the base came from no file, the networks differ in structure or are equal, or the
    file cannot be written.
    """
    from render.checkpoints.native import check_name, write

    path, source = check_name(Path(path)), Path(base.provenance.source)
    if not base.provenance.source or not source.is_file():
        raise CheckpointError(
            f"{path}: the base is no file, so a delta could not find it again; save it first"
        )
    if tuned.config != base.config:
        raise CheckpointError(f"{path}: the networks differ in structure, so there is no difference to write")
    before, tensors = base.state_dict(), {}
    for name, tensor in tuned.state_dict().items():
        change = (tensor - before[name]).cpu()
        if bool(change.any()):
            tensors[name] = change.to(torch.float16).contiguous()
            if not bool(tensors[name].isfinite().all()):
                raise CheckpointError(f"{path}: {name} changed by more than float16 can hold")
    if not tensors:
        raise CheckpointError(f"{path}: the networks are equal, so there is no difference to write")
    own = {
        "version": FORMAT_VERSION,
        "architecture": tuned.architecture,
        "config": asdict(tuned.config),
        "kimg": None,
        "lineage": [source.stem, *base.provenance.lineage],
        "base": {"source": _seen_from(path.parent, reference, source), "sha256": hash_file(source)},
    }
    if origin:
        own["origin"] = origin
    return write(path, tensors, own)


def _seen_from(folder: Path, reference: str, source: Path) -> str:
    """How a file in that folder names the base."""
    if is_remote(reference) or reference.startswith("sample:"):
        return reference
    try:
        return Path(os.path.relpath(source, folder)).as_posix()
    except ValueError:  # on another drive
        return source.resolve().as_posix()


def added(delta: Contents, base: Base, path: Path) -> Contents:
    """The network that a delta describes: its base's tensors, and the differences added.

    Raises CheckpointError: the base is not there, is another file or a delta itself, or does not fit.
    """
    from render.checkpoints.load import read_contents

    found = find_base(base, path)
    whole = read_contents(found)
    if whole.config != delta.config:
        raise CheckpointError(f"{path.name} is damaged: its config is not that of its base, {found.name}")
    tensors = dict(whole.tensors)
    for name, change in delta.tensors.items():
        if name not in tensors or tensors[name].shape != change.shape:
            raise CheckpointError(
                f"{path.name} is damaged: {shown(name)} does not fit its base, {found.name}"
            )
        tensors[name] = tensors[name] + change
    return Contents(whole.config, tensors, delta.provenance)


def find_base(base: Base, path: Path) -> Path:
    """The file of a delta's base: where the delta says, or of that name beside it. Nothing is fetched.

    Raises CheckpointError: it is not there, is another file than the one the delta was made from, or is a
    delta itself.
    """
    from render.checkpoints.header import header_of

    try:
        found = resolve(base.source, path.parent, offline=True)
    except CheckpointError as error:
        found = path.parent / Path(base.source).name
        if not found.is_file():
            raise CheckpointError(
                f"{path.name} is a delta, and its base is not here ({error}); it is the file with the "
                f"sha256 {base.sha256}"
            ) from None
        found = within_reach(found, CheckpointError)
    has = hash_file(found)
    if has != base.sha256:
        raise CheckpointError(
            f"{path.name} is a delta of another network: it was made from a file with the sha256 "
            f"{base.sha256}, and {found} has {has}"
        )
    header = header_of(found)
    if header is not None and header.base is not None:
        raise CheckpointError(f"{path.name} is a delta of a delta, {found.name}; that is not read")
    return found
