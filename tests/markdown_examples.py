"""Presets in Markdown pages: examples that load, and wrong ones with the message each gets.

A fenced block is one of these, by the words behind its fence:

* `yaml`: an example; without `models` and `clip` the page's standard.yaml completes it, as `extends` does
* `yaml wrong`: one that is refused; `yaml warns`: one with warnings; the next `text` block has the words
* `sh`: a command for the example above it, whose `--set`s are used
* `yaml NAME`, `text NAME`: a file beside the examples that follow
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from render.errors import PresetError
from render.preset import Preset

STANDARD = "standard.yaml"
_FENCE = re.compile(r"^```(\w*) *(\S*)$")
_MARKS = ("", "wrong", "warns")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind the fence, its text, its first line, and the heading above it."""

    language: str
    mark: str
    text: str
    line: int
    heading: str


@dataclass(frozen=True)
class Example:
    """A preset of a page.

    Attributes:
        mark: empty, `wrong` or `warns`.
        overrides: what --set gives.
        words: the message or the warnings that the page shows.
        files: the page's files, by their names.
    """

    name: str
    mark: str
    text: str
    overrides: tuple[str, ...]
    words: str
    files: dict[str, str]

    def load(self, folder: Path) -> Preset:
        """The preset, read as preset.yaml from `folder`, which must be the working directory."""
        for name, text in self.files.items():
            (folder / name).write_text(text)
        keys = set(re.findall(r"^(models|clip|extends):", self.text, re.MULTILINE))
        complete = "extends" in keys or {"models", "clip"} <= keys
        # at the end, so that messages count the lines that a reader sees
        end = "" if complete or STANDARD not in self.files else f"extends: {STANDARD}\n"
        (folder / "preset.yaml").write_text(self.text + end)
        return Preset.load("preset.yaml", self.overrides)

    def message(self, folder: Path) -> str:
        """What is said of a wrong one; an empty text if nothing is wrong with it."""
        try:
            self.load(folder)
        except PresetError as error:
            return f"{error}\n"
        return ""


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    heading, opened, lines, start = "", None, [], 0
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is not None and line == "```":
            yield Block(*opened.groups(), "".join(f"{each}\n" for each in lines), start, heading)
            opened = None
        elif opened is not None:
            lines.append(line)
        elif fence is not None:
            opened, lines, start = fence, [], number
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    assert opened is None, f"{page.name}:{start}: this block has no end"


def examples_of(page: Path) -> list[Example]:
    """The presets of a page, in order."""
    examples: list[Example] = []
    files: dict[str, str] = {}
    for block in blocks_of(page):
        if block.mark not in _MARKS:
            files[block.mark] = block.text
        elif block.language == "yaml":
            name = f"{page.stem}:{block.line} {block.heading}"
            examples.append(Example(name, block.mark, block.text, (), "", dict(files)))
        elif block.language == "text" and examples and examples[-1].mark and not examples[-1].words:
            examples[-1] = replace(examples[-1], words=block.text)
        elif block.language == "sh" and examples:
            examples[-1] = replace(examples[-1], overrides=(*examples[-1].overrides, *_settings(block.text)))
    return examples


def _settings(command: str) -> list[str]:
    words = shlex.split(command, comments=True)
    return [after for word, after in pairwise(words) if word == "--set"]
