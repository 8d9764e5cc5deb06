"""Values from a file fit into one line of an error, whatever they are."""

from __future__ import annotations

import pytest

from render.checkpoints.shown import printable, shown

NESTED: tuple = ()
for _ in range(80):
    NESTED = (NESTED, NESTED)  # written out, more signs than there is memory


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("lrelu", "lrelu"),
        (0.5, "0.5"),
        (None, "None"),
        (True, "True"),
        ([32, 64], "[32, 64]"),
        ((1, 2.5), "[1, 2.5]"),
        ([1] * 5, "a list"),
        (NESTED, "a tuple"),
        ([NESTED], "a list"),
        ({"a": 1}, "a dict"),
        (1 << 100_000, "a huge number"),
        ("a\nb\x1b[31m", "a?b?[31m"),
        ("x" * 100_000, "x" * 60),
        (b"x" * 9, "a bytes"),
        (frozenset(), "a frozenset"),
    ],
    ids=range(15),
)
def test_values_are_shown_in_a_line(value, text):
    assert shown(value) == text


def test_a_width_can_be_asked_for():
    assert shown("abcdef", 3) == "abc"
    assert printable("a\tb é") == "a?b é"
