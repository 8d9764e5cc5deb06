"""Weights that are ready for use: what a network's tensors were prepared to, kept for pictures to come."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from render.networks.fading import Pair
from render.networks.unmixed import Source, identity, mixed, shares_of, side

PREPARED_PER_UNIT = 3  # sets of weights kept ready for one unit, unless a batch needs more at once


@dataclass(frozen=True)
class Unit:
    """Tensors that are prepared together.

    leaves  their names, after `synthesis.`
    make    prepares them: tensors by leaf → whatever the steps want
    weight  the leaf of the weight, where its steps can draw a cross-fade by parts (see `fading`)
    """

    name: str
    leaves: tuple[str, ...]
    make: Callable[[dict[str, Tensor]], Any]
    weight: str | None = None

    @cached_property
    def names(self) -> list[str]:
        """The tensors' whole names."""
        return [f"synthesis.{leaf}" for leaf in self.leaves]


@dataclass
class Prepared:
    """What a unit's tensors were prepared to; they are kept with it, so that their ids stay theirs.

    used  the stock's time when it was wanted last
    """

    made: Any
    sources: Sequence[Source]
    used: int = 0


class Stock:
    """What units' tensors were prepared to, PREPARED_PER_UNIT sets of each; teams share it.

    now  a time, in pictures
    """

    def __init__(self) -> None:
        self.now = 0
        self._kept: dict[str, OrderedDict[tuple, Prepared]] = {}
        self._locks: dict[str, threading.Lock] = {}  # one a unit: whoever wants what is in the making waits

    def sources(self) -> list[Source]:
        """All tensors whose preparations are here."""
        return [one for kept in self._kept.values() for used in kept.values() for one in used.sources]

    def prepared(self, unit: Unit, samples: Sequence[list[Source]]) -> list[tuple[slice, Any]]:
        """Runs of samples with the same tensors of a unit, and what these are prepared to, once.

        Samples that fade between the same two networks are a run too, with a `Pair` of these.
        """
        with self._locks.setdefault(unit.name, threading.Lock()):
            return self._prepared(unit, samples)

    def _prepared(self, unit: Unit, samples: Sequence[list[Source]]) -> list[tuple[slice, Any]]:
        kept = self._kept.setdefault(unit.name, OrderedDict())
        runs: list[tuple[slice, Any]] = []
        last, used = None, 0
        for index, sources in enumerate(samples):
            shares = shares_of(sources) if unit.weight else None
            if shares is None:
                key = tuple(map(identity, sources))
            else:
                low, high = side(sources, "low"), side(sources, "high")
                key = *map(identity, low), *map(identity, high)
            if key == last:
                rows, made = runs[-1]
                if shares is not None:
                    made = replace(made, shares=[*made.shares, shares])
                runs[-1] = slice(rows.start, index + 1), made
                continue
            if shares is None:
                made, used = self._made(unit, kept, sources), used + 1
            else:
                at = unit.leaves.index(unit.weight)
                both = self._made(unit, kept, low), self._made(unit, kept, high)
                made, used = Pair(*both, (low, high), at, [shares]), used + 2
            runs.append((slice(index, index + 1), made))
            last = key
        while len(kept) > max(PREPARED_PER_UNIT, used):
            kept.popitem(last=False)
        return runs

    def _made(self, unit: Unit, kept: OrderedDict, sources: Sequence[Source]) -> Any:
        """What these tensors are prepared to, once."""
        key = tuple(map(identity, sources))
        if key not in kept:
            kept[key] = Prepared(unit.make(dict(zip(unit.leaves, map(mixed, sources), strict=True))), sources)
        kept.move_to_end(key)
        kept[key].used = self.now
        return kept[key].made

    def drop_unused(self, since: int) -> None:
        """Forget what was not wanted from that time on."""
        for name, lock in list(self._locks.items()):
            if not lock.acquire(blocking=False):
                continue  # somebody wants something of it now
            kept = self._kept.get(name, {})
            for key in [key for key, one in kept.items() if one.used < since]:
                del kept[key]
            lock.release()

    def clear(self) -> None:
        """Forget it all."""
        for name, lock in list(self._locks.items()):
            with lock:
                self._kept.pop(name, None)
