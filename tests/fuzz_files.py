"""Well-formed checkpoints of every format, and thousands of ways to damage them, each from its seed."""

from __future__ import annotations

import gzip
import io
import json
import pickletools
import random
import zipfile
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from conftest import REFERENCE

import render

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
HOT_BYTES = 200  # of each argument: what lies further in is numbers of tensors, where damage changes nothing
HUGE = (0, 1, 2**16, 2**31 - 1, 2**32 - 1, 2**40, 10**13, 2**63 - 1, 2**64 - 1)
NAMES = ("os", "system", "builtins", "eval", "torch", "load", "collections.OrderedDict.__init__", "posix")
NAMES += (
    "synthesis",
    "G_ema",
    "b1048576",
    "b4",
    "conv1",
    "weight",
    "_modules",
    "",
    "x" * 100_000,
    "\x00\n",
    "9" * 5000,
)


class Opcode(NamedTuple):
    """One opcode of a pickle and the bytes `start` to `end` that it takes."""

    name: str
    argument: object
    start: int
    end: int


class Edit(NamedTuple):
    """Bytes `start` to `end` are replaced by `new`."""

    start: int
    end: int
    new: bytes


Edits = list[Edit]


@cache
def originals() -> dict[str, bytes]:
    """Format → the bytes of a file that loads."""
    read = {
        folder.name: next(folder.glob("network.*")).read_bytes()
        for folder in REFERENCE.iterdir()
        if folder.is_dir()
    }
    state = torch.load(REFERENCE / "rosinality" / "network.pt", weights_only=True)
    legacy, packed = io.BytesIO(), io.BytesIO()
    torch.save(state, legacy, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("nets/network.pkl", read["stylegan2-tf"])
    return {
        "NVIDIA StyleGAN2": read["stylegan2-ada"],
        "NVIDIA StyleGAN2, labels": read["stylegan2-ada-conditional"],
        "NVIDIA StyleGAN3-T": read["stylegan3-t"],
        "NVIDIA StyleGAN3-R": read["stylegan3-r"],
        "TensorFlow StyleGAN2": read["stylegan2-tf"],
        "TensorFlow StyleGAN1": read["stylegan1-tf"],
        "rosinality .pt": read["rosinality"],
        "rosinality .pt, old torch": legacy.getvalue(),
        "blendreel .safetensors": safetensors(),
        "gzip of NVIDIA's": gzip.compress(read["stylegan2-ada-finetuned"], 1),
        "zip of TensorFlow's": packed.getvalue(),
    }


@cache
def safetensors() -> bytes:
    """The first reference network in our own format."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return render.save(
            render.load(REFERENCE / "stylegan2-ada" / "network.pkl"), Path(folder) / "a.safetensors"
        ).read_bytes()


@cache
def opcodes(stream: bytes) -> list[Opcode]:
    """Of all pickles in that stream, which may follow one another; what is no pickle ends it."""
    found, data = [], io.BytesIO(stream)
    try:
        while data.tell() < len(stream):
            steps = list(pickletools.genops(data))
            ends = [place for _, _, place in steps[1:]] + [data.tell()]
            found += [Opcode(op.name, arg, at, end) for (op, arg, at), end in zip(steps, ends, strict=True)]
    except ValueError:
        pass
    return found


def some_place(rng: random.Random, ops: list[Opcode]) -> int:
    """A byte that means something."""
    op = rng.choice(ops)
    return rng.randrange(op.start, min(op.end, op.start + HOT_BYTES))


def flip(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """In what has a meaning, or anywhere: then mostly in the numbers of a tensor."""
    anywhere = rng.random() < 0.5
    count = rng.randint(1, 6)
    places = {rng.randrange(len(data)) if anywhere else some_place(rng, ops) for _ in range(count)}
    return [Edit(at, at + 1, bytes([data[at] ^ 1 << rng.randrange(8)])) for at in places]


def cut(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    return [Edit(some_place(rng, ops) if rng.random() < 0.7 else rng.randrange(len(data)), len(data), b"")]


def swap(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """Two opcodes, with their arguments, change places."""
    one, two = rng.sample(ops, 2) if rng.random() < 0.5 else neighbours(rng, ops)
    return [Edit(a.start, a.end, data[b.start : b.end]) for a, b in ((one, two), (two, one))]


def neighbours(rng: random.Random, ops: list[Opcode]) -> list[Opcode]:
    index = rng.randrange(len(ops) - 1)
    return ops[index : index + 2]


def other_opcode(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    code = rng.choice(pickletools.opcodes).code.encode("latin-1")
    return [Edit(op.start, op.start + 1, code) for op in rng.sample(ops, rng.randint(1, 2))]


def delete(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    first = rng.randrange(len(ops))
    last = ops[min(first + rng.choice((0, 1, 5, 50)), len(ops) - 1)]
    return [Edit(ops[first].start, last.end, b"")]


def insert(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """Noise, or a stretch from elsewhere, once or very often."""
    at, first = rng.choice(ops).start, rng.randrange(len(ops))
    last = ops[min(first + rng.randint(0, 9), len(ops) - 1)]
    piece = data[ops[first].start : last.end][:5000]
    noise = rng.randbytes(rng.randint(1, 300))
    return [Edit(at, at, rng.choice((noise, piece, piece * rng.choice((2, 100, 3000)))[:2_000_000]))]


def number(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """Shapes, strides, counts and memo slots become huge, negative, or none."""
    numbers = [
        op for op in ops if op.name in ("BININT", "BININT1", "BININT2", "LONG1", "BINGET", "LONG_BINGET")
    ]
    if not numbers:
        return flip(rng, data, ops)
    wide = [b"J" + (n % 2**32).to_bytes(4, "little") for n in (*HUGE[:5], -1, -(2**31))]
    wide += [b"\x8a\x0a" + n.to_bytes(10, "little") for n in HUGE] + [
        b"N",
        b"G\x7f\xf8" + bytes(6),
        b"]",
        b"\x88",
    ]
    return [
        Edit(op.start, op.end, rng.choice(wide))
        for op in rng.sample(numbers, min(rng.randint(1, 3), len(numbers)))
    ]


def length(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """An argument announces another length than it has."""
    sized = [
        op for op in ops if op.name.startswith(("BINBYTES", "SHORT_BIN", "BINUNICODE", "BINSTRING", "FRAME"))
    ]
    if not sized:
        return flip(rng, data, ops)
    op, count = rng.choice(sized), rng.choice(HUGE)
    code = rng.choice((b"\x8e", b"\x8d", b"B", b"X", b"T", b"\x8b", b"\x96"))
    width = 8 if code in b"\x8e\x8d\x96" else 4
    return [Edit(op.start, op.start + 2, code + (count % 256**width).to_bytes(width, "little"))]


def rename(rng: random.Random, data: bytes, ops: list[Opcode]) -> Edits:
    """A name of a global, a tensor, a module or an option becomes another."""
    named = [op for op in ops if "UNICODE" in op.name or op.name == "GLOBAL"]
    if not named:
        return flip(rng, data, ops)
    op, name = rng.choice(named), rng.choice(NAMES).encode()
    if op.name == "GLOBAL":
        return [
            Edit(
                op.start,
                op.end,
                b"c" + rng.choice((b"os\nsystem\n", b"numpy\n" + name[:50] + b"\n", b"builtins\neval\n")),
            )
        ]
    return [Edit(op.start, op.end, b"X" + len(name).to_bytes(4, "little") + name)]


MUTATIONS: dict[str, Callable[[random.Random, bytes, list[Opcode]], Edits]] = {
    "bit flips": flip,
    "truncation": cut,
    "swapped opcodes": swap,
    "other opcodes": other_opcode,
    "deleted slices": delete,
    "inserted slices": insert,
    "numbers": number,
    "lengths": length,
    "names": rename,
}


def edited(data: bytes, edits: Edits) -> bytes:
    """From the last to the first; those that overlap a later one are left out."""
    end = len(data) + 1
    for edit in sorted(edits, reverse=True):
        if edit.end <= end:
            data, end = data[: edit.start] + edit.new + data[edit.end :], edit.start
    return data


def damaged_pickle(rng: random.Random, stream: bytes, mutation: str, extra: bytes) -> bytes:
    """One mutation, now and then two; or `extra`, opcodes that leave something behind, in between."""
    ops = opcodes(stream)
    if extra:
        at = rng.choice(ops[2:]).start
        return edited(stream, [Edit(at, at, extra + rng.choice((b"0", b"")))])
    edits = MUTATIONS[mutation](rng, stream, ops)
    if rng.random() < 0.2:
        edits += flip(rng, stream, ops)
    return edited(stream, edits)


def damaged(rng: random.Random, kind: str, mutation: str, extra: bytes = b"") -> bytes:
    """A file of that kind with that damage."""
    return DAMAGE[kind.split()[0]](rng, originals()[kind], mutation, extra)


def damaged_nvidia(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    """The pickle, or one of the streams of torch's inside it."""
    inner = [op for op in opcodes(data) if isinstance(op.argument, bytes) and op.argument.startswith(MAGIC)]
    if not inner or rng.random() < 0.6:
        return damaged_pickle(rng, data, mutation, extra)
    op = rng.choice(inner)
    new = damaged_pickle(rng, op.argument, mutation, extra)
    return edited(data, [Edit(op.start, op.end, b"B" + len(new).to_bytes(4, "little") + new)])


def damaged_archive(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    """The pickle in a whole archive, or the bytes of the archive."""
    if not extra and rng.random() < 0.4:
        return damaged_bytes(rng, data, mutation)
    new = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(new, "w", zipfile.ZIP_STORED) as out:
        for name in archive.namelist():
            content = archive.read(name)
            out.writestr(
                name, damaged_pickle(rng, content, mutation, extra) if name.endswith("data.pkl") else content
            )
    return new.getvalue()


def damaged_bytes(
    rng: random.Random, data: bytes, mutation: str, tail: int = 9000, head: int = 9000
) -> bytes:
    """Damage where a file's tables lie, at its beginning and at its end."""
    tables = [*range(min(head, len(data) - 8)), *range(max(0, len(data) - tail), len(data) - 8)]
    at = rng.choice(tables)
    edits = {
        "truncation": [Edit(at, len(data), b"")],
        "deleted slices": [Edit(at, at + rng.randint(1, 64), b"")],
        "inserted slices": [Edit(at, at, data[(start := rng.choice(tables)) : start + rng.randint(1, 500)])],
        "numbers": [Edit(at, at + 4, b"\xff\xff\xff\xff")],
        "lengths": [Edit(at, at + 2, b"\xff\x7f")],
    }.get(mutation)
    if edits is None:
        edits = [
            Edit(p, p + 1, bytes([data[p] ^ 1 << rng.randrange(8)])) for p in set(rng.choices(tables, k=4))
        ]
    return edited(data, edits)


EXTREMES = (
    0,
    -1,
    1,
    3,
    2**31,
    2**40,
    10**13,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 10_000,
    None,
    True,
)
EXTREMES += (
    [],
    {},
    [[[[1]]]],
    [2**40, 0],
    [2**40],
    [1] * 100_000,
    "F8_E4M3",
    "BOOL",
    "I64",
    {"a": [1]},
    "stylegan3",
)


def damaged_safetensors(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    """A value in its header or in the config there becomes another, or bytes are damaged."""
    end = 8 + int.from_bytes(data[:8], "little")
    if extra or rng.random() < 0.4:
        return damaged_bytes(rng, data, mutation, tail=100, head=end) if not extra else data[:end] + extra
    header = json.loads(data[8:end])
    own = json.loads(header["__metadata__"]["blendreel"])
    place, name = rng.choice(
        [(own["config"], key) for key in own["config"]] * 3 + [(own, key) for key in own]
    )
    if rng.random() < 0.4:
        place = header[rng.choice([key for key in header if key != "__metadata__"])]
        name = rng.choice(list(place))
        if isinstance(place[name], list) and place[name]:
            place, name = place[name], rng.randrange(len(place[name]))
    place[name] = rng.choice(EXTREMES)
    header["__metadata__"]["blendreel"] = json.dumps(own)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


def damaged_gzip(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    if not extra and rng.random() < 0.5:
        return damaged_bytes(rng, data, mutation, head=len(data))
    return gzip.compress(damaged_nvidia(rng, gzip.decompress(data), mutation, extra), 1)


def damaged_zip(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    if not extra and rng.random() < 0.5:
        return damaged_bytes(rng, data, mutation, head=len(data))
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        inner = originals()["TensorFlow StyleGAN2"]
        out.writestr("network.pkl", damaged_pickle(rng, inner, mutation, extra))
    return new.getvalue()


def damaged_legacy_or_archive(rng: random.Random, data: bytes, mutation: str, extra: bytes) -> bytes:
    """rosinality's files, as either torch writes them."""
    return (damaged_archive if data.startswith(b"PK") else damaged_pickle)(rng, data, mutation, extra)


DAMAGE: dict[str, Callable[[random.Random, bytes, str, bytes], bytes]] = {
    "NVIDIA": damaged_nvidia,
    "TensorFlow": damaged_pickle,
    "rosinality": damaged_legacy_or_archive,
    "blendreel": damaged_safetensors,
    "gzip": damaged_gzip,
    "zip": damaged_zip,
}
