"""Texts that are not YAML: what the parser says, put into words a writer of presets knows."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

from .source import Page, Span

# what ruamel.yaml says: (what we say, whether the place is where the thing begins rather than where it broke)
_WORDS: tuple[tuple[str, str, bool], ...] = (
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


def syntax_message(page: Page, error: MarkedYAMLError, indent: int = 0) -> str:
    """Where and why a text is not YAML; `indent`: how far its first line was moved to the right."""
    problem = error.problem or error.context or "it cannot be read"
    text, at_start = f"this is not valid YAML: {' '.join(problem.split())}", False
    for pattern, words, begins in _WORDS:
        if match := re.search(pattern, problem):
            text, at_start = match.expand(words), begins
            break
    marks = (error.context_mark if at_start else None, error.problem_mark, error.context_mark)
    mark = next((mark for mark in marks if mark is not None), None)
    if mark is None:
        return f"{page.name}: {text}"
    column = mark.column + (indent if mark.line == 0 else 0)
    line = page.lines[mark.line] if mark.line < len(page.lines) else ""
    if at_start and " #" in line[column:]:
        text += "; from a # on everything is a comment, unless it is in quotes"
    return Span(page, mark.line, column, 1).pointed(text)
