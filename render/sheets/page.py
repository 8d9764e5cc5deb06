"""The sheet as a whole: frames of the film, then names, layers and curves under them, on one axis of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from PIL import Image

from render.panels import Color
from render.pen import Pen, text_width
from render.pixels import resized
from render.preset import Preset
from render.renderer import Renderer
from render.report import animated_tracks, clip_text, seconds_text, value_text
from render.scene import Scene
from render.timeline import NameTrack

from .curves import Line, Plot, grouped
from .ground import Block, beat_places, marks_block
from .look import (
    BRIGHT,
    GROUND,
    GUIDE,
    HEADER,
    LARGE,
    LINE,
    MARGIN,
    MEDIUM,
    MOST_PLOTS,
    MUTED,
    PAD_X,
    PLOT,
    PLOT_GAP,
    SMALL,
    SMALL_PLOT,
    SMALLEST_PLOT,
    STAMP,
    TEXT,
    hue,
    model_hue,
)
from .names import bars_block
from .plan import Plan, frame_indices
from .scales import NEAREST_TICKS, every_so_many, time_ticks
from .walks import walks_block
from .weights import weight_blocks

FIRST = ("blend.", "latents.", "truncation", "transform.", "vars.")  # the order of plots
MOST_NOTE_LINES = 4
NOTE_GAP = 28


def draw_sheet(scene: Scene, count: int = 8) -> Image.Image:
    """The sheet of an open scene, at most 2400 pixels wide.

    Raises PresetError: fewer than one frame is asked for, or a formula has no value anywhere.
    """
    indices = frame_indices(scene.clock, count)
    renderer = Renderer(scene)
    plan = Plan.of(scene.clock, indices, renderer.frame_size)
    blocks = _blocks(scene, plan)
    tops = [MARGIN + HEADER + plan.thumb_height + STAMP]
    for block in blocks:
        tops.append(tops[-1] + block.height)
    pen = Pen(plan.width, tops[-1] + MARGIN, GROUND)
    _draw_header(pen, scene.preset)
    _draw_stamps(pen, plan)
    for top, block in zip(tops, blocks, strict=False):
        block.draw(pen, top)
    sheet = pen.finished()
    for x, frame, shade in plan.thumbs(list(renderer.frames(scene.moments(indices)))):
        thumb = Image.fromarray(resized(frame, (plan.thumb_width, plan.thumb_height)))
        sheet.paste(Image.blend(Image.new("RGB", thumb.size, GROUND), thumb, shade), (x, MARGIN + HEADER))
    return sheet


def _blocks(scene: Scene, plan: Plan) -> list[Block]:
    """Everything under the frames, from top to bottom."""
    colors = model_colors(scene)
    numbers = {
        name: (value, scene.tracks[name]) for name, (value, _) in animated_tracks(scene.preset).items()
    }
    cells = {
        cell.track: (name, str(cell.layers))
        for name, layers in scene.preset.layer_maps().items()
        for cell in layers.cells
    }
    plots = grouped(numbers, cells)
    moving = {name: lines for name, lines in plots.items() if not all(_stands(line) for line in lines)}
    names = sorted(moving, key=_rank)
    drawn, left_out = names[:MOST_PLOTS], names[MOST_PLOTS:]
    height = PLOT if len(drawn) <= 4 else SMALL_PLOT if len(drawn) <= 8 else SMALLEST_PLOT
    found: list[Block | None] = [
        marks_block(plan),
        walks_block(scene, plan),
        _bars(scene, plan, colors),
        *weight_blocks(scene, plan, colors),
    ]
    number = 0
    for name in drawn:
        found.append(Plot(plan, name, moving[name], height, number, scene.model.layers).block)
        number += len(moving[name])
    found += [_axis_block(plan)]
    still = [_still_text(name, lines) for name, lines in plots.items() if name not in moving]
    found += [_notes_block(plan, "constant", still), _notes_block(plan, "also moving", left_out)]
    return [block for block in found if block is not None]


def _stands(line: Line) -> bool:
    return line.track.is_constant


def _rank(name: str) -> int:
    return next((at for at, start in enumerate(FIRST) if name.startswith(start)), len(FIRST))


def _still_text(name: str, lines: Sequence[Line]) -> str:
    numbers = [(line.label, value_text(line.value.quantity, line.track.first)) for line in lines]
    return f"{name}  {',  '.join(f'{label}: {number}' if label else number for label, number in numbers)}"


# --- names --------------------------------------------------------------------------------------------------


def model_colors(scene: Scene) -> dict[str, Color]:
    """A colour for each model that is open, those of `low` first."""
    roles = scene.preset.mix.all_names().values()
    names = dict.fromkeys([name for role in roles for name in role] + scene.models)
    return {name: model_hue(number) for number, name in enumerate(names)}


def _bars(scene: Scene, plan: Plan, colors: Mapping[str, Color]) -> Block | None:
    tracks: dict[str, NameTrack] = {}
    for name, track in scene.names.items():
        if not track.is_constant:
            tracks[{"latents.labels": "class"}.get(name, name.removeprefix("blend."))] = track

    def color_of_name(label: str, name: str) -> Color:
        if label != "class" and name in colors:
            return colors[name]
        return hue(tracks[label].names.index(name) + 1)

    return bars_block(plan, tracks, color_of_name)


# --- drawing ------------------------------------------------------------------------------------------------


def _draw_header(pen: Pen, preset: Preset) -> None:
    y = MARGIN + LARGE / 2
    end = pen.width - MARGIN
    end -= pen.text(end, y, clip_text(preset.clock), MEDIUM, TEXT, "rm") + NOTE_GAP
    x: float = MARGIN
    changing = preset.names()
    for role, names in preset.mix.all_names().items():
        x += pen.text(x, y, role, LARGE, MUTED, room=end - x) + 8
        between = " → " if f"blend.{role}" in changing else ", "
        x += pen.text(x, y, between.join(names), LARGE, BRIGHT, room=end - x) + NOTE_GAP


def _draw_stamps(pen: Pen, plan: Plan) -> None:
    """Each frame's time under it, where there is room for all of them."""
    top = MARGIN + HEADER + plan.thumb_height
    nearest = min((b - a for a, b in pairwise(map(plan.x, plan.moments))), default=math.inf)
    labels = [seconds_text(moment) for moment in plan.moments]
    if plan.clock.loop:
        labels[-1] = f"= {seconds_text(0)}"
    fits = max(text_width(label, SMALL) for label in labels) + 8 <= nearest
    for moment, label in zip(plan.moments, labels, strict=True):
        x = plan.x(moment)
        pen.line([(x, top + 3), (x, top + 9)], 1.5, MUTED)
        if fits:
            pen.text(x, top + 20, label, SMALL, TEXT, "mm")


def _axis_block(plan: Plan) -> Block:
    """Seconds, beneath them parts of the clip, and where there is a tempo beats."""
    beats = beat_places(plan)

    def draw(pen: Pen, top: int) -> None:
        y, duration = top - PLOT_GAP + 10, float(plan.clock.duration)
        pen.line([(plan.left, y), (plan.right, y)], 1, GUIDE)
        for tick in time_ticks(duration, plan.right - plan.left):
            pen.line([(plan.x(tick), y), (plan.x(tick), y + 6)], 1, MUTED)
            pen.text(plan.x(tick), y + 18, seconds_text(tick), SMALL, TEXT, "mm")
        for percent in (0, 25, 50, 75, 100):
            x = plan.left + (plan.right - plan.left) * percent / 100
            pen.text(x, y + 40, f"{percent} %", SMALL, MUTED, "mm")
        for x, beat in _beat_labels(plan):
            pen.text(x, y + 62, f"{beat} b", SMALL, MUTED, "mm")

    return Block(62 + (22 if beats else 0) - PLOT_GAP + 10, draw)


def _beat_labels(plan: Plan) -> list[tuple[float, int]]:
    """(x, number) of beats that stand far enough apart to be numbered."""
    moments = plan.clock.beat_seconds()
    if len(moments) < 2:
        return []
    spacing = (plan.x(moments[-1]) - plan.x(moments[0])) / (len(moments) - 1)
    step = every_so_many(spacing, NEAREST_TICKS)
    numbered = [(plan.x(moment), round(plan.clock.beats(float(moment)))) for moment in moments]
    return [(x, beat) for x, beat in numbered if beat % step == 0]


def _notes_block(plan: Plan, title: str, notes: Sequence[str]) -> Block | None:
    """A word, then notes beside it, in a few lines."""
    if not notes:
        return None
    left = plan.left - PAD_X
    begin = left + text_width(title, MEDIUM) + NOTE_GAP
    lines, x = [[]], begin
    for note in notes:
        width = text_width(note, MEDIUM)
        if lines[-1] and x + width > plan.right + PAD_X:
            lines.append([])
            x = begin
        lines[-1].append((x, note))
        x += width + NOTE_GAP
    more = sum(map(len, lines[MOST_NOTE_LINES:]))

    def draw(pen: Pen, top: int) -> None:
        pen.text(left, top + LINE / 2 + 6, title, MEDIUM, MUTED)
        for at, line in enumerate(lines[:MOST_NOTE_LINES]):
            for x, note in line:
                pen.text(x, top + LINE * (at + 0.5) + 6, note, MEDIUM, TEXT, room=pen.width - MARGIN - x)
        if more:
            y = top + LINE * (MOST_NOTE_LINES + 0.5) + 6
            pen.text(begin, y, f"and {more} more", MEDIUM, MUTED)

    return Block(LINE * (min(len(lines), MOST_NOTE_LINES) + bool(more)) + 6, draw)
