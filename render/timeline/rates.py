"""Frame rates: read exactly, within what a file can carry, and the ones that a GIF can keep. Pure numbers."""

from __future__ import annotations

import math
from fractions import Fraction

MIN_FPS, MAX_FPS = Fraction(1, 100), 1000
MAX_TERM = 1_000_000  # the largest numerator or denominator that a file's clock takes
_LONGEST = 40  # characters of a rate

GIF_TICKS_PER_SECOND = 100
GIF_MIN_TICKS = 2  # browsers slow a frame of 1/100 s down to 1/10 s


def parse_fps(value: str | int | float | Fraction) -> Fraction:
    """A frame rate as an exact number: 30, 12.5, or text such as `24000/1001` for 23.976.

    Raises:
        ValueError: not a number, outside 0.01–1000 frames a second, or too finely divided for a file.
    """
    right = isinstance(value, str | int | float | Fraction) and not isinstance(value, bool)
    try:
        text = str(value).replace(" ", "") if right else ""
        fps = Fraction(text) if len(text) <= _LONGEST else None
    except (ValueError, ZeroDivisionError):
        fps = None
    if fps is None:
        given = repr(value) if isinstance(value, str | bool | float | None) else "this"
        shown = given if len(given) <= _LONGEST else f"{given[: _LONGEST - 1]}…"
        raise ValueError(
            f"a frame rate is a number such as 30, or a ratio such as 24000/1001, not {shown}"
        ) from None
    if not MIN_FPS <= fps <= MAX_FPS:
        raise ValueError(
            f"a frame rate lies from {float(MIN_FPS):g} to {MAX_FPS} frames a second, not {value}"
        )
    if max(fps.numerator, fps.denominator) > MAX_TERM:
        near = fps.limit_denominator(1001)
        raise ValueError(f"a file cannot keep the frame rate {value} exactly; write {near}")
    return fps


def nearest_gif_rate(fps: Fraction | int) -> Fraction:
    """The highest rate not above `fps` that a GIF can keep: 50, 33⅓, 25, 20, 16⅔ … frames a second.

    Its frames last whole hundredths of a second, two or more. `fps` is at least MIN_FPS.
    """
    return Fraction(GIF_TICKS_PER_SECOND, max(GIF_MIN_TICKS, math.ceil(GIF_TICKS_PER_SECOND / Fraction(fps))))


def rate_text(fps: Fraction) -> str:
    """A frame rate in five figures: `25`, `12.5`, `23.976`."""
    return f"{float(fps):.5g}"
