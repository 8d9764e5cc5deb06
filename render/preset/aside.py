"""Looking past mistakes: what is wrong is set aside, and the rest is checked all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .mistakes import Mistake, Place
from .panels import PANEL_WORDS

_ANY = "*"  # in a place: any key
_IN_BLEND = ("swap", "width", "weight", "snapshot", "to_rgb", "mix", "add")
_ROLES = ("low", "high", "model", "mix", "base", "add")
_FORMULAS: tuple[Place, ...] = (
    ("truncation",),
    ("truncation_cutoff",),
    ("latents",),
    ("transform",),
    ("channels",),
    ("vars",),
    *(("blend", name) for name in _IN_BLEND),
)
_TIMED: tuple[Place, ...] = (
    *_FORMULAS,
    *(("blend", role, _ANY, part) for role in (*_ROLES, "mapping", "noise") for part in (0, 2)),
)


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
            hidden.update(_TIMED)
        elif section == "vars" and inner and isinstance(rest.get("vars"), Mapping):
            rest["vars"] = {name: value for name, value in rest["vars"].items() if name != inner[0]}
            hidden.update(_FORMULAS)
        elif section == "models":
            if not inner or not isinstance(rest.get("models"), Mapping):
                return None, frozenset()
            rest["models"] = _other_models(rest["models"], inner[0])
            if inner[0] not in rest["models"]:
                hidden.update({("blend",), ("channels",), ("panels",)})
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
    return any(_matches(mistake.place, place) for place in hidden)


def _matches(place: Place, pattern: Place) -> bool:
    begin = place[: len(pattern)]
    return len(begin) == len(pattern) and all(
        wanted in (_ANY, step) for step, wanted in zip(begin, pattern, strict=True)
    )
