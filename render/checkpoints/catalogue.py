"""Public networks for blending, and which was fine-tuned from which. The data: catalogue.yaml. No torch."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from render.errors import CheckpointError

CATALOGUE_PREFIX = "catalogue:"
FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Source:
    """A public page that facts were read on.

    seen  the day it was read
    """

    title: str
    url: str
    seen: datetime.date


@dataclass(frozen=True)
class Entry:
    """One public network, as its sources describe it. What none of them states is None.

    name          what `catalogue:NAME` and the lineage call it
    architecture  stylegan1, stylegan2, stylegan3-t or stylegan3-r
    format        of the file, a key of `formats.FORMATS`
    resolution    pixels a side
    page          where a reader finds more
    sources       the pages all this was read on
    config        the training configuration, in the source's word
    tuned_from    the name of the entry it was fine-tuned from
    evidence      how a source says so
    licence       in the source's words
    url           a download that needs no browser
    link          a download that needs one
    sha256        64 hex digits, as published with the file
    size          bytes
    """

    name: str
    title: str
    by: str
    architecture: str
    format: str
    resolution: int
    page: str
    sources: tuple[Source, ...]
    config: str | None = None
    tuned_from: str | None = None
    evidence: str | None = None
    licence: str | None = None
    url: str | None = None
    link: str | None = None
    sha256: str | None = None
    size: int | None = None
    notes: str | None = None


@cache
def entries() -> tuple[Entry, ...]:
    """All networks of the catalogue, in the order of its file."""
    return tuple(read(FILE))


def read(path: Path) -> Iterator[Entry]:
    """The networks in the catalogue at `path`: each has its collection's fields, and its own over them."""
    from ruamel.yaml import YAML

    data: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    sources = {key: Source(**fields) for key, fields in data["sources"].items()}
    for collection in data["collections"]:
        shared = {key: value for key, value in collection.items() if key != "models"}
        for name, own in collection["models"].items():
            fields = shared | own
            cited = tuple(sources[key] for key in fields.pop("sources"))
            yield Entry(name=name, sources=cited, **fields)


def find(name: str) -> Entry:
    """The network called `name`, with or without `catalogue:` before it. Raises CheckpointError."""
    wanted = name.removeprefix(CATALOGUE_PREFIX)
    by_name = {entry.name: entry for entry in entries()}
    if wanted not in by_name:
        near = difflib.get_close_matches(wanted.lower(), by_name, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "blendreel models list shows what there is"
        raise CheckpointError(f"there is no network {wanted!r} in the catalogue; {hint}")
    return by_name[wanted]


def downloadable(name: str) -> Entry:
    """The network called `name`, whose `url` is not None.

    Raises CheckpointError if there is none, or if its file can only be had with a browser.
    """
    entry = find(name)
    if entry.url is None:
        where = entry.link or entry.page
        raise CheckpointError(
            f"{CATALOGUE_PREFIX}{entry.name} is only to be had with a browser; "
            f"get it from {where} and give the path of the file"
        )
    return entry


def lineage(name: str) -> tuple[Entry, ...]:
    """The network called `name` and those it comes from: the base first, the network itself last."""
    line = [find(name)]
    while line[0].tuned_from is not None:
        line.insert(0, find(line[0].tuned_from))
    return tuple(line)


def family(name: str) -> tuple[Entry, ...]:
    """All networks related to `name` by fine-tuning, itself included: the base first, each before its own."""
    return tuple(_descent(lineage(name)[0]))


def families() -> tuple[tuple[Entry, ...], ...]:
    """All networks, one tuple a family: those with relatives first, then the single ones."""
    grouped = [tuple(_descent(entry)) for entry in entries() if entry.tuned_from is None]
    return tuple(sorted(grouped, key=lambda members: len(members) == 1))


def _descent(base: Entry) -> Iterator[Entry]:
    yield base
    for entry in entries():
        if entry.tuned_from == base.name:
            yield from _descent(entry)
