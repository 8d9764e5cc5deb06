"""The folder beside an output where its segments lie until the film is whole, and the lock that guards both.

.film.mp4.segments/
    lock, lock.json         held by the process that renders film.mp4; who that is
    shard-2-of-8, ….json    the same for a part of it
    opening                 held for a moment by whoever begins
    3f9a12c40b7d/           one render: a preset with its outputs and options
        plan.json
        00000.json          segment 0 is finished, and these are its files:
        00000-0.nut         the piece of the first output
        00000-25.mkv        frames at 25 a second, without loss, for files that can't be made of pieces
        00001.x7f3k.part/   segment 1 is under way
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from render.encoding.claim import settle, writable
from render.errors import WorkError
from render.production.manifest import Plan, SegmentRecord
from render.reach import current_sandbox

if TYPE_CHECKING:
    from filelock import BaseFileLock

SUFFIX = ".segments"
PLAN = "plan.json"
_LOCK, _SHARD, _OWNER, _OPENING = "lock", "shard-", ".json", "opening"
_PATIENCE = 60  # seconds, for what takes milliseconds
_PART = ".part"
_NAME_DIGITS = 12
_PAUSES = (0.02, 0.1, 0.5, 0)  # seconds

Notify = Callable[[str], None]


def work_folder(output: Path) -> Path:
    """Where the segments of an output lie."""
    return output.absolute().with_name(f".{output.name}{SUFFIX}")


@contextmanager
def held(outputs: Iterable[Path], shard: str = "") -> Iterator[None]:
    """Keep everybody else from rendering these outputs. Folders without a finished segment go at the end.

    shard  a name such as `2-of-8`: several may be at the same outputs then, each with a name of its own, but
           all of so many

    Raises WorkError: another process is at one of them; EncodingError: its folder cannot be written.
    """
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(_held(output, work_folder(output), shard))
        yield


@contextmanager
def _held(output: Path, folder: Path, shard: str) -> Iterator[None]:
    with writable(output):
        if folder.is_symlink():  # not ours: nothing is written through a link
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
    name = f"{_SHARD}{shard}" if shard else _LOCK
    with _locked(output, folder / name):
        with _opening(output, folder):  # for whoever looks whether a lock is held holds it meanwhile
            for other in _rivals(folder, shard):
                with _locked(output, other):
                    pass
        try:
            yield
        finally:
            for entry in () if shard else [*folder.iterdir()]:  # begun, and nothing there to go on with
                if entry.is_symlink() or (entry.is_dir() and not _has_segments(entry)):
                    _remove(entry)
            if {entry.name for entry in folder.iterdir()} <= {name, name + _OWNER, _OPENING}:
                _remove(folder)


def _rivals(folder: Path, shard: str) -> list[Path]:
    """The locks of those that may not be at it, too.

    Whoever renders all of it waits for nobody's shard, and a shard for nobody who renders all of it. Shards
    of another number have other segments, and would take ours for those of killed processes.
    """
    shards = [path for path in sorted(folder.glob(f"{_SHARD}*")) if path.suffix != _OWNER]
    if not shard:
        return shards
    count = shard.partition("-of-")[2]
    return [folder / _LOCK, *(path for path in shards if path.name.partition("-of-")[2] != count)]


@contextmanager
def _opening(output: Path, folder: Path) -> Iterator[None]:
    """Wait until nobody else is at the beginning of a render of that output."""
    lock = _acquired(
        output, folder / _OPENING, _PATIENCE, lambda: f"another process has been opening it for {_PATIENCE} s"
    )
    try:
        yield
    finally:
        lock.release()


def _acquired(output: Path, path: Path, patience: float, complaint: Callable[[], str]) -> BaseFileLock:
    """A lock that is ours now. Raises WorkError with the complaint where it is not, after so many seconds."""
    import filelock

    lock = filelock.FileLock(path, timeout=patience)
    with writable(output):
        try:
            lock.acquire()
        except filelock.Timeout:
            raise WorkError(f"{output}: {complaint()}") from None
    return lock


@contextmanager
def _locked(output: Path, path: Path) -> Iterator[None]:
    """Hold a lock that the system takes back from a process that dies; its file goes at the end."""
    owner = path.with_name(path.name + _OWNER)
    lock = _acquired(output, path, 0, lambda: f"is being rendered already, by {_who(owner)}")
    try:
        with writable(output):
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            who = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
            # Straight to its name: another file on the way would stay if this is killed. Half is no name.
            owner.write_text(json.dumps(who), encoding="utf-8")
        yield
    finally:
        for entry in (owner, path):
            with suppress(OSError):
                entry.unlink()
        lock.release()


def _who(owner: Path) -> str:
    try:
        data = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {data['pid']} on {data['host']} since {data['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


@dataclass(frozen=True)
class Store:
    """The segments of one render, on the disk."""

    folder: Path
    plan: Plan

    @classmethod
    def open(cls, output: Path, plan: Plan, fresh: bool = False) -> Store:
        """The segments of `plan` that lie beside `output`; none where there are none, or with `fresh`.

        In a sandbox nothing is trusted that lies there already.

        Raises WorkError: files that the preset names have changed since; EncodingError.
        """
        folder = work_folder(output) / plan.identity[:_NAME_DIGITS]
        with writable(output):
            folder.parent.mkdir(parents=True, exist_ok=True)
        with _opening(output, folder.parent):  # shards may begin at one moment
            return cls._open(output, folder, plan, fresh)

    @classmethod
    def _open(cls, output: Path, folder: Path, plan: Plan, fresh: bool) -> Store:
        with writable(output):
            if fresh or current_sandbox() or folder.is_symlink():
                _remove(folder)
            folder.mkdir(parents=True, exist_ok=True)
            before = Plan.load(folder / PLAN)
            if before is None:
                for entry in folder.iterdir():  # nothing tells what they belong to
                    _remove(entry)
                plan.save(folder / PLAN)
                return cls(folder, plan)
        changed = _changed(before, plan)
        if changed and _has_segments(folder):
            raise WorkError(f"{output}: {changed}")
        if changed:
            with writable(output):
                plan.save(folder / PLAN)
            return cls(folder, plan)
        return cls(folder, before)

    def finished(self, number: int) -> SegmentRecord | None:
        """What is known of a finished segment; None where it is not finished, or a file is not as it was."""
        record = SegmentRecord.load(self._record_path(number))
        if record is None or record.number != number or record.identity != self.plan.identity:
            return None
        return record if record.is_whole(self.folder) else None

    @contextmanager
    def attempt(self, number: int) -> Iterator[Path]:
        """A folder of its own for a segment under way; it is gone after the block.

        An encoder that outlives a killed renderer goes on writing to that one's folder, not to this one.
        """
        with writable(self.folder):
            folder = Path(tempfile.mkdtemp(prefix=f"{number:05d}.", suffix=_PART, dir=self.folder))
        try:
            yield folder
        finally:
            _remove(folder)

    def keep(self, record: SegmentRecord, folder: Path) -> None:
        """Take the files of a finished segment out of its folder; it counts once its record lies here."""
        path = self._record_path(record.number)
        with writable(path):
            path.unlink(missing_ok=True)
            for name in record.pieces:
                settle(folder / name)
                os.replace(folder / name, self.folder / name)
            settle(self.folder)
            record.save(path)

    def sweep(self, numbers: Iterable[int]) -> None:
        """Remove what killed processes left half-done of segments that nobody else is at now."""
        for number in numbers:
            for entry in self.folder.glob(f"{number:05d}.*{_PART}"):
                _remove(entry)

    def remove(self) -> None:
        """Remove it, with all other renders of the same output."""
        for entry in self.folder.parent.iterdir():
            if entry.is_dir():
                _remove(entry)

    def others(self) -> list[Store]:
        """Segments of the same output from renders of another preset or other options."""
        found = []
        for path in sorted(self.folder.parent.glob(f"*/{PLAN}")):
            plan = Plan.load(path)
            if plan and path.parent != self.folder and _has_segments(path.parent):
                found.append(Store(path.parent, plan))
        return found

    def _record_path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.json"


def _remove(entry: Path) -> None:
    """Remove a file or a folder, if it is there; of a link, the link."""
    if entry.is_symlink() or not entry.is_dir():
        entry.unlink(missing_ok=True)
        return
    for pause in _PAUSES:  # an encoder that has just lost its renderer may still begin a file in it
        shutil.rmtree(entry, ignore_errors=True)
        if not entry.exists():
            return
        time.sleep(pause)


def _has_segments(folder: Path) -> bool:
    return any(entry.stem.isdigit() for entry in folder.glob("*.json"))


def _changed(before: Plan, now: Plan) -> str:
    """Which files are other ones than when the render began; nothing if none is."""
    changes = [
        f"{place} had the sha256 {_short(before.files.get(place))} when this render began, and has "
        f"{_short(now.files.get(place))} now"
        for place in dict.fromkeys([*before.files, *now.files])
        if before.files.get(place) != now.files.get(place)
    ]
    if not changes:
        return ""
    return "; ".join(changes) + ". Put the old file back, or start over with --fresh"


def _short(digest: str | None) -> str:
    return f"{digest[:16]}…" if digest else "none (no such file)"
