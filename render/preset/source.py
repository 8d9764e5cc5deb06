"""What was read: plain data that remembers where everything stands, and messages that point at it.

One source may come from several pages: a file, the files it extends, and values set on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .mistakes import Mistake, Place, place_text

_WIDEST_LINE = 100
_LONGEST_NAME = 80
_LONGEST_TEXT, _BEGINNING = 1000, 600  # of a message, and of what is shown of a longer one
_MOST_TOLD = 100  # mistakes


@dataclass(frozen=True, eq=False)
class Page:
    """A text that values are written in.

    Attributes:
        name: a file as the user named it, or the option that the text was given with.
        text: the text itself; empty if the values came from Python.
        is_file: whether lines and columns say something to the reader of a message.
    """

    name: str
    text: str = ""
    is_file: bool = True

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()

    def title(self, span: Span) -> str:
        """How a message begins: `preset.yaml:9:14`, or the option as it was given."""
        if self.is_file:
            return f"{self.name}:{span.line + 1}:{span.column + 1}"
        name = self.name if len(self.name) <= _LONGEST_NAME else f"{self.name[: _LONGEST_NAME - 1]}…"
        return printable(name)


def printable(text: str, kept: str = "") -> str:
    """The text with � in the place of characters that cannot be printed, but for those that are `kept`."""
    return "".join(one if one.isprintable() or one in kept else "�" for one in text)


def shortened(text: str) -> str:
    """A message of printable characters; the middle of a very long one, which a value fills, is left out."""
    text = printable(text, "\n")
    return (
        text if len(text) <= _LONGEST_TEXT else f"{text[:_BEGINNING]} … {text[_BEGINNING - _LONGEST_TEXT :]}"
    )


@dataclass(frozen=True)
class Span:
    """Where something is written: page, line and column from 0, and its length on that line."""

    page: Page
    line: int
    column: int
    length: int

    def pointed(self, text: str) -> str:
        """One message with the line it is about, and a caret under the place."""
        head = f"{self.page.title(self)}: {shortened(text)}"
        lines = self.page.lines
        line = lines[self.line].expandtabs(1) if self.line < len(lines) else ""
        if not line.strip():
            return head
        start = max(0, min(self.column - 40, len(line) - _WIDEST_LINE))
        shown = line[start : start + _WIDEST_LINE].rstrip()
        before, after = ("…" if start else ""), ("…" if start + _WIDEST_LINE < len(line) else "")
        at = self.column - start + len(before)
        carets = "^" * max(1, min(self.length, len(before) + len(shown) - at))
        return f"{head}\n    {before}{shown}{after}\n    {' ' * at}{carets}"


@dataclass
class Source:
    """Plain data, and the span of every value and key.

    Attributes:
        pages: what it was read from, in the order in which messages name them; the first is the preset's own.
        mistakes: what a text itself has wrong although it can be read (a key given twice).
        aside: places about which that is all there is to say.
    """

    pages: tuple[Page, ...]
    data: Any = None
    values: dict[Place, Span] = field(default_factory=dict)
    keys: dict[Place, Span] = field(default_factory=dict)
    mistakes: list[tuple[Span, str]] = field(default_factory=list)
    aside: list[Place] = field(default_factory=list)

    # --- messages -------------------------------------------------------------------------------------------

    def located(self, mistakes: Iterable[Mistake]) -> str:
        """All mistakes in the order of the texts: `name:line:column: place: text`, the line, and a caret."""
        found = [
            *self.mistakes,
            *(self._found(mistake) for mistake in mistakes if not self._is_aside(mistake)),
        ]
        found.sort(key=lambda pair: (self.pages.index(pair[0].page), pair[0].line, pair[0].column))
        told = list(dict.fromkeys(found))
        more = [f"and {len(told) - _MOST_TOLD} more mistakes"] if len(told) > _MOST_TOLD else []
        return "\n".join([*(span.pointed(text) for span, text in told[:_MOST_TOLD]), *more])

    def pointed(self, message: str) -> str:
        """A message found later, of lines `place: text`: those about what is written here point at it."""
        places = {place_text(place): place for place in self.values if place}

        def place_of(line: str) -> Place | None:
            named = line.partition(": ")[0]
            return places.get(named) or places.get(named.removesuffix("[0]"))  # a list of one may be left out

        found = ((place_of(line), line) for line in message.splitlines())
        return "\n".join(
            line if place is None else self.span_of(place).pointed(line) for place, line in found
        )

    def span_of(self, place: Place, at_key: bool = False) -> Span:
        """Where the value (or the key) of a place is written, or what is nearest around it."""
        known = place
        while known and known not in self.values:
            known = known[:-1]
        spans = self.keys if (at_key or known != place) and known in self.keys else self.values
        return spans.get(known, Span(self.pages[0], 0, 0, 1))

    def _is_aside(self, mistake: Mistake) -> bool:
        place = self._written_place(mistake.place)
        return any(place[: len(aside)] == aside for aside in self.aside)

    def _found(self, mistake: Mistake) -> tuple[Span, str]:
        place = self._written_place(mistake.place)
        name = place_text(place)
        text = f"{name}: {mistake.text}" if name else mistake.text
        return self.span_of(place, mistake.at_key), text

    def _written_place(self, place: Place) -> Place:
        """The place as it is written, where short forms leave steps out (`panels.show[0]` → `panels[0]`)."""
        written: Place = ()
        for step in place:
            if (*written, step) in self.values or self._is_mapping(written):
                written = (*written, step)
        return written

    def _is_mapping(self, place: Place) -> bool:
        try:
            return isinstance(self.at(place), dict)
        except (LookupError, TypeError):
            return True

    # --- putting sources together ---------------------------------------------------------------------------

    def at(self, place: Place) -> Any:
        """The data at a place. Raises LookupError or TypeError where there is no such place."""
        value = self.data
        for step in place:
            value = value[step]
        return value

    def cut(self, place: Place) -> None:
        """Take out a key with its value."""
        del self.at(place[:-1])[place[-1]]
        self._forget(place)

    def graft(self, place: Place, other: Source, other_place: Place = ()) -> None:
        """Put what `other` has at `other_place` in the place of what is here, with its spans."""
        self._forget(place)
        self.at(place[:-1])[place[-1]] = other.at(other_place)
        depth = len(other_place)
        for mine, theirs in ((self.values, other.values), (self.keys, other.keys)):
            mine.update(
                {(*place, *at[depth:]): span for at, span in theirs.items() if at[:depth] == other_place}
            )

    def wrap(self, place: Place, key: str) -> None:
        """Turn a short form into the mapping it stands for: the value moves to `key` within."""
        span, name = self.values[place], self.keys.get(place)
        inner = Source(
            self.pages,
            self.at(place),
            {at[len(place) :]: span for at, span in self.values.items() if at[: len(place)] == place},
            {
                at[len(place) :]: span
                for at, span in self.keys.items()
                if at[: len(place)] == place and at != place
            },
        )
        self._forget(place)
        self.at(place[:-1])[place[-1]] = {}
        self.values[place] = span
        if name is not None:
            self.keys[place] = name
        self.graft((*place, key), inner)
        self.keys[(*place, key)] = span

    def _forget(self, place: Place) -> None:
        for spans in (self.values, self.keys):
            for at in [at for at in spans if at[: len(place)] == place]:
                del spans[at]
        self.aside = [at for at in self.aside if at[: len(place)] != place]
