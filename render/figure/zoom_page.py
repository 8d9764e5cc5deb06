"""The page that shows a pyramid: OpenSeadragon beside it, and the axes' words kept in sight. No network.

OpenSeadragon 6.1.1, under the BSD 3-clause licence: viewer/OPENSEADRAGON-LICENSE.txt, which goes with it.
"""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

from render.deepzoom import FORMAT, NAME, OVERLAP, PAGE, TILE
from render.figure.axes import Axis
from render.figure.layout import GAP, GridLayout

VIEWER = Path(__file__).resolve().parent.parent / "viewer"
BESIDE = ("openseadragon.min.js", "OPENSEADRAGON-LICENSE.txt")


def write_page(folder: Path, layout: GridLayout) -> Path:
    """Write the page of the pyramid in `folder`, and what it needs; returns its path."""
    width, height = layout.inner
    places = [axis.place for axis in (layout.columns, layout.rows) if axis]
    grid = {
        "x": _words(layout.columns),
        "y": _words(layout.rows),
        "cell": layout.cell,
        "gap": GAP,
        "image": {
            # Inside the page: a page opened from the disk may not read a file beside it.
            "Image": {
                "xmlns": "http://schemas.microsoft.com/deepzoom/2008",
                "Url": f"{NAME}_files/",
                "Format": FORMAT,
                "Overlap": str(OVERLAP),
                "TileSize": str(TILE),
                "Size": {"Width": str(width), "Height": str(height)},
            }
        },
    }
    page = (VIEWER / "zoom.html").read_text(encoding="utf-8")
    data = json.dumps(grid, ensure_ascii=False).replace("<", "\\u003c")  # no label ends the script
    page = page.replace("{{title}}", html.escape(" × ".join(places))).replace("{{grid}}", data)
    path = folder / PAGE
    path.write_text(page, encoding="utf-8")
    for name in BESIDE:
        shutil.copyfile(VIEWER / name, folder / name)
    return path


def _words(axis: Axis | None) -> dict[str, object]:
    return {"place": axis.place, "labels": axis.labels} if axis else {"place": "", "labels": [""]}
