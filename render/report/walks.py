"""A walk through latent space in words: which latents, when, along which path."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from render.preset import FileLatent, Latents, Preset, Rows, Stop, Walk
from render.preset.walk import ROUND_PATHS
from render.timeline import HOLD, LINEAR, Clock

from .words import abridged, count_text, number_text, percent_text, seconds_text

Counts = Mapping[FileLatent, int]  # how many latents a file holds, where its header tells


def walk_rows(preset: Preset, counts: Counts) -> list[list[str]]:
    """The rows of a table: the walk, and what else acts on the latents."""
    latents, clock = preset.latents, preset.clock
    words = walk_words(latents, clock, counts)
    words += ["pace: even"] if latents.pace == "even" else []
    rows = [["walk", " · ".join(words)]]
    if latents.mixing is not None:
        words = walk_words(latents.mixing, clock, counts)
        rows.append(["mixing", " · ".join([_rows_text(latents.mixing.layers), *words])])
    if latents.directions:
        rows.append(["directions", " · ".join(directions_words(latents))])
    rows += [["truncation", text] for text in _truncation(preset)]
    return rows


def walk_words(walk: Walk, clock: Clock, counts: Counts) -> list[str]:
    """Its latents, its path and its pace: `seeds 3, 14`, `spline in w`, `one every 2 s`."""
    path = f"{walk.path} in {walk.walk_space}"
    if walk.path in ROUND_PATHS:
        seeds = " and ".join(str(seed) for seed in walk.all_seeds)
        words = [f"{path} {'through seeds' if walk.path == 'circle' else 'from seed'} {seeds}"]
        words += [f"diameter {number_text(walk.diameter)}"] if walk.diameter is not None else []
        return [*words, _pace(walk, f"one turn in {seconds_text(walk.turn_seconds(clock))}")]
    stops = stops_of(walk, clock, counts)
    if len({stop.latent for stop in stops}) == 1 and not _has_unknown(walk, counts):
        return [f"{stops[0].latent}, standing still"]
    if walk.keys is not None:
        closes = ["back to the first one"] if len(stops) > len(walk.keys) else []
        return [", ".join(abridged(_key_words(walk, clock))), path, *closes]
    return [_sources(walk, counts), path, _pace(walk, _steps(stops, _has_unknown(walk, counts)))]


def stops_of(walk: Walk, clock: Clock, counts: Counts) -> tuple[Stop, ...]:
    """The stops of a walk; files whose header was not read count as one latent."""

    def rows(file: FileLatent) -> Sequence[FileLatent]:
        count = counts.get(file, 1)
        return [file] if count == 1 else [FileLatent(file.file, row, file.space) for row in range(count)]

    return walk.stops(clock, rows)


def _has_unknown(walk: Walk, counts: Counts) -> bool:
    """Whether a file may hold more latents than are known of."""
    return any(file.row is None and file not in counts for file in walk.files or ())


def _key_words(walk: Walk, clock: Clock) -> list[str]:
    words = []
    for key in walk.keys or ():
        easing = f" ({key.easing.name})" if key.easing != LINEAR else ""
        words.append(f"{key.latent} at {seconds_text(clock.resolve(key.time))}{easing}")
    return words


def _sources(walk: Walk, counts: Counts) -> str:
    if walk.files is not None:
        texts = [
            f"{file} ({count_text(counts[file], 'latent')})" if counts.get(file, 1) > 1 else str(file)
            for file in walk.files
        ]
        return ", ".join(abridged(texts))
    seeds = ", ".join(abridged([str(seed) for seed in walk.all_seeds]))
    drawn = walk.random
    return f"seeds {seeds}" if drawn is None else f"seeds {seeds} (drawn from seed {drawn.seed})"


def _pace(walk: Walk, pace: str) -> str:
    return "moved by its position" if walk.position is not None else pace


def _steps(stops: Sequence[Stop], is_unsure: bool) -> str:
    if is_unsure:
        return "evenly spaced"
    gaps = [later.seconds - earlier.seconds for earlier, later in pairwise(stops)]
    return f"one every {seconds_text(gaps[0])}"


# --- what acts on the latents -------------------------------------------------------------------------------


def directions_words(latents: Latents) -> list[str]:
    """`0: sefa 2 on rows 0-5`, by the numbers that their places have."""
    return [
        f"{index}: {f'sefa {one.sefa}' if one.sefa is not None else one.file} on {_rows_text(one.layers)}"
        for index, one in enumerate(latents.directions)
    ]


def _rows_text(rows: Rows | None) -> str:
    if rows is None:
        return "all rows"
    return f"row {rows.text}" if rows.text.isdigit() else f"rows {rows.text}"


def _truncation(preset: Preset) -> list[str]:
    clusters = preset.truncation_clusters
    if clusters is None:
        return []
    return [f"to the nearest of {count_text(clusters.count, 'centre')} (seed {clusters.seed})"]


# --- at one moment ------------------------------------------------------------------------------------------


def place_text(
    walk: Walk, clock: Clock, counts: Counts, seconds: Fraction, position: float | None = None
) -> str:
    """Where a walk is: `seed 3 to seed 14, 25 % of the way`; position: what moves it, if not the clock."""
    if walk.path in ROUND_PATHS:
        turns = float(seconds / walk.turn_seconds(clock)) if position is None else position
        return f"{number_text(turns)} turns of the {walk.path}"
    if _has_unknown(walk, counts):
        return "not known before the files are opened"
    stops = stops_of(walk, clock, counts)
    if position is not None:
        stops = tuple(stop._replace(seconds=Fraction(number)) for number, stop in enumerate(stops))
    place = _round_place(stops, clock, seconds if position is None else position)
    index = bisect.bisect_right([stop.seconds for stop in stops], place) - 1
    here = stops[max(0, index)]
    rests = walk.path == "hold" or here.easing == HOLD
    if index < 0 or index == len(stops) - 1 or rests or place == here.seconds:
        return f"at {here.latent}"
    following = stops[index + 1]
    part = float((place - here.seconds) / (following.seconds - here.seconds))
    eased = here.easing(part)
    time = "" if here.easing == LINEAR else f" ({percent_text(part)} of the time, {here.easing.name})"
    return f"{here.latent} to {following.latent}, {percent_text(eased)} of the way{time}"


def _round_place(stops: Sequence[Stop], clock: Clock, place: Fraction | float) -> Fraction | float:
    """The place within the stops; in a looping clip those that close are passed again and again."""
    first, last = stops[0].seconds, stops[-1].seconds
    has_cut = any(later.seconds == earlier.seconds for earlier, later in pairwise(stops))
    closes = clock.loop and last > first and stops[0].latent == stops[-1].latent and not has_cut
    return first + (place - first) % (last - first) if closes and not first <= place < last else place
