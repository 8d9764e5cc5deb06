"""Letters: words in many languages are drawn as they are, and what cannot be is still read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import render
from render.cli import main
from render.errors import BlendreelWarning, PresetError
from render.lettering import FONT, check_font, font_of, gaps, missing, readable
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


# --- fonts of one's own -------------------------------------------------------------------------------------


def make_font(path: Path, letters: str) -> Path:
    """A font in which every letter is a bar of its own height, and a missing one an empty box."""

    def box(*corners: tuple[int, int]) -> object:
        pen = TTGlyphPen(None)
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
        return pen.glyph()

    names = {letter: f"u{ord(letter):04X}" for letter in letters}
    glyphs = {".notdef": box((50, 0), (450, 0), (250, 700))}
    for number, name in enumerate(names.values()):
        top = 200 + 100 * number
        glyphs[name] = box((100, 0), (400, 0), (400, top), (100, top))
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(letter): name for letter, name in names.items()})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (500, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2(sTypoAscender=800)
    builder.setupPost()
    builder.setupNameTable({"familyName": "Bars"})
    builder.save(path)
    return path


@pytest.fixture
def bars(tmp_path: Path) -> str:
    return str(make_font(tmp_path / "bars.ttf", "ab浮世絵"))


def test_letters_of_another_font_are_its_own(bars: str) -> None:
    assert readable("浮世絵", bars) == "浮世絵"
    assert missing("浮x", bars) == ["x"]
    assert readable("浮世絵") == "???"
    own, shipped = (caption("ab", (80, 24), (0, 0, 0), font=font) for font in (bars, None))
    assert (own != shipped).any()
    assert (own == 205).any()


def test_what_a_font_lacks_is_told_with_font_characters_and_caption(bars: str) -> None:
    assert gaps(["浮世絵", "浮?", "浮yz", ""], bars) == [
        "panels.font: the caption '浮yz' will read '浮??': bars.ttf has no y z"
    ]
    assert gaps(["plain", "", "Größe"]) == []
    [text] = gaps(["浮 and 世", "浮 and 世"])
    assert text == (
        "panels: the caption '浮 and 世' will read '? and ?': SourceSansPro-Regular.ttf has no 浮 世; "
        "name one that has, such as Noto Sans CJK, with panels: {font: FILE}"
    )
    assert gaps(["한글", "שלום"])[0].endswith(
        "has no 한 글; name one that has, such as Noto Sans CJK, with panels: {font: FILE}"
    )
    assert gaps(["한글", "שלום"])[1].endswith("; name one that has with panels: {font: FILE}")


def test_a_preset_names_its_font(preset, bars, tmp_path):
    panels = {"show": [{"show": "blend", "label": "浮世"}], "scale": 8}
    preset = preset.replace(panels=panels, outputs=())
    with pytest.warns(BlendreelWarning, match=r"the caption '浮世' will read '\?\?': SourceSansPro-Regular"):
        render.render(preset, "a.gif", out_dir=tmp_path)
    preset._base_dir = tmp_path
    own = preset.replace(panels={**panels, "font": "bars.ttf"})
    [film] = render.render(own, "b.gif", out_dir=tmp_path)
    frame = next(render.frames(own))
    assert frame.shape == next(render.frames(preset)).shape
    strip = frame[128:]
    columns = (strip.max(axis=(0, 2)) > 150).nonzero()[0]
    assert len(columns) > 4  # two bars
    assert list(render.production.record_of(film).files) == ["bars.ttf"]
    assert render.again(film, "c.gif", out_dir=tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"no font at all", "is no font that can be read: unknown file format"), (None, "there is no file")],
)
def test_a_font_that_is_none_is_one_line_before_anything_is_drawn(preset, tmp_path, data, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if data is not None:
        Path("x.ttf").write_bytes(data)
    with pytest.raises(PresetError, match=rf"^panels\.font: .*{words}"):
        check_font("x.ttf")
    text = preset.to_yaml().replace("panels: [low, blend, high]", "panels: {show: blend, font: x.ttf}")
    Path("p.yaml").write_text(text)
    for command in (["check"], ["render", "-o", "a.gif"], ["sheet"]):
        done = CliRunner().invoke(main, [*command, "p.yaml"])
        assert done.exit_code == 2
        [line, _, caret] = done.output.splitlines()
        assert line.startswith("p.yaml:10:29: panels.font: ")
        assert words in line
        assert caret.strip() == "^" * 5
    assert not list(tmp_path.glob("a.gif*"))
