"""The place beside an output: of a process that is killed at any moment, nothing outlives the next one."""

from __future__ import annotations

import subprocess
import sys

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
