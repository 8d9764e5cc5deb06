"""The pictures of docs/photos.md: photographs (unseen paintings), what is found of them, and their blends.

python -m samples.photo_figures            # writes docs/pictures/photos-*.webp; some minutes on one core
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import render
from render.drawing import to_frames
from render.networks import Generator
from render.panels import contact_sheet
from render.projection import Plan, project
from render.projection.align import aligned
from render.projection.faces import find_face
from render.projection.sequence import project_film
from render.projection.start import Samples, samples_of
from render.projection.tuning import Tuning, tune
from render.projection.working import as_ws, draw
from samples import painter
from samples.painted_film import film

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PEOPLE_SEED, FILM_SEED = 555001, 9_100_005
SHOWN = (0, 2, 3)
FILMED = 13  # frames, of which five are shown
CELL = 128
FIGURES = ("align", "methods", "blends", "film")


def frames(images: Tensor) -> list[np.ndarray]:
    return list(to_frames(images))


def methods_figure(generator: Generator, samples: Samples) -> tuple[Image.Image, Generator, Tensor]:
    """A row for each person: photo, and what each method finds; also the network tuned to the first."""
    people = painter.sample_parameters(max(SHOWN) + 1, PEOPLE_SEED)
    targets = painter.paint(people, "portrait", generator.resolution)[list(SHOWN)]
    best = draw(generator, as_ws(samples.nearest(targets), generator.num_ws))
    w = project(generator, targets, Plan(space="w"), samples=samples).images
    found = project(generator, targets, Plan(), samples=samples)
    tuned = [
        tune(generator, targets[[index]], found.ws[[index]], Tuning(), samples=samples)
        for index in range(len(targets))
    ]
    own = torch.cat([draw(network, found.ws[[index]]) for index, network in enumerate(tuned)])
    columns = [targets, best, w, found.images, own]
    rows = [list(row) for row in zip(*map(frames, columns), strict=True)]
    labels = ["photo", "best sample", "w", "w+", "w+, tuned"]
    return (
        Image.fromarray(contact_sheet(rows, column_labels=labels, cell_height=CELL)),
        tuned[0],
        found.ws[:1],
    )


def blends_figure(network: Generator, ws: Tensor) -> Image.Image:
    """One person in blends of the tuned network with its relatives."""
    rows = []
    names = ("toon", "ukiyoe")
    for name in names:
        high = render.load(f"sample:{name}")
        made = [network, *(render.blend(network, high, swap=swap) for swap in (32, 16, 8)), high]
        rows.append([frames(draw(each, ws))[0] for each in made])
    labels = ["portrait", "swap: 32", "swap: 16", "swap: 8", "high"]
    return Image.fromarray(
        contact_sheet(
            rows, row_labels=[f"high: {name}" for name in names], column_labels=labels, cell_height=CELL
        )
    )


def film_figure(generator: Generator, samples: Samples) -> Image.Image:
    """A film, what is found of it, and a blend that plays it."""
    source = film(FILM_SEED, FILMED, generator.resolution)
    found = project_film(generator, source, samples=samples)
    blend = render.blend(generator, render.load("sample:toon"), swap=16)
    chosen = list(range(0, FILMED, 3))
    rows = [frames(each[chosen]) for each in (source, found.images, draw(blend, found.ws))]
    return Image.fromarray(contact_sheet(rows, row_labels=["film", "projected", "blend"], cell_height=CELL))


def align_figure() -> Image.Image:
    """Painted heads, one of them turned, and the crops that `--align` makes."""
    pictures = frames(painter.paint(painter.sample_parameters(4, PEOPLE_SEED), "portrait", 256))
    photos = [Image.fromarray(pictures[2]), Image.fromarray(pictures[3]).rotate(20, Image.Resampling.BICUBIC)]
    crops = [aligned(photo, find_face(photo, "painting"), 256) for photo in photos]
    row = [np.asarray(each) for pair in zip(photos, crops, strict=True) for each in pair]
    labels = ["photo", "--align", "photo, tilted", "--align"]
    return Image.fromarray(contact_sheet([row], column_labels=labels, cell_height=CELL))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/photos.md.")
    parser.add_argument("--only", choices=FIGURES, help="one of them")
    wanted = parser.parse_args(arguments).only
    torch.set_num_threads(1)
    generator = render.load("sample:portrait")
    samples = samples_of(generator)
    if wanted in (None, "align"):
        save(align_figure(), "align")
    if wanted in (None, "methods", "blends"):
        figure, network, ws = methods_figure(generator, samples)
        save(figure, "methods")
        save(blends_figure(network, ws), "blends")
    if wanted in (None, "film"):
        save(film_figure(generator, samples), "film")


def save(figure: Image.Image, name: str) -> None:
    path = PICTURES / f"photos-{name}.webp"
    figure.save(path, quality=90, method=6)
    print(path.relative_to(PICTURES.parent.parent), path.stat().st_size, flush=True)


if __name__ == "__main__":
    main()
