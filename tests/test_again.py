"""A film says how it was made, and is made once more from that; a private one says nothing."""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import render
from render.checkpoints.native import save
from render.cli import main
from render.encoding import facts_of, read_tags
from render.encoding.codecs import ffmpeg_path
from render.errors import BlendreelWarning, CheckpointError, PresetError
from render.preset import Preset
from render.preset.portable import portable_name, portable_output
from render.production import Retake, record_of
from render.production.checksums import sha256_of
from render.production.record import Record
from tests.test_tags import decoded

KINDS = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.apng", "a.avif", "frames/%03d.png"]
OWN = """\
# a remark that stays at home
extends: base.yaml
models: {base: models/secret-low.safetensors, tuned: {snapshots: "runs/*.safetensors"}}
clip: {beats: song.beats, fps: 25}
latents: {keys: [[0s, me.npz#1], [2b, other]]}
channels: {eyes: {from: tuned, file: sets.yaml}}
outputs:
  - {file: a.mp4, crf: 30, width: 64}
  - {file: b.gif, colors: 16}
  - frames/%03d.png
"""
BASE = "clip: {duration: 4b, loop: true}\nblend: {low: base, high: tuned, swap: 8}\n"


@pytest.fixture
def project(tmp_path: Path, low, high) -> Path:
    """A folder with a preset and all the files that it speaks of."""
    folder = tmp_path / "project"
    (folder / "latents").mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN)
    (folder / "base.yaml").write_text(BASE)
    (folder / "song.beats").write_text("0.04\n0.12\n0.2\n0.28\n0.36\n")
    (folder / "sets.yaml").write_text("eyes: {8/0: [1, 3]}\n")
    random = np.random.default_rng(3)
    np.savez(folder / "me.npz", z=random.normal(size=(3, 8)).astype(np.float32))
    np.savez(folder / "latents" / "other.npz", z=random.normal(size=(1, 8)).astype(np.float32))
    for name, network in (("models/secret-low", low), ("runs/run-000010", low), ("runs/run-000020", high)):
        (folder / name).parent.mkdir(exist_ok=True)
        save(network, folder / f"{name}.safetensors")
    return folder


def same_pictures(one: Path, other: Path) -> bool:
    return decoded(one) == decoded(other) != b""


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_made_again_from_itself(preset, tmp_path, monkeypatch, name):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    [film] = render.render(preset, name, out_dir=tmp_path / "films")
    copy = name.replace("a.", "copy.").replace("frames", "copy")
    [made] = render.again(film, copy)
    assert made == Path(copy) if "%" not in copy else made == Path("copy")
    assert same_pictures(film, made)
    assert len(decoded(made)) == 13 * 56 * 16 * 3
    text, again = record_of(film).preset, record_of(made).preset
    assert text.replace(name, "FILE") == again.replace(copy, "FILE")
    assert Preset.from_yaml(text).precision == record_of(film).precision.split()[0]
    assert Preset.from_yaml(text).replace(outputs=(), precision="auto") == preset.replace(
        outputs=(), precision="auto"
    )


def test_a_film_is_replaced_by_its_like(preset, tmp_path):
    paths = render.render(preset, "a.mp4", "frames/%03d.png", out_dir=tmp_path)
    before = [decoded(path) for path in paths]
    moved = paths[0].rename(tmp_path / "renamed.mp4")
    assert render.again(moved) == [moved]
    assert render.again(paths[1]) == [paths[1]]
    assert render.again(paths[1] / "000.png", "f/%d.png", out_dir=tmp_path) == [tmp_path / "f"]
    assert [decoded(moved), decoded(paths[1])] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "frames", "renamed.mp4", "samples"]


def test_a_whole_project_moves_with_its_film(project, tmp_path, monkeypatch):
    paths = render.render(project / "own.yaml", out_dir=project / "films")
    record = record_of(paths[0])
    assert record.preset == (
        "version: 1\n"
        "models:\n"
        "  base: ../models/secret-low.safetensors\n"
        "  tuned: {snapshots: ../runs/*.safetensors}\n"
        "clip: {duration: 4b, fps: 25, beats: [0.04, 0.12, 0.2, 0.28, 0.36], loop: true}\n"
        "latents: {keys: [[0s, ../me.npz#1], [2b, file ../latents/other.npz]]}\n"
        "blend:\n"
        "  low: base\n"
        "  high: tuned\n"
        "  swap: 8\n"
        "channels:\n"
        "  eyes: {from: tuned, layers: {8/0: [1, 3]}}\n"
        f"precision: {record.precision.split()[0]}\n"
        "outputs: [{file: a.mp4, width: 64, crf: 30}]\n"
    )
    assert list(record_of(paths[0]).files) == ["../me.npz", "../latents/other.npz"]
    assert "outputs: [{file: b.gif, colors: 16}]" in record_of(paths[1]).preset
    assert "outputs: [frames/%03d.png]" in record_of(paths[2]).preset
    project.rename(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    film = tmp_path / "moved" / "films" / "a.mp4"
    for file in ("own.yaml", "base.yaml", "song.beats", "sets.yaml"):
        (tmp_path / "moved" / file).unlink()  # what is written out is not needed any more
    [copy] = render.again(film, "copy.mp4")
    assert copy.resolve() == tmp_path / "elsewhere" / "copy.mp4"
    assert same_pictures(film, copy)
    assert record_of(copy).preset.count("../moved/") == 4


def test_a_preview_is_made_again_as_a_preview(preset, tmp_path):
    [film] = render.render(preset, "a.mp4", out_dir=tmp_path, resolution=8)
    assert record_of(film).settings == {"resolution": 8}
    assert same_pictures(film, render.again(film, "b.mp4", out_dir=tmp_path)[0])


def test_another_model_is_refused_with_both_checksums(project, high):
    film = render.render(project / "own.yaml", "a.mp4", out_dir=project)[0]
    before, old = film.read_bytes(), sha256_of(project / "models" / "secret-low.safetensors")
    save(high, project / "models" / "secret-low.safetensors")
    new = sha256_of(project / "models" / "secret-low.safetensors")
    with pytest.raises(CheckpointError) as told:
        render.again(film)
    assert str(told.value) == (
        f"{film}: models.base: secret-low.safetensors has the sha256 {new}, "
        f"and the film was made with {old}; "
        "say where the right one is with --set models.NAME=FILE"
    )
    assert film.read_bytes() == before


def test_a_snapshot_more_and_other_latents_are_refused(project, high):
    film = render.render(project / "own.yaml", "a.mp4", out_dir=project)[0]
    save(high, project / "runs" / "run-000030.safetensors")
    with pytest.raises(
        CheckpointError, match=r"models\.tuned: there are 3 files, and the film was made with 2"
    ):
        render.again(film)
    (project / "runs" / "run-000030.safetensors").unlink()
    shutil.copy(project / "latents" / "other.npz", project / "me.npz")
    with pytest.raises(CheckpointError, match=r"a\.mp4: me\.npz has the sha256 \w{64}, and the film was"):
        render.again(film)


def test_a_model_that_moved_is_named_anew(project, tmp_path):
    film = render.render(project / "own.yaml", "a.mp4", out_dir=project)[0]
    (project / "models" / "secret-low.safetensors").rename(tmp_path / "x.safetensors")
    with pytest.raises(
        CheckpointError, match=r"models\.base: .* does not exist.*; say where .* --set models"
    ):
        render.again(film)
    overrides = {"models.base": str(tmp_path / "x.safetensors")}
    with pytest.raises(PresetError, match=r"with other values it is another film; give it a name with --out"):
        render.again(film, overrides=overrides)
    [copy] = render.again(film, "b.mp4", out_dir=tmp_path, overrides=overrides)
    assert same_pictures(film, copy)


@pytest.mark.parametrize("name", KINDS)
def test_private_files_say_nothing(project, tmp_path, name):
    (tmp_path / "out").mkdir()
    [path] = render.render(project / "own.yaml", name, out_dir=tmp_path / "out", private=True)
    files = [path] if path.is_file() else list(path.iterdir())
    words = [
        "secret",
        "tuned",
        "models",
        "blendreel",
        "seeds",
        "safetensors",
        "npz",
        str(tmp_path),
        "project",
    ]
    told = [word for word in words for file in files if word.encode() in file.read_bytes().lower()]
    assert told == []
    assert read_tags(path).comment == ""
    with pytest.raises(PresetError, match="does not say how it was made: --private left that out"):
        render.again(path)


def test_the_words_of_a_private_file_are_in_another(project, tmp_path):
    """The test above would not find them otherwise."""
    [path] = render.render(project / "own.yaml", "a.mp4", out_dir=tmp_path)
    assert all(word in path.read_bytes() for word in (b"secret", b"models", b"npz"))
    assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x.pkl", "../project/x.pkl"),
        ("/home/ann/project/runs/*.pkl", "../project/runs/*.pkl"),
        ("~/nets/x.pkl", "../nets/x.pkl"),
        ("/home/bob/nets/x.pkl", "x.pkl"),
        ("/data/nets/x.pkl", "x.pkl"),
    ],
)
def test_names_tell_little_of_the_machine(monkeypatch, name, shown):
    monkeypatch.setenv("HOME", "/home/ann")
    project = Path("/home/ann/project")
    assert portable_name(name, project, Path("/home/ann/films")) == shown
    elsewhere = {"x.pkl": "~/project/x.pkl", "~/nets/x.pkl": "~/nets/x.pkl", "/data/nets/x.pkl": "nets/x.pkl"}
    if name in elsewhere:
        assert portable_name(name, project, Path("/data")) == elsewhere[name]
        assert portable_name(name, project, Path("/mnt/films")) == elsewhere[name].replace(
            "nets/x", "x", "~" not in elsewhere[name]
        )


def test_outputs_are_named_without_their_folders():
    names = ["a.mp4", "/home/ann/a.mp4", "../a.gif", "out/frames/%d.png", "frames/%d.png", "%d.png"]
    shown = ["a.mp4", "a.mp4", "a.gif", "frames/%d.png", "frames/%d.png", "%d.png"]
    assert [portable_output(name) for name in names] == shown


def test_secrets_in_urls_stay_here(preset):
    from render.preset.portable import portable_text, resolved_data

    models = {**preset.models, "net": {"file": "https://ann:pass@example.org/net.pkl", "sha256": "0" * 64}}
    changed = preset.replace(models=models)
    text = portable_text(changed, resolved_data(changed, changed.outputs[0]), Path("/films"))
    assert "https://example.org/net.pkl" in text
    assert "ann" not in text


def test_records_come_back_and_strangers_are_none():
    record = Record(
        "ti: tle",
        "1.2",
        "fast (bfloat16)",
        {"a b": {"x y.pkl": "0" * 64}},
        {"é.npz": "1" * 64},
        {"resolution": 64},
        "x\n---\ny\n",
    )
    text = record.tags().comment
    assert Record.read(text) == record
    assert Record.read(text.replace("title:", "titel:")) is None
    assert Record.read(text.replace("models:", "models: [")) is None
    assert Record.read(text.split("---")[0]) is None
    assert Record.read("Lavf60") is None
    assert Record.read("") is None


def test_the_command_does_the_same(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(preset.to_yaml())
    run = CliRunner().invoke
    assert run(main, ["render", "p.yaml", "-q", "-o", "a.gif"]).exit_code == 0
    done = run(main, ["render", "a.gif", "--again", "-o", "b.gif", "-q"])
    assert (done.exit_code, done.output) == (0, "")
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes().replace(b"title: b", b"title: a").replace(
        b"b.gif", b"a.gif"
    )
    assert run(main, ["render", "a.gif", "--again", "-q", "--private", "-o", "c.gif"]).exit_code == 0
    done = run(main, ["render", "c.gif", "--again"])
    assert done.exit_code == 2
    assert done.output == (
        "c.gif: does not say how it was made: --private left that out, another program made it, "
        "or a site that it passed through took it away\n"
    )
    done = run(main, ["check", "a.gif"])
    assert (done.exit_code, done.output) == (0, read_tags("a.gif").comment)
    done = run(main, ["check", "c.gif"])
    assert (done.exit_code, done.output) == (2, "c.gif says nothing of its making\n")
    done = run(main, ["render", "none.gif", "--again"])
    assert (done.exit_code, done.output) == (2, "none.gif: there is no such film\n")
    done = run(main, ["render", "p.yaml", "--again"])
    hint = "this is a preset, and films are made again; render it without --again"
    assert (done.exit_code, done.output) == (2, f"p.yaml: {hint}\n")
    assert run(main, ["render", "hello", "--again"]).output == f"hello: {hint}\n"


def test_a_film_that_was_packed_anew_by_ffmpeg_still_tells(preset, tmp_path):
    [film] = render.render(preset, "a.mp4", out_dir=tmp_path)
    command = [ffmpeg_path(), "-loglevel", "error", "-i", str(film), "-c", "copy", str(tmp_path / "b.mkv")]
    subprocess.run(command, check=True)
    assert record_of(tmp_path / "b.mkv") == record_of(film)


def test_a_film_of_many_segments_tells_as_well(preset, tmp_path):
    names = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "f/%d.png"]
    clip = render.render(preset, *names, out_dir=tmp_path, segment_frames=5)
    assert [record_of(path).preset.count("outputs") for path in clip] == [1] * 6
    assert same_pictures(clip[0], render.again(clip[0], "b.mp4", out_dir=tmp_path)[0])
    for path in render.render(preset, *names, out_dir=tmp_path / "p", segment_frames=5, private=True):
        assert read_tags(path).comment == ""


def test_another_precision_is_told(preset, tmp_path):
    [film] = render.render(preset.replace(precision="exact"), "a.gif", out_dir=tmp_path)
    assert "precision: exact" in record_of(film).preset
    words = (
        rf"{film}: was made with the precision exact \(float32\), and this is fast \(bfloat16\): its colours"
    )
    with pytest.warns(BlendreelWarning, match=words):
        render.again(film, "b.gif", out_dir=tmp_path, overrides={"precision": "fast"}, device="cpu")


def test_sound_and_its_beats_come_along(preset, tmp_path, monkeypatch):
    (tmp_path / "song.beats").write_text("".join(f"{0.5 + number / 4}\n" for number in range(8)))
    with wave.open(str(tmp_path / "song.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(48_000))
    text = preset.to_yaml().replace(
        "clip: {duration: 1s", "clip: {audio: {file: song.wav, start: 0.5s}, beats: song.beats, duration: 4b"
    )
    own = Preset.from_yaml(text, base_dir=tmp_path)
    [film] = render.render(own, "a.mp4", out_dir=tmp_path / "films")
    again = Retake.of(film).preset
    assert again.clock.beat_times == own.clock.beat_times
    assert again.clock.duration == own.clock.duration == 1
    assert again.clip.audio.file == "../song.wav"
    assert list(record_of(film).files) == ["../song.wav"]
    monkeypatch.chdir(tmp_path)
    [copy] = render.again(film, "b.mp4")
    assert facts_of(copy).audio == facts_of(film).audio == "aac"
    assert same_pictures(film, copy)
    (tmp_path / "song.wav").write_bytes(b"another")
    with pytest.raises(CheckpointError, match=r"song\.wav has the sha256"):
        render.again(film)
