"""What a paired data set says of itself: `dataset.json`, how it was made; `manifest.jsonl`, every pair."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from render.encoding.claim import fresh, part_of
from render.errors import EncodingError
from render.reach import within_reach

RECIPE, MANIFEST = "dataset.json", "manifest.jsonl"
LONG = ("layers", "weights", "preset")  # what of a recipe no message shows


def begin(out: Path, recipe: dict[str, Any]) -> None:
    """Write the recipe, or find that what is in the folder was made by it. Raises EncodingError, OSError."""
    path = within_reach(out / RECIPE, EncodingError)
    if out.exists() and not out.is_dir():
        raise EncodingError(f"{out}: is a file; name a folder")
    if not path.exists():
        others = sorted(each.name for each in out.iterdir()) if out.is_dir() else []
        if others:
            raise EncodingError(f"{out}: there are other things in this folder, such as {others[0]}")
    else:
        before = _read_recipe(path)
        wrong = [name for name in recipe if name != "count" and before.get(name) != recipe[name]]
        if wrong:
            was = "another preset" if wrong[0] in LONG else f"{wrong[0]} {before.get(wrong[0])}"
            raise EncodingError(f"{out}: these pairs were made with {was}; choose another folder")
        if recipe["count"] < before["count"]:
            raise EncodingError(
                f"{out}: this folder is for {before['count']} pairs; ask for as many, or more"
            )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, _indented(recipe).encode())


def _indented(recipe: dict[str, Any]) -> str:
    """JSON with a line for every key."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in recipe.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("count"), int):
            return found
    except (ValueError, RecursionError):
        pass
    raise EncodingError(f"{path}: is damaged; choose another folder")


class Manifest:
    """A line of JSON for each pair. A line that a broken call left unfinished is forgotten."""

    def __init__(self, path: Path):
        self.path = within_reach(path, EncodingError)
        self.rows: dict[str, dict[str, Any]] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in text.splitlines():
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                row = json.loads(line)
                if isinstance(row["key"], str):
                    self.rows[row["key"]] = row
        if text and text != self._text():
            self._save()

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add finished pairs."""
        in_order = not self.rows or next(reversed(self.rows)) < rows[0]["key"]
        self.rows |= {row["key"]: row for row in rows}
        if not in_order:
            self._save()
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(map(json_line, rows))

    def _save(self) -> None:
        self.rows = dict(sorted(self.rows.items()))
        write_whole(self.path, self._text().encode())

    def _text(self) -> str:
        return "".join(map(json_line, self.rows.values()))


def json_line(data: Any) -> str:
    """Data as a line of a manifest."""
    return json.dumps(data, ensure_ascii=False) + "\n"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that has its name only when it is whole."""
    part = part_of(path)
    try:
        fresh(part).write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
