"""The allow-list: what stands in for each global that a file of weights may name. All of it is inert data."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from render.checkpoints.unpickle import Machine, Stateful, check_key, refusal
from render.errors import CheckpointError, UnsafeCheckpointError

_TORCH_REFUSAL = re.compile(r"GLOBAL ([\w.]+)")  # as torch words it


class Module:
    """An object whose class came as source code in the file: its class name and state, nothing that runs."""

    def __init__(self, description: Any):
        if not isinstance(description, dict) or not isinstance(description.get("class_name"), str):
            raise CheckpointError("an object in the file has no class name")
        state = description.get("state")
        self.class_name: str = description["class_name"]
        self.state: dict[str, Any] = state if isinstance(state, dict) else {}


class Dtype(Stateful):
    """A number type of NumPy's, such as `f4`."""

    def __init__(self, code: Any, *_: Any):
        dtype = np.dtype(code) if isinstance(code, str) and len(code) <= 4 else None
        if dtype is None or dtype.kind not in "biufc":
            raise CheckpointError(f"an array of {str(code)[:20]!r} is no array of numbers")
        self.dtype = dtype

    def set_state(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise CheckpointError("an array has an impossible byte order")
        self.dtype = self.dtype.newbyteorder(order)


class Array(Stateful):
    """An array of NumPy's; `value` is it, once its state has been read."""

    def __init__(self, *_: Any):
        self.value: np.ndarray = np.zeros(0)

    def set_state(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        data = data.encode("latin-1") if isinstance(data, str) else data
        self.value = array_of(data, dtype, shape, "F" if fortran else "C")


def array_of(data: Any, dtype: Any, shape: Any, order: str = "C") -> np.ndarray:
    """The array those bytes hold; they must be just as many as its shape needs."""
    if not (isinstance(data, bytes) and isinstance(dtype, Dtype) and order in ("C", "F")):
        raise CheckpointError("an array in the file is described wrongly")
    shape = checked_sizes((shape,) if isinstance(shape, int) else shape)
    if math.prod(shape) * dtype.dtype.itemsize != len(data):
        raise CheckpointError(f"an array of shape {list(shape)} has {len(data):,} bytes, which does not fit")
    return np.frombuffer(data, dtype.dtype).reshape(shape, order=order)


def from_buffer(data: Any, dtype: Any, shape: Any, order: str) -> Array:
    """NumPy's spelling of an array from pickle protocol 5 on."""
    array = Array()
    array.value = array_of(data, dtype, shape, order)
    return array


def scalar(dtype: Any, data: Any) -> Any:
    """A NumPy number, as Python's own."""
    data = data.encode("latin-1") if isinstance(data, str) else data
    return array_of(data, dtype, ()).item()


def latin1_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes, as pickle protocol 2 spells them."""
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise UnsafeCheckpointError(f"the file asks for the codec {str(encoding)[:20]!r}; it was not opened")
    return text.encode("latin-1")


def mapping(*items: Any) -> dict:
    """OrderedDict, EasyDict: a plain dictionary, filled later or from pairs."""
    return dict(*items)


def plain_set(items: Any = ()) -> set:
    return set(map(check_key, items))


def checked_sizes(sizes: Any) -> tuple[int, ...]:
    """A shape: a few whole numbers from 0 on."""
    fine = isinstance(sizes, tuple | list) and len(sizes) <= 8
    if not (fine and all(type(size) is int and 0 <= size < 2**40 for size in sizes)):
        raise CheckpointError("a tensor in the file has an impossible shape")
    return tuple(sizes)


def tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    """A view of `storage`, which must hold every element it names, and at least as many as it has."""
    size, stride = checked_sizes(size), checked_sizes(stride)
    if not isinstance(storage, Tensor) or type(offset) is not int or offset < 0 or len(size) != len(stride):
        raise CheckpointError("a tensor in the file is described wrongly")
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if count else -1
    if last >= len(storage) or count > len(storage):
        raise CheckpointError(f"a tensor of shape {list(size)} has only {len(storage):,} numbers in the file")
    return storage.as_strided(size, stride, offset)


def parameter(data: Any, *_: Any) -> Any:
    return data


def storage(data: Any) -> Tensor:
    """The numbers of a nested `torch.save`, as a flat tensor. Read by torch's own weights-only reader."""
    if not isinstance(data, bytes):
        raise CheckpointError("the numbers of a tensor are missing from the file")
    if not data.startswith(b"PK"):
        check_storage_size(data)
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        if named := _TORCH_REFUSAL.search(str(error)):
            raise refusal("a tensor in the file", named[1]) from error
        lines = [line for line in str(error).splitlines() if line and not line.startswith("Weights only")]
        reason = lines[0][:120] if lines else type(error).__name__
        raise CheckpointError(f"the numbers of a tensor in the file are damaged ({reason})") from error
    if not isinstance(loaded, torch.storage.TypedStorage):
        raise CheckpointError("the file holds something else where the numbers of a tensor should be")
    return torch.empty(0, dtype=loaded.dtype).set_(loaded._untyped_storage)


def check_storage_size(data: bytes) -> None:
    """A nested `torch.save` may not announce more numbers than it has bytes, nor name more than a storage.

    Such a stream is five pickles (magic number, version, machine, storage, keys) and the raw numbers.
    """

    def announced(pid: Any) -> None:
        count = pid[4] if isinstance(pid, tuple) and len(pid) > 4 else None
        if type(count) is not int or not 0 <= count <= len(data):
            raise CheckpointError("a tensor in the file announces more numbers than there are")

    stream = io.BytesIO(data)
    for _ in range(5):
        left = len(data) - stream.tell()
        Machine(stream, left, "a tensor in the file", STORAGE_GLOBALS, persistent=announced).load()


Allowed = dict[str, Callable[..., Any]]

STORAGE_GLOBALS: Allowed = {
    f"torch.{kind}Storage": mapping
    for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
} | {"collections.OrderedDict": mapping}

NUMPY_GLOBALS: Allowed = {
    "numpy.dtype": Dtype,
    "numpy.ndarray": Array,
    "_codecs.encode": latin1_bytes,
} | {
    f"numpy.{core}.{name}": stand_in
    for core in ("core", "_core")
    for name, stand_in in {
        "multiarray._reconstruct": Array,
        "multiarray.scalar": scalar,
        "numeric._frombuffer": from_buffer,
    }.items()
}

NVLABS_GLOBALS: Allowed = NUMPY_GLOBALS | {
    "torch_utils.persistence._reconstruct_persistent_obj": Module,
    "dnnlib.util.EasyDict": mapping,
    "collections.OrderedDict": mapping,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": parameter,
    "torch.storage._load_from_bytes": storage,
    "builtins.set": plain_set,
    "__builtin__.set": plain_set,
}


def unpickle(path: Path, allowed: Allowed) -> Any:
    """What the pickle at `path` describes, with `allowed` as its only vocabulary."""
    with path.open("rb") as stream:
        try:
            return Machine(stream, path.stat().st_size, path.name, allowed).load()
        except CheckpointError as error:
            if path.name in str(error):
                raise
            # Stand-ins do not know which file they serve.
            raise type(error)(f"{path.name}: {error}") from error
