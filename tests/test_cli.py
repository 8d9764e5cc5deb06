"""The command: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from render import cli
from render.preset import Preset
from render.processors import shared_processors
from tests.conftest import CLIP

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(sample_folder, tmp_path, monkeypatch):
    """Run the command in an empty folder that has clip.yaml; returns click's result."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "clip.yaml").write_text(CLIP)

    def invoke(*arguments):
        return CliRunner().invoke(cli.main, [str(argument) for argument in arguments], prog_name="blendreel")

    invoke.folder = folder
    return invoke


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_render_writes_the_files_and_says_where(run):
    result = run("render", "clip.yaml", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "clip.mp4  " in result.stdout
    assert "frame 13 of 13" in result.stderr
    assert files(run.folder) == ["clip.gif", "clip.mp4", "clip.yaml"]


def test_quiet_is_quiet(run):
    result = run("render", "clip.yaml", "-q", "-o", "a.gif")
    assert (result.exit_code, result.output) == (0, "")
    assert files(run.folder) == ["a.gif", "clip.yaml"]


def test_other_renders_are_spoken_of_only_when_this_one_begins(run, monkeypatch, tmp_path):
    monkeypatch.setattr("render.processors._lock_file", lambda: tmp_path / "rendering.lock")
    monkeypatch.setattr("os.nice", lambda more: 0, raising=False)
    with shared_processors(pytest.fail):
        for arguments in (["--device", "tpu"], ["-o", "a.mp5"], ["--out-dir", "clip.yaml/x"]):
            assert "another render" not in run("render", "clip.yaml", *arguments).output
        done = run("render", "clip.yaml", "-o", "a.gif")
    assert done.stderr.startswith("another render is using the processors; this one gives way to it")
    assert "another render" not in run("render", "clip.yaml", "-o", "a.gif").output


def test_a_mistake_in_the_preset_is_one_readable_message(run):
    (run.folder / "clip.yaml").write_text(CLIP.replace("[50%, 32]", "[50%, 32, esae]"))
    result = run("render", "clip.yaml")
    assert result.exit_code == 2
    assert "clip.yaml:8:29: blend.swap[1][2]: unknown easing 'esae'; did you mean 'ease'?" in result.stderr
    assert "  swap: [[0s, 4], [50%, 32, esae], [end, 4]]" in result.stderr
    assert "Traceback" not in result.output
    assert files(run.folder) == ["clip.yaml"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["render", "clip.yml"], 2, "there is no preset clip.yml; did you mean clip.yaml?"),
        (["render", "clip.yaml", "-o", "a.mp5"], 2, "unknown extension .mp5"),
        (["render", "clip.yaml", "--out-dir", "clip.yaml/x"], 3, "clip.yaml"),
        (["render", "clip.yaml", "--device", "tpu"], 2, "there is no device 'tpu' here"),
        (["render", "clip.yaml", "--device", "cpu:x"], 2, "there is no device 'cpu:x' here"),
        (["render", "n" * 300], 2, "can't be read: File name too long"),
        (["rendr"], 2, "unknown command 'rendr'; did you mean 'render'?"),
        (["render"], 2, "PRESET is missing: "),
        (["render", "clip.yaml", "--batch-size", "0"], 2, "--batch-size"),
        (["new", "clip.yaml"], 2, "clip.yaml exists already"),
        (["new", "x.txt"], 2, "x.txt: a preset is written as .yaml; try x.yaml"),
        (["new", ""], 2, ". is a folder; name a file in it, such as morph.yaml"),
        (["new", "."], 2, ". is a folder; name a file in it"),
        (["new", ".."], 2, ".. is a folder; name a file in it, such as ../morph.yaml"),
        (["new", "clip.yaml/x.yaml"], 2, "clip.yaml/x.yaml: cannot be written: Not a directory"),
        (["new", "n" * 300], 2, "cannot be written: File name too long"),
    ],
)
def test_mistakes_are_explained_with_their_exit_code(run, arguments, code, message):
    result = run(*arguments)
    assert message in result.stderr
    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_ctrl_c_ends_with_130_and_leaves_nothing(run, monkeypatch):
    from render import production

    def interrupted(self, moments):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(production.Renderer, "frames", interrupted)
    result = run("render", "clip.yaml")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    assert files(run.folder) == ["clip.yaml"]


@pytest.mark.parametrize("module", ["render.cli", "click", "pydantic"])
@pytest.mark.parametrize("how", ["raise_signal(SIGINT)", "exec('raise_signal(SIGINT)')"])
def test_ctrl_c_while_modules_are_imported_ends_with_130(run, module, how):
    code = f"""
import sys
from signal import SIGINT, raise_signal

class Finder:
    def find_spec(name, path, target=None):
        if name == {module!r}:
            {how}

sys.meta_path.insert(0, Finder)
sys.argv[1:] = ["check", {str(run.folder / "clip.yaml")!r}]
from render.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stderr.strip() == "interrupted; nothing half-written was left behind"
    assert ended.returncode == 130


def test_the_entry_point_is_the_one_that_awaits_interrupts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"blendreel": "render.__main__:main"}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_the_process_ends_it_in_order(run, sample_folder, name):
    text = CLIP.replace("1s", "600s").replace("sample:portrait", str(sample_folder / "portrait.safetensors"))
    (run.folder / "clip.yaml").write_text(text.replace("sample:ukiyoe", str(sample_folder)))
    command = [sys.executable, "-m", "render", "render", "clip.yaml", "-o", "long.mp4"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not any(run.folder.glob(".long.mp4.segments/*/00000.*.part")) and process.poll() is None:
            time.sleep(0.02)
        for _ in range(2 if name == "SIGINT" else 1):  # the first Ctrl-C would wait for the segment's end
            process.send_signal(getattr(signal, name))
            time.sleep(0.2)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.endswith("interrupted; nothing half-written was left behind\n")
    assert files(run.folder) == ["clip.yaml"]


def test_a_preview_keeps_times_that_are_given_in_frames(run):
    (run.folder / "clip.yaml").write_text(CLIP.replace("duration: 1s, fps: 12.5", "duration: 60f, fps: 30"))
    result = run("preview", "clip.yaml", "--size", "8")
    assert "frame 24 of 24" in result.stderr  # 2 s at 12 frames a second


def test_preview_is_small_and_slow_in_frames(run):
    result = run("preview", "clip.yaml", "--size", "8")
    assert result.exit_code == 0, result.output
    assert files(run.folder) == ["clip-preview.mp4", "clip.yaml"]
    assert "frame 12 of 12" in result.stderr


@pytest.mark.parametrize("command", ["render", "preview"])
def test_what_check_warns_of_is_told_before_rendering_too(run, command):
    set_beyond = ("--set", "blend.snapshot=500")
    result = run(command, "clip.yaml", *set_beyond)
    assert result.exit_code == 0, result.output
    warning = "warning: blend.snapshot: goes to 500 kimg, but the snapshots of ukiyoe end at 40, which is"
    assert result.stderr.count(warning) == 1
    assert "warning" not in run(command, "clip.yaml", "--quiet", *set_beyond).stderr


def test_new_writes_a_preset_that_loads_and_renders_samples(run):
    result = run("new", "mine")
    assert result.exit_code == 0
    assert "mine.yaml" in result.stdout
    preset = Preset.load(run.folder / "mine.yaml")
    assert preset.warnings() == []
    assert preset.source_of("portrait") == "sample:portrait"
    gif = preset.outputs[1]
    assert gif.kind == "GIF"
    assert (gif.rate(preset.clip.fps), gif.width) == (12.5, 288)  # a whole one would outweigh the film
    assert run("check", "mine.yaml").exit_code == 0


def test_new_makes_the_folder_of_its_file(run):
    assert run("new", "sub/deep/x.yaml").exit_code == 0
    assert Preset.load(run.folder / "sub" / "deep" / "x.yaml").warnings() == []


def test_check_explains_without_rendering(run):
    result = run("check", "clip.yaml")
    assert result.exit_code == 0
    assert "blend.swap" in result.stdout
    assert "13 frames" in result.stdout
    assert files(run.folder) == ["clip.yaml"]


def test_check_tells_one_frame(run):
    result = run("check", "clip.yaml", "--frame", "6")
    assert result.exit_code == 0, result.output
    assert "6, of 0 to 12" in result.stdout
    assert (
        run("check", "clip.yaml", "--frame", "-1").stdout == run("check", "clip.yaml", "--frame", "12").stdout
    )
    result = run("check", "clip.yaml", "--frame", "13")
    assert result.exit_code == 2
    assert result.stderr == (
        "--frame 13: this clip has the frames 0 to 12, or -1 to -13 counted from the end\n"
    )


def test_sheet_draws_one_picture(run):
    result = run("sheet", "clip.yaml", "--frames", "4")
    assert result.exit_code == 0, result.output
    assert files(run.folder) == ["clip-sheet.png", "clip.yaml"]


def test_schema_is_json(run):
    assert json.loads(run("schema").stdout)["$schema"].startswith("http://json-schema.org/draft-07")


def test_the_schema_is_written_where_presets_can_name_it(run):
    result = run("schema", "--out", "preset.schema.json")
    assert "# yaml-language-server: $schema=preset.schema.json" in result.stdout
    assert json.loads((run.folder / "preset.schema.json").read_text()) == json.loads(run("schema").stdout)
    assert run("schema", "--out", "no/such/folder.json").exit_code == 2


def test_values_are_set_over_the_preset(run):
    result = run("check", "clip.yaml", "--set", "clip.duration=2s", "--set", "outputs[0].fps=5")
    assert (result.exit_code, "25 frames" in result.stdout) == (0, True), result.output
    result = run("render", "clip.yaml", "--set", "blend.swap=esae")
    assert result.exit_code == 2
    assert result.stderr.startswith("--set blend.swap=esae: blend.swap: unknown layer 'esae'; a layer is")
    assert result.stderr.endswith("\n    blend.swap=esae\n               ^^^^\n")
    assert files(run.folder) == ["clip.yaml"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["schema"], ["check", "clip.yaml"], ["check", "clip.yaml", "--frame", "3"]]
)
def test_commands_that_draw_nothing_never_import_torch(run, arguments, sample_folder):
    text = CLIP.replace("sample:portrait", str(sample_folder / "portrait.safetensors"))
    (run.folder / "clip.yaml").write_text(
        text.replace("sample:ukiyoe", str(sample_folder / "ukiyoe-*.safetensors"))
    )
    code = (
        "import sys; from render.cli import main; code = 0\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: code = end.code\n"
        "sys.exit(3 if 'torch' in sys.modules else code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_python_m_render_is_the_same_command():
    result = subprocess.run(
        [sys.executable, "-m", "render", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("blendreel, version")


@pytest.mark.parametrize("command", ["check", "render", "sheet"])
def test_what_the_models_cannot_do_is_told_with_its_place(run, command):
    (run.folder / "clip.yaml").write_text(f"{CLIP}transform: {{rotate: 90}}\n")
    result = run(command, "clip.yaml", "-q") if command == "render" else run(command, "clip.yaml")
    assert result.exit_code == 2
    (first, line, caret) = result.stderr.splitlines()[-3:]
    assert first.startswith(f"clip.yaml:{CLIP.count(chr(10)) + 1}:12: transform: only StyleGAN3 can move")
    assert (line, caret) == ("    transform: {rotate: 90}", "               ^^^^^^^^^^^^")
