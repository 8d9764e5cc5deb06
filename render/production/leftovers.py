"""What interrupted renders left behind: work folders, and files that never got their names."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from render.encoding.claim import parts_of, writable
from render.errors import EncodingError, WorkError
from render.production.manifest import Plan
from render.production.workfolder import PLAN, SUFFIX, Store, held


@dataclass(frozen=True)
class Leftover:
    """A work folder that nobody is at, and what lies beside it for the same output.

    parts               files and folders that would have become the output. Only the work folder says that
                        they are ours: other programs have files of such names, too
    segments, finished  of all renders in it
    changed             when something in it was written last, seconds since 1970
    """

    folder: Path
    parts: tuple[Path, ...]
    segments: int
    finished: int
    bytes: int
    changed: float

    @property
    def age_seconds(self) -> float:
        """How long nothing was written to it; 0 where the clock was set back since."""
        return max(0.0, time.time() - self.changed)

    @property
    def place(self) -> Path:
        """What people are shown of it."""
        return self.folder if self.segments or not self.parts else self.parts[0]

    @property
    def output(self) -> Path:
        """The file that it was for."""
        return output_of(self.folder)

    def remove(self) -> None:
        """Remove it, unless a render has begun to use it. Raises WorkError or EncodingError."""
        with held([self.output]), writable(self.output):
            for part in self.parts:
                if part.is_dir():
                    shutil.rmtree(part)
                else:
                    part.unlink(missing_ok=True)
            Store(self.folder / "any", Plan({}, {}, 0, 0, 0, 0)).remove()


def find(folder: Path) -> Iterator[Leftover]:
    """The leftovers in a folder and below it."""
    for path in sorted(folder.rglob(f".*{SUFFIX}")):
        if path.is_dir() and not path.is_symlink() and (found := _examined(path)):
            yield found


def output_of(folder: Path) -> Path:
    """The file that a work folder is for."""
    return folder.with_name(folder.name.removeprefix(".").removesuffix(SUFFIX))


def _examined(path: Path) -> Leftover | None:
    output = output_of(path)
    parts = tuple(parts_of(output))
    entries = [entry for each in (path, *parts) for entry in (each, *each.rglob("*")) if entry.is_file()]
    status = [entry.stat() for entry in entries]
    plans = [plan for entry in entries if entry.name == PLAN and (plan := Plan.load(entry))]
    found = Leftover(
        folder=path,
        parts=parts,
        segments=sum(plan.segments for plan in plans),
        finished=sum(entry.suffix == ".json" and entry.stem.isdigit() for entry in entries),
        bytes=sum(each.st_size for each in status),
        changed=max((each.st_mtime for each in status), default=path.stat().st_mtime),
    )
    try:
        with held([output]):
            # A folder with nothing but a lock goes by itself.
            return found if parts or any(entry.is_dir() for entry in path.iterdir()) else None
    except (WorkError, EncodingError):
        return None
