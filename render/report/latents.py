"""Files of latents and directions: whether they are there, and fit the networks. Only headers are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from render.errors import LatentError
from render.preset import FileLatent, NamedLatent, Preset, SeedLatent, Walk
from render.reach import placed, within_reach

from .models import Sizes

if TYPE_CHECKING:
    from render.latents.files import Peek


@dataclass
class FoundLatents:
    """What the files of latents hold.

    counts    of the files that a walk passes as a whole, how many latents each has
    texts     every file with its contents in words, by its name as written
    mistakes  located, one line each
    """

    counts: dict[FileLatent, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def find_latents(preset: Preset, sizes: Sizes | None) -> FoundLatents:
    """Look at every file of latents and directions that the preset names; never raises for what is wrong.

    sizes  of the networks, where known: what does not fit is a mistake
    """
    found = FoundLatents()
    latents = preset.latents
    walks = {"latents": latents} | ({"latents.mixing": latents.mixing} if latents.mixing else {})
    for place, walk in walks.items():
        for where, latent in _files_of(place, walk):
            with _noted(found, where):
                _look(preset, walk, latent, sizes, found)
    for index, direction in enumerate(latents.directions):
        if direction.file is not None:
            with _noted(found, f"latents.directions[{index}].file"):
                _look_at_direction(_path(preset, direction.file))
    return found


def _files_of(place: str, walk: Walk) -> Iterator[tuple[str, FileLatent | NamedLatent]]:
    """Every latent of the walk that lies in a file, with its place."""
    written = "files" if walk.keys is None else "keys"
    for index, latent in enumerate(() if walk.files is None and walk.keys is None else walk.latents):
        if not isinstance(latent, SeedLatent):
            yield f"{place}.{written}[{index}]", latent


@contextmanager
def _noted(found: FoundLatents, where: str) -> Iterator[None]:
    try:
        yield
    except LatentError as error:
        found.mistakes.append(f"{where}: {error}")


def _look(
    preset: Preset, walk: Walk, latent: FileLatent | NamedLatent, sizes: Sizes | None, found: FoundLatents
) -> None:
    from render.latents.files import peek, peek_latents  # NumPy: only where there are files
    from render.scene.supply import named_file

    is_named = isinstance(latent, NamedLatent)
    space = None if is_named else latent.space
    path = named_file(preset.base_dir, latent.name) if is_named else _path(preset, latent.file)
    within_reach(path, LatentError)
    what = peek(path, space)
    found.texts[latent.name if is_named else latent.file] = peek_latents(path, space)
    if what is None:  # a file of torch's is opened when the preset is rendered
        return
    row = None if is_named else latent.row
    if row is not None and row >= what.count:
        raise LatentError(f"{path.name}#{row}: the file has {what}, counted from 0")
    if walk.keys is not None and row is None and what.count > 1:
        raise LatentError(
            f"{path.name} holds {what}; say which: {path.name}#0 to {path.name}#{what.count - 1}"
        )
    if walk.walk_space == "z" and what.space != "z":
        raise LatentError(
            f"{path.name} holds {what}, and {walk.path} goes through z; use path: spline with space: w"
        )
    _check_size(what, path.name, sizes)
    if walk.files is not None and row is None:
        found.counts[latent] = what.count


def _path(preset: Preset, file: str) -> Path:
    return placed(preset.base_dir, file, LatentError)


def _check_size(what: Peek, name: str, sizes: Sizes | None) -> None:
    if sizes is None or (what.space == "w+" and sizes.num_ws is None):
        return
    wanted = {"z": (sizes.z_dim,), "w": (sizes.w_dim,), "w+": (sizes.num_ws, sizes.w_dim)}[what.space]
    if what.size != wanted:
        numbers = f"{wanted[-1]} numbers" if len(wanted) == 1 else f"{wanted[0]} rows of {wanted[1]} numbers"
        raise LatentError(f"{name} holds {what}, but the networks take {numbers}")


def _look_at_direction(path: Path) -> None:
    from render.latents.array_files import TORCH_SUFFIXES, check_file, read_headers

    check_file(path)
    if path.suffix.lower() not in TORCH_SUFFIXES:
        read_headers(path)
