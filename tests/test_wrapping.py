"""Checkpoints inside gzip or alone in a zip archive load as they are; bombs stay shut."""

from __future__ import annotations

import gzip
import io
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
import torch
from conftest import REFERENCE

import render
from render.checkpoints import wrapping
from render.checkpoints.header import header_of
from render.checkpoints.wrapping import most_unpacked, unwrapped
from render.errors import CheckpointError, UnsafeCheckpointError

ADA = REFERENCE / "stylegan2-ada" / "network.pkl"
ROSINALITY = REFERENCE / "rosinality" / "network.pt"


def zipped(data: bytes, name: str = "nets/network.bin", **more: bytes) -> bytes:
    """A zip archive of one file, and of what file managers add."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("nets/", b"")
        archive.writestr(name, data)
        for other, content in more.items():
            archive.writestr(other, content)
    return out.getvalue()


WRAPPINGS = {
    "gzip": gzip.compress,
    "zip": zipped,
    "zip of a Mac": lambda data: zipped(
        data, **{"__MACOSX/nets/._network.bin": b"x", "nets/.DS_Store": b"y"}
    ),
    "gzip in a zip": lambda data: zipped(gzip.compress(data)),
}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where unpacked files lie for the moment."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("wrapping_name", WRAPPINGS)
@pytest.mark.parametrize("kind", ["native", "nvlabs", "rosinality"])
def test_every_format_loads_out_of_every_wrapping(tmp_path, temporary, low, kind, wrapping_name):
    plain = {"nvlabs": ADA, "rosinality": ROSINALITY}.get(kind) or render.save(
        low, tmp_path / "a.safetensors"
    )
    wrapped = tmp_path / "holiday.jpg"
    wrapped.write_bytes(WRAPPINGS[wrapping_name](plain.read_bytes()))
    ours, theirs = render.load(wrapped), render.load(plain).state_dict()
    assert list(temporary.iterdir()) == []
    assert ours.provenance.source == str(wrapped)
    assert ours.provenance.format == kind
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.state_dict().items())


def test_unwrapped_files_are_used_in_place(temporary):
    with unwrapped(ADA) as plain:
        assert plain == ADA
    assert list(temporary.iterdir()) == []


def test_kimg_comes_from_the_name_inside(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(ADA.read_bytes(), "run/network-snapshot-000040.pkl"))
    (tmp_path / "network-snapshot-000080.pkl.gz").write_bytes(gzip.compress(ADA.read_bytes()))
    assert render.load(tmp_path / "a.zip").provenance.kimg == 40
    assert render.load(tmp_path / "network-snapshot-000080.pkl.gz").provenance.kimg == 80


def test_headers_are_read_through_wrappings(tmp_path, low):
    plain = render.save(low, tmp_path / "a.safetensors", kimg=7)
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert header_of(tmp_path / "a.gz") == header_of(plain)
    assert header_of(plain).kimg == 7
    assert header_of(ADA) is None


def test_names_inside_an_archive_lead_nowhere(tmp_path, temporary):
    wrapped = tmp_path / "a.zip"
    wrapped.write_bytes(zipped(ADA.read_bytes(), "../../../outside/é\n.pkl"))
    with unwrapped(wrapped) as plain:
        assert temporary in plain.parents
        assert "\n" not in plain.name
    assert not (tmp_path.parent / "outside").exists()


def test_what_is_inside_is_refused_by_name(tmp_path):
    path = tmp_path / "evil.zip"
    path.write_bytes(zipped(b"cos\nsystem\n(S'id'\ntR."))
    with pytest.raises(UnsafeCheckpointError, match=r"evil\.zip: .*os\.system"):
        render.load(path)


@pytest.mark.parametrize("wrap", [gzip.compress, zipped])
def test_bombs_are_stopped_at_the_limit(tmp_path, temporary, monkeypatch, wrap):
    monkeypatch.setattr(wrapping, "SMALL_BYTES", 2**20)
    path, started = tmp_path / "bomb.pkl", time.monotonic()
    path.write_bytes(wrap(bytes(40 * 2**20)))
    with pytest.raises(CheckpointError, match=r"bomb\.pkl unpacks to more than 1 MiB"):
        render.load(path)
    assert time.monotonic() - started < 5
    assert list(temporary.iterdir()) == []


def test_the_limit_lets_weights_through():
    assert most_unpacked(300_000) == 64 * 2**20
    assert most_unpacked(400_000_000) == 8_000_000_000
    assert most_unpacked(10**13) == 32 * 2**30


def test_a_gzip_without_end_is_not_followed(tmp_path):
    data = ADA.read_bytes()
    for _ in range(4):
        data = gzip.compress(data)
    (tmp_path / "deep.pkl").write_bytes(data)
    with pytest.raises(CheckpointError, match="gzip-compressed, more often than is unpacked"):
        render.load(tmp_path / "deep.pkl")


@pytest.mark.parametrize("wrap", [gzip.compress, zipped])
def test_damaged_wrappings_are_said_to_be(tmp_path, wrap):
    whole, path = wrap(ADA.read_bytes()), tmp_path / "cut.pkl"
    for keep in (20, 1000, len(whole) // 2, len(whole) - 4):
        path.write_bytes(whole[:keep])
        with pytest.raises(CheckpointError, match=r"cut\.pkl is cut off or damaged") as caught:
            render.load(path)
        assert "\n" not in str(caught.value)


def test_archives_of_several_files_are_explained(tmp_path):
    path = tmp_path / "both.zip"
    path.write_bytes(zipped(ADA.read_bytes(), **{"second.pkl": b"x"}))
    with pytest.raises(CheckpointError, match="a zip archive of several files"):
        render.load(path)


def test_locked_archives_are_explained(tmp_path):
    data = bytearray(zipped(ADA.read_bytes(), "a.pkl"))
    for start in (data.find(b"PK\x03\x04", 40) + 6, data.find(b"PK\x01\x02", data.rfind(b"PK\x01\x02")) + 8):
        data[start] |= 1  # the flag of encryption, in both places where an archive keeps it
    path = tmp_path / "locked.zip"
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=r"locked\.zip is cut off or damaged"):
        render.load(Path(path))
