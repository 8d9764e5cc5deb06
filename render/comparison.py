"""What `blendreel models compare` shows: kinship in words, as plain data, and as a picture by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from string import ascii_uppercase
from typing import Any

from PIL import Image

from render.blending.kinship import (
    APART_DISTANCE,
    FAMILY_COSINE,
    MEANINGS,
    SAME_RUN_COSINE,
    THRESHOLDS,
    Kinship,
    Likeness,
)
from render.panels import DARK, Color, color_of
from render.pen import Pen, text_width
from render.report import number_text, section
from render.report.table import paragraph
from render.sheets import number_ticks

NONE = "–"
MOST_COLUMNS = 8  # pairs whose layers stand beside each other in the text

# Everything below is in pixels of the finished picture.
WIDTH, MARGIN, GUTTER = 1280, 36, 64
TITLE, LEGEND, PLOT, GAP, AXIS = 46, 28, 240, 58, 40
PAD = 14  # between a plot's edge and its curves
GROUND, PANEL, GRID, GUIDE = color_of(DARK), (24, 24, 28), (36, 36, 42), (110, 110, 124)
BRIGHT, TEXT, MUTED = (236, 236, 240), (190, 190, 198), (128, 128, 140)
HUES = ((242, 179, 94), (94, 196, 182), (167, 139, 250), (242, 125, 143), (106, 169, 244), (155, 207, 107))
LARGE, MEDIUM, SMALL = 22, 17, 15  # heights of letters
MOST_DISTANCE = 1.5  # the distance axis ends here; what lies beyond is drawn at its edge


# --- words --------------------------------------------------------------------------------------------------


def describe(pairs: Sequence[Kinship]) -> str:
    """The pairs in plain text of about 100 columns: verdicts, evidence, structure, layers, thresholds."""
    parts = [_verdicts(pairs), _meanings(pairs), _evidence(pairs), _differences(pairs), _layers(pairs)]
    parts += [section("thresholds", [[THRESHOLDS]])] if any(pair.layers for pair in pairs) else []
    return "\n\n".join(part for part in parts if part)


def letters_of(pairs: Sequence[Kinship]) -> dict[str, str]:
    """Letters for the networks, A, B …, by their names."""
    names = dict.fromkeys(name for pair in pairs for name in pair.names)
    return {
        name: ascii_uppercase[at] if at < len(ascii_uppercase) else str(at) for at, name in enumerate(names)
    }


def _short_titles(pairs: Sequence[Kinship]) -> list[str]:
    letters = letters_of(pairs)
    return [f"{letters[pair.names[0]]} and {letters[pair.names[1]]}" for pair in pairs]


def _title(pair: Kinship) -> str:
    return " and ".join(pair.names)


def _verdicts(pairs: Sequence[Kinship]) -> str:
    if len(pairs) == 1:
        return f"{_title(pairs[0])}: {pairs[0].verdict}"
    networks = section("networks", [[letter, name] for name, letter in letters_of(pairs).items()])
    rows = [[title, pair.verdict] for title, pair in zip(_short_titles(pairs), pairs, strict=True)]
    return networks + "\n\n" + section("verdicts", rows)


def _meanings(pairs: Sequence[Kinship]) -> str:
    verdicts = dict.fromkeys(pair.verdict for pair in pairs)
    return section("meaning", [[verdict, MEANINGS[verdict]] for verdict in verdicts])


def _evidence(pairs: Sequence[Kinship]) -> str:
    titles = _short_titles(pairs) if len(pairs) > 1 else ["all layers"]
    head = ["", "cosine", "distance", "mapping", "identical", ""]
    rows = [
        [
            title,
            _number(pair.cosine),
            _number(pair.distance),
            _number(pair.mapping.cosine if pair.mapping else None),
            f"{pair.identical:.1%}",
            "; ".join(_remarks(pair)),
        ]
        for title, pair in zip(titles, pairs, strict=True)
        if pair.layers or pair.mapping
    ]
    note = "Cosines and distances are medians over the layers; identical counts single weights."
    return f"{section('evidence', [head, *rows], right=(1, 2, 3, 4))}\n{paragraph(note)}" if rows else ""


def _remarks(pair: Kinship) -> list[str]:
    """What else was found, in a few words each."""
    start = {
        ("same", False): "one random start (untrained maps are equal)",
        ("same", True): "one random start, but trained apart",
        ("different", False): "untrained maps were drawn anew",
    }
    strange = pair.strange_layers
    remarks = [start.get((pair.start, (pair.cosine or 0) < FAMILY_COSINE), ""), pair.declared]
    remarks += [f"unrelated layers: {', '.join(strange)}"] if strange else []
    return [remark for remark in remarks if remark]


def _differences(pairs: Sequence[Kinship]) -> str:
    """What keeps networks from being blended, each one's words under the others'."""
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        for label, *words in pair.differences:
            found.setdefault(label, {}).update(zip(pair.names, words, strict=True))
    rows = [
        [label if at == 0 else "", name, words]
        for label, table in found.items()
        for at, (name, words) in enumerate(table.items())
    ]
    return section("differences", rows) if rows else ""


def _layers(pairs: Sequence[Kinship]) -> str:
    shown = [(title, pair) for title, pair in zip(_short_titles(pairs), pairs, strict=True) if pair.layers]
    if not shown:
        return ""
    if len(pairs) == 1:
        head = ["", "cosine", "distance", "identical", "weights"]
        rows = [_layer_row(layer) for layer in _parts(pairs[0])]
        return section("layers", [head, *rows], right=(1, 2, 3, 4))
    shown = shown[:MOST_COLUMNS]
    names = dict.fromkeys(layer.name for _, pair in shown for layer in _parts(pair))
    tables = [{layer.name: layer for layer in _parts(pair)} for _, pair in shown]
    rows = [
        [name, *(_number(table[name].cosine) if name in table else NONE for table in tables)]
        for name in names
    ]
    head = ["cosine", *(title for title, _ in shown)]
    return section("layers", [head, *rows], right=range(1, len(shown) + 1))


def _layer_row(layer: Likeness) -> list[str]:
    numbers = [_number(layer.cosine), _number(layer.distance)]
    return [layer.name, *numbers, f"{layer.identical:.1%}", f"{layer.count:,}"]


def _parts(pair: Kinship) -> list[Likeness]:
    return [*([pair.mapping] if pair.mapping else []), *pair.layers]


def _number(number: float | None) -> str:
    """Three decimals, and four where it is near 1, since that is where verdicts are made."""
    if number is None or not math.isfinite(number):
        return NONE
    return f"{number:.4f}" if 0.99 <= number < 1 else f"{number + 0.0:.3f}".replace("-0.000", "0.000")


# --- data ---------------------------------------------------------------------------------------------------


def as_json(pairs: Sequence[Kinship]) -> dict[str, Any]:
    """All that is known, as plain data; numbers that are none are null."""
    found = [
        asdict(pair)
        | {"cosine": pair.cosine, "distance": pair.distance, "strange_layers": pair.strange_layers}
        for pair in pairs
    ]
    thresholds = {"family_cosine": FAMILY_COSINE, "same_run_cosine": SAME_RUN_COSINE}
    return _finite({"pairs": found, "thresholds": thresholds, "meanings": MEANINGS})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- picture ------------------------------------------------------------------------------------------------


def draw(pairs: Sequence[Kinship]) -> Image.Image | None:
    """Cosine and relative distance of every layer, a curve for each pair; None where no layers correspond."""
    shown = [pair for pair in pairs if pair.layers]
    if not shown:
        return None
    names = list(dict.fromkeys(layer.name for pair in shown for layer in pair.layers))
    top = MARGIN + TITLE + LEGEND * len(pairs) + 34
    height = top + 2 * PLOT + GAP + AXIS + MARGIN
    pen = Pen(WIDTH, height, GROUND)
    _draw_header(pen, pairs)
    thresholds = ((FAMILY_COSINE, "related from here on"), (SAME_RUN_COSINE, ""))
    # Relatives are near: their axis ends where they do, and strangers' at MOST_DISTANCE.
    farthest = max(layer.distance for pair in shown for layer in pair.layers)
    highest = min(max(1.1 * farthest, 1e-3), MOST_DISTANCE) if math.isfinite(farthest) else MOST_DISTANCE
    cosines = Plot(top, names, -0.1, 1.0, "cosine of the weights", thresholds)
    distances = Plot(
        top + PLOT + GAP,
        names,
        0.0,
        highest,
        "relative distance of the weights",
        ((APART_DISTANCE, "trained apart"),),
    )
    for plot, field in ((cosines, "cosine"), (distances, "distance")):
        plot.draw_ground(pen)
        for pair, hue in zip(pairs, _hues(len(pairs)), strict=True):
            plot.draw(pen, {layer.name: getattr(layer, field) for layer in pair.layers}, hue)
    distances.draw_names(pen)
    return pen.finished()


def _hues(count: int) -> list[Color]:
    return [HUES[at % len(HUES)] for at in range(count)]


def _draw_header(pen: Pen, pairs: Sequence[Kinship]) -> None:
    y = MARGIN + LARGE / 2
    pen.text(MARGIN, y, "kinship by layer", LARGE, BRIGHT)
    y += TITLE - 6
    for pair, hue in zip(pairs, _hues(len(pairs)), strict=True):
        pen.dot(MARGIN + 7, y, 5, hue, GROUND)
        x = MARGIN + 24
        words = pair.verdict + (f", cosine {_number(pair.cosine)}" if pair.layers else "")
        x += pen.text(x, y, _title(pair), MEDIUM, hue, room=WIDTH - 2 * MARGIN - 360) + 16
        pen.text(x, y, words, MEDIUM, TEXT, room=WIDTH - MARGIN - x)
        y += LEGEND


class Plot:
    """A curve over the layers; its title stands above `top`.

    low, high   ends of its axis
    thresholds  (value, words) of lines across it
    """

    def __init__(
        self,
        top: int,
        names: Sequence[str],
        low: float,
        high: float,
        title: str,
        thresholds: Sequence[tuple[float, str]],
    ):
        self.top, self.names, self.low, self.high = top, list(names), low, high
        self.title, self.thresholds = title, thresholds
        self.left, self.right = MARGIN + GUTTER, WIDTH - MARGIN - PAD

    def x(self, name: str) -> float:
        step = (self.right - self.left) / max(1, len(self.names) - 1)
        return self.left + self.names.index(name) * step

    def y(self, value: float) -> float:
        held = min(max(value, self.low), self.high)
        return self.top + PLOT - PAD - (held - self.low) / (self.high - self.low) * (PLOT - 2 * PAD)

    def draw_ground(self, pen: Pen) -> None:
        left, right = self.left - PAD, self.right + PAD
        pen.text(left, self.top - 16, self.title, MEDIUM, TEXT)
        pen.box(left, self.top, right, self.top + PLOT, PANEL)
        for tick in number_ticks(self.low, self.high):
            if self.low <= tick <= self.high:
                pen.line([(left, self.y(tick)), (right, self.y(tick))], 1, GRID)
                pen.text(left - 9, self.y(tick), number_text(tick), SMALL, MUTED, "rm")
        for value, words in self.thresholds:
            if not self.low <= value <= self.high:
                continue
            y = self.y(value)
            for x in range(int(left), int(right) - 6, 14):
                pen.line([(x, y), (x + 7, y)], 1, GUIDE)
            pen.text(right - 8, y - 11, words, SMALL, MUTED, "rm")

    def draw(self, pen: Pen, values: dict[str, float], hue: Color) -> None:
        points = [
            (self.x(name), self.y(values[name]))
            for name in self.names
            if name in values and not math.isnan(values[name])
        ]
        if len(points) > 1:
            pen.line(points, 2.4, hue)
        for x, y in points:
            pen.dot(x, y, 4, hue, PANEL)

    def draw_names(self, pen: Pen) -> None:
        """The layers under it, as many as there is room for."""
        room = (self.right - self.left) / max(1, len(self.names) - 1)
        widest = max(text_width(name, SMALL) for name in self.names) + 12
        for name in self.names[:: max(1, math.ceil(widest / room))]:
            pen.text(self.x(name), self.top + PLOT + 18, name, SMALL, TEXT, "mm")
