"""The report as one HTML file with its pictures inside: no scripts, nothing fetched, light or dark."""

from __future__ import annotations

import base64
import io
import re
from functools import singledispatch
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from render.explain.sections import Chart, Report, Section, Sheet, Table, Trial

STYLE = Path(__file__).with_suffix(".css")
QUALITY = 90  # of the pictures in sheets; charts are stored as they are
# Whatever a network's name may hold: the page shows its own pictures and styles, and loads nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page_text(report: Report) -> str:
    """The page as text."""
    title = f"From {report.names[0]} to {report.names[1]}"
    a, b = map(escape, report.names)
    sentences = "\n".join(f"<li>{escape(sentence)}</li>" for sentence in report.summary)
    sections = "\n".join(_section(section) for section in report.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<h1><span>From</span> {a} <span>to</span> {b}<span>: what fine-tuning did</span></h1>
<ul class="summary">
{sentences}
</ul>
{sections}
<footer>{escape(report.measured)} Made by <code>blendreel explain</code>.</footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    parts = "\n".join(_part(part) for part in section.parts)
    return f"""<section>
<h2>{escape(section.title)}</h2>
<p class="reading">{_marked(section.reading)}</p>
{parts}
</section>"""


def _marked(text: str) -> str:
    """Words between backquotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


@singledispatch
def _part(part: object) -> str:
    raise TypeError(f"no way to show {type(part).__name__}")


@_part.register
def _chart(part: Chart) -> str:
    width, height = part.picture.size
    return (
        f'<div class="wide"><img class="chart" width="{width}" height="{height}" alt="{escape(part.words)}" '
        f'src="{_address(part.picture, "PNG", optimize=True)}"></div>'
    )


@_part.register
def _sheet(part: Sheet) -> str:
    head = "".join(
        f'<th scope="col"{" class=mark" if at in part.marks else ""}>{escape(label)}</th>'
        for at, label in enumerate(part.columns)
    )
    rows = "\n".join(
        f'<tr><th scope="row" class="row">{escape(label)}</th>'
        + "".join(
            f"<td>{_picture(picture, f'{label}, {column}')}</td>"
            for picture, column in zip(row, part.columns, strict=True)
        )
        + "</tr>"
        for label, row in zip(part.rows, part.pictures, strict=True)
    )
    return f"""<div class="wide"><table class="sheet">
<thead><tr><td class="row"></td>{head}</tr></thead>
<tbody>
{rows}
</tbody></table></div>"""


@_part.register
def _trial(part: Trial) -> str:
    pictures = "".join(_picture(picture, part.setting) for picture in part.pictures)
    return f"""<div class="try"><code>{escape(part.setting)}</code>
<p>{escape(part.reason)}</p>
<div class="tries">{pictures}</div></div>"""


@_part.register
def _table(part: Table) -> str:
    head, *rows = part.rows
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"""<div class="wide"><table class="numbers">
<thead><tr>{cells}</tr></thead>
<tbody>
{body}
</tbody></table></div>"""


def _picture(picture: np.ndarray, words: str) -> str:
    height, width = picture.shape[:2]
    address = _address(Image.fromarray(picture), "WEBP", quality=QUALITY)
    return f'<img width="{width}" height="{height}" alt="{escape(words)}" src="{address}">'


def _address(picture: Image.Image, kind: str, **how: object) -> str:
    """A picture as a data: address."""
    stream = io.BytesIO()
    picture.save(stream, format=kind, **how)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
