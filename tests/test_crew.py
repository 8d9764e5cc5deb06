"""Films drawn by many: parts and worker processes give the bytes of one process, and outlive deaths."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest
from click.testing import CliRunner

from render.cli import main
from render.errors import PartlyDoneError, PresetError, WorkError
from render.production import Manner, Share
from render.production import processes as room
from render.production.processes import Processes, gpu_names
from render.production.shards import Shard
from render.production.workfolder import held, work_folder
from tests.conftest import CLIP, make_network, make_relative
from tests.test_filming import contents, filmed, segments_of


@pytest.fixture
def plain(tmp_path):
    """A preset whose models lie in files, as other processes need it."""
    from render.checkpoints.native import save
    from render.preset import Preset

    low = make_network(seed=1)
    (tmp_path / "models").mkdir()
    save(low, tmp_path / "models" / "low.safetensors")
    save(make_relative(low, seed=2), tmp_path / "models" / "high.safetensors")
    preset = Preset.from_yaml(CLIP, base_dir=tmp_path)
    models = {"portrait": "models/low.safetensors", "ukiyoe": "models/high.safetensors"}
    blend = {"low": "portrait", "high": "ukiyoe", "swap": 16}
    return preset.replace(models=models, blend=blend, outputs=("a.mp4", "b.gif"))


def test_parts_of_many_and_a_join_give_the_files_of_one_process(plain, tmp_path):
    filmed(plain, tmp_path / "one")
    said = []
    for index in (2, 0):
        share = Share(shard=Shard(index, 3))
        assert list(filmed(plain, tmp_path / "many", share=share, manner=Manner(notify=said.append))) == []
    how = "`blendreel join` with the same preset and options makes the files"
    assert said[-1] == f"part 1-of-3 is drawn; when all are, {how}"
    with pytest.raises(PartlyDoneError, match=r"segment 1 is missing; 3 of 4 segments are finished"):
        filmed(plain, tmp_path / "many", share=Share(joins=True))
    filmed(plain, tmp_path / "many", share=Share(shard=Shard(1, 3)))
    filmed(plain, tmp_path / "many", share=Share(joins=True))
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_parts_may_be_drawn_at_once_but_not_beside_the_whole(plain, tmp_path):
    outputs = [tmp_path / "a.mp4"]
    with held(outputs, "1-of-2"):
        with held(outputs, "2-of-2"), pytest.raises(WorkError, match="is being rendered already"):
            filmed(plain, tmp_path, "a.mp4")
        with pytest.raises(WorkError, match="is being rendered already"):
            filmed(plain, tmp_path, "a.mp4", share=Share(shard=Shard(0, 2)))
    with held(outputs), pytest.raises(WorkError, match="is being rendered already"):
        filmed(plain, tmp_path, "a.mp4", share=Share(shard=Shard(0, 2)))
    assert not list(tmp_path.glob(".*"))


def test_workers_give_the_same_files_also_when_one_is_killed(plain, tmp_path, monkeypatch):
    filmed(plain, tmp_path / "one")
    hire, killed = room._Shift._listen, []

    def listen(self, worker):
        if worker.number is not None and not killed:
            killed.append(worker.number)
            os.kill(worker.process.pid, signal.SIGKILL)
        hire(self, worker)

    monkeypatch.setattr(room._Shift, "_listen", listen)
    said, seen = [], []
    manner = Manner(lambda *state: seen.append(state), said.append)
    filmed(plain, tmp_path / "many", share=Share(crew=Processes(["cpu", "cpu"])), manner=manner)
    assert said == [f"a worker on cpu died (SIGKILL); segment {killed[0]} goes to another"]
    assert seen[-1] == (13, 13)
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


@pytest.mark.slow
def test_a_segment_that_kills_every_worker_is_given_up_and_the_others_are_kept(plain, tmp_path, monkeypatch):
    listen = room._Shift._listen

    def kill(self, worker):
        if worker.number == 1:
            with suppress(ProcessLookupError):  # its last words are heard after its death
                os.kill(worker.process.pid, signal.SIGKILL)
        listen(self, worker)

    monkeypatch.setattr(room._Shift, "_listen", kill)
    said = []
    with pytest.raises(PartlyDoneError, match=r"segment 1 is missing; 3 of 4 segments are finished"):
        filmed(
            plain, tmp_path, "a.mp4", share=Share(crew=Processes(["cpu"])), manner=Manner(notify=said.append)
        )
    assert said[-1] == "segment 1 is given up: 3 workers died at it (SIGKILL)"
    assert len(list(segments_of(tmp_path).glob("0*.json"))) == 3


def test_what_a_worker_raises_is_told(plain, tmp_path):
    with pytest.raises(PresetError, match="there is no device 'tpu' here"):
        filmed(plain, tmp_path, "a.mp4", share=Share(crew=Processes(["tpu"])))


def test_gpus_that_are_not_there_are_told(monkeypatch):
    monkeypatch.setattr(room, "known_gpus", list)
    with pytest.raises(PresetError, match="there is none here; --workers N"):
        gpu_names("all")
    monkeypatch.setattr(room, "known_gpus", lambda: ["cuda:0", "cuda:1"])
    assert gpu_names("all") == ["cuda:0", "cuda:1"]
    assert gpu_names("1") == ["cuda:1"]
    for wanted in ("2", "0,x", ""):
        with pytest.raises(PresetError, match=f"there is no {wanted} here; there is cuda:0 to cuda:1"):
            gpu_names(wanted)


# --- the commands -------------------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_the_commands_render_a_part_join_and_clean(plain, tmp_path):
    plain.save(tmp_path / "clip.yaml")
    options = [tmp_path / "clip.yaml", "-o", "a.mp4", "--segment-frames", "4", "--out-dir", tmp_path]
    assert run("render", *options, "--shard", "1/2", "--workers", "2").exit_code == 2
    assert run("render", *options, "--shard", "1/2", "--device", "cpu").exit_code == 0
    shown = run("join", *options)
    assert (shown.exit_code, "segments 1, 3 are missing" in shown.output) == (4, True)
    listed = run("clean", tmp_path)
    assert "2 of 4 segments" in listed.output
    assert listed.output.endswith("--yes removes it\n")
    assert run("render", *options, "--shard", "2/2", "--device", "cpu").exit_code == 0
    assert run("join", *options).exit_code == 0
    assert run("clean", tmp_path).output == f"nothing is left of interrupted renders in {tmp_path}\n"


def test_clean_removes_what_a_killed_render_never_gave_its_name(tmp_path):
    others = ["download.mov.part", ".a.mov-2.gif-x1.part/film.mkv"]  # another program's, another output's
    for name in (".a.mov.segments/lock", "a.mov.part", ".a.mov-x1.part/film.mkv", *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"0" * 1000)
    listed = run("clean", tmp_path).output
    assert listed == f"{tmp_path / 'a.mov.part'}  3 kB, untouched for 0 s\n--yes removes it\n"
    with held([tmp_path / "a.mov"]):
        assert run("clean", tmp_path, "--yes").output.startswith("nothing is left")
    for name in (".a.mov.segments/lock", "a.mov.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert run("clean", tmp_path, "--yes").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.mov-2.gif-x1.part", "download.mov.part"]


def test_clean_removes_what_nobody_is_at(plain, tmp_path):
    folder = work_folder(tmp_path / "sub" / "a.mp4")
    filmed(plain, tmp_path / "sub", "a.mp4", share=Share(shard=Shard(0, 2)))
    assert run("clean", tmp_path, "--older-than", "1").output.startswith("nothing is left")
    with held([tmp_path / "sub" / "a.mp4"]):
        assert run("clean", tmp_path, "--yes").output.startswith("nothing is left")
    assert folder.is_dir()
    done = run("clean", tmp_path, "-q")
    assert (done.exit_code, done.output) == (
        2,
        "--quiet lists nothing and asks nothing; remove it with --yes\n",
    )
    done = run("clean", tmp_path, "-q", "--yes")
    assert (done.exit_code, done.output) == (0, "")
    assert list((tmp_path / "sub").iterdir()) == []
