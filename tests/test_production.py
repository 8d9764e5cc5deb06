"""From preset to files: the right files, complete, at the right rates, from frames rendered once."""

from __future__ import annotations

import re
import subprocess
import wave
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import render
from render import production
from render.commands.steps import announce
from render.encoding import (
    KNOWN_EXTENSIONS,
    Audio,
    container_of,
    facts_of,
    hardware,
    open_writer,
    target_of,
    targets,
)
from render.encoding import codecs as encoders
from render.encoding.gif import GifWriter
from render.errors import BlendreelWarning, EncodingError, PresetError
from render.preset import FORMATS, AnimationOutput, Preset, load_output
from render.preset.formats import CLEAR, CODECS, CONTAINERS, ENCODERS, PLACES
from render.preset.outputs import name_pattern
from tests.conftest import CLIP


@pytest.fixture
def song(tmp_path):
    """Two seconds of a hum."""
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((9000 * np.sin(np.arange(16_000) / 6)).astype("<i2").tobytes())
    return path


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


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
    assert jobs[0].settings == {"colors": 7, "dither": 0.15, "palette": "frame", "loop": True}
    assert jobs[1].settings == {"bits": 8, "preset": "medium", "encoder": "software"}


def test_another_name_has_the_settings_of_the_first_output_of_its_extension(preset):
    outputs = ({"file": "a.gif", "for": "discord", "colors": 7}, {"file": "b.gif", "colors": 9}, "c.mp4")
    files = ["e.GIF", "b.gif", "f.webm"]
    other, same, none = production.plan(preset.replace(outputs=outputs), files, "out")
    assert (str(other.path), other.settings["colors"], other.budget) == ("out/e.GIF", 7, 10_000_000)
    assert (other.output.file, same.settings["colors"], same.budget) == ("e.GIF", 9, None)
    assert none.settings == {"bits": 8, "preset": "medium", "encoder": "software"}
    with pytest.raises(PresetError, match="need a folder of their own"):
        production.plan(preset.replace(outputs=("x/%d.png",)), ["%d.png"])


def test_presets_name_every_kind_of_file_that_can_be_written(preset, tmp_path):
    assert FORMATS.keys() == KNOWN_EXTENSIONS.keys()
    names = [f"clip{suffix}" for suffix in FORMATS] + ["pictures/%03d.png"]
    paths = render.render(preset, *names, out_dir=tmp_path)
    assert [path.name for path in paths] == [*names[:-1], "pictures"]
    frames = list(render.frames(preset))
    for path in paths[:4]:  # what ffmpeg counts
        assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 13
    for path in paths[4:-1]:  # what Pillow counts
        with Image.open(path) as picture:
            assert picture.n_frames == 13
    pictures = sorted(paths[-1].iterdir())
    assert [picture.name for picture in pictures] == [f"{index:03d}.png" for index in range(13)]
    assert all(np.array_equal(pixels(file), frame) for file, frame in zip(pictures, frames, strict=True))


def test_presets_and_encoders_know_the_same_files():
    for suffix, codecs in CONTAINERS.items():
        name = f"a/%d{suffix}" if suffix == ".png" else f"a{suffix}"
        assert codecs == container_of(name).make.keywords["codecs"] if suffix != ".png" else ("png",)
        for codec in codecs:
            wanted = {"codec": codec} if len(codecs) > 1 else {}
            for bits in CODECS[codec].bits:
                output = load_output({"file": name, "bits": bits, **wanted})
                writer = open_writer(name, width=31, height=17, fps=25, bits=bits, **wanted)
                assert writer.coded_size == output.size((31, 17))
    assert CODECS.keys() == encoders.CODECS.keys()
    for suffix, codecs in CLEAR.items():
        for codec in codecs:
            for bits in CODECS[codec].clear_bits:
                named = {"codec": codec} if len(CONTAINERS[suffix]) > 1 else {}
                name = f"a/%d{suffix}" if suffix == ".png" else f"a{suffix}"
                options = {"width": 32, "height": 32, "fps": 25, "bits": bits, **named}
                assert open_writer(name, transparent=True, **options).codec.name == codec
                assert load_output({"file": name, "transparent": True, "bits": bits, **named}).transparent
    for suffix in CONTAINERS.keys() - CLEAR.keys():
        assert not container_of(f"a{suffix}").make.keywords["clear_codecs"]
    for name, codec in CODECS.items():
        assert set(codec.clear_bits) == encoders.CODECS[name].clear.keys()
        assert (codec.title, codec.worst_crf) == (encoders.CODECS[name].title, encoders.CODECS[name].max_crf)
        assert set(codec.bits) == encoders.CODECS[name].pixels.keys()
        assert codec.usual_bits == (8 if encoders.CODECS[name].is_rgb else encoders.CODECS[name].deep_bits)
    assert hardware.ENCODERS == ENCODERS
    assert set(PLACES) == targets().keys()


@pytest.mark.parametrize(
    "name", ["f/%05d.png", "f/a%d.png", "f/a%3d.png", "f/%d.mp4", "%d/a.gif", "f%d.webp"]
)
def test_a_name_means_the_same_to_presets_and_encoders(name):
    assert isinstance(load_output(name), FORMATS.get(name[-4:].lower(), AnimationOutput))
    assert container_of(name).make is not None
    assert bool(re.search(name_pattern(), name))


def test_settings_reach_the_encoder(preset, tmp_path, song):
    output = {"file": "a.mov", "codec": "hevc", "bits": 10, "crf": 30, "speed": "fast", "audio": str(song)}
    [job] = production.plan(preset.replace(outputs=(output,)), (), tmp_path)
    assert job.settings == {
        "codec": "hevc",
        "crf": 30,
        "bits": 10,
        "preset": "fast",
        "encoder": "software",
        "audio": Audio(song, Fraction(0), Fraction(0)),
    }
    [path] = render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    facts = facts_of(path)
    assert (facts.codec, facts.pixels, facts.audio, facts.frames) == ("hevc", "yuv420p10le", "aac", 13)


@pytest.mark.parametrize(
    ("output", "bits"),
    [
        ({"file": "a.mp4"}, 8),
        ({"file": "a.mp4", "codec": "hevc"}, 10),
        ({"file": "a.mp4", "codec": "hevc", "bits": 8}, 8),
        ({"file": "a.mp4", "codec": "hevc", "for": "instagram-reels"}, 8),
        ({"file": "a.mp4", "codec": "av1", "for": "web"}, 10),
        ({"file": "a.mov", "codec": "prores4444"}, 10),
        ({"file": "a.webm"}, 8),
        ({"file": "a.avif"}, 10),
        ({"file": "a.mkv"}, 8),
        ({"file": "a/%d.png", "bits": 16}, 16),
        ({"file": "a.gif"}, None),
    ],
)
def test_ten_bits_where_they_cost_nothing(preset, output, bits):
    [job] = production.plan(preset.replace(outputs=(output,)))
    assert job.settings.get("bits") == bits
    assert job.writer((64, 48), 9).path == job.path


@pytest.mark.parametrize(
    ("outputs", "bits"),
    [
        (["a.mp4"], 16),
        (["a.gif"], 8),
        (["a.gif", "a.webp", "b/%d.png", "a.apng", "a.mkv"], 8),
        (["a.gif", {"file": "a.avif", "bits": 8}], 16),
        ([{"file": "a/%d.png", "bits": 16}], 16),
    ],
)
def test_frames_are_as_deep_as_the_files_make_something_of(preset, tmp_path, monkeypatch, outputs, bits):
    found = set()
    draw = production.Renderer.frames
    monkeypatch.setattr(
        production.Renderer, "frames", lambda self, *a: found.add(self.bits) or draw(self, *a)
    )
    render.render(preset.replace(outputs=tuple(outputs)), out_dir=tmp_path)
    assert found == {bits}


def test_files_of_every_depth_come_from_the_same_frames(preset, tmp_path):
    """8 bits are the rounding of 16, whether they are drawn with deeper files or alone."""
    outputs = (
        {"file": "deep.mkv", "bits": 16},
        *("plain.apng", "a.gif", {"file": "deep/%d.png", "bits": 16, "width": 112}),
        {"file": "small.mp4", "codec": "hevc", "budget": "1 MB"},
    )
    made = render.render(preset.replace(outputs=outputs), out_dir=tmp_path / "all")
    [plain] = render.render(preset, "plain.apng", out_dir=tmp_path / "alone")
    [gif] = render.render(preset, "a.gif", out_dir=tmp_path / "alone")
    assert made[2].read_bytes() == gif.read_bytes()
    with Image.open(made[1]) as one, Image.open(plain) as two:
        for index in range(13):
            one.seek(index)
            two.seek(index)
            np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    frames = np.stack(list(render.frames(preset, bits=16)))
    command = [encoders.ffmpeg_path(), "-v", "error", "-i", str(made[0]), "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb48le", "-"], check=True, capture_output=True).stdout
    np.testing.assert_array_equal(np.frombuffer(raw, np.uint16).reshape(frames.shape), frames)
    assert len(np.unique(frames)) > 1000
    assert facts_of(made[4]).pixels == "yuv420p10le"


def test_a_sound_is_looked_for_beside_the_preset_and_cut_by_its_clock(preset, tmp_path):
    audio = {"file": "song.mp3", "start": "2b", "fade": "6f"}
    outputs = ({"file": "a.mp4", "audio": audio}, "b.mp4")
    [job, other] = production.plan(preset.replace(outputs=outputs, clip={"duration": "1s", "bpm": 60}))
    assert job.audio == Audio(preset.base_dir / "song.mp3", Fraction(2), Fraction(1, 5))
    assert other.audio is None


def test_the_sound_of_the_clip_goes_with_every_film_that_has_no_other(preset, tmp_path):
    outputs = ("a.mp4", {"file": "b.webm", "audio": "b.ogg"}, {"file": "c.mov", "audio": False}, "d.gif")
    clip = {"duration": "1s", "audio": {"file": "song.mp3", "start": "2s", "fade": "50%"}}
    changed = preset.replace(outputs=outputs, clip=clip)
    sounds = [job.audio for job in production.plan(changed)]
    mine = Audio(preset.base_dir / "song.mp3", Fraction(2), Fraction(1, 2))
    assert sounds == [mine, Audio(preset.base_dir / "b.ogg"), None, None]
    assert production.plan(changed, ["e.mkv"])[0].audio == mine


def test_a_missing_sound_is_found_out_before_the_first_frame(preset, tmp_path, monkeypatch):
    monkeypatch.setattr(production.Renderer, "frames", lambda self, moments: pytest.fail("a frame was drawn"))
    for more in ({}, {"budget": "1 MB"}):
        output = {"file": "a.mp4", "audio": "none.mp3", **more}
        with pytest.raises(EncodingError, match=r"there is no file .*none\.mp3"):
            render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    assert not list(tmp_path.glob("*a.mp4*"))


def test_another_shape_is_padded_cropped_or_stretched(preset, tmp_path):
    size = {"width": 56, "height": 56}
    outputs = [
        {"file": f"{fit}/%d.png", "fit": fit, "background": "#ff0000" if fit == "pad" else None, **size}
        for fit in ("pad", "crop", "stretch")
    ]
    outputs = [{key: value for key, value in output.items() if value is not None} for output in outputs]
    render.render(preset.replace(outputs=(*outputs, {"file": "tall/%d.png", "height": 32})), out_dir=tmp_path)
    frame = next(render.frames(preset))
    padded, cropped, stretched = (pixels(tmp_path / fit / "0.png") for fit in ("pad", "crop", "stretch"))
    assert padded.shape == cropped.shape == stretched.shape == (56, 56, 3)
    assert (padded[[0, 19, 36, 55]] == [255, 0, 0]).all()
    assert np.array_equal(padded[20:36], frame)
    assert cropped.std(axis=(0, 1)).min() > 0
    assert not np.array_equal(cropped, stretched)
    assert pixels(tmp_path / "tall" / "0.png").shape == (32, 112, 3)


# --- budgets and places -------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """How many moments have been drawn, in all."""
    count = [0]
    draw = production.Renderer.frames

    def counted(self, moments):
        for frame in draw(self, moments):
            count[0] += 1
            yield frame

    monkeypatch.setattr(production.Renderer, "frames", counted)
    return count


def test_a_budget_is_kept_and_every_frame_is_drawn_once(preset, tmp_path, drawn):
    [full] = render.render(preset, "full.mp4", out_dir=tmp_path, private=True)
    assert drawn == [13]
    budget = full.stat().st_size * 7 // 10
    outputs = ({"file": "small.mp4", "budget": f"{budget} B"}, "whole.mp4")
    with pytest.warns(
        BlendreelWarning, match=rf"small.mp4: [\d,]+ of {budget:,} bytes; crf \S+ instead of 17"
    ):
        small, whole = render.render(preset.replace(outputs=outputs), out_dir=tmp_path, private=True)
    assert drawn == [26]
    assert small.stat().st_size <= budget
    assert whole.read_bytes() == full.read_bytes()
    assert imageio_ffmpeg.count_frames_and_secs(str(small))[0] == 13
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "full.mp4",
        "samples",
        "small.mp4",
        "whole.mp4",
    ]


def test_every_pass_over_the_frames_tells_how_far_it_is(preset, tmp_path):
    class Show:
        def __init__(self):
            self.told, self.stages = [], {}

        def __call__(self, done, total):
            self.told.append((done, total))

        def stage(self, title):
            return self.stages.setdefault(title, Show())

    show = Show()
    outputs = [{"file": "a.gif", "palette": "global"}, {"file": "b.gif", "budget": "1 MB"}, "c.mp4"]
    render.render(preset.replace(outputs=outputs), out_dir=tmp_path, manner=production.Manner(show))
    every = [(done, 13) for done in range(1, 14)]
    assert show.told == every
    assert {title: one.told for title, one in show.stages.items() if one.told} == {
        "a.gif": every,
        "b.gif, trial 1": every,
    }


def test_a_budget_that_is_large_enough_changes_nothing(preset, tmp_path):
    outputs = ("a.gif", {"file": "b.gif", "budget": "1 MB"}, {"file": "c.gif", "for": "discord"})
    one, two, three = render.render(preset.replace(outputs=outputs), out_dir=tmp_path, private=True)
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()


def test_a_slower_gif_shows_the_timeline_at_its_own_rate(preset, tmp_path, drawn):
    clip = preset.clip.replace(duration="2s", fps=25)
    preset = preset.replace(clip=clip, outputs=({"file": "a.gif"},))
    [full] = render.render(preset, out_dir=tmp_path)
    budget = full.stat().st_size * 17 // 20
    with pytest.warns(BlendreelWarning, match=r"20 frames a second instead of 25"):
        [path] = render.render(
            preset.replace(outputs=({"file": "b.gif", "budget": f"{budget} B"},)), out_dir=tmp_path
        )
    assert path.stat().st_size <= budget
    assert gif_facts(path)[:2] == (40, 50)
    assert drawn == [50 + 50 + 40]
    with Image.open(path) as pictures:
        pictures.seek(7)
        shown = np.asarray(pictures.convert("RGB")).astype(int)
    frame = next(render.frames(preset.replace(clip=clip.replace(fps=20)), 7, 8))
    assert np.abs(shown - frame).mean() < 3


def test_a_budget_that_nothing_fits_leaves_the_old_file_and_the_others(preset, tmp_path):
    (tmp_path / "a.gif").write_bytes(b"old")
    outputs = ({"file": "a.gif", "budget": "200 B"}, "b.gif")
    with pytest.raises(EncodingError, match=r"a\.gif: does not fit into 200 bytes"):
        render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    assert (tmp_path / "a.gif").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "b.gif", "samples"]


def test_a_place_asks_for_a_rate_and_a_size_and_is_told(preset, tmp_path):
    with pytest.warns(BlendreelWarning) as told:
        [path] = render.render(
            preset.replace(outputs=({"file": "a.mp4", "for": "tiktok"},)), out_dir=tmp_path
        )
    words = "for TikTok: 25 frames a second instead of 12.5, 1260 × 360 pixels instead of 56 × 16"
    assert [str(one.message) for one in told] == [f"{path}: {words}"]
    facts = facts_of(path)
    assert (facts.fps, facts.width, facts.height, facts.frames) == (25, 1260, 360, 25)
    assert target_of("tiktok").breaches(facts) == []


def test_what_a_place_will_not_take_is_told_once_and_before_the_first_frame(preset, tmp_path, monkeypatch):
    outputs = ({"file": "a.mp4", "fps": 25, "for": "instagram-reels"},)
    with pytest.warns(BlendreelWarning) as told:
        render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    [text] = [str(one.message) for one in told]
    assert "a.mp4: Instagram reels wants at least 3 s, and this lasts 1 s" in text
    monkeypatch.setattr(production.Renderer, "frames", lambda self, moments: 1 / 0)
    with pytest.warns(BlendreelWarning, match="at least 3 s"), pytest.raises(ZeroDivisionError):
        render.render(preset.replace(outputs=outputs), out_dir=tmp_path)


def test_a_limit_is_named_once_however_the_file_calls_what_breaks_it(preset, tmp_path):
    """ProRes 4444 is `prores` and has other pixels to ffmpeg, when it reads the file again."""
    output = {"file": "a.mov", "codec": "prores4444", "for": "instagram-reels"}
    with pytest.warns(BlendreelWarning) as told:
        render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    assert sum("takes h264 or hevc" in str(one.message) for one in told) == 1
    assert sum("wants yuv420p pixels" in str(one.message) for one in told) == 1


def test_a_gif_of_more_frames_a_second_than_gifs_have_is_told(preset, tmp_path):
    with pytest.warns(BlendreelWarning) as told:
        [path] = render.render(preset.replace(outputs=({"file": "a.gif", "fps": 240},)), out_dir=tmp_path)
    assert [str(one.message) for one in told] == [
        f"{path}: 50 frames a second instead of 240; no GIF has more"
    ]
    assert facts_of(path).fps == 50


def test_a_number_of_bits_a_second_is_a_budget(preset):
    outputs = ({"file": "a.mp4", "fps": 25, "for": "instagram-reels"}, {"file": "b.mp4", "for": "tiktok"})
    reel, other = production.plan(preset.replace(outputs=outputs))
    assert reel.budget == 25_000_000 // 8  # a clip of one second
    assert other.budget == 4 * 10**9


def test_a_place_that_takes_no_gif_is_a_mistake_of_the_preset(preset):
    preset = preset.replace(outputs=({"file": "a.gif", "for": "instagram-reels"},))
    with pytest.raises(PresetError, match=r"a\.gif: Instagram reels takes no GIF; make an MP4"):
        production.plan(preset)


def test_the_smaller_of_two_budgets_counts(preset):
    outputs = (
        {"file": "a.gif", "for": "discord", "budget": "8 MB"},
        {"file": "b.gif", "for": "discord", "budget": "80 MiB"},
        {"file": "c.gif", "budget": "80.5 KiB"},
        {"file": "d.gif"},
    )
    jobs = production.plan(preset.replace(outputs=outputs))
    assert [job.budget for job in jobs] == [8_000_000, 10_000_000, 82_432, None]


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


def test_a_scale_is_a_factor_on_the_size_as_rendered(preset, tmp_path):
    outputs = ({"file": "a.gif", "scale": 2}, {"file": "half/%d.png", "scale": 0.5})
    gif, half = render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    assert gif_facts(gif)[2] == (112, 32)
    assert pixels(half / "0.png").shape == (8, 28, 3)
    with pytest.raises(PresetError, match=r"scale.*: is a factor on the size as rendered; give it, or width"):
        load_output({"file": "a.gif", "scale": 2, "width": 80})


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
    with pytest.raises(PresetError, match=r"with -o morph\.mp4, or in the preset: outputs: \[morph\.mp4\]"):
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
    for more in ({}, {"budget": "1 MB"}):
        outputs = ({"file": "a.mp4", **more}, {"file": "file/b.gif", "fps": 10, **more})
        with pytest.raises(EncodingError, match="file is no folder"):
            render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    assert not list(tmp_path.glob("*a.mp4*"))


def test_a_file_that_fails_at_its_end_leaves_the_others_whole(preset, tmp_path, monkeypatch):
    def fail(self):
        raise EncodingError(f"{self.path}: no")

    monkeypatch.setattr(GifWriter, "_end", fail)
    with pytest.raises(EncodingError, match=r"clip\.gif: no"):
        render.render(preset, out_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "samples"]


def test_what_a_killed_render_left_beside_its_file_is_removed_by_the_next(preset, tmp_path):
    left, others = tmp_path / ".a.gif-x1y2z3.part", tmp_path / ".a.gif-2.gif-x1y2z3.part"
    for folder in (left, others):
        folder.mkdir()
        (folder / "film.mkv").write_bytes(b"frames")
    render.render(preset, tmp_path / "a.gif")
    assert not left.exists()
    assert others.exists()


def test_a_folder_that_cannot_be_written_is_an_encoding_error(preset, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EncodingError, match="file"):
        render.render(preset, out_dir=tmp_path / "file")


def test_the_preset_may_be_given_as_a_path(sample_folder, tmp_path):
    path = tmp_path / "clip.yaml"
    path.write_text(CLIP)
    assert render.render(path, "only.gif", out_dir=tmp_path) == [tmp_path / "only.gif"]
    assert Preset.load(path).outputs[0].file == "clip.mp4"


def test_numbered_pictures_are_announced_with_their_number(preset, tmp_path, capsys):
    announce(render.render(preset, "f/%d.png", out_dir=tmp_path), quiet=False)
    assert re.match(rf"{tmp_path}/f  13 pictures, \d+ kB\n", capsys.readouterr().out)
