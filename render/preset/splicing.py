"""A YAML text with other data in it: what stays equal keeps its text, letter by letter, with all comments.

The text is composed to nodes, the nodes are compared with the wanted data, and only the places that differ
are cut out and written anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from render.errors import PresetError

from .reader import Tree, built, compose, read_text
from .source import Page
from .writer import entry_text, flow_text, fresh_text, kept


def spliced(text: str, wanted: dict[str, Any]) -> str:
    """The text of a preset, changed where it must be to say `wanted`.

    Where that cannot be done (say, inside of anchors and aliases), all is written anew, without comments.
    """
    page = Page("preset", text)
    tree = compose(page, text)
    data = built(page, tree).data
    if same(data, wanted):
        return text
    if not data.keys() & wanted.keys():
        return fresh_text(wanted)
    splicer = _Splicer(text, tree)
    splicer.change(tree.root, data, wanted)
    new = splicer.result()
    try:
        if same(read_text(new, "preset").data, wanted):
            return new
    except PresetError:
        pass
    return fresh_text(wanted)


def same(one: Any, other: Any) -> bool:
    """Whether two pieces of plain data are equal, and true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


class _Splicer:
    """Collects what to cut out of a text and what to write there."""

    def __init__(self, text: str, tree: Tree) -> None:
        self.text = text
        self.aliases = tree.aliases
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.cuts: list[tuple[int, int, str]] = []

    def result(self) -> str:
        """The text with all cuts made."""
        parts, at = [], 0
        for start, end, words in sorted(self.cuts, key=lambda cut: cut[:2]):  # of two at one place, the first
            parts += [self.text[at:start], words.replace("\n", self.newline)]
            at = max(at, end)
        return "".join([*parts, self.text[at:]])

    def change(self, node: Node, have: Any, wanted: Any, key: Node | None = None) -> None:
        """Make a node say what is wanted; `key`: the key that it is the value of."""
        if same(have, wanted):
            return
        is_shared = id(node) in self.aliases
        if isinstance(node, MappingNode) and isinstance(wanted, dict) and not is_shared:
            if have.keys() & wanted.keys():
                self._change_mapping(node, have, wanted)
                return
        elif isinstance(node, SequenceNode) and isinstance(wanted, list) and not is_shared:
            head, tail = kept(have, wanted, same)
            if head + tail and self._has_plain_items(node):
                self._change_items(node, have, wanted, head, tail)
                return
        self._replace(node, wanted, key)

    # --- mappings -------------------------------------------------------------------------------------------

    def _change_mapping(self, node: MappingNode, have: dict, wanted: dict) -> None:
        entries = [
            _Entry(key.value, key.start_mark.index, self._end(value, key)) for key, value in node.value
        ]
        for key, value in node.value:
            if key.value in wanted:
                self.change(value, have[key.value], wanted[key.value], key)
        self._remove([entry.key in wanted for entry in entries], entries, bool(node.flow_style))
        kept = {entry.key: entry for entry in entries if entry.key in wanted}
        anchor = None
        for key, value in wanted.items():
            if key in kept:
                anchor = kept[key]
            elif node.flow_style:
                self._add_in_flow(f"{flow_text(key)}: {flow_text(value)}", anchor, entries[0])
            else:
                self._add_lines(entry_text(key, value), anchor, entries[0])

    # --- lists ----------------------------------------------------------------------------------------------

    def _change_items(self, node: SequenceNode, have: list, wanted: list, head: int, tail: int) -> None:
        entries = []
        for item in node.value:
            start = item.start_mark.index
            start = start if node.flow_style else self.text.rindex("-", 0, start)
            entries.append(_Entry(None, start, self._end(item)))
        last = len(have) - tail
        for old, new in [
            *((i, i) for i in range(head)),
            *((last + i, len(wanted) - tail + i) for i in range(tail)),
        ]:
            self.change(node.value[old], have[old], wanted[new])
        self._remove(
            [index < head or index >= last for index in range(len(have))], entries, bool(node.flow_style)
        )
        for value in wanted[head : len(wanted) - tail]:
            anchor = entries[head - 1] if head else None
            if node.flow_style:
                self._add_in_flow(flow_text(value), anchor, entries[0])
            else:
                self._add_lines(f"- {flow_text(value)}", anchor, entries[0])

    def _has_plain_items(self, node: SequenceNode) -> bool:
        """Whether every item can be cut out by itself: in [ ], or each behind a dash on a line of its own."""
        return bool(node.flow_style) or all(
            self.text[self._line_start(item) : item.start_mark.index].strip() == "-" for item in node.value
        )

    def _line_start(self, node: Node) -> int:
        return self.text.rfind("\n", 0, node.start_mark.index) + 1

    # --- cuts -----------------------------------------------------------------------------------------------

    def _remove(self, keeps: list[bool], entries: list[_Entry], is_flow: bool) -> None:
        first = keeps.index(True)
        for index, entry in enumerate(entries):
            if keeps[index]:
                continue
            if index < first and (is_flow or self._indent(entry) is None):
                self.cuts.append((entry.start, entries[index + 1].start, ""))
            elif is_flow:
                self.cuts.append((entries[index - 1].end, entry.end, ""))
            else:
                self.cuts.append(
                    (entry.start - len(self._indent(entry) or ""), self._next_line(entry.end), "")
                )

    def _add_in_flow(self, words: str, anchor: _Entry | None, first: _Entry) -> None:
        at = first.start if anchor is None else anchor.end
        self.cuts.append((at, at, f"{words}, " if anchor is None else f", {words}"))

    def _add_lines(self, words: str, anchor: _Entry | None, first: _Entry) -> None:
        indent = self._indent(first)
        margin = " " * (first.start - self.text.rfind("\n", 0, first.start) - 1)
        lines = words.replace("\n", f"\n{margin}")
        if anchor is None and indent is None:  # the first key stands behind a dash
            self.cuts.append((first.start, first.start, f"{lines}\n{margin}"))
            return
        at = self._above(first) if anchor is None else self._next_line(anchor.end)
        begin = "" if at == 0 or self.text[at - 1] == "\n" else "\n"
        self.cuts.append((at, at, f"{begin}{margin}{lines}\n"))

    def _replace(self, node: Node, wanted: Any, key: Node | None) -> None:
        start, end, words = node.start_mark.index, self._end(node, key), flow_text(wanted)
        if key is not None and start >= end - 1 and _is_blank(node):
            start, words = end, f" {words}"
        elif key is not None and not isinstance(node, ScalarNode) and not node.flow_style:
            start = self._after_colon(key)
            between = self.text[start : node.start_mark.index]
            words = f" {words}{between.rstrip() if '#' in between else ''}"
        self.cuts.append((start, end, words))

    # --- places in the text ---------------------------------------------------------------------------------

    def _end(self, node: Node, key: Node | None = None) -> int:
        """Where a node ends: behind its last letter, and not behind the comments that follow."""
        if id(node) in self.aliases or isinstance(node, ScalarNode) or node.flow_style:
            if key is not None and _is_blank(node):
                return self._after_colon(key)
            start, end = node.start_mark.index, node.end_mark.index
            return start + len(self.text[start:end].rstrip())
        last = node.value[-1]
        return self._end(last[1], last[0]) if isinstance(last, tuple) else self._end(last)

    def _after_colon(self, key: Node) -> int:
        end = key.end_mark.index
        colon = re.compile(r"\s*:").match(self.text, end)
        return colon.end() if colon else end

    def _above(self, first: _Entry) -> int:
        """The start of the line of a first entry; inside a section, of the comments about it."""
        margin = self._indent(first) or ""
        at = first.start - len(margin)
        while margin and at:
            line = self.text.rfind("\n", 0, at - 1) + 1
            if not self.text[line:at].lstrip(" ").startswith("#"):
                break
            at = line
        return at

    def _next_line(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def _indent(self, entry: _Entry) -> str | None:
        """The blanks before an entry on its line; None if something else stands there."""
        before = self.text[self.text.rfind("\n", 0, entry.start) + 1 : entry.start]
        return None if before.strip() else before


@dataclass(frozen=True)
class _Entry:
    """A key with its value, or an item of a list: where it begins and ends in the text."""

    key: str | None
    start: int
    end: int


def _is_blank(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and str(node.tag).endswith(":null")
