"""What is kept between pictures, where several threads want it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch
from conftest import make_relative

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.networks.fast import fast
from render.networks.reuse import Kept, State, States

SECONDS = 20  # that a test waits before it fails


def thing(nbytes: int = 1) -> SimpleNamespace:
    return SimpleNamespace(nbytes=nbytes)


def test_what_two_want_at_once_is_made_once():
    kept, door, made = Kept(100), threading.Event(), []

    def make():
        made.append(thing())
        door.wait(SECONDS)
        return made[0]

    with ThreadPoolExecutor(3) as pool:
        wanted = [pool.submit(kept.once, b"a", make, None) for _ in range(2)]
        other = pool.submit(kept.once, b"b", thing, None)
        assert other.result(SECONDS) is kept.get(b"b")  # which is nobody's concern
        assert not any(one.done() for one in wanted)
        door.set()
        assert all(one.result(SECONDS) is made[0] for one in wanted)
    assert len(made) == 1


def test_whoever_waited_for_what_went_wrong_makes_it():
    kept, door = Kept(100), threading.Event()

    def fail():
        door.wait(SECONDS)
        raise MemoryError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.once, b"a", fail, None)
        while not kept._making:
            pass
        second = pool.submit(kept.once, b"a", thing, None)
        door.set()
        with pytest.raises(MemoryError):
            first.result(SECONDS)
        assert second.result(SECONDS) is kept.get(b"a")


def test_what_is_too_large_to_keep_is_made_for_whoever_wants_it():
    kept = Kept(100)
    assert kept.once(b"a", lambda: thing(101), None).nbytes == 101
    assert kept.get(b"a") is None
    assert kept.nbytes == 0


def test_the_longest_unused_go_first():
    kept = Kept(3)
    for digest in (b"a", b"b", b"c"):
        kept.put(digest, thing(), None)
    kept.get(b"a")
    kept.put(b"d", thing(), None)
    assert [digest for digest in (b"a", b"b", b"c", b"d") if digest in kept] == [b"a", b"c", b"d"]
    assert kept.nbytes == 3


def chain(*digests: bytes) -> SimpleNamespace:
    return SimpleNamespace(digests=digests, sources=[()] * len(digests))


def state(position: int) -> State:
    return State(position, torch.zeros(1, 1, 2, 2))


@pytest.fixture
def states():
    return States(1000)


WAY = chain(b"start", b"one", b"two", b"three")


def test_the_later_batch_waits_for_the_deepest_promise(states):
    first, second = object(), object()
    states.promise(first, {b"one", b"two"})
    states.promise(second, {b"two", b"three"})
    with ThreadPoolExecutor(1) as pool:
        wanted = pool.submit(states.deepest, second, WAY, 0, 3)
        states.keep(WAY, state(1), 0)
        with pytest.raises(TimeoutError):
            wanted.result(0.1)
        states.keep(WAY, state(2), 0)
        position, found = wanted.result(SECONDS)
    assert (position, found.position) == (2, 2)


def test_nobody_waits_for_later_batches_or_for_what_is_beyond(states):
    first, second = object(), object()
    states.promise(first, {b"three"})
    states.promise(second, {b"two"})
    assert states.deepest(first, WAY, 0, 3) == (0, None)
    assert states.deepest(second, WAY, 0, 2) == (0, None)
    assert states.deepest(object(), WAY, 0, 3) == (0, None)  # which has no place among them


def test_promises_end_with_their_batch(states):
    first, second = object(), object()
    states.promise(first, {b"one", b"two"})
    states.promise(second, set())
    with ThreadPoolExecutor(1) as pool:
        with states.promises_of(first):
            wanted = pool.submit(states.deepest, second, WAY, 0, 3)
            states.settle(first, but={b"two"})
            with pytest.raises(TimeoutError):
                wanted.result(0.1)
        assert wanted.result(SECONDS) == (0, None)
    assert states.is_idle


def test_what_is_promised_but_has_no_room_keeps_nobody_waiting(states):
    states.max_bytes = 1
    first, second = object(), object()
    states.promise(first, {b"one"})
    states.promise(second, set())
    states.keep(WAY, state(1), 0)
    assert states.deepest(second, WAY, 0, 3) == (0, None)


SWAPS = ((4.25, 4.5), (4.75, 5.25), (5.5, 5.75))


def test_batches_side_by_side_draw_what_they_share_once(low, ws, monkeypatch):
    blender, synthesis = Blender([low, make_relative(low, seed=3)]), fast(low, "exact", compiled=False)
    own = [[blender.tensors(Blend.low_high(6, swap)) for swap in two] for two in SWAPS]
    batches = [synthesis.batch(ws[:1].expand(2, -1, -1), tensors=tensors) for tensors in own]
    alone = [synthesis.draw(batch) for batch in batches]
    synthesis.forget()
    steps, walk = [], synthesis._walk

    def counted(batch, start, stop):
        steps.extend(position for position in range(start.position, stop) for _ in range(len(batch)))
        return walk(batch, start, stop)

    monkeypatch.setattr(synthesis, "_walk", counted)
    after = [*batches[1:], None]
    for batch, following in zip(batches, after, strict=True):
        synthesis.promise(batch, following)

    def draw(batch, following):
        with synthesis.states.promises_of(batch):
            return synthesis.draw(batch, following=following)

    with ThreadPoolExecutor(3) as pool:
        drawn = [pool.submit(draw, batch, following) for batch, following in zip(batches, after, strict=True)]
        for one, expected in zip(drawn, alone, strict=True):
            assert torch.equal(one.result(SECONDS), expected)
    # From 5 on, layer 4 is low's own.
    assert [steps.count(position) for position in range(6)] == [1, 1, 1, 1, 4, 6]
