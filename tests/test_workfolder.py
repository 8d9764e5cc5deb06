"""The place beside an output: of a process that is killed at any moment, nothing outlives the next one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from render.errors import WorkError
from render.production.manifest import Plan
from render.production.workfolder import Store, held, work_folder

# A child is killed at its n-th look at the disk, for each n there is. Events are Python's own, of opening,
# renaming, removing and the like.
KILLED_ANYWHERE = """
import os, signal, sys
from pathlib import Path
import filelock
from render.production.workfolder import held, work_folder

output, count = Path(sys.argv[1]) / "a.mp4", 0

def hold(moment):
    seen = 0
    def look(event, details):
        nonlocal seen
        if event.partition(".")[0] in ("open", "os", "shutil") and event != "os.kill":
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(look)
    with held([output]):
        pass
    os._exit(0)

while True:
    count += 1
    child = os.fork()
    if not child:
        hold(count)
    killed = os.waitpid(child, 0)[1] != 0
    with held([output]):
        pass
    assert not work_folder(output).exists(), (count, list(work_folder(output).iterdir()))
    if not killed:
        break
print(count)
"""


def test_whoever_is_killed_while_holding_leaves_nothing_for_good(tmp_path):
    command = [sys.executable, "-c", KILLED_ANYWHERE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert int(done.stdout) > 5  # there were so many moments
    assert list(tmp_path.iterdir()) == []


# Shards begin at one moment, as those of an array job do, each with a segment of its own; in three folders.
TOGETHER = """
import os, sys, time
from pathlib import Path
from render.production.manifest import Plan
from render.production.workfolder import Store, held

def draw(output, number, begin):
    while time.time() < begin:
        pass
    with held([output], f"{number + 1}-of-6"):
        with Store.open(output, Plan({"a": 1}, {}, 10, 6, 60, 1)).attempt(number) as folder:
            time.sleep(0.05)
            (folder / "x").write_text("x")

def child(*task):
    process = os.fork()
    if not process:
        try:
            draw(*task)
            os._exit(0)
        except BaseException as error:
            print(error, flush=True)
            os._exit(1)
    return process

for folder in "abc":
    begin = time.time() + 0.1
    for process in [child(Path(folder) / "a.mp4", number, begin) for number in range(6)]:
        print("ended", os.waitpid(process, 0)[1])
"""


@pytest.mark.parametrize("finished", [[], ["00000.json"]])
def test_what_ends_early_stays_where_a_segment_is_finished(tmp_path, finished):
    output = tmp_path / "a.mp4"

    def interrupted():
        with held([output]):
            store = Store.open(output, Plan({"a": 1}, {}, 10, 6, 60, 1))
            for name in finished:
                (store.folder / name).write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.glob(".a.mp4.segments/*/0*")] == finished
    assert work_folder(output).exists() == bool(finished)


@pytest.mark.skipif(sys.platform == "win32", reason="processes that fork")
def test_shards_that_begin_at_one_moment_leave_each_other_alone(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
    run = subprocess.run([sys.executable, "-c", TOGETHER], cwd=tmp_path, capture_output=True, text=True)
    assert Counter(run.stdout.splitlines()) == {"ended 0": 18}, run.stdout + run.stderr


def test_shards_of_another_number_and_whole_renders_are_refused(tmp_path):
    output = tmp_path / "a.mp4"
    with held([output], "1-of-2"):
        for other in ("1-of-3", "2-of-3", ""):
            with pytest.raises(WorkError, match="rendered already, by process"), held([output], other):
                pytest.fail("let in")
        with held([output], "2-of-2"):
            pass
    assert list(tmp_path.iterdir()) == []
