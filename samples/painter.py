"""Paints portraits in three styles from the same parameters: the training data of the sample models.

Everything is drawn with signed distances, straight at the resolution asked for, for a whole batch at once, on
any device. `python -m samples.painter --out sheet.png` shows what it does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from samples.painting import portrait, toon, ukiyoe
from samples.painting.canvas import Picture
from samples.painting.parameters import Parameters, sample_parameters

__all__ = ["STYLES", "Parameters", "contact_sheet", "masks", "paint", "sample_parameters"]

_COMPOSERS = {"portrait": portrait.compose, "ukiyoe": ukiyoe.compose, "toon": toon.compose}
STYLES = tuple(_COMPOSERS)


def _compose(parameters: Parameters, style: str, resolution: int) -> Picture:
    if style not in _COMPOSERS:
        raise ValueError(f"painter: unknown style {style!r}; choose one of {', '.join(STYLES)}")
    if resolution < 8:
        raise ValueError(f"painter: resolution {resolution} is too small; choose 8 or more")
    with torch.no_grad():
        return _COMPOSERS[style](parameters, resolution)


def paint(parameters: Parameters, style: str, resolution: int) -> Tensor:
    """Pictures float32 [N, 3, R, R] in [-1, 1], on the parameters' device.

    Raises ValueError for an unknown style or a resolution under 8.
    """
    return _compose(parameters, style, resolution).pixels * 2 - 1


def masks(parameters: Parameters, style: str, resolution: int) -> dict[str, Tensor]:
    """Where the visible "eyes", "mouth", "hair" and "face" are: soft masks [N, R, R] in [0, 1].

    The face is its skin and features without the hair that hangs before it. Raises as `paint` does.
    """
    picture = _compose(parameters, style, resolution)
    return {name: getattr(picture, name) for name in ("eyes", "mouth", "hair", "face")}


def contact_sheet(pictures: Tensor, columns: int, zoom: int = 1) -> Image.Image:
    """A pillow image of pictures [N, 3, R, R] in [-1, 1], `columns` a row, each pixel `zoom` wide."""
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    sheet = torch.full((rows * columns, 3, height, width), -1.0)
    sheet[:count] = pictures.cpu()
    sheet = sheet.view(rows, columns, 3, height, width).permute(0, 3, 1, 4, 2)
    data = (sheet.reshape(rows * height, columns * width, 3) * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    image = Image.fromarray(data.numpy())
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)


def main(arguments: list[str] | None = None) -> None:
    """Write a contact sheet: the same people in every style asked for, a block of rows per style."""
    parser = argparse.ArgumentParser(description="Paint a contact sheet of procedural portraits.")
    parser.add_argument("--style", choices=[*STYLES, "all"], default="all")
    parser.add_argument("--count", type=int, default=16, help="pictures per style")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--zoom", type=int, default=1, help="pixels of the sheet per painted pixel")
    parser.add_argument("--out", type=Path, default=Path("sheet.png"))
    options = parser.parse_args(arguments)
    if options.count < 1 or options.columns < 1 or options.zoom < 1:
        parser.error("--count, --columns and --zoom must be 1 or more")
    people = sample_parameters(options.count, options.seed)
    styles = STYLES if options.style == "all" else (options.style,)
    blank = -options.count % options.columns
    blocks = []
    for style in styles:
        pictures = paint(people, style, options.resolution)
        blocks.append(torch.nn.functional.pad(pictures, (0, 0, 0, 0, 0, 0, 0, blank), value=-1.0))
    contact_sheet(torch.cat(blocks), options.columns, options.zoom).save(options.out)
    print(f"{options.out}: {options.count} people in {', '.join(styles)} at {options.resolution} px")


if __name__ == "__main__":
    main()
