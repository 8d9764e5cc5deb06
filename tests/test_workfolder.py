"""The place beside an output: of a process that is killed at any moment, nothing outlives the next one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from render.errors import WorkError
from render.production.workfolder import held

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


# Shards begin at one moment, as those of an array job do, and each has a segment of its own.
TOGETHER = """
import os, sys, time
from pathlib import Path
from render.production.manifest import Plan
from render.production.workfolder import Store, held

output, count = Path(sys.argv[1]) / "a.mp4", 6
plan, begin = Plan({"a": 1}, {}, 10, 6, 60, 1), time.time() + 0.1

def draw(number):
    while time.time() < begin:
        pass
    with held([output], f"{number + 1}-of-{count}"):
        with Store.open(output, plan).attempt(number) as folder:
            time.sleep(0.05)
            (folder / "x").write_text("x")

children = []
for number in range(count):
    child = os.fork()
    if not child:
        try:
            draw(number)
            os._exit(0)
        except BaseException as error:
            print(error, flush=True)
            os._exit(1)
    children.append(child)
for child in children:
    print("ended", os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes that fork")
def test_shards_that_begin_at_one_moment_leave_each_other_alone(tmp_path):
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = subprocess.run([sys.executable, "-c", TOGETHER, folder], capture_output=True, text=True)
        assert Counter(run.stdout.splitlines()) == {"ended 0": 6}, run.stdout + run.stderr


def test_shards_of_another_number_and_whole_renders_are_refused(tmp_path):
    output = tmp_path / "a.mp4"
    with held([output], "1-of-2"):
        for other in ("1-of-3", "2-of-3", ""):
            with pytest.raises(WorkError, match="rendered already, by process"), held([output], other):
                pytest.fail("let in")
        with held([output], "2-of-2"):
            pass
    assert list(tmp_path.iterdir()) == []
