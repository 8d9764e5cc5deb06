"""Work folders that interrupted renders left behind: what is in them, and how old they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from render.errors import EncodingError, WorkError
from render.production.manifest import Plan
from render.production.workfolder import PLAN, SUFFIX, Store, held


@dataclass(frozen=True)
class Leftover:
    """A work folder that nobody is at.

    segments, finished  of all renders in it
    changed             when something in it was written last, seconds since 1970
    """

    folder: Path
    segments: int
    finished: int
    bytes: int
    changed: float

    @property
    def age_seconds(self) -> float:
        """How long nothing was written to it; 0 where the clock was set back since."""
        return max(0.0, time.time() - self.changed)

    @property
    def output(self) -> Path:
        """The file that it was for."""
        return self.folder.with_name(self.folder.name.removeprefix(".").removesuffix(SUFFIX))

    def remove(self) -> None:
        """Remove it, unless a render has begun to use it. Raises WorkError or EncodingError."""
        with held([self.output]):
            Store(self.folder / "any", Plan({}, {}, 0, 0, 0, 0)).remove()


def find(folder: Path) -> Iterator[Leftover]:
    """The leftovers in a folder and below it."""
    for path in sorted(folder.rglob(f".*{SUFFIX}")):
        if path.is_dir() and not path.is_symlink() and (found := _examined(path)):
            yield found


def _examined(path: Path) -> Leftover | None:
    entries = [(entry, entry.stat()) for entry in path.rglob("*") if entry.is_file()]
    plans = [plan for entry, _ in entries if entry.name == PLAN and (plan := Plan.load(entry))]
    found = Leftover(
        folder=path,
        segments=sum(plan.segments for plan in plans),
        finished=sum(entry.suffix == ".json" and entry.stem.isdigit() for entry, _ in entries),
        bytes=sum(status.st_size for _, status in entries),
        changed=max((status.st_mtime for _, status in entries), default=path.stat().st_mtime),
    )
    try:
        with held([found.output]):
            # A folder with nothing but a lock goes by itself.
            return found if any(entry.is_dir() for entry in path.iterdir()) else None
    except (WorkError, EncodingError):
        return None
