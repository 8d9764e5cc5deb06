"""Latents by their words in a preset: a seed (`3`, `seed 3`), a row of a file (`me.npy#2`), or a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from render.timeline import did_you_mean

from .mistakes import Mistake, carried, shown

SUFFIXES = (".npy", ".npz", ".pt")
SPACES = ("z", "w", "w+")
MAX_SEED = 2**32 - 1
_FILE = re.compile(
    r"(?P<file>.+?)(?:#(?P<row>\d{1,7})|\[(?P<index>\d{1,7})\])?", re.DOTALL
)  # YAML lists end at ]
_HELP = "a latent is a seed (3), a file (me.npz, walk.npy#2) or the name of one"


@dataclass(frozen=True)
class SeedLatent:
    """The latent that a seed draws."""

    seed: int

    def as_data(self) -> int:
        """As a preset file writes it."""
        return self.seed

    def __str__(self) -> str:
        return f"seed {self.seed}"


@dataclass(frozen=True)
class FileLatent:
    """A latent in a file.

    Attributes:
        file: the path as written.
        row: which of its latents; None: the only one, or in `latents.files` all of them.
        space: `z`, `w` or `w+`, where the file does not tell; None: w.
    """

    file: str
    row: int | None = None
    space: str | None = None

    def as_data(self) -> str | dict[str, str]:
        """As a preset file writes it."""
        text = str(self)
        if self.space is None:
            return text if self.file.lower().endswith(SUFFIXES) else f"file {text}"
        return {"file": text, "space": self.space}

    def __str__(self) -> str:
        return self.file if self.row is None else f"{self.file}#{self.row}"


@dataclass(frozen=True)
class NamedLatent:
    """NAME.npz, NAME.npy or NAME.pt in the preset's folder or its folder `latents`."""

    name: str

    def as_data(self) -> str:
        """As a preset file writes it."""
        return self.name

    def __str__(self) -> str:
        return self.name


Latent = SeedLatent | FileLatent | NamedLatent


def read_latent(value: Any) -> Latent:
    """The latent written as `value`. Whether files exist is not looked at here.

    Raises:
        ValueError: it is no latent, or a ValidationError that carries the mistakes of a mapping.
    """
    if isinstance(value, Latent):
        return value
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return SeedLatent(read_seed(value))
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"(seed\s+)?\d{1,11}", text):
        return SeedLatent(read_seed(int(text.removeprefix("seed"))))
    word, _, rest = text.partition(" ")
    if word == "file" and rest.strip():
        return read_file_latent(rest)
    if word in ("seed", "file") or not text:
        raise ValueError(f"{_HELP}, not {shown(value)}")
    if "/" in text or _FILE.fullmatch(text)["file"].lower().endswith(SUFFIXES):
        return read_file_latent(text)
    if not re.fullmatch(r"[\w][\w .-]*", text) or re.search(r"\.[a-z]\w{1,4}$", text):
        raise ValueError(f"{_HELP}; files end in {', '.join(SUFFIXES)}; not {shown(value)}")
    return NamedLatent(text)


def read_file_latent(value: Any) -> FileLatent:
    """A file of latents: its path, `path#row`, or a mapping {file: …, space: z}. Raises as `read_latent`."""
    if isinstance(value, FileLatent):
        return value
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a file of latents is a path such as me.npz, not {shown(value)}")
    match = _FILE.fullmatch(value.strip())
    if not match["file"].lower().endswith(SUFFIXES):
        raise ValueError(f"latents are read from {', '.join(SUFFIXES)} files, not from {shown(value)}")
    row = match["row"] or match["index"]
    return FileLatent(match["file"], None if row is None else int(row))


def _from_mapping(value: Mapping) -> FileLatent:
    known = ("file", "space")
    mistakes = [
        Mistake((key,), f"unknown key{did_you_mean(str(key), known)}", at_key=True)
        for key in value
        if key not in known
    ]
    if "file" not in value:
        mistakes.append(Mistake(("file",), "missing. The file that holds the latent, such as me.npz."))
    space = value.get("space")
    if space is not None and space not in SPACES:
        mistakes.append(Mistake(("space",), f"this is z, w or w+, not {shown(space)}"))
    if mistakes:
        raise carried(mistakes)
    try:
        latent = read_file_latent(value["file"])
    except ValueError as error:
        raise carried([Mistake(("file",), str(error))]) from None
    return FileLatent(latent.file, latent.row, space)


def read_seed(number: int) -> int:
    """`number` if it is a seed. Raises ValueError."""
    if not 0 <= number <= MAX_SEED:
        raise ValueError(f"a seed lies from 0 to {MAX_SEED}, not {number}")
    return number
