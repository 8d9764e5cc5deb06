"""Frame rates: exact, within what files carry, and the same for presets and encoders."""

from __future__ import annotations

from fractions import Fraction

import pytest

from render.timeline import exact_number, nearest_gif_rate, parse_fps, rate_text


@pytest.mark.parametrize(
    ("value", "fps"),
    [
        (30, Fraction(30)),
        (12.5, Fraction(25, 2)),
        ("24000/1001", Fraction(24000, 1001)),
        (29.97, Fraction("29.97")),
    ],
)
def test_frame_rates_are_exact(value: object, fps: Fraction) -> None:
    assert parse_fps(value) == fps


@pytest.mark.parametrize(
    "value", [0, -3, "fast", "1/0", True, None, 1e9, "nan", float("inf"), [30], "1" * 50]
)
def test_wrong_frame_rates_are_explained(value: object) -> None:
    with pytest.raises(ValueError, match="a frame rate"):
        parse_fps(value)


def test_a_number_with_endless_digits_is_a_wrong_rate_too() -> None:
    with pytest.raises(ValueError, match="a frame rate is a number such as 30"):
        parse_fps(1 << 20_000)


def test_a_rate_that_no_file_can_keep_is_refused_with_one_that_can() -> None:
    with pytest.raises(ValueError, match=r"keep the frame rate 23\.976023976 exactly; write 24000/1001"):
        parse_fps(23.976023976)


def test_the_slowest_rate_is_one_that_a_gif_keeps() -> None:
    assert nearest_gif_rate(parse_fps(0.01)) == Fraction(1, 100)


def test_rates_for_people() -> None:
    rates = (Fraction(25), Fraction(25, 2), Fraction(24000, 1001), Fraction(100, 3))
    assert [rate_text(rate) for rate in rates] == ["25", "12.5", "23.976", "33.333"]


def test_numbers_that_would_fill_the_memory_are_refused_at_once() -> None:
    for value in ("1e999999999", "1e-999999999", 10**5000):
        with pytest.raises(ValueError, match="a frame rate is a number such as 30"):
            parse_fps(value)
    assert exact_number("2.5e1") == 25
