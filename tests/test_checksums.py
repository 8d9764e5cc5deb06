"""Checksums: read once, read again after a change, and told where a file can't be read."""

from __future__ import annotations

import hashlib
import os

import pytest

from render.production import checksums
from render.production.checksums import begin, sha256_of


def sum_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    path, read = tmp_path / "model", []
    digest = checksums.digest_of
    monkeypatch.setattr(checksums, "digest_of", lambda path: read.append(path) or digest(path))
    path.write_bytes(b"one")
    begin([path, path])
    assert [sha256_of(path), sha256_of(path)] == [sum_of(b"one")] * 2
    assert read == [path]
    path.write_bytes(b"other")
    assert sha256_of(path) == sum_of(b"other")
    assert read == [path, path]


def test_a_file_that_cannot_be_read_is_told_when_its_sum_is_wanted(tmp_path, monkeypatch):
    path = tmp_path / "model"
    begin([path])
    with pytest.raises(FileNotFoundError):
        sha256_of(path)
    path.write_bytes(b"one")

    def fail(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(checksums, "digest_of", fail)
        begin([path])
        with pytest.raises(PermissionError):
            sha256_of(path)
    assert sha256_of(path) == sum_of(b"one")


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(checksums, "_MOST", 3)
    paths = [tmp_path / str(number) for number in range(5)]
    for path in paths:
        path.write_bytes(os.fsencode(path))
    begin(paths)
    assert [sha256_of(path) for path in paths] == [sum_of(os.fsencode(path)) for path in paths]
    assert len(checksums._found) <= 3
