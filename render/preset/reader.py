"""YAML text to plain data that remembers where everything stands.

YAML 1.2 by ruamel.yaml: its composer gives a tree of nodes with marks, and the data is built from that tree,
so that every value has the line and column at which it is written.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from render.errors import PresetError

from .mistakes import Place, place_text
from .source import Page, Source, Span, printable
from .syntax import syntax_message

_MAX_BYTES = 1_000_000
_MAX_NODES = 20_000
_MAX_DEPTH = 40
_TYPED = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}
_STANDARD = "tag:yaml.org,2002:"
_SCALARS = _TYPED | {_STANDARD + name for name in ("str", "timestamp", "merge", "value")}
_COLLECTIONS = {_STANDARD + name for name in ("seq", "map")}
_HALF = "this text holds half of a character (\\ud800 to \\udfff); write the character itself"
_LARGE = "the preset is too large or nested too deeply"
_MERGE = _STANDARD + "merge"
_BLANKS = "\t\r\n\x85\u2028\u2029"  # those of them that end a line do so in YAML too
_SHAPE = "a preset is a mapping; it begins with lines such as `models:` and `clip:`"


def read_file(path: str | Path, name: str | None = None) -> Source:
    """The source in a file; `name` stands for it in messages.

    Raises:
        PresetError: one line that says why it cannot be read.
    """
    name = str(path) if name is None else name
    try:
        with Path(path).open("rb") as stream:  # whatever it is: a device has no size, and no end
            raw = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise PresetError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise PresetError(f"{name}: this is a folder; name a preset file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise PresetError(f"{name}: cannot be read: {reason.lower()}") from None
    if len(raw) > _MAX_BYTES:
        raise PresetError(f"{name}: too large for a preset (more than {_MAX_BYTES // 1_000_000} MB)")
    try:
        return read_text(raw.decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        raise PresetError(f"{name}: this is not a text file; a preset is YAML in UTF-8") from None


def read_text(text: str, name: str) -> Source:
    """The source in a text.

    Raises:
        PresetError: the text is not YAML, or not a mapping; the message points at the place.
    """
    page = Page(name, text)
    tree = compose(page, text)
    if tree.root is None:
        raise PresetError(f"{name}: the file is empty; {_SHAPE}")
    if not isinstance(tree.root, MappingNode):
        raise PresetError(_span(page, tree.root).pointed(_SHAPE))
    return built(page, tree)


def read_value(page: Page, indent: int) -> Source | None:
    """The source in a page from column `indent` on, of any shape; None if nothing is written there.

    Raises:
        PresetError: what is written there is not YAML; the message points at the place.
    """
    tree = compose(page, page.text[indent:], indent)
    return None if tree.root is None else built(page, tree, indent)


@dataclass(frozen=True)
class Tree:
    """The nodes of a text, as they stand in it.

    Attributes:
        aliases: the ids of nodes that stand for another one (`*name`).
    """

    root: Node | None
    aliases: frozenset[int]
    yaml: YAML


def compose(page: Page, text: str, indent: int = 0) -> Tree:
    """The nodes of a text on a page; `indent`: how many columns of the first line come before the text.

    Raises:
        PresetError: it is not YAML; the message points at the place.
    """
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _Composer
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        raise PresetError(syntax_message(page, error, indent)) from None
    except ReaderError as error:
        raise PresetError(_character_message(page, indent + error.position)) from None
    except (KeyError, AssertionError):  # what a `%YAML 1.7` meets in ruamel.yaml
        line = next((number for number, line in enumerate(page.lines) if line.startswith("%YAML")), 0)
        message = Span(page, line, 0, 1).pointed("a preset is YAML 1.2; leave this line out")
        raise PresetError(message) from None
    except _TooLargeError as error:
        raise PresetError(_span(page, error.node, indent).pointed(_LARGE)) from None
    except (YAMLError, RecursionError) as error:
        raise PresetError(f"{page.name}: this is not valid YAML ({type(error).__name__})") from None
    return Tree(root, frozenset(map(id, yaml.composer.aliases)) if root is not None else frozenset(), yaml)


def _character_message(page: Page, position: int) -> str:
    """The message about the character at that position of a page, which no text has; � stands for it."""
    text = printable(page.text, _BLANKS)
    before = f"{text[:position]}�".splitlines()
    span = Span(Page(page.name, text, page.is_file), len(before) - 1, len(before[-1]) - 1, 1)
    return span.pointed(f"the character U+{ord(page.text[position]):04X} does not belong in a text file")


def built(page: Page, tree: Tree, indent: int = 0) -> Source:
    """The data of the nodes, with all spans."""
    source = Source((page,))
    _Builder(source, tree, indent).build(tree.root)
    return source


class _TooLargeError(Exception):
    """A text has more nodes, or deeper ones, than a preset has; `node` is the first of them."""

    def __init__(self, node: Any) -> None:
        super().__init__(_LARGE)
        self.node = node


class _Composer(Composer):
    """Gives every alias (`*name`) a node of its own, which lies where the alias is written."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.aliases: list[Node] = []
        self.count = self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Node:
        event = self.parser.peek_event() if self.parser.check_event(AliasEvent) else None
        self.count += 1
        self.depth += 1
        if self.count > _MAX_NODES or self.depth > 2 * _MAX_DEPTH:  # before more time goes into them
            raise _TooLargeError(self.parser.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        if event is None:
            return node
        alias = copy(node)  # shares its content with the anchor, which may not be complete yet
        alias.start_mark, alias.end_mark = event.start_mark, event.end_mark
        self.aliases.append(alias)
        return alias


class _Builder:
    """Walks the nodes once: makes the data and notes every span."""

    def __init__(self, source: Source, tree: Tree, indent: int) -> None:
        self.source = source
        self.constructor = tree.yaml.constructor
        self.aliases = tree.aliases
        self.indent = indent
        self.alias: Span | None = None  # while inside one, everything is said to stand there
        self.count = 0

    def build(self, root: Node) -> None:
        self.source.data = self._value(root, (), 0)

    def _span(self, node: Node) -> Span:
        return self.alias or _span(self.source.pages[0], node, self.indent)

    def _value(self, node: Node, place: Place, depth: int) -> Any:
        outermost = self.alias is None and id(node) in self.aliases
        if outermost:
            self.alias = self._span(node)
        try:
            return self._content(node, place, depth)
        finally:
            if outermost:
                self.alias = None

    def _content(self, node: Node, place: Place, depth: int) -> Any:
        self.count += 1
        if self.count > _MAX_NODES or depth > _MAX_DEPTH:  # aliases can make a small text endless
            raise PresetError(self._span(node).pointed(_LARGE))
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
            if not _is_whole(key):
                self._note(key_node, place, _HALF)
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
        if isinstance(node.value, str) and not _is_whole(node.value):
            self._note(node, place, _HALF)
            return node.value.encode(errors="replace").decode()
        return node.value  # dates too stay the text they are


def _is_whole(text: str) -> bool:
    """Whether it can be written: `"\\ud800"` in quotes is half of a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_blank(node: Node) -> bool:
    return node.value == "" and str(node.tag).endswith(":null")


def _span(page: Page, node: Node, indent: int = 0) -> Span:
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Span(page, start.line, start.column + (0 if start.line else indent), max(1, length))
