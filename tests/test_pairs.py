"""Paired data sets: two pictures of one latent, in layouts that others read, and resumed to equal bytes."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

from render.errors import BlendreelWarning, EncodingError, PresetError
from render.pairs import PairPlan, draw, save_pairs
from render.preset import Preset
from render.production import frames
from tests.conftest import CLIP


@pytest.fixture
def still(sample_folder):
    """A preset whose blend stands still."""
    return Preset.from_yaml(CLIP.replace("[[0s, 4], [50%, 32], [end, 4]]", "8"))


@pytest.fixture(autouse=True)
def small_volumes(monkeypatch):
    """Two pairs are drawn together, so that a few pairs are several volumes."""
    monkeypatch.setattr(draw, "PAIRS_AT_ONCE", 2)
    monkeypatch.setattr(draw.STORES["folders"], "volume", 2)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def expected_pair(preset, seed):
    one = preset.replace(latents={"seed": seed})
    return [next(frames(one.replace(panels=[word]), 0, 1, device="cpu")) for word in ("low", "blend")]


def close(first, second):
    return first.shape == second.shape and np.abs(first.astype(int) - second).max() <= 1


def test_folders_hold_what_the_preset_shows_for_each_seed(still, tmp_path):
    out = save_pairs(PairPlan(still, 3, first_seed=5), tmp_path / "set", device="cpu")
    names = {
        folder.name: sorted(p.name for p in folder.iterdir()) for folder in out.iterdir() if folder.is_dir()
    }
    assert names["train_A"] == names["train_B"] == ["000000.png", "000001.png", "000002.png"]
    assert set(names) == {"train_A", "train_B", "train_ws"}
    for number, row in enumerate(rows_of(out)):
        base, blend = expected_pair(still, 5 + number)
        assert (row["key"], row["seed"]) == (f"{number:06d}", 5 + number)
        assert close(np.asarray(Image.open(out / row["base"])), base)
        assert close(np.asarray(Image.open(out / row["blend"])), blend)
        assert not close(base, blend)
        assert np.load(out / row["ws"]).shape == (6, 8)
        assert row["weights"]["portrait"] == [1, 1, 0, 0, 0, 0]
        assert row["weights"]["ukiyoe at 10 kimg"] == [0, 0, 1, 1, 1, 1]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_shards_are_read_by_the_webdataset_package(still, tmp_path):
    plan = PairPlan(still, 5, layout="webdataset", shard=2, phase="val")
    out = save_pairs(plan, tmp_path / "set", device="cpu")
    shards = sorted(str(path) for path in out.glob("*.tar"))
    assert [Path(shard).name for shard in shards] == [f"val-00000{n}.tar" for n in range(3)]
    samples = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode("rgb8"))
    gc.collect()  # that package leaves it to this to close its files, which is warned of
    assert [sample["__key__"] for sample in samples] == [f"{n:06d}" for n in range(5)]
    for sample, row in zip(samples, rows_of(out), strict=True):
        base, blend = expected_pair(still, row["seed"])
        assert close(sample["base.png"], base)
        assert close(sample["blend.png"], blend)
        assert sample["ws.npy"].dtype == np.float32
        assert {**sample["json"], "shard": Path(sample["__url__"]).name} == row


@pytest.mark.parametrize("layout", ["folders", "webdataset"])
def test_a_broken_call_is_gone_on_with_to_the_same_bytes(still, tmp_path, layout):
    plan = PairPlan(still, 5, layout=layout, shard=2)
    whole = contents(save_pairs(plan, tmp_path / "whole", device="cpu"))

    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_pairs(plan, tmp_path / "set", device="cpu", progress=stop)
    assert not list((tmp_path / "set").rglob("*.part"))
    with (tmp_path / "set" / "manifest.jsonl").open("a") as manifest:
        manifest.write('{"key": "0000')  # as a power cut leaves it
    seen = []
    save_pairs(plan, tmp_path / "set", device="cpu", progress=lambda *state: seen.append(state))
    assert contents(tmp_path / "set") == whole
    assert seen == [(2, 5), (3, 5), (4, 5), (5, 5)]  # the first two were there


def test_what_was_deleted_is_drawn_again(still, tmp_path):
    plan = PairPlan(still, 5)
    out = save_pairs(plan, tmp_path / "set", device="cpu")
    whole = contents(out)
    (out / "train_B" / "000001.png").unlink()
    lines = (out / "manifest.jsonl").read_text().splitlines(keepends=True)
    (out / "manifest.jsonl").write_text("".join(lines[:2] + lines[4:]))
    save_pairs(plan, out, device="cpu")
    assert contents(out) == whole


def test_a_data_set_grows(still, tmp_path):
    out = tmp_path / "set"
    save_pairs(PairPlan(still, 3), out, device="cpu")
    save_pairs(PairPlan(still, 6), out, device="cpu")
    assert contents(out) == contents(save_pairs(PairPlan(still, 6), tmp_path / "at once", device="cpu"))
    with pytest.raises(EncodingError, match="this folder is for 6 pairs; ask for as many, or more"):
        save_pairs(PairPlan(still, 5), out, device="cpu")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first_seed": 9}, "these pairs were made with first_seed 0"),
        ({"layout": "webdataset"}, "these pairs were made with layout folders"),
        ({"base": "high"}, "these pairs were made with base low"),
        ({"preset": "[[0s, 4], [50%, 32], [end, 4]]"}, "these pairs were made with another preset"),
    ],
)
def test_pairs_of_two_kinds_are_not_mixed(still, tmp_path, changes, words):
    save_pairs(PairPlan(still, 2), tmp_path / "set", device="cpu")
    before = contents(tmp_path / "set")
    preset = Preset.from_yaml(CLIP) if "preset" in changes else still
    other = PairPlan(**({"preset": preset, "count": 2} | {k: v for k, v in changes.items() if k != "preset"}))
    with pytest.raises(EncodingError, match=words):
        save_pairs(other, tmp_path / "set", device="cpu")
    assert contents(tmp_path / "set") == before


def test_places_that_are_taken_or_damaged_are_said(still, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "dataset.json").write_text("{")
    for name, words in (
        ("file", "is a file"),
        ("mine", r"other things in this folder, such as thesis\.tex"),
        ("odd", "is damaged"),
        ("file/set", "cannot be written"),
    ):
        with pytest.raises(EncodingError, match=words):
            save_pairs(PairPlan(still, 2), tmp_path / name, device="cpu")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "1 to 1000000 pairs, not 0"),
        ({"first_seed": -1}, "from -1 on do not"),
        ({"first_seed": 2**32 - 1}, "do not"),
        ({"layout": "zip"}, "unknown layout 'zip'; there is folders and webdataset"),
        ({"phase": "a/b"}, "the phase is a word"),
        ({"shard": 0}, "at least 1 pair"),
        ({"base": "nobody"}, "unknown panel 'nobody'"),
        ({"at": "9s"}, "9s lies outside the clip"),
    ],
)
def test_a_plan_that_means_nothing_is_refused(still, tmp_path, settings, words):
    with pytest.raises(PresetError, match=words):
        save_pairs(PairPlan(**({"preset": still, "count": 2} | settings)), tmp_path / "set", device="cpu")
    assert not (tmp_path / "set").exists()


def test_pairs_that_do_not_differ_are_warned_of(still, tmp_path):
    same = still.replace(blend=still.blend.replace(weight=0))
    with pytest.warns(BlendreelWarning, match="base and blend are the same pictures at 0s"):
        save_pairs(PairPlan(same, 2), tmp_path / "set", device="cpu")
