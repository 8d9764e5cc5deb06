"""Numbers from .npy, .npz and .pt files, without running anything a file says.

Headers come first: what a file announces is checked against what it holds and against a bound, so that no
file makes this process fill its memory. Only the array that is asked for is read. Pickled objects never are.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from render.errors import LatentError

MAX_NUMBERS = 2**27  # 512 MiB as float32: 14,000 latents of 18 × 512
MAX_TORCH_BYTES = 2**31  # a projector's file also holds pictures and noise maps
MAX_ARRAYS = 1000
TORCH_SUFFIXES = (".pt", ".pth")
SUFFIXES = (".npy", ".npz", *TORCH_SUFFIXES)

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Header:
    """What an array's header says of it."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def check(self, label: str, available: int | None = None) -> None:
        """Raises LatentError unless it announces plain numbers, not too many, that `available` bytes hold."""
        if self.dtype.kind not in "fiu":
            reason = "Python objects, which are never loaded" if self.dtype.hasobject else f"{self.dtype}"
            raise LatentError(f"{label} holds {reason}; expected plain numbers such as float32")
        numbers = 1
        for length in self.shape:
            numbers *= length
        if numbers > MAX_NUMBERS:
            raise LatentError(
                f"{label} is too large: {shape_text(self.shape)} is {numbers:,} numbers, "
                f"and at most {MAX_NUMBERS:,} are read"
            )
        if available is not None and numbers * self.dtype.itemsize > available:
            raise LatentError(f"{label} is cut off: it announces {shape_text(self.shape)} and holds less")


def shape_text(shape: tuple[int, ...]) -> str:
    """`[4, 18, 512]`."""
    return str(list(shape))


def check_file(path: Path) -> None:
    """Raises LatentError unless it is a file with an ending that is known here."""
    if path.suffix.lower() not in SUFFIXES:
        raise LatentError(f"{path.name} is no file of latents: those end in {', '.join(SUFFIXES)}")
    if not path.is_file():
        reason = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise LatentError(f"{path} {reason}")
    if path.stat().st_size == 0:
        raise LatentError(f"{path.name} is empty")


def read_headers(path: Path) -> dict[str, Header]:
    """Name → header of each array in a .npz, or one named "" in a .npy. Reads no numbers, needs no torch."""
    with _readable(path):
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                header = _read_header(stream, path.name)
                header.check(path.name, path.stat().st_size - stream.tell())
            return {"": header}
        headers = {}
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            if len(entries) > MAX_ARRAYS:
                raise LatentError(f"{path.name} holds {len(entries):,} arrays; at most {MAX_ARRAYS} are read")
            for entry in entries:
                with archive.open(entry) as stream:
                    headers[entry.filename.removesuffix(".npy")] = _read_header(stream, path.name)
        return headers


def read_array(path: Path, name: str) -> np.ndarray:
    """The array of that name, as `read_headers` gives names. Raises LatentError, bounded in memory."""
    with _readable(path):
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(f"{name}.npy")
            with archive.open(entry) as stream:
                _read_header(stream, path.name).check(f"{path.name} ({name})", entry.file_size)
            with archive.open(entry) as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)


def _read_header(stream: BinaryIO, label: str) -> Header:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise LatentError(f"{label} holds tables with named columns; expected plain numbers such as float32")
    shape, _, dtype = _HEADER_READERS[version](stream)
    if any(length < 0 for length in shape):
        raise LatentError(f"{label} is damaged: it announces {shape_text(shape)}")
    return Header(shape, dtype)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What goes wrong inside while reading `path` becomes a LatentError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header from Python 2 is none of the user's concern
            yield
    except LatentError:
        raise
    except OSError as error:
        raise LatentError(f"{path.name} can't be read: {error.strerror or error}") from None
    except Exception:  # on a damaged file NumPy's and zip's readers may raise anything
        kinds = {".npy": "a NumPy array", ".npz": "an archive of NumPy arrays"}
        kind = kinds.get(path.suffix.lower(), "a file of torch's")
        raise LatentError(f"{path.name} is damaged, or not {kind}") from None


def read_torch(path: Path) -> Any:
    """What torch saved there, with every tensor as a NumPy array. Raises LatentError.

    torch's own reader for weights does it: it takes tensors and containers, and nothing that runs.
    """
    import torch

    size = path.stat().st_size
    with _readable(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_TORCH_BYTES:
        raise LatentError(
            f"{path.name} is too large: {size:,} bytes, and at most {MAX_TORCH_BYTES:,} are read"
        )
    try:
        return _plain(torch.load(path, map_location="cpu", weights_only=True), path.name)
    except LatentError:
        raise
    except Exception:  # on a damaged file torch's reader may raise anything
        raise LatentError(
            f"{path.name} is damaged, or holds more than tensors, which is never run; "
            "save the latents alone: torch.save(ws, FILE)"
        ) from None


def _plain(value: Any, label: str, depth: int = 0) -> Any:
    """`value` with NumPy arrays for its tensors; dictionaries to a depth of two, other things left out."""
    if isinstance(value, dict) and depth < 2:
        parts = {str(key): _plain(part, label, depth + 1) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not None}
    if not hasattr(value, "detach"):
        return None
    tensor = value.detach()
    if tensor.layout is not None and str(tensor.layout) != "torch.strided":
        return None
    if tensor.numel() > MAX_NUMBERS:  # may be a view that repeats one number: nothing is copied yet
        raise LatentError(f"{label} is too large: {shape_text(tuple(tensor.shape))}")
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
