"""Moments, some at a time, with their pictures: each is drawn once, and several batches side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from render.drawing import Drawer, Drawn, Pending
from render.scene import Moment, Picture
from render.shelf import Shelf
from render.teams import Alone, Teams


@dataclass(frozen=True)
class Chunk:
    """Moments in a row, and all that they show, by the pictures' keys."""

    moments: list[Moment]
    pictures: dict[bytes, Drawn | Pending]

    @property
    def is_drawn(self) -> bool:
        """Whether nobody is at it any more."""
        return all(one.is_drawn for one in self.pictures.values() if isinstance(one, Pending))

    def drawn(self) -> dict[bytes, Drawn]:
        """Its pictures, once they are there."""
        return {key: one.drawn() if isinstance(one, Pending) else one for key, one in self.pictures.items()}


class Chunks:
    """Draws chunks of moments as large as a batch.

    A picture is drawn once if any of the chunks under way shows it, or the one before, or if it lies on the
    shelf, where those are put that the clip comes back to.
    """

    def __init__(self, drawer: Drawer, shelf: Shelf) -> None:
        self.drawer, self.shelf = drawer, shelf
        self._begun: deque[Chunk] = deque()
        self._last: dict[bytes, Drawn] = {}  # of the chunk that was finished last

    def of(self, moments: Iterable[Moment]) -> Iterator[tuple[list[Moment], dict[bytes, Drawn]]]:
        """The chunks in their order, each with its pictures by their keys."""
        moments = iter(moments)
        with closing(self.drawer.teams()) as teams:
            chunk = self._taken(moments)
            while chunk:
                following = self._taken(moments)
                self._begun.append(self._begin(chunk, following, teams))
                chunk = following
                most = teams.ahead if chunk else 0
                while self._begun and (len(self._begun) > most or self._begun[0].is_drawn):
                    yield self._finish(self._begun.popleft())

    def _taken(self, moments: Iterator[Moment]) -> list[Moment]:
        return list(islice(moments, self.drawer.batch_size))

    def _begin(self, chunk: list[Moment], following: list[Moment], teams: Teams | Alone) -> Chunk:
        """A chunk whose missing pictures somebody is drawing."""
        wanted, found = _pictures(chunk), {}
        for key in wanted:
            others = (other.pictures[key] for other in self._begun if key in other.pictures)
            one = next(others, None) or self._last.get(key)
            if one is None and key in self.shelf:
                one = Drawn(self.shelf.get(key))
            if one is not None:
                found[key] = one
        missing = [picture for key, picture in wanted.items() if key not in found]
        known = wanted.keys() | self.shelf.keys() | {key for other in self._begun for key in other.pictures}
        after = [picture for key, picture in _pictures(following).items() if key not in known]
        return Chunk(chunk, found | self.drawer.begin(missing, after, teams, is_alone=not following))

    def _finish(self, chunk: Chunk) -> tuple[list[Moment], dict[bytes, Drawn]]:
        """Its pictures; those that the clip comes back to lie on the shelf from here on."""
        self._last = chunk.drawn()
        for key in _pictures(moment for moment in chunk.moments if moment.recurs):
            if key not in self.shelf and not self._last[key].fault:
                self.shelf.put(key, self._last[key].array())
        return chunk.moments, self._last


def _pictures(moments: Iterable[Moment]) -> dict[bytes, Picture]:
    """All different pictures of the moments, in their order."""
    return {picture.key: picture for moment in moments for picture in moment.pictures}
