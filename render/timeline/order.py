"""The order in which numbers that read one another are computed, or the circle that they go in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class CycleError(ValueError):
    """Numbers read one another in a circle.

    Attributes:
        chain: the names on the way round, the first one again at the end.
    """

    def __init__(self, chain: tuple[str, ...]) -> None:
        super().__init__(f"numbers read one another in a circle: {' → '.join(chain)}")
        self.chain = chain

    def __reduce__(self) -> tuple[type[CycleError], tuple[tuple[str, ...]]]:
        return CycleError, (self.chain,)


def order_of(references: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """All names, each one after those that it reads; otherwise as they stand. Unknown names are passed over.

    Raises:
        CycleError: names read one another in a circle.
    """
    done: dict[str, None] = {}
    for start in references:
        open_names: dict[str, None] = {}  # on the way from `start`
        todo = [start]
        while todo:
            name = todo[-1]
            if name in done:
                todo.pop()
                continue
            open_names[name] = None
            unread = [each for each in references[name] if each in references and each not in done]
            for each in unread:
                if each in open_names:
                    way = list(open_names)
                    raise CycleError((*way[way.index(each) :], each))
            if unread:
                todo.append(unread[0])
            else:
                done[name] = None
                del open_names[todo.pop()]
    return tuple(done)
