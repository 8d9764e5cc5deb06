"""A report as data: titles, sentences, charts and sheets in their order. The page and the picture draw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from render.channel_figures import change_figure
from render.comparison import draw
from render.explain.advice import Suggestion, percent, suggestions, summary
from render.explain.charts import activity_chart, swap_chart, training_chart
from render.explain.starter import fragment
from render.explain.study import MOVED_SHARE, Study
from render.explain.swaps import SwapSheet
from render.report import number_text


@dataclass(frozen=True, eq=False)
class Chart:
    """A drawn figure; `words` say what it shows, for those who can't see it."""

    picture: Image.Image
    words: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures in rows and columns.

    columns, rows  their labels
    pictures       [rows][columns], each uint8 [H, W, 3]
    marks          numbers of the columns that are suggested
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    pictures: tuple[tuple[np.ndarray, ...], ...]
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Trial:
    """Settings to try: a line of a preset, its reason, and what it gives for the first seeds."""

    setting: str
    reason: str
    pictures: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers; the first row names the columns."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Section:
    """One part of a report.

    title    its heading
    reading  how to read what follows, in a few sentences
    parts    charts, sheets, trials and tables
    """

    title: str
    reading: str
    parts: tuple[Chart | Sheet | Trial | Table, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """The whole of it.

    names     of the two networks
    summary   what happened, a sentence each
    sections  in their order
    measured  how all of it was measured, in one sentence
    """

    names: tuple[str, str]
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    measured: str


def report_of(study: Study) -> Report:
    """The report of a study; of networks that draw the same pictures no more than that."""
    measured = (
        f"Pictures: seeds {', '.join(map(str, study.seeds))} at truncation {study.truncation:g}. "
        f"Activations: seeds 0 to {study.samples - 1}. From {study.sources[0]} and {study.sources[1]}."
    )
    sections: tuple[Section, ...] = ()
    if not study.is_same:
        chosen = suggestions(study)
        sections = (
            _side_by_side(study),
            _first_tries(study, chosen),
            *(_swaps(study, side, chosen) for side in (0, 1)),
            *((_training(study),) if study.training else ()),
            _weights(study),
            *((_activations(study),) if study.activity else ()),
            _channels(study),
            _numbers(study),
        )
    return Report(study.names, tuple(summary(study)), sections, measured)


def _side_by_side(study: Study) -> Section:
    a, b = study.names
    rows = study.sheets[0].pictures
    columns = tuple(f"seed {seed}" for seed in study.seeds)
    pictures = (tuple(row[-1] for row in rows), tuple(row[0] for row in rows))
    reading = (
        f"The same latents in both networks, by the mapping of {a}. What the rows share, fine-tuning "
        "has kept."
    )
    return Section("Before and after", reading, (Sheet(columns, (a, b), pictures),))


def _first_tries(study: Study, chosen: tuple[Suggestion, ...]) -> Section:
    trials = []
    for each in chosen:
        column = tuple(row[each.column] for row in study.sheets[each.sheet].pictures)
        reason = f"{each.reason[0].upper()}{each.reason[1:]}."
        trials.append(Trial(fragment(study, each), reason, column))
    reading = (
        "Suggestions, made by measuring pixels; your eyes decide. Each line is the section of a preset "
        "that gives these pictures. `low` gives pose and shape, `high` gives texture, `swap` is where high "
        "takes over."
    )
    return Section("What to try first", reading, tuple(trials))


def _swaps(study: Study, side: int, chosen: tuple[Suggestion, ...]) -> Section:
    sheet = study.sheets[side]
    marks = tuple(each.column for each in chosen if each.sheet == side)
    rows = tuple(f"seed {seed}" for seed in study.seeds)
    reading = (
        f"Each column is a swap: from that layer on, {sheet.high} gives the layers; those before it, and "
        f"the mapping, are {sheet.low}'s. At the left everything is {sheet.high}, at the right everything "
        f"is {sheet.low}. Where two columns differ much, the layers between them matter much. The curves "
        "say the same in numbers; they cross where a blend lies about as far from both."
    )
    parts = (
        Sheet(_labels(sheet), rows, sheet.pictures, marks),
        Chart(swap_chart(sheet, marks[0] if marks else None), _distances_in_words(sheet)),
    )
    return Section(f"Shape of {sheet.low}, texture of {sheet.high}", reading, parts)


def _labels(sheet: SwapSheet) -> tuple[str, ...]:
    labels = [swap.label for swap in sheet.swaps]
    return f"{labels[0]} = {sheet.high}", *labels[1:-1], f"{labels[-1]} = {sheet.low}"


def _distances_in_words(sheet: SwapSheet) -> str:
    rows = zip(sheet.swaps, sheet.from_low, sheet.from_high, strict=True)
    found = [f"swap {swap.label}: {low:.2f} and {high:.2f}" for swap, low, high in rows]
    return f"Distance from {sheet.low} and from {sheet.high}, by swap. {'; '.join(found)}."


def _training(study: Study) -> Section:
    training, (a, b) = study.training, study.names
    columns = tuple(f"{number_text(kimg)} kimg" for kimg in training.kimgs)
    rows = tuple(f"seed {seed}" for seed in study.seeds)
    reading = (
        f"Snapshots of {b} by kimg (thousands of pictures seen), with the latents of {a}. An early snapshot "
        "gives a gentler blend: `snapshot` in a preset. The chart shows how far the weights of each layer "
        f"had come from {a}'s; curves that lie close together mean that little happened between these "
        "snapshots."
    )
    way = ", ".join(f"{number_text(kimg)} kimg: {percent(way)}" for kimg, way in _ways(study))
    parts = (
        Sheet(columns, rows, training.pictures),
        Chart(training_chart(training), f"Distance of the pictures from {a}'s, of the last one: {way}."),
    )
    return Section(f"The training of {b}", reading, parts)


def _ways(study: Study) -> list[tuple[float, float]]:
    return list(zip(study.training.kimgs, study.training.way, strict=True))


def _weights(study: Study) -> Section:
    reading = (
        "How alike the weights of each layer are. The cosine tells whether the two are related at all: "
        "strangers have 0. The relative distance tells how far fine-tuning went: 0.1 means that a layer "
        "moved by a tenth of its size. Coarse layers are at the left, fine ones at the right."
    )
    picture = draw([study.kinship])
    words = "; ".join(f"{layer.name}: {layer.distance:.3f}" for layer in study.kinship.layers)
    return Section("Weights", reading, (Chart(picture, f"Relative distance by layer. {words}."),))


def _activations(study: Study) -> Section:
    a, b = study.names
    reading = (
        f"What the layers make of the same latents. “By its own doing”: each layer of {b} is given what "
        f"reached the same layer of {a}, so the curve shows what this layer alone does differently. “With "
        "all layers before it”: the whole networks are compared, and differences add up. Below, how strong "
        "the layers' activations are."
    )
    words = "; ".join(f"{each.name}: {each.own:.2f} and {each.whole:.2f}" for each in study.activity)
    return Section(
        "Activations",
        reading,
        (Chart(activity_chart(study), f"Change by its own doing, and with all before. {words}."),),
    )


def _channels(study: Study) -> Section:
    a, b = study.names
    share = f"{100 * MOVED_SHARE:g}%"
    reading = (
        "Every dot is a channel of its layer; those that moved most by weights are in colour. A few high "
        "dots over a low crowd mean that fine-tuning rebuilt single features; such channels can be blended "
        "alone (`blendreel channels attribute`)."
    )
    picture = change_figure(study.changes, study.moved, f"channels moved from {a} to {b}", share, "weights")
    found = [f"{layer}: {', '.join(map(str, numbers))}" for layer, numbers in study.moved.channels.items()]
    return Section("Channels", reading, (Chart(picture, f"Moved most, by layer. {'; '.join(found)}."),))


def _numbers(study: Study) -> Section:
    """A row for each layer, with everything that was measured on it."""
    a, b = study.names
    activity = {each.name: each for each in study.activity}
    head = (
        "layer",
        "cosine",
        "distance",
        "own change",
        "whole change",
        f"strength {a}",
        f"strength {b}",
        "moved",
    )
    rows = [head]
    for layer in study.kinship.layers:
        found = activity.get(layer.name)
        numbers = (found.own, found.whole, *found.strength) if found else ()
        cells = [f"{number:.3f}" for number in numbers] or ["–"] * 4
        moved = str(len(study.moved.channels.get(layer.name, ())))
        rows.append((layer.name, f"{layer.cosine:.4f}", f"{layer.distance:.3f}", *cells, moved))
    reading = "The same by layer, in numbers. “Moved”: how many of the channels that moved most it has."
    return Section("Numbers", reading, (Table(tuple(rows)),))
