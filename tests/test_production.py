"""From preset to files: the right files, complete, at the right rates, from frames rendered once."""

from __future__ import annotations

from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import render
from render import production
from render.encoding import KNOWN_EXTENSIONS, open_writer
from render.encoding.gif import GifWriter
from render.errors import EncodingError, PresetError
from render.preset import FORMATS, Preset, load_output
from tests.conftest import CLIP


def gif_facts(path):
    """Number of frames, milliseconds a frame, and size."""
    with Image.open(path) as gif:
        return gif.n_frames, gif.info["duration"], gif.size


def test_the_presets_outputs_are_written_and_counted(preset, tmp_path):
    seen = []
    paths = render.render(preset, out_dir=tmp_path / "new", progress=lambda *state: seen.append(state))
    assert [path.name for path in paths] == ["clip.mp4", "clip.gif"]
    assert imageio_ffmpeg.count_frames_and_secs(str(paths[0]))[0] == 13
    assert gif_facts(paths[1]) == (13, 80, (56, 16))
    # Both play at 12.5 frames a second, so each frame was rendered once for both.
    assert seen == [(done, 13) for done in range(1, 14)]
    assert not list(tmp_path.glob("new/*.part"))


def test_a_moment_that_two_rates_show_is_drawn_once(preset, tmp_path):
    seen = []
    clip = preset.clip.replace(fps=Fraction(25))
    outputs = ({"file": "a.mp4"}, {"file": "a.gif", "fps": 12.5, "dither": 0})
    preset = preset.replace(clip=clip.replace(duration="2s"), outputs=outputs)
    mp4, gif = render.render(preset, out_dir=tmp_path, progress=lambda *state: seen.append(state))
    assert seen[-1] == (50, 50)
    assert imageio_ffmpeg.count_frames_and_secs(str(mp4))[0] == 50
    assert gif_facts(gif)[:2] == (25, 80)
    with Image.open(gif) as pictures:
        pictures.seek(11)
        shown = np.asarray(pictures.convert("RGB")).astype(int)
    frame = next(render.frames(preset, 22, 23))
    assert np.abs(shown - frame).mean() < 3


def test_a_gif_shows_the_timeline_at_a_rate_it_can_keep(preset, tmp_path):
    clip = preset.clip.replace(fps=Fraction(30))
    paths = render.render(preset.replace(clip=clip), out_dir=tmp_path)
    assert imageio_ffmpeg.count_frames_and_secs(str(paths[0]))[0] == 30
    assert gif_facts(paths[1]) == (25, 40, (56, 16))


@given(fps=st.fractions(Fraction(1, 200), 1200, max_denominator=1_002_000) | st.integers(1, 1200))
@settings(deadline=None, max_examples=80)
def test_a_rate_that_a_preset_takes_is_one_that_the_encoder_takes(fps):
    for name in ("a.mp4", "a.gif"):
        try:
            rate = load_output({"file": name, "fps": str(fps)}).rate(Fraction(30))
        except PresetError:
            if name == "a.gif":  # what a GIF plays is another rate: the one asked for may still be wrong
                continue
            with pytest.raises(EncodingError, match="frame rate"):
                open_writer(name, width=8, height=8, fps=fps)
            continue
        assert open_writer(name, width=8, height=8, fps=rate).fps == rate <= fps


def test_a_named_file_replaces_the_outputs_and_keeps_its_settings(preset):
    jobs = production.plan(
        preset.replace(outputs=({"file": "a.gif", "colors": 7},)), ["a.gif", "b.mp4"], "out"
    )
    assert [(str(job.path), job.fps) for job in jobs] == [
        ("out/a.gif", Fraction(25, 2)),
        ("out/b.mp4", Fraction(25, 2)),
    ]
    assert jobs[0].settings == {"colors": 7, "dither": 0.15, "loop": True}
    assert jobs[1].settings == {"preset": "medium"}


def test_presets_name_every_kind_of_file_that_can_be_written(preset, tmp_path):
    assert FORMATS.keys() == KNOWN_EXTENSIONS.keys()
    [path] = render.render(preset, "clip.mov", out_dir=tmp_path)
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 13


@pytest.mark.parametrize("name", ["./a.gif", "sub/../a.gif", "a.gif", "~/a.gif"])
def test_a_file_is_known_however_it_is_spelled(preset, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = name if name.startswith("~") else "a.gif"
    given = preset.replace(outputs=({"file": file, "colors": 7},))
    [job] = production.plan(given, [name], tmp_path)
    assert job.path.resolve() == (tmp_path / "a.gif").resolve()
    assert job.settings["colors"] == 7
    [job] = production.plan(given, (), tmp_path)
    assert job.path == tmp_path / "a.gif"


def test_a_width_scales_the_frames(preset, tmp_path):
    [path] = render.render(preset.replace(outputs=({"file": "a.gif", "width": 112},)), out_dir=tmp_path)
    assert gif_facts(path)[2] == (112, 32)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a.mp4", "./a.mp4"], "two outputs have the name"),
        (
            ["a.mp5"],
            r"'a\.mp5' has the unknown extension \.mp5; known: \.mp4, \.webm, \.mov, \.mkv, \.gif, \.webp, "
            r"\.apng, \.avif, and frames/%05d\.png for pictures; did you mean a\.mp4\?",
        ),
        (["a"], "has no extension"),
        (["~nobody-of-this-name/a.gif"], "there is no such user's folder"),
    ],
)
def test_files_that_make_no_sense_are_refused_before_anything_is_rendered(preset, files, message):
    with pytest.raises(PresetError, match=message):
        production.plan(preset, files)


def test_a_preset_without_outputs_asks_for_one(preset):
    with pytest.raises(PresetError, match="names no outputs"):
        production.plan(preset.replace(outputs=()))


def test_a_failing_render_leaves_the_old_file_alone(preset, tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").write_bytes(b"old")

    def fail_late(self, moments):
        yield np.zeros([16, 56, 3], np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr(production.Renderer, "frames", fail_late)
    with pytest.raises(KeyboardInterrupt):
        render.render(preset, out_dir=tmp_path)
    assert (tmp_path / "clip.mp4").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "samples"]


def test_a_bad_place_is_found_out_before_the_first_frame(preset, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(production.Renderer, "frames", lambda self, moments: pytest.fail("a frame was drawn"))
    outputs = ({"file": "a.mp4"}, {"file": "file/b.gif", "fps": 10})
    with pytest.raises(EncodingError, match="file"):
        render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    assert not list(tmp_path.glob("a.mp4*"))


def test_a_file_that_fails_at_its_end_leaves_the_others_whole(preset, tmp_path, monkeypatch):
    def fail(self):
        raise EncodingError(f"{self.path}: no")

    monkeypatch.setattr(GifWriter, "_end", fail)
    with pytest.raises(EncodingError, match=r"clip\.gif: no"):
        render.render(preset, out_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "samples"]


def test_a_folder_that_cannot_be_written_is_an_encoding_error(preset, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EncodingError, match="file"):
        render.render(preset, out_dir=tmp_path / "file")


def test_the_preset_may_be_given_as_a_path(sample_folder, tmp_path):
    path = tmp_path / "clip.yaml"
    path.write_text(CLIP)
    assert render.render(path, "only.gif", out_dir=tmp_path) == [tmp_path / "only.gif"]
    assert Preset.load(path).outputs[0].file == "clip.mp4"
