"""A preset to start from for two networks: the first suggestion in motion, and the others as comments."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from render.blending.kinship import UNRELATED
from render.errors import PresetError
from render.explain.advice import Suggestion, halfway, suggestions
from render.explain.study import Study
from render.preset import Preset
from render.preset.models import SOURCE_KINDS

PANEL_PIXELS = 256  # smaller pictures are shown larger, up to about this size
NO_BREAK = "\u00a0"


def fragment(study: Study, chosen: Suggestion) -> str:
    """The section `blend` of a preset, with the swap at rest."""
    sheet = study.sheets[chosen.sheet]
    return f"blend: {{low: {sheet.low}, high: {sheet.high}, swap: {sheet.swaps[chosen.column].label}}}"


def preset_text(study: Study, folder: str | Path = ".") -> str:
    """A whole preset, as YAML; `folder` is where it will lie, so that the paths of the models fit.

    Raises PresetError if the two draw the same pictures.
    """
    chosen = suggestions(study)
    if not chosen:
        raise PresetError(f"{' and '.join(study.names)} draw the same pictures; there is nothing to blend")
    sheet, first = study.sheets[chosen[0].sheet], chosen[0]
    label, top = sheet.swaps[first.column].label, sheet.swaps[-1].label
    height = sheet.pictures[0][0].shape[0]
    lines = [
        f"# A first blend of {study.names[0]} and {study.names[1]}, suggested by: blendreel explain",
        "# A suggestion to start from, made by measuring pixels; your eyes decide.",
        *(["# The two are unrelated: expect mush."] if study.kinship.verdict == UNRELATED else []),
        "version: 1",
        "models:",
        *(f"  {line}" for line in _models(study, Path(folder))),
        "clip: {duration: 8s, fps: 25, loop: true}",
        f"latents: {{seeds: {list(study.seeds)}}}",
        f"truncation: {study.truncation:g}",
        "blend:",
        f"  low: {sheet.low}",
        f"  high: {sheet.high}",
        *_comment(f"Swap {label} {first.reason}. At {top} everything is {sheet.low}."),
        f"  swap: [[0s, {top}, ease-in-out], [50%, {label}, ease-in-out], [end, {top}]]",
        *_others(study, chosen[1:]),
        f"panels: {{show: [low, blend, high], labels: true, scale: {max(1, PANEL_PIXELS // height)}}}",
        f"outputs: [{study.names[0]}-{study.names[1]}.mp4]",
    ]
    text = "\n".join(lines) + "\n"
    Preset.from_yaml(text)
    return text


def _models(study: Study, folder: Path) -> list[str]:
    lines = []
    for name, source, is_run in zip(study.names, study.sources, study.is_run, strict=True):
        text = _quoted(source if source.startswith(SOURCE_KINDS) else _path_from(folder, source))
        lines.append(f"{name}: {{snapshots: {text}}}" if is_run else f"{name}: {text}")
    return lines


def _others(study: Study, rest: tuple[Suggestion, ...]) -> list[str]:
    """The other suggestions, as comments."""
    lines = []
    for chosen in rest:
        sheet = study.sheets[chosen.sheet]
        turned = f"low: {sheet.low}, high: {sheet.high}, " if chosen.sheet else ""
        label = sheet.swaps[chosen.column].label
        lines += _comment(f"Or {turned}swap: {label}, which {chosen.reason}.")
    if study.training and study.training.kimgs[0] < halfway(study.training) < study.training.kimgs[-1]:
        kimg = f"{halfway(study.training):g}"
        lines += _comment(f"Or snapshot: {kimg}, the kimg where the weights were half-way: a gentler blend.")
    return lines


def _comment(text: str) -> list[str]:
    """Lines of comments inside a section; a number stays with its %."""
    lines = textwrap.wrap(
        text.replace(" %", NO_BREAK + "%"),
        100,
        initial_indent="  # ",
        subsequent_indent="  # ",
        break_on_hyphens=False,
    )
    return [line.replace(NO_BREAK, " ") for line in lines]


def _path_from(folder: Path, source: str) -> str:
    path = Path(source).expanduser().absolute()
    try:
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()


def _quoted(text: str) -> str:
    """A YAML string that holds the same, whatever is in it."""
    return "'" + text.replace("'", "''") + "'" if set(text) & set("'\"#{}[],&*!|>%@` ?") else text
