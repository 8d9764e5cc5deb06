"""What the places take where films are posted: dated limits, and the sentences for what breaks them."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from importlib import resources
from typing import Any

from render.encoding.inspection import FileFacts
from render.errors import EncodingError
from render.timeline import nearest, rate_text

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True)
class Limits:
    """What one kind of file may be; None where there is no limit.

    max_bitrate  bits a second of the whole file, on the average
    max_pixels   width × height × frames
    max_image    width × height
    min_aspect, max_aspect  width to height, as places write them: `4:5`
    index_first  an MP4's index must come before its pictures
    edit_list    whether there may be one
    even         width and height must be even
    """

    max_bytes: int | None = None
    max_bitrate: int | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    min_fps: float | None = None
    max_fps: float | None = None
    min_width: int | None = None
    max_width: int | None = None
    min_height: int | None = None
    max_height: int | None = None
    max_frames: int | None = None
    max_pixels: int | None = None
    max_image: int | None = None
    min_aspect: str | None = None
    max_aspect: str | None = None
    containers: tuple[str, ...] | None = None
    codecs: tuple[str, ...] | None = None
    pixels: tuple[str, ...] | None = None
    index_first: bool | None = None
    edit_list: bool | None = None
    even: bool | None = None


@dataclass(frozen=True)
class Target:
    """A place, with where its limits were read, and when; video or gif is None where it takes none."""

    name: str
    title: str
    source: str
    checked: str
    note: str
    video: Limits | None
    gif: Limits | None

    def limits(self, is_gif: bool) -> Limits:
        """The limits for one kind of file; EncodingError where the place takes none of that kind."""
        limits = self.gif if is_gif else self.video
        if limits is None:
            kind, other = ("GIF", "an MP4") if is_gif else ("video", "a GIF")
            raise EncodingError(f"{self.title} takes no {kind}; make {other}. {self.note}".strip())
        return limits

    def breaches(self, facts: FileFacts) -> list[str]:
        """What a file breaks, a sentence each that names the limit; none where the place will take it."""
        return list(self.broken(facts).values())

    def broken(self, facts: FileFacts) -> dict[str, str]:
        """The same by the limits' names."""
        limits = self.limits(facts.container == "gif")
        found = {
            name: sentence
            for name, check in _CHECKS.items()
            if (limit := getattr(limits, name)) is not None and (sentence := check(facts, limit)) is not None
        }
        dated = f"(as of {self.checked}, {self.source})"
        return {name: f"{self.title} {sentence} {dated}" for name, sentence in found.items()}


Check = Callable[[FileFacts, Any], str | None]


def _bound(what: Callable[[FileFacts], Any], better: Callable[[Any, Any], bool], text: str) -> Check:
    """A check that a number is on the right side of its limit."""

    def check(facts: FileFacts, limit: Any) -> str | None:
        value = what(facts)
        return None if better(value, limit) else text.format(limit=_shown(limit), value=_shown(value))

    return check


def _one_of(name: str, text: str) -> Check:
    def check(facts: FileFacts, limit: tuple[str, ...]) -> str | None:
        value = getattr(facts, name)
        return None if value in limit else text.format(limit=" or ".join(limit), value=value)

    return check


def _shaped(better: Callable[[Any, Any], bool], slack: int, text: str) -> Check:
    """A check of the shape; `slack`: pixels of width that rounding to even sides may be off."""

    def check(facts: FileFacts, limit: str) -> str | None:
        width, height = map(Fraction, limit.split(":"))
        if better(facts.width + slack, width / height * facts.height):
            return None
        found = f"{facts.width} × {facts.height}, {facts.width / facts.height:.2f}:1"
        return text.format(limit=limit, value=found)

    return check


def _shown(value: Any) -> str:
    return rate_text(value) if isinstance(value, Fraction | float) else f"{value:,}"


def _get(name: str) -> Callable[[FileFacts], Any]:
    return operator.attrgetter(name)


_LE, _GE = operator.le, operator.ge
_CHECKS: dict[str, Check] = {
    "containers": _one_of("container", "takes {limit}, and this is {value}"),
    "codecs": _one_of("codec", "takes {limit}, and this is {value}"),
    "pixels": _one_of("pixels", "wants {limit} pixels, and these are {value}"),
    "max_bytes": _bound(_get("size"), _LE, "takes {limit} bytes, and this has {value}"),
    "max_bitrate": _bound(
        lambda facts: int(8 * facts.size / facts.seconds),
        _LE,
        "takes {limit} bits a second, and this has {value}",
    ),
    "min_seconds": _bound(_get("seconds"), _GE, "wants at least {limit} s, and this lasts {value} s"),
    "max_seconds": _bound(_get("seconds"), _LE, "takes {limit} s, and this lasts {value} s"),
    "min_fps": _bound(_get("fps"), _GE, "wants at least {limit} frames a second, and this has {value}"),
    "max_fps": _bound(_get("fps"), _LE, "takes {limit} frames a second, and this has {value}"),
    "min_width": _bound(_get("width"), _GE, "wants a width of {limit} or more, and this has {value}"),
    "max_width": _bound(_get("width"), _LE, "takes a width of {limit}, and this has {value}"),
    "min_height": _bound(_get("height"), _GE, "wants a height of {limit} or more, and this has {value}"),
    "max_height": _bound(_get("height"), _LE, "takes a height of {limit}, and this has {value}"),
    "max_frames": _bound(_get("frames"), _LE, "takes {limit} frames, and this has {value}"),
    "max_pixels": _bound(
        lambda facts: facts.width * facts.height * facts.frames,
        _LE,
        "takes {limit} pixels over all frames, and this has {value}",
    ),
    "max_image": _bound(
        lambda facts: facts.width * facts.height, _LE, "takes {limit} pixels a frame, and this has {value}"
    ),
    "min_aspect": _shaped(_GE, 2, "takes no film narrower than {limit}, and this is {value}"),
    "max_aspect": _shaped(_LE, -2, "takes no film wider than {limit}, and this is {value}"),
    "index_first": lambda facts, _: (
        "wants the index before the pictures" if facts.index_first is False else None
    ),
    "edit_list": lambda facts, may: "takes no edit list" if facts.edit_list and not may else None,
    "even": lambda facts, _: (
        f"wants an even width and height, and these are {facts.width} and {facts.height}"
        if facts.width % 2 or facts.height % 2
        else None
    ),
}


def target_of(name: str) -> Target:
    """The place of a name; EncodingError lists the known ones."""
    known = targets()
    if name not in known:
        near = nearest(str(name), known)
        hint = f"; did you mean {near}?" if near else ""
        raise EncodingError(f"'{name}' is no place that is known here; known are {', '.join(known)}{hint}")
    return known[name]


@functools.cache
def targets() -> dict[str, Target]:
    """All places, by name."""
    from ruamel.yaml import YAML

    text = resources.files("render.encoding").joinpath("targets.yaml").read_text("utf-8")
    return {name: _target(name, dict(data)) for name, data in YAML(typ="safe", pure=True).load(text).items()}


def _target(name: str, data: dict[str, Any]) -> Target:
    common = _limits(Limits(), data.pop("any", {}))
    kinds = {kind: _limits(common, data[kind]) if kind in data else None for kind in ("video", "gif")}
    return Target(name, data["title"], data["source"], str(data["checked"]), data.get("note", ""), **kinds)


def _limits(base: Limits, data: dict[str, Any]) -> Limits:
    known = {each.name for each in fields(Limits)}
    assert set(data) <= known, set(data) - known
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    if "max_bytes" in values:
        number, unit = re.fullmatch(r"(\d+) (\w+)", values["max_bytes"]).groups()
        values["max_bytes"] = int(number) * _UNITS[unit]
    return replace(base, **values)
