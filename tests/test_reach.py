"""The sandbox: a preset reads and writes nothing outside of it, whatever it names and however."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import make_network
from hypothesis import given, settings
from hypothesis import strategies as st

import render
from render import cli, reach
from render.checkpoints.library import resolve
from render.checkpoints.native import save
from render.errors import CheckpointError, PresetError
from render.preset import Preset

GOOD = "models: {a: a.safetensors}\nclip: {duration: 0.2s, fps: 10}\noutputs: [ok.gif]\n"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A sandbox with a network in it, beside a folder `out` of things that are nobody's business."""
    box, outside = tmp_path / "box", tmp_path / "out"
    for folder in (box, outside):
        folder.mkdir()
        save(make_network(1), folder / "a.safetensors")
        save(make_network(2), folder / "b-000010.safetensors")
        np.save(folder / "row.npy", np.ones([1, 8], np.float32))
        (folder / "beats.txt").write_text("0\n0.5\n")
        (folder / "song.wav").write_bytes(b"RIFF")
        (folder / "base.yaml").write_text(GOOD)
        (folder / "sets.yaml").write_text("eyes:\n  8/0: [1]\n")
    links = {"link.safetensors": "a.safetensors", "link.npy": "row.npy", "link.txt": "beats.txt"}
    links |= {"link.wav": "song.wav", "link.yaml": "base.yaml", "links.yaml": "sets.yaml", "away": "."}
    for name, target in links.items():
        (box / name).symlink_to(outside / target)
    (box / "run").mkdir()
    (box / "run" / "n-000020.safetensors").symlink_to(outside / "a.safetensors")
    (box / "latents").mkdir()
    (box / "latents" / "anna.npy").symlink_to(outside / "row.npy")
    return box


# What a preset says → the place that is complained about, and the name it has there.
ESCAPES = {
    "models: {a: ../out/a.safetensors}": ("models.a", "../out/a.safetensors"),
    "models: {a: OUT/a.safetensors}": ("models.a", "OUT/a.safetensors"),
    "models: {a: {file: link.safetensors}}": ("models.a.file", "link.safetensors"),
    "models: {a: away/a.safetensors}": ("models.a", "away/a.safetensors"),
    "models: {a: ~/network.pkl}": ("models.a", "~/network.pkl"),
    "models: {a: {snapshots: ../out}}": ("models.a.snapshots", "../out"),
    "models: {a: {snapshots: '../out/*.safetensors'}}": ("models.a.snapshots", "../out/*.safetensors"),
    "models: {a: {snapshots: 'r*/../../out/*'}}": ("models.a.snapshots", "r*/../../out/*"),
    "models: {a: https://example.org/a.pkl}": ("models.a", "https://example.org/a.pkl is on the web"),
    "models: {a: hf://owner/name/a.pkl}": ("models.a", "hf://owner/name/a.pkl is on the web"),
    "models: {a: catalogue:ffhq}": ("models.a", "catalogue:ffhq is on the web"),
    "clip: {duration: 1s, beats: ../out/beats.txt}": ("clip.beats", "../out/beats.txt"),
    "clip: {duration: 1s, beats: link.txt}": ("clip.beats", "link.txt leads to"),
    "clip: {duration: 1s, audio: ../out/song.wav}": ("clip.audio", "../out/song.wav"),
    "clip: {duration: 1s, audio: {file: link.wav}}": ("clip.audio.file", "link.wav leads to"),
    "clip: {duration: 1s, audio: ../out/song.wav, beats: detect}": ("clip.audio", "../out/song.wav"),
    "latents: {files: [../out/row.npy]}": ("latents.files", "../out/row.npy"),
    "latents: {files: [OUT/row.npy#0]}": ("latents.files", "OUT/row.npy"),
    "latents: {files: ['file ../out/row.npy']}": ("latents.files", "../out/row.npy"),
    "latents: {files: [{file: link.npy, space: w}]}": ("latents.files", "link.npy"),
    "latents: {keys: [[0s, 3], [1s, ../out/row.npy]]}": ("latents.keys[1][1]", "../out/row.npy"),
    "latents: {files: [anna]}": ("latents.files", "latents/anna.npy"),
    "latents: {seed: 1, directions: [{file: ../out/row.npy, strength: 1}]}": (
        "latents.directions[0].file",
        "../out/row.npy",
    ),
    "latents: {seeds: [1, 2], mixing: {seeds: [1], weight: 1, layers: 8+, files: [../out/row.npy]}}": (
        "latents.mixing.files",
        "../out/row.npy",
    ),
    "channels: {eyes: {from: a, file: ../out/sets.yaml}}": ("channels.eyes.file", "../out/sets.yaml"),
    "channels: {eyes: {from: a, file: links.yaml}}": ("channels.eyes.file", "links.yaml leads to"),
    "outputs: ../ok.gif": ("outputs", "../ok.gif"),
    "outputs: [ok.gif, OUT/ok.gif]": ("outputs[1]", "OUT/ok.gif"),
    "outputs: [{file: away/ok.gif}]": ("outputs[0].file", "away/ok.gif"),
    "outputs: [~/ok.gif]": ("outputs[0]", "~/ok.gif"),
    "outputs: [{file: ok.mp4, audio: ../out/song.wav}]": ("outputs[0].audio", "../out/song.wav"),
    "outputs: {file: ok.mp4, audio: {file: link.wav}}": ("outputs.audio.file", "link.wav"),
    "extends: ../out/base.yaml": ("extends", "../out/base.yaml"),
    "extends: link.yaml": ("extends", "link.yaml leads to"),
}


def reaching_out(box: Path, line: str) -> str:
    """A preset that says this, and is right otherwise."""
    key = line.partition(":")[0]
    rest = [each for each in GOOD.splitlines() if not each.startswith(f"{key}:")]
    text = "\n".join([line.replace("OUT", str(box.parent / "out")), *([] if key == "extends" else rest)])
    (box / "p.yaml").write_text(text)
    return text


@pytest.mark.parametrize("line", ESCAPES)
def test_what_reaches_out_is_refused_with_its_place(box: Path, line: str) -> None:
    place, name = ESCAPES[line]
    reaching_out(box, line)
    result = CliRunner().invoke(cli.main, ["check", str(box / "p.yaml"), "--sandbox", str(box)])
    assert result.exit_code == 2
    told = [each for each in result.stderr.splitlines() if each.startswith(f"{box / 'p.yaml'}:1:")]
    name = name.replace("OUT", str(box.parent / "out"))
    assert any(f": {place}: {name}" in each and str(box) in each for each in told), result.stderr


def test_outside_a_sandbox_names_may_reach_anywhere(box: Path) -> None:
    for line in ESCAPES:
        reaching_out(box, line)
        result = CliRunner().invoke(cli.main, ["check", str(box / "p.yaml")])
        assert "the sandbox" not in result.output
    reaching_out(box, "models: {a: ../out/a.safetensors}")
    assert CliRunner().invoke(cli.main, ["check", str(box / "p.yaml")]).exit_code == 0


def test_shipped_presets_and_their_sounds_stay_within_reach(box: Path) -> None:
    for name in ("hello", "sound-pulse"):
        result = CliRunner().invoke(cli.main, ["check", name, "--sandbox", str(box)])
        assert result.exit_code == 0, result.stderr


def test_everything_that_reaches_out_is_told_at_once(box: Path) -> None:
    reaching_out(box, "models: {a: ../out/x.pkl, b: /etc/y.pkl}")
    with (box / "p.yaml").open("a") as file:
        file.write("\nblend: {low: a, high: b, swap: 8}\nlatents: {files: [../z.npy]}\n")
    with reach.sandbox(box), pytest.raises(PresetError) as caught:
        Preset.load(box / "p.yaml")
    assert str(caught.value).count("lies outside the sandbox") == 3
    assert str(caught.value).count("\n") == 3 * 3 - 1  # each with its line and a caret


SPY = """
import json, sys, warnings
from pathlib import Path
outside, seen = sys.argv[1], []
def spy(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"):
        seen.extend(str(each) for each in arguments[:2] if isinstance(each, (str, bytes, Path)))
    if event in ("socket.connect", "socket.getaddrinfo"):
        seen.append(outside + event)
from render.errors import BlendreelError
from render import production, reach
from render.preset import Preset
from render.report import describe
sys.addaudithook(spy)
warnings.simplefilter("ignore")
refused = 0
for text in json.load(sys.stdin):
    for read in (lambda: Preset.from_yaml(text, base_dir="."), lambda: Preset.load("p.yaml")):
        Path("p.yaml").write_text(text)
        with reach.sandbox("."):
            for act in (describe, lambda preset: production.render(preset, out_dir="new")):
                try:
                    act(read())
                except BlendreelError:
                    refused += 1
print(json.dumps([refused, [each for each in seen if each.startswith(outside) or "../out" in each]]))
"""


def test_nothing_outside_is_ever_opened(box: Path) -> None:
    texts = [reaching_out(box, line) for line in ESCAPES]
    # Found while rendering, in folders that are within reach.
    inside = [
        "models: {a: {snapshots: run}}",
        "models: {a: {snapshots: 'r*'}}",
        "latents: {keys: [[0s, anna]]}",
    ]
    texts += [reaching_out(box, line) for line in inside]
    code = SPY.replace(
        "import json, sys", f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); import json"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(box.parent / "out")],
        input=json.dumps(texts),
        cwd=box,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    refused, opened = json.loads(done.stdout)
    assert refused == 4 * len(texts)
    assert opened == []


def test_the_spy_sees_what_a_preset_opens(box: Path) -> None:
    text = reaching_out(box, "clip: {duration: 1s, beats: ../out/beats.txt}")
    code = SPY.replace(
        "import json, sys", f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); import json"
    )
    done = subprocess.run(
        [sys.executable, "-c", code.replace("with reach.sandbox", "if str"), str(box.parent / "out")],
        input=json.dumps([text]),
        cwd=box,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)[1]


def test_a_preset_within_it_is_rendered(box: Path) -> None:
    (box / "p.yaml").write_text(GOOD)
    with render.sandbox(box) as folder:
        preset = Preset.load(box / "p.yaml")
        made = render.render(preset, out_dir=folder)
        first = render.frames(preset, 0, 1)  # opened in the sandbox, drawn after it
    assert made[0] == box / "ok.gif"
    assert next(iter(first)).shape == (16, 16, 3)


def test_the_commands_write_into_it_by_default(box: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (box / "p.yaml").write_text(GOOD)
    for command in (["render"], ["preview"], ["sheet", "--frames", "2"], ["grid", "--x", "truncation=0,1"]):
        arguments = [*command, "box/p.yaml", "--sandbox", "box", "-q"]
        assert CliRunner().invoke(cli.main, arguments).exit_code == 0
    made = {path.name for path in box.iterdir()} & {"ok.gif", "p-preview.mp4", "p-sheet.png", "p-grid.png"}
    assert len(made) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"box", "out"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "box/p.yaml", "--out-dir", "new"],
        ["render", "box/p.yaml", "-o", "../new.gif"],
        ["render", "out/base.yaml"],
        ["preview", "box/p.yaml", "-o", "{tmp}/new.mp4"],
        ["sheet", "box/p.yaml", "-o", "new.png"],
        ["grid", "box/p.yaml", "--x", "truncation=0,1", "--zoom", "new"],
        ["pairs", "box/p.yaml", "--count", "2", "--out", "new"],
        ["render", "box/p.yaml", "--set", "models.a=../out/a.safetensors"],
    ],
)
def test_options_cannot_reach_out_either(
    arguments: list[str], box: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (box / "p.yaml").write_text(GOOD)
    arguments = [each.format(tmp=tmp_path) for each in arguments]
    result = CliRunner().invoke(cli.main, [*arguments, "--sandbox", "box", "-q"])
    assert result.exit_code == 2
    assert "lies outside the sandbox" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"box", "out"}


def test_presets_built_in_python_are_held_too(box: Path) -> None:
    preset = Preset(models={"a": str(box.parent / "out" / "a.safetensors")}, clip={"duration": "1s"})
    with reach.sandbox(box):
        with pytest.raises(CheckpointError, match=r"models\.a: .*lies outside the sandbox"):
            render.render(preset, "ok.gif", out_dir=box)
        with pytest.raises(PresetError, match="lies outside the sandbox"):
            render.render(preset, box.parent / "out" / "ok.gif")
        with pytest.raises(PresetError, match="lies outside the sandbox"):
            Preset(models={"a": "a"}, clip={"duration": "1s", "beats": str(box.parent / "out" / "beats.txt")})


def test_what_ships_stays_within_reach(box: Path) -> None:
    with reach.sandbox(box):
        assert Preset.load("hello").models
        assert resolve("sample:portrait").is_file()
        assert reach.within_reach(resolve("sample:portrait"))
        with pytest.raises(CheckpointError, match="on the web"):
            resolve("https://example.org/a.pkl")


def test_links_in_the_way_of_a_file_are_not_written_through(box: Path) -> None:
    secret = box.parent / "out" / "secret"
    secret.write_text("mine")
    before = {path.name for path in secret.parent.iterdir()}
    (box / "p.yaml").write_text(GOOD.replace("ok.gif", "{file: ok.mp4}, ok.gif, {file: n/%02d.png}"))
    for name in ("ok.mp4.part", "ok.gif.part", "ok.mp4.sound.part", "ok.gif"):
        (box / name).symlink_to(secret)
    (box / "n.part").symlink_to(box.parent / "out")
    arguments = ["render", str(box / "p.yaml"), "--sandbox", str(box), "-q"]
    assert "ok.gif leads to" in CliRunner().invoke(cli.main, arguments).stderr
    (box / "ok.gif").unlink()
    CliRunner().invoke(cli.main, arguments)
    assert secret.read_text() == "mine"
    assert {path.name for path in secret.parent.iterdir()} == before


def test_a_sandbox_is_a_folder() -> None:
    for wrong in ("no-such-folder", __file__, "\0", "~nobody-at-all"):
        with pytest.raises(PresetError, match="a folder that is there already"), reach.sandbox(wrong):
            pass


STEPS = st.sampled_from(
    ["..", ".", "a", "away", "run", "latents", "~", "~root", "", "r*", "é", "a b", "C:", "\\"]
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=7), absolute=st.booleans())
def test_no_name_leads_out(tmp_path_factory, steps: list[str], absolute: bool) -> None:
    box = Path(tmp_path_factory.getbasetemp()) / "law"
    if not box.exists():
        (box / "run").mkdir(parents=True)
        (box / "away").symlink_to("/etc")
        (box / "run" / "up").symlink_to("../..")
    written = "/" * absolute + "/".join(steps)
    with reach.sandbox(box) as folder:
        try:
            path = reach.placed(box, written)
        except PresetError:
            return
    assert path.resolve().is_relative_to(folder)


def test_names_become_paths_in_one_place() -> None:
    """What expands `~` makes a path of a text. Only names that come from the user himself may do without."""
    own = {"reach", "networks/compiling", "checkpoints/download", "projection/start", "preset/files"}
    own |= {"preset/portable", "explain/sides", "explain/starter", "commands/channels"}
    package = Path(reach.__file__).parent
    modules = [path for path in package.rglob("*.py") if "expanduser" in path.read_text("utf-8")]
    assert {path.relative_to(package).with_suffix("").as_posix() for path in modules} <= own
