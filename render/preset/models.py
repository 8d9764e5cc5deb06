"""The section `models`: names for networks, and where each comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from render.reach import placed
from render.timeline import nearest

from .mistakes import Mistake, Place
from .part import Part
from .values import Checksum, Text

WEB_KINDS = ("catalogue:", "https:", "http:", "hf:")
SOURCE_KINDS = ("sample:", *WEB_KINDS)


class ModelSource(Part):
    """Where a model comes from: one checkpoint (`file`), or all snapshots of a training run (`snapshots`)."""

    section: ClassVar[Place] = ("models",)
    shorthand: ClassVar[str | None] = "file"
    example: ClassVar[str] = "sample:portrait or {snapshots: runs/ukiyoe}"

    file: Text | None = Field(
        default=None,
        description="A path, sample:NAME, catalogue:NAME, an https URL or hf://owner/repo/file.",
    )
    snapshots: Text | None = Field(
        default=None,
        description="The snapshots of a training run: a folder, a pattern such as run/*.pkl, or sample:NAME.",
    )
    sha256: Checksum | None = Field(
        default=None, description="The sha256 of the file, 64 hex digits; another file is refused."
    )

    def conflicts(self) -> list[Mistake]:
        given = [name for name in ("file", "snapshots") if getattr(self, name) is not None]
        if len(given) != 1:
            return [Mistake((), f"give file or snapshots{', not both' if given else ''}")]
        place = () if given == ["file"] and self.sha256 is None else (given[0],)
        kind = re.match(r"[A-Za-z][\w+.-]+:(?!\\)", self.source)
        if kind and kind[0] not in SOURCE_KINDS:
            near = nearest(kind[0], SOURCE_KINDS)
            hint = f"did you mean {near}?" if near else f"known: {', '.join(SOURCE_KINDS)}, or a path"
            return [Mistake(place, f"unknown kind of source {kind[0]!r}; {hint}")]
        if self.is_series and self.sha256 is not None:
            return [Mistake(("sha256",), "is that of one file; a series of snapshots has many", at_key=True)]
        return []

    @property
    def source(self) -> str:
        """The source as written."""
        return self.file or self.snapshots or ""

    @property
    def is_series(self) -> bool:
        """Whether it is a series of snapshots."""
        return self.snapshots is not None

    def resolved(self, base_dir: Path) -> str:
        """The source with a relative path turned into one from `base_dir`; names and URLs stay."""
        if self.source.startswith(SOURCE_KINDS):
            return self.source
        return str(placed(base_dir, self.source))
