"""Whether people are recognised in blends: which of 100 painted people a toonified one is most like.

    python -m samples.recognition

The painter paints the same people as portraits and as toons, so a blend of a projected portrait can be
compared with both, everybody's, at 32 pixels: there pose, shapes and colours are seen, and no brushwork.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

import render
from render.projection import Plan, project
from render.projection.losses import pyramid_distance
from render.projection.start import samples_of
from render.projection.working import draw
from samples import painter
from samples.projection_experiment import AT_ONCE, people_of

CROWD = 100
SIDE = 32  # pixels
SWAP = 16  # as in presets/toonify.yaml


def crowd(style: str, resolution: int) -> Tensor:
    """Paintings of all the people, [100, 3, H, W]."""
    batches = range(CROWD // AT_ONCE)
    return torch.cat([painter.paint(people_of(batch), style, resolution) for batch in batches])


def ranks(pictures: Tensor, everybody: Tensor) -> list[int]:
    """Of picture number n, how many of `everybody` are as near to it as person n is; 1 is the nearest."""
    small = [F.adaptive_avg_pool2d(images.clamp(-1, 1), SIDE) for images in (pictures, everybody)]
    found = []
    for index, picture in enumerate(small[0]):
        distances = pyramid_distance(small[1] - picture)
        found.append(int((distances <= distances[index]).sum()))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Count who is recognised in a blend.")
    parser.add_argument("--people", type=int, default=16, help=f"that are projected, of {CROWD}")
    count = parser.parse_args(arguments).people
    torch.set_num_threads(1)
    portrait, toon = render.load("sample:portrait"), render.load("sample:toon")
    photos, toons = (crowd(style, portrait.resolution) for style in ("portrait", "toon"))
    ws = project(portrait, photos[:count], Plan(), samples=samples_of(portrait)).ws
    blend = draw(render.blend(toon, portrait, swap=SWAP), ws)
    print(f"| of {count} people among {CROWD} | the nearest is their own | among the nearest three |")
    print("| --- | --: | --: |")
    for name, pictures, everybody in (
        ("projected, beside photos", draw(portrait, ws), photos),
        (f"blend at swap: {SWAP}, beside photos", blend, photos),
        ("all toon, beside paintings as toons", draw(toon, ws), toons),
    ):
        places = ranks(pictures, everybody)
        nearest, three = (sum(place <= most for place in places) for most in (1, 3))
        print(f"| {name} | {nearest} | {three} |", flush=True)


if __name__ == "__main__":
    main()
