"""`blendreel models …`: what the commands print and write, and how they refuse."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import render
from render import cli
from render.checkpoints.native import save
from render.errors import BlendreelWarning
from tests.conftest import CLIP, REFERENCE, make_network

BLEND = ["blend", "--low", "sample:portrait", "--high", "sample:ukiyoe", "--swap"]


@pytest.fixture
def run(sample_folder, tmp_path, monkeypatch):
    """Run the command in an empty folder beside the samples; a stranger lies in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    save(make_network(99), folder / "stranger.safetensors")

    def invoke(*arguments):
        return CliRunner().invoke(cli.main, [str(argument) for argument in arguments], prog_name="blendreel")

    invoke.folder = folder
    return invoke


def pixels(generator):
    """Seeds 0 to 3 as bytes."""
    z = torch.from_numpy(np.stack([np.random.RandomState(s).randn(generator.z_dim) for s in range(4)]))
    image = generator(z.float(), truncation_psi=0.7)
    return (image * 127.5 + 128).clamp(0, 255).to(torch.uint8).numpy()


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.parametrize("name", [path.parent.name for path in sorted(REFERENCE.glob("*/network.*"))])
def test_a_converted_file_renders_the_same_bytes(run, name):
    source = next((REFERENCE / name).glob("network.*"))
    result = run("models", "convert", source, "out.safetensors")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("out.safetensors  ")
    before, after = render.load(source), render.load(run.folder / "out.safetensors")
    assert after.provenance.format == "native"
    assert np.array_equal(pixels(before), pixels(after))


def test_half_is_half_the_size_and_keeps_kimg_and_lineage(run):
    run("models", "convert", "sample:ukiyoe", "whole.safetensors")
    run("models", "convert", "sample:ukiyoe", "half.safetensors", "--half")
    sizes = [(run.folder / name).stat().st_size for name in ("whole.safetensors", "half.safetensors")]
    assert sizes[1] < 0.75 * sizes[0]
    provenance = render.load(run.folder / "half.safetensors").provenance
    assert (provenance.kimg, provenance.lineage) == (40, ("portrait",))


def test_nothing_is_replaced_without_force(run):
    before = (run.folder / "stranger.safetensors").read_bytes()
    for command in (["convert", "sample:portrait"], [*BLEND, "8"]):
        result = run("models", *command, "stranger.safetensors")
        assert result.exit_code == 2
        assert "stranger.safetensors exists already" in result.stderr
        assert "--force" in result.stderr
        assert (run.folder / "stranger.safetensors").read_bytes() == before
    assert run("models", "convert", "sample:portrait", "stranger.safetensors", "--force").exit_code == 0
    assert (run.folder / "stranger.safetensors").read_bytes() != before


def test_a_file_can_be_converted_onto_itself(run):
    network = render.load(run.folder / "stranger.safetensors")
    result = run("models", "convert", "stranger.safetensors", "stranger.safetensors", "--force")
    assert result.exit_code == 0, result.output
    assert np.array_equal(pixels(network), pixels(render.load(run.folder / "stranger.safetensors")))


@pytest.mark.parametrize("options", [[], ["--width", "1.5", "--weight", "0.8"], ["--convention", "pinkney"]])
def test_a_saved_blend_renders_as_blend_does(run, options):
    result = run("models", *BLEND, "8", *options, "out.safetensors")
    assert (result.exit_code, result.stderr) == (0, "")
    how = {option[2:]: value for option, value in zip(options[::2], options[1::2], strict=True)}
    how |= {name: float(how[name]) for name in ("width", "weight") if name in how}
    mixed = render.blend(render.load("sample:portrait"), render.load("sample:ukiyoe"), swap=8, **how)
    saved = render.load(run.folder / "out.safetensors")
    assert np.array_equal(pixels(mixed), pixels(saved))
    assert not np.array_equal(pixels(saved), pixels(render.load("sample:portrait")))


def test_a_layer_s_name_is_a_swap_too(run):
    for swap, name in (("8/0", "a.safetensors"), ("8", "b.safetensors"), ("8/1", "c.safetensors")):
        assert run("models", *BLEND, swap, name).exit_code == 0
    a, b, c = (pixels(render.load(run.folder / f"{name}.safetensors")) for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_blend_with_a_stranger_is_made_with_a_warning(run):
    arguments = ["models", "blend", "--low", "sample:portrait", "--high", "stranger.safetensors"]
    result = run(*arguments, "--swap", "8", "out.safetensors")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: low and high (cosine ")
    assert "unrelated" in result.stderr
    assert run(*arguments, "--swap", "8", "-q", "--force", "out.safetensors").output == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "sample:portrait", "out.pkl"], "out.pkl: checkpoints are written as .safetensors only"),
        (["convert", "sample:portrait", "out"], "try out.safetensors"),
        (["convert", "sample:portrait", "no/out.safetensors"], "there is no folder no"),
        (["convert", "nothing.pkl", "out.safetensors"], "nothing.pkl does not exist"),
        (["convert", "sample:portrai", "out.safetensors"], "did you mean sample:portrait?"),
        (["blend", "--low", "a", "--high", "b", "out.safetensors"], "--swap is missing: "),
        (["compare", "sample:portrait"], "two checkpoints or more"),
        (["inspekt", "x"], "unknown command 'inspekt'; did you mean 'inspect'?"),
        (["inspect", "nothing.pkl"], "nothing.pkl does not exist"),
    ],
)
def test_mistakes_are_explained(run, arguments, message):
    result = run("models", *arguments)
    assert message in result.stderr
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert [path.name for path in run.folder.iterdir()] == ["stranger.safetensors"]


@pytest.mark.parametrize("swap", ["7/0", "thirty", "512", "0", "nan"])
def test_a_swap_that_is_none_is_refused(run, swap):
    result = run("models", *BLEND, swap, "o.safetensors")
    assert result.exit_code == 2
    assert "swap" in result.stderr or "layer" in result.stderr
    assert not (run.folder / "o.safetensors").exists()


def test_inspect_says_what_a_file_is_and_draws_it(run):
    result = run("models", "inspect", "sample:ukiyoe", "--sheet", "ukiyoe.png")
    assert result.exit_code == 0, result.output
    for word in ("stylegan2, skip", "float32", "sha256", "← portrait", "ukiyoe.png  "):
        assert word in result.stdout
    assert size_of(run.folder / "ukiyoe.png")[0] > 8 * 64


def test_json_is_alone_on_stdout(run):
    facts = json.loads(run("models", "inspect", "sample:ukiyoe", "--json", "--sheet", "u.png").stdout)
    assert (facts["kimg"], facts["lineage"], facts["resolution"]) == (40, ["portrait"], 16)
    found = json.loads(run("models", "compare", "sample:portrait", "stranger.safetensors", "--json").stdout)
    assert found["pairs"][0]["verdict"] == "unrelated"
    assert len(found["pairs"][0]["layers"]) == 6
    assert found["thresholds"]["family_cosine"] == 0.2


def test_compare_tells_relatives_from_strangers_and_draws_them(run):
    result = run("models", "compare", "sample:portrait", "sample:ukiyoe", "--plot", "near.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].endswith("ukiyoe-000040.safetensors: fine-tuned from one another")
    words = " ".join(result.stdout.split()).replace("- ", "-")
    assert "ukiyoe-000040.safetensors was fine-tuned from portrait" in words
    assert "16/1" in result.stdout
    assert "thresholds" in result.stdout
    files = ("sample:portrait", "sample:ukiyoe", "stranger.safetensors")
    three = run("models", "compare", *files, "--plot", "all.png")
    verdicts = three.stdout.split("verdicts\n")[1].splitlines()[:3]
    assert [line.split("   ")[1] for line in verdicts] == [
        "fine-tuned from one another", "unrelated", "unrelated",
    ]  # fmt: skip
    assert size_of(run.folder / "all.png")[1] > size_of(run.folder / "near.png")[1]


def test_compare_shows_what_keeps_networks_apart(run):
    save(make_network(resolution=32), run.folder / "large.safetensors")
    result = run("models", "compare", "sample:portrait", "large.safetensors")
    assert result.exit_code == 0
    assert "portrait.safetensors and large.safetensors: cannot be blended" in result.stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "resolution portrait.safetensors 16" in lines
    assert "large.safetensors 32" in lines


def test_rendering_strangers_warns_in_one_line_and_relatives_not(run):
    related = CLIP.replace("outputs: [clip.mp4, clip.gif]", "outputs: [clip.gif]")
    (run.folder / "near.yaml").write_text(related)
    strange = related.replace("{snapshots: sample:ukiyoe}", "stranger.safetensors")
    strange = strange.replace("  snapshot: [[0s, 10], [50%, 40], [end, 10]]\n", "")
    (run.folder / "far.yaml").write_text(strange)
    assert "warning" not in run("render", "near.yaml").stderr
    for _ in range(2):  # Python shows a warning once; the command shows it each time
        result = run("render", "far.yaml")
        assert result.exit_code == 0, result.output
        warnings = [line for line in result.stderr.splitlines() if line.startswith("warning")]
        assert len(warnings) == 1
        assert "models: portrait and ukiyoe (cosine " in warnings[0]
        assert "unrelated" in warnings[0]
    assert run("render", "far.yaml", "-q").output == ""
    preset = render.Preset.load(run.folder / "far.yaml")
    with pytest.warns(BlendreelWarning, match="unrelated"):
        next(render.frames(preset))


def test_a_stranger_that_is_only_shown_beside_the_blend_is_no_reason_to_warn(run):
    text = CLIP.replace("models: {", "models: {other: stranger.safetensors, ")
    (run.folder / "clip.yaml").write_text(text.replace("[low, blend, high]", "[blend, other]"))
    result = run("render", "clip.yaml", "-o", "a.gif")
    assert result.exit_code == 0, result.output
    assert "warning" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["models", "--help"], ["models", "compare", "--help"]])
def test_help_imports_no_torch(arguments):
    code = (
        "import sys; from render.cli import main; code = 0\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: code = end.code\n"
        "sys.exit(3 if 'torch' in sys.modules else code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "models" in result.stdout
