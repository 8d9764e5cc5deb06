"""Broken presets get exactly the messages that tests/broken_presets.md shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_examples import examples_of

EXAMPLES = examples_of(Path(__file__).parent / "broken_presets.md")


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_the_message_is_the_one_shown(example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert example.mark == "wrong"
    assert example.message(tmp_path) == example.words


def test_the_page_is_long_and_every_message_has_its_place() -> None:
    assert len(EXAMPLES) >= 30
    for example in EXAMPLES:
        assert example.words.startswith(("preset.yaml:", "--set ", *(f"{name}:" for name in example.files)))
        assert all(len(line) < 220 for line in example.words.splitlines()), "messages are one sentence"
