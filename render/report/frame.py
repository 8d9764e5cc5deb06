"""What `blendreel check --frame` prints: everything that one frame of a preset shows. No torch.

The weights of layers come from the same mixture that the renderer uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from render.errors import PresetError
from render.preset import Preset
from render.timeline import Clock

from .channels import shares_section
from .explain import find_files
from .latents import FoundLatents
from .models import FoundModel, Sizes, sizes_in, used_models
from .table import paragraph, section
from .walks import place_text
from .words import mix_text, number_text, percent_text, seconds_text, value_text

if TYPE_CHECKING:
    from render.blending.blend import Blend

Values = Mapping[str, float]
Names = Mapping[str, Mapping[str, float]]


def describe_frame(preset: Preset, frame: int) -> str:
    """What frame `frame` shows, in plain text of at most 100 columns; -1 is the last frame.

    Raises PresetError: the clip has no such frame, or a formula has no value there; and as `describe`.
    """
    models, latents = find_files(preset)
    clock = preset.clock
    index = _index_of(frame, clock)
    seconds = clock.seconds(index)
    used = used_models(preset, models)
    sizes = sizes_in(used)
    values = _values(preset, sizes, seconds, index)
    names = {name: track.weights_at(seconds) for name, track in preset.names().items()}
    sections = [
        section("frame", _time_rows(clock, index, seconds)),
        section("latents", _walk_rows(preset, latents, seconds, values)),
        section("values", _value_rows(preset, sizes, values, names), right=(1,)),
        _layers(preset, used, sizes, values, names),
        shares_section(preset, sizes, values),
        _snapshots(preset, used, values),
    ]
    return "\n\n".join(filter(None, sections))


def _index_of(frame: int, clock: Clock) -> int:
    count = clock.frame_count
    if not -count <= frame < count:
        ends = "0" if count == 1 else f"0 to {count - 1}, or -1 to -{count} counted from the end"
        raise PresetError(f"--frame {frame}: this clip has the frames {ends}")
    return frame % count


def _values(preset: Preset, sizes: Sizes | None, seconds: Fraction, index: int) -> dict[str, float]:
    from render.scene.mixture import tracks_on  # NumPy: only where a frame is asked for

    values = {}
    known = sizes is not None and sizes.layers
    tracks = tracks_on(sizes.layers, preset) if known else preset.tracks()
    for name, track in tracks.items():
        try:
            values[name] = track.value_at(seconds)
        except ValueError as error:
            raise PresetError(f"frame {index}: {name}: {error}") from None
    return values


# --- when and where -----------------------------------------------------------------------------------------


def _time_rows(clock: Clock, index: int, seconds: Fraction) -> list[list[str]]:
    parts = [seconds_text(seconds), percent_text(float(clock.progress(index)))]
    if clock.bpm or clock.beat_times:
        parts.append(f"beat {number_text(clock.beats(float(seconds)))}")
    rows = [["frame", f"{index:,}, of 0 to {clock.frame_count - 1:,}"], ["time", " · ".join(parts)]]
    near = _nearest_markers(clock, seconds)
    return [*rows, ["markers", " · ".join(near)]] if near else rows


def _nearest_markers(clock: Clock, seconds: Fraction) -> list[str]:
    """The last marker that was passed, and the next one."""
    places = clock.marker_seconds.items()
    passed = max(((at, name) for name, at in places if at <= seconds), default=None)
    coming = min(((at, name) for name, at in places if at > seconds), default=None)
    texts = []
    if passed:
        ago = seconds - passed[0]
        texts.append(f"{passed[1]} {f'{seconds_text(ago)} ago' if ago else 'now'}")
    if coming:
        texts.append(f"{coming[1]} in {seconds_text(coming[0] - seconds)}")
    return texts


def _walk_rows(preset: Preset, latents: FoundLatents, seconds: Fraction, values: Values) -> list[list[str]]:
    clock, walk = preset.clock, preset.latents
    text = place_text(walk, clock, latents.counts, seconds, values.get("latents.position"))
    if walk.pace == "even":
        text += "; by the clock: pace: even moves it, as the pictures ask for"
    rows = [["walk", text]]
    if walk.mixing is not None:
        position = values.get("latents.mixing.position")
        rows.append(["mixing", place_text(walk.mixing, clock, latents.counts, seconds, position)])
    return rows


# --- numbers, names, layers ---------------------------------------------------------------------------------


def _value_rows(preset: Preset, sizes: Sizes | None, values: Values, names: Names) -> list[list[str]]:
    quantities = {name: value.quantity for name, value in preset.animated().items()}
    rows = [
        [name, value_text(quantities[name], value, sizes.layers if sizes else ())]
        for name, value in values.items()
    ]
    return [*([name, mix_text(mix)] for name, mix in names.items()), *rows]


def _layers(preset: Preset, used: list[FoundModel], sizes: Sizes | None, values: Values, names: Names) -> str:
    """How much each layer takes of each model."""
    if sizes is None or not sizes.layers:
        return "layers\n  not known before the networks are opened"
    blend = _blend(preset, used, sizes, values, names)
    to_rgb = [] if blend.to_rgb is None else [f"{model.name} to-RGB" for model in used]
    rows = [["layer", *(model.name for model in used), *to_rgb, ""]]
    for layer in sizes.layers:
        columns = [blend.weights[:, layer.position]]
        columns += [] if blend.to_rgb is None else [blend.to_rgb[:, layer.position]]
        shares = [percent_text(float(weight)) for column in columns for weight in column]
        rows.append([layer.name, *shares, ""])
    mapping = {
        model.name: float(share)
        for model, share in zip(used, blend.mapping, strict=True)
        if abs(share) > 1e-9
    }
    table = section("layers", rows, right=range(1, len(rows[0])))
    return f"{table}\n{paragraph(f'The mapping network is {mix_text(mapping)}.')}"


def _blend(preset: Preset, used: list[FoundModel], sizes: Sizes, values: Values, names: Names) -> Blend:
    from render.scene.mixture import Mixture

    return Mixture(preset, [model.name for model in used], sizes.layers).blend(values, names)


def _snapshots(preset: Preset, used: list[FoundModel], values: Values) -> str:
    """The snapshots of each series that are mixed."""
    from render.blending.blend import snapshots

    rows = []
    for model in used:
        if len(model.kimgs) < 2 or len(model.kimgs) < len(model.files):
            continue
        moved = values.get(preset.snapshot_tracks().get(model.name, ""))
        kimg = model.kimgs[-1] if moved is None else moved
        mix = {
            path.stem: float(share)
            for share, (_, path) in zip(snapshots(model.kimgs, kimg), model.files, strict=True)
            if share > 0
        }
        rows.append([model.name, f"{number_text(kimg)} kimg", mix_text(mix)])
    return section("snapshots", rows) if rows else ""
