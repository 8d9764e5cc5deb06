"""Numbers, times and layers in the words that reports and sheets use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from render.preset import KIMG, SWAP, Quantity, name_of
from render.timeline import Clock, rate_text

NEAR = 1e-6  # positions closer than this to a layer are that layer


class NamedLayer(Protocol):
    """A layer of a network, as far as words need it."""

    @property
    def name(self) -> str: ...


def number_text(number: float) -> str:
    """A number in four figures: `0.7`, `1.333`, `25,000`."""
    number = round(number, 9) + 0.0  # no "-0", and no 1e-17 where 0 is meant
    return f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:.4g}"


def percent_text(share: float) -> str:
    """A share of a whole in three figures: `50 %`, `0.4 %`, `below 0.1 %`."""
    if 0 < share < 5e-4:
        return "below 0.1 %"
    return f"{round(100 * share, 1) + 0.0:.3g} %" if abs(share) < 9.99 else f"{100 * share:,.0f} %"


def seconds_text(seconds: Fraction | float) -> str:
    """A length or moment: `2.667 s`, from two minutes on `2:05 min`, from an hour on `1:02:05 h`."""
    if seconds < 120:
        return f"{number_text(float(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


def count_text(count: int, word: str) -> str:
    """`1 frame`, `1,250 frames`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def abridged(words: Sequence[str], most: int = 12) -> list[str]:
    """At most so many words: of more the first ones, `…` and the last."""
    return list(words) if len(words) <= most else [*words[: most - 2], "…", words[-1]]


def clip_text(clock: Clock) -> str:
    """`8 s · 200 frames · 25 frames/s · loops`."""
    parts = [seconds_text(clock.duration), count_text(clock.frame_count, "frame")]
    parts += [f"{rate_text(clock.fps)} frames/s"]
    parts += [f"{number_text(float(clock.bpm))} beats/min"] if clock.bpm else []
    return " · ".join([*parts, "loops" if clock.loop else "plays once"])


def kimg_range(kimgs: Sequence[float]) -> str:
    """`40 kimg`, `10–40 kimg`, or nothing."""
    if not kimgs:
        return ""
    ends = dict.fromkeys(number_text(kimg) for kimg in (kimgs[0], kimgs[-1]))
    return f"{'–'.join(ends)} kimg"


def mix_text(shares: Mapping[str, float]) -> str:
    """`toon`, or of several names each with its share: `ukiyoe 25 %, toon 75 %`."""
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{name} {percent_text(share)}" for name, share in shares.items())


def value_text(quantity: Quantity, number: float, layers: Sequence[NamedLayer] = ()) -> str:
    """A track's number for people: `32/1`, `between 32/1 and 64/0`, `40 kimg`, `0.7`.

    layers  of the network, where known, for the positions of a swap
    """
    if quantity == SWAP:
        return layer_text(number, layers)
    return f"{number_text(number)} kimg" if quantity == KIMG else number_text(number)


def layer_text(position: float, layers: Sequence[NamedLayer] = ()) -> str:
    """A position by the names of the layers it lies at or between; default: those of StyleGAN1 and 2."""
    whole = round(position)
    if position < -NEAR:
        return f"before {position_name(0, layers)}"
    if abs(position - whole) <= NEAR:
        return position_name(whole, layers)
    below = math.floor(position)
    return f"between {position_name(below, layers)} and {position_name(below + 1, layers)}"


def position_name(position: int, layers: Sequence[NamedLayer] = ()) -> str:
    """The name of a whole position; where StyleGAN3's layers end, `behind L14`."""
    if not layers or "/" in layers[0].name:
        return name_of(position)
    return layers[position].name if position < len(layers) else f"behind {layers[-1].name}"
