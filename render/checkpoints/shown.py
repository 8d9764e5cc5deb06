"""Values from a file, fit for one line of an error. No torch."""

from __future__ import annotations

from typing import Any

LONGEST_NUMBER = 2**200
FEW = 4


def printable(text: str) -> str:
    """Text without what would break the line."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def shown(value: Any, most: int = 60) -> str:
    """A value in at most so many signs.

    Containers are only named, but for short lists of numbers: a few bytes of a file can nest them so that
    writing them out would never end.
    """
    if isinstance(value, str):
        return printable(value[:most])
    if isinstance(value, list | tuple) and len(value) <= FEW and all(map(_is_number, value)):
        return str(list(value))[:most]
    if value is None or _is_number(value):
        return str(value)[:most]
    kind = "huge number" if isinstance(value, int) else type(value).__name__.lower()
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < LONGEST_NUMBER)
