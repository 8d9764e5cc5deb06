"""`blendreel channels`: sets are found, named, saved beside the model and used; mistakes are one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import render
from render.blending.channel_axes import channel_counts
from render.blending.channels import read_channels
from render.commands.channels import channels


@pytest.fixture
def run(sample_folder, tmp_path, monkeypatch):
    """Runs the command in a folder of its own; returns exit code and all that was printed."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(channels, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


FIND = ("find", "-m", "sample:portrait", "--k", "3", "--samples", "4", "--layer", "8/1")


def test_clusters_are_found_shown_named_and_saved(run, tmp_path, low):
    code, text = run(*FIND)
    assert code == 0, text
    assert "clusters of 8/1" in text
    assert "name what you see: again with --name 3=eyes --force" in text
    with Image.open("portrait-channels.png") as picture:
        assert picture.height > 3 * 128
        assert np.asarray(picture).std() > 5
    first = read_channels("portrait.channels.yaml", channel_counts(low))
    assert set(first) <= {"cluster-1", "cluster-2", "cluster-3"}
    code, text = run(*FIND)
    assert code == 2
    assert "portrait.channels.yaml has channels called cluster-1 already; replace them with --force" in text
    name = next(iter(first))
    code, text = run(*FIND, "--name", f"{name[-1]}=eyes", "--force")
    assert code == 0, text
    again = read_channels("portrait.channels.yaml", channel_counts(low))
    assert again["eyes"].channels == first[name].channels
    assert set(again) == set(first) - {name} | {"eyes"}


def test_clusters_of_one_name_are_one_set(run, low):
    run(*FIND)
    apart = read_channels("portrait.channels.yaml")
    run(*FIND, "--name", "1=head", "--name", "2=head", "--save", "both.yaml", "-q")
    both = read_channels("both.yaml", channel_counts(low))
    found = [apart[name] for name in ("cluster-1", "cluster-2") if name in apart]
    assert len(both["head"]) == sum(map(len, found))


def test_channels_are_tried_when_asked(run, low):
    code, text = run(*FIND, "--try", "sample:ukiyoe", "--out", "tried.png")
    assert code == 0, text
    assert "trying channels" in text
    read_channels("portrait.channels.yaml", channel_counts(low))


def test_a_model_of_the_users_has_its_channels_beside_it(run, tmp_path, low):
    folder = tmp_path / "models"
    folder.mkdir()
    render.save(low, folder / "mine.safetensors")
    code, text = run("find", "-m", str(folder / "mine.safetensors"), "--k", "2", "--samples", "2", "-q")
    assert (code, text) == (0, "")
    assert (folder / "mine.channels.yaml").is_file()


def test_what_fine_tuning_moved(run, low):
    code, text = run("attribute", "sample:portrait", "sample:ukiyoe", "--samples", "3", "--save", "all.yaml")
    assert code == 0, text
    assert "moved most (weights)" in text
    assert "portrait-ukiyoe-channels.png" in text
    moved = read_channels("all.yaml", channel_counts(low))["moved"]
    assert len(moved) == 2  # 5 % of 48
    more = ("attribute", "sample:portrait", "sample:ukiyoe", "--samples", "3", "--save", "all.yaml")
    code, text = run(*more, "--top", "0.5", "--by", "activations", "--name", "busy")
    assert code == 0, text
    both = read_channels("all.yaml", channel_counts(low))
    assert both["moved"] == moved
    assert len(both["busy"]) == 20  # half of 40: the constant's have no activations


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("find", "-m", "sample:portrait", "--name", "20=eyes"), "there is no cluster 20; --k asks for 12"),
        (("find", "-m", "sample:portrait", "--name", "eyes"), "a cluster is named as in 3=eyes, not 'eyes'"),
        (("find", "-m", "sample:portrait", "--name", "3=l r"), "'l r' is no name for channels"),
        (("find", "-m", "sample:portrait", "--layer", "9/1"), "layer '9/1' has no activations to look at"),
        (("find", "-m", "sample:portrait", "--save", "no/x.yaml"), "there is no folder no"),
        (("find", "-m", "sample:portrait", "--out", "x.txt"), "unknown extension '.txt'"),
        (("find", "-m", "sample:nobody"), "there is no sample 'nobody'"),
        (("attribute", "sample:portrait", "sample:ukiyoe", "--top", "five"), "written as 5% or 0.05"),
        (("attribute", "sample:portrait", "sample:ukiyoe", "--top", "0%"), "up to 100%, not '0%'"),
        (("find",), "--model is missing: "),
    ],
)
def test_mistakes_are_one_sentence(run, arguments, message):
    code, text = run(*arguments)
    assert code in (2, 3)
    assert message in " ".join(text.split())
    assert "Traceback" not in text
