"""Words under a picture, in which names in braces stand for numbers and names of the moment.

`swap {blend.swap}` or `{blend.weight:.0%} {blend.high}`; a brace that is meant is doubled: `{{`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .mistakes import shown

if TYPE_CHECKING:
    from .model import Preset
    from .panels import Panel

# What captions read besides numbers and names of the preset.
CAPTION_WORDS = {
    "t": "seconds since the start",
    "b": "beats since beat 0",
    "u": "part of the clip, 0 to 1",
    "f": "frames since the start",
    "frame": "the same as f",
    "seed": "the seed that the picture shows",
    "name": "what the picture would be called without a label",
}
MOVING_WORDS = frozenset({"t", "b", "u", "f", "frame"})

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FORMAT = re.compile(r"\+?(0?[1-9])?,?(\.[0-9])?[fge%d]")
_EXAMPLE = 'write {blend.weight} or {blend.weight:.2f}, and "{{" for a brace that is meant'


@dataclass(frozen=True)
class Field:
    """One name in braces.

    Attributes:
        name: `blend.swap`, `t` …
        format: how a number is written, `.2f`; empty: as people say it.
    """

    name: str
    format: str = ""


@dataclass(frozen=True)
class Caption:
    """A text in pieces: plain words and names in braces. `read_caption` makes one."""

    pieces: tuple[str | Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The names in braces, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    def filled(self, say: Callable[[Field], str]) -> str:
        """The words, with what `say` says for each name in braces."""
        return "".join(piece if isinstance(piece, str) else say(piece) for piece in self.pieces)


@lru_cache(maxsize=256)
def read_caption(text: str) -> Caption:
    """The caption that a text means.

    Raises:
        ValueError: a brace stands alone, or a format is none.
    """
    pieces: list[str | Field] = []
    end = 0
    for match in _PIECE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
        elif match[1] is None:
            raise ValueError(f"a brace stands alone in {shown(text)}; {_EXAMPLE}")
        else:
            pieces.append(_read_field(match[1]))
    pieces.append(text[end:])
    return Caption(tuple(piece for piece in pieces if piece))


def _read_field(text: str) -> Field:
    # Names of layers have no colon, so the first one begins the format.
    name, colon, form = (part.strip() for part in text.partition(":"))
    if not name:
        raise ValueError(f"there is no name in {shown('{' + text + '}')}; {_EXAMPLE}")
    if colon and not _FORMAT.fullmatch(form):
        raise ValueError(
            f"{form!r} is no way to write a number; use .2f (two decimals), .0f (none), .3g or .0% (percent)"
        )
    return Field(name, form)


def formatted(number: float, form: str) -> str:
    """A number in a format of `read_caption`; nothing is "-0.00"."""
    text = format(round(number), form) if form.endswith("d") else format(number, form)
    return text.replace("-", "", 1) if text.startswith("-") and not re.search("[1-9]", text) else text


def panel_name(preset: Preset, panel: Panel) -> str:
    """What a picture is called: `ukiyoe`, `ukiyoe → toon` where that changes, `100 kimg`, `seed 3`."""
    seed = "" if panel.seed is None else f"seed {panel.seed}"
    if seed and all(one.word == "blend" and one.kimg is None for row in preset.panels.show for one in row):
        return seed
    name = " → ".join(preset.mix.all_names().get(panel.word, (panel.word,)))
    if panel.kimg is not None:
        kimg = f"{panel.kimg:g} kimg"
        name = kimg if panel.word == "blend" else f"{name} {kimg}"
    return f"{name}, {seed}" if seed else name
