"""The suite of readers: presets, beats, channels, latents, photographs, films and sounds from strangers.

Each file is read as the commands read it: a preset is loaded, explained and planned, a latent peeked at and
loaded. Whatever comes of it has to be a result or an error of ours, soon, and in little memory.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pkgutil
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import fuzz_bombs
import fuzz_calls
import fuzz_presets
import numpy as np
import torch
from fuzz_bombs import saved
from fuzz_cases import Case
from fuzz_media import bytes_of, films, fonts, picture_bombs, pictures, playlists, sound
from fuzz_presets import torn

import render
from render.blending.channels import read_channels
from render.checkpoints.header import header_of
from render.encoding import Audio, read_tags
from render.errors import BlendreelError
from render.latents import load_latents
from render.latents.directions import load_direction
from render.latents.files import peek_latents
from render.lettering import check_font, readable
from render.pairs.record import Manifest, begin
from render.panels import Layout, caption, cut_captions
from render.preset import Preset
from render.preset.beats import read_beats
from render.production import plan
from render.production.manifest import FORMAT, SegmentRecord
from render.production.record import Record
from render.projection.photographs import read_photograph
from render.report import describe

SECONDS = 2  # of processor time
PROGRAMS = ("ffmpeg",)  # that reading may start
PARSES = True  # formulas are parsed, and never run


# --- files that are read well, and what is done to them -----------------------------------------------------


@cache
def latents_npy() -> bytes:
    return bytes_of(np.save, np.ones([4, 8], np.float32))


@cache
def latents_npz(packed: bool = False) -> bytes:
    return bytes_of(
        np.savez_compressed if packed else np.savez, w=np.ones([4, 8]), z=np.zeros([2, 8], np.float32)
    )


@cache
def latents_pt(legacy: bool) -> bytes:
    held = {"a.png": {"latent": torch.ones(8), "noise": [torch.zeros(4)]}}
    return saved(held, legacy)


def npy_of(header: str, version: tuple[int, int] = (1, 0), data: bytes = b"") -> bytes:
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header.encode("latin-1") + data


def npy_bombs(rng: random.Random) -> bytes:
    shape = rng.choice(
        ("(4000000000,)", "(2,)*9", "(-1, 8)", "(0, 8)", "(9e9,)", "(1, 2**70)", "(3, None)", "()")
    )
    shape = rng.choice((shape, "(" + "1," * 3000 + ")", "(99999999999999999999999, 8)", "(2147483648, 0)"))
    kind = rng.choice(
        ("<f4", "|O", "<M8[ns]", "<c16", "|V99999999", "<f2", "<U9999", "[('a','<f4')]", ">f8", "|b1")
    )
    kind = kind if kind.startswith("[") else f"'{kind}'"
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n"
    header = rng.choice(
        (header, header, "(" * 5000, "__import__('os').system('x')", "{" * 60_000, "[" * 65_000, "9" * 9000)
    )
    version = rng.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    return npy_of(header[:65_000], version, bytes(rng.choice((0, 128, 100_000))))


def zip_of(entries: dict[str, bytes], packed: bool = True) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


@cache
def zip_bomb(numbers: int) -> bytes:
    """So many zeros, packed a thousandfold."""
    return zip_of({"w.npy": bytes_of(np.save, np.zeros([numbers // 512, 512], np.float32))})


def npz_bombs(rng: random.Random) -> bytes:
    return rng.choice(
        (
            lambda: zip_bomb(rng.choice((2**20, 2**25))),
            lambda: zip_of({"w.npy": npy_bombs(rng)}),
            lambda: zip_of({f"{n}.npy": b"" for n in range(3000)}),
            lambda: zip_of({"../../w.npy": latents_npy(), "/etc/w.npy": latents_npy()}),
            lambda: zip_of({"w.npy": latents_npy(), "x" * 60_000 + ".npy": latents_npy()}),
            lambda: _lying(zip_of({"w.npy": latents_npy()}), rng),
        )
    )()


def _lying(archive: bytes, rng: random.Random) -> bytes:
    """An archive whose directory says other sizes than its entries have."""
    data, at = bytearray(archive), archive.rindex(b"PK\x01\x02")
    for offset in (20, 24):
        data[at + offset : at + offset + 4] = struct.pack("<I", rng.choice((0, 1, 2**31, 2**32 - 2)))
    return bytes(data)


class Chance(random.Random):
    """Random numbers, and the `mark` that hostile code would leave if it ran; the worker looks for it."""

    mark: Path


def hostile(rng: Chance) -> bytes:
    """A pickle that calls something."""
    return b"\x80\x02" + rng.choice(fuzz_calls.hostile(rng.mark)) + b"."


def pt_bombs(rng: Chance) -> bytes:
    return rng.choice(
        (
            lambda: fuzz_bombs.BOMBS["memo bombs in torch files"](rng),
            lambda: fuzz_bombs.BOMBS["memo bombs as dictionary keys"](rng),
            lambda: fuzz_bombs.BOMBS["memo bombs as storage keys"](rng),
            lambda: fuzz_bombs.BOMBS["rosinality tensors beyond their storage"](rng),
            lambda: fuzz_bombs.BOMBS["very many steps"](rng),
            lambda: fuzz_bombs.BOMBS["deep nesting"](rng),
            lambda: hostile(rng),
            lambda: zip_of({"a/data.pkl": hostile(rng)}, False),
            lambda: saved({"w": torch.ones(1).expand(2**15, 2**15)}, rng.random() < 0.5),
            lambda: saved({str(n): torch.ones(1) for n in range(3000)}, rng.random() < 0.5),
            lambda: saved(
                {"w": torch.zeros(8).to_sparse(), "z": torch.ones(3, dtype=torch.complex64)},
                rng.random() < 0.5,
            ),
            lambda: zip_of({"a/data.pkl": bytes(rng.choice((10, 2**27)))}),
        )
    )()


# --- records ----------------------------------------------------------------------------------------------


def record_text(rng: random.Random) -> bytes:
    head = "# Made by blendreel 0.1.0; x\n" + rng.choice(fuzz_presets.BOMBS)(rng) + "\n---\nversion: 1\n"
    return torn(rng, head.encode("utf-8", "surrogatepass"))


def manifests(rng: random.Random) -> bytes:
    row = json.dumps({"key": "000000", "files": {"a": "b"}}).encode()
    odd = (
        row,
        b'{"key": ' + b"[" * 100_000,
        b"null",
        b'{"key": 3}',
        b'{"count": 1e999}',
        b'{"count": 3, "x": ' + row + b"}",
    )
    return torn(rng, b"\n".join(rng.choice(odd) for _ in range(rng.randint(1, 30))))


# --- readers ------------------------------------------------------------------------------------------------


def read_preset(path: Path) -> None:
    preset = Preset.load(path)
    preset.warnings()
    if path.stat().st_size < 20_000:  # it is read once more to be written
        preset.to_yaml()
    describe(preset)
    plan(preset, ["a.mp4"], path.parent)


def read_latents(path: Path) -> None:
    peek_latents(path)
    load_latents(path)


def read_film(path: Path) -> None:
    record = Record.read(read_tags(path).comment)
    if record is not None:
        Preset.from_yaml(record.preset, "film")


def read_manifest(path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    (folder / "dataset.json").write_bytes(path.read_bytes())
    (folder / "manifest.jsonl").write_bytes(path.read_bytes())
    Manifest(folder / "manifest.jsonl")
    begin(folder, {"count": 1})


def read_font(path: Path) -> None:
    check_font(str(path))
    words = readable("Aé日 0.5", str(path))
    cut_captions(Layout(labels=(words,), font=str(path)), [(40, 40)], [words])
    caption(words, (300, 40), (0, 0, 0), font=str(path))


def plans(rng: random.Random) -> bytes:
    """What segments say of themselves: `plan.json`, `00000.json`."""
    record = {
        "number": 0,
        "identity": "a",
        "frames": {},
        "frame_hashes": {},
        "made_with": {},
        "format": FORMAT,
    }
    record["pieces"] = {rng.choice(("../x", "0.nut", "\0")): {"bytes": 3, "sha256": "a"}}
    odd = ("[" * 100_000, "null", '{"format": 1}', json.dumps(record), "1e999", '{"a":' * 9000)
    raw = rng.choice((json.dumps(record), *odd)).encode()
    return torn(rng, raw) if rng.random() < 0.5 else raw


def read_plan(path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    record = SegmentRecord.load(path)
    if record is not None:
        assert all("/" not in name for name in record.pieces)
        record.is_whole(folder)


class Kind(NamedTuple):
    """Files of one kind: what may be done to them, how their names end, and who reads them."""

    make: Callable[[random.Random], tuple[str, bytes]]
    suffix: str
    read: Callable[[Path], object]


def either(good: Callable[[], bytes], bombs: Callable[[random.Random], bytes]) -> Callable:
    """Torn bytes of a good file, or a file that was made to do harm."""

    def make(rng: random.Random) -> tuple[str, bytes]:
        return ("torn", torn(rng, good())) if rng.random() < 0.6 else (bombs.__name__, bombs(rng))

    return make


def of_samples(rng: random.Random) -> tuple[str, bytes]:
    """The start of one of our own checkpoints, whose header alone is read here."""
    raw = (fuzz_presets.ROOT / "samples" / "models" / "portrait.safetensors").read_bytes()
    if rng.random() < 0.5:
        size = rng.choice((0, 7, 2**20, 2**31, 2**63))
        return "header", struct.pack("<Q", size) + rng.choice(
            (b"{" * 100_000, raw[8:5000], b'{"__metadata__": []}')
        )
    return "torn", torn(rng, raw[:6000])


KINDS: dict[str, Kind] = {
    "preset": Kind(fuzz_presets.preset, ".yaml", read_preset),
    "beats": Kind(fuzz_presets.beats, ".txt", lambda path: read_beats(str(path))),
    "set of channels": Kind(
        fuzz_presets.sets, ".yaml", lambda path: read_channels(path, {"32/0": 64, "32/1": 64})
    ),
    "latents .npy": Kind(either(latents_npy, npy_bombs), ".npy", read_latents),
    "latents .npz": Kind(either(latents_npz, npz_bombs), ".npz", read_latents),
    "latents .pt": Kind(either(lambda: latents_pt(False), pt_bombs), ".pt", read_latents),
    "latents .pt, old torch": Kind(either(lambda: latents_pt(True), pt_bombs), ".pth", read_latents),
    "direction": Kind(either(latents_npy, npy_bombs), ".npy", lambda path: load_direction(path, 6, 8)),
    "checkpoint's header": Kind(of_samples, ".safetensors", header_of),
    "photograph": Kind(either(lambda: pictures("PNG"), picture_bombs), ".png", read_photograph),
    "photograph, JPEG": Kind(either(lambda: pictures("JPEG"), picture_bombs), ".jpg", read_photograph),
    "photograph, WebP": Kind(either(lambda: pictures("WEBP"), picture_bombs), ".webp", read_photograph),
    "film": Kind(lambda rng: ("tags", films(rng)), ".png", read_film),
    "film's preset": Kind(
        lambda rng: ("text", record_text(rng)),
        ".txt",
        lambda path: Record.read(path.read_text("utf-8", "replace")),
    ),
    "font": Kind(fonts, ".ttf", read_font),
    "segment": Kind(lambda rng: ("record", plans(rng)), ".json", read_plan),
    "pairs": Kind(lambda rng: ("lines", manifests(rng)), ".jsonl", read_manifest),
    "sound": Kind(either(sound, playlists), ".wav", lambda path: Audio(path).check("mp4")),
}
OFTEN = 16  # as many presets as files of all other kinds


def make_case(seed: int, mark: Path) -> Case:
    """The file of that seed, always the same."""
    rng = Chance(seed)
    rng.mark = mark
    names = [*KINDS, *["preset"] * OFTEN]
    kind = names[seed % len(names)]
    damage, data = KINDS[kind].make(rng)
    return Case(kind, damage, data, KINDS[kind].suffix)


def read(case: Case, path: Path) -> str:
    """Read the file as the commands do; raises what they raise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        KINDS[case.kind].read(path)
    return ""


def is_fine(error: BaseException, path: Path) -> bool:
    """Whether it is how a file may be refused: an error of ours, that is short and for one terminal."""
    if path.suffix == ".txt" and isinstance(error, ValueError):
        return True  # beats: the preset that names them tells
    return isinstance(error, BlendreelError) and 10 < len(str(error)) < 100_000


def warm_up(folder: Path) -> None:
    """Everything is imported once, so that what follows is measured by itself and imports nothing."""
    for module in pkgutil.walk_packages(render.__path__, "render."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # an extra that is not installed
                importlib.import_module(module.name)
    for name, kind in KINDS.items():
        path = folder / f"warm-{len(name)}{kind.suffix}"
        path.write_bytes(
            fuzz_presets.shipped()[0].encode() if name == "preset" else kind.make(random.Random(1))[1]
        )
        try:
            kind.read(path)
        except Exception:
            continue
