"""The suite of checkpoints: reference files with damage, and files written to do harm."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_bombs
import fuzz_calls
import fuzz_containers  # noqa: F401  (its bombs join the others)
import fuzz_files
from fuzz_cases import Case

import render
from render.errors import CheckpointError

SECONDS = 5  # of processor time
BOMB_EVERY = 4  # every fourth seed is a file written to do harm, the others are damaged ones
HARM = "written to do harm"
PROGRAMS: tuple[str, ...] = ()  # that reading may start
PARSES = False  # no text becomes a syntax tree


def make_case(seed: int, mark: Path) -> Case:
    """The file of that seed, always the same; if it had its way, the file `mark` would exist afterwards."""
    rng, index = random.Random(seed), seed // BOMB_EVERY
    if seed % BOMB_EVERY == 0:
        names = list(fuzz_bombs.BOMBS)
        name = names[index % len(names)]
        return Case(HARM, name, fuzz_bombs.BOMBS[name](rng))
    kinds = list(fuzz_files.originals())
    kind = kinds[seed % len(kinds)]
    if rng.random() < 0.15:
        return Case(kind, "calls", fuzz_files.damaged(rng, kind, "", rng.choice(fuzz_calls.hostile(mark))))
    damage = rng.choice(list(fuzz_files.MUTATIONS))
    return Case(kind, damage, fuzz_files.damaged(rng, kind, damage))


def read(case: Case, path: Path) -> str:
    """Load the file; returns what is wrong with the network, or raises."""
    return check(render.load(path), path)


def is_fine(error: BaseException, path: Path) -> bool:
    """Whether it is how a file may be refused."""
    return isinstance(error, CheckpointError) and path.name in str(error) and len(str(error)) < 4000


def check(generator, path: Path) -> str:
    """What is wrong with a network that loaded; nothing, if it is as large as its file and whole."""
    tensors = generator.state_dict()
    count = sum(tensor.numel() for tensor in tensors.values())
    odd = [name for name, tensor in tensors.items() if str(tensor.dtype) != "torch.float32"]
    if odd:
        return f"{odd[0]} is no float32"
    if count > 25 * path.stat().st_size:
        return f"{count:,} numbers out of a file of {path.stat().st_size:,} bytes"
    return "" if generator.structure() and len(generator.layers) > 1 else "it has no layers"


def warm_up(folder: Path) -> None:
    """Everything is imported once, so that what follows is measured by itself and imports nothing."""
    for index, data in enumerate(fuzz_files.originals().values()):
        path = folder / str(index)
        path.write_bytes(data)
        render.load(path)
        path.unlink()
