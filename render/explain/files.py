"""Reports on the disk: a page or a picture by the file's extension, whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from render.encoding.claim import claim
from render.errors import EncodingError
from render.explain.page import page_text
from render.explain.poster import draw_poster
from render.explain.sections import Report
from render.picture_files import SUFFIXES, picture_file

PAGES = (".html", ".htm")


@contextmanager
def report_file(path: str | Path) -> Iterator[Callable[[Report], None]]:
    """Claim `path` before something slow is measured; gives the function that writes the report there.

    Raises EncodingError: the extension is of no kind of report, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in PAGES:
        with text_file(path) as write:
            yield lambda report: write(page_text(report))
    elif suffix in SUFFIXES:
        with picture_file(path) as write:
            yield lambda report: write(draw_poster(report))
    else:
        found = f"unknown extension '{path.suffix}'" if path.suffix else "the name has no extension"
        raise EncodingError(
            f"{path}: {found}; a report is a page, .html, or a picture: {', '.join(SUFFIXES)}"
        )


@contextmanager
def text_file(path: str | Path) -> Iterator[Callable[[str], None]]:
    """The same for a text."""
    path = Path(path)
    part = claim(path)

    def write(text: str) -> None:
        try:
            part.write_text(text, encoding="utf-8")
            os.replace(part, path)
        except OSError as error:
            raise EncodingError(f"{path}: cannot be written: {error.strerror or error}") from None

    try:
        yield write
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
