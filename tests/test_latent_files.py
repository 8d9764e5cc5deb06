"""Latents from files: every shape that tools write is read, and nothing else, with one clear sentence."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import BlendreelWarning, LatentError
from render.latents import check_fits, load_latents, peek_latents
from render.latents.array_files import MAX_NUMBERS

W = np.random.RandomState(0).randn(3, 8).astype(np.float32)
W_PLUS = np.random.RandomState(1).randn(3, 6, 8).astype(np.float32)


def npy_with(header: str, data: bytes = b"") -> bytes:
    """A .npy file whose header says what it likes."""
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("array", "space", "read_as", "shape"),
    [
        (W[0], None, "w", (1, 8)),
        (W, None, "w", (3, 8)),
        (W, "z", "z", (3, 8)),
        (W[:, None], None, "w", (3, 8)),
        (W[:, None], "z", "z", (3, 8)),
        (W_PLUS, None, "w", (3, 6, 8)),
        (W_PLUS[:1], None, "w", (1, 6, 8)),
        (W_PLUS[0], "w+", "w", (1, 6, 8)),
        (W_PLUS[None], None, "w", (3, 6, 8)),
        (W.astype(np.float64), None, "w", (3, 8)),
        (W.astype(np.float16), None, "w", (3, 8)),
        (np.asfortranarray(W), None, "w", (3, 8)),
    ],
)
def test_a_plain_array_is_read_by_its_shape(tmp_path, array, space, read_as, shape):
    path = tmp_path / "me.npy"
    np.save(path, array)
    latents = load_latents(path, space)
    assert (latents.space, latents.values.shape, latents.values.dtype) == (read_as, shape, np.float32)
    np.testing.assert_allclose(latents.values.ravel(), array.ravel(), rtol=1e-6)
    assert peek_latents(path, space).startswith(f"{shape[0]} latent")


@pytest.mark.parametrize(
    ("name", "array", "read_as", "shape"),
    [
        ("w", W_PLUS[:1], "w", (1, 6, 8)),
        ("w", W, "w", (3, 8)),
        ("ws", W_PLUS[0], "w", (1, 6, 8)),
        ("projected_w", W_PLUS[0], "w", (1, 6, 8)),
        ("dlatents", W_PLUS, "w", (3, 6, 8)),
        ("latents", W_PLUS, "w", (3, 6, 8)),
        ("z", W, "z", (3, 8)),
        ("anything", W, "w", (3, 8)),
    ],
)
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_name_in_an_archive_says_what_it_is(tmp_path, name, array, read_as, shape, write):
    write(tmp_path / "me.npz", **{name: array})
    latents = load_latents(tmp_path / "me.npz")
    assert (latents.space, latents.values.shape) == (read_as, shape)
    np.testing.assert_array_equal(latents.values.ravel(), array.ravel())


def test_of_several_arrays_the_known_one_is_read_and_the_others_are_not(tmp_path):
    odd = np.array([{"never": "unpickled"}], dtype=object)
    np.savez(tmp_path / "me.npz", z=W, ws=W_PLUS, noise=odd)
    assert load_latents(tmp_path / "me.npz").values.shape == (3, 6, 8)


def test_latents_are_named_and_picked_by_number(tmp_path):
    np.save(tmp_path / "me.npy", W)
    latents = load_latents(tmp_path / "me.npy")
    assert latents.names == ("me#0", "me#1", "me#2")
    np.testing.assert_array_equal(latents.pick(2).values, W[2:])
    assert latents.pick(2).names == ("me#2",)
    with pytest.raises(LatentError, match=r"me.npy#3: the file has 3 latents, and they are counted from 0"):
        latents.pick(3)
    with pytest.raises(LatentError, match="counted from 0"):
        latents.pick(-1)


@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_torch_are_read(tmp_path, legacy):
    import torch

    def saved(data):
        torch.save(data, tmp_path / "me.pt", _use_new_zipfile_serialization=not legacy)
        return load_latents(tmp_path / "me.pt")

    ws = torch.from_numpy(W_PLUS)
    assert saved(ws).values.shape == (3, 6, 8)
    assert saved(ws.half().requires_grad_()).values.dtype == np.float32
    assert saved({"w": ws[:1], "noise": [torch.zeros(3)], "step": 7}).values.shape == (1, 6, 8)
    assert saved({"z": ws[:, 0]}).space == "z"
    np.testing.assert_array_equal(saved(ws).values, W_PLUS)


@pytest.mark.parametrize(("latent", "shape"), [(W_PLUS[0], (2, 6, 8)), (W[0], (2, 8))])
def test_a_projector_file_gives_a_latent_for_each_picture(tmp_path, latent, shape):
    import torch

    entry = {"img": torch.zeros(1, 3, 4, 4), "latent": torch.from_numpy(latent), "noise": [torch.zeros(4, 4)]}
    torch.save({"faces/anna.png": entry, "faces/ben.png": entry}, tmp_path / "project.pt")
    latents = load_latents(tmp_path / "project.pt")
    assert latents.names == ("anna", "ben")
    assert latents.values.shape == shape
    assert not latents.is_unsure


def test_a_file_of_torch_that_holds_more_than_tensors_is_refused(tmp_path):
    import argparse
    import functools

    import torch

    torch.save({"w": torch.zeros(8), "call": functools.partial(print, 1)}, tmp_path / "me.pt")
    with pytest.raises(LatentError, match=r"me\.pt holds more than tensors.*functools\.partial.*torch.save"):
        load_latents(tmp_path / "me.pt")
    torch.save({"w": torch.zeros(8), "args": argparse.Namespace(lr=1)}, tmp_path / "you.pt")
    assert load_latents(tmp_path / "you.pt").values.shape == (1, 8)  # options are let go


def refused(tmp_path, name: str, data: bytes, space: str | None = None) -> str:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LatentError) as caught:
        load_latents(tmp_path / name, space)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def saved(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("array", "space", "words"),
    [
        (np.array([[1.0, np.nan]]), None, r"not finite, at [0, 1]"),
        (np.array([[1.0, np.inf]]), None, "not finite"),
        (np.array([1e300]), None, "not finite"),
        (np.array([{"a": 1}], dtype=object), None, "Python objects, which are never loaded"),
        (np.array(["a"]), None, "expected plain numbers"),
        (np.array([1j]), None, "expected plain numbers"),
        (np.array([True]), None, "expected plain numbers"),
        (np.zeros((), np.float32), None, "has the shape []"),
        (np.zeros((0, 8)), None, "holds no latents"),
        (np.zeros((2, 3, 4, 5)), None, "[D], [N, D] or [N, num_ws, D]"),
        (W_PLUS, "z", "latents of z are [D] or [N, D]"),
        (W, "v", "unknown space 'v'; there are z, w, w+"),
    ],
)
def test_arrays_that_are_no_latents_are_refused(tmp_path, array, space, words):
    np.save(tmp_path / "me.npy", array)
    with pytest.raises(LatentError) as caught:
        load_latents(tmp_path / "me.npy", space)
    assert words in str(caught.value)


def test_damaged_and_strange_files_are_refused(tmp_path):
    assert "is empty" in refused(tmp_path, "a.npy", b"")
    assert "not a NumPy array" in refused(tmp_path, "b.npy", b"hello")
    assert "cut off" in refused(tmp_path, "c.npy", saved(W)[:-5])
    assert "not an archive" in refused(tmp_path, "d.npz", b"PK\x03\x04 no")
    assert "no file of latents: those end in .npy, .npz" in refused(tmp_path, "e.txt", b"1")
    assert "damaged" in refused(tmp_path, "f.pt", b"hello")
    import torch

    torch.save([1, 2], tmp_path / "h.pt")
    with pytest.raises(LatentError, match=r"h\.pt holds neither a tensor nor a dictionary of tensors"):
        load_latents(tmp_path / "h.pt")
    assert "named columns" in refused(tmp_path, "g.npy", b"\x93NUMPY\x03\x00" + b" " * 40)
    with pytest.raises(LatentError, match="does not exist"):
        load_latents(tmp_path / "none.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(LatentError, match="is a folder"):
        peek_latents(tmp_path / "folder.npy")


def test_an_archive_without_a_known_name_lists_its_names(tmp_path):
    np.savez(tmp_path / "me.npz", left=W, right=W)
    with pytest.raises(LatentError, match=r"expected one of ws, .*and its arrays are called left, right"):
        load_latents(tmp_path / "me.npz")
    with zipfile.ZipFile(tmp_path / "none.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(LatentError, match="it holds no arrays"):
        load_latents(tmp_path / "none.npz")


def test_a_file_that_announces_too_much_is_refused_before_it_is_read(tmp_path):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 512), }"
    assert "too large" in refused(tmp_path, "a.npy", npy_with(header % 10**12))
    assert "cut off" in refused(tmp_path, "b.npy", npy_with(header % (MAX_NUMBERS // 512)))
    with zipfile.ZipFile(tmp_path / "c.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy_with(header % 10**12))
        archive.writestr("z.npy", npy_with(header % 10**6))
    with pytest.raises(LatentError, match=r"c.npz \(w\) is too large"):
        peek_latents(tmp_path / "c.npz")


def test_a_repeated_number_is_not_copied_out_without_bound(tmp_path):
    import torch

    torch.save(torch.zeros(1).expand(2**14, 2**14), tmp_path / "me.pt")
    with pytest.raises(LatentError, match="has only 1 numbers"):
        load_latents(tmp_path / "me.pt")
    numbers = torch.zeros(2**20)
    torch.save({f"w{n}": numbers for n in range(200)}, tmp_path / "you.pt")
    with pytest.raises(LatentError, match="too large"):
        load_latents(tmp_path / "you.pt")


def test_an_archive_that_is_packed_a_thousandfold_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "me.npz", w=np.zeros([2**16, 512], np.float32))
    with pytest.raises(LatentError, match=r"me\.npz is packed tighter"):
        load_latents(tmp_path / "me.npz")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=4), st.sampled_from(["npy", "npz", "pt"]))
def test_a_damaged_file_is_read_or_refused_but_never_a_crash(tmp_path_factory, place, junk, ending):
    path = tmp_path_factory.mktemp("damaged") / f"me.{ending}"
    stream = io.BytesIO()
    if ending == "pt":
        import torch

        torch.save(torch.from_numpy(W), stream)
    else:
        (np.savez if ending == "npz" else np.save)(stream, W)
    data = stream.getvalue()
    place = place * len(data) // 201
    path.write_bytes(data[:place] + junk + data[place + len(junk) :])
    messages = []
    for read in (load_latents, peek_latents):
        try:
            read(path)
        except LatentError as error:
            messages.append(str(error))
    assert all(path.name in message for message in messages)


def test_latents_must_fit_the_network(tmp_path):
    np.savez(tmp_path / "me.npz", w=W_PLUS)
    latents = load_latents(tmp_path / "me.npz")
    check_fits(latents, num_ws=6, w_dim=8, z_dim=4)
    with pytest.raises(LatentError) as caught:
        check_fits(latents, num_ws=18, w_dim=512, z_dim=512)
    assert str(caught.value) == (
        "me.npz: latents of w+ with 6 rows of 8 numbers, but the network takes 18 rows of 512 numbers"
    )
    np.savez(tmp_path / "z.npz", z=W)
    with pytest.raises(LatentError, match="latents of z with 8 numbers, but the network takes 4 numbers"):
        check_fits(load_latents(tmp_path / "z.npz"), num_ws=6, w_dim=8, z_dim=4)


def test_latents_that_may_be_one_of_w_plus_are_warned_of_until_the_caller_says(tmp_path):
    np.save(tmp_path / "me.npy", W_PLUS[0])
    with pytest.warns(BlendreelWarning, match=r"me.npy: \[6, 8\] is read as 6 latents of w; .*space: w\+"):
        check_fits(load_latents(tmp_path / "me.npy"), num_ws=6, w_dim=8, z_dim=8)
    for space in ("w", "w+"):
        check_fits(load_latents(tmp_path / "me.npy", space), num_ws=6, w_dim=8, z_dim=8)


def test_what_a_file_holds_is_told_from_its_header_without_torch(tmp_path):
    np.save(tmp_path / "a.npy", W)
    np.savez(tmp_path / "b.npz", ws=W_PLUS)
    np.savez(tmp_path / "c.npz", z=W[:1])
    (tmp_path / "d.pt").write_bytes(b"0" * 1_200_000)
    code = (
        "import sys; from render.latents import load_latents, peek_latents; "
        "print([peek_latents(path) for path in sys.argv[1:]]); load_latents(sys.argv[1]); "
        "print('torch' in sys.modules)"
    )
    paths = [str(tmp_path / name) for name in ("a.npy", "b.npz", "c.npz", "d.pt")]
    shown = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    told, torch_used = shown.stdout.splitlines()
    assert ast.literal_eval(told) == [
        "3 latents of w, 8 numbers each",
        "3 latents of w+, 6 rows of 8 numbers",
        "1 latent of z, 8 numbers",
        "a file of torch's, 1,200 kB",
    ]
    assert torch_used == "False"
