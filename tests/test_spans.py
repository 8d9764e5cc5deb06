"""Tensors are described at once and read when they are needed, from where they lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import describe_module, write_nvlabs

import render
from render.checkpoints.spans import Span, Storage, read_floats, view
from render.errors import CheckpointError


def numbers(count: int, dtype: str = "f4") -> bytes:
    return np.arange(count).astype(dtype).tobytes()


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_stretch_is_read_from_its_place(tmp_path, in_memory):
    data = b"xyz" + numbers(5) + b"rest"
    (tmp_path / "a").write_bytes(data)
    span = Span(data if in_memory else tmp_path / "a", 3, 20)
    assert span.read() == numbers(5)
    assert Storage(torch.float32, 5, span).numbers().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("offset", "count"), [(0, 21), (21, 0), (-1, 3), (5, 16), (0, -1)])
def test_a_stretch_lies_within_its_file(tmp_path, offset, count):
    (tmp_path / "a").write_bytes(numbers(5))
    for source in (tmp_path / "a", numbers(5)):
        with pytest.raises(CheckpointError, match="ends before"):
            Span(source, offset, count)


def test_a_file_that_shrinks_is_noticed(tmp_path):
    (tmp_path / "a").write_bytes(numbers(5))
    span = Span(tmp_path / "a")
    (tmp_path / "a").write_bytes(numbers(4))
    with pytest.raises(CheckpointError, match="became shorter"):
        span.read()


def test_storages_need_all_their_numbers():
    with pytest.raises(CheckpointError, match="missing"):
        Storage(torch.float64, 5, Span(numbers(5))).numbers()
    with pytest.raises(CheckpointError, match="missing"):
        Storage(torch.float32, 5).numbers()


def test_views_of_one_storage_share_its_memory():
    storage = Storage(torch.float32, 6, Span(numbers(6)))
    whole, row = view(storage, 0, (2, 3), (3, 1)).read(), view(storage, 3, (3,), (1,)).read()
    row[0] = 9
    assert whole.tolist() == [[0, 1, 2], [9, 4, 5]]


def test_half_precision_becomes_single():
    views = {"a": view(Storage(torch.float16, 3, Span(numbers(3, "f2"))), 0, (3,), (1,))}
    assert read_floats(views, 6)["a"].dtype == torch.float32


def test_the_same_numbers_again_and_again_do_not_fill_the_memory():
    storage = Storage(torch.float16, 1000, Span(numbers(1000, "f2")))
    views = {str(index): view(storage, 0, (1000,), (1,)) for index in range(100)}
    with pytest.raises(CheckpointError, match="100,000 numbers, which is more than its 2,000 bytes"):
        read_floats(views, 2000)


def test_the_networks_that_do_not_render_stay_in_the_file(tmp_path, low):
    """A damaged discriminator does no harm, and costs nothing."""
    ballast = torch.nn.Linear(300, 300)
    torch.nn.init.constant_(ballast.weight, 7.5)
    data = {"D": describe_module(ballast), "G_ema": describe_module(low)}
    path = write_nvlabs(tmp_path / "a.pkl", data=data)
    whole, sevens = path.read_bytes(), torch.full([300 * 300], 7.5).numpy().tobytes()
    assert sevens in whole
    path.write_bytes(whole.replace(sevens, bytes(len(sevens))))
    assert torch.equal(render.load(path).mapping.fc0.weight, low.mapping.fc0.weight)
