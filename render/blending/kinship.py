"""Kinship: whether two networks can be blended, and whether they come from one another.

Networks whose layers fit each other have one origin: the layers of a fine-tuned network still read what the
layers of its base wrote. Networks trained apart may have the same structure, and a blend of them is mush.

What tells them apart is the *cosine* of their weights. Networks of this family start from random numbers and,
with equalised learning rates, move from there by a fraction of their size; of two random starts the cosine is
0 ± 1/√n for n weights and ‖a − b‖/‖a‖ is √2. So it is near 0 between strangers and large within a family, and
between the two lies much room (FAMILY_COSINE). Biases can't say this: they start at 0, or at 1 in the affine
layers, whatever the seed. It is taken over the weights of each layer, and the median over layers decides, so
that a few frozen or replaced layers do not.

How near relatives are is a matter of degree: training is a walk of many small steps away from the start. The
64 px `portrait` of the samples had, after 70 kimg, a cosine of 0.97 with its own random start. If distance
grows with the square root of the steps, as in a random walk, a family falls below FAMILY_COSINE after tens
of millions of images; that is extrapolated, not measured. Small networks of 32 px by the same recipe: two
seeds, 5 kimg each, cosine 0.001 (single layers at most 0.024); snapshots at 3 and 5 kimg 0.9994; a fine-tune
after 0.3, 1, 2 and 3 kimg 0.9999, 0.9993, 0.9987 and 0.9979.

So nothing in the weights divides "the same run, later" from "fine-tuned". The nearest are called one run, a
young fine-tune among them, and distant snapshots of a run are called fine-tuned (SAME_RUN_COSINE). Where
files tell their lineage, they decide between these two verdicts; whether there is a relation at all is told
by weights alone.

One thing weights can't tell: networks trained apart from one *seed* started equal (0.997 after 5 kimg each),
and look like relatives unless they were trained for very long.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from render.blending.blender import differences, names_of
from render.networks import Generator, Provenance

FAMILY_COSINE = 0.2  # from here on two networks have one origin; chance gives 0 ± 0.04 with 8 channels
SAME_RUN_COSINE = 0.999  # from here on they are taken for snapshots of one run
APART_DISTANCE = math.sqrt(2)  # ‖a − b‖/‖a‖ of two random starts
SAMPLE = 4096  # weights of a layer that a quick look takes

SAME_RUN, FINE_TUNED = "same run", "fine-tuned from one another"
UNRELATED, IMPOSSIBLE = "unrelated", "cannot be blended"
MEANINGS = {
    SAME_RUN: "one network, neighbouring snapshots of a run, or a fine-tune that has hardly begun",
    FINE_TUNED: "one was trained on from the other, or both from one ancestor; their layers fit each other",
    UNRELATED: "trained apart: no layer of one can read what a layer of the other wrote; a blend is mush",
    IMPOSSIBLE: "their structure differs, so they have no layers to exchange",
}
THRESHOLDS = (
    f"cosine below {FAMILY_COSINE:g}: {UNRELATED}; from {SAME_RUN_COSINE:g} on: {SAME_RUN}; "
    f"networks trained apart have 0 and distance √2, equal ones 1 and 0"
)
# Drawn at random when a network is made, and never trained: they pass from a network to its descendants.
START_MARKS = ("noise_const", "freqs", "phases")
_SNAPSHOT_NUMBER = re.compile(r"[-_]?\d{6,}$")


@dataclass(frozen=True)
class Likeness:
    """How alike two networks are in one part.

    name       of the layer (`32/0`), or `mapping`
    distance   ‖a − b‖/‖a‖ over its weights
    cosine     of the angle between its weights, -1 to 1
    identical  share of its weights that are equal to the last bit, 0 to 1
    count      of weights compared
    """

    name: str
    distance: float
    cosine: float
    identical: float
    count: int


@dataclass(frozen=True)
class Kinship:
    """What is known about two networks, a and b.

    names        what they are called here
    verdict      a key of MEANINGS
    differences  of structure: label, a's words, b's words
    layers       by position; only those of one shape, so there may be none if they cannot be blended
    mapping      the mapping network, where it is of one shape
    identical    share of all compared weights that are equal to the last bit
    start        whether noise maps, which are never trained, are the `same` or `different`; None: no such
    declared     what their files say about lineage, in words, or nothing
    """

    names: tuple[str, str]
    verdict: str
    differences: tuple[tuple[str, str, str], ...]
    layers: tuple[Likeness, ...]
    mapping: Likeness | None
    identical: float
    start: str | None
    declared: str

    @property
    def cosine(self) -> float | None:
        """The median over layers, which decides; None where no layer could be compared."""
        return median(layer.cosine for layer in self.layers) if self.layers else None

    @property
    def distance(self) -> float | None:
        """The median of the relative distance over layers."""
        return median(layer.distance for layer in self.layers) if self.layers else None

    @property
    def strange_layers(self) -> tuple[str, ...]:
        """Layers that are unrelated though the networks are not: replaced, or drawn afresh."""
        if self.verdict not in (SAME_RUN, FINE_TUNED):
            return ()
        return tuple(layer.name for layer in self.layers if layer.cosine < FAMILY_COSINE)


@torch.no_grad()
def compare(a: Generator, b: Generator, names: tuple[str, str] | None = None) -> Kinship:
    """How `a` and `b` are related. They may be of any architecture; see the module for how it is told."""
    names = names or tuple(names_of([a, b]))
    differing = tuple(differences([a, b]))
    parts = _parts(a, b) if a.architecture == b.architecture else {}
    likenesses = {name: _likeness(name, pairs) for name, pairs in parts.items()}
    layers = tuple(likenesses[layer.name] for layer in a.layers if layer.name in likenesses)
    bases = tuple(map(_base_name, names))
    count = sum(part.count for part in likenesses.values())
    return Kinship(
        names=names,
        verdict=_verdict(differing, layers, bases, (a.provenance, b.provenance)),
        differences=differing,
        layers=layers,
        mapping=likenesses.get("mapping"),
        identical=sum(part.identical * part.count for part in likenesses.values()) / max(count, 1),
        start=_start(a, b),
        declared=_declared(names, bases, (a.provenance, b.provenance)),
    )


def compare_all(models: Sequence[Generator]) -> list[Kinship]:
    """Every pair of the models, in their order."""
    names = names_of(models)
    return [
        compare(models[i], models[j], (names[i], names[j])) for i, j in combinations(range(len(models)), 2)
    ]


@torch.no_grad()
def quick_cosine(a: Generator, b: Generator) -> float:
    """About the cosine of `compare`, from a few thousand weights of a layer; for networks of one structure.

    Takes milliseconds. Off by at most a few hundredths, which is far less than FAMILY_COSINE.
    """
    largest: dict[str, tuple[Tensor, Tensor]] = {}
    for name, pairs in _parts(a, b).items():
        if name != "mapping":
            first, second = max(pairs, key=lambda pair: pair[0].numel())
            step = max(1, first.numel() // SAMPLE)
            largest[name] = first.flatten()[::step], second.flatten()[::step]
    return median(_likeness(name, [pair]).cosine for name, pair in largest.items())


def unrelated(models: dict[str, Generator]) -> list[tuple[str, str, float]]:
    """The pairs of names whose networks have no origin in common, and their cosines. Quick."""
    found = []
    for (name, model), (other_name, other) in combinations(models.items(), 2):
        cosine = quick_cosine(model, other)
        if not cosine >= FAMILY_COSINE:
            found.append((name, other_name, cosine))
    return found


def warning_text(pairs: Iterable[tuple[str, str, float]]) -> str:
    """One line about pairs that `unrelated` found."""
    shown = ", ".join(f"{a} and {b} (cosine {cosine:.2f})" for a, b, cosine in pairs)
    return (
        f"{shown}: {UNRELATED}; networks trained apart blend to mush "
        f"(relatives have {FAMILY_COSINE:g} or more)"
    )


# --- the verdict --------------------------------------------------------------------------------------------


def _verdict(
    differing: Sequence[tuple],
    layers: Sequence[Likeness],
    bases: tuple[str, str],
    provenances: tuple[Provenance, Provenance],
) -> str:
    if differing:
        return IMPOSSIBLE
    cosine = median(layer.cosine for layer in layers)
    if not cosine >= FAMILY_COSINE:
        return UNRELATED
    first, second = (provenance.lineage for provenance in provenances)
    if first or second:
        # Only files that tell of a lineage are named by what they show; `network-snapshot` says nothing.
        return SAME_RUN if bases[0] == bases[1] and first == second else FINE_TUNED
    # A foreign layer among equal ones was put there by somebody.
    is_whole = min(layer.cosine for layer in layers) >= FAMILY_COSINE
    return SAME_RUN if is_whole and cosine >= SAME_RUN_COSINE else FINE_TUNED


def _declared(
    names: tuple[str, str], bases: tuple[str, str], provenances: tuple[Provenance, Provenance]
) -> str:
    """What the files say of each other, in words."""
    first, second = (provenance.lineage for provenance in provenances)
    if bases[0] in second:
        return f"{names[1]} was fine-tuned from {bases[0]}"
    if bases[1] in first:
        return f"{names[0]} was fine-tuned from {bases[1]}"
    shared = [name for name in first if name in second]
    return f"both were fine-tuned from {shared[0]}" if shared else ""


def _base_name(name: str) -> str:
    """`ukiyoe` for `ukiyoe-000024.safetensors`."""
    return _SNAPSHOT_NUMBER.sub("", Path(name).stem)


# --- tensors ------------------------------------------------------------------------------------------------


def _parts(a: Generator, b: Generator) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Weights of a and b that have one name and shape, in pairs, by the layer they are of, or `mapping`.

    Weights are the trained tensors of two axes and more: what starts at random and not at a set value.
    """
    others = dict(b.named_parameters())
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for name, tensor in a.named_parameters():
        other = others.get(name)
        if tensor.ndim < 2 or other is None or other.shape != tensor.shape:
            continue
        role = a.role(name)
        part = a.layers[role.position].name if role.position is not None else role.kind
        parts.setdefault(part, []).append((tensor, other))
    return parts


def _likeness(name: str, pairs: Sequence[tuple[Tensor, Tensor]]) -> Likeness:
    """All tensors of a part together, as if they were one."""
    product = first = second = apart = 0.0
    equal = count = 0
    for one, other in pairs:
        x, y = one.flatten().double(), other.to(one.device).flatten().double()
        product += float(x @ y)
        first, second = first + float(x @ x), second + float(y @ y)
        apart += float((x - y).square().sum())
        equal, count = equal + int((x == y).sum()), count + x.numel()
    both = math.sqrt(first * second)
    return Likeness(
        name,
        distance=math.sqrt(apart / first) if first else (0.0 if not apart else math.inf),
        cosine=product / both if both else float(not apart),
        identical=equal / count,
        count=count,
    )


def _start(a: Generator, b: Generator) -> str | None:
    """Whether the marks of a random start are the `same` or `different`; None where there are none."""
    others = dict(b.named_buffers())
    pairs = [
        (tensor, others[name])
        for name, tensor in a.named_buffers()
        if name.endswith(START_MARKS) and name in others and others[name].shape == tensor.shape
    ]
    # Not to the last bit: a file in half precision has rounded them.
    return ("same" if _likeness("", pairs).cosine > 0.99 else "different") if pairs else None
