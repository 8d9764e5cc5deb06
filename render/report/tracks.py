"""The table of everything that can move: numbers with their extremes, and names."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from render.errors import PresetError
from render.preset import Animated, NameKeys, Preset
from render.timeline import Clock, ExpressionTrack, Track

from .models import KnownLayer, Sizes
from .table import GAP, NARROWEST, WIDTH
from .words import abridged, count_text, mix_text, value_text


def track_rows(preset: Preset, sizes: Sizes | None = None) -> list[list[str]]:
    """A head, then every track: name, first, last, minimum, maximum, how it is written.

    sizes  of the networks, where known: in StyleGAN3 swaps are positions among its own layers
    """
    head = ["", "first", "last", "minimum", "maximum", ""]
    rows = [head, *name_rows(preset)]
    layers = sizes.layers if sizes else ()
    for name, (value, track) in animated_tracks(preset, sizes).items():
        rows.append(track_row(name, value, track, preset.clock, layers))
    *widths, last = [max(map(len, column)) + len(GAP) for column in zip(*rows, strict=True)]
    if sum(widths) + min(last, NARROWEST) > WIDTH:
        rows = [[cell.replace("between ", "").replace(" and ", "–") for cell in row] for row in rows]
    return rows


def animated_tracks(
    preset: Preset, sizes: Sizes | None = None
) -> dict[str, tuple[Animated, Track | ExpressionTrack]]:
    """Every animated number as written and over time, by the names of `Preset.tracks`."""
    if sizes is not None and sizes.architecture == "stylegan3" and sizes.layers:
        from render.scene.mixture import tracks_on  # NumPy, which other networks can do without

        tracks = tracks_on(sizes.layers, preset)
    else:
        tracks = preset.tracks()
    return {name: (value, tracks[name]) for name, value in preset.animated().items()}


def track_row(
    name: str,
    value: Animated,
    track: Track | ExpressionTrack,
    clock: Clock,
    layers: Sequence[KnownLayer] = (),
) -> list[str]:
    """Name, first, last, minimum, maximum, and how it is written; of a constant only one value."""
    try:
        numbers = [*_ends(track, clock), track.minimum, track.maximum]
    except ValueError as error:
        raise PresetError(f"{name}: {error}") from None
    if track.is_constant:
        words = f"constant, {value.expression}" if value.expression else "constant"
        return [name, value_text(value.quantity, numbers[0], layers), "", "", "", words]
    return [name, *(value_text(value.quantity, number, layers) for number in numbers), written(value)]


def _ends(track: Track | ExpressionTrack, clock: Clock) -> tuple[float, float]:
    """The values at both ends of the clip; where keys repeat, and of a formula, in the last frame."""
    if not isinstance(track, Track):
        return track.first, track.last
    last = clock.duration if track.repeat == "once" else clock.seconds(clock.frame_count - 1)
    return track.value_at(Fraction(0)), track.value_at(last)


def written(value: Animated) -> str:
    """How a number is written: `=1 - 0.5*u`, or `3 keys, spline, repeat loop`."""
    if value.expression is not None:
        return str(value.expression)
    words = [count_text(len(value.keys), "key")]
    words += ["spline"] if value.spline else []
    words += [f"repeat {value.repeat}"] if value.repeat != "once" else []
    return ", ".join(words)


def name_rows(preset: Preset) -> list[list[str]]:
    """Names that move, and what else no other table tells: first and last mix, then all in order."""
    return [
        name_row(name, keys)
        for place, keys in preset.name_places().items()
        if (name := ".".join(place)) == "latents.labels" or not _is_told(name, keys)
    ]


def _is_told(name: str, keys: NameKeys) -> bool:
    """The table of models tells who is low and high; a mapping of `low` is what everybody expects."""
    return keys.is_constant and (name != "blend.mapping" or keys.names == ("low",))


def name_row(name: str, keys: NameKeys) -> list[str]:
    """Name, first and last mix, and the order of all: `ukiyoe → toon, 2 fades`."""
    mixes = [mix_text(dict(key.mix)) for key in keys.keys]
    if len(mixes) == 1:
        return [name, mixes[0], "", "", "", "constant"]
    order = [mix for mix, _ in groupby(mixes)]
    fades = sum(key.fade is not None for key in keys.keys)
    words = [count_text(len(mixes), "key"), *([count_text(fades, "fade")] if fades else [])]
    words += [" → ".join(abridged(order, most=8))] if len(order) > 2 else []
    return [name, mixes[0], mixes[-1], "", "", ", ".join(words)]
