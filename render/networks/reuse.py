"""Activations that several pictures need: found by digests, kept in bounded memory, and computed once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from render.networks.unmixed import Source, identity

if TYPE_CHECKING:
    from render.networks.batch import Batch

PIECE = 1024  # bytes: from 2,048 on, `hashlib` lets other threads run, and then waits for its turn


@dataclass(frozen=True)
class State:
    """What synthesis has come to before step `position`; N may be 1 for a batch of any size.

    position  of the step that follows
    x         activations [N, C, H, W], as the definition has them; None at the start, or after the last step
    image     the sum of the to-RGBs so far, float32 [N, img_channels, H, W], in skip networks
    branch    a resnet's other branch, [N, C, H, W], between the two layers of a resolution
    scaled    x times the next layer's styles, within one pass only
    """

    position: int = 0
    x: Tensor | None = None
    image: Tensor | None = None
    branch: Tensor | None = None
    scaled: Tensor | None = None

    @property
    def tensors(self) -> list[Tensor]:
        """What is kept of it."""
        return [tensor for tensor in (self.x, self.image, self.branch) if tensor is not None]

    def __len__(self) -> int:
        return len(self.tensors[0]) if self.tensors else 1

    def select(self, samples: Sequence[int]) -> State:
        """The state of these samples, in this order; any may be there several times."""
        if not self.tensors or list(samples) == list(range(len(self))):
            return self
        return joined([(self, index) for index in samples])

    def alone(self, sample: int) -> State:
        """The state of one sample, in memory of its own."""
        if len(self) == 1:
            return State(self.position, self.x, self.image, self.branch)
        part = joined([(self, sample)])
        owned = (None if t is None else t.clone() for t in (part.x, part.image, part.branch))
        return State(self.position, *owned)

    @property
    def nbytes(self) -> int:
        """Memory it holds."""
        return sum(tensor.nbytes for tensor in self.tensors)


def joined(parts: Sequence[tuple[State, int]]) -> State:
    """One state of these samples of states that stand at one position."""
    first = parts[0][0]

    def column(name: str) -> Tensor | None:
        if getattr(first, name) is None:
            return None
        # Joining slices keeps channels_last, and is 40 times as fast as `index_select` there.
        slices = [getattr(state, name)[index : index + 1] for state, index in parts]
        if all(state is first and index == parts[0][1] for state, index in parts):
            return slices[0].expand(len(parts), -1, -1, -1)  # no copies: a layer that fades wants but one
        return torch.cat(slices)

    return State(first.position, column("x"), column("image"), column("branch"))


@dataclass(frozen=True)
class Chain:
    """One sample's way through the steps.

    digests  before every step and after the last: equal where all that was drawn so far is equal
    sources  the weights of every step. Digests know them by their addresses, so whoever keeps a digest
             keeps them too, lest another tensor come to lie there
    """

    digests: tuple[bytes, ...]
    sources: tuple[tuple[Source, ...], ...]


@dataclass(frozen=True)
class Origin:
    """What a sample comes from at some place on its way: equal where that is equal.

    sources  the weights until there, to be kept with the digest
    """

    digest: bytes
    sources: tuple[tuple[Source, ...], ...] = field(compare=False)


def chain_of(start: bytes, rows: Sequence[bytes], sources: Sequence[tuple[Source, ...]]) -> Chain:
    """The chain of a sample: what it begins with, and for every step its rows of ws and its weights."""
    running = hashlib.blake2b(start, digest_size=16)
    digests = [running.digest()]
    for row, tensors in zip(rows, sources, strict=True):
        for first in range(0, len(row), PIECE):
            running.update(row[first : first + PIECE])
        running.update(repr([identity(tensor) for tensor in tensors]).encode())
        digests.append(running.digest())
    return Chain(tuple(digests), tuple(sources))


class Kept:
    """Values by digest, at most `max_bytes` of them; the longest unused go first. Teams share it."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.nbytes = max_bytes, 0
        self.now = 0  # a time, in whatever counts
        self._changed = threading.Condition()  # held by whoever reads or writes
        self._kept: OrderedDict[bytes, tuple[Any, object]] = OrderedDict()
        self._used: dict[bytes, int] = {}
        self._making: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._kept

    def get(self, digest: bytes) -> Any:
        """The value kept under a digest, or None."""
        with self._changed:
            if digest not in self._kept:
                return None
            self._kept.move_to_end(digest)
            self._used[digest] = self.now
            return self._kept[digest][0]

    def put(self, digest: bytes, value: Any, sources: object) -> None:
        """Keep a value, if there is room for it at all, with what its digest is made of."""
        with self._changed:
            if value.nbytes > self.max_bytes or digest in self._kept:
                return
            self._kept[digest], self._used[digest] = (value, sources), self.now
            self.nbytes += value.nbytes
            while self.nbytes > self.max_bytes:
                self._drop(next(iter(self._kept)))

    def once(self, digest: bytes, make: Callable[[], Any], sources: object) -> Any:
        """The value under a digest; it is made where it is missing, unless another team is at it."""
        with self._changed:
            self._changed.wait_for(lambda: digest not in self._making)
            if digest in self._kept:
                return self.get(digest)
            self._making.add(digest)
        try:
            value = make()
            self.put(digest, value, sources)
        finally:
            with self._changed:
                self._making.remove(digest)
                self._changed.notify_all()
        return value

    def drop_unused(self, since: int) -> None:
        """Forget what was not wanted from that time on."""
        with self._changed:
            for digest in [digest for digest, used in self._used.items() if used < since]:
                self._drop(digest)

    def _drop(self, digest: bytes) -> None:
        del self._used[digest]
        self.nbytes -= self._kept.pop(digest)[0].nbytes

    def clear(self) -> None:
        """Forget them all."""
        with self._changed:
            self._kept.clear()
            self._used.clear()
            self.nbytes = 0


class States(Kept):
    """The states of single samples.

    Of batches that are drawn side by side, the earlier ones promise what they will keep, and the others wait
    for that: nothing is drawn twice, and whoever waits would have had to draw the same.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._promised: dict[bytes, Batch] = {}  # in the order of batches
        self._order: dict[int, int] = {}  # of batches that promised something, by id

    @property
    def is_idle(self) -> bool:
        """Whether nothing is kept, nor promised."""
        return not self._kept and not self._promised

    def promise(self, batch: Batch, digests: Set[bytes]) -> None:
        """Say that a batch, which comes after all that did so before, will keep these states."""
        with self._changed:
            self._order[id(batch)] = max(self._order.values(), default=0) + 1
            self._promised |= dict.fromkeys(digests - self._promised.keys(), batch)

    @contextmanager
    def promises_of(self, batch: Batch | None) -> Iterator[None]:
        """While a batch is drawn; afterwards nobody waits for it."""
        try:
            yield
        finally:
            self.settle(batch, but=frozenset())
            with self._changed:
                self._order.pop(id(batch), None)

    def settle(self, batch: Batch | None, but: Set[bytes]) -> None:
        """Of what was promised for a batch, it will keep these at most."""
        with self._changed:
            for digest in [d for d, owner in self._promised.items() if owner is batch and d not in but]:
                del self._promised[digest]
            self._changed.notify_all()

    def deepest(self, batch: Batch, chain: Chain, first: int, stop: int) -> tuple[int, State | None]:
        """The last position from `first` to `stop` at which this sample's state is kept, and that state.

        None, and `first`, where there is none.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._awaits(batch, chain, first, stop))
            # All of a sample's states count as used: a swap that moves down comes back to the earlier ones.
            known = [at for at in range(stop, first - 1, -1) if chain.digests[at] in self]
            states = [self.get(chain.digests[at]) for at in known]
        return (known[0], states[0]) if known else (first, None)

    def _awaits(self, batch: Batch, chain: Chain, first: int, stop: int) -> bool:
        """Whether an earlier batch will keep a deeper state of this sample than there is."""
        for at in range(stop, first - 1, -1):
            owner = self._promised.get(chain.digests[at])
            if chain.digests[at] in self:
                return False
            if owner is not None and self._order[id(owner)] < self._order.get(id(batch), 0):
                return True
        return False

    def keep(self, chain: Chain, state: State, sample: int) -> None:
        """Keep one sample's state, unless it is there."""
        digest = chain.digests[state.position]
        if digest not in self and state.tensors and state.nbytes // len(state) <= self.max_bytes:
            self.put(digest, state.alone(sample), chain.sources[: state.position])
        with self._changed:
            self._promised.pop(digest, None)
            self._changed.notify_all()


class Course:
    """How a batch goes through the steps: from what is kept, and as one until samples begin to differ.

    walk    draws a batch from a state up to a position
    wanted  digests of the states to keep
    """

    def __init__(
        self,
        batch: Batch,
        states: States,
        walk: Callable[[Batch, State, int], State],
        wanted: Collection[bytes] = (),
    ) -> None:
        self.batch, self.states, self.walk, self.wanted = batch, states, walk, wanted
        self.digests = [chain.digests for chain in batch.chains]

    def run(self, state: State, stop: int) -> State:
        """From `state`, which may be of one sample for all, to every sample's state before step `stop`."""
        samples, first = range(len(self.batch)), state.position
        kept = [self.states.deepest(self.batch, chain, first, stop) for chain in self.batch.chains]
        self.starts = [start for start, _ in kept]
        # Held here, because keeping others may take them out of the store.
        self.found = {
            own[start]: at for own, (start, at) in zip(self.digests, kept, strict=True) if at is not None
        }
        ways = zip(self.digests, self.starts, strict=True)
        self.states.settle(self.batch, but={digest for own, start in ways for digest in own[start + 1 :]})
        self.state = state
        self.places = {self.digests[i][state.position]: i if len(state) > 1 else 0 for i in samples}
        position = min(self.starts)
        while position < stop:
            active = [i for i in samples if self.starts[i] <= position]
            firsts = self._different(active, position + 1)
            end = position + 1
            while end < stop and not self._is_junction(active, len(firsts), end):
                end += 1
            state = self.walk(self.batch.select(firsts), self._gathered(firsts, position), end)
            self.state, position = state, end
            self.places = {self.digests[i][end]: place for place, i in enumerate(firsts)}
            for place, i in enumerate(firsts):
                if self.digests[i][end] in self.wanted:
                    self.states.keep(self.batch.chains[i], state, place)
        return self._gathered(samples, stop)

    def _different(self, samples: Sequence[int], position: int) -> list[int]:
        """The first sample of each kind, as they are at `position`."""
        firsts = {self.digests[i][position]: i for i in reversed(samples)}
        return sorted(firsts.values())

    def _is_junction(self, active: Sequence[int], count: int, position: int) -> bool:
        """Whether samples part, join or are kept there, so that a pass must end."""
        digests = {self.digests[i][position] for i in active}
        return (
            position in self.starts
            or not digests.isdisjoint(self.wanted)
            or len({self.digests[i][position + 1] for i in active}) > count
        )

    def _gathered(self, samples: Sequence[int], position: int) -> State:
        """The state of these samples at a position, from the last pass or from what was kept."""
        parts = []
        for digest in (self.digests[i][position] for i in samples):
            place = self.places.get(digest)
            parts.append((self.found[digest], 0) if place is None else (self.state, place))
        if all(state is self.state for state, _ in parts):
            return self.state.select([place for _, place in parts])
        return joined(parts)
