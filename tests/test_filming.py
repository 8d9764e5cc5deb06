"""Films made in segments: what is finished is kept, checked, gone on with, and never mixed up."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from render import production
from render.encoding import facts_of
from render.errors import EncodingError, InterruptedRender, RenderError, WorkError
from render.production import Manner
from render.production.patience import Patience
from render.production.shoot import Take
from render.production.workfolder import held, work_folder
from render.reach import sandbox

LENGTH = 4  # frames of a segment: the clip of 13 frames has four of them
OUTPUTS = (
    "a.mp4",
    {"file": "b.gif", "fps": 6.25},
    "c.mkv",
    {"file": "d.webm", "budget": "1 MB"},
    "e/%d.png",
)
MOMENTS = 18  # of the clip at both rates: one is that of both


class StopAfter:
    """Whoever asks after so many segments is told to stop."""

    def __init__(self, segments):
        self.left = segments

    @contextmanager
    def waiting(self):
        yield

    @property
    def is_asked(self):
        self.left -= 1
        return self.left < 0


@pytest.fixture
def drawn(monkeypatch):
    """How many moments have been drawn, in all."""
    count, draw = [0], production.Renderer.frames

    def counted(self, moments):
        for frame in draw(self, moments):
            count[0] += 1
            yield frame

    monkeypatch.setattr(production.Renderer, "frames", counted)
    return count


def filmed(preset, folder, *files, **options):
    return production.render(preset, *files, out_dir=folder, segment_frames=LENGTH, **options)


def interrupted(preset, folder, *files, after=2, **options):
    with pytest.raises(InterruptedRender) as error:
        filmed(preset, folder, *files, manner=Manner(patience=StopAfter(after)), **options)
    return str(error.value)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def segments_of(folder, name="a.mp4"):
    [plan] = work_folder(folder / name).glob("*/plan.json")
    return plan.parent


def test_a_film_in_segments_shows_the_frames_of_one_in_one_go(preset, tmp_path):
    preset = preset.replace(outputs=OUTPUTS)
    whole = production.render(preset, out_dir=tmp_path / "whole", private=True)
    parts = filmed(preset, tmp_path / "parts", private=True)
    assert [path.name for path in whole] == [path.name for path in parts]
    for one, two in zip(whole, parts, strict=True):
        if one.suffix in (".mp4", ".mkv"):
            assert facts_of(two).frames == facts_of(one).frames == 13
    # What is made of frames kept without loss is the same file.
    one, two = contents(tmp_path / "whole"), contents(tmp_path / "parts")
    for name in ("b.gif", "d.webm", "e/0.png", "e/12.png"):
        assert one[name] == two[name]
    assert one.keys() == two.keys()


def test_the_next_segment_is_drawn_while_one_is_finished(preset, tmp_path, monkeypatch):
    """However long encoders take to come to their end, the renderer goes on meanwhile."""
    asked, at_its_end = [], []
    moment, finish = production.Scene.moment, Take.finish

    def counted(self, *args, **options):
        asked.append(args)
        return moment(self, *args, **options)

    def slow(self):
        patience = time.monotonic() + 10
        while not at_its_end and len(asked) <= LENGTH and time.monotonic() < patience:
            time.sleep(0.01)
        at_its_end.append(len(asked))
        return finish(self)

    monkeypatch.setattr(production.Scene, "moment", counted)
    monkeypatch.setattr(Take, "finish", slow)
    filmed(preset, tmp_path, "a.mp4", batch_size=1)
    assert at_its_end[0] > LENGTH


def test_a_render_that_was_interrupted_goes_on_and_gives_the_same_files(preset, tmp_path, drawn):
    preset = preset.replace(outputs=OUTPUTS)
    filmed(preset, tmp_path / "whole")
    assert drawn == [MOMENTS]
    text = interrupted(preset, tmp_path / "again")
    expected = (
        "interrupted; 2 of 5 segments are finished (8 of 18 frames); the same command goes on from there"
    )
    assert text == expected
    assert drawn == [MOMENTS + 8]
    assert not [name for name in contents(tmp_path / "again") if not name.startswith(".")]
    said, seen = [], []
    manner = Manner(lambda *state: seen.append(state), said.append)
    filmed(preset, tmp_path / "again", manner=manner)
    assert said == ["going on: 2 of 5 segments are finished already"]
    assert drawn == [MOMENTS * 2]
    assert seen[-1] == (MOMENTS, MOMENTS)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_nothing_is_read_again_where_pieces_are_enough(preset, tmp_path, drawn):
    interrupted(preset, tmp_path, "a.mp4", after=3)
    seen = []
    filmed(preset, tmp_path, "a.mp4", progress=lambda *state: seen.append(state))
    assert seen == [(12, 13), (13, 13)]
    assert drawn == [13]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def forget(path):
    path.unlink()


def garble(path):
    path.with_name(path.name[:5] + ".json").write_text('{"number": 0')


def misplace(path):
    record = path.with_name(path.name[:5] + ".json")
    record.write_text(record.read_text().replace('"number": 1', '"number": 2'))


@pytest.mark.parametrize("harm", [truncate, flip, forget, garble, misplace])
def test_a_damaged_segment_is_made_again_and_no_other(preset, tmp_path, drawn, harm):
    [whole] = filmed(preset, tmp_path / "whole", "a.mp4")
    interrupted(preset, tmp_path / "again", "a.mp4", after=3)
    harm(segments_of(tmp_path / "again") / "00001-0.nut")
    drawn[0] = 0
    [path] = filmed(preset, tmp_path / "again", "a.mp4")
    assert drawn == [4 + 1]
    assert path.read_bytes() == whole.read_bytes()


def test_another_preset_or_option_is_another_render_and_keeps_the_old_one(preset, tmp_path, drawn):
    interrupted(preset, tmp_path, "a.mp4", after=3)
    said = []
    other = preset.replace(truncation=0.3)
    manner = Manner(notify=said.append, patience=StopAfter(1))
    with pytest.raises(InterruptedRender):
        filmed(other, tmp_path, "a.mp4", manner=manner)
    assert re.match(r"segments of 1 earlier render with another preset or other options stay in ", said[0])
    drawn[0] = 0
    filmed(preset, tmp_path, "a.mp4")
    assert drawn == [1]
    assert [path.name for path in tmp_path.iterdir() if path.name != "samples"] == ["a.mp4"]


def test_a_model_that_changed_is_refused_with_both_sums(preset, tmp_path, sample_folder, drawn):
    interrupted(preset, tmp_path, "a.mp4")
    shutil.copy(sample_folder / "ukiyoe-000010.safetensors", sample_folder / "portrait.safetensors")
    with pytest.raises(
        WorkError,
        match=r"models\.portrait \(portrait\.safetensors\) had the sha256 \w+… .* and has \w+… now",
    ):
        filmed(preset, tmp_path, "a.mp4")
    drawn[0] = 0
    filmed(preset, tmp_path, "a.mp4", fresh=True)
    assert drawn == [13]


def test_latents_that_changed_are_refused_too(preset, tmp_path):
    path = tmp_path / "walk.npy"
    np.save(path, np.ones([3, 8], np.float32))
    preset = preset.replace(latents={"files": [str(path)]})
    interrupted(preset, tmp_path, "a.mp4")
    np.save(path, np.zeros([3, 8], np.float32))
    with pytest.raises(WorkError, match=r"walk\.npy had the sha256"):
        filmed(preset, tmp_path, "a.mp4")


def test_segments_of_another_encoder_are_made_again(preset, tmp_path, drawn):
    interrupted(preset, tmp_path, "a.mp4")
    record = segments_of(tmp_path) / "00000.json"
    data = json.loads(record.read_text())
    data["made_with"]["ffmpeg"] = "4.2"
    record.write_text(json.dumps(data))
    said = []
    drawn[0] = 0
    filmed(preset, tmp_path, "a.mp4", manner=Manner(notify=said.append))
    assert re.match(r"segment 0 was made with ffmpeg 4\.2 instead of \S+; it is made again", said[0])
    assert drawn == [4 + 5]


def test_two_renders_of_one_output_are_refused_even_by_another_name(preset, tmp_path):
    with held([tmp_path / "a.mp4", tmp_path / "b.gif"]):
        for name in ("b.gif", "./x/../a.mp4"):
            (tmp_path / "x").mkdir(exist_ok=True)
            words = rf"is being rendered already, by process {os.getpid()} on \S+ since 20\d\d-"
            with pytest.raises(WorkError, match=words):
                filmed(preset, tmp_path, name)
    filmed(preset, tmp_path, "b.gif")
    assert not list(tmp_path.glob(".*"))


def test_the_lock_of_a_killed_process_holds_nobody_up(preset, tmp_path):
    code = f"""
import os, sys, time
from pathlib import Path
from render.production.workfolder import held
with held([Path({str(tmp_path / "a.mp4")!r})]):
    print("held", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(WorkError, match=f"process {process.pid} "):
        filmed(preset, tmp_path, "a.mp4")
    process.kill()
    process.wait()
    process.stdout.close()
    filmed(preset, tmp_path, "a.mp4")
    assert not list(tmp_path.glob(".*"))


def test_a_disk_that_fills_up_keeps_what_is_finished(preset, tmp_path, monkeypatch):
    [whole] = filmed(preset, tmp_path / "whole", "a.mp4")
    keep, left = production.Store.keep, [2]

    def full(self, record, folder):
        left[0] -= 1
        if left[0] < 0:
            raise EncodingError("a.mp4: cannot be written: No space left on device")
        keep(self, record, folder)

    with monkeypatch.context() as patch:
        patch.setattr(production.Store, "keep", full)
        with pytest.raises(EncodingError, match=r"No space left on device\n2 of 4 segments are finished"):
            filmed(preset, tmp_path / "again", "a.mp4")
    [path] = filmed(preset, tmp_path / "again", "a.mp4")
    assert path.read_bytes() == whole.read_bytes()


def test_in_a_sandbox_nothing_is_trusted_and_no_link_followed(preset, tmp_path, tmp_path_factory, drawn):
    box, outside = tmp_path, tmp_path_factory.mktemp("outside")
    interrupted(preset, box, "a.mp4")
    drawn[0] = 0
    with sandbox(box):
        filmed(preset, box, "a.mp4")
    assert drawn == [13]
    work_folder(box / "a.mp4").symlink_to(outside)
    with sandbox(box):
        interrupted(preset, box, "a.mp4")
    assert not list(outside.iterdir())


# --- Ctrl-C -------------------------------------------------------------------------------------------------


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def test_ctrl_c_waits_where_there_is_something_to_wait_for():
    said = []
    with Patience(said.append) as patience:
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
        assert not patience.is_asked
        with patience.waiting():
            press_ctrl_c()
            assert patience.is_asked
            assert said == ["stopping when this segment is finished; Ctrl-C once more stops at once"]
            with pytest.raises(KeyboardInterrupt):
                press_ctrl_c()


@pytest.mark.parametrize(("presses", "kept"), [(1, 2), (2, 1)])
def test_ctrl_c_once_finishes_the_segment_and_twice_stops_at_once(preset, tmp_path, presses, kept):
    [whole] = filmed(preset, tmp_path / "whole", "a.mp4")

    def press(done, total):
        if done == 6:
            for _ in range(presses):
                press_ctrl_c()

    with (
        Patience(lambda text: None) as patience,
        pytest.raises(InterruptedRender, match=f"{kept} of 4 segments"),
    ):
        filmed(preset, tmp_path / "again", "a.mp4", manner=Manner(press, patience=patience))
    [path] = filmed(preset, tmp_path / "again", "a.mp4")
    assert path.read_bytes() == whole.read_bytes()


def test_a_film_of_one_segment_stops_at_once_and_leaves_nothing(preset, tmp_path):
    def press(done, total):
        if done == 6:
            press_ctrl_c()

    with Patience(lambda text: None) as patience, pytest.raises(KeyboardInterrupt):
        production.render(preset, "a.mp4", out_dir=tmp_path, manner=Manner(press, patience=patience))
    assert [path.name for path in tmp_path.iterdir()] == ["samples"]


# --- broken pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"), [(float("nan"), "values that are no numbers"), (0.25, "one colour only")]
)
def test_a_broken_picture_stops_the_render_with_frame_and_moment(preset, tmp_path, monkeypatch, value, words):
    from render import drawing

    soundness, calls = drawing.soundness, [0]

    def sick(images):
        calls[0] += len(images)
        return soundness(images.fill_(value) if calls[0] > 9 else images)

    monkeypatch.setattr(drawing, "soundness", sick)
    with pytest.raises(RenderError) as error:
        filmed(preset, tmp_path, "a.mp4", batch_size=1)
    found = re.match(
        r"frame (\d+) \((\d\.\d{3}) s\): the picture of (low|blend|high) has (.*?)\.", str(error.value)
    )
    assert found, str(error.value)
    assert words in found[4]
    assert float(found[2]) == pytest.approx(int(found[1]) / 13, abs=1e-3)
    calls[0] = 0
    [path] = filmed(preset, tmp_path, "a.mp4", batch_size=1, allow_broken=True)
    assert facts_of(path).frames == 13
