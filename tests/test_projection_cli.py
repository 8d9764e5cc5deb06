"""The command `blendreel project`: a photo goes in, latents come out, and a preset shows them."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from render.cli import main
from render.encoding import facts_of
from render.latents import load_latents
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
    pixels = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((48, 64)).save(folder / "me.jpg")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_photo_goes_in_and_a_preset_shows_it(here):
    done = run("project", "me.jpg", "me.jpg", "--model", "portrait", "--steps", 5, "-o", "us.npz")
    assert done.exit_code == 0, done.output
    assert "me.jpg: PSNR" in done.output
    assert "loss" in done.stderr
    assert load_latents("us.npz").values.shape == (2, 6, 8)
    with Image.open("us.png") as picture:
        assert picture.width > 400
    text = CLIP.replace("{seeds: [3, 14, 15]}", "{files: us.npz, every: 0.5s}")
    (here / "clip.yaml").write_text(text)
    done = run("render", "clip.yaml", "-o", "clip.mp4", "-q")
    assert done.exit_code == 0, done.output
    assert facts_of("clip.mp4").frames == 13
    (here / "clip.yaml").write_text(
        CLIP.replace("{seeds: [3, 14, 15]}", "{keys: [[0s, us.npz#1], [50%, 7]]}")
    )
    assert run("check", "clip.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["no.jpg", "--model", "portrait"], "no.jpg: there is no such file"),
        (["me.jpg", "--model", "portrat"], "portrat does not exist"),
        (["me.jpg", "--model", "sample:portrat"], "did you mean sample:portrait"),
        (["me.jpg", "--model", "portrait", "-o", "me.txt"], "name it me.npz"),
        (["me.jpg", "--model", "portrait", "--device", "tpu"], "there is no device 'tpu' here"),
    ],
)
def test_mistakes_are_one_line(here, arguments, text):
    done = run("project", *arguments)
    assert done.exit_code == 2
    assert text in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not list(here.glob("*.npz"))


def test_an_older_file_survives_a_mistake(here):
    assert run("project", "me.jpg", "--model", "portrait", "--steps", 1, "-q").exit_code == 0
    before = (here / "me.npz").read_bytes()
    assert run("project", "no.jpg", "--model", "portrait").exit_code == 2
    assert (here / "me.npz").read_bytes() == before
