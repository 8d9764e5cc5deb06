"""Letters: words in many languages are drawn as they are, and what cannot be is still read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from render.lettering import FONT, font_of, missing, readable
from render.panels import caption
from render.pen import Pen, text_width

SPOKEN = ["Größe", "Žižkov", "Łódź", "Ελληνικά", "Кириллица", "Tiếng Việt", "½ × 3 → ≥", "32/1 – …", "naïve"]


def drawn(text: str) -> np.ndarray:
    image = Image.new("L", (400, 40))
    ImageDraw.Draw(image).text((4, 4), text, fill=255, font=font_of(24))
    return np.asarray(image)


@pytest.mark.parametrize("text", SPOKEN)
def test_words_in_many_languages_are_drawn_letter_by_letter(text: str) -> None:
    assert readable(text) == text
    assert missing(text) == []
    letters = {drawn(each).tobytes() for each in set(text) - {" "}}
    assert len(letters) == len(set(text) - {" "}), "two letters look alike: is one of them a box?"


def test_an_accent_in_two_characters_is_one_letter() -> None:
    assert readable("e\u0301") == "é"


@pytest.mark.parametrize(
    ("text", "shown", "lacking"),
    [
        ("浮世絵 ukiyo-e", "??? ukiyo-e", ["浮", "世", "絵"]),
        ("non\u2011breaking\u3000space", "non-breaking space", []),
        ("ﬁne №5 Ⅷ ｗｉｄｅ", "ﬁne №5 VIII wide", []),
        ("two\nlines\t", "two lines ", []),
        ("face 🙂\ufe0f!", "face ?!", ["🙂"]),
        ("what?", "what?", []),
    ],
)
def test_what_the_font_lacks_has_a_stand_in(text: str, shown: str, lacking: list[str]) -> None:
    assert readable(text) == shown
    assert missing(text) == lacking


@given(st.text(max_size=12))
@settings(deadline=None, max_examples=60)
def test_any_text_can_be_drawn_on_one_line(text: str) -> None:
    assert readable(readable(text)) == readable(text)
    assert caption(text, (120, 24), (17, 17, 20)).shape == (24, 120, 3)
    assert text_width(text, 15) >= 0
    Pen(60, 20, (0, 0, 0)).text(2, 10, text, 12, (255, 255, 255), room=50)


def test_captions_differ_where_their_words_do() -> None:
    """In a font without these letters both would be the same row of boxes."""
    first, second = (caption(word, (160, 24), (17, 17, 20)) for word in ("портрет", "гравюра"))
    assert (first != second).any()


def test_the_font_is_small_and_comes_with_its_licence() -> None:
    assert FONT.stat().st_size < 1_000_000
    assert "SIL OPEN FONT LICENSE" in (FONT.parent / "OFL.txt").read_text(encoding="utf-8")
