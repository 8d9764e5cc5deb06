"""The allow-list: what stands in for each global that a file of weights may name. All of it is inert data."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from render.checkpoints.spans import Span, Storage, checked_sizes, view
from render.checkpoints.torchfile import DTYPES, read_torch
from render.checkpoints.unpickle import Machine, Stateful, check_key
from render.errors import CheckpointError, UnsafeCheckpointError

MAX_STORAGE_STEPS = 200  # a file may hold very many storages, and each takes some 25 steps


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
    """An array of NumPy's of that `shape`, whose numbers stay in the file until `value` is asked for."""

    def __init__(self, *_: Any):
        self.shape: tuple[int, ...] = (0,)
        self._make: Callable[[], np.ndarray] = partial(np.zeros, 0)

    @property
    def value(self) -> np.ndarray:
        return self._make()

    def set_state(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.describe(data, dtype, shape, "F" if fortran else "C")

    def describe(self, data: Any, dtype: Any, shape: Any, order: str = "C") -> None:
        """Take note of the array those bytes hold; they must be just as many as its shape needs."""
        fine = isinstance(data, bytes | str | Span) and isinstance(dtype, Dtype) and order in ("C", "F")
        if not fine:
            raise CheckpointError("an array in the file is described wrongly")
        shape = checked_sizes((shape,) if isinstance(shape, int) else shape)
        count = data.count if isinstance(data, Span) else len(data)
        if math.prod(shape) * dtype.dtype.itemsize != count:
            raise CheckpointError(f"an array of shape {list(shape)} has {count:,} bytes, which does not fit")
        self.shape = shape
        self._make = partial(array_of, data, dtype.dtype, shape, order)

    def turn(self, axes: Any) -> None:
        """Reorder the axes."""
        axes = checked_sizes(axes)
        if sorted(axes) != list(range(len(self.shape))):
            raise CheckpointError("an array in the file has its axes in an impossible order")
        self.shape = tuple(self.shape[axis] for axis in axes)
        self._make = partial(turned, self._make, axes)


def turned(make: Callable[[], np.ndarray], axes: tuple[int, ...]) -> np.ndarray:
    return make().transpose(axes)


def array_of(data: bytes | str | Span, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    """The array those bytes hold, read from the file if they are there. Python 2 kept bytes as text."""
    data = data.encode("latin-1") if isinstance(data, str) else data
    flat = data.tensor().numpy().view(dtype) if isinstance(data, Span) else np.frombuffer(data, dtype)
    return flat.reshape(shape, order=order)


def from_buffer(data: Any, dtype: Any, shape: Any, order: str, axes: Any = None) -> Array:
    """NumPy's spelling of an array from pickle protocol 5 on; `axes` are turned after reading, in order K."""
    array = Array()
    array.describe(data, dtype, shape, "C" if order == "K" else order)
    if order == "K" and axes is not None:
        array.turn(axes)
    return array


def scalar(dtype: Any, data: Any) -> Any:
    """A NumPy number, as Python's own."""
    array = Array()
    array.describe(data, dtype, ())
    return array.value.item()


def latin1_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes, as pickle protocol 2 spells them."""
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise UnsafeCheckpointError(f"the file asks for the codec {str(encoding)[:20]!r}; it was not opened")
    return text.encode("latin-1")


def empty_bytes() -> bytes:
    """How pickle protocol 2 spells no bytes at all."""
    return b""


def mapping(items: Any = ()) -> dict:
    """EasyDict and the like: a plain dictionary, filled later or from pairs."""
    pairs = items.items() if isinstance(items, dict) else items
    return {check_key(key): value for key, value in pairs}


class Dictionary(dict, Stateful):
    """OrderedDict, whose attributes (torch notes module versions there) are let go."""

    def __init__(self, items: Any = ()):
        super().__init__(mapping(items))

    def set_state(self, state: Any) -> None:
        pass


class Namespace(Stateful):
    """argparse.Namespace: the options a training was started with, which are let go."""

    def __init__(self, **_: Any):
        pass

    def set_state(self, state: Any) -> None:
        pass


def tuple_of(*items: Any) -> tuple:
    """torch.Size, torch.device: what it was made from."""
    return items


def plain_set(items: Any = ()) -> set:
    return set(map(check_key, items))


def parameter(data: Any, *_: Any) -> Any:
    return data


def storage(data: Any) -> Storage:
    """The numbers of a `torch.save` inside the pickle: where they lie, and of which type they are."""
    span = Span(data) if isinstance(data, bytes) else data
    if not isinstance(span, Span):
        raise CheckpointError("the numbers of a tensor are missing from the file")
    if span.parsed is None:
        span.parsed = read_torch(span, "a tensor in the file", STORAGE_GLOBALS, MAX_STORAGE_STEPS)
    if not isinstance(span.parsed, Storage):
        raise CheckpointError("the file holds something else where the numbers of a tensor should be")
    return span.parsed


def storage_type(*_: Any) -> Any:
    """The types of storages are only named, never made."""
    raise CheckpointError("the file makes an empty storage, which a file of weights never needs")


Allowed = dict[str, Callable[..., Any]]

STORAGE_GLOBALS: Allowed = {
    **dict.fromkeys(DTYPES, storage_type),
    "collections.OrderedDict": Dictionary,
}

NUMPY_GLOBALS: Allowed = {
    "numpy.dtype": Dtype,
    "numpy.ndarray": Array,
    "_codecs.encode": latin1_bytes,
    "builtins.bytes": empty_bytes,
    "__builtin__.bytes": empty_bytes,
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
    "collections.OrderedDict": Dictionary,
    "torch._utils._rebuild_tensor_v2": view,
    "torch._utils._rebuild_parameter": parameter,
    "torch.storage._load_from_bytes": storage,
    "builtins.set": plain_set,
    "__builtin__.set": plain_set,
}


# What a training state saved by torch may name besides: options, sizes, devices, types of numbers.
TORCH_GLOBALS: Allowed = (
    NUMPY_GLOBALS
    | STORAGE_GLOBALS
    | {
        "torch._utils._rebuild_tensor": view,
        "torch._utils._rebuild_tensor_v2": view,
        "torch._utils._rebuild_parameter": parameter,
        "torch.Size": tuple_of,
        "torch.device": tuple_of,
        "argparse.Namespace": Namespace,
        "collections.defaultdict": lambda *_: Dictionary(),
        "builtins.set": plain_set,
        "__builtin__.set": plain_set,
    }
    | {f"torch.{name}": tuple_of for name in ("float32", "float16", "bfloat16", "float64", "int64", "uint8")}
)


def unpickle(path: Path, allowed: Allowed) -> Any:
    """What the pickle at `path` describes, with `allowed` as its only vocabulary. Tensors are `View`s."""
    with path.open("rb") as stream:
        try:
            span = partial(Span, path)
            return Machine(stream, path.stat().st_size, path.name, allowed, span=span).load()
        except CheckpointError as error:
            if path.name in str(error):
                raise
            # Stand-ins do not know which file they serve.
            raise type(error)(f"{path.name}: {error}") from error
