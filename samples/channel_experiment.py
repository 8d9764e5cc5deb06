"""Does taking the eye channels change the eyes? Measured on the sample networks, where the painter knows.

In `portrait`, channels of eyes, mouth and hair are replaced by those of a fine-tuned network, and the mean
change of the picture inside that part is divided by the mean change outside. Sets of as many channels of the
same layers, drawn at random, say what the ratio would be anyway: eyes are rich in contrast, and change with
everything.

The masks are the painter's, learnt from paintings and found again in generated pictures (`channel_masks`).
Channels are chosen on other latents than those they are measured on.

    python -m samples.channel_experiment              # the table; 15 minutes on one core
    python -m samples.channel_experiment --picture    # and the picture of docs/channels.md
    python -m samples.channel_experiment --high ukiyoe --save samples/models/portrait.channels.yaml
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import render
from render.blending.activations import all_taken, observe
from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_counts
from render.blending.channel_clusters import energy_in
from render.blending.channels import ChannelSet, write_channels
from render.blending.trials import try_channels
from render.drawing import to_frames
from render.networks import Generator
from render.panels import contact_sheet
from samples.channel_masks import agreement, learn, masks_of
from samples.figures import latents

MEASURED = ("eyes", "mouth", "hair")
FIRST = 32  # pixels: layers from here on; coarser channels draw whole heads
SHARE = 0.05  # of each layer's channels
CHOOSING, TRYING, MEASURING = range(1000, 1064), range(1000, 1006), range(2000, 2064)
DRAWS = 20
SHOWN = range(2000, 2006)
PICTURE = Path(__file__).resolve().parent / "pictures" / "channels-eyes.png"
BRIGHTER = 2.5  # how much a picture of changes is brightened

COMMENT = """Channels of sample:portrait, by trial: where the picture changes when one is taken from ukiyoe.
Made by: python -m samples.channel_experiment --high ukiyoe --save samples/models/portrait.channels.yaml"""

Chosen = dict[str, list[int]]


@dataclass(frozen=True)
class Case:
    """A pair of networks, and the portraits that channels are measured on.

    names   layers that channels come from
    counts  how many channels those layers have
    before  [N, 3, H, W]
    masks   by part [N, H, W], True inside
    """

    low: Generator
    high: Generator
    names: tuple[str, ...]
    counts: dict[str, int]
    ws: Tensor
    before: Tensor
    masks: dict[str, Tensor]

    def blend(self, chosen: Chosen) -> Generator:
        """`low` with these channels taken from `high`."""
        layers = [layer.name for layer in self.low.layers]
        plain = Blend.only(0, 2, len(layers))
        taken = plain.take(1, {layers.index(name): numbers for name, numbers in chosen.items()})
        return Blender([self.low, self.high]).apply(taken)

    def ratio(self, chosen: Chosen, part: str) -> float:
        """Mean change of the pictures inside `part` over that outside."""
        change = (self.blend(chosen).synthesis(self.ws) - self.before).abs().mean(dim=1)  # [N, H, W]
        inside = self.masks[part]
        return float(change[inside].mean() / change[~inside].mean())


def open_case(high: str, network: torch.nn.Module) -> Case:
    """The case portrait → `high`."""
    low, other = (render.load(f"sample:{name}").use_shared_weights() for name in ("portrait", high))
    counts = channel_counts(low)
    names = tuple(layer.name for layer in low.layers if layer.resolution >= FIRST)
    ws = latents(low, MEASURING)
    before = low.synthesis(ws)
    own = {name: counts[name] for name in names}
    return Case(low, other, names, own, ws, before, masks_of(network, before))


def scores_of(case: Case, network: torch.nn.Module) -> dict[str, dict[str, Tensor]]:
    """For each way to choose, by layer: density inside each part over that outside, [K, C]."""
    inside, changed, room = {}, {}, {}
    taken = all_taken([case.low, case.high])
    for seen in observe(case.low, latents(case.low, CHOOSING), case.names, taken):
        masks = part_masks(network, seen.images)
        for name, output in seen.outputs.items():
            change = seen.changed[name] - output
            sums = ((inside, output.square()), (changed, change.square()), (room, torch.ones_like(output)))
            for table, values in sums:
                table[name] = table.get(name, 0) + energy_in(masks, values)
    ws = latents(case.low, TRYING)
    tried = try_channels(case.low, case.high, ws, part_masks(network, case.low.synthesis(ws)), case.names)
    activation = {name: _density(inside[name], room[name]) for name in case.names}
    change = {name: _density(changed[name], room[name]) for name in case.names}
    return {
        "activation": activation,
        "activation and change": {name: torch.minimum(activation[name], change[name]) for name in case.names},
        "trial": {name: _density(tried[name], room[name]) for name in case.names},
    }


def part_masks(network: torch.nn.Module, images: Tensor) -> Tensor:
    """Masks [N, 4, H, W] of MEASURED, and of everything last."""
    found = masks_of(network, images)
    masks = torch.stack([found[part] for part in MEASURED], dim=1).float()
    return F.pad(masks, (0, 0, 0, 0, 0, 1), value=1.0)


def _density(sums: Tensor, room: Tensor) -> Tensor:
    """Sums [K + 1, C], the last of everything → mean inside over mean outside, [K, C]."""
    inside, outside = sums[:-1] / room[:-1], (sums[-1:] - sums[:-1]) / (room[-1:] - room[:-1])
    return inside / outside.clamp(min=1e-12)


def most(scores: dict[str, Tensor], part: int) -> Chosen:
    """The channels of each layer that are most at home in a part."""
    return {
        name: score[part].topk(max(1, round(SHARE * score.shape[1]))).indices.tolist()
        for name, score in scores.items()
    }


def shared_sets(trials: Sequence[dict[str, Tensor]]) -> list[ChannelSet]:
    """A set for each part: the channels at home in it with every network tried, and each in one set alone."""
    scores = {name: torch.stack([trial[name] for trial in trials]).amin(dim=0) for name in trials[0]}
    parts = [most(scores, index) for index in range(len(MEASURED))]

    def is_best(name: str, channel: int, index: int) -> bool:
        rivals = [rival for rival, chosen in enumerate(parts) if channel in chosen[name]]
        return index == max(rivals, key=lambda rival: float(scores[name][rival, channel]))

    return [
        ChannelSet(
            part,
            {
                name: tuple(sorted(channel for channel in chosen if is_best(name, channel, index)))
                for name, chosen in parts[index].items()
            },
        )
        for index, part in enumerate(MEASURED)
    ]


def random_ratios(case: Case, like: Chosen, part: str, draws: int) -> Tensor:
    """Ratios of sets with as many channels of each layer as `like` has, [draws]."""
    random = torch.Generator().manual_seed(MEASURED.index(part))
    sets = [
        {
            name: torch.randperm(case.counts[name], generator=random)[: len(own)].tolist()
            for name, own in like.items()
        }
        for _ in range(draws)
    ]
    return torch.tensor([case.ratio(chosen, part) for chosen in sets])


def row(case: Case, scores: dict[str, dict[str, Tensor]], part: str, draws: int) -> list[str]:
    """The ratio of each way to choose, then the random ones: mean, least and most."""
    index = MEASURED.index(part)
    ratios = [case.ratio(most(score, index), part) for score in scores.values()]
    chance = random_ratios(case, most(scores["trial"], index), part, draws)
    cells = [f"{ratio:.1f}" for ratio in ratios]
    return [*cells, f"{chance.mean():.1f} ({chance.min():.1f} to {chance.max():.1f})"]


def picture(case: Case, scores: dict[str, Tensor]) -> Image.Image:
    """Rows: seeds. Columns: the portrait; eyes, mouth and hair taken, each with what changed."""
    ws = latents(case.low, SHOWN)
    before = case.low.synthesis(ws)
    columns, labels = [list(to_frames(before))], ["portrait"]
    for index, part in enumerate(MEASURED):
        after = case.blend(most(scores, index)).synthesis(ws)
        change = (after - before).abs().mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
        columns += [list(to_frames(after)), list(to_frames(change * BRIGHTER - 1))]
        labels += [part, "change"]
    return Image.fromarray(
        contact_sheet([list(row) for row in zip(*columns, strict=True)], column_labels=labels)
    )


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure where taken channels change a portrait.")
    parser.add_argument(
        "--high", nargs="*", default=["toon", "ukiyoe"], help="networks to take channels from"
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help="random sets")
    parser.add_argument("--picture", action="store_true", help=f"write {PICTURE.name}, of the last network")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the sets that suit all networks")
    options = parser.parse_args(arguments)
    with torch.enable_grad():
        network = learn()
    found = ", ".join(f"{part} {score:.2f}" for part, score in agreement(network).items())
    print(f"masks on unseen paintings, intersection over union: {found}\n")
    trials = []
    for number, name in enumerate(options.high):
        case = open_case(name, network)
        scores = scores_of(case, network)
        trials.append(scores["trial"])
        if number == 0:
            print(f"| portrait → | | {' | '.join(scores)} | random sets |")
            print(f"|{' --- |' * (len(scores) + 3)}")
        for part in MEASURED:
            print(f"| {name} | {part} | {' | '.join(row(case, scores, part, options.draws))} |", flush=True)
        if options.picture:
            picture(case, scores["trial"]).save(PICTURE, optimize=True)
    if options.save:
        write_channels(options.save, shared_sets(trials), COMMENT)


if __name__ == "__main__":
    main()
