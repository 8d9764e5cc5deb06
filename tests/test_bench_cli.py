"""`blendreel bench`: its table, its JSON, and what it says of mistakes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from render import cli
from render.bench import PARTS
from render.bench.subject import CONFIGS, random_network
from render.commands.bench import ARCHITECTURES


def run(*arguments):
    return CliRunner().invoke(cli.main, ["bench", *map(str, arguments)], prog_name="blendreel")


def test_a_table_of_a_random_network():
    result = run("--size", 8, "--quick", "--only", "draw")
    assert result.exit_code == 0, result.output
    machine, heads, *rows = result.stdout.splitlines()
    assert machine.startswith("network stylegan2, 8 px, device cpu, threads ")
    assert "GFLOP/s in bfloat16" in machine
    assert heads.split() == ["work", "path", "batch", "ms/picture", "speed", "share"]
    assert len(rows) == 8


@pytest.mark.parametrize(
    ("architecture", "kernel", "width"),
    [("stylegan1", 3, 512), ("stylegan2", 3, 512), ("stylegan3-t", 3, 512), ("stylegan3-r", 1, 1024)],
)
def test_random_networks_have_the_published_widths(architecture, kernel, width):
    network = random_network(32, architecture)
    assert network.resolution == 32
    assert architecture.startswith(network.architecture)
    weights = [own.shape for own in network.synthesis.parameters() if own.ndim == 4]
    assert (width, width, kernel, kernel) in weights


def test_every_architecture_can_be_chosen():
    """The command has their names, so that its help needs no PyTorch."""
    assert tuple(CONFIGS) == ARCHITECTURES


def test_json_of_a_network_in_a_file(sample_folder):
    result = run("sample:portrait", "--quick", "--only", "quality, preview", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["machine"]["network"] == "stylegan2, 16 px"
    assert [figure["path"] for figure in report["figures"][3:]] == ["16 px", "4 px"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", 100], "--size is 100; it is a power of two from 8 to 1024"),
        (["--size", 4], "--size is 4; it is a power of two from 8 to 1024"),
        (["--size", "big"], "--size: 'big' is no whole number"),
        (["net.pkl", "--size", 64], "MODEL is net.pkl and --size is 64; give one of them"),
        (["net.pkl", "--architecture", "stylegan1"], "--architecture is stylegan1; give one of them"),
        (["--architecture", "stylegan4"], "--architecture: 'stylegan4' is none of stylegan1"),
        (["--only", "draw,drow"], "there is no part 'drow' to measure; there are draw, quality"),
        (["net.pkl", "--quick"], "net.pkl"),
        (["--device", "tpu"], "there is no device 'tpu' here"),
    ],
)
def test_mistakes_are_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_help_names_every_part():
    shown = " ".join(run("--help").output.split())
    assert all(part in shown for part in PARTS)
