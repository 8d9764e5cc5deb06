"""The latents that a preset speaks of: seeds, rows of files and names, as arrays that fit a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from render.errors import LatentError
from render.latents import Latents, check_fits, load_latents, seed_latents
from render.preset import FileLatent, Latent, NamedLatent, SeedLatent
from render.preset.latent_words import SUFFIXES
from render.reach import placed
from render.timeline import did_you_mean

if TYPE_CHECKING:
    from render.networks import Generator

FOLDER = "latents"  # beside the preset


class LatentFiles:
    """The files of latents that a preset names, each read once; relative paths start from its folder."""

    def __init__(self, folder: Path, model: Generator):
        self.folder, self.model = folder, model
        self._read: dict[tuple[Path, str | None], Latents] = {}

    def rows(self, file: FileLatent) -> list[FileLatent]:
        """One latent for every row of the file, or the row it names. Raises LatentError."""
        if file.row is not None:
            return [file]
        return [replace(file, row=row) for row in range(len(self._load(file.file, file.space)))]

    def find(self, latent: FileLatent | NamedLatent) -> Latents:
        """The one latent meant. Raises LatentError."""
        if isinstance(latent, NamedLatent):
            return self._single(self._load(str(named_file(self.folder, latent.name)), None))
        found = self._load(latent.file, latent.space)
        return self._single(found) if latent.row is None else found.pick(latent.row)

    def _single(self, found: Latents) -> Latents:
        if len(found) == 1:
            return found
        last = len(found) - 1
        text = (
            f"{found.source} holds {last + 1} latents; say which: {found.source}#0 to {found.source}#{last}"
        )
        plus = f" (or, if it is one w+, {{file: {found.source}, space: w+}})" if found.is_unsure else ""
        raise LatentError(text + plus)

    def _load(self, file: str, space: str | None) -> Latents:
        key = (placed(self.folder, file, LatentError), space)
        if key not in self._read:
            found = load_latents(*key)
            check_fits(found, self.model.num_ws, self.model.w_dim, self.model.z_dim)
            self._read[key] = found
        return self._read[key]


def named_file(folder: Path, name: str) -> Path:
    """The file of a latent by its name: in `folder`, or in its folder `latents`. Raises LatentError."""
    places = [folder, folder / FOLDER]
    for place in places:
        for suffix in SUFFIXES:
            if (place / f"{name}{suffix}").is_file():
                return place / f"{name}{suffix}"
    known = sorted(
        {file.stem for place in places for suffix in SUFFIXES for file in place.glob(f"*{suffix}")}
    )
    hint = did_you_mean(name, known) or f"; it would be {name}.npz beside the preset or in {FOLDER}/"
    raise LatentError(f"there is no latent called {name!r}{hint}")


@dataclass(frozen=True, eq=False)
class Supply:
    """Latents by number.

    z    float32 [K, z_dim]; zeros for those that are given in w
    own  float32 [K, w_dim] or [K, num_ws, w_dim]: those that a file gives in w; None where all are of z
    of_w bool [K]: which are given in w, and are shown as they are
    """

    z: np.ndarray
    own: np.ndarray | None
    of_w: np.ndarray

    @classmethod
    def of(cls, latents: Sequence[Latent], files: LatentFiles, place: Callable[[Latent], str]) -> Supply:
        """These latents for the network of `files`; `place` says where one is written. Raises LatentError."""
        model = files.model
        z = np.zeros([len(latents), model.z_dim], np.float32)
        given: dict[int, np.ndarray] = {}
        seeds = {number: one.seed for number, one in enumerate(latents) if isinstance(one, SeedLatent)}
        if seeds:
            z[list(seeds)] = seed_latents(list(seeds.values()), model.z_dim)
        for number, latent in enumerate(latents):
            if number in seeds:
                continue
            try:
                found = files.find(latent)
            except LatentError as error:
                raise LatentError(f"{place(latent)}: {error}") from None
            if found.space == "z":
                z[number] = found.values[0]
            else:
                given[number] = found.values[0]
        of_w = np.zeros(len(latents), bool)
        of_w[list(given)] = True
        return cls(z, _stacked(given, len(latents), model) if given else None, of_w)


def _stacked(given: dict[int, np.ndarray], count: int, model: Generator) -> np.ndarray:
    """Latents of w in one array, as w+ if any of them is."""
    is_plus = any(values.ndim == 2 for values in given.values())
    own = np.zeros([count, model.num_ws, model.w_dim] if is_plus else [count, model.w_dim], np.float32)
    for number, values in given.items():
        own[number] = values  # a w fills every row of a w+
    return own
