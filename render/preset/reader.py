"""YAML text to plain data that remembers where everything stands, and messages that point at it.

YAML 1.2 by ruamel.yaml: its composer gives a tree of nodes with marks, and the data is built from that tree,
so that every value has the line and column at which it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from render.errors import PresetError
from render.timeline import nearest

from .mistakes import Mistake, Place, place_text

_MAX_BYTES = 1_000_000
_MAX_NODES = 20_000
_MAX_DEPTH = 40
_WIDEST_LINE = 100
_TYPED = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}
_STANDARD = "tag:yaml.org,2002:"
_SCALARS = _TYPED | {_STANDARD + name for name in ("str", "timestamp", "merge", "value")}
_COLLECTIONS = {_STANDARD + name for name in ("seq", "map")}
_MERGE = _STANDARD + "merge"
_SHAPE = "a preset is a mapping; it begins with lines such as `models:` and `clip:`"


@dataclass(frozen=True)
class Span:
    """Where something is written: line and column from 0, and its length on that line."""

    line: int
    column: int
    length: int


@dataclass
class Source:
    """A YAML text, its data, and the span of every value and key.

    Attributes:
        name: the file as the user named it.
        mistakes: what the text itself has wrong although it can be read (a key given twice).
        aside: places about which that is all there is to say.
    """

    name: str
    lines: list[str]
    data: Any = None
    values: dict[Place, Span] = field(default_factory=dict)
    keys: dict[Place, Span] = field(default_factory=dict)
    mistakes: list[tuple[Span, str]] = field(default_factory=list)
    aside: list[Place] = field(default_factory=list)

    def located(self, mistakes: Iterable[Mistake]) -> str:
        """All mistakes in the order of the text: `name:line:column: place: text`, the line, and a caret."""
        found = [
            *self.mistakes,
            *(self._found(mistake) for mistake in mistakes if not self._is_aside(mistake)),
        ]
        found.sort(key=lambda pair: (pair[0].line, pair[0].column))
        return "\n".join(self.pointed(span, text) for span, text in dict.fromkeys(found))

    def pointed(self, span: Span, text: str) -> str:
        """One message with the line it is about, and a caret under the place."""
        head = f"{self.name}:{span.line + 1}:{span.column + 1}: {text}"
        line = self.lines[span.line].expandtabs(1) if span.line < len(self.lines) else ""
        if not line.strip():
            return head
        start = max(0, min(span.column - 40, len(line) - _WIDEST_LINE))
        shown = line[start : start + _WIDEST_LINE].rstrip()
        before, after = ("…" if start else ""), ("…" if start + _WIDEST_LINE < len(line) else "")
        at = span.column - start + len(before)
        carets = "^" * max(1, min(span.length, len(before) + len(shown) - at))
        return f"{head}\n    {before}{shown}{after}\n    {' ' * at}{carets}"

    def _is_aside(self, mistake: Mistake) -> bool:
        place = self._written_place(mistake.place)
        return any(place[: len(aside)] == aside for aside in self.aside)

    def _found(self, mistake: Mistake) -> tuple[Span, str]:
        place = self._written_place(mistake.place)
        known = place
        while known and known not in self.values:
            known = known[:-1]
        spans = self.keys if (mistake.at_key or known != place) and known in self.keys else self.values
        name = place_text(place)
        return spans.get(known, Span(0, 0, 1)), f"{name}: {mistake.text}" if name else mistake.text

    def _written_place(self, place: Place) -> Place:
        """The place as it is written, where short forms leave steps out (`panels.show[0]` → `panels[0]`)."""
        written: Place = ()
        for step in place:
            if (*written, step) in self.values or self._is_mapping(written):
                written = (*written, step)
        return written

    def _is_mapping(self, place: Place) -> bool:
        value = self.data
        for step in place:
            try:
                value = value[step]
            except (LookupError, TypeError):
                return True
        return isinstance(value, dict)


def read_file(path: str | Path) -> Source:
    """The source in a file.

    Raises:
        PresetError: one line that says why it cannot be read.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:  # whatever it is: a device has no size, and no end
            raw = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise PresetError(f"{path}: there is no such file{_similar(file)}") from None
    except IsADirectoryError:
        raise PresetError(f"{path}: this is a folder; name a preset file in it") from None
    except OSError as error:
        raise PresetError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(raw) > _MAX_BYTES:
        raise PresetError(f"{path}: too large for a preset (more than {_MAX_BYTES // 1_000_000} MB)")
    try:
        return read_text(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise PresetError(f"{path}: this is not a text file; a preset is YAML in UTF-8") from None


def read_text(text: str, name: str) -> Source:
    """The source in a text.

    Raises:
        PresetError: the text is not YAML, or not a mapping; the message points at the place.
    """
    source = Source(name, text.splitlines())
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _Composer
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        raise PresetError(_syntax_message(source, error)) from None
    except ReaderError as error:
        line, code = text.count("\n", 0, error.position) + 1, ord(text[error.position])
        raise PresetError(
            f"{name}:{line}: the character U+{code:04X} does not belong in a text file"
        ) from None
    except (YAMLError, RecursionError) as error:
        raise PresetError(f"{name}: this is not valid YAML ({type(error).__name__})") from None
    if root is None:
        raise PresetError(f"{name}: the file is empty; {_SHAPE}")
    if not isinstance(root, MappingNode):
        raise PresetError(source.pointed(_span(root), _SHAPE))
    _Builder(source, yaml).build(root)
    return source


class _Composer(Composer):
    """Gives every alias (`*name`) a node of its own, which lies where the alias is written."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.aliases: list[Node] = []

    def compose_node(self, parent: Any, index: Any) -> Node:
        event = self.parser.peek_event() if self.parser.check_event(AliasEvent) else None
        node = super().compose_node(parent, index)
        if event is None:
            return node
        alias = copy(node)  # shares its content with the anchor, which may not be complete yet
        alias.start_mark, alias.end_mark = event.start_mark, event.end_mark
        self.aliases.append(alias)
        return alias


class _Builder:
    """Walks the nodes once: makes the data and notes every span."""

    def __init__(self, source: Source, yaml: YAML) -> None:
        self.source = source
        self.constructor = yaml.constructor
        self.aliases = {id(node) for node in yaml.composer.aliases}
        self.alias: Span | None = None  # while inside one, everything is said to stand there
        self.count = 0

    def build(self, root: Node) -> None:
        self.source.data = self._value(root, (), 0)

    def _span(self, node: Node) -> Span:
        return self.alias or _span(node)

    def _value(self, node: Node, place: Place, depth: int) -> Any:
        outermost = self.alias is None and id(node) in self.aliases
        if outermost:
            self.alias = _span(node)
        try:
            return self._content(node, place, depth)
        finally:
            if outermost:
                self.alias = None

    def _content(self, node: Node, place: Place, depth: int) -> Any:
        self.count += 1
        if self.count > _MAX_NODES or depth > _MAX_DEPTH:  # aliases can make a small text endless
            raise PresetError(
                self.source.pointed(self._span(node), "the preset is too large or nested too deeply")
            )
        self.source.values.setdefault(place, self._span(node))
        if not isinstance(node, ScalarNode) and str(node.tag) not in _COLLECTIONS:
            self._refuse_tag(node, place)
        elif isinstance(node, MappingNode):
            return self._mapping(node, place, depth)
        if isinstance(node, SequenceNode):
            return [self._value(item, (*place, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: MappingNode, place: Place, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else None
            if key is None:
                self._note(key_node, place, "a key is text, not a list or a mapping")
                continue
            if str(key_node.tag) == _MERGE:
                self._refuse_merge(key_node, place)
                continue
            inner = (*place, key)
            if key in data:
                first = self.source.keys[inner].line + 1
                self._note(key_node, inner, f"this key is given twice; the first is on line {first}")
                continue
            self.source.keys[inner] = self._span(key_node)
            if _is_blank(value_node):
                self.source.values[inner] = self._span(key_node)
            data[key] = self._value(value_node, inner, depth + 1)
        return data

    def _note(self, node: Node, place: Place, text: str) -> None:
        name = place_text(place)
        self.source.mistakes.append((self._span(node), f"{name}: {text}" if name else text))

    def _refuse_tag(self, node: Node, place: Place) -> None:
        tag = str(node.tag).replace(_STANDARD, "!!")
        self._note(node, place, f"the tag {tag} has no meaning in a preset")
        self.source.aside.append(place)

    def _refuse_merge(self, node: Node, place: Place) -> None:
        text = "merge keys (<<) are not supported; write the settings out"
        if not any(said.endswith(text) for _, said in self.source.mistakes):
            self._note(node, place, text)
        if place:
            self.source.aside.append(place)

    def _scalar(self, node: Node, place: Place) -> Any:
        tag = str(node.tag)
        if tag in _TYPED:
            try:
                return self.constructor.construct_object(node)
            except ValueError:
                return node.value
        if tag not in _SCALARS:
            self._refuse_tag(node, place)
        return node.value  # dates too stay the text they are


def _is_blank(node: Node) -> bool:
    return node.value == "" and str(node.tag).endswith(":null")


def _span(node: Node) -> Span:
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Span(start.line, start.column, max(1, length))


# what ruamel.yaml says: (what we say, whether the place is where the thing begins rather than where it broke)
_SYNTAX: tuple[tuple[str, str, bool], ...] = (
    (r"character '\\t'", "there is a tab here; YAML is indented with spaces", False),
    (r"expected ',' or '\]'", "the list that begins here is not closed with ], or lacks a comma", True),
    (r"expected ',' or '\}'", "the mapping that begins here is not closed with }, or lacks a comma", True),
    (r"unexpected end of stream", "the text that begins here is not closed with a quote", True),
    (
        r"mapping values are not allowed",
        "this ':' is unexpected; indent as above, or put the text in quotes",
        False,
    ),
    (r"expected <block end>", "this line is not indented like the ones it belongs to", False),
    (r"could not find expected ':'", "this line is neither `key: value` nor part of a list", True),
    (r"character '(.)'", r"text that begins with \1 needs quotes", False),
    (r"found '<stream end>'", "the text ends too early; is something not closed, or behind a # ?", False),
    (r"undefined alias", "this alias (*) has no anchor (&) before it", False),
    (r"another document", "a file holds one preset; here a second one begins", False),
)


def _syntax_message(source: Source, error: MarkedYAMLError) -> str:
    problem = error.problem or error.context or "it cannot be read"
    text, at_start = f"this is not valid YAML: {' '.join(problem.split())}", False
    for pattern, words, begins in _SYNTAX:
        if match := re.search(pattern, problem):
            text, at_start = match.expand(words), begins
            break
    marks = (error.context_mark if at_start else None, error.problem_mark, error.context_mark)
    mark = next((mark for mark in marks if mark is not None), None)
    if mark is None:
        return f"{source.name}: {text}"
    return source.pointed(Span(mark.line, mark.column, 1), text)


def _similar(file: Path) -> str:
    names = [path.name for pattern in ("*.yaml", "*.yml") for path in file.parent.glob(pattern)]
    near = nearest(file.name, names)
    return f"; did you mean {file.with_name(near)}?" if near else ""
