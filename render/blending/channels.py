"""Named sets of channels, and the small YAML file beside a model that holds them. No torch.

    eyes:
      16/1: [3, 17, 40]
      32/0: [5]

Channels are numbered from 0, in the order of the tensors.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from render.errors import BlendError, PresetError

SUFFIX = ".channels.yaml"
MOST_BYTES = 1_000_000
MOST_SIGNS, MOST_NUMBERS = 60_000, 500_000  # of YAML in a file; channels in all its sets, repeated ones too
MOST_OPEN = 20  # brackets within brackets; thousands would take seconds, and YAML of channels has two
MOST_MISTAKES = 100
MOST_SHOWN = 6  # numbers in a message
_DEEP = "nested too deeply for a list of channels, such as `eyes: {16/1: [3, 17]}`"


@dataclass(frozen=True)
class ChannelSet:
    """Channels that belong together.

    name      what they are, such as `eyes`
    channels  by layer's name: their numbers, rising
    """

    name: str
    channels: Mapping[str, tuple[int, ...]]

    def __len__(self) -> int:
        return sum(map(len, self.channels.values()))

    def positions(self, layers: Sequence[str]) -> dict[int, tuple[int, ...]]:
        """The channels by position, as `Blend.take` has them; `layers` are all layers' names in order."""
        return {layers.index(layer): numbers for layer, numbers in self.channels.items()}

    def joined(self, other: ChannelSet) -> ChannelSet:
        """The channels of both, under this set's name."""
        names = dict.fromkeys([*self.channels, *other.channels])
        both = {name: {*self.channels.get(name, ()), *other.channels.get(name, ())} for name in names}
        return ChannelSet(self.name, {name: tuple(sorted(numbers)) for name, numbers in both.items()})


def channel_file(model: str | Path) -> Path:
    """Where a model's channels are looked for: `portrait.channels.yaml` beside `portrait.safetensors`."""
    path = Path(model)
    return path.with_name(path.stem + SUFFIX)


def overlaps(sets: Iterable[ChannelSet]) -> list[str]:
    """A sentence for every two sets that want the same channels."""
    found = []
    for first, second in combinations(sets, 2):
        for layer, numbers in first.channels.items():
            shared = sorted({*numbers} & {*second.channels.get(layer, ())})
            if shared:
                found.append(f"{first.name} and {second.name} both have {_listed(shared)} of layer {layer}")
    return found


def check_sets(sets: Sequence[ChannelSet], counts: Mapping[str, int]) -> None:
    """Raises BlendError unless sets fit a network and can be used together; it names all that is wrong.

    counts  how many channels each layer of the network has: `channel_counts`
    """
    wrong = [
        f"{each.name}.{layer}: {text}"
        for each in sets
        for layer, numbers in each.channels.items()
        for text in misfits(layer, numbers, counts)
    ]
    wrong += overlaps(sets)
    if wrong:
        raise BlendError("\n".join(wrong))


def read_channels(path: str | Path, counts: Mapping[str, int] | None = None) -> dict[str, ChannelSet]:
    """The sets in a file, by name.

    counts  channels of each layer of the model the file is for; given, every set must fit it

    Raises PresetError with all mistakes, each with its line and column.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PresetError(f"{path}: too long for a list of channels ({MOST_BYTES:,} bytes at most)")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PresetError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PresetError(f"{path}: is not a text file in UTF-8") from None
    return parse_channels(text, str(path), counts)


def parse_channels(
    text: str, name: str = "channels", counts: Mapping[str, int] | None = None
) -> dict[str, ChannelSet]:
    """`read_channels` of a text; `name` stands for the file in messages."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if sum(map(text.count, ",\n:[{&*")) > MOST_SIGNS:  # which would take seconds
        raise PresetError(f"{name}: too long for a list of channels; make several files of it")
    _check_brackets(text, name)
    try:
        data = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context).split("\n")[0]
        raise PresetError(f"{place}: {problem}") from None
    except RecursionError:
        raise PresetError(f"{name}: {_DEEP}") from None
    except (YAMLError, ValueError, TypeError, KeyError, AssertionError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise PresetError(f"{name}: this is not valid YAML: {said[:200]}") from None
    reading = _Reading(name, counts)
    with suppress(_EnoughError):
        sets = reading.sets(data)
    if reading.mistakes:
        raise PresetError("\n".join(reading.mistakes))
    return sets


def _check_brackets(text: str, name: str) -> None:
    """Refuse brackets within brackets without end, with the place of the first too many."""
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign in "[{") - (sign in "]}")
        if depth > MOST_OPEN:
            before = text[:position].split("\n")
            raise PresetError(f"{name}:{len(before)}:{len(before[-1]) + 1}: {_DEEP}")


def write_channels(path: str | Path, sets: Iterable[ChannelSet], comment: str = "") -> Path:
    """Write sets as `read_channels` reads them, one layer a line. Raises PresetError if that fails."""
    path = Path(path)
    lines = [f"# {line}" for line in comment.splitlines()]
    for each in sets:
        lines.append(f"{_key(each.name)}:")
        lines += [
            f"  {_key(layer)}: [{', '.join(map(str, numbers))}]"
            for layer, numbers in each.channels.items()
            if numbers
        ]
    part = path.with_name(path.name + ".part")
    try:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise PresetError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def check_name(name: str) -> str:
    """A set's name, if it can be one: a word such as `eyes` or `left-eye`. Raises PresetError."""
    if not (name and name[0].isalpha() and all(sign.isalnum() or sign in "-_" for sign in name)):
        raise PresetError(f"{name!r} is no name for channels; it is a word such as eyes or left-eye")
    return name


class _EnoughError(Exception):
    """More of the file need not be looked at."""


class _Reading:
    """Goes through a file's data and collects what is wrong with it."""

    def __init__(self, name: str, counts: Mapping[str, int] | None):
        self.name, self.counts = name, counts
        self.mistakes: list[str] = []
        self.left = MOST_NUMBERS

    def wrong(self, at: tuple[int, int], text: str) -> None:
        self.mistakes.append(f"{self.name}:{at[0] + 1}:{at[1] + 1}: {text}")
        if len(self.mistakes) >= MOST_MISTAKES:
            self.mistakes.append(f"{self.name}: and perhaps more")
            raise _EnoughError

    def sets(self, data: Any) -> dict[str, ChannelSet]:
        if not isinstance(data, dict):
            self.wrong((0, 0), "this is a mapping of names to layers, such as `eyes: {16/1: [3, 17]}`")
            return {}
        return {str(name): self.one(str(name), inner, _key_at(data, name)) for name, inner in data.items()}

    def one(self, name: str, data: Any, at: tuple[int, int]) -> ChannelSet:
        try:
            check_name(name)
        except PresetError as error:
            self.wrong(at, str(error))
        if not isinstance(data, dict) or not data:
            self.wrong(at, f"{name}: needs layers and their channels, such as `16/1: [3, 17]`")
            return ChannelSet(name, {})
        channels = {}
        for layer, numbers in data.items():
            place = f"{name}.{layer}"
            if self.counts is not None and str(layer) not in self.counts:
                self.wrong(_key_at(data, layer), f"{place}: {_unknown(str(layer), self.counts)}")
            channels[str(layer)] = self.numbers(place, str(layer), numbers, _key_at(data, layer))
        return ChannelSet(name, channels)

    def numbers(self, place: str, layer: str, data: Any, at: tuple[int, int]) -> tuple[int, ...]:
        if not isinstance(data, list):
            self.wrong(at, f"{place}: a list of channels is needed, such as [3, 17], not {_shown(data)}")
            return ()
        self.left -= len(data)
        if self.left < 0:
            self.wrong(at, f"{place}: the sets have more than {MOST_NUMBERS:,} channels together")
            raise _EnoughError
        count = None if self.counts is None else self.counts.get(layer)
        found: set[int] = set()
        for index, number in enumerate(data):
            at = data.lc.item(index) if index in (data.lc.data or ()) else at
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                self.wrong(at, f"{place}: a channel is a number from 0 on, not {_shown(number)}")
            elif count is not None and number >= count:
                self.wrong(at, f"{place}: there is no channel {number}; layer {layer} has 0 to {count - 1}")
            elif number in found:
                self.wrong(at, f"{place}: channel {number} is there twice")
            else:
                found.add(number)
        return tuple(sorted(found))


def _shown(data: Any) -> str:
    """A wrong value; lists and mappings are only named, since aliases can make them endless."""
    if isinstance(data, dict | list | set):
        return "a mapping" if isinstance(data, dict) else "a list"
    try:
        text = repr(data)
    except ValueError:  # a number of thousands of digits
        return "a huge number"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _key_at(data: Any, key: Any) -> tuple[int, int]:
    """Line and column of a key, from 0; of the mapping, for a key that was merged into it."""
    return tuple((data.lc.data or {}).get(key, (data.lc.line or 0, data.lc.col or 0))[:2])


def misfits(layer: str, numbers: Sequence[int], counts: Mapping[str, int]) -> list[str]:
    """What keeps these channels from being those of a network's layer."""
    if layer not in counts:
        return [_unknown(layer, counts)]
    beyond = [number for number in numbers if not 0 <= number < counts[layer]]
    return [f"layer {layer} has no {_listed(beyond)}, only 0 to {counts[layer] - 1}"] if beyond else []


def _unknown(layer: str, counts: Mapping[str, int]) -> str:
    near = difflib.get_close_matches(layer, counts, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(counts)}"
    return f"the model has no layer {layer!r}; {hint}"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_SHOWN]))
    more = f" and {len(numbers) - MOST_SHOWN} more" if len(numbers) > MOST_SHOWN else ""
    return f"channel{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _key(text: str) -> str:
    """A YAML key; quoted where a bare one would be a number or nothing."""
    return text if any(sign.isalpha() or sign == "/" for sign in text) else f"'{text}'"
