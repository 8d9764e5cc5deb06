"""Plain-text tables and lists of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100  # columns
NARROWEST = 18  # columns that the last one of a table keeps, however wide the others are
LONGEST_CELL, SHORTEST_CELL = 44, 14  # columns of any other one: the widest there is room for
GAP = "   "


def section(title: str, rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A titled table, indented; a last column that is too long goes on in the next line, under itself.

    right  columns whose cells end at one edge
    """
    rows = _fitted(rows)
    kept = [index for index in range(len(rows[0])) if any(row[index] for row in rows)]
    widths = {index: max(len(row[index]) for row in rows) for index in kept}
    right = set(right)
    *fixed, last = kept
    room = max(NARROWEST, WIDTH - 2 - sum(widths[index] + len(GAP) for index in fixed))
    lines = [title] if title else []
    for row in rows:
        cells = [
            row[index].rjust(widths[index]) if index in right else row[index].ljust(widths[index])
            for index in fixed
        ]
        ending = row[last].rjust(widths[last]) if last in right and widths[last] <= room else row[last]
        pieces = textwrap.wrap(ending, room, drop_whitespace=last not in right, break_on_hyphens=False) or [
            ""
        ]
        start = "  " + "".join(f"{cell}{GAP}" for cell in cells)
        lines += [(start + pieces[0]).rstrip(), *(" " * len(start) + piece for piece in pieces[1:])]
    return "\n".join(lines)


def paragraph(text: str) -> str:
    """Words under a table, indented like it."""
    return textwrap.indent(textwrap.fill(text, WIDTH - 2, break_on_hyphens=False), "  ")


def bullets(title: str, texts: Sequence[str]) -> str:
    """A titled list of sentences."""
    filled = [
        textwrap.fill(text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
        for text in texts
    ]
    return "\n".join([title, *filled])


def _fitted(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with long cells shortened in their middle, no more than the width asks for; names last."""
    limits = [(LONGEST_CELL, limit) for limit in range(LONGEST_CELL, SHORTEST_CELL, -1)]
    limits += [(limit, SHORTEST_CELL) for limit in range(LONGEST_CELL, SHORTEST_CELL, -1)]
    for name_limit, limit in limits:
        fitted = [
            [*(shortened(cell, limit if at else name_limit) for at, cell in enumerate(row[:-1])), row[-1]]
            for row in rows
        ]
        *widths, last = [max(map(len, column)) for column in zip(*fitted, strict=True)]
        if 2 + sum(width + len(GAP) for width in widths if width) + min(last, NARROWEST) <= WIDTH:
            break
    return fitted


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` characters: a long one loses its middle."""
    end = limit // 2
    return text if len(text) <= limit else f"{text[: limit - end - 1]}…{text[-end:]}"
