"""The pictures of docs/blending.md: what every rule of a blend does, on the sample networks.

python -m samples.blend_figures            # writes docs/pictures/blend-*.webp and prints what it measured
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import render
from render.blending.blend import Blend, swap_weights
from render.blending.blender import Blender
from render.blending.interpolation import INTERPOLATIONS, has_filters
from render.networks import Generator
from render.panels import contact_sheet
from samples.figures import latents, pictures

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
QUALITY = 86  # of WebP
SEEDS = (14, 3, 92, 15, 2, 26)
PORTRAIT, UKIYOE, TOON = range(3)
NAMES = ("portrait", "ukiyoe", "toon")
MAGNIFIED = 20  # differences are shown so many times larger

Labelled = Mapping[str, np.ndarray]


def networks() -> list[Generator]:
    """portrait, and two that were fine-tuned from it."""
    return [render.load(f"sample:{name}") for name in NAMES]


class Studio:
    """The sample networks, and pictures of their blends in portrait's latents."""

    def __init__(self) -> None:
        self.models = networks()
        self.blender = Blender(self.models)
        self.count = self.blender.layer_count
        self.resolutions = [layer.resolution for layer in self.models[0].layers]
        self.ws = latents(self.models[PORTRAIT], SEEDS)

    def draw(self, blend: Blend, seeds: int = 1) -> list[np.ndarray]:
        """The first `seeds` faces, uint8 [H, W, 3] each."""
        return pictures(self.blender.apply(blend), self.ws[:seeds])

    def swapped(self, high: int, swap: float, *, to_rgb: float | None = None, **how) -> Blend:
        """portrait below the position `swap`, and `high` from there on."""
        return Blend(
            self.pair(high, swap_weights(self.count, swap, **how)),
            to_rgb=None if to_rgb is None else self.pair(high, np.full(self.count, to_rgb)),
            convention=how.get("convention", "position"),
        )

    def pair(self, high: int, weights: np.ndarray, low: int = PORTRAIT) -> np.ndarray:
        """A table [3, L] of two models; weights [L] of `high`."""
        table = np.zeros((len(self.models), self.count))
        table[low], table[high] = 1 - weights, weights
        return table

    def by_range(self, coarse: int, middle: int, fine: int) -> Blend:
        """One model to 8 px, one at 16 and 32, one from 64 on."""
        owners = [coarse if r <= 8 else middle if r <= 32 else fine for r in self.resolutions]
        return Blend(np.eye(len(self.models))[:, owners])

    def added(self, ukiyoe: float, toon: float) -> Blend:
        """So much of what the two learnt, added to portrait."""
        return Blend.added(np.repeat([[ukiyoe], [toon]], self.count, axis=1))


def strips(rows: Sequence[Labelled]) -> np.ndarray:
    """Rows of pictures, each with a word of its own above it; all rows are equally long."""
    sheets = [contact_sheet([list(row.values())], column_labels=list(row)) for row in rows]
    return np.concatenate(sheets)


# --- the figures --------------------------------------------------------------------------------------------


def swaps(studio: Studio) -> np.ndarray:
    """Where the swap lies, how soft it is, and how strong."""

    def one(swap: float = 6, **how) -> np.ndarray:
        return studio.draw(studio.swapped(UKIYOE, swap, **how))[0]

    places = {4: 0, 8: 2, 16: 4, "16/1": 5, 32: 6, 64: 8}
    return strips(
        [
            {f"swap {name}": one(swap) for name, swap in places.items()},
            {f"width {width or 'none'}": one(4, width=width) for width in (None, 0.5, 1, 2, 4, 8)},
            {f"weight {weight:g}": one(4, weight=weight) for weight in (-0.5, 0, 0.5, 1, 1.5, 2)},
        ]
    )


def owners(studio: Studio) -> np.ndarray:
    """Whose to-RGB layers and whose mapping network."""
    blend = studio.swapped(UKIYOE, 4)
    rgb = {"its layer's": None, "portrait's": 0.0, "ukiyoe's": 1.0}
    mappings = {"portrait's": [1, 0, 0], "blend": [0.5, 0.5, 0], "ukiyoe's": [0, 1, 0]}
    row = {
        f"to-RGB: {name}": studio.draw(studio.swapped(UKIYOE, 4, to_rgb=weight))[0]
        for name, weight in rgb.items()
    }
    for name, mapping in mappings.items():
        network = studio.blender.apply(replace(blend, mapping=np.array(mapping), noise=None))
        row[f"mapping: {name}"] = pictures(network, latents(network, SEEDS[:1]))[0]
    return strips([row])


def conventions(studio: Studio) -> np.ndarray:
    """The same swaps as three scripts count them."""
    rows, places = {}, {"8": 2, "16": 4, "32": 6, "64": 8}
    for name in ("position", "pinkney", "dvschultz"):
        blends = [studio.swapped(UKIYOE, swap, convention=name) for swap in places.values()]
        rows[name] = [studio.draw(blend)[0] for blend in blends]
    return contact_sheet(list(rows.values()), list(rows), [f"swap {name}" for name in places])


def mixes(studio: Studio) -> np.ndarray:
    """Three models, and mixes that take the layers to 8, at 16 to 32 and from 64 on from them."""
    wanted = [(i, i, i) for i in range(3)]
    wanted += [(PORTRAIT, PORTRAIT, UKIYOE), (PORTRAIT, UKIYOE, UKIYOE), (PORTRAIT, TOON, UKIYOE)]
    names = [" ".join(NAMES[i] for i in dict.fromkeys(one)) for one in wanted[:3]]
    names += ["/".join(NAMES[i][0].upper() for i in one) for one in wanted[3:]]
    return contact_sheet([studio.draw(studio.by_range(*one), len(SEEDS)) for one in wanted], names)


def tasks(studio: Studio) -> np.ndarray:
    """What two networks learnt, added, scaled and taken away."""
    wanted = {
        "portrait": (0, 0),
        "+ ukiyoe": (1, 0),
        "+ toon": (0, 1),
        "+ ½ of both": (0.5, 0.5),
        "+ both": (1, 1),
        "+ ukiyoe − ½ toon": (1, -0.5),
        "+ toon − ½ ukiyoe": (-0.5, 1),
    }
    return contact_sheet(
        [studio.draw(studio.added(*shares), len(SEEDS)) for shares in wanted.values()], list(wanted)
    )


def interpolations(studio: Studio) -> np.ndarray:
    """toon to ukiyoe, number by number and filter by filter, and what is different."""
    weights, rows = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), {}
    for name in INTERPOLATIONS:
        tables = [studio.pair(UKIYOE, np.full(studio.count, weight), TOON) for weight in weights]
        rows[name] = [studio.draw(Blend(table, interpolation=name))[0] for table in tables]
    pairs = zip(*(rows[name] for name in INTERPOLATIONS), strict=True)
    apart = [np.abs(one.astype(int) - other) for one, other in pairs]
    rows[f"difference × {MAGNIFIED}"] = [np.minimum(255, MAGNIFIED * each).astype(np.uint8) for each in apart]
    for weight, each in zip(weights, apart, strict=True):
        print(f"weight {weight:g}: linear and keep-norm differ by {each.mean():.2f} of 255 on average")
    for name, shares in shortening(studio.models[TOON], studio.models[UKIYOE]).items():
        print(f"{name}: filters half-way have {min(shares):.3f} to {max(shares):.3f} of their ends' norm")
    return contact_sheet(list(rows.values()), list(rows), [f"{weight:g}" for weight in weights])


def shortening(first: Generator, second: Generator) -> dict[str, list[float]]:
    """Norm of filters mixed half-way, as a share of their ends' mean norm: by kind, for each layer."""
    found: dict[str, list[float]] = {"convolutions": [], "affine layers": [], "to-RGB": []}
    other = dict(second.named_parameters())
    for name, tensor in first.named_parameters():
        if not (name.startswith("synthesis.") and has_filters(name, tensor)):
            continue
        kind = "affine layers" if ".affine." in name else "to-RGB" if ".torgb." in name else "convolutions"
        one, two = tensor.flatten(1), other[name].flatten(1)
        share = (0.5 * (one + two)).norm(dim=1) / (0.5 * (one.norm(dim=1) + two.norm(dim=1)))
        found[kind].append(float(share.mean()))
    return found


FIGURES: dict[str, Callable[[Studio], np.ndarray]] = {
    "swaps": swaps,
    "owners": owners,
    "conventions": conventions,
    "mixes": mixes,
    "tasks": tasks,
    "interpolations": interpolations,
}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/blending.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(FIGURES)}")
    options, studio = parser.parse_args(), Studio()
    PICTURES.mkdir(exist_ok=True)
    for name in options.names or FIGURES:
        path = PICTURES / f"blend-{name}.webp"
        Image.fromarray(FIGURES[name](studio)).save(path, quality=QUALITY, method=6)
        print(path.relative_to(PICTURES.parent.parent), flush=True)


if __name__ == "__main__":
    main()
