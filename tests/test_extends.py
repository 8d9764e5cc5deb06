"""Presets that extend others: what merges, what is replaced, and where every mistake is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from render.errors import PresetError
from render.preset import Preset
from render.reach import sandbox

BASE = """\
# the base
models: {portrait: nets/portrait.pkl, ukiyoe: {snapshots: runs/ukiyoe}}
clip: {duration: 8s, fps: 30, bpm: 120, loop: true}
latents: {seeds: [3, 14], every: 4s}
blend: {low: portrait, high: ukiyoe, swap: [[0s, 4], [end, 4]], width: 1}
panels: [low, blend, high]
outputs: [a.mp4, b.gif]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "base.yaml").write_text(BASE)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def child(text: str, file: str = "child.yaml", base: str = "base.yaml") -> Preset:
    Path(file).write_text(f"extends: {base}\n{text}")
    return Preset.load(file)


def message(text: str, file: str = "child.yaml", base: str = "base.yaml") -> str:
    with pytest.raises(PresetError) as caught:
        child(text, file, base)
    return str(caught.value)


def test_mappings_merge_and_everything_else_is_replaced(folder: Path) -> None:
    one = child("clip: {fps: 12}\nblend: {swap: 32}\noutputs: [c.mp4]\n")
    base = Preset.load("base.yaml")
    assert one == base.replace(
        clip=base.clip.replace(fps=12), blend=base.blend.replace(swap=32), outputs=["c.mp4"]
    )
    assert child("") == base


def test_null_takes_an_inherited_key_away(folder: Path) -> None:
    assert child("blend: {width: null}\noutputs:\n").blend.width is None
    assert child("blend: {width: null}\noutputs:\n").outputs == ()
    assert "child.yaml:2:1: truncation: this is a number" in message("truncation:\n")  # nothing is inherited


def test_a_mapping_adds_to_a_short_form(folder: Path) -> None:
    panels = child("panels: {labels: true}\n").panels
    assert (panels.labels, len(panels.rows[0])) == (True, 3)
    source = child(f"models: {{portrait: {{sha256: '{'a' * 64}'}}}}\n").models["portrait"]
    assert (source.file, source.sha256) == ("nets/portrait.pkl", "a" * 64)
    assert len(child("panels: low\n").panels.rows[0]) == 1


def test_keys_that_exclude_each_other_take_each_others_place(folder: Path) -> None:
    assert child("latents: {seed: 5}\n").latents.all_seeds == (5,)
    assert child("models: {ukiyoe: {file: u.pkl}}\n").models["ukiyoe"].source == "u.pkl"
    assert child("blend: {model: ukiyoe}\npanels: [blend]\n").mix.names() == {"model": "ukiyoe"}
    assert "give either seed or seeds" in message("latents: {seed: 5, seeds: [1]}\n")


def test_a_mistake_is_found_in_the_file_it_is_written_in(folder: Path) -> None:
    Path("base.yaml").write_text(BASE.replace("a.mp4", "a.avi").replace("fps: 30", "fsp: 30"))
    assert message("blend:\n  swap: esae\n").splitlines() == [
        "child.yaml:3:9: blend.swap: unknown layer 'esae'; a layer is a resolution such as 32, a name such as"
        " 32/1, or L7 in StyleGAN3",
        "      swap: esae",
        "            ^^^^",
        "base.yaml:3:22: clip.fsp: unknown key; did you mean 'fps'?",
        "    clip: {duration: 8s, fsp: 30, bpm: 120, loop: true}",
        "                         ^^^",
        "base.yaml:7:11: outputs[0]: 'a.avi' has the unknown extension .avi; known: .mp4, .webm, .mov, .mkv,"
        " .gif, .webp, .apng, .avif, and frames/%05d.png for pictures; did you mean a.avif?",
        "    outputs: [a.avi, b.gif]",
        "              ^^^^^",
    ]


def test_a_mistake_between_two_files_names_the_one_that_brought_it(folder: Path) -> None:
    assert message("models: {portrait: null}\n").startswith(
        "base.yaml:5:14: blend.low: unknown model 'portrait'"
    )
    assert message("blend: {high: null}\n").startswith("child.yaml:2:1: blend.high: missing.")
    assert message("clip: {fps: 1, fps: 2}\n").startswith(
        "child.yaml:2:16: clip.fps: this key is given twice"
    )


def test_a_base_that_is_no_yaml_speaks_for_itself(folder: Path) -> None:
    Path("shared/base.yaml").write_text("clip: [\n")
    assert message("", base="shared/base.yaml").startswith("shared/base.yaml:2:1: the text ends too early")


@pytest.mark.parametrize(
    ("extends", "words"),
    [
        ("bsae.yaml", "child.yaml:1:10: extends: there is no file bsae.yaml; did you mean base.yaml?"),
        ("shared", "extends: shared is a folder; name a preset file in it"),
        ("[base.yaml]", "extends: name the preset that this one builds on, such as base.yaml, not a list"),
        (
            "",
            "child.yaml:1:1: extends: name the preset that this one builds on, such as base.yaml, not noth",
        ),
        ("3", "extends: name the preset that this one builds on, such as base.yaml, not 3"),
        ("nowhere/x.yaml", "extends: there is no file nowhere/x.yaml in "),
        ("n" * 300, "cannot be read: file name too long"),
        ('"a\\0b"', "there is no file 'a\\x00b' in "),
        ("~nobody-of-that-name/x.yaml", "extends: ~nobody-of-that-name/x.yaml: there is no such user"),
        ("child.yaml", "child.yaml:1:10: extends: a preset can't extend itself: child.yaml → child.yaml"),
    ],
)
def test_bases_that_cannot_be(folder: Path, extends: str, words: str) -> None:
    said = message("", base=extends)
    assert words in said
    assert said.count("\n") == 2


def test_a_circle_names_its_files_where_it_closes(folder: Path) -> None:
    Path("a.yaml").write_text("extends: b.yaml\n")
    Path("b.yaml").write_text("version: 1\nextends: a.yaml\n")
    assert message("", base="a.yaml").startswith(
        "b.yaml:2:10: extends: a preset can't extend itself: a.yaml → b.yaml → a.yaml"
    )


def test_chains_have_an_end(folder: Path) -> None:
    for index in range(9):
        Path(f"{index}.yaml").write_text(f"extends: {index + 1}.yaml\nblend: {{width: {index}}}\n")
    Path("7.yaml").write_text(BASE)
    assert Preset.load("0.yaml").tracks()["blend.width"].first == 0
    Path("7.yaml").write_text("extends: base.yaml\n")
    with pytest.raises(PresetError, match=r"7\.yaml:1:10: extends: more than 8 presets extend one another"):
        Preset.load("0.yaml")


def test_relative_files_start_from_the_file_that_names_them(folder: Path) -> None:
    one = child("models: {own: own.pkl, web: 'https://x.org/a.pkl'}\n", base="shared/base.yaml")
    assert one.source_of("portrait") == str(folder / "shared" / "nets" / "portrait.pkl")
    assert one.source_of("ukiyoe") == str(folder / "shared" / "runs" / "ukiyoe")
    assert one.source_of("own") == str(folder / "own.pkl")
    assert one.source_of("web") == "https://x.org/a.pkl"
    Path("deep").mkdir()
    two = child("", file="deep/two.yaml", base="../child.yaml")
    assert Path(two.source_of("portrait")).resolve() == folder / "shared" / "nets" / "portrait.pkl"
    assert two.models["portrait"].source == "../shared/nets/portrait.pkl"


def test_it_is_written_as_one_text_with_its_own_comments(folder: Path) -> None:
    text = "# mine\n\nblend:          # only this\n  # soft\n  width: 3      # layers\n"
    one = child(text, base="shared/base.yaml")
    written = one.to_yaml()
    assert Preset.from_yaml(written) == one
    assert "extends" not in written
    assert "the base" not in written
    for line in text.splitlines():
        assert line in written.splitlines()
    assert "  # soft\n  width: 3      # layers\n" in written


def test_it_may_come_from_a_text(folder: Path) -> None:
    one = Preset.from_yaml("extends: base.yaml\nclip: {fps: 10}\n", base_dir=folder / "shared")
    assert (one.clip.fps, one.base_dir) == (10, folder / "shared")
    with pytest.raises(PresetError, match=r"mine:2:13: clip\.fps: a frame rate"):
        Preset.from_yaml("extends: base.yaml\nclip: {fps: x}\n", "mine", folder)


def test_a_shipped_preset_is_extended_by_its_name(folder: Path) -> None:
    one = child("clip: {fps: 12}\n", base="hello")
    assert one.clip.fps == 12
    assert one.blend == Preset.load("hello").blend
    with sandbox(folder):
        assert child("", base="hello").blend == one.blend
    Path("hello").write_text(BASE)  # a file of that name comes first
    assert child("", base="hello") == Preset.load("base.yaml")


def test_what_extends_may_name_is_told(folder: Path) -> None:
    assert "there is no file helo in" in message("", base="helo")
    assert message("", base="helo").splitlines()[0].endswith("; did you mean hello?")
    assert "presets that come with the project are" in message("", base="qqqqqq")
    assert ", hello, " in message("", base="qqqqqq")
    assert "; did you mean base.yaml?" in message("", base="bsae.yaml")
    Path("f.yaml").write_text(BASE)
    assert "f.yaml" not in message("", base="zorn.yaml")  # only the endings are alike


def test_a_misspelt_extends_is_all_that_is_said(folder: Path) -> None:
    Path("child.yaml").write_text("extend: hello\nblend: {swap: 8}\n")
    with pytest.raises(PresetError) as caught:
        Preset.load("child.yaml")
    first = "child.yaml:1:1: extend: unknown key; did you mean 'extends'?"
    assert str(caught.value).splitlines() == [first, "    extend: hello", "    ^^^^^^"]
