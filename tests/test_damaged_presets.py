"""Damaged presets: whatever happens to a text, there is a preset or a message, never another exception."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from render.errors import PresetError
from render.preset import Preset

SHIPPED = sorted((Path(__file__).parent.parent / "presets").glob("*.yaml"))
SCRAPS = ["[", "]", "{", "}", ":", ",", "- ", "&a ", "*a", "!", "!!set ", "|", ">", "%", "@", "`", "'", '"',
          "\t", "\x00", "\x85", "\ufeff", "é", "~", "null", ".nan", "-.inf", "0x", "1e999", "=", "=t", "end",
          "%YAML 9.9\n", "---\n", "...\n", "? ", "<<: ", "\r", "#", "2026-11-01", "0o9", "1_0",
          "extends: x\n"]  # fmt: skip


CHILD = """\
extends: sub/base.yaml
# mine
models: {own: own.pkl, portrait: p.pkl}
clip: {fps: 12, bpm: null}
blend: {swap: 32, width: 1, weight: null}
panels: {scale: 3}
"""


def damaged(text: str, chance: random.Random) -> str:
    """The text with up to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        lines, at = text.splitlines(keepends=True), chance.randrange(len(text) + 1)
        line, other = chance.randrange(len(lines) or 1), chance.randrange(len(lines) or 1)
        to = min(len(text), at + chance.randint(1, 12))
        match chance.randrange(7):
            case 0:
                text = text[:at] + chance.choice(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:at] + text[at:to] * 3 + text[to:]
            case 3 if lines:
                lines[line], lines[other] = lines[other], lines[line]
                text = "".join(lines)
            case 4 if lines:
                text = "".join([*lines[:line], *lines[line + 1 :]])
            case 5 if lines:
                text = "".join([*lines[:line], "  " + lines[line], *lines[line + 1 :]])
            case _:
                text = text[:at] + chr(chance.choice([0, 7, 27, 128, 8232, 55296, 65534, 120000])) + text[at:]
    return text


def outcome(read: Callable[..., Preset], *arguments: Any) -> Preset | str:
    """The preset, or the message that says why there is none."""
    try:
        return read(*arguments)
    except PresetError as error:
        return str(error)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_damaged_text_gets_a_preset_or_a_message(path: Path) -> None:
    chance, kinds = random.Random(path.stem), set()
    read = partial(Preset.from_yaml, base_dir=path.parent)  # where its sounds lie
    for _ in range(80):
        text = damaged(path.read_text(), chance)
        one = outcome(read, text, "p.yaml")
        kinds.add(type(one))
        if isinstance(one, str):
            assert one.startswith("p.yaml"), text
            assert ": " in one, text
        else:
            assert one.to_yaml() == text
            edited = one.replace(truncation=0.25)
            assert read(edited.to_yaml()) == edited, text
    assert kinds == {str, Preset}


def test_damaged_bytes_get_a_preset_or_a_message(tmp_path: Path) -> None:
    chance, file = random.Random(1), tmp_path / "p.yaml"
    raw = SHIPPED[0].read_bytes()
    for _ in range(80):
        broken = bytearray(raw)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        file.write_bytes(bytes(broken))
        one = outcome(Preset.load, file)
        assert isinstance(one, Preset) or one.startswith(str(file))


def test_damaged_overrides_get_a_preset_or_a_message() -> None:
    chance = random.Random(2)
    good = [
        "blend.swap=32",
        "outputs[0].fps=12",
        "latents={seeds: [1, 2]}",
        'models."a.b".file=x',
        "panels.scale=2",
    ]
    for _ in range(200):
        override = damaged(chance.choice(good), chance)
        one = outcome(Preset.load, "hello", [override])
        assert isinstance(one, Preset) or len(one) > 20, override


def test_damaged_bases_get_a_preset_or_a_message(tmp_path: Path) -> None:
    chance = random.Random(3)
    (tmp_path / "sub").mkdir()
    child, base = tmp_path / "child.yaml", tmp_path / "sub" / "base.yaml"
    for _ in range(80):
        base.write_text(damaged(SHIPPED[0].read_text(), chance), encoding="utf-8", errors="replace")
        child.write_text(damaged(CHILD, chance), encoding="utf-8", errors="replace")
        one = outcome(Preset.load, child)
        if isinstance(one, Preset):
            assert Preset.from_yaml(one.to_yaml(), base_dir=tmp_path) == one
        else:
            assert one.startswith(str(tmp_path)), one
