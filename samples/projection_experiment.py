"""How well photographs are projected, by method: paintings that `portrait` never saw, judged by the painter.

    python -m samples.projection_experiment                  # goes on where it was interrupted
    python -m samples.projection_experiment --table          # prints what there is so far
    python -m samples.projection_experiment --starts         # what a good start saves

Every result is a line of runs/projection/results.jsonl. Seconds are of processor time, so that a busy machine
does not change them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

import render
from render.networks import Generator
from render.projection import Plan, project
from render.projection.measures import psnr, ssim
from render.projection.start import Samples, samples_of
from render.projection.tuning import Tuning, tune
from render.projection.working import as_ws, draw
from samples import painter
from samples.portrait_reader import errors, learn, read, truth

RUNS = Path(__file__).resolve().parent.parent / "runs" / "projection"
FIRST_SEED = 9_000_000  # no training has seen these people
AT_ONCE = 4
LOOKED_AT = 100  # steps
PLANS = {"w": Plan(space="w"), "w+": Plan()}
METHODS = ("best sample", "w", "w+", "w+, tuned")


def people_of(index: int) -> painter.Parameters:
    """The four people of a batch."""
    return painter.sample_parameters(AT_ONCE, FIRST_SEED + index)


def run(generator: Generator, samples: Samples, method: str, targets: Tensor) -> tuple[Tensor, float]:
    """Pictures [N, 3, H, W] by that method, and seconds of processor time for each."""
    began = time.process_time()
    if method == "best sample":
        images = draw(generator, as_ws(samples.nearest(targets), generator.num_ws))
    elif method in PLANS:
        images = project(generator, targets, PLANS[method], samples=samples).images
    else:
        ws = project(generator, targets, PLANS["w+"], samples=samples).ws
        parts = []
        for target, own in zip(targets.split(1), ws.split(1), strict=True):
            parts.append(draw(tune(generator, target, own, Tuning(), samples=samples), own))
        images = torch.cat(parts)
    return images, (time.process_time() - began) / len(targets)


def measure(pictures: int, tuned: int, shard: int, shards: int) -> None:
    """All results that are still missing, of every so-many-th batch."""
    torch.set_num_threads(1)
    generator = render.load("sample:portrait")
    samples, reader = samples_of(generator), learn(RUNS / "reader.safetensors")
    done = {(row["method"], row["batch"]) for row in results()}
    for batch in range(shard, -(-pictures // AT_ONCE), shards):
        for method in METHODS:
            if (method, batch) in done or (method == "w+, tuned" and batch * AT_ONCE >= tuned):
                continue
            people = people_of(batch)
            targets = painter.paint(people, "portrait", generator.resolution)
            images, seconds = run(generator, samples, method, targets)
            with (RUNS / "results.jsonl").open("a") as stream:
                for row in scored(reader, images, targets, people):
                    stream.write(
                        json.dumps({"method": method, "batch": batch, "seconds": seconds} | row) + "\n"
                    )


def scored(
    reader: torch.nn.Module, images: Tensor, targets: Tensor, people: painter.Parameters
) -> Iterator[dict]:
    """A result for each picture; `floor` is what the reader makes of the painting itself."""
    known = truth(people)
    found, floor = errors(read(reader, images), known), errors(read(reader, targets), known)
    columns = {"psnr": psnr(images, targets), "ssim": ssim(images, targets)}
    columns |= found | {f"{name} floor": value for name, value in floor.items()}
    for index in range(len(images)):
        yield {name: float(values[index]) for name, values in columns.items()}


def results() -> list[dict]:
    """What was measured so far."""
    path = RUNS / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def table() -> None:
    """The results by method: on the pictures that every method has had, then on all that each has had."""
    rows = results()
    of = {method: {row["batch"] for row in rows if row["method"] == method} for method in METHODS}
    common = set.intersection(*(batches for batches in of.values() if batches)) if rows else set()
    print("| method | pictures | seconds | PSNR | SSIM | pose error | colour error |")
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for chosen in (lambda row: row["batch"] in common, lambda row: row["batch"] not in common):
        for method in METHODS:
            own = [row for row in rows if row["method"] == method and (chosen(row) or row["batch"] in common)]
            if any(map(chosen, own)):
                print(f"| {method} | {len(own)} | {mean(own, 'seconds'):.1f} | {limits(own)} |")
    if rows:
        pose, colours = mean(rows, "pose floor"), mean(rows, "colours floor")
        print(f"| the painting itself | | | | | {pose:.3f} | {colours:.3f} |")
        pose, colours = strangers()
        print(f"| somebody else's | | | | | {pose:.3f} | {colours:.3f} |")


def limits(rows: Sequence[dict]) -> str:
    """The cells of one method."""
    return (
        f"{mean(rows, 'psnr'):.1f} ({min(row['psnr'] for row in rows):.1f} to "
        f"{max(row['psnr'] for row in rows):.1f}) | {mean(rows, 'ssim'):.3f} | "
        f"{mean(rows, 'pose'):.3f} | {mean(rows, 'colours'):.3f}"
    )


def mean(rows: Sequence[dict], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)


def strangers() -> tuple[float, float]:
    """How far any two people are apart in pose and colours."""
    known = truth(painter.sample_parameters(2000, FIRST_SEED - 1))
    found = errors(known, known.roll(1, dims=0))
    return float(found["pose"].mean()), float(found["colours"].mean())


def starts(pictures: int) -> None:
    """Two searches in w+, from the best sample and from w_avg: in which step each first comes to a loss."""
    torch.set_num_threads(1)
    generator = render.load("sample:portrait")
    samples = samples_of(generator)
    batches = range(pictures // AT_ONCE)
    targets = torch.cat([painter.paint(people_of(batch), "portrait", 128) for batch in batches])
    average = generator.mapping.w_avg.expand(len(targets), -1)
    plain, better = (
        project(generator, targets, Plan(steps=LOOKED_AT), samples=samples, start=start).losses.mean(dim=1)
        for start in (average, None)
    )
    print("| mean loss | steps from the best sample | steps from w_avg |")
    print("| --: | --: | --: |")
    for step in (0, 5, 10, 20, 40, 60, 80):
        reached = (plain <= better[step]).nonzero()
        needed = int(reached[0]) if len(reached) else f"over {LOOKED_AT}"
        print(f"| {better[step]:.3f} | {step} | {needed} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure projections of unseen paintings.")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--tuned", type=int, default=100, help="pictures that the slowest method gets")
    parser.add_argument("--shard", default="0/1", help="a part of the work, such as 0/2 and 1/2 side by side")
    parser.add_argument("--table", action="store_true", help="print what there is so far")
    parser.add_argument(
        "--starts", action="store_true", help="measure what a good start saves, on 8 pictures"
    )
    options = parser.parse_args(arguments)
    if options.starts:
        starts(8)
        return
    if not options.table:
        measure(options.pictures, options.tuned, *map(int, options.shard.split("/")))
    table()


if __name__ == "__main__":
    main()
