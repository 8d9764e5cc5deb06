"""Opens a checkpoint of any known format as a generator."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from render.checkpoints.allowance import Allowance
from render.checkpoints.formats import FORMATS, Contents, sniff
from render.checkpoints.library import resolve
from render.checkpoints.wrapping import unwrapped
from render.errors import CheckpointError
from render.networks import Generator, build


def load(source: str | Path, device: str | torch.device = "cpu", sha256: str | None = None) -> Generator:
    """The generator in the file that `source` names: a path, `sample:NAME`, an https URL or hf://owner/repo/file.

    Content tells the format. With `sha256`, the file must be the one that has it.

    Weights are float32, on `device`, and take no gradients. Nothing in the file is ever run.
    Raises CheckpointError (one line that names the file and the reason), UnsafeCheckpointError if the file
    asks to run something.
    """
    path = Path(source)
    try:
        device = torch.device(device)
    except RuntimeError:
        text = f"{path.name}: device is {device!r}; usual are cpu, cuda, cuda:1 and mps"
        raise CheckpointError(text) from None
    try:
        path = resolve(source, sha256=sha256)
        generator = assemble(read_contents(path))
    except CheckpointError as error:
        if path.name in str(error):
            raise
        raise type(error)(f"{path.name}: {error}") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
    return generator.to(device)


def assemble(contents: Contents) -> Generator:
    """The generator of these contents, which must not be larger than the tensors they bring."""
    with explained(), Allowance.for_tensors(contents.tensors.values()):
        return build(*contents)


@contextmanager
def explained() -> Iterator[None]:
    """Whatever damage no reader expected is a CheckpointError too."""
    try:
        yield
    except (CheckpointError, OSError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}"[:200].split())
        raise CheckpointError(f"the file is damaged, or of a variant not known here ({reason})") from error


def read_contents(path: Path) -> Contents:
    """Config, tensors and provenance of the file at `path`, which may be wrapped in gzip or zip."""
    with explained(), unwrapped(path) as plain:
        reader = importlib.import_module(FORMATS[sniff(plain)].module)
        config, tensors, provenance = reader.read(plain)
    return Contents(config, tensors, replace(provenance, source=str(path)))
