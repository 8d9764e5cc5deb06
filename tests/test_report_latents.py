"""Files of latents, as `check` sees them: what they hold, what does not fit, and where it is written."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import make_network

from render.checkpoints.native import save
from render.errors import LatentError, PresetError
from render.preset import Preset
from tests.test_report import BLEND, CLIP, MODELS, line_with, text_of


@pytest.fixture
def latent_folder(tmp_path):
    """A folder with latents of tiny networks (8 numbers, 6 rows of ws), good ones and others."""
    random = np.random.default_rng(0)
    np.save(tmp_path / "three.npy", random.normal(size=(3, 8)).astype(np.float32))
    np.savez(tmp_path / "plus.npz", ws=random.normal(size=(1, 6, 8)).astype(np.float32))
    np.save(tmp_path / "wide.npy", np.zeros((1, 512), np.float32))
    (tmp_path / "broken.npy").write_bytes(b"no array at all")
    (tmp_path / "latents").mkdir()
    np.save(tmp_path / "latents" / "anna.npy", np.zeros(8, np.float32))
    return tmp_path


def test_files_of_latents_are_looked_at(sample_folder, latent_folder):
    text = text_of(
        f"{MODELS}{CLIP}latents: {{files: [three.npy, plus.npz, three.npy#1]}}\n{BLEND}", latent_folder
    )
    joined = " ".join(text.split())
    assert "walk three.npy (3 latents), plus.npz, three.npy#1 · spline in w · one every 1 s" in joined
    assert (
        "files three.npy: 3 latents of w, 8 numbers each plus.npz: 1 latent of w+, 6 rows of 8 numbers"
        in joined
    )
    text = text_of(f"{MODELS}{CLIP}latents: {{keys: [[0s, anna], [1s, 3]]}}\n{BLEND}", latent_folder)
    assert "anna at 0 s, seed 3 at 1 s" in text
    assert "anna: 1 latent of w, 8 numbers" in text


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        ("files: [three.npy, gone.npy]", r"latents\.files\[1\]: .*gone\.npy does not exist"),
        ("files: [broken.npy]", r"latents\.files\[0\]: broken\.npy is damaged, or not a NumPy array"),
        (
            "files: [wide.npy]",
            r"latents\.files\[0\]: wide\.npy holds 1 latent of w, 512 numbers, but .* take 8",
        ),
        (
            "files: [three.npy#3]",
            r"three\.npy#3: the file has 3 latents of w, 8 numbers each, counted from 0",
        ),
        (
            "keys: [[0s, 3], [1s, three.npy]]",
            r"latents\.keys\[1\]: three\.npy holds 3 .*; say which: three\.npy#0",
        ),
        ("keys: [[0s, ana]]", r"latents\.keys\[0\]: there is no latent called 'ana'; did you mean 'anna'"),
        ("files: [three.npy], path: slerp", r"three\.npy holds 3 .* slerp goes through z; use path: spline"),
        ("mixing: {files: [gone.npy], layers: 4+}", r"latents\.mixing\.files\[0\]: .*does not exist"),
        (
            "mixing: {seed: 3, layers: 9+}",
            r"latents\.mixing\.layers: there is no row 9\+; these networks have rows 0 to 5",
        ),
        ("directions: [{file: gone.npy}]", r"latents\.directions\[0\]\.file: .*does not exist"),
        (
            "directions: [{sefa: 8}]",
            r"latents\.directions\[0\]\.sefa: there are directions 0 to 7 here, not 8",
        ),
        ("labels: 3", r"latents\.labels: these networks have no classes; leave the key out"),
    ],
)
def test_latents_that_will_not_work_are_one_located_line(sample_folder, latent_folder, latents, message):
    with pytest.raises((LatentError, PresetError), match=message) as caught:
        text_of(f"{MODELS}{CLIP}latents: {{{latents}}}\n{BLEND}", latent_folder)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.exit_code == 2


def test_models_and_latents_are_wrong_at_once(sample_folder, tmp_path):
    models = MODELS.replace("sample:portrait", "lost.pkl")
    yaml = models + CLIP + BLEND + "latents: {files: [gone.npy]}\n"
    with pytest.raises(PresetError) as caught:
        text_of(yaml, tmp_path)
    starts = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert starts == ["models.portrait", "latents.files[0]"]


def test_what_these_networks_cannot_do_is_told(sample_folder, tmp_path):
    yaml = f"{MODELS}{CLIP}{BLEND}transform: {{zoom: 2}}\n"
    with pytest.raises(PresetError, match=r"transform: only StyleGAN3 can move its picture; .* StyleGAN2"):
        text_of(yaml)
    save(make_network(c_dim=3), tmp_path / "classes.safetensors")
    yaml = f"models: {{a: classes.safetensors}}\n{CLIP}latents: {{labels: [[0s, 1], [1s, 3, fade 1s]]}}\n"
    with pytest.raises(PresetError, match=r"latents\.labels: there is no class 3; .* classes 0 to 2"):
        text_of(yaml, tmp_path)
    text = text_of(yaml.replace("[1s, 3,", "[1s, 2,"), tmp_path)
    assert " ".join(line_with(text, "latents.labels")) == "latents.labels 1 2 2 keys, 1 fade"


def test_a_file_that_is_no_list_is_pointed_at_too():
    preset = Preset.from_yaml(f"{MODELS}{CLIP}latents: {{files: gone.npy}}\n{BLEND}", "preset.yaml")
    told = preset.pointed("latents.files[0]: gone.npy does not exist")
    assert told.splitlines()[0].endswith("latents.files[0]: gone.npy does not exist")
    assert told.splitlines()[1:] == ["    latents: {files: gone.npy}", " " * 21 + "^" * 8]
    assert preset.pointed("latents.files[1]: what?") == "latents.files[1]: what?"
