"""Stretches of a file, and the tensors that lie in them: described at once, read when they are needed.

A checkpoint holds more than the network that renders (a discriminator, the network without averaging,
optimiser states). What is described here is checked against the file's size, but only the tensors that are
asked for are read: once, straight from the file into their own memory.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from render.errors import CheckpointError

MAX_AXES = 8


class Span:
    """`count` bytes from `offset` on, in a file or in memory.

    source  the file, or the bytes
    """

    def __init__(self, source: Path | bytes, offset: int = 0, count: int | None = None):
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        self.source, self.offset = source, offset
        self.count = size - offset if count is None else count
        if not 0 <= offset <= offset + self.count <= size:
            raise CheckpointError("the file ends before the numbers of its tensors")
        self.parsed: Any = None  # what a reader made of these bytes, so that it is made once

    def open(self) -> BinaryIO:
        """A stream at the first of these bytes. It runs on behind the last: readers count for themselves."""
        stream = io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
        stream.seek(self.offset)
        return stream

    def read(self) -> bytes:
        if isinstance(self.source, bytes):
            return self.source[self.offset : self.offset + self.count]
        return self.tensor().numpy().tobytes()

    def tensor(self) -> Tensor:
        """The bytes as a flat uint8 tensor in memory of its own."""
        buffer = torch.empty(self.count, dtype=torch.uint8)
        view, done = memoryview(buffer.numpy()), 0
        if isinstance(self.source, bytes):
            view[:] = memoryview(self.source)[self.offset : self.offset + self.count]
            return buffer
        with self.source.open("rb", buffering=0) as stream:
            stream.seek(self.offset)
            while done < self.count:
                step = stream.readinto(view[done : done + 2**30])
                if not step:
                    raise CheckpointError("the file became shorter while it was read")
                done += step
        return buffer


class Storage:
    """`count` numbers of one type in a row. `span` is where they lie, which may become known later."""

    def __init__(self, dtype: torch.dtype, count: int, span: Span | None = None):
        self.dtype, self.count, self.span = dtype, count, span
        self._numbers: Tensor | None = None

    @property
    def byte_count(self) -> int:
        return self.count * self.dtype.itemsize

    def numbers(self) -> Tensor:
        """All of them as a flat tensor, read once."""
        if self._numbers is None:
            if self.span is None or self.span.count != self.byte_count:
                raise CheckpointError("the numbers of a tensor are missing from the file")
            self._numbers = self.span.tensor().view(self.dtype)
        return self._numbers


class View:
    """A tensor in a storage, not read yet. Every element it names lies within, and no more than there are."""

    def __init__(self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    @property
    def count(self) -> int:
        return math.prod(self.size)

    def read(self) -> Tensor:
        return self.storage.numbers().as_strided(self.size, self.stride, self.offset)


def view(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> View:
    """The view of these sizes. Raises CheckpointError if it would reach outside its storage."""
    size, stride = checked_sizes(size), checked_sizes(stride)
    if not isinstance(storage, Storage) or type(offset) is not int or offset < 0 or len(size) != len(stride):
        raise CheckpointError("a tensor in the file is described wrongly")
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if count else -1
    if last >= storage.count or count > storage.count:
        raise CheckpointError(
            f"a tensor of shape {list(size)} has only {storage.count:,} numbers in the file"
        )
    return View(storage, offset, size, stride)


def checked_sizes(sizes: Any) -> tuple[int, ...]:
    """A shape: a few whole numbers from 0 on."""
    fine = isinstance(sizes, tuple | list) and len(sizes) <= MAX_AXES
    if not (fine and all(type(size) is int and 0 <= size < 2**40 for size in sizes)):
        raise CheckpointError("a tensor in the file has an impossible shape")
    return tuple(sizes)


def read_floats(views: Mapping[str, View], file_bytes: int) -> dict[str, Tensor]:
    """The tensors as float32, under their names.

    No file of weights has more numbers than bytes; one that names the same numbers again and again could
    otherwise fill the memory.
    """
    count = sum(each.count for each in views.values())
    if count > file_bytes:
        raise CheckpointError(
            f"its tensors name {count:,} numbers, which is more than its {file_bytes:,} bytes can hold"
        )
    return {name: each.read().to(torch.float32) for name, each in views.items()}
