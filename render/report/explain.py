"""A whole preset in plain text: models, clip, latents, outputs, tracks, warnings."""

from __future__ import annotations

from render.errors import BlendreelError, CheckpointError, LatentError, PresetError
from render.jobs import Job, plan
from render.layout import layout_of
from render.preset import GifOutput, Output, Preset, name_of, position_of
from render.reach import default_folder
from render.timeline import Clock, rate_text

from .channels import channels_section, find_taken
from .fits import label_warnings, misfits, model_warnings, names_text
from .latents import FoundLatents, find_latents
from .models import Models, Sizes, find_models, model_rows, sizes_in, used_models
from .sounds import find_sounds
from .table import bullets, paragraph, section
from .tracks import track_rows
from .walks import walk_rows
from .words import abridged, clip_text, count_text, number_text, seconds_text

MOST_MARKERS = 40  # shown


def describe(preset: Preset) -> str:
    """The preset in plain text of at most 100 columns: models, clip, channels, latents, outputs, tracks …

    Raises BlendreelError, with a line for every mistake: files that are missing or damaged, or that do not
    fit together (CheckpointError, LatentError, PresetError); a formula without a value, an output that its
    place does not take (PresetError, EncodingError).
    """
    models, latents = find_files(preset)
    jobs = plan(preset, out_dir=default_folder()) if preset.outputs else []
    sizes = sizes_in(used_models(preset, models))
    sounds = find_sounds(preset)
    warnings = [*preset.warnings(), *label_warnings(preset, sizes), *model_warnings(preset, models)]
    warnings += [*sounds.warnings, *_foretold(jobs, preset, sizes)]
    sections = [
        section("models", model_rows(preset, models)),
        section("clip", _clip_rows(preset, sounds.text)),
        channels_section(preset, sizes),
        section("latents", [*walk_rows(preset, latents.counts), *_file_rows(latents)]),
        section("outputs", _output_rows(jobs, preset, sizes), right=(2, 3, 4)) + _budget_note(jobs),
        section("tracks", track_rows(preset, sizes), right=(1, 2, 3, 4)) + _swap_note(preset, sizes),
        bullets("warnings", warnings) if warnings else "no warnings",
    ]
    return "\n\n".join(filter(None, sections))


def find_files(preset: Preset) -> tuple[Models, FoundLatents]:
    """The files behind a preset, looked at as far as their headers.

    Raises BlendreelError: a line for every mistake.
    """
    mistakes: list[tuple[type[BlendreelError], str]] = []
    models: Models = {}
    try:
        models = find_models(preset)
        mistakes += [(PresetError, text) for text in misfits(preset, models)]
    except CheckpointError as error:
        mistakes.append((CheckpointError, str(error)))
    sizes = sizes_in(used_models(preset, models)) if models else None
    try:
        find_taken(preset, sizes)
    except PresetError as error:
        mistakes.append((PresetError, str(error)))
    latents = find_latents(preset, sizes)
    mistakes += [(LatentError, text) for text in latents.mistakes]
    mistakes += [(PresetError, text) for text in find_sounds(preset).mistakes]
    if mistakes:
        kinds = {kind for kind, _ in mistakes}
        kind = kinds.pop() if len(kinds) == 1 else PresetError
        raise kind("\n".join(text for _, text in mistakes))
    return models, latents


def _clip_rows(preset: Preset, sound: str | None) -> list[list[str]]:
    clock, markers = preset.clock, preset.clock.marker_seconds
    rows = [["time", clip_text(clock)], *([["sound", sound]] if sound else [])]
    rows += [["beats", _beats_text(preset, clock)]] if clock.beat_times else []
    if markers:
        texts = [f"{name} {seconds_text(seconds)}" for name, seconds in markers.items()]
        rows.append(["markers", " · ".join(abridged(texts, MOST_MARKERS))])
    return [*rows, ["panels", _panels_text(preset)]]


def _panels_text(preset: Preset) -> str:
    """`low, blend / high`, row by row; `blend · seeds 3, 14 · curves of blend.swap`."""
    panels = preset.panels
    words = [" / ".join(", ".join(panel.show for panel in row) for row in panels.show)]
    if panels.seeds is not None:
        words.append(f"seeds {', '.join(abridged([str(seed) for seed in panels.seeds]))}")
    words += [f"curves of {', '.join(panels.curves)}"] if panels.curves else []
    return " · ".join(words)


def _beats_text(preset: Preset, clock: Clock) -> str:
    """`42 from song.beats, 0.31 s to 20.1 s · about 128 beats/min`; `42 found in song.mp3, …`."""
    times, beats = clock.beat_times, preset.clip.beats
    file = f" from {beats.file}" if beats and beats.file else ""
    if beats and beats.found_in:
        file = f" found in {beats.found_in[0]}"
    tempo = 60 * (len(times) - 1) / float(times[-1] - times[0])
    reach = f"{seconds_text(times[0])} to {seconds_text(times[-1])}"
    return f"{len(times):,}{file}, {reach} · {number_text(tempo)} beats/min on average"


def _file_rows(latents: FoundLatents) -> list[list[str]]:
    return [
        ["files" if index == 0 else "", f"{file}: {text}"]
        for index, (file, text) in enumerate(latents.texts.items())
    ]


# --- outputs ------------------------------------------------------------------------------------------------


def _output_rows(jobs: list[Job], preset: Preset, sizes: Sizes | None) -> list[list[str]]:
    clock, frame = preset.clock, frame_size(preset, sizes)
    rows = []
    for job in jobs:
        output, count = job.output, clock.with_fps(job.fps).frame_count
        size = "size of the models"
        if frame:
            columns, lines = output.pixels_in_step
            width, height = job.size(frame, count)
            size = f"{width + -width % columns} × {height + -height % lines} px"
        ending = []
        if sizes is not None and sizes.img_channels == 4:
            ending.append("transparent" if output.transparent else f"over {preset.panels.background}")
        ending += [f"for {job.target.title}"] if job.target else []
        ending += [f"at most {job.budget:,} bytes"] if job.budget else []
        frames = count_text(count, "frame")
        rate = f"{rate_text(job.fps)} frames/s"
        rows.append([output.file, output.kind, size, frames, rate, " · ".join(ending)])
    return rows or [["none; name a file when rendering, such as -o morph.mp4"]]


def _budget_note(jobs: list[Job]) -> str:
    """What files of a budget may lose, which only encoding them tells."""
    lost = "; ".join(dict.fromkeys(_losses(job.output) for job in jobs if job.budget))
    return "\n" + paragraph(f"Where that is too few bytes, something is given up: {lost}.") if lost else ""


def _losses(output: Output) -> str:
    if isinstance(output, GifOutput):
        return "of a GIF frames a second, then size of the picture, then colours"
    has_quality = output.coding.worst_crf
    return f"of {output.kind} {'quality, then ' if has_quality else ''}size of the picture"


def _foretold(jobs: list[Job], preset: Preset, sizes: Sizes | None) -> list[str]:
    """What places change, and what they will not like all the same; nothing where no size is known."""
    frame = frame_size(preset, sizes)
    told = [job.foretold(frame, preset.clock) for job in jobs] if frame else []
    return [text for each in told for text in (*each.changes, *each.complaints.values())]


def frame_size(preset: Preset, sizes: Sizes | None) -> tuple[int, int] | None:
    """Width and height of a frame of such networks; None where they are not known."""
    count = sum(len(row) for row in preset.panels.rows)
    return layout_of(preset).size([sizes.picture] * count) if sizes else None


def _swap_note(preset: Preset, sizes: Sizes | None) -> str:
    """What the ends of a swap mean, in its own words."""
    mix = preset.mix
    if sizes is None or not sizes.layers or not mix.has_swap or mix.convention != "position":
        return ""
    first, behind = "4/0", name_of(position_of(2 * sizes.resolution))
    if sizes.architecture == "stylegan3":  # where a layer has no resolution of its own
        first, behind = "4", str(2 * sizes.resolution)
    high, low = (names_text(preset, role) for role in ("high", "low"))
    return "\n" + paragraph(
        f"A swap at {first} gives all layers to {high}, one at {behind} gives all to {low}."
    )
