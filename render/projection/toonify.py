"""What `blendreel toonify` decides: which network the photographs go into, and the preset that shows them."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

from render.checkpoints.header import header_of
from render.checkpoints.library import is_remote, resolve, resolve_series
from render.errors import CheckpointError, PresetError
from render.preset import Preset
from render.timeline import did_you_mean
from render.timeline.rates import rate_text


def base_name(preset: Preset, wanted: str | None = None) -> str:
    """The name of the model that photographs are projected into: the one that the others come from.

    Files tell their lineage where they know it. Raises PresetError: there is no model `wanted`, or nothing
    tells which it is.
    """
    names = list(preset.models)
    if wanted is not None:
        if wanted not in names:
            raise PresetError(f"--model {wanted}: the preset has no such model{did_you_mean(wanted, names)}")
        return wanted
    if len(names) == 1:
        return names[0]
    ancestors = {ancestor for name in names for ancestor in _lineage(preset, name)}
    found = [name for name in names if file_of(preset, name).stem in ancestors]
    if len(found) != 1:
        raise PresetError(
            "the files of the preset's models do not say which of them the others were fine-tuned from; "
            f"say which one draws photographs: --model, one of {', '.join(names)}"
        )
    return found[0]


def file_of(preset: Preset, name: str) -> Path:
    """The checkpoint of a model, the last one of a series. Raises CheckpointError."""
    source = preset.models[name]
    try:
        if source.is_series:
            return resolve_series(source.source, preset.base_dir)[-1][1]
        return resolve(source.source, preset.base_dir, sha256=source.sha256)
    except CheckpointError as error:
        raise CheckpointError(f"models.{name}: {error}") from None


def reference_of(preset: Preset, name: str) -> str:
    """What the model is opened as from anywhere: sample:NAME, an address, or its file's path."""
    source = preset.models[name]
    if not source.is_series and (source.source.startswith("sample:") or is_remote(source.source)):
        return source.source
    return str(file_of(preset, name))


def _lineage(preset: Preset, name: str) -> tuple[str, ...]:
    """What the file of a model says it comes from."""
    header = header_of(file_of(preset, name))
    return header.lineage if header else ()


def overrides(
    preset: Preset,
    latents: Path,
    model: str,
    tuned: Path | None,
    film: Path,
    played: tuple[int, Fraction] | None = None,
) -> tuple[str, ...]:
    """What is set over the preset, as `--set` takes it, so that it shows the faces.

    latents, tuned  the files of them, which need not be there yet; tuned takes the place of `model`
    film            what it writes, as seen from its own folder
    played          frames and frames a second of the film that the latents are of, if they are
    """
    places: dict[str, str | bool | None] = {
        "latents.files": _seen_from(preset.base_dir, latents),
        "outputs": film.as_posix(),
    }
    if played:
        places |= playback(preset, *played)
    if tuned:
        places[f"models.{model}"] = _seen_from(preset.base_dir, tuned)
    return tuple(f"{place}={json.dumps(path, ensure_ascii=False)}" for place, path in places.items())


def playback(preset: Preset, frames: int, fps: Fraction) -> dict[str, str | bool | None]:
    """What is set over a preset to play the latents of a film once, at the film's own rate."""
    places: dict[str, str | bool | None] = {"latents.path": "linear", "clip.loop": False}
    # Without a pace a walk fills its clip evenly: a stop, and so a frame of the film, for each frame.
    places |= {f"latents.{key}": None for key in ("every", "position") if getattr(preset.latents, key)}
    return places | {"clip.duration": f"{Fraction(frames) / fps}s", "clip.fps": rate_text(fps)}


def _seen_from(folder: Path, path: Path) -> str:
    """How a file in that folder names another."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.resolve().as_posix()
