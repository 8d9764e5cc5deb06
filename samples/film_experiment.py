"""How much a projected film flickers: painted people in motion, frames alone and one from another.

    python -m samples.film_experiment

Seconds are of processor time, so that a busy machine does not change them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

import render
from render.projection import Plan, Projection, project
from render.projection.measures import flicker, psnr
from render.projection.sequence import Following, project_film
from render.projection.start import samples_of
from samples.painted_film import film

FIRST_SEED = 9_100_000  # no training has seen these people
FRAMES = 12


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the flicker of projected films.")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each, at 25 a second")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    generator = render.load("sample:portrait")
    samples = samples_of(generator)
    ways: dict[str, Callable[[Tensor], Projection]] = {
        "each alone": lambda frames: project(generator, frames, Plan(), samples=samples),
        "each from the one before": lambda frames: project_film(
            generator, frames, Plan(), Following(smooth=False), samples=samples
        ),
        "the same, smoothed": lambda frames: project_film(generator, frames, Plan(), samples=samples),
    }
    films = [film(FIRST_SEED + person, options.frames) for person in range(options.people)]
    print("| frames | flicker, levels of 255 | PSNR | seconds a frame |")
    print("| --- | --: | --: | --: |")
    for name, way in ways.items():
        began = time.process_time()
        found = [way(frames).images for frames in films]
        seconds = (time.process_time() - began) / (options.people * options.frames)
        pairs = list(zip(found, films, strict=True))
        trembling = sum(flicker(images, frames) for images, frames in pairs) / len(pairs)
        decibels = sum(float(psnr(images, frames).mean()) for images, frames in pairs) / len(pairs)
        print(f"| {name} | {trembling:.2f} | {decibels:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
