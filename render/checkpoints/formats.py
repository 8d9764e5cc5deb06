"""The known formats of checkpoints, told apart by what a file holds and never by its name. No torch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from render.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from render.networks import Provenance

PEEK_BYTES = 65536
TORCH_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
# Protocols 0 and 1 have no signature: a global on two lines, or a container and where it is remembered.
OLD_PICKLE = re.compile(rb"\(*c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\([dlt]p\d|[\]})]q|\((S['\"]|X)")


class Contents(NamedTuple):
    """What every reader returns: config, tensors under NVIDIA's names, and where they come from."""

    config: Any
    tensors: dict[str, Tensor]
    provenance: Provenance


@dataclass(frozen=True)
class Format:
    """One known format. `module` has `read(path) -> Contents` and is imported when it is needed."""

    name: str
    description: str
    module: str
    matches: Callable[[bytes], bool]


def is_safetensors(start: bytes) -> bool:
    return len(start) > 9 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def is_torch_save(start: bytes) -> bool:
    """torch.save's zip archive, or its older stream, which opens with a magic number."""
    return (start.startswith(b"PK\x03\x04") and b"data.pkl" in start) or start.startswith(TORCH_MAGIC)


def is_pickle(start: bytes) -> bool:
    modern = start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    return modern or OLD_PICKLE.match(start) is not None


def is_tensorflow(start: bytes) -> bool:
    """Its networks' class is named before anything of them."""
    return b"dnnlib.tflib" in start


# In the order they are tried.
FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        Format("native", "blendreel's .safetensors", "render.checkpoints.native", is_safetensors),
        Format("rosinality", "rosinality's .pt", "render.checkpoints.rosinality", is_torch_save),
        Format(
            "nvlabs",
            "NVIDIA's PyTorch pickle",
            "render.checkpoints.nvlabs",
            lambda start: is_pickle(start) and not is_tensorflow(start),
        ),
        Format(
            "tensorflow",
            "NVIDIA's TensorFlow pickle of StyleGAN 1 or 2",
            "render.checkpoints.tensorflow",
            lambda start: is_pickle(start) and is_tensorflow(start),
        ),
    )
}

# What people open by mistake: how the file starts, and what to say about it.
MISTAKES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "it is a PNG picture"),
    (b"\xff\xd8\xff", "it is a JPEG picture"),
    (b"GIF8", "it is a GIF"),
    (b"RIFF", "it is a WebP picture or a sound"),
    (b"%PDF", "it is a PDF"),
    (b"\x1f\x8b", "it is gzip-compressed, more often than is unpacked here"),
    (b"PK\x03\x04", "it is a zip archive of several files; unpack it and name one of them"),
    (b"version https://git-lfs", "it is a Git LFS pointer: the real file was not fetched (git lfs pull)"),
    (b"<!doctype html", "it is a web page, as when a download link led to a page instead of the file"),
    (b"<html", "it is a web page, as when a download link led to a page instead of the file"),
)


def sniff(path: str | Path) -> str:
    """The format of the file at `path`, a key of FORMATS. Raises CheckpointError for anything else."""
    path = Path(path)
    with path.open("rb") as stream:
        start = stream.read(PEEK_BYTES)
    if not start:
        raise CheckpointError(f"{path} is empty")
    for known in FORMATS.values():
        if known.matches(start):
            return known.name
    choices = "; ".join(known.description for known in FORMATS.values())
    raise CheckpointError(f"{path} is no checkpoint blendreel knows: {explain(start)} (known: {choices})")


def explain(start: bytes) -> str:
    """What a file that begins so is, in words, where it is nothing that is read here."""
    lowered = start[:64].lstrip().lower()
    for signature, words in MISTAKES:
        if start.startswith(signature) or lowered.startswith(signature):
            return words
    if b"\0" not in start[:512] and not any(byte < 9 or byte > 126 for byte in start[:512]):
        return "it is a text file"
    return f"its first bytes are {start[:8].hex(' ')}"
