"""Reports of fine-tuning: what is measured and suggested; the files and refusals of the command."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import render
from render.blending.kinship import compare
from render.checkpoints.native import save
from render.errors import BlendError
from render.explain import open_sides, preset_text, report_of, study
from render.explain.activity import activities
from render.explain.advice import most_even, steepest, step_shares, suggestions, summary
from render.explain.page import page_text
from render.explain.sections import Sheet
from render.explain.sides import Side, called
from render.explain.swaps import swap_sheet, swaps_of
from render.explain.training import shown_snapshots
from render.latents import seed_latents
from render.networks import build
from render.preset import Preset
from tests.conftest import make_network, make_relative
from tests.test_cli import files, run
from tests.test_stylegan1 import make_stylegan1
from tests.test_stylegan3 import make_stylegan3

__all__ = ["run"]  # the fixture: the command in an empty folder, over tiny samples

QUICK = ("--seeds", "1-2", "--samples", "2")


def changed(network, part: str):
    """The network with the tensors of one part moved, as if fine-tuning had touched nothing else."""
    random = torch.Generator().manual_seed(3)
    tensors = {
        name: tensor + torch.randn(tensor.shape, generator=random)
        if part in name and name.endswith("weight") and "affine" not in name
        else tensor
        for name, tensor in network.state_dict().items()
    }
    return build(network.config, tensors)


def studied(a, b, **how):
    sides = (Side(name, f"{name}.pkl", model) for name, model in (("a", a), ("b", b)))
    return study(*sides, seeds=(1, 2), samples=2, device="cpu", **how)


@pytest.fixture(scope="module")
def found(low, high):
    return studied(low, high)


# --- what is measured ---------------------------------------------------------------------------------------


def test_only_the_layer_that_moved_answers_differently(low, ws):
    seen = {each.name: each for each in activities(low, changed(low, "b8.conv1"), ws)}
    assert [name for name, each in seen.items() if each.own > 1e-6] == ["8/1"]
    assert [name for name, each in seen.items() if each.whole > 1e-6] == ["8/1", "16/0", "16/1"]
    assert seen["8/1"].own == pytest.approx(seen["8/1"].whole, rel=1e-5)
    assert seen["4/1"].strength[0] == pytest.approx(seen["4/1"].strength[1])


def test_the_ends_of_a_sheet_are_the_two_networks(low, high):
    z = torch.from_numpy(seed_latents((4, 5), low.z_dim))
    sheet = swap_sheet(low, high, ("low", "high"), z, 0.7)
    ws = low.mapping(z, truncation_psi=0.7)
    for model, column, zero in ((high, 0, sheet.from_high), (low, -1, sheet.from_low)):
        plain = model.synthesis(ws).clamp(-1, 1)
        shown = np.stack([row[column] for row in sheet.pictures]).astype(float)
        wanted = (plain.permute(0, 2, 3, 1).numpy() * 127.5 + 128).clip(0, 255)
        assert np.abs(shown - wanted).max() < 2
        assert zero[column] == 0
    assert sheet.from_low[0] == sheet.from_high[-1] == pytest.approx(1)
    assert len(sheet.steps) == len(sheet.swaps) - 1
    blended = render.blend(low, high, int(sheet.swaps[2].label)).synthesis(ws)
    assert (
        np.abs(sheet.pictures[0][2] - (blended[0].permute(1, 2, 0) * 127.5 + 128).clip(0, 255).numpy()).max()
        < 2
    )


def test_a_step_tells_which_layers_count(low):
    """Only 16/1 moved, so only the last swap changes the picture."""
    z = torch.from_numpy(seed_latents((4, 5), low.z_dim))
    sheet = swap_sheet(low, changed(low, "b16.conv1"), ("low", "high"), z, 0.7)
    labels = [swap.label for swap in sheet.swaps]
    assert [label for label, step in zip(labels, sheet.steps, strict=False) if step > 1e-6] == [labels[-2]]
    shares = step_shares([sheet, sheet])
    assert sum(shares) == pytest.approx(1)
    assert shares[-1] == pytest.approx(1)


def layers(*resolutions: int, name: str = "{resolution}/{level}"):
    return [
        SimpleNamespace(
            position=at, resolution=resolution, name=name.format(at=at, resolution=resolution, level=at % 2)
        )
        for at, resolution in enumerate(resolutions)
    ]


def test_swaps_are_resolutions_or_layers_where_these_are_few():
    many = swaps_of(layers(4, 4, 8, 8, 16, 16, 32, 32))
    assert [(swap.label, swap.position) for swap in many] == [
        ("4", 0),
        ("8", 2),
        ("16", 4),
        ("32", 6),
        ("64", 8),
    ]
    few = swaps_of(layers(16, 16, 32, name="L{at}"))
    assert [(swap.label, swap.position) for swap in few] == [("L0", 0), ("L1", 1), ("L2", 2), ("64", 3)]
    crowd = swaps_of(layers(*[16] * 40, name="L{at}"))
    assert len(crowd) == 13
    assert (crowd[0].position, crowd[-1].position) == (0, 40)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 57])
def test_a_long_run_is_thinned_and_keeps_its_ends(count):
    run = [(float(kimg), f"{kimg}.pkl") for kimg in range(count)]
    shown = shown_snapshots(run)
    assert len(shown) == min(count, 8)
    assert (shown[0], shown[-1]) == (run[0], run[-1])
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("make", [make_network, make_stylegan1, make_stylegan3])
def test_all_architectures(make, tmp_path):
    network = make(seed=1)
    found = studied(network, make_relative(network))
    assert len(found.activity) >= len(network.layers) - 2
    text = page_text(report_of(found))
    assert "What to try first" in text
    for name, model in (("a.pkl", network), ("b.pkl", make_relative(network))):
        save(model, tmp_path / f"{name}.safetensors")
    made = preset_text(found).replace(".pkl", ".pkl.safetensors").replace("duration: 8s", "duration: 0.2s")
    preset = Preset.from_yaml(made, base_dir=tmp_path)
    frames = list(render.frames(preset))
    assert len(frames) == 5


# --- what is suggested --------------------------------------------------------------------------------------


def sheet(from_low, from_high, steps):
    swaps = swaps_of(layers(4, 8, 16, 32))
    return SimpleNamespace(
        low="a", high="b", swaps=swaps, from_low=from_low, from_high=from_high, steps=steps
    )


def test_suggestions_are_never_one_of_the_networks():
    even = sheet((0.5, 0.9, 0.8, 0.7, 0.5), (0.5, 0.1, 0.6, 0.9, 0.5), (9, 0.1, 0.3, 0.2))
    assert most_even(even) == 2
    assert steepest(even) == 2


def test_every_suggestion_stands_in_the_report_with_its_reason(found):
    report = report_of(found)
    trials = next(section for section in report.sections if section.title == "What to try first").parts
    assert len(trials) == len(suggestions(found))
    assert trials[0].setting.startswith("blend: {low: a, high: b, swap: ")
    assert trials[-1].setting.startswith("blend: {low: b, high: a, swap: ")
    for trial in trials:
        Preset.from_yaml(
            f"version: 1\nmodels: {{a: a.pkl, b: b.pkl}}\nclip: {{duration: 1s, fps: 10}}\n"
            f"outputs: [a.mp4]\n{trial.setting}\n"
        )
        assert re.search(r"\d %", trial.reason)


def test_the_summary_names_what_moved(low):
    text = " ".join(summary(studied(low, changed(low, "b8.conv1"))))
    assert "The weights moved most in 8/1" in text
    assert "answer most differently are 8/1" in text
    assert "the layers of 8 px count most: they make 100 % of all change" in text
    assert "belong to layer 8/1" in text


def test_strangers_are_named_as_such(low):
    found = studied(low, make_network(seed=77))
    assert compare(low, make_network(seed=77)).verdict == "unrelated"
    assert "mush" in summary(found)[0]
    assert "# The two are unrelated: expect mush." in preset_text(found)


def test_equal_networks_have_nothing_to_explain(low):
    found = studied(low, low)
    report = report_of(found)
    assert report.summary == ("a and b draw the same pictures: there is nothing to explain.",)
    assert report.sections == ()
    with pytest.raises(render.PresetError, match="nothing to blend"):
        preset_text(found)


def test_paths_in_a_preset_start_at_its_folder(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "a: ../a.pkl" in preset_text(found, tmp_path / "presets")


# --- the page -----------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """What a page loads, and whether its tags are closed."""

    def __init__(self):
        super().__init__()
        self.sources, self.alts, self.tags, self.open, self.words = [], [], set(), [], ""

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.sources += [found[key] for key in ("src", "href", "srcset") if key in found]
        if tag == "img":
            self.alts.append(found["alt"])
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_holds_everything_and_fetches_nothing(found):
    text = page_text(report_of(found))
    page = read(text)
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not {"script", "link", "iframe", "object"} & page.tags
    assert "url(" not in text
    assert "@import" not in text
    assert all(page.alts)
    assert "prefers-color-scheme" in text


def test_names_are_text_on_the_page(low, high):
    evil = "<script>alert(1)</script>"
    sides = Side(evil, "a&b.pkl", low), Side("b", "b.pkl", high)
    text = page_text(report_of(study(*sides, seeds=(1,), samples=1, device="cpu")))
    page = read(text)
    assert "script" not in page.tags
    assert evil in page.words


def test_the_sheets_show_all_seeds_in_both_directions(found):
    sheets = [
        part for section in report_of(found).sections for part in section.parts if isinstance(part, Sheet)
    ]
    forth, back = sheets[1:3]
    assert forth.rows == back.rows == ("seed 1", "seed 2")
    assert (forth.columns[0], forth.columns[-1]) == ("4 = b", "32 = a")
    assert (back.columns[0], back.columns[-1]) == ("4 = a", "32 = b")
    assert forth.marks
    assert back.marks


# --- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sample:ukiyoe", "ukiyoe"),
        ("runs/toon/*.pkl", "toon"),
        ("runs/00012-ffhq/network-snapshot-000040.pkl", "network_snapshot"),
        ("ukiyoe-000020.safetensors", "ukiyoe"),
        ("hf://owner/repo/my face.pkl", "my_face"),
        ("low.pkl", "low_"),
        ("3d.pkl", "model_3d"),
        ("???.pkl", "model_"),
    ],
)
def test_what_networks_are_called(source, name):
    assert called(source) == name


def test_two_of_one_name_are_told_apart(sample_folder, tmp_path):
    for folder in ("base", "tuned"):
        (tmp_path / folder).mkdir()
        shutil.copy(sample_folder / "portrait.safetensors", tmp_path / folder / "network.safetensors")
    paths = [str(tmp_path / folder / "network.safetensors") for folder in ("base", "tuned")]
    assert [side.name for side in open_sides(*paths)] == ["base", "tuned"]
    path = sample_folder / "ukiyoe-000010.safetensors"
    names = [side.name for side in open_sides(str(path), "sample:ukiyoe")]
    assert names == ["ukiyoe_a", "ukiyoe_b"]


def test_a_page_a_picture_and_a_preset(run):
    arguments = (
        "sample:portrait",
        "sample:ukiyoe",
        *QUICK,
        "-o",
        "a.html",
        "-o",
        "a.png",
        "--preset",
        "a.yaml",
    )
    result = run("explain", *arguments)
    assert result.exit_code == 0, result.output
    assert files(run.folder) == ["a.html", "a.png", "a.yaml", "clip.yaml"]
    assert "ukiyoe was fine-tuned from portrait" in result.stdout
    assert "a.html  " in result.stdout
    with Image.open(run.folder / "a.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == 1280
    page = read((run.folder / "a.html").read_text("utf-8"))
    assert "The training of ukiyoe" in page.words
    assert "40 kimg" in page.words
    preset = Preset.load(run.folder / "a.yaml")
    assert preset.models["ukiyoe"].is_series
    assert list(preset.warnings()) == []
    result = run("explain", *arguments)
    assert result.exit_code == 2
    assert "a.yaml exists already; choose another name, or replace it with --force" in result.stderr


def test_a_file_by_default_and_no_training_of_a_single_one(run, sample_folder):
    path = sample_folder / "ukiyoe-000040.safetensors"
    result = run("explain", "sample:portrait", path, *QUICK, "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert "The training of" not in read((run.folder / "explain.html").read_text("utf-8")).words


def test_a_folder_is_a_run(run, sample_folder):
    (sample_folder / "portrait.safetensors").rename(run.folder / "base.safetensors")
    result = run("explain", "base.safetensors", sample_folder, *QUICK)
    assert result.exit_code == 0, result.output
    assert "The training of samples" in (run.folder / "explain.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sample:portrait", "other.safetensors"], 2, "these models can't be blended; they differ in\n"),
        (["sample:portrait", "sample:tone"], 2, "there is no sample 'tone'"),
        (
            ["sample:portrait", "sample:ukiyoe", "-o", "a.txt"],
            3,
            "a.txt: unknown extension '.txt'; a report is",
        ),
        (["sample:portrait", "sample:ukiyoe", "--preset", "a.txt"], 2, "a.txt: a preset is written as .yaml"),
        (["sample:portrait", "sample:ukiyoe", "--seeds", "1,x"], 2, "seeds are written as 0-5,9, not '1,x'"),
        (["sample:portrait", "sample:ukiyoe", "--seeds", "0-99"], 2, "a report shows 1 to 12 seeds"),
        (["sample:portrait", "sample:portrait", "--preset", "a.yaml"], 2, "there is nothing to blend"),
    ],
)
def test_refusals_are_one_message_and_leave_nothing(run, arguments, code, message):
    save(make_network(resolution=32), run.folder / "other.safetensors")
    result = run("explain", *arguments, *(() if "--seeds" in arguments else QUICK))
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert files(run.folder) == ["clip.yaml", "other.safetensors"]


def test_python_is_told_what_differs(low):
    with pytest.raises(BlendError, match="resolution"):
        studied(low, make_network(resolution=32))
