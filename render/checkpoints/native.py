"""blendreel's own checkpoints: `.safetensors`, config in the header, tensors under NVIDIA's names."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from render.checkpoints.delta import added
from render.checkpoints.formats import Contents
from render.checkpoints.header import FORMAT_VERSION, METADATA_KEY, Header, read_header
from render.checkpoints.shown import printable, shown
from render.errors import CheckpointError
from render.networks import GENERATORS, Generator, Provenance

MAX_NUMBER, MAX_NUMBERS = 2**24, 64  # in a config, and in one list of it
DTYPES = (torch.float32, torch.float16)
MAX_LAYERS = 64  # of a mapping network


def save(
    generator: Generator,
    path: str | Path,
    dtype: torch.dtype = torch.float32,
    kimg: float | None = None,
    lineage: Sequence[str] = (),
) -> Path:
    """Write `generator` to `path` (NAME.safetensors), whole or not at all; a file of that name is replaced.

    dtype    float32, or float16 for half the size: weights and noise maps are rounded; biases, averages,
             strengths, filters and frequencies, which are small, stay float32
    kimg     thousands of images seen in training; without it, what the generator's provenance says
    lineage  names of the networks it was fine-tuned from, nearest first

    Raises CheckpointError: this is no network, the name has another extension, or it cannot be written.
    """
    path = check_name(Path(path))
    if not isinstance(generator, Generator):
        raise CheckpointError(f"{path}: networks are written, not {generator!r}; render.load opens one")
    if dtype not in DTYPES:
        known = " or ".join(map(str, DTYPES))
        raise CheckpointError(f"{path}: dtype is {dtype!r}; it is {known}")
    provenance = generator.provenance
    kimg = provenance.kimg if kimg is None else kimg
    if kimg is not None and not (math.isfinite(kimg) and kimg >= 0):
        raise ValueError(f"kimg is a number from 0 on, not {kimg}")
    own = {
        "version": FORMAT_VERSION,
        "architecture": generator.architecture,
        "config": asdict(generator.config),
        "kimg": kimg,
        "lineage": list(lineage or provenance.lineage),
    }
    tensors = {name: _stored(name, tensor, dtype) for name, tensor in generator.state_dict().items()}
    return write(path, tensors, own)


def check_name(path: Path) -> Path:
    """`path`, if a network may be called that. Raises CheckpointError."""
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"{path}: networks are written as .safetensors; name it {path.stem}.safetensors"
        )
    return path


def write(path: Path, tensors: dict[str, Tensor], own: dict[str, Any]) -> Path:
    """Write a file of ours, whole or not at all; `own` is what its header says. Raises CheckpointError."""
    part = path.with_name(path.name + ".part")
    try:
        part.touch()
        rights = part.stat().st_mode  # of any new file; safetensors would hide it from others
        save_file(tensors, part, metadata={METADATA_KEY: json.dumps(own, sort_keys=True)})
        part.chmod(rights)
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error  # which would name the file beside it
        raise CheckpointError(f"{path} could not be written: {reason}") from error
    return path


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """`tensor` as it is written: on the CPU, contiguous, in memory of its own."""
    if tensor.is_floating_point():
        narrow = tensor.ndim >= 2 and not name.endswith(("filter", "freqs", "transform"))
        tensor = tensor.to(dtype if narrow else torch.float32)
        if narrow and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{name} has values that {dtype} can't hold; save in float32")
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def read(path: Path) -> Contents:
    """Config and float32 tensors of a file of ours; those of a delta are added to its base's."""
    header = read_header(path)
    tensors = _tensors(path)
    provenance = Provenance(source=str(path), format="native", kimg=header.kimg, lineage=header.lineage)
    contents = Contents(_config(header, path), tensors, provenance)
    return added(contents, header.base, path) if header.base else contents


def _tensors(path: Path) -> dict[str, Tensor]:
    """What it holds, as float32."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is damaged: {printable(str(error)[:200])}") from error
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CheckpointError(f"{path.name} is damaged: {shown(name)} can't be of type {kind}")
    return {name: tensor.to(torch.float32) for name, tensor in tensors.items()}


def _config(header: Header, path: Path):
    """The config object the header describes; a field nobody here knows means a newer blendreel wrote it."""
    if header.architecture not in GENERATORS:
        known = ", ".join(GENERATORS)
        raise CheckpointError(
            f"{path.name} is a {shown(header.architecture)} network; the ones known here are {known}"
        )
    config_type = GENERATORS[header.architecture].config_type
    unknown = sorted(set(header.config) - {field.name for field in fields(config_type)})
    if unknown:
        names = ", ".join(map(shown, unknown[:5]))
        raise CheckpointError(f"{path.name} was written by a newer blendreel: it has {names}")
    if isinstance(depth := header.config.get("mapping_layers"), int) and depth > MAX_LAYERS:
        raise CheckpointError(f"{path.name} is damaged: its mapping_layers can't be {shown(depth)}")
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in header.config.items()}
    for field in fields(config_type):
        value = values.get(field.name)
        if field.name in values and not _fits(value, str(field.type)):
            raise CheckpointError(f"{path.name} is damaged: its {field.name} can't be {shown(value)}")
    try:
        return config_type(**values)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        reason = str(error)[:100]
        raise CheckpointError(f"{path.name} is damaged: its config makes no sense ({reason})") from error


def _fits(value: Any, kinds: str) -> bool:
    """Whether a value of a config is of the kinds its field names (`tuple[int, ...] | None`), and no bomb."""
    kind = {bool: "bool", int: "int", float: "float", str: "str", tuple: "tuple"}.get(type(value), "None")
    if isinstance(value, tuple):
        numbers = all(type(each) in (int, float) and abs(each) <= MAX_NUMBER for each in value)
        return "tuple" in kinds and numbers and len(value) <= MAX_NUMBERS
    if kind == "int" and "float" in kinds:
        kind = "float"
    fine = re.search(rf"\b{kind}\b", kinds) is not None and (kind != "None" or value is None)
    return fine and (kind not in ("int", "float") or 0 <= value <= MAX_NUMBER)
