"""Frame rates: read exactly, within what a file can carry, and the ones that a GIF can keep. Pure numbers."""

from __future__ import annotations

import math
from fractions import Fraction

MIN_FPS, MAX_FPS = Fraction(1, 100), 1000
MAX_TERM = 1_000_000  # the largest numerator or denominator that a file's clock takes
_LONGEST, _LONGEST_EXPONENT = 40, 2  # characters of a number, and of its power of ten

GIF_TICKS_PER_SECOND = 100
GIF_MIN_TICKS = 2  # browsers slow a frame of 1/100 s down to 1/10 s
FASTEST_GIF = Fraction(GIF_TICKS_PER_SECOND, GIF_MIN_TICKS)  # frames a second


def parse_fps(value: str | int | float | Fraction) -> Fraction:
    """A frame rate as an exact number: 30, 12.5, or text such as `24000/1001` for 23.976.

    Raises:
        ValueError: not a number, outside 0.01–1000 frames a second, or too finely divided for a file.
    """
    fps = exact_number(value)
    if fps is None:
        raise ValueError(
            f"a frame rate is a number such as 30, or a ratio such as 24000/1001, not {given_text(value)}"
        )
    if not MIN_FPS <= fps <= MAX_FPS:
        raise ValueError(
            f"a frame rate lies from {float(MIN_FPS):g} to {MAX_FPS} frames a second, not {value}"
        )
    if max(fps.numerator, fps.denominator) > MAX_TERM:
        near = fps.limit_denominator(1001)
        raise ValueError(f"a file cannot keep the frame rate {value} exactly; write {near}")
    return fps


def exact_number(value: object) -> Fraction | None:
    """The number that `value` is, or that its text writes, exactly; None where it is none, or is written with
    more than 40 characters or a power of ten that has more than two digits.
    """
    if not isinstance(value, str | int | float | Fraction) or isinstance(value, bool):
        return None
    try:
        text = str(value).replace(" ", "")
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return None
    exponent = text.lower().partition("e")[2].lstrip("+-")
    if len(text) > _LONGEST or len(exponent) > _LONGEST_EXPONENT:
        return None  # 1e999999999 is short to write and fills the memory
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def given_text(value: object) -> str:
    """What was given instead of a number, in an error message; never long."""
    text = repr(value) if isinstance(value, str | bool | float | None) else "this"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def nearest_gif_rate(fps: Fraction | int) -> Fraction:
    """The highest rate not above `fps` that a GIF can keep: 50, 33⅓, 25, 20, 16⅔ … frames a second.

    Its frames last whole hundredths of a second, two or more. `fps` is at least MIN_FPS.
    """
    return Fraction(GIF_TICKS_PER_SECOND, max(GIF_MIN_TICKS, math.ceil(GIF_TICKS_PER_SECOND / Fraction(fps))))


def rate_text(fps: Fraction) -> str:
    """A frame rate in five figures: `25`, `12.5`, `23.976`."""
    return f"{float(fps):.5g}"
