"""What `torch.save` writes, read as data: the zip archives of torch 1.6 and later, and the streams before.

Both hold a pickle, in which tensors refer to numbered storages, and the storages' numbers. The pickle goes
through the allow-list of `unpickle`; the numbers are described by their place in the file and read later.
Written from the layout as torch's own documentation and files show it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import torch

from render.checkpoints.spans import Span, Storage
from render.checkpoints.unpickle import MAX_STEPS, Global, Machine
from render.checkpoints.wrapping import DAMAGE, most_unpacked, opened_archive
from render.errors import CheckpointError

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
# The first three pickles of a stream as torch writes them on today's machines. Parsed where they differ;
# a pickled network holds some two hundred such streams, and knowing this start saves most of their parsing.
LEGACY_START = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03X\r\x00\x00\x00little_endianq\x02\x88"
    b"X\n\x00\x00\x00type_sizesq\x03}q\x04(X\x05\x00\x00\x00shortq\x05K\x02"
    b"X\x03\x00\x00\x00intq\x06K\x04X\x04\x00\x00\x00longq\x07K\x04uu."
)
ZIP_START = b"PK\x03\x04"
MAX_PICKLE_BYTES = 64 * 2**20  # a full training state of a 1024 px network has under 1 MiB
INNER_DIRECTORY_BYTES = 4096  # of an archive inside a pickle: it holds one storage, and there are very many
ZIP_ERRORS = (*DAMAGE, OSError, MemoryError)

DTYPES: dict[str, torch.dtype] = {
    "torch.DoubleStorage": torch.float64,
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}

Allowed = Mapping[str, Callable[..., Any]]


class Storages:
    """The storages a pickle refers to, one for each key; together they may not be larger than the file."""

    def __init__(self, label: str, available: int):
        self.label, self.left = label, available
        self.by_key: dict[str, Storage] = {}

    def __call__(self, reference: Any) -> Storage:
        """The storage of a persistent id: ("storage", type, key, device, count), or with a view of None."""
        fine = isinstance(reference, tuple) and 5 <= len(reference) <= 6 and reference[0] == "storage"
        kind, key, count = (reference[1], reference[2], reference[4]) if fine else (None, None, None)
        dtype = DTYPES.get(kind.name) if isinstance(kind, Global) else None
        if dtype is None or not isinstance(key, str) or reference[5:] not in ((), (None,)):
            raise CheckpointError(
                f"{self.label} keeps the numbers of a tensor in a way that is not known here"
            )
        found = self.by_key.get(key)
        if found is None:
            size = count * dtype.itemsize if type(count) is int else -1
            if not 0 <= size <= self.left:
                raise CheckpointError(
                    f"{self.label} is cut off or damaged: a tensor announces more numbers than there are"
                )
            self.left -= size
            found = self.by_key[key] = Storage(dtype, count)
        if found.count != count or found.dtype != dtype:
            raise CheckpointError(f"{self.label} is damaged: it describes the same numbers in two ways")
        return found


def read_torch(span: Span, label: str, allowed: Allowed, steps: int = MAX_STEPS) -> Any:
    """What was saved there: containers, `View`s and `Storage`s, with `allowed` as the only vocabulary.

    Each of its pickles may have that many `steps`.
    """
    with span.open() as stream:
        if stream.read(len(ZIP_START)) != ZIP_START:
            stream.seek(span.offset)
            return _read_legacy(stream, span, label, allowed, steps)
    return _read_zip(span, label, allowed, steps)


def _read_legacy(stream: BinaryIO, span: Span, label: str, allowed: Allowed, steps: int) -> Any:
    """Five pickles (magic number, version, machine, data, keys), then each storage's count and numbers."""
    storages, end = Storages(label, span.count), span.offset + span.count

    def pickled(persistent: Callable | None = None) -> Any:
        return Machine(stream, end - stream.tell(), label, allowed, persistent, steps=steps).load()

    if stream.read(min(len(LEGACY_START), span.count)) != LEGACY_START:
        stream.seek(span.offset)
        magic, version, machine = pickled(), pickled(), pickled()
        if magic != LEGACY_MAGIC or version != LEGACY_VERSION or not isinstance(machine, dict):
            raise CheckpointError(f"{label} is damaged: it does not start as torch's files do")
        if machine.get("little_endian") is not True:
            raise CheckpointError(f"{label} was written on a machine of another byte order")
    data, keys = pickled(storages), pickled()
    plain = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not plain or sorted(keys) != sorted(storages.by_key):
        raise CheckpointError(f"{label} is damaged: the numbers of some tensors are missing")
    for key in keys:
        storage, count = storages.by_key[key], stream.read(8)
        place = stream.tell()
        if count != struct.pack("<q", storage.count) or place + storage.byte_count > end:
            raise CheckpointError(f"{label} is cut off or damaged: the numbers of a tensor are not whole")
        storage.span = Span(span.source, place, storage.byte_count)
        stream.seek(storage.byte_count, io.SEEK_CUR)
    return data


def _read_zip(span: Span, label: str, allowed: Allowed, steps: int) -> Any:
    """An archive of `NAME/data.pkl` and `NAME/data/KEY`, the numbers of each storage as they are."""
    inside = bool(span.offset) or isinstance(span.source, bytes)
    if inside:
        span = Span(span.read())  # an archive inside a pickle: no torch writes it, but its reader takes it
    directory = {"most_directory": INNER_DIRECTORY_BYTES} if inside else {}
    try:
        with span.open() as stream, opened_archive(stream, label, **directory) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            main = next((name for name in entries if name.split("/")[-1] == "data.pkl"), None)
            stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries.values())
            if inside and not stored:
                raise CheckpointError(f"{label} is packed, which none is inside a pickle")
            if main is None or entries[main].file_size > min(MAX_PICKLE_BYTES, 1000 * span.count):
                raise CheckpointError(f"{label} is a zip archive without a network in it (no data.pkl)")
            folder, data = main.removesuffix("data.pkl"), archive.read(main)
            order = entries.get(f"{folder}byteorder")
            if order is not None and order.file_size < 16 and archive.read(order).strip() == b"big":
                raise CheckpointError(f"{label} was written on a machine of another byte order")
            storages = Storages(label, span.count if stored else most_unpacked(span.count))
            result = Machine(io.BytesIO(data), len(data), label, allowed, storages, steps=steps).load()
            for key, storage in storages.by_key.items():
                storage.span = _place(archive, entries.get(f"{folder}data/{key}"), storage, span, label)
            return result
    except CheckpointError:
        raise
    except ZIP_ERRORS as error:
        raise CheckpointError(f"{label} is cut off or damaged: its zip archive can't be read") from error


def _place(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, storage: Storage, span: Span, label: str
) -> Span:
    """Where an entry's bytes lie; one that was compressed afterwards is unpacked into memory."""
    if entry is None or entry.file_size != storage.byte_count:
        raise CheckpointError(f"{label} is damaged: the numbers of a tensor are missing or not whole")
    if entry.compress_type != zipfile.ZIP_STORED:
        return Span(archive.read(entry))
    with span.open() as stream:
        stream.seek(entry.header_offset)
        header = stream.read(30)
    if len(header) != 30 or not header.startswith(ZIP_START):
        raise CheckpointError(f"{label} is damaged: its zip archive points to nowhere")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    return Span(span.source, entry.header_offset + 30 + name_length + extra_length, entry.file_size)
