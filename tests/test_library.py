"""Names, paths, folders and samples become files, and what is not there is explained."""

from __future__ import annotations

import pytest

import render
from render.checkpoints.library import kimg_in_name, resolve, resolve_series, sample_folder, sample_names
from render.errors import CheckpointError


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"x")


def test_paths_are_relative_to_the_base(tmp_path):
    (tmp_path / "nets").mkdir()
    touch(tmp_path / "nets", "a.pkl")
    assert resolve("nets/a.pkl", tmp_path) == tmp_path / "nets" / "a.pkl"
    assert resolve(tmp_path / "nets" / "a.pkl", "/elsewhere") == tmp_path / "nets" / "a.pkl"


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    touch(tmp_path, "a.pkl")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/a.pkl", "/elsewhere") == tmp_path / "a.pkl"


def test_unknown_kinds_of_source_are_refused():
    with pytest.raises(CheckpointError, match=r"ftp://x/a\.pkl.*neither a path nor sample:NAME"):
        resolve("ftp://x/a.pkl")


def test_samples_by_name(sample_folder):
    assert sample_names() == ["portrait", "ukiyoe"]
    assert resolve("sample:portrait").name == "portrait.safetensors"
    assert resolve("sample:ukiyoe").name == "ukiyoe-000040.safetensors"
    with pytest.raises(
        CheckpointError, match=r"no sample 'ukiyo'; there are portrait, ukiyoe; did you mean sample:uki"
    ):
        resolve("sample:ukiyo")


def test_a_sample_folder_can_be_given(tmp_path):
    touch(tmp_path, "toon.safetensors", "toon-000005.safetensors")
    assert resolve("sample:toon", samples=tmp_path).name == "toon.safetensors"
    assert [kimg for kimg, _ in resolve_series("sample:toon", samples=tmp_path)] == [5]


def test_the_shipped_folder_is_found():
    folder = sample_folder()
    assert folder.parts[-2:] in (("samples", "models"), ("render", "samples"))


def test_series_of_a_sample_a_folder_and_a_pattern(sample_folder, tmp_path):
    expected = [(10.0, "ukiyoe-000010.safetensors"), (20.0, "ukiyoe-000020.safetensors")]
    expected.append((40.0, "ukiyoe-000040.safetensors"))
    for source in ("sample:ukiyoe", "samples/ukiyoe-*.safetensors"):
        assert [(kimg, path.name) for kimg, path in resolve_series(source, tmp_path)] == expected
    whole = resolve_series(sample_folder)
    assert whole[-1] == (100.0, sample_folder / "portrait.safetensors")  # from its header
    assert resolve_series("sample:portrait")[0][0] == 100.0


def test_series_are_ordered_by_number_and_not_by_name(tmp_path):
    touch(
        tmp_path, "network-snapshot-000400.pkl", "network-snapshot-001000.pkl", "network-snapshot-000040.pkl"
    )
    touch(tmp_path, "notes.txt")
    assert [kimg for kimg, _ in resolve_series(tmp_path)] == [40, 400, 1000]


def test_stars_may_stand_in_any_name_of_a_pattern(tmp_path):
    for run, kimg in (("1", 0), ("1", 200), ("2", 400)):
        (tmp_path / "[runs]" / run).mkdir(parents=True, exist_ok=True)
        touch(tmp_path / "[runs]" / run, f"network-snapshot-{kimg:06d}.pkl")
    base = tmp_path / "[runs]"  # signs of the folder itself mean nothing
    assert [kimg for kimg, _ in resolve_series("*/network-snapshot-*.pkl", base)] == [0, 200, 400]
    touch(base / "2", "network-snapshot-000200.pkl")
    with pytest.raises(
        CheckpointError, match=r"1/network-snapshot-000200\.pkl and 2/network-snapshot-000200\.pkl are both"
    ):
        resolve_series("?/*.pkl", base)


def test_doubles_and_files_without_kimg_are_refused(tmp_path, low):
    touch(tmp_path, "a-000040.pkl", "b-000040.pkl")
    with pytest.raises(CheckpointError, match=r"a-000040\.pkl and b-000040\.pkl are both at 40 kimg"):
        resolve_series(tmp_path)
    (tmp_path / "c").mkdir()
    render.save(low, tmp_path / "c" / "final.safetensors")
    with pytest.raises(CheckpointError, match=r"how far final\.safetensors was trained.*final-000040"):
        resolve_series("c", tmp_path)


def test_empty_series_are_explained(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoints"):
        resolve_series(tmp_path)
    with pytest.raises(CheckpointError, match=r"no file matches .*run-\*\.pkl"):
        resolve_series("run-*.pkl", tmp_path)


@pytest.mark.parametrize(
    ("name", "kimg"),
    [
        ("network-snapshot-000040.pkl", 40),
        ("ukiyoe-001200.safetensors", 1200),
        ("ffhq-1024.pkl", None),
        ("a.pkl", None),
    ],
)
def test_kimg_needs_six_digits(tmp_path, name, kimg):
    assert kimg_in_name(tmp_path / name) == kimg


def test_only_checkpoints_are_suggested_for_a_missing_one(tmp_path):
    (tmp_path / "faces-sheet.png").touch()
    (tmp_path / "faces2.pkl").touch()
    with pytest.raises(CheckpointError, match=r"does not exist; did you mean faces2\.pkl\?$"):
        resolve("faces.pkl", tmp_path)


@pytest.mark.parametrize("pattern", ["**/*.pkl", "run/**x/*", "/**"])
def test_a_pattern_does_not_search_a_whole_disk(pattern, tmp_path):
    with pytest.raises(CheckpointError, match=r"\*\* is not known here"):
        resolve_series(pattern, tmp_path)
