"""Pickles are read as data: nothing in them runs, and what asks to run is refused by name."""

from __future__ import annotations

import io
import os
import pickle
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REFERENCE, write_nvlabs
from hypothesis import given, settings
from hypothesis import strategies as st

import render
from render.checkpoints.spans import Span, Storage, view
from render.checkpoints.standins import NUMPY_GLOBALS, NVLABS_GLOBALS, Array, unpickle
from render.checkpoints.unpickle import Machine
from render.errors import CheckpointError, UnsafeCheckpointError


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def read(data: bytes, allowed=NVLABS_GLOBALS):
    return Machine(io.BytesIO(data), len(data), "test.pkl", allowed).load()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(), max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=150)
@given(value=plain, protocol=st.integers(0, 5))
def test_plain_data_comes_back_as_it_was(value, protocol):
    allowed = NVLABS_GLOBALS | {
        f"{module}.{name}": call
        for module in ("builtins", "__builtin__")
        for name, call in (("frozenset", frozenset), ("bytes", bytes), ("set", set))
    }
    assert read(pickle.dumps(value, protocol), allowed) == value


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("dtype", ["f4", "f2", "f8", "i8", "u1", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_bit_for_bit(protocol, dtype, order):
    array = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)
    ours = read(pickle.dumps(array, protocol), NUMPY_GLOBALS)
    assert isinstance(ours, Array)
    assert ours.value.dtype == array.dtype
    np.testing.assert_array_equal(ours.value, array)
    assert read(pickle.dumps(np.float32(2.5), protocol), NUMPY_GLOBALS) == 2.5


def test_old_spelling_of_numpy_is_understood():
    data = pickle.dumps(np.ones(3, "f4"), 2)
    old = data.replace(b"numpy._core", b"numpy.core")
    np.testing.assert_array_equal(read(old, NUMPY_GLOBALS).value, np.ones(3))


HOSTILE = {
    "os.system": lambda mark: Calls(os.system, f"touch {mark}"),
    "builtins.eval": lambda mark: Calls(eval, f"open({str(mark)!r}, 'w')"),
    "builtins.exec": lambda mark: Calls(exec, f"open({str(mark)!r}, 'w')"),
    "builtins.getattr": lambda mark: Calls(getattr, "text", "upper"),
    "torch.serialization.load": lambda mark: Calls(torch.load, str(mark)),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", HOSTILE)
def test_a_call_is_refused_by_name_and_never_made(tmp_path, name, protocol):
    mark, path = tmp_path / "it-ran", tmp_path / "portrait.pkl"
    path.write_bytes(pickle.dumps({"G_ema": HOSTILE[name](mark)}, protocol))
    with pytest.raises(
        UnsafeCheckpointError, match=rf"portrait\.pkl asks to run {re.escape(name)}.*not opened"
    ):
        render.load(path)
    assert not mark.exists()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_nested_payload_is_refused_by_name(tmp_path, zipped):
    mark, path, inner = tmp_path / "it-ran", tmp_path / "portrait.pkl", io.BytesIO()
    torch.save(Calls(os.system, f"touch {mark}"), inner, _use_new_zipfile_serialization=zipped)
    payload = Calls(torch.storage._load_from_bytes, inner.getvalue())
    path.write_bytes(pickle.dumps({"G_ema": payload}))
    with pytest.raises(UnsafeCheckpointError, match=r"portrait\.pkl: .*os\.system"):
        render.load(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
        (b"(S'id'\nios\nsystem\n.", "os.system"),
        (b"\x80\x02(cos\nsystem\nU\x02ido.", "os.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x11str.__class__.mro\x93.", "builtins.str.__class__.mro"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x19OrderedDict.__init__.call\x93.", "OrderedDict.__init__"),
        (b"\x80\x02\x82\x05.", "entry 5"),
    ],
)
def test_raw_streams_are_refused_by_name(tmp_path, stream, name):
    path = tmp_path / "x.pkl"
    path.write_bytes(stream)
    with pytest.raises(UnsafeCheckpointError, match=re.escape(name)):
        render.load(path)


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.",  # state for a class
        b"\x80\x02K\x05)R.",  # a number is called
        b"\x80\x02]K\x01b.",  # state for a list
        b"\x80\x02K\x01Q.",  # a persistent id
    ],
)
def test_what_only_programs_need_is_refused(stream):
    with pytest.raises(UnsafeCheckpointError, match="not opened"):
        read(stream)


def test_embedded_source_is_never_run(tmp_path, low):
    mark = tmp_path / "it-ran"
    source = f"open({str(mark)!r}, 'w').close()\nthis is not Python"
    path = write_nvlabs(tmp_path / "net.pkl", low, source=source)
    assert b"this is not Python" in path.read_bytes()
    loaded = render.load(path)
    assert torch.equal(loaded.mapping.fc0.weight, low.mapping.fc0.weight)
    assert not mark.exists()


def test_the_sources_hold_no_other_way_in():
    package = Path(render.__file__).parent
    for path in package.rglob("*.py"):
        code = path.read_text("utf-8")
        assert not re.search(
            r"^\s*(import|from) (pickle|dill|joblib|cloudpickle|marshal|shelve)\b", code, re.M
        ), path
        assert not re.search(r"(?<![\w.\"'])(eval|exec|compile|__import__)\(", code), path
        assert "torch.load(" not in code, path


def test_a_cut_file_is_said_to_be_cut(tmp_path):
    whole = (REFERENCE / "stylegan2-ada" / "network.pkl").read_bytes()
    path = tmp_path / "cut.pkl"
    for keep in (2, 3, 100, 5000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(CheckpointError, match=r"cut\.pkl.*(cut off|damaged)") as caught:
            render.load(path)
        assert "\n" not in str(caught.value)


BOMBS = {
    "huge bytes": b"\x80\x04\x8e" + (10**13).to_bytes(8, "little") + b"x.",
    "huge text": b"\x80\x04\x8d" + (10**13).to_bytes(8, "little") + b"x.",
    "huge memo slot": b"\x80\x04K\x01r\xff\xff\xff\xffK\x02.",
    "nested keys": b"\x80\x04}K\x01" + b"2\x86" * 60 + b"K\x02s.",
    "endless steps": b"\x80\x04" + b"N0" * 3_000_000 + b".",
    "deep lists": b"\x80\x04" + b"](" * 200_000 + b"e" * 200_000 + b".",
}


HARMLESS = ("huge memo slot", "deep lists")  # as they are read here


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(name):
    started = time.monotonic()
    if name in HARMLESS:
        read(BOMBS[name])
    else:
        with pytest.raises(CheckpointError, match=r"test\.pkl"):
            read(BOMBS[name])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((2**39,), (0,), 0),
        ((9,), (1,), 0),
        ((2, 2), (8, 1), 0),
        ((4,), (1,), 5),
        ((2,), (-1,), 1),
        ((1,), (1,), -1),
    ],
)
def test_tensors_may_not_reach_outside_their_numbers(size, stride, offset):
    numbers = Storage(torch.float32, 8, Span(np.arange(8, dtype="f4").tobytes()))
    assert view(numbers, 2, (2, 3), (3, 1)).read().tolist() == [[2, 3, 4], [5, 6, 7]]
    with pytest.raises(CheckpointError, match="tensor"):
        view(numbers, offset, size, stride)


def test_a_storage_may_not_announce_more_than_it_has(tmp_path):
    stream = pickle.dumps(torch.zeros(300), 4)
    # 300 is the two bytes M 2c 01; the same place can hold another number of two bytes.
    bomb = stream.replace(b"M\x2c\x01", b"M\xff\xff")
    assert bomb != stream
    path = tmp_path / "bomb.pkl"
    path.write_bytes(bomb)
    with pytest.raises(CheckpointError, match=r"bomb\.pkl.*tensor"):
        unpickle(path, NVLABS_GLOBALS)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_load_or_are_refused(tmp_path_factory, data):
    whole = bytearray((REFERENCE / "stylegan2-ada" / "network.pkl").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, 90_000))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(whole)
    try:
        outcome = f"damaged.pkl has {render.load(path).resolution} px"
    except CheckpointError as error:
        outcome = str(error)
    assert "damaged.pkl" in outcome
