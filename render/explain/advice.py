"""The study in a few sentences, and the settings to try first, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from render.blending.kinship import UNRELATED
from render.explain.study import Study
from render.explain.swaps import SwapSheet
from render.explain.training import Training
from render.report import number_text
from render.report.words import percent_text

NAMED = 3  # layers in a sentence
HALF = 0.5
SLIGHT = 0.05  # changes of strength, as a logarithm, that are not worth a word


@dataclass(frozen=True)
class Suggestion:
    """Settings to try, and why.

    sheet   0: low is a, 1: low is b
    column  of that sheet
    reason  one sentence
    """

    sheet: int
    column: int
    reason: str


def suggestions(study: Study) -> tuple[Suggestion, ...]:
    """The swaps to try first, the best first; none where the two draw the same pictures."""
    if study.is_same:
        return ()
    forth, back = study.sheets
    even, steep, other = most_even(forth), steepest(forth), most_even(back)
    found = [Suggestion(0, even, f"lies about as far from both: {_distances(forth, even)}")]
    if steep != even:
        label = _span(forth, steep)
        found.append(
            Suggestion(
                0,
                steep,
                f"takes in the layers {label}, which change the picture more than any others "
                f"({percent(forth.steps[steep])} of the way from {forth.low} to {forth.high})",
            )
        )
    reason = f"is the other way round, and lies about as far from both: {_distances(back, other)}"
    found.append(Suggestion(1, other, reason))
    return tuple(found)


def most_even(sheet: SwapSheet) -> int:
    """The swap whose pictures lie about as far from low's as from high's; never one of the ends."""
    inner = range(1, len(sheet.swaps) - 1)
    return min(inner, key=lambda at: abs(sheet.from_low[at] - sheet.from_high[at]))


def steepest(sheet: SwapSheet) -> int:
    """The swap that just takes in the layers that change the picture most; never one of the ends."""
    return max(range(1, len(sheet.steps)), key=lambda at: sheet.steps[at])


def halfway(training: Training) -> float:
    """The kimg of the snapshot whose weights, in the median layer, came nearest to half of the way."""
    way = [median(each.values()) for each in training.distances]
    nearest = min(range(len(way)), key=lambda at: abs(way[at] - HALF * way[-1]))
    return training.kimgs[nearest]


def summary(study: Study) -> list[str]:
    """What fine-tuning did, a sentence each."""
    if study.is_same:
        return [f"{study.names[0]} and {study.names[1]} draw the same pictures: there is nothing to explain."]
    sentences = [_kinship(study), _weights(study), _activations(study), _picture(study), _channels(study)]
    if study.training:
        sentences.append(_run(study.training, study.names))
    return [sentence for sentence in sentences if sentence]


def _kinship(study: Study) -> str:
    kinship = study.kinship
    evidence = f"the cosine of their weights is {kinship.cosine:.3f}, where 1 is equal and 0 strangers"
    if kinship.declared:
        evidence = f"the files say that {kinship.declared}, and {evidence}"
    warning = " Blends of them are mush: don't expect much below." if kinship.verdict == UNRELATED else ""
    return f"{' and '.join(study.names)}: {kinship.verdict}; {evidence}.{warning}"


def _weights(study: Study) -> str:
    moved = {layer.name: layer.distance for layer in study.kinship.layers}
    least = min(moved, key=moved.__getitem__)
    return (
        f"The weights moved most in {ranked(moved)}, measured against their size, and least in {least} "
        f"({percent(moved[least])})."
    )


def _activations(study: Study) -> str:
    if not study.activity:
        return ""
    own = {each.name: each.own for each in study.activity}
    text = f"Given the same input, the layers that answer most differently are {ranked(own)}."
    ratios = {each.name: _ratio(*each.strength) for each in study.activity}
    far = max(ratios, key=lambda name: abs(math.log(ratios[name])))
    if abs(math.log(ratios[far])) < SLIGHT:
        return text
    return f"{text} In {far}, {study.names[1]} is {ratios[far]:.2g} times as strong as {study.names[0]}."


def _ratio(first: float, second: float) -> float:
    return second / first if first and second else 1.0


def _picture(study: Study) -> str:
    shares = step_shares(study.sheets)
    at = max(range(len(shares)), key=shares.__getitem__)
    return (
        f"In the picture, the layers {_span(study.sheets[0], at)} count most: they make "
        f"{percent(shares[at])} of all change, with both directions of the swap taken together."
    )


def step_shares(sheets: Sequence[SwapSheet]) -> list[float]:
    """By swap but the last: which part of all change its layers make, the mean over the sheets."""
    sums = [sum(sheet.steps) or 1.0 for sheet in sheets]
    return [
        sum(sheet.steps[at] / whole for sheet, whole in zip(sheets, sums, strict=True)) / len(sheets)
        for at in range(len(sheets[0].steps))
    ]


def _channels(study: Study) -> str:
    counts = {layer: len(numbers) for layer, numbers in study.moved.channels.items()}
    most = max(counts, key=counts.__getitem__)
    return f"Of the {len(study.moved)} channels that moved most, {counts[most]} belong to layer {most}."


def _run(training: Training, names: tuple[str, str]) -> str:
    there = next(at for at, way in enumerate(training.way) if way >= HALF)
    return (
        f"By {number_text(training.kimgs[there])} kimg the pictures of {names[1]} were at "
        f"{percent(training.way[there])} of their last distance from {names[0]}'s; the weights were half-way "
        f"at about {number_text(halfway(training))} kimg."
    )


def ranked(numbers: Mapping[str, float], count: int = NAMED) -> str:
    """The layers with the largest numbers, in words: `128/1 (30 %), 128/0 (25 %) and 64/1 (22 %)`."""
    best = sorted(numbers, key=lambda name: -numbers[name])[:count]
    words = [f"{name} ({percent(numbers[name])})" for name in best]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def percent(share: float) -> str:
    """A share in whole per cent, and small ones more exactly."""
    return percent_text(round(share, 2) if share >= 0.01 else share)


def _span(sheet: SwapSheet, column: int) -> str:
    """The layers between a swap and the next: `of 16 px`, or `from L3 to L5`."""
    first, end = sheet.swaps[column], sheet.swaps[column + 1]
    if first.label.isdigit():
        return f"of {first.label} px"
    return first.label if end.position - first.position == 1 else f"from {first.label} up to {end.label}"


def _distances(sheet: SwapSheet, column: int) -> str:
    """Where the blend lies; the two need not sum to 1, as pictures lie in more than one dimension."""
    return (
        f"{percent(sheet.from_low[column])} of their distance from {sheet.low}, "
        f"{percent(sheet.from_high[column])} from {sheet.high}"
    )
