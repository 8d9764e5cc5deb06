"""What is wrong with a command line is one line, with the place, the value and the choices."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from render.cli import main
from render.commands.mistakes import told


def said(*arguments):
    """The one line of a command that fails with exit code 2."""
    done = CliRunner().invoke(main, list(arguments), prog_name="blendreel")
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("render hello --outdir x", "there is no option --outdir; did you mean --out-dir or --out?"),
        ("render hello --prec exact", "there is no option --prec; did you mean --precision?"),
        (
            "render hello --fps 3",
            "there is no option --fps; blendreel render --help tells which there are, and --set PLACE=VALUE "
            "sets what the preset says",
        ),
        ("clean nosuch", "nosuch: there is no such folder"),
        ("check .", ".: this is a folder; name a preset file in it"),
        ("models inspect portrait", "portrait does not exist; did you mean sample:portrait?"),
        ("-x", "there is no option -x; blendreel --help tells which there are"),
        ("render", "PRESET is missing: blendreel render [OPTIONS] PRESET"),
        ("toonify -q", "PHOTO… is missing: blendreel toonify [OPTIONS] PHOTO…"),
        (
            "project me.jpg",
            "--model is missing: the network, a path or whatever a preset's models may be, such as "
            "sample:portrait",
        ),
        ("render a b", "b is too much: blendreel render [OPTIONS] PRESET"),
        ("render a b c", "b c is too much: blendreel render [OPTIONS] PRESET"),
        ("render hello -o", "-o wants a value"),
        ("render hello --quiet=no", "--quiet takes no value"),
        (
            "render a --precision exakt",
            "--precision: 'exakt' is none of exact, fast, auto; did you mean exact?",
        ),
        ("project a --model b --space q", "--space: 'q' is none of w, w+"),
        ("project a --model b --steps 0", "--steps: 0 is no whole number from 1 to 100,000"),
        ("preview a --size 4", "--size: 4 is no whole number from 8 on"),
        ("preview a --size big", "--size: 'big' is no whole number from 8 on"),
        ("check a --frame last", "--frame: 'last' is no whole number"),
        ("clean --older-than -1", "--older-than: -1.0 is no number from 0 on"),
        ("clean --older-than ever", "--older-than: 'ever' is no number from 0 on"),
        ("models blend --low a --high b --swap 8 --weight x o.safetensors", "--weight: 'x' is no number"),
        ("rendr hello", "unknown command 'rendr'; did you mean 'render'?"),
        ("models convart a", "unknown command 'convart'; did you mean 'convert'?"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(arguments, line):
    assert said(*arguments.split()) == line


def test_our_own_words_are_kept_and_line_breaks_are_not():
    assert said("explain", "a", "b", "--seeds", "x").startswith(
        "--seeds: seeds are written as 0-5,9, not 'x'"
    )
    assert "\n" not in said("render", "hello", "--precision", "a\nb")
    assert told(click.FileError("a.txt", "it is shut")) == "Could not open file 'a.txt': it is shut"
    assert told(click.NoSuchOption("--x")) == "there is no option --x"


def test_every_option_of_every_command_is_refused_in_one_line():
    context = click.Context(main, info_name="blendreel")
    for name in main.list_commands(context):
        assert said(name, "--no-such-option").startswith("there is no option --no-such-option")


def test_a_command_without_arguments_shows_its_help():
    done = CliRunner().invoke(main, ["models"])
    assert "Commands:" in done.output
    assert len(done.output.splitlines()) > 5


def commands_of(group, path=()):
    """Every command with commands below it, by its words."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        inner = group.get_command(context, name)
        if isinstance(inner, click.Group):
            yield from commands_of(inner, (*path, name))


@pytest.mark.parametrize("path", [" ".join(path) for path, _ in commands_of(main)])
def test_no_summary_of_a_command_is_cut(path):
    shown = CliRunner().invoke(main, [*path.split(), "--help"], terminal_width=80).output
    summaries = shown.partition("Commands:\n")[2].splitlines()
    assert summaries
    assert [line for line in summaries if line.endswith("...")] == []
