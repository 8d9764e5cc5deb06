"""`blendreel models list`: the catalogue of public networks, as a table by family or as JSON. No torch."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from render.checkpoints import catalogue
from render.checkpoints.catalogue import Entry
from render.console import size_text

HEADINGS = ("name", "px", "architecture", "file", "download", "licence", "page")
DETAIL_WIDTH = 100


@click.command("list")
@click.option("--family", metavar="NAME", help="Only what is related to NAME by fine-tuning, with details.")
@click.option("--resolution", type=int, metavar="N", help="Only networks of N pixels a side.")
@click.option("--json", "as_json", is_flag=True, help="All that is known of them, as JSON.")
def list_command(family: str | None, resolution: int | None, as_json: bool) -> None:
    """List public networks, and what was fine-tuned from what.

    \b
    Each has its licence and page.
    Those that were fine-tuned stand indented below their base and blend with it.
    A preset names one as {models: {face: catalogue:ffhq-1024}}.
    """
    groups = chosen(family, resolution)
    if as_json:
        found = [described(entry) for group in groups for entry in group]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(table(groups))
    if family is not None:
        for group in groups:
            click.echo("\n" + "\n\n".join(details(entry) for entry in group))


def chosen(family: str | None = None, resolution: int | None = None) -> list[tuple[Entry, ...]]:
    """The families asked for, as tuples of their members of that resolution.

    Raises CheckpointError for an unknown name, and click.BadParameter if nothing has that resolution.
    """
    groups = catalogue.families() if family is None else (catalogue.family(family),)
    if resolution is not None:
        known = sorted({entry.resolution for group in groups for entry in group})
        if resolution not in known:
            there = ", ".join(str(number) for number in known)
            raise click.BadParameter(
                f"no network has {resolution} px; there are {there}", param_hint="'--resolution'"
            )
        groups = tuple(tuple(entry for entry in group if entry.resolution == resolution) for group in groups)
    return [group for group in groups if group]


def table(groups: Sequence[Sequence[Entry]]) -> str:
    """The networks as aligned lines under a heading; an empty line before those without relatives here."""
    related = [row(entry) for group in groups if len(group) > 1 for entry in group]
    single = [row(entry) for group in groups if len(group) == 1 for entry in group]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *related, *single, strict=True)]
    blank = [()] if related and single else []
    lines = ["  ".join(map(str.ljust, cells, widths)) for cells in (HEADINGS, *related, *blank, *single)]
    return "\n".join(line.rstrip() for line in lines)


def row(entry: Entry) -> tuple[str, ...]:
    """One line of the table; the name is indented once for each generation above it."""
    indent = "  " * (len(catalogue.lineage(entry.name)) - 1)
    return (
        indent + entry.name,
        str(entry.resolution),
        entry.architecture,
        entry.format,
        download(entry),
        entry.licence or "not stated",
        entry.page,
    )


def download(entry: Entry) -> str:
    """How large the file is if blendreel can fetch it, or that it takes a browser."""
    if entry.url is None:
        return "by browser"
    return size_text(entry.size) if entry.size else "yes"


def details(entry: Entry) -> str:
    """All that is known of one network, as a paragraph of lines."""
    facts = {
        "by": entry.by,
        "config": entry.config,
        "tuned from": entry.tuned_from and f"{entry.tuned_from}: {entry.evidence}",
        "notes": entry.notes,
        "file": entry.url or entry.link,
        "sha256": entry.sha256,
        "read in": "; ".join(f"{source.title} ({source.seen})" for source in entry.sources),
    }
    lines = [f"{entry.name}: {entry.title}"]
    for label, fact in facts.items():
        if fact:
            lines += textwrap.wrap(
                fact,
                DETAIL_WIDTH,
                initial_indent=f"  {label:<12}",
                subsequent_indent=" " * 14,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def described(entry: Entry) -> dict[str, Any]:
    """One network as plain data: its fields, its base's name as `family`, and days as text."""
    fields = asdict(entry)
    fields["sources"] = [source | {"seen": str(source["seen"])} for source in fields["sources"]]
    return fields | {"family": catalogue.lineage(entry.name)[0].name}
