"""Times as people write them: `2s`, `48f`, `4b`, `50%`, `end`, a marker, and sums such as `drop+1b`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

UNITS: dict[str, str] = {
    "s": "seconds",
    "f": "frames",
    "b": "beats",
    "%": "of the clip",
}
ANCHORS: dict[str, str] = {"end": "the end of the clip"}
UNIT_HELP = "units are s (seconds), f (frames), b (beats), % (of the clip); end is its end"
_TERM = re.compile(r"\s*([+-])?\s*((?:\d+(?:\.\d*)?|\.\d+)(?:\s*/\s*[1-9]\d*)?)?\s*(%|[^\W\d]\w*)?\s*")
_MARKER = re.compile(r"[^\W\d]\w*")
_MAX_TEXT = 100
_HOW_TO = f"a time is written like 2s, 48f, 4b, 50% or end-1s; {UNIT_HELP}"


@dataclass(frozen=True)
class Term:
    """One part of a time: an exact amount of a unit (`2s`), or an anchor or marker taken `amount` times."""

    amount: Fraction
    unit: str

    def __str__(self) -> str:
        if self.unit in UNITS:
            return f"{exact_text(self.amount)}{self.unit}"
        return self.unit if self.amount > 0 else f"-{self.unit}"


@dataclass(frozen=True)
class Time:
    """A moment or a length as written: a sum of terms. No terms is 0. `Clock` turns it into seconds."""

    terms: tuple[Term, ...] = ()

    @property
    def units(self) -> frozenset[str]:
        """The units, anchors and markers it is written in."""
        return frozenset(term.unit for term in self.terms)

    @property
    def markers(self) -> frozenset[str]:
        """The names of the markers it is written in; whether they exist, the clock knows."""
        return self.units - UNITS.keys() - ANCHORS.keys()

    def __str__(self) -> str:
        text = ""
        for term in self.terms:
            text += str(term) if not text or term.amount < 0 else f"+{term}"
        return text or "0s"


def parse_time(value: str | int | Time) -> Time:
    """The time written as `value`: `2s`, `48f`, `4b`, `50%`, `end`, `drop`, 0, or a sum such as `end-1s`.

    Amounts are decimals or ratios (`1/3b`) and stay exact. A word that is neither a unit nor `end` is the
    name of a marker.

    Raises:
        ValueError: a number without a unit, an unknown unit, or text that is not a sum of terms.
    """
    if isinstance(value, Time):
        return value
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
        return _bare(str(value), value == 0)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(_HOW_TO)
    if len(value) > _MAX_TEXT:
        raise ValueError(f"a time of {len(value)} characters is too long; at most {_MAX_TEXT}")
    terms: list[Term] = []
    at = 0
    while at < len(value):
        match = _TERM.match(value, at)
        if match is None or match.end() == at or (at > 0 and match[1] is None) or not (match[2] or match[3]):
            raise ValueError(f"cannot read the time {value!r}; write sums such as end-1s or 4b+12f")
        terms.append(_term(match, value))
        at = match.end()
    # Nothing is left out that counts: 0b is beat 0, wherever that falls.
    return Time(tuple(t for index, t in enumerate(terms) if t.amount != 0 or (index == 0 and t.unit == "b")))


def marker_name(value: object) -> str:
    """`value` if a marker may have that name: one word that is not a unit, `end` or a number.

    Raises:
        ValueError: says which words cannot be used.
    """
    if not isinstance(value, str) or not _MARKER.fullmatch(value) or len(value) > _MAX_TEXT:
        raise ValueError(
            f"a marker's name is one word of letters, digits and _ that begins with a letter, not {value!r}"
        )
    if value in UNITS or value in ANCHORS:
        raise ValueError(f"{value!r} already means {(UNITS | ANCHORS)[value]}; give the marker another name")
    return value


def _term(match: re.Match[str], text: str) -> Term:
    sign, number, unit = match.groups()
    amount = -Fraction(1) if sign == "-" else Fraction(1)
    if unit is None:
        value = Fraction(number.replace(" ", ""))
        _bare(number, value == 0)
        return Term(Fraction(0), "s")
    if number is None:
        if unit in UNITS:
            raise ValueError(f"{text!r} has no number before {unit!r}; write for example 2{unit}")
        return Term(amount, unit)
    if unit in ANCHORS:
        raise ValueError(f"{unit!r} takes no number: write {unit}, or for example {unit}-1s, not {text!r}")
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r} in {text!r}; {UNIT_HELP}")
    return Term(amount * Fraction(number.replace(" ", "")), unit)


def _bare(text: str, zero: bool) -> Time:
    if not zero:
        raise ValueError(f"{text} has no unit: write {text}s, {text}f, {text}b or {text}%; {UNIT_HELP}")
    return Time()


def exact_text(number: Fraction) -> str:
    """The shortest exact text of a number: `8`, `0.25`, or a ratio where decimals have no end."""
    twos_and_fives = number.denominator
    for prime in (2, 5):
        while twos_and_fives % prime == 0:
            twos_and_fives //= prime
    if twos_and_fives != 1:
        return f"{number.numerator}/{number.denominator}"
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(int(number * 10**digits))).rjust(digits + 1, "0")
    text = whole if digits == 0 else f"{whole[:-digits]}.{whole[-digits:]}"
    return f"-{text}" if number < 0 else text
