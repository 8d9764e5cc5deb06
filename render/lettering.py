"""The letters of captions and sheets: one font, shipped, so that words look the same on every machine.

Source Sans Pro by Paul D. Hunt (Adobe), under the SIL Open Font License: fonts/OFL.txt. It has the Latin
(Vietnamese included), Greek and Cyrillic letters of today's languages.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).resolve().parent / "fonts" / "SourceSansPro-Regular.ttf"
SUBSTITUTE = "?"
_NOBODYS = "\uffff"  # no character: every font shows its sign for a missing one
_PROBE = 24  # pixels; large enough to tell a letter from that sign
# What stands for a character of these kinds, where the font lacks it: dashes, spaces, marks, invisible ones.
_STAND_INS = {"Pd": "-", "Zs": " ", "Zl": " ", "Zp": " ", "Cc": " ", "Cf": "", "Mn": "", "Me": ""}


@lru_cache(maxsize=32)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """The font with letters of that many pixels."""
    # Pillow's other engine is not there on every machine, and spaces letters differently.
    return ImageFont.truetype(str(FONT), size, layout_engine=ImageFont.Layout.BASIC)


def readable(text: str) -> str:
    """The text in characters that the font has: without accents it lacks, `?` for what has no likeness."""
    return "".join(_shown(character) for character in unicodedata.normalize("NFC", text))


def missing(text: str) -> list[str]:
    """The characters of a text that can only be shown as `?`, each once."""
    characters = unicodedata.normalize("NFC", text)
    return list(dict.fromkeys(each for each in characters if each != "?" and SUBSTITUTE in _shown(each)))


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if _is_there(character):
        return character
    kind = unicodedata.category(character)
    if kind in _STAND_INS:
        return _STAND_INS[kind]
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return SUBSTITUTE
    return "".join(_shown(part) for part in parts) or SUBSTITUTE


def _is_there(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
        return False  # a line break would make two lines of one
    return _drawn(character) != _drawn(_NOBODYS)


@lru_cache(maxsize=4096)
def _drawn(character: str) -> tuple[tuple[int, int], bytes]:
    mask = font_of(_PROBE).getmask(character)
    return mask.size, bytes(mask)
