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

from render.errors import CheckpointError, LatentError, UnsafeCheckpointError

MAX_NUMBERS = 2**27  # 512 MiB as float32: 14,000 latents of 18 × 512
MAX_RATIO, MAX_RATIO_BYTES = 100, 2**26  # what is packed tighter than that, and longer, is a bomb
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
                _check_packing(entry, path.name)
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


def _check_packing(entry: zipfile.ZipInfo, label: str) -> None:
    """Raises LatentError for an entry that would unpack to far too much, or in a way that may."""
    if entry.file_size > max(MAX_RATIO_BYTES, MAX_RATIO * entry.compress_size):
        raise LatentError(f"{label} is packed tighter than any latents are: {entry.file_size:,} bytes in it")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise LatentError(f"{label} is packed in a way that is not known here")


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

    The reader of checkpoints does it: it takes tensors and containers, and nothing that runs.
    """
    from render.checkpoints.spans import Span
    from render.checkpoints.standins import TORCH_GLOBALS
    from render.checkpoints.torchfile import read_torch as described

    try:
        found = described(Span(path), path.name, TORCH_GLOBALS)
        return _Arrays(path.name, path.stat().st_size).of(found)
    except LatentError:
        raise
    except UnsafeCheckpointError as error:
        raise LatentError(
            f"{path.name} holds more than tensors, which is never run ({error}); "
            "save the latents alone: torch.save(ws, FILE)"
        ) from None
    except CheckpointError as error:
        raise LatentError(str(error) if path.name in str(error) else f"{path.name}: {error}") from None
    except OSError as error:
        raise LatentError(f"{path.name} can't be read: {error.strerror or error}") from None
    except Exception:  # whatever damage no reader expected
        raise LatentError(f"{path.name} is damaged, or not a file of torch's") from None


class _Arrays:
    """Tensors as NumPy arrays, together of no more numbers than their file has bytes, or some MiB."""

    def __init__(self, label: str, file_bytes: int):
        self.label, self.left = label, max(file_bytes, MAX_RATIO_BYTES)

    def of(self, value: Any, depth: int = 0) -> Any:
        """Arrays for its tensors; dictionaries to a depth of two, other things left out."""
        from render.checkpoints.spans import View

        if isinstance(value, dict) and depth < 2:
            parts = {str(key): self.of(part, depth + 1) for key, part in value.items()}
            return {key: part for key, part in parts.items() if part is not None}
        if not isinstance(value, View):
            return None
        self.left -= value.count
        if value.count > MAX_NUMBERS or self.left < 0:
            raise LatentError(f"{self.label} is too large: {shape_text(value.size)}")
        tensor = value.read()
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
