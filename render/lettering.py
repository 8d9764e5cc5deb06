"""The letters of captions and sheets: a font that is shipped, so that words look the same on every machine.

Source Sans Pro by Paul D. Hunt (Adobe), under the SIL Open Font License: fonts/OFL.txt. It has the Latin
(Vietnamese included), Greek and Cyrillic letters of today's languages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from render.errors import PresetError

FONT = Path(__file__).resolve().parent / "fonts" / "SourceSansPro-Regular.ttf"
SUBSTITUTE = "?"
_NOBODYS = "\uffff"  # no character: every font shows its sign for a missing one
_PROBE = 24  # pixels; large enough to tell a letter from that sign
# What stands for a character of these kinds, where the font lacks it: dashes, spaces, marks, invisible ones.
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_STAND_INS = {"Pd": "-", "Zs": " ", "Zl": " ", "Zp": " ", "Cc": " ", "Cf": "", "Mn": "", "Me": ""}


@lru_cache(maxsize=32)
def font_of(size: int, file: str | None = None) -> ImageFont.FreeTypeFont:
    """A font with letters of that many pixels: the one that is shipped, or that in a file.

    Raises OSError where the file is no font.
    """
    # Pillow's other engine is not there on every machine, and spaces letters differently.
    return ImageFont.truetype(file or str(FONT), size, layout_engine=ImageFont.Layout.BASIC)


def check_font(file: str) -> None:
    """Raises PresetError where a file is no font that can be read."""
    if not Path(file).is_file():
        raise PresetError(f"panels.font: there is no file {file}")
    try:
        font_of(_PROBE, file).getmask("Aa")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PresetError(f"panels.font: {file} is no font that can be read: {reason}") from None


@contextmanager
def whole_letters(font: str | None) -> Iterator[None]:
    """A letter that cannot be drawn in this block is a PresetError: a font may be damaged in any of them."""
    try:
        yield
    except OSError as error:
        raise PresetError(f"panels.font: {font} has a damaged letter: {error}") from None


def readable(text: str, font: str | None = None) -> str:
    """The text in characters that the font has: without accents it lacks, `?` for what has no likeness."""
    return "".join(_shown(character, font) for character in unicodedata.normalize("NFC", text))


def missing(text: str, font: str | None = None) -> list[str]:
    """The characters of a text that can only be shown as `?`, each once."""
    characters = unicodedata.normalize("NFC", text)
    lacking = (each for each in characters if each != "?" and SUBSTITUTE in _shown(each, font))
    return list(dict.fromkeys(lacking))


def gaps(captions: Iterable[str], font: str | None = None) -> list[str]:
    """What captions will read that a font has not all characters of, one line each; usual ones are passed."""
    is_plain = str.isascii if font is None else lambda text: False
    unusual = [text for text in dict.fromkeys(captions) if not (is_plain(text) and text.isprintable())]
    return [
        f"{'panels.font' if font else 'panels'}: the caption '{text}' will read '{readable(text, font)}': "
        f"{Path(font or FONT).name} has no {' '.join(lacking)}"
        + ("" if font else f"; name one that has{_such_as(lacking)} with panels: {{font: FILE}}")
        for text in unusual
        if (lacking := missing(text, font))
    ]


def _such_as(lacking: Iterable[str]) -> str:
    """A font by name for the letters that are asked for most: those of Chinese, Japanese and Korean."""
    asian = any(unicodedata.name(each, "").startswith(_EAST_ASIAN) for each in lacking)
    return ", such as Noto Sans CJK," if asian else ""


@lru_cache(maxsize=4096)
def _shown(character: str, font: str | None) -> str:
    if _is_there(character, font):
        return character
    kind = unicodedata.category(character)
    if kind in _STAND_INS:
        return _STAND_INS[kind]
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return SUBSTITUTE
    return "".join(_shown(part, font) for part in parts) or SUBSTITUTE


def _is_there(character: str, font: str | None) -> bool:
    if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
        return False  # a line break would make two lines of one
    return _drawn(character, font) != _drawn(_NOBODYS, font)


@lru_cache(maxsize=4096)
def _drawn(character: str, font: str | None) -> tuple[tuple[int, int], bytes]:
    with whole_letters(font):
        mask = font_of(_PROBE, font).getmask(character)
    return mask.size, bytes(mask)
