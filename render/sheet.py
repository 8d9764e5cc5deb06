"""A preset as one picture: frames of the film over the curves of its tracks, on one axis of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from render.errors import PresetError
from render.panels import DARK, Color, color_of, resized
from render.pen import Pen, mixed, text_width
from render.picture_files import picture_file
from render.preset import KIMG, PLACE, SWAP, WIDTH, Animated, Preset, Quantity, name_of
from render.renderer import Renderer, pick_device
from render.report import animated_tracks, clip_text, number_text, seconds_text, value_text
from render.scene import Scene
from render.timeline import Clock, ExpressionTrack, Track

# Everything below is in pixels of the finished sheet.
NARROWEST, WIDEST = 1280, 2400
MARGIN, GUTTER = 36, 84  # around everything; left and right of the axis at least, for numbers
THUMB_GAP, TALLEST_THUMB = 6, 320
HEADER, STAMP, TITLE, PLOT, PLOT_GAP, AXIS, LINE = 54, 42, 34, 150, 24, 62, 26
PAD_X, PAD_Y = 14, 12  # between a plot's edge and its curve

GROUND, PANEL, GRID, GUIDE = color_of(DARK), (24, 24, 28), (36, 36, 42), (52, 52, 60)
BRIGHT, TEXT, MUTED = (236, 236, 240), (190, 190, 198), (128, 128, 140)
HUES = ((242, 179, 94), (94, 196, 182), (167, 139, 250), (242, 125, 143), (106, 169, 244), (155, 207, 107))
EVEN_ENOUGH = Fraction(1, 25)  # of the distance between two frames
FILL_SHARE = 0.13  # of a track's colour, under its curve
LARGE, MEDIUM, SMALL = 22, 17, 15  # heights of letters

UNITS = {
    SWAP: "layer from which high takes over",
    KIMG: "kimg",
    WIDTH: "layers",
    PLACE: "seeds along the walk",
}
TIME_STEPS = (*(base * 10.0**power for power in (-3, -2, -1, 0) for base in (1, 2, 5)), 10, 15, 30)
TIME_STEPS += (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def save_sheet(preset: Preset, path: str | Path, count: int = 8, device: str | None = None) -> Path:
    """Draw a preset as one picture (PNG, or what the extension says) and return the file's path.

    count   frames shown, evenly spaced over the clip
    device  cuda, mps or cpu; by default the best there is

    Raises EncodingError where the file cannot be written, and whatever opening the preset raises.
    """
    with picture_file(path) as write:
        write(draw_sheet(Scene.open(preset, pick_device(device)), count))
    return Path(path)


def draw_sheet(scene: Scene, count: int = 8) -> Image.Image:
    """The sheet of an open scene, at most 2400 pixels wide.

    Raises PresetError: fewer than one frame is asked for, or a formula has no value anywhere.
    """
    clock = scene.clock
    indices = frame_indices(clock, count)
    renderer = Renderer(scene)
    plan = Plan.of(clock, indices, renderer.frame_size)
    tracks = animated_tracks(scene.preset)
    moving = {name: pair for name, pair in tracks.items() if not pair[1].is_constant}
    still = [
        f"{name}  {value_text(value.quantity, track.first)}"
        for name, (value, track) in tracks.items()
        if name not in moving
    ]
    below_strip = MARGIN + HEADER + plan.thumb_height + STAMP
    bottom = below_strip + (len(moving) * (TITLE + PLOT + PLOT_GAP) or PLOT_GAP)
    pen = Pen(plan.width, bottom + AXIS + (LINE + 6 if still else 0) + MARGIN, GROUND)
    _draw_header(pen, scene.preset)
    plots = [Plot(plan, below_strip + at * (TITLE + PLOT + PLOT_GAP) + TITLE) for at in range(len(moving))]
    for plot, (name, (value, track)), hue in zip(plots, moving.items(), _hues(len(moving)), strict=True):
        plot.draw(pen, name, value, track, hue)
    _draw_stamps(pen, plan)
    _draw_axis(pen, plan, bottom)
    if still:
        y = bottom + AXIS + LINE / 2 + 6
        x = plan.left - PAD_X
        x += pen.text(x, y, "constant", MEDIUM, MUTED) + 28
        pen.text(x, y, "      ".join(still), MEDIUM, TEXT, room=plan.width - MARGIN - x)
    sheet = pen.finished()
    for x, frame, shade in plan.thumbs(list(renderer.frames(scene.moments(indices)))):
        thumb = Image.fromarray(resized(frame, (plan.thumb_width, plan.thumb_height)))
        sheet.paste(Image.blend(Image.new("RGB", thumb.size, GROUND), thumb, shade), (x, MARGIN + HEADER))
    return sheet


def frame_indices(clock: Clock, count: int) -> list[int]:
    """`count` frames evenly over the clip: from the first to the last one, or all round a loop.

    A clip with fewer frames shows each once. Raises PresetError where `count` is below 1.
    """
    if count < 1:
        raise PresetError(f"a sheet shows at least 1 frame, not {count}")
    count = min(count, clock.frame_count)
    if clock.loop:
        return [at * clock.frame_count // count for at in range(count)]
    return [round(Fraction(at * (clock.frame_count - 1), max(1, count - 1))) for at in range(count)]


# --- where things stand -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The axis of time and the strip of frames above it.

    width         of the sheet
    left, right   x of the clip's first and last moment
    moments       of the frames shown, in seconds; in a loop the first frame is shown again at the end
    centers       of the thumbnails, in seconds: their moments, or evenly spaced where that is as good
    """

    clock: Clock
    width: int
    left: int
    right: int
    moments: tuple[Fraction, ...]
    centers: tuple[Fraction, ...]
    thumb_width: int
    thumb_height: int

    @classmethod
    def of(cls, clock: Clock, indices: Sequence[int], frame_size: tuple[int, int]) -> Plan:
        """Thumbnails as large as frames are, as far as the sheet's width lets them."""
        moments = [clock.seconds(index) for index in indices] + ([clock.duration] if clock.loop else [])
        centers = _evened(moments)
        gaps = [later - earlier for earlier, later in pairwise(centers)]
        share = float(min(gaps, default=clock.duration) / clock.duration)
        width, height = frame_size
        tallest = TALLEST_THUMB * width / height
        wanted = min(width, tallest)
        sheet = round(2 * MARGIN + wanted + (wanted + THUMB_GAP) / share)
        sheet = min(max(sheet, NARROWEST), WIDEST)
        inside = sheet - 2 * MARGIN
        # Half a thumbnail stands out on either side of the axis: inside = thumb + (thumb + gap) / share.
        thumb = (inside - THUMB_GAP / share) / (1 + 1 / share)
        if thumb < 2 * GUTTER:
            thumb = (inside - 2 * GUTTER) * share - THUMB_GAP
        thumb = max(2, math.floor(min(thumb, tallest)))
        gutter = max(GUTTER, (thumb + 1) // 2)
        return cls(
            clock,
            sheet,
            MARGIN + gutter,
            sheet - MARGIN - gutter,
            tuple(moments),
            tuple(centers),
            thumb,
            max(1, round(thumb * height / width)),
        )

    def x(self, seconds: Fraction | float) -> float:
        """Where a moment stands."""
        return self.left + (self.right - self.left) * float(seconds / self.clock.duration)

    def thumbs(self, frames: list[np.ndarray]) -> list[tuple[int, np.ndarray, float]]:
        """(x of the left edge, frame, brightness); a loop's first frame comes again, dimmed, at its end."""
        again = [frames[0]] if self.clock.loop else []
        return [
            (round(self.x(center) - self.thumb_width / 2), frame, 1 if at < len(frames) else 0.35)
            for at, (center, frame) in enumerate(zip(self.centers, [*frames, *again], strict=True))
        ]


def _evened(moments: list[Fraction]) -> list[Fraction]:
    """The moments at equal distances, if none moves further than an eye would notice."""
    step = (moments[-1] - moments[0]) / max(1, len(moments) - 1)
    even = [moments[0] + step * at for at in range(len(moments))]
    is_near = all(abs(a - b) <= EVEN_ENOUGH * step for a, b in zip(moments, even, strict=True))
    return even if is_near else moments


@dataclass(frozen=True)
class Plot:
    """The curve of one track; its title stands above `top`."""

    plan: Plan
    top: int

    def draw(self, pen: Pen, name: str, value: Animated, track: Track | ExpressionTrack, hue: Color) -> None:
        points = self._points(name, track)
        lowest, highest = min(y for _, y in points), max(y for _, y in points)
        ticks = layer_ticks(lowest, highest) if value.quantity == SWAP else number_ticks(lowest, highest)
        low, high = min(lowest, ticks[0]), max(highest, ticks[-1])
        floor = self.top + PLOT - PAD_Y

        def y_of(number: float) -> float:
            return floor - (number - low) / (high - low) * (PLOT - 2 * PAD_Y)

        left, right = self.plan.left, self.plan.right
        self._draw_title(pen, name, value, hue, (lowest, highest))
        pen.box(left - PAD_X, self.top, right + PAD_X, self.top + PLOT, PANEL)
        curve = [(self.plan.x(seconds), y_of(number)) for seconds, number in points]
        pen.area([*curve, (right, floor), (left, floor)], mixed(hue, PANEL, FILL_SHARE))
        for tick in ticks:
            pen.line([(left - PAD_X, y_of(tick)), (right + PAD_X, y_of(tick))], 1, GRID)
            pen.text(left - PAD_X - 9, y_of(tick), tick_text(value.quantity, tick), SMALL, MUTED, "rm")
        for moment in self.plan.moments:
            x = self.plan.x(moment)
            pen.line([(x, self.top), (x, self.top + PLOT)], 1, GUIDE)
        pen.line(curve, 2.4, hue)
        for key in track.keys if isinstance(track, Track) else ():
            if 0 <= key.seconds <= self.plan.clock.duration:
                pen.dot(self.plan.x(key.seconds), y_of(key.value), 5, hue, PANEL)

    def _points(self, name: str, track: Track | ExpressionTrack) -> list[tuple[float, float]]:
        """(seconds, number) at every pixel of the axis and on both sides of every key: jumps stay upright."""
        duration, steps = self.plan.clock.duration, self.plan.right - self.plan.left
        moments = {duration * step / steps for step in range(steps + 1)}
        if isinstance(track, Track):
            keys = {key.seconds for key in track.keys if 0 <= key.seconds <= duration}
            moments |= keys | {seconds - duration / 10**6 for seconds in keys if seconds > 0}
        points, reason = [], None
        for seconds in sorted(moments):
            try:
                points.append((float(seconds), track.value_at(seconds)))
            except ValueError as error:  # a formula may have no value between two frames
                reason = error
        if not points:
            raise PresetError(f"{name}: {reason}")
        return points

    def _draw_title(
        self, pen: Pen, name: str, value: Animated, hue: Color, extent: tuple[float, float]
    ) -> None:
        y, x = self.top - TITLE / 2, self.plan.left - PAD_X
        words = [tick_text(value.quantity, number) for number in extent]
        range_width = pen.text(self.plan.right + PAD_X, y, f"{words[0]}  to  {words[1]}", SMALL, TEXT, "rm")
        x += pen.text(x, y, name, MEDIUM, hue) + 14
        note = "   ".join(part for part in (UNITS.get(value.quantity, ""), _formula(value)) if part)
        pen.text(x, y, note, SMALL, MUTED, room=self.plan.right - x - range_width - 20)


def _formula(value: Animated) -> str:
    return str(value.expression) if value.expression else ""


def _hues(count: int) -> list[Color]:
    return [HUES[at % len(HUES)] for at in range(count)]


# --- scales -------------------------------------------------------------------------------------------------


def tick_text(quantity: Quantity, number: float) -> str:
    """A number where its unit is named beside it: `32/1`, between two layers the resolution, `0.7`."""
    return name_of(round(number, 6)) if quantity == SWAP else number_text(number)


def layer_ticks(lowest: float, highest: float) -> list[float]:
    """Whole positions that enclose a swap, at most seven: all layers, or one to a resolution, or fewer."""
    for step in (1, 2, 4, 8, 16):
        low, high = math.floor(lowest / step) * step, math.ceil(highest / step) * step
        high = max(high, low + step)
        if (high - low) // step <= 6:
            break
    return [float(tick) for tick in range(low, high + 1, step)]


def number_ticks(lowest: float, highest: float) -> list[float]:
    """Two to six round numbers that enclose a range."""
    span, size = highest - lowest, max(abs(lowest), abs(highest))
    if span <= 1e-9 * size or span < 1e-12:
        span = max(size, 1e-6)
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= span / 4 * 0.999)
    low, high = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [tick * step for tick in range(low, max(high, low + 1) + 1)]


def time_ticks(duration: float, width: float) -> list[float]:
    """Round moments of the clip, at least 80 pixels apart."""
    steps = (step for step in TIME_STEPS if step * width / duration >= 80)
    step = next(steps, duration)
    return [tick * step for tick in range(int(duration / step + 1e-9) + 1)]


# --- drawing ------------------------------------------------------------------------------------------------


def _draw_header(pen: Pen, preset: Preset) -> None:
    x, y = MARGIN, MARGIN + LARGE / 2
    for role, name in preset.mix.names().items():
        x += pen.text(x, y, role, LARGE, MUTED) + 8
        x += pen.text(x, y, name, LARGE, BRIGHT) + 28
    pen.text(pen.width - MARGIN, y, clip_text(preset.clock), MEDIUM, TEXT, "rm")


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


def _draw_axis(pen: Pen, plan: Plan, top: int) -> None:
    """Seconds and, beneath them, parts of the clip."""
    y, duration = top - PLOT_GAP + 10, float(plan.clock.duration)
    pen.line([(plan.left, y), (plan.right, y)], 1, GUIDE)
    for tick in time_ticks(duration, plan.right - plan.left):
        pen.line([(plan.x(tick), y), (plan.x(tick), y + 6)], 1, MUTED)
        pen.text(plan.x(tick), y + 18, seconds_text(tick), SMALL, TEXT, "mm")
    for percent in (0, 25, 50, 75, 100):
        pen.text(
            plan.left + (plan.right - plan.left) * percent / 100, y + 40, f"{percent} %", SMALL, MUTED, "mm"
        )
