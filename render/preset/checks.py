"""Checks across the sections of a preset: names that must exist, times that need the clip, and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from os.path import normpath
from typing import TYPE_CHECKING

from render.timeline import LINEAR, Clock, did_you_mean, rate_text

from .animated import Animated
from .blend import MODEL_WORDS
from .layers import name_of
from .mistakes import Mistake, Place, place_text
from .outputs import GifOutput
from .panels import PANEL_WORDS

if TYPE_CHECKING:
    from .model import Preset


def cross_mistakes(preset: Preset) -> list[Mistake]:
    """Every mistake between sections, in the order of the sections."""
    checks: tuple[Callable[[Preset], list[Mistake]], ...] = (
        _latents,
        _tracks,
        _blend_names,
        _snapshot,
        _panels,
        _outputs,
    )
    return [mistake for check in checks for mistake in check(preset)]


def _latents(preset: Preset) -> list[Mistake]:
    try:
        preset.waypoints()
    except ValueError as error:
        return [Mistake(("latents", "every"), str(error))]
    return []


def _tracks(preset: Preset) -> list[Mistake]:
    clock = preset.clock
    rates = {output.rate(clock.fps) for output in preset.outputs}
    return [
        mistake.within(*place)
        for place, value in preset.animated().items()
        for mistake in value.mistakes(clock, rates)
    ]


def _blend_names(preset: Preset) -> list[Mistake]:
    names = list(preset.models)
    if preset.blend is None:
        if len(names) == 1:
            return []
        text = f"missing; say which of {', '.join(names)} is low and which is high"
        return [Mistake(("blend",), text)] if names else []
    mistakes = [
        Mistake(("blend", role), f"unknown model {name!r}{did_you_mean(name, names)}")
        for role, name in preset.blend.names().items()
        if name is not None and name not in names
    ]
    mapping = preset.blend.mapping
    if mapping not in (*MODEL_WORDS, *names):
        near = did_you_mean(mapping, [*MODEL_WORDS, *names])
        mistakes.append(Mistake(("blend", "mapping"), f"unknown model {mapping!r}{near}"))
    return mistakes


def _snapshot(preset: Preset) -> list[Mistake]:
    blend = preset.blend
    if blend is None or blend.snapshot is None:
        return []
    names = [name for name in blend.names().values() if name in preset.models]
    if len(names) < len(blend.names()) or any(preset.models[name].is_series for name in names):
        return []
    text = f"needs a series of snapshots; write models: {{{names[-1]}: {{snapshots: …}}}}"
    return [Mistake(("blend", "snapshot"), text)]


def _panels(preset: Preset) -> list[Mistake]:
    is_mix = preset.blend is not None and preset.blend.is_mix
    words = PANEL_WORDS if is_mix else ("blend",)
    known = [*words, *preset.models]
    mistakes = []
    rows = preset.panels.rows
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            if panel.show in known:
                continue
            place = ("panels", "show", *((row,) if len(rows) > 1 else ()), column)
            if panel.show in PANEL_WORDS:
                text = f"there is no {panel.show} here: a single model is shown; use blend"
            else:
                text = f"unknown panel {panel.show!r}{did_you_mean(panel.show, known)}"
            mistakes.append(Mistake(place, text))
    return mistakes


def _outputs(preset: Preset) -> list[Mistake]:
    seen: dict[str, int] = {}
    mistakes = []
    for index, output in enumerate(preset.outputs):
        first = seen.setdefault(normpath(output.file), index)
        if first != index:
            text = f"{output.file} is written twice; outputs[{first}] has the same name"
            mistakes.append(Mistake(("outputs", index), text))
    return mistakes


# --- warnings: a preset that renders, though perhaps not as meant -------------------------------------------


def warnings_of(preset: Preset) -> list[str]:
    """What may not be meant, one readable line each."""
    found: list[str] = []
    for place, value in preset.animated().items():
        name = place_text(place)
        found += [f"{name}{text}" for text in _track_warnings(value, preset.clock)]
        found += [f"{name}: {text}" for text in _loop_warnings(value, preset.clock)]
    found += [f"latents: {text}" for text in _walk_warnings(preset)]
    found += [f"outputs[{index}]: {text}" for index, text in _gif_warnings(preset)]
    return found


def _track_warnings(value: Animated, clock: Clock) -> list[str]:
    moments = [clock.resolve(key.time) for key in value.keys]
    found = [
        f"[{index}]: {value.keys[index].time} lies outside the clip, which lasts {float(clock.duration):g}s"
        for index, seconds in enumerate(moments)
        if not 0 <= seconds <= clock.duration
    ]
    found += [
        f"[{index + 1}]: two keys at {value.keys[index].time}; the value jumps there"
        for index, (earlier, later) in enumerate(pairwise(moments))
        if earlier == later
    ]
    if len(value.keys) > 1 and value.keys[-1].easing != LINEAR:
        found.append(
            f"[{len(value.keys) - 1}]: an easing governs what follows its key, and this key is the last"
        )
    return found


def _loop_warnings(value: Animated, clock: Clock) -> list[str]:
    if not clock.loop:
        return []
    track = value.track(clock)
    try:
        first, last = track.value_at(0), track.value_at(clock.duration)
    except ValueError:  # a formula without a value at 100 %, which a looping clip never shows
        return []
    if abs(first - last) <= 1e-6 * max(1.0, abs(first)):
        return []
    ends = [name_of(end) if value.quantity.name == "swap" else f"{end:g}" for end in (last, first)]
    return [f"jumps from {ends[0]} to {ends[1]} when the clip starts over"]


def _walk_warnings(preset: Preset) -> list[str]:
    points, clock = preset.waypoints(), preset.clock
    seeds = preset.latents.round_seeds(clock.loop)
    if len(seeds) == 1:
        return []
    unseen = len(seeds) - len({index % len(seeds) for index in range(_visited(points, clock))})
    if unseen > 0:
        return [f"the walk does not reach {unseen} of its {len(seeds)} seeds within the clip"]
    if clock.loop and (len(points) - 1) % len(seeds):
        return [f"{len(points) - 1} steps through {len(seeds)} seeds do not end where the round began"]
    if points[-1].seconds < clock.duration:
        return [f"the walk ends at {float(points[-1].seconds):g}s and then stands still"]
    return []


def _visited(points: tuple, clock: Clock) -> int:
    return sum(point.seconds < clock.duration + (0 if clock.loop else 1e-9) for point in points)


def _gif_warnings(preset: Preset) -> list[tuple[int, str]]:
    found = []
    for index, output in enumerate(preset.outputs):
        if isinstance(output, GifOutput) and output.fps is not None:
            rate = output.rate(preset.clock.fps)
            if rate != output.fps:
                text = f"a GIF cannot keep {rate_text(output.fps)} frames a second; it gets {rate_text(rate)}"
                found.append((index, text))
    return found


# --- looking past mistakes: the other sections are checked against each other all the same ------------------

_TIMED = (("truncation",), ("latents",), ("blend", "swap"), ("blend", "width"), ("blend", "weight"))
_TIMED_TOO = (("blend", "snapshot"), ("blend", "to_rgb"))
_ROLES = ("low", "high", "model")


def without_mistakes(data: Mapping, mistakes: Iterable[Mistake]) -> tuple[dict | None, frozenset[Place]]:
    """The data with what is wrong set aside, and the places where more mistakes may only follow from that.

    Returns None for the data if too little is left to check.
    """
    rest = dict(data)
    hidden: set[Place] = set()
    for mistake in mistakes:
        section, *inner = mistake.place or ("",)
        if section == "clip":
            rest["clip"] = {"duration": "1s", "bpm": 60}
            hidden.update(_TIMED, _TIMED_TOO)
        elif section == "models":
            if not inner or not isinstance(rest.get("models"), Mapping):
                return None, frozenset()
            rest["models"] = _other_models(rest["models"], inner[0])
            if inner[0] not in rest["models"]:
                hidden.update({("blend",), ("panels",)})
        elif (
            section == "blend" and inner and inner[0] not in _ROLES and isinstance(rest.get("blend"), Mapping)
        ):
            rest["blend"] = {name: value for name, value in rest["blend"].items() if name != inner[0]}
        else:
            rest.pop(section, None)
            hidden.update({(section,), ("panels",)} if section == "blend" else {(section,)})
            if section == "blend":
                rest.pop("panels", None)
    return rest, frozenset(hidden)


def _other_models(models: Mapping, wrong: str | int) -> dict:
    """The models with a wrong source replaced by one that can take any place, or without a wrong name."""
    others = {name: source for name, source in models.items() if name != wrong}
    return others if wrong in PANEL_WORDS else {**others, wrong: {"snapshots": "aside"}}


def is_hidden(mistake: Mistake, hidden: Iterable[Place]) -> bool:
    """Whether the mistake lies in one of the places."""
    return any(mistake.place[: len(place)] == place for place in hidden)
