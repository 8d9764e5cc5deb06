"""What fine-tuning did, measured: weights, what the layers make, what becomes of the picture, channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from render.blending.attribution import LayerChange, attribute, most_moved
from render.blending.blender import check_structure
from render.blending.channels import ChannelSet
from render.blending.kinship import Kinship, compare
from render.explain.activity import Activity, activities
from render.explain.sides import Side
from render.explain.swaps import SwapSheet, swap_sheet, swaps_of
from render.explain.training import Training, shown_snapshots, training_of
from render.latents import seed_latents
from render.renderer import pick_device

SEEDS, SAMPLES, TRUNCATION = (2, 3, 14, 15, 26), 16, 0.7
MOVED_SHARE = 0.05

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Study:
    """All that a report tells about a and b.

    names, sources  what the two are called, and were asked for as
    is_run          which of them were given as a training run
    kinship         how their weights are related
    activity        by layer: how strong it is, and how far apart
    changes, moved  how far each channel is apart, and the MOVED_SHARE that moved most by weights
    sheets          swaps with a low and b high, then with b low and a high
    training        b's snapshots, where it has some
    seeds           of the pictures that are shown
    samples         pictures that the activations were measured on
    truncation      of all of them
    """

    names: tuple[str, str]
    sources: tuple[str, str]
    is_run: tuple[bool, bool]
    kinship: Kinship
    activity: tuple[Activity, ...]
    changes: tuple[LayerChange, ...]
    moved: ChannelSet
    sheets: tuple[SwapSheet, SwapSheet]
    training: Training | None
    seeds: tuple[int, ...]
    samples: int
    truncation: float

    @property
    def is_same(self) -> bool:
        """Whether the two draw the same pictures, so that there is nothing to explain."""
        return not any(sheet.apart for sheet in self.sheets)


def study(
    a: Side,
    b: Side,
    seeds: Sequence[int] = SEEDS,
    samples: int = SAMPLES,
    truncation: float = TRUNCATION,
    device: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """Measure what fine-tuning made of `a` on the way to `b`.

    seeds      whose pictures are shown, and the distances of pictures measured on
    samples    pictures that activations are measured on: the seeds from 0 on
    device     as for `pick_device`
    progress   called with pictures drawn and pictures in all

    Raises BlendError, with a table of what differs, if the two are not of one structure.
    """
    check_structure([a.generator, b.generator])
    names = (a.name, b.name)
    kinship = compare(a.generator, b.generator, names)
    models = [side.generator.to(pick_device(device)).use_shared_weights() for side in (a, b)]
    at = models[0].mapping.w_avg.device
    snapshots = shown_snapshots(b.snapshots)
    columns = len(swaps_of(models[0].layers))
    tally = Tally(progress, len(seeds) * (2 * columns + len(snapshots)) + 3 * samples)
    with torch.inference_mode():
        z = torch.from_numpy(seed_latents(seeds, models[0].z_dim)).to(at)
        many = torch.from_numpy(seed_latents(range(samples), models[0].z_dim)).to(at)
        ws, many_ws = (models[0].mapping(each, truncation_psi=truncation) for each in (z, many))
        activity = activities(*models, many_ws, tally)
        changes = attribute(*models, many_ws)
        tally(samples)
        sheets = tuple(
            swap_sheet(models[low], models[1 - low], (names[low], names[1 - low]), z, truncation, tally)
            for low in (0, 1)
        )
        training = training_of(models[0], snapshots, ws, tally) if snapshots else None
    return Study(
        names=names,
        sources=(a.source, b.source),
        is_run=(bool(a.snapshots), bool(b.snapshots)),
        kinship=kinship,
        activity=activity,
        changes=changes,
        moved=most_moved(changes, MOVED_SHARE),
        sheets=sheets,
        training=training,
        seeds=tuple(seeds),
        samples=samples,
        truncation=truncation,
    )


class Tally:
    """Counts pictures, and says how far it is."""

    def __init__(self, progress: Progress | None, total: int):
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, count: int) -> None:
        self.done += count
        if self.progress:
            self.progress(self.done, self.total)
