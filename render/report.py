"""What `blendreel check` prints: a preset explained before anything is rendered. No torch.

Checkpoints are found, told apart and, where they are ours, read as far as their header.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from render.checkpoints.header import Header, header_of
from render.checkpoints.library import is_cached, is_remote, kimg_in_name, resolve, resolve_series
from render.errors import CheckpointError, PresetError
from render.lettering import missing, readable
from render.panels import layout_of, panel_label
from render.preset import (
    KIMG,
    SWAP,
    Animated,
    Output,
    Preset,
    Quantity,
    VideoOutput,
    name_of,
    position_of,
    resolution_of,
)
from render.timeline import ExpressionTrack, Track, rate_text

WIDTH = 100  # columns
NARROWEST = 24  # columns that the last one of a table keeps, however wide the others are
LONGEST_CELL = 28  # columns of any other one
GAP = "   "
_NEAR = 1e-6  # positions closer than this to a layer are that layer
_FILE_KINDS = {".mp4": "video", ".mov": "video", ".gif": "GIF"}


def describe(preset: Preset) -> str:
    """The preset in plain text of at most 100 columns: models, clip, outputs, tracks, warnings.

    Raises CheckpointError: every model that is missing or damaged, one line each; PresetError: a formula
    has no value at some moment.
    """
    models = find_models(preset)
    sections = [
        section("models", _model_rows(preset, models)),
        section("clip", _clip_rows(preset)),
        section("outputs", _output_rows(preset, models), right=(2, 3, 4)),
        section("tracks", _track_rows(preset), right=(1, 2, 3, 4)) + _swap_note(preset, models),
        _warnings([*preset.warnings(), *label_warnings(preset), *model_warnings(preset, models)]),
    ]
    return "\n\n".join(section for section in sections if section)


# --- models -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundModel:
    """Files of one of the preset's models.

    files    (kimg or None where nothing tells, file), by rising kimg; one, or a series of snapshots
    headers  of the files that are ours
    """

    name: str
    files: tuple[tuple[float | None, Path], ...]
    headers: tuple[Header, ...]

    @property
    def resolution(self) -> int | None:
        """Pixels of a picture's side, where a file says it."""
        return next((header.resolution for header in self.headers), None)

    @property
    def kimgs(self) -> tuple[float, ...]:
        """What is known of how far it was trained, rising."""
        return tuple(kimg for kimg, _ in self.files if kimg is not None)


def find_models(preset: Preset) -> dict[str, FoundModel]:
    """The files of every model, by its name. Raises CheckpointError with a line for each mistake."""
    found, mistakes = {}, []
    for name in preset.models:
        try:
            found[name] = _find_model(preset, name)
        except CheckpointError as error:
            mistakes.append(f"models.{name}: {error}")
        except OSError as error:
            mistakes.append(f"models.{name}: {error.filename} can't be read: {error.strerror}")
    if mistakes:
        raise CheckpointError("\n".join(mistakes))
    return found


def _find_model(preset: Preset, name: str) -> FoundModel:
    source = preset.models[name]
    if is_remote(source.source) and not is_cached(source.source):
        return FoundModel(name, (), ())
    if source.is_series:
        files = resolve_series(source.source, preset.base_dir)
    else:
        path = resolve(source.source, preset.base_dir, sha256=source.sha256, offline=True)
        files = ((kimg_in_name(path), path),)
    headers = tuple(header for _, path in files if (header := header_of(path)) is not None)
    if not source.is_series and headers and headers[0].kimg is not None:
        files = ((headers[0].kimg, files[0][1]),)
    return FoundModel(name, tuple(files), headers)


def label_warnings(preset: Preset) -> list[str]:
    """Captions with characters that the font lacks."""
    panels = preset.panels
    labels = [panel_label(preset, panel) for row in panels.rows for panel in row if panels.is_labelled(panel)]
    return [
        f"panels: the caption '{label}' will read '{readable(label)}'; the font has no {' '.join(lacking)}"
        for label in dict.fromkeys(labels)
        if (lacking := missing(label))
    ]


def model_warnings(preset: Preset, models: dict[str, FoundModel]) -> list[str]:
    """What the files tell that the preset alone cannot: two sizes, kimg and layers that are not there."""
    sizes = {name: model.resolution for name, model in models.items() if model.resolution}
    warnings = []
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} {size} px" for name, size in sizes.items())
        warnings.append(f"models: they differ in size and cannot be blended: {shown}")
    track, name = preset.tracks().get("blend.snapshot"), preset.snapshot_model
    if track is not None and name is not None:
        first, last = models[name].kimgs[0], models[name].kimgs[-1]
        for value, beyond in ((track.minimum, track.minimum < first), (track.maximum, track.maximum > last)):
            if beyond:
                near, word = (first, "begin") if value < first else (last, "end")
                warnings.append(
                    f"blend.snapshot: goes to {number_text(value)} kimg, but the snapshots of {name} "
                    f"{word} at {number_text(near)}, which is shown instead"
                )
    return warnings + _swap_warnings(preset, models)


def _swap_warnings(preset: Preset, models: dict[str, FoundModel]) -> list[str]:
    """Swaps that go on where the network has no more layers."""
    mix, size, tracks = preset.mix, resolution_in(models), preset.tracks()
    kinds = {header.architecture for model in models.values() for header in model.headers}
    # A soft swap may well lie beyond, and StyleGAN3's layers have an axis of their own.
    unclear = mix.convention != "position" or "blend.width" in tracks or "stylegan3" in kinds
    if size is None or not mix.is_mix or unclear:
        return []
    behind = position_of(size) + 2
    return [
        f"{name}: goes to {number_text(resolution_of(tracks[name].maximum))}, but everything is "
        f"{mix.low}'s from {2 * size} on"
        for name in ("blend.swap", "blend.to_rgb")
        if name in tracks and tracks[name].maximum > behind + _NEAR
    ]


def _model_rows(preset: Preset, models: dict[str, FoundModel]) -> list[list[str]]:
    roles: dict[str, str] = {}
    for role, name in preset.mix.names().items():
        roles[name] = f"{roles[name]} and {role}" if name in roles else role
    shown = {panel.show for row in preset.panels.rows for panel in row}
    return [
        [
            name,
            roles.get(name, "panel" if name in shown else ""),
            f"{model.resolution} px" if model.resolution else "",
            kimg_range(model.kimgs),
            _source_text(preset.models[name].source, model),
        ]
        for name, model in models.items()
    ]


def kimg_range(kimgs: Sequence[float]) -> str:
    """`40 kimg`, `10–40 kimg`, or nothing."""
    if not kimgs:
        return ""
    ends = dict.fromkeys(number_text(kimg) for kimg in (kimgs[0], kimgs[-1]))
    return f"{'–'.join(ends)} kimg"


def _source_text(source: str, model: FoundModel) -> str:
    names = [path.name for _, path in model.files]
    if not names:
        return f"{source} (not fetched yet)"
    # Of a foreign file only the first bytes were looked at: it may still be damaged, or of another size.
    state = "" if len(model.headers) == len(names) else " (not opened yet)"
    if len(names) > 1:
        return f"{source}: {len(names)} snapshots, {names[0]} to {names[-1]}{state}"
    return f"{source}{state}" if source.endswith(names[0]) else f"{source}: {names[0]}{state}"


# --- clip and outputs ---------------------------------------------------------------------------------------


def clip_text(preset: Preset) -> str:
    """`8 s · 200 frames · 25 frames/s · loops`."""
    clock = preset.clock
    parts = [seconds_text(clock.duration), _frames(clock.frame_count), f"{rate_text(clock.fps)} frames/s"]
    parts += [f"{number_text(float(clock.bpm))} beats/min"] if clock.bpm else []
    return " · ".join([*parts, "loops" if clock.loop else "plays once"])


def _clip_rows(preset: Preset) -> list[list[str]]:
    rows = " / ".join(", ".join(panel.show for panel in row) for row in preset.panels.rows)
    return [["time", clip_text(preset)], ["walk", _walk_text(preset)], ["panels", rows]]


def _walk_text(preset: Preset) -> str:
    latents, points = preset.latents, preset.waypoints()
    seeds = [str(seed) for seed in latents.all_seeds]
    if len(points) == 1:
        return f"seed {seeds[0]}, standing still"
    shown = ", ".join(seeds if len(seeds) <= 12 else [*seeds[:10], "…", seeds[-1]])
    step = seconds_text(points[1].seconds - points[0].seconds)
    pace = "moved by latents.position" if latents.position is not None else f"one every {step}"
    return f"seeds {shown} · {latents.path} in {latents.walk_space} · {pace}"


def _output_rows(preset: Preset, models: dict[str, FoundModel]) -> list[list[str]]:
    clock = preset.clock
    frame = frame_size(preset, resolution_in(models))
    rows = []
    for output in preset.outputs:
        fps = output.rate(clock.fps)
        width, height = output_size(output, frame) or (0, 0)
        size = f"{width} × {height} px" if width else "size of the models"
        kind = _FILE_KINDS.get(Path(output.file).suffix.lower(), "")
        frames = _frames(clock.with_fps(fps).frame_count)
        rows.append([output.file, kind, size, frames, f"{rate_text(fps)} frames/s"])
    return rows or [["none; name a file when rendering"]]


def resolution_in(models: dict[str, FoundModel]) -> int | None:
    """Pixels of a rendered picture's side, if any file says it: models of one preset are of one size."""
    return next((model.resolution for model in models.values() if model.resolution), None)


def frame_size(preset: Preset, resolution: int | None) -> tuple[int, int] | None:
    """Width and height of a frame whose pictures have `resolution`; None where that is not known."""
    count = sum(len(row) for row in preset.panels.rows)
    return layout_of(preset).size([(resolution, resolution)] * count) if resolution else None


def output_size(output: Output, frame: tuple[int, int] | None) -> tuple[int, int] | None:
    """Width and height of the file's pictures; those of videos are even."""
    if frame is None:
        return None
    width, height = frame
    if output.width:
        width, height = output.width, max(1, round(height * output.width / width))
    even = isinstance(output, VideoOutput)
    return (width + width % 2, height + height % 2) if even else (width, height)


# --- tracks -------------------------------------------------------------------------------------------------


def _track_rows(preset: Preset) -> list[list[str]]:
    head = ["", "first", "last", "minimum", "maximum", ""]
    rows = [head, *(track_row(name, *pair) for name, pair in animated_tracks(preset).items())]
    *widths, last = [max(map(len, column)) + len(GAP) for column in zip(*rows, strict=True)]
    if sum(widths) + min(last, NARROWEST) > WIDTH:
        rows = [[cell.replace("between ", "").replace(" and ", "–") for cell in row] for row in rows]
    return rows


def animated_tracks(preset: Preset) -> dict[str, tuple[Animated, Track | ExpressionTrack]]:
    """Every animated number as written and over time, by the names of `Preset.tracks`."""
    tracks = preset.tracks()
    return {name: (value, tracks[name]) for name, value in preset.animated().items()}


def track_row(name: str, value: Animated, track: Track | ExpressionTrack) -> list[str]:
    """Name, first, last, minimum, maximum, and how it is written; of a constant only one value."""
    try:
        numbers = [track.first, track.last, track.minimum, track.maximum]
    except ValueError as error:
        raise PresetError(f"{name}: {error}") from None
    if track.is_constant:
        return [name, value_text(value.quantity, numbers[0]), "", "", "", "constant"]
    written = str(value.expression) if value.expression else f"{len(value.keys)} keys"
    return [name, *(value_text(value.quantity, number) for number in numbers), written]


def _swap_note(preset: Preset, models: dict[str, FoundModel]) -> str:
    """What the ends of a swap mean, in its own words."""
    mix, size = preset.mix, resolution_in(models)
    if size is None or not mix.is_mix or mix.convention != "position":
        return ""
    behind = name_of(position_of(2 * size))
    text = f"A swap at 4/0 gives all layers to {mix.high}, one at {behind} gives all to {mix.low}."
    return f"\n{textwrap.indent(textwrap.fill(text, WIDTH - 2), '  ')}"


def value_text(quantity: Quantity, number: float) -> str:
    """A track's number for people: `32/1`, `between 32/1 and 64/0`, `40 kimg`, `0.7`."""
    if quantity == SWAP:
        return layer_text(number)
    return f"{number_text(number)} kimg" if quantity == KIMG else number_text(number)


def layer_text(position: float) -> str:
    """A position by the names of the layers it lies at or between."""
    whole = round(position)
    if position < -_NEAR:
        return f"before {name_of(0)}"
    if abs(position - whole) <= _NEAR:
        return name_of(whole)
    below = math.floor(position)
    return f"between {name_of(below)} and {name_of(below + 1)}"


# --- words --------------------------------------------------------------------------------------------------


def number_text(number: float) -> str:
    """A number in four figures: `0.7`, `1.333`, `25,000`."""
    number = round(number, 9) + 0.0  # no "-0", and no 1e-17 where 0 is meant
    return f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:.4g}"


def seconds_text(seconds: Fraction | float) -> str:
    """A length or moment: `2.667 s`, from two minutes on `2:05 min`, from an hour on `1:02:05 h`."""
    if seconds < 120:
        return f"{number_text(float(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


def _frames(count: int) -> str:
    return f"{count:,} frame{'' if count == 1 else 's'}"


def _shortened(text: str) -> str:
    """A name that fits into a column: a long one loses its middle."""
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 15]}…{text[-14:]}"


def section(title: str, rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A titled table, indented; a last column that is too long goes on in the next line, under itself."""
    rows = [[*map(_shortened, row[:-1]), row[-1]] for row in rows]
    kept = [index for index in range(len(rows[0])) if any(row[index] for row in rows)]
    widths = {index: max(len(row[index]) for row in rows) for index in kept}
    right = set(right)
    *fixed, last = kept
    room = max(NARROWEST, WIDTH - 2 - sum(widths[index] + len(GAP) for index in fixed))
    lines = [title]
    for row in rows:
        cells = [
            row[index].rjust(widths[index]) if index in right else row[index].ljust(widths[index])
            for index in fixed
        ]
        ending = row[last].rjust(widths[last]) if last in right and widths[last] <= room else row[last]
        pieces = textwrap.wrap(ending, room, drop_whitespace=last not in right) or [""]
        start = "  " + "".join(f"{cell}{GAP}" for cell in cells)
        lines += [(start + pieces[0]).rstrip(), *(" " * len(start) + piece for piece in pieces[1:])]
    return "\n".join(lines)


def _warnings(warnings: list[str]) -> str:
    if not warnings:
        return "no warnings"
    return "\n".join(
        ["warnings"]
        + [
            textwrap.fill(
                text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
            )
            for text in warnings
        ]
    )
