"""The command `blendreel project`: a photo goes in, latents come out, and a preset shows them."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from render.checkpoints.native import save
from render.cli import main
from render.encoding import facts_of, open_writer, read_tags
from render.latents import load_latents
from render.preset import Preset
from render.projection import optimise
from render.scene import Scene
from tests.conftest import CLIP


@pytest.fixture
def here(tmp_path, monkeypatch, sample_folder):
    """A folder to work in with a photo in it, and a cache of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BLENDREEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("render.projection.start.MOST", 32)
    monkeypatch.setattr("render.projection.start.LEAST", 32)
    monkeypatch.setattr("render.commands.photographs.TUNING_STEPS", 5)
    pixels = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((48, 64)).save(folder / "me.jpg")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_photo_goes_in_and_a_preset_shows_it(here):
    done = run("project", "me.jpg", "me.jpg", "--model", "sample:portrait", "--steps", 5, "-o", "us.npz")
    assert done.exit_code == 0, done.output
    assert "me.jpg: PSNR" in done.output
    assert done.stdout.endswith("in a preset: latents: {files: us.npz}\n")
    assert "loss" in done.stderr
    assert load_latents("us.npz").values.shape == (2, 6, 8)
    with Image.open("us.png") as picture:
        assert picture.width > 400
    text = CLIP.replace("{seeds: [3, 14, 15]}", "{files: us.npz, every: 0.5s}")
    (here / "clip.yaml").write_text(text)
    done = run("render", "clip.yaml", "-o", "clip.mp4", "-q")
    assert done.exit_code == 0, done.output
    assert facts_of("clip.mp4").frames == 13
    for latents in (
        "{files: us.npz, mixing: {seeds: [3, 4], layers: 3+}}",
        "{keys: [[0s, seed 3], [50%, us.npz#0]]}",
    ):
        (here / "clip.yaml").write_text(CLIP.replace("{seeds: [3, 14, 15]}", latents))
        assert run("check", "clip.yaml").exit_code == 0
    (here / "clip.yaml").write_text(
        CLIP.replace("{seeds: [3, 14, 15]}", "{keys: [[0s, us.npz#1], [50%, 7]]}")
    )
    assert run("check", "clip.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["no.jpg", "--model", "sample:portrait"], "no.jpg: there is no such file"),
        (["me.jpg", "--model", "portrat"], "portrat does not exist"),
        (["me.jpg", "--model", "sample:portrat"], "did you mean sample:portrait"),
        (["me.jpg", "--model", "sample:portrait", "-o", "me.txt"], "name it me.npz"),
        (["me.jpg", "--model", "sample:portrait", "--device", "tpu"], "there is no device 'tpu' here"),
    ],
)
def test_mistakes_are_one_line(here, arguments, text):
    done = run("project", *arguments)
    assert done.exit_code == 2
    assert text in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not list(here.glob("*.npz"))


def test_an_older_file_survives_a_mistake(here):
    assert run("project", "me.jpg", "--model", "sample:portrait", "--steps", 1, "-q").exit_code == 0
    before = (here / "me.npz").read_bytes()
    assert run("project", "no.jpg", "--model", "sample:portrait").exit_code == 2
    assert (here / "me.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["project", "me.png", "--model", "sample:portrait"], "me"),
        (["project", "me.png", "--model", "sample:portrait", "-o", "../here/me.npz"], "../here/me"),
        (["toonify", "me.png", "--preset", "toon.yaml", "-o", "me.mp4", "--no-tune"], "me"),
    ],
)
def test_a_photo_called_like_the_picture_is_left_alone(here, arguments, name):
    with Image.open("me.jpg") as photo:
        photo.save("me.png")
    (here / "toon.yaml").write_text(CLIP)
    before = (here / "me.png").read_bytes()
    for _ in range(2):  # and again over its own results
        done = run(*arguments, "--steps", 1)
        assert done.exit_code == 0, done.output
        assert f"{name}-projected.png" in done.output
    assert (here / "me.png").read_bytes() == before


def test_what_is_read_is_never_written_over_not_even_by_force(here, low):
    save(low, here / "net.safetensors")
    (here / "toon.yaml").write_text(CLIP)
    (here / "marks.npz").write_text("20,30 28,30 24,35 21,42 27,42")
    project = ("project", "me.jpg", "--model", "net.safetensors", "--steps", 1, "-q", "--force")
    for arguments, name in (
        ((*project, "-o", "net.npz", "--tune"), "net.safetensors"),
        ((*project, "-o", "x.npz", "--video", "me.jpg"), "me.jpg"),
        ((*project, "-o", "marks.npz", "--landmarks", "marks.npz"), "marks.npz"),
        (("toonify", "me.jpg", "--preset", "toon.yaml", "-o", "toon.mp4", "--force"), "toon.yaml"),
    ):
        before = (here / name).read_bytes()
        done = run(*arguments)
        assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
        assert f"{name} is read, and would be written over; choose another name" in done.output
        assert (here / name).read_bytes() == before


def test_only_results_of_the_same_photos_and_network_are_replaced(here, low):
    save(low, here / "net.safetensors")
    with Image.open("me.jpg") as photo:
        photo.rotate(90).save("friend.jpg")
    common = ("--steps", 1, "-q", "-o", "us.npz")
    us = ("project", "me.jpg", "friend.jpg", "--model", "sample:portrait", "--tune", *common)
    assert run(*us).exit_code == 0
    assert run(*us, "--seed", 3, "--space", "w").exit_code == 0
    names = ("us.npz", "us.png", "us.safetensors")
    before = [(here / name).read_bytes() for name in names]
    for other in (
        ("project", "friend.jpg", "me.jpg", "--model", "sample:portrait", "--tune", *common),
        ("project", "me.jpg", "friend.jpg", "--model", "net.safetensors", "--tune", *common),
    ):
        done = run(*other)
        assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
        assert "us.npz, us.png, us.safetensors exist already, and are no untouched results" in done.output
        assert "choose another name with -o, or replace them with --force" in done.output
        assert [(here / name).read_bytes() for name in names] == before
    assert run(*other, "--force").exit_code == 0
    assert [(here / name).read_bytes() for name in names] != before


@pytest.mark.parametrize("end", [".npz", ".png", ".safetensors", ".yaml", ".mp4"])
@pytest.mark.parametrize("text", [b"", b"mine", b"PK\x05\x06" + bytes(18)])
def test_toonify_leaves_the_files_of_others(here, end, text):
    (here / "toon.yaml").write_text(CLIP)
    (here / f"x{end}").write_bytes(text)
    command = ("toonify", "me.jpg", "--preset", "toon.yaml", "--steps", 1, "-q", "-o", "x.mp4")
    done = run(*command)
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert f"x{end} exists already, and is no untouched result of the same photos" in done.output
    assert (here / f"x{end}").read_bytes() == text
    assert sorted(path.name for path in here.glob("x*")) == [f"x{end}"]


def test_toonify_makes_film_preset_and_all_the_rest(here):
    preset = (
        "models: {ukiyoe: {snapshots: sample:ukiyoe}, portrait: sample:portrait}\n"
        "clip: {duration: 0.4s, fps: 25}\n"
        "blend: {low: ukiyoe, high: portrait, swap: 8}\n"
        "panels: [high, blend]\n"
    )
    (here / "sub").mkdir()
    (here / "sub" / "toon.yaml").write_text(preset)
    command = ("toonify", "me.jpg", "--preset", "sub/toon.yaml", "--steps", 3, "--set", "clip.fps=10")
    done = run(*command)
    assert done.exit_code == 0, done.output
    assert "look at me-toon.png: what the network cannot draw is missing there\n" in done.output
    names = {path.name for path in here.iterdir() if path.name.startswith("me-toon")}
    assert names == {f"me-toon{end}" for end in (".mp4", ".npz", ".png", ".safetensors", ".yaml")}
    assert facts_of("me-toon.mp4").frames == 4
    assert facts_of("me-toon.mp4").width == 36
    text = (here / "me-toon.yaml").read_text()
    assert "portrait: me-toon.safetensors" in text
    assert "me-toon.npz" in text
    (here / "me-toon.mp4").unlink()
    assert run("render", "me-toon.yaml", "-q").exit_code == 0
    assert facts_of("me-toon.mp4").frames == 4
    again = run(*command, "--private")  # over its own results, and over a film that says nothing
    assert again.exit_code == 0, again.output
    assert run(*command, "--set", "clip.fps=5").exit_code == 0
    assert facts_of("me-toon.mp4").frames == 2
    text = (here / "me-toon.yaml").read_text().replace("0.4s", "0.8s")
    (here / "me-toon.yaml").write_text(text)
    refused = run(*command)
    assert refused.exit_code == 2
    assert refused.output.startswith(
        "me-toon.yaml was changed since toonify wrote it; blendreel render me-toon.yaml makes its film; "
    )
    assert "mp4" not in refused.output
    assert (here / "me-toon.yaml").read_text() == text
    assert run(*command, "--force", "-q").exit_code == 0
    assert "0.8s" not in (here / "me-toon.yaml").read_text()


def test_toonify_without_tuning_writes_no_network(here):
    (here / "toon.yaml").write_text(CLIP)
    done = run("toonify", "me.jpg", "--preset", "toon.yaml", "--steps", 2, "--no-tune", "-o", "x.gif", "-q")
    assert done.exit_code == 0, done.output
    assert not (here / "x.safetensors").exists()
    assert facts_of("x.gif").frames == 13
    assert done.output == ""


TWO = (
    "models: {a: sample:ukiyoe, b: sample:ukiyoe}\nclip: {duration: 1s}\nblend: {low: a, high: b, swap: 8}\n"
)
ONE = "models: {a: none.pkl}\nclip: {duration: 1s}\n"


@pytest.mark.parametrize(
    ("preset", "arguments", "text"),
    [
        (CLIP, ["--model", "portrat"], "the preset has no such model; did you mean 'portrait'?"),
        (TWO, [], "say which one draws photographs: --model, one of a, b"),
        (ONE, [], "none.pkl does not exist"),
    ],
)
def test_toonify_tells_what_it_cannot_choose(here, preset, arguments, text):
    (here / "toon.yaml").write_text(preset)
    done = run("toonify", "me.jpg", "--preset", "toon.yaml", *arguments)
    assert done.exit_code == 2
    assert text in done.output


def test_a_private_film_does_not_tell_the_names_of_photos(here):
    (here / "toon.yaml").write_text(CLIP)
    for name, private in (("open", ()), ("shut", ("--private",))):
        command = ("toonify", "me.jpg", "--preset", "toon.yaml", "--steps", 1, "--no-tune", "-q")
        assert run(*command, "-o", f"me-{name}.mp4", *private).exit_code == 0
    assert "me-open" in read_tags("me-open.mp4").comment
    assert not read_tags("me-shut.mp4").comment


def test_the_search_is_filmed(here):
    done = run(
        "project",
        "me.jpg",
        "--model",
        "sample:portrait",
        "--steps",
        7,
        "--video",
        "search.mp4",
        "--no-picture",
    )
    assert done.exit_code == 0, done.output
    facts = facts_of("search.mp4")
    assert (facts.frames, facts.width, facts.height) == (7, 16, 32)
    assert not (here / "me.png").exists()


@pytest.fixture
def clip(here):
    """A film of four frames."""
    pixels = np.random.default_rng(1).integers(0, 255, (4, 16, 16, 3)).astype(np.uint8)
    with open_writer(here / "clip.mkv", width=16, height=16, fps=8, codec="ffv1") as writer:
        for frame in pixels:
            writer.write(frame)
    return here / "clip.mkv"


def test_a_film_is_projected_and_a_preset_plays_it_at_its_own_rate(here, clip):
    done = run("project", clip, "--model", "sample:portrait", "--steps", 3, "-o", "clip.npz")
    assert done.exit_code == 0, done.output
    assert "4 frames, 8 a second" in done.output
    assert "latents: {files: clip.npz, every: 1/8s, path: linear}" in done.output
    with np.load("clip.npz") as arrays:
        assert arrays["w"].shape == (4, 6, 8)
        assert list(arrays["fps"]) == [8, 1]


def test_a_film_is_toonified_frame_by_frame(here, clip):
    (here / "toon.yaml").write_text(CLIP)
    done = run("toonify", clip, "--preset", "toon.yaml", "--steps", 3, "--no-tune", "-o", "x.mp4")
    assert done.exit_code == 0, done.output
    assert (facts_of("x.mp4").frames, facts_of("x.mp4").fps) == (4, 8)
    preset = Preset.load("x.yaml")
    scene = Scene.open(preset)
    ws = load_latents("x.npz").values
    for index, moment in enumerate(scene.moments()):
        np.testing.assert_allclose(moment.pictures[0].ws, ws[index], atol=1e-5)


def test_latents_are_called_after_the_photo_and_a_still_gif_is_one(here):
    with Image.open("me.jpg") as photo:
        photo.convert("P").save("still.gif")
    assert run("project", "still.gif", "me.jpg", "--model", "sample:portrait", "--steps", 1).exit_code == 0
    assert len(load_latents("still.npz")) == 2
    (here / "frames").mkdir()
    with Image.open("me.jpg") as photo:
        photo.save("frames/1.png")
    assert run("project", "frames", "--model", "sample:portrait", "--steps", 1, "-q").exit_code == 0
    assert (here / "frames.npz").is_file()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["me.jpg", "clip.mkv"], "clip.mkv is a film; a film is projected by itself"),
        (["clip.mkv", "--video", "x.mp4"], "the search for a film is not filmed"),
        (["clip.mkv", "--fps", "5"], "has a frame rate of its own"),
        (["me.jpg", "--fps", "5"], "--fps is for a folder of frames"),
        ([".", "--fps", "fast"], "--fps: "),
        (["me.jpg", "--points", "1", "--points", "2"], "--points is given 2 times for one photo"),
        (["me.jpg", ""], "the name of a photo is empty"),
        (["me.jpg", "-o", "me.jpg/x.npz"], "me.jpg/x.npz: cannot be written: me.jpg is no folder"),
        (["me.jpg", "--points", "1 2 3 4"], "2 points given; wanted are 5"),
        (["me.jpg", "--points", "1 2", "--align"], "give one of --align, --landmarks, --points"),
        (
            ["me.jpg", "me.jpg", "--landmarks", "a.txt"],
            "--landmarks is given once for 2 photos; give it",
        ),
        (["me.jpg", "--landmarks", "a.txt"], "a.txt: can't be read: No such file"),
        (["me.jpg", "--perceptual", "a.pth"], "there is no such file; vgg16 fetches"),
    ],
)
def test_mistakes_about_films_and_faces_are_one_line(here, clip, arguments, text):
    done = run("project", *arguments, "--model", "sample:portrait", "--steps", 1, "-q")
    assert done.exit_code == 2
    assert text in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_points_crop_the_face(here):
    points = "20,30 28,30 24,35 21,42 27,42"
    done = run("project", "me.jpg", "--model", "sample:portrait", "--steps", 2, "--points", points, "-q")
    assert done.exit_code == 0, done.output
    plain = (here / "me.npz").read_bytes()
    assert run("project", "me.jpg", "--model", "sample:portrait", "--steps", 2, "-q").exit_code == 0
    assert (here / "me.npz").read_bytes() != plain


def test_the_first_batch_is_filmed(here, monkeypatch):
    monkeypatch.setitem(optimise.PIXELS_AT_ONCE, "cpu", 2 * 16**2)
    photos = ["me.jpg"] * 3
    done = run("project", *photos, "--model", "sample:portrait", "--steps", 4, "--video", "s.mkv", "-q")
    assert done.exit_code == 0, done.output
    assert (facts_of("s.mkv").frames, facts_of("s.mkv").width) == (4, 32)
