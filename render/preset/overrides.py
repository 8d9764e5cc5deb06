"""Values set over a preset: `--set blend.swap=32`, or in Python `overrides={"blend.swap": 32}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from render.errors import PresetError

from .merging import KEY
from .mistakes import Place, place_text, shown
from .reader import read_value
from .shapes import excluded_by, shorthand_at
from .source import Page, Source, Span
from .writer import data_of

Overrides = Mapping[str, Any] | Iterable[str]

_STEP = re.compile(r'\[(?P<index>\d{1,6})\]|\[?"(?P<quoted>[^"]*)"\]?|(?P<name>[^.\[\]"=\s][^.\[\]"=]*)')
_EXAMPLE = "write PLACE=VALUE, such as blend.swap=32 or 'outputs[0].fps=12'"
_LISTS = {
    ("outputs",),
    ("latents", "files"),
    ("latents", "seeds"),
}  # where one value stands for a list of one


def overridden(source: Source, overrides: Overrides) -> Source:
    """The source with values set over it, one after the other; changed in place.

    Args:
        overrides: values by their places, `{"blend.swap": 32}`, or texts as `--set` takes them.

    Raises:
        PresetError: an override is not `PLACE=VALUE`, its value is no YAML, or there is no such place.
    """
    if isinstance(overrides, str):
        overrides = (overrides,)
    read = _from_python if isinstance(overrides, Mapping) else _from_text
    for item in overrides.items() if isinstance(overrides, Mapping) else overrides:
        place, value, where = read(item)
        if place[0] == KEY:
            raise PresetError(where.pointed(f"{KEY} belongs in a preset file; it cannot be set from outside"))
        source.pages = (*source.pages, where.page)
        _Setting(source, place, where).set(value)
    return source


def _from_text(text: str) -> tuple[Place, Source, Span]:
    """The place, the value, and where the place is written, of `blend.swap=32`."""
    page = Page(f"--set {text}", text, is_file=False)
    match = re.fullmatch(r'(?P<place>(?:[^="]|"[^"]*")*)=(?P<value>.*)', text, re.DOTALL)
    if match is None:
        raise PresetError(f"{page.title(Span(page, 0, 0, 1))}: there is no = in it; {_EXAMPLE}")
    where = Span(page, 0, 0, max(1, len(match["place"])))
    place = _place_of(match["place"], where)
    value = read_value(page, match.start("value"))
    if value is None:
        written = match["value"].strip()
        text = f"there is no value after the =; write {match['place']}=null to take it out"
        if written.startswith("#"):  # a comment, to YAML
            text = f'what begins with # stands in quotes: {match["place"]}="{written}"'
        raise PresetError(where.pointed(text))
    for span, wrong in value.mistakes:
        raise PresetError(span.pointed(wrong))
    return place, value, where


def _from_python(item: tuple[Any, Any]) -> tuple[Place, Source, Span]:
    written, data = item
    page = Page(f"overrides[{shown(written)}]", is_file=False)
    where = Span(page, 0, 0, 1)
    place = _place_of(written if isinstance(written, str) else "", where)
    return place, Source((page,), data_of(data), {(): where}), where


def _place_of(text: str, where: Span) -> Place:
    """`outputs[0].fps` as its steps; a name with dots in it stands in quotes: `models."v1.2".file`."""
    place: list[str | int] = []
    at, written = 0, text.strip()
    while at < len(written):
        dot = at > 0 and written[at] == "."
        match = _STEP.match(written, at + dot)
        if match is None or not (dot or at == 0 or written[at] == "["):
            place = []
            break
        index = match["index"]
        name = match["name"] if match["quoted"] is None else match["quoted"]
        place.append(int(index) if index is not None else name.strip())
        at = match.end()
    if not place or isinstance(place[0], int):
        raise PresetError(where.pointed(f"{shown(text)} is no place in a preset; {_EXAMPLE}"))
    return tuple(place)


class _Setting:
    """One value on its way to its place."""

    def __init__(self, source: Source, place: Place, where: Span) -> None:
        self.source = source
        self.place = place
        self.where = where

    def set(self, value: Source) -> None:
        """Put the value in its place, or take out what is there if the value is null."""
        for depth in range(len(self.place)):
            self._enter(self.place[:depth], self.place[depth])
        parent, key = self.place[:-1], self.place[-1]
        holder = self.source.at(parent)
        if value.data is None:
            self._take_out(holder, key)
            return
        if isinstance(holder, dict):
            for gone in excluded_by(parent, key) & holder.keys():
                self.source.cut((*parent, gone))
        self.source.graft(self.place, value)
        if isinstance(holder, dict):
            self.source.keys[self.place] = self.where

    def _take_out(self, holder: Any, key: str | int) -> None:
        if isinstance(holder, list):
            raise self._refused("a single entry can't be taken out; write the whole list")
        if key not in holder:
            raise self._refused(f"there is no {place_text(self.place)} to take out")
        self.source.cut(self.place)

    def _enter(self, place: Place, step: str | int) -> None:
        """Make sure that the place can have, or has, something at `step` inside it."""
        if place and self._is_missing(place):
            self._make(place, step)
        value = self.source.at(place)
        if isinstance(step, int):
            self._enter_list(place, value, step)
        elif isinstance(value, list) and not shorthand_at(place, value, {step}):
            raise self._refused(f"{place_text(place)} is a list; say which entry, {_entries(place, value)}")
        elif not isinstance(value, dict):
            short = shorthand_at(place, value, {step})
            if short is None:
                raise self._refused(f"{place_text(place)} is {shown(value)}, which has no {step} inside it")
            self.source.wrap(place, short)

    def _enter_list(self, place: Place, value: Any, index: int) -> None:
        name = place_text(place)
        if not isinstance(value, list) and not isinstance(value, dict) and place in _LISTS:
            value = [value]
            self.source.graft(place, Source((), value, {(): self.where, (0,): self.where}))
        if isinstance(value, dict):
            example = f", such as {name}.{next(iter(value))}" if value else ""
            raise self._refused(f"{name} is a mapping; name a key of it{example}")
        if not isinstance(value, list):
            raise self._refused(f"{name} is {shown(value)}, not a list")
        if index >= len(value):
            raise self._refused(f"there is no {name}[{index}]; the list has {_entries(place, value)}")

    def _is_missing(self, place: Place) -> bool:
        holder = self.source.at(place[:-1])
        return isinstance(holder, dict) and holder.get(place[-1]) is None

    def _make(self, place: Place, step: str | int) -> None:
        name = place_text(place)
        if isinstance(step, int):
            raise self._refused(f"there is no list {name} yet; write it as a whole: {name}=[…]")
        self.source.graft(place, Source((), {}, {(): self.where}))
        self.source.keys[place] = self.where

    def _refused(self, text: str) -> PresetError:
        return PresetError(self.where.pointed(text))


def _entries(place: Place, value: list) -> str:
    names = [f"{place_text(place)}[{index}]" for index in range(len(value))]
    return f"{names[0]} to {names[-1]}" if len(names) > 1 else names[0] if names else "nothing in it"
