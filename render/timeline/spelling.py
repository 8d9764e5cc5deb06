"""Suggestions for misspelt words: what somebody who wrote `esae` most likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, ignoring case, `_` and spaces; None when nothing is near."""
    by_form = {_form(choice): choice for choice in choices}
    found = difflib.get_close_matches(_form(word), by_form, n=1, cutoff=0.6)
    return by_form[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str], limit: int = 16) -> str:
    """The end of an error message: `; did you mean 'ease'?`, or the choices when they are few."""
    choices = list(choices)
    found = nearest(word, choices)
    if found is not None:
        return f"; did you mean {found!r}?"
    if 0 < len(choices) <= limit:
        return f"; known: {', '.join(choices)}"
    return ""


def _form(word: str) -> str:
    return word.strip().lower().replace("_", "-").replace(" ", "-")
