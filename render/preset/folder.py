"""The folder that relative files start from, while a preset is being read or changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDER: ContextVar[Path | None] = ContextVar("preset_folder", default=None)


def current_folder() -> Path:
    """The folder of the preset that is being validated; elsewhere the working directory."""
    return _FOLDER.get() or Path.cwd()


@contextmanager
def reading_in(folder: Path) -> Iterator[None]:
    """Within the block, relative files start from `folder`."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)
