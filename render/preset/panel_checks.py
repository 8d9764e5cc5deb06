"""Checks of panels against the rest of a preset: pictures, and the names that captions and curves read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from render.timeline import did_you_mean

from .captions import CAPTION_WORDS, read_caption
from .mistakes import Mistake, Place
from .motion import VARS, spots_of
from .panels import PANEL_WORDS, Panel

if TYPE_CHECKING:
    from .model import Preset


def panel_mistakes(preset: Preset) -> list[Mistake]:
    """Pictures that cannot be shown, and names that mean nothing in this preset."""
    mistakes = [mistake for place, panel in placed_panels(preset) for mistake in _shown(preset, panel, place)]
    numbers = [spot.formula_name for spot in spots_of(preset) if spot.is_readable]
    for place, panel in placed_panels(preset):
        mistakes += _caption(preset, panel, place, [*numbers, *map(".".join, preset.name_places())])
    return [*mistakes, *_curves(preset)]


def placed_panels(preset: Preset) -> Iterator[tuple[Place, Panel]]:
    """Every panel as written, with its place."""
    rows = preset.panels.show
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            yield ("panels", "show", *((row,) if len(rows) > 1 else ()), column), panel


def _shown(preset: Preset, panel: Panel, place: Place) -> list[Mistake]:
    form = preset.mix.form
    known = [*(PANEL_WORDS if form == "swap" else ("blend",)), *preset.models]
    if panel.word in known:
        return _snapshot(preset, panel, place)
    if panel.word in PANEL_WORDS:
        what = "a single model is shown; use blend"
        if form != "model":
            what = f"blend.{form} has neither low nor high; use blend, or a model's name"
        return [Mistake(place, f"there is no {panel.word} here: {what}")]
    return [Mistake(place, f"unknown panel {panel.word!r}{did_you_mean(panel.word, known)}")]


def _snapshot(preset: Preset, panel: Panel, place: Place) -> list[Mistake]:
    """A kimg needs a series that has it."""
    names = [name for role in preset.mix.all_names().values() for name in role]
    # Where a model is unknown that is told already.
    if panel.kimg is None or any(name not in preset.models for name in names) or kimg_models(preset, panel):
        return []
    text = f"{panel.show} needs a series of snapshots; write models: {{NAME: {{snapshots: …}}}}"
    return [Mistake(place, text)]


def kimg_models(preset: Preset, panel: Panel) -> tuple[str, ...]:
    """The series whose snapshot a picture names: in a blend those that `blend.snapshot` moves."""
    if panel.word == "blend":
        model = preset.snapshot_model
        return tuple(preset.snapshot_tracks()) or (() if model is None else (model,))
    names = preset.mix.all_names().get(panel.word, (panel.word,))
    return tuple(name for name in names if preset.models[name].is_series)


def _caption(preset: Preset, panel: Panel, place: Place, names: list[str]) -> list[Mistake]:
    if panel.label is None:
        return []
    words = [word for word in CAPTION_WORDS if word != "seed"]
    if panel.seed is not None or preset.panels.seeds is not None:
        words.append("seed")
    mistakes = []
    for field in read_caption(panel.label).fields:
        known = [*words, *names]
        if field.name.removeprefix(VARS) not in known:
            near = did_you_mean(field.name, known) or f"; known: {', '.join(words)} and what moves"
            text = f"unknown name {field.name!r} in the caption{near}"
        elif field.format and field.name in map(".".join, preset.name_places()):
            text = f"{field.name} is a name, which is written as it is; leave :{field.format} out"
        elif field.name == "b" and preset.clock.bpm is None and not preset.clock.beat_times:
            text = "b counts beats; give clip.bpm, such as bpm: 120"
        else:
            continue
        mistakes.append(Mistake((*place, "label"), text))
    return mistakes


def _curves(preset: Preset) -> list[Mistake]:
    known = [spot.formula_name for spot in spots_of(preset)]
    names = [".".join(place) for place in preset.name_places()]
    mistakes = []
    for index, name in enumerate(preset.panels.curves or ()):
        if name.removeprefix(VARS) in known:
            continue
        hint = "; it is a name, and names have no curve" if name in names else did_you_mean(name, known)
        mistakes.append(Mistake(("panels", "curves", index), f"there is no number called {name!r}{hint}"))
    return mistakes
