"""A GPU that is none: tensors that say `cuda:0` and lie in ordinary memory, where the CPU does their sums.

What a machine without a GPU can find out about code for one: whether it runs at all, whether a tensor of the
CPU gets among those of the device, whether pictures are right in float16, and how much memory they take.
What it can't: speed, how CUDA rounds, and what goes on at once there.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE, CPU = torch.device("cuda", 0), torch.device("cpu")
WAITS: list[str] = []  # what a real GPU would have been waited for, as `function in thread`
# What may meet tensors of both: copies, and places, which CUDA takes from a CPU, too.
CARRY = ("aten::_to_copy", "aten::copy_", "copy_")
TAKE_PLACES = ("aten::index", "aten::index_put_", "__getitem__", "__setitem__")
# Methods that ask for the device before anybody is told of them.
NAMES = "__format__ __getitem__ __setitem__ contiguous copy_ tolist item __float__ __int__ __bool__"
EARLY = tuple(getattr(Tensor, name) for name in NAMES.split())
NUMBERS = ("tolist", "item", "__float__", "__int__", "__bool__", "aten::_local_scalar_dense", "aten::nonzero")


class Pretended(Tensor):
    """A tensor that says that it lies on the device; `own` is what it is."""

    @staticmethod
    def __new__(cls, own: Tensor) -> Pretended:
        form = {"strides": own.stride(), "storage_offset": own.storage_offset(), "dtype": own.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, own.shape, device=DEVICE, **form)
        made.own = own
        return made

    def __repr__(self) -> str:
        return f"Pretended({self.own!r})"

    def numpy(self, **_: Any) -> Any:
        """Refused, as PyTorch does."""
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")

    @classmethod
    def __torch_function__(cls, function: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if function in EARLY:
            return calculated(function, function.__name__, args, kwargs or {})
        return torch._C._disabled_torch_function_impl(function, types, args, kwargs or {})

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return calculated(function, function._schema.name, args, kwargs or {})


class Pretending(TorchDispatchMode):
    """Whoever asks for the device gets it, in the thread that enters this."""

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return calculated(function, function._schema.name, args, kwargs or {})


def calculated(function: Callable, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What a function of PyTorch comes to. Raises RuntimeError where it mixes devices, as CUDA does."""
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    ours = {id(one.own): one for one in tensors if isinstance(one, Pretended)}
    others = [one for one in tensors if not isinstance(one, Pretended) and one.dim()]
    if ours and others and name not in CARRY:
        are_places = all(not one.is_floating_point() for one in others)
        if not (name in TAKE_PLACES and are_places):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, cuda:0 and cpu")
    where = kwargs.get("device")
    is_ours = bool(ours) if where is None else torch.device(where).type == DEVICE.type
    if (ours and _asks(name, args, others)) or (name in CARRY and _waits(args, kwargs, is_ours)):
        WAITS.append(f"{name} in {threading.current_thread().name}")
    if name == "aten::_pin_memory":  # which needs a driver
        return args[0]
    if where is not None and is_ours:
        kwargs = kwargs | {"device": CPU}
    if kwargs.get("pin_memory"):
        kwargs = kwargs | {"pin_memory": False}
    args, kwargs = tree_map_only(Pretended, lambda one: one.own, (args, kwargs))
    results = function(*args, **kwargs)
    if not is_ours:
        return results
    return tree_map_only(Tensor, lambda one: ours[id(one)] if id(one) in ours else MEMORY.holds(one), results)


def _asks(name: str, args: tuple, others: list[Tensor]) -> bool:
    """Whether a function wants a number of the device's, or brings it places that lie elsewhere."""
    brings = name in TAKE_PLACES and (others or (len(args) > 1 and isinstance(args[1], list)))
    return bool(name in NUMBERS or brings)


def _waits(args: tuple, kwargs: dict[str, Any], arrives: bool) -> bool:
    """Whether a copy is one from device to device, or back, that was not told to go on meanwhile."""
    if len(args) > 1:  # one tensor into another
        into, tensor, *rest = args
        crosses = isinstance(into, Pretended) != isinstance(tensor, Pretended)
    else:
        crosses, rest = arrives != isinstance(args[0], Pretended), []
    return crosses and not kwargs.get("non_blocking", rest and rest[0])


class Memory:
    """The device's: what its tensors take, each piece counted once. More than `size` raises as CUDA does."""

    def __init__(self) -> None:
        self.size = 2**40
        self.allocated = self.peak = 0
        self._lock = threading.RLock()
        self._holders: dict[int, int] = {}

    def holds(self, own: Tensor) -> Pretended:
        """The tensor as one of the device."""
        storage = own.untyped_storage()
        at, taken = storage.data_ptr(), storage.nbytes()
        with self._lock:
            if at not in self._holders:
                if self.allocated + taken > self.size:
                    raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {taken} bytes")
                self.allocated += taken
                self.peak = max(self.peak, self.allocated)
            self._holders[at] = self._holders.get(at, 0) + 1
        made = Pretended(own)
        weakref.finalize(made, self._let_go, at, taken)
        return made

    def _let_go(self, at: int, taken: int) -> None:
        with self._lock:
            self._holders[at] -= 1
            if not self._holders[at]:
                del self._holders[at]
                self.allocated -= taken

    def forget_peak(self, device: Any = None) -> None:
        self.peak = self.allocated


MEMORY = Memory()


class Stream:
    """The device's, with its own events: nothing has happened until somebody waits for it."""

    def __init__(self, device: torch.device | None = None) -> None:
        assert device == DEVICE  # and not whichever is the current one
        self._has_happened = False

    def record_event(self) -> Stream:
        """An event, in what it can do."""
        return self

    def query(self) -> bool:
        return self._has_happened

    def synchronize(self) -> None:
        self._has_happened = True
        WAITS.append(f"event in {threading.current_thread().name}")


CUDA = {
    "_lazy_init": lambda: None,
    "is_available": lambda: True,
    "device_count": lambda: 1,
    "get_device_capability": lambda device=None: (9, 0),
    "get_device_name": lambda device=None: "a pretended GPU",
    "current_stream": Stream,
    "synchronize": lambda device=None: None,
    "empty_cache": lambda: None,
    "mem_get_info": lambda device=None: (MEMORY.size - MEMORY.allocated, MEMORY.size),
    "memory_allocated": lambda device=None: MEMORY.allocated,
    "memory_reserved": lambda device=None: MEMORY.allocated,
    "max_memory_allocated": lambda device=None: MEMORY.peak,
    "reset_peak_memory_stats": MEMORY.forget_peak,
}


@contextmanager
def pretended_gpu(megabytes: float = 2**20) -> Iterator[torch.device]:
    """A GPU with so much memory, for a while: in this thread, and in those that begin meanwhile.

    Nothing may be differentiated. Its name is `cuda:0`; `cuda` alone asks a driver.
    """
    run, tensor = threading.Thread.run, torch.tensor

    def tensor_there(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        return tensor(*args, **kwargs).to(CPU if device is None else device)

    def run_pretending(thread: threading.Thread) -> None:
        with Pretending(), torch.no_grad():
            run(thread)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in CUDA.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch, "tensor", tensor_there)  # which asks for the device itself
        patch.setattr(threading.Thread, "run", run_pretending)
        patch.setattr(torch, "inference_mode", torch.no_grad)  # whose tensors take no others' views
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        patch.setattr(MEMORY, "size", MEMORY.allocated + int(megabytes * 2**20))
        WAITS.clear()
        with Pretending(), torch.no_grad():
            yield DEVICE
