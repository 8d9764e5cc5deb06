"""Films drawn on Ray: the bytes of one process, also when workers are killed and nodes vanish."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.faults.test_faults import told as told

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="the extra `cluster` is not installed"
    ),
]
TRIALS = 2


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    return Rig.build(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def cluster():
    """A cluster of three nodes on this machine; the first one draws nothing."""
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    found.add_node(num_cpus=1)
    found.add_node(num_cpus=1)
    yield found
    found.shutdown()


def drawing() -> list[int]:
    """Ray's workers that are at a segment."""
    shown = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    rows = [line.split(None, 1) for line in shown.splitlines()]
    return [int(pid) for pid, name in rows if name.startswith("ray::_film")]


def rendered(rig, cluster, out, disturb):
    """Render on the cluster, and disturb it once a worker draws; returns (whether that hit, files lost)."""
    process, source = rig.start(out, "--cluster", cluster.address), random.Random(out)
    while process.is_alive() and not drawing():
        time.sleep(0.05)
    time.sleep(source.uniform(0, 2))
    hit = process.is_alive() and disturb(source)
    process.join(170)
    assert process.exitcode in (0, 4), rig.said()[-2000:]
    return hit, rig.losses(out)


def test_workers_that_are_killed(rig, cluster, told):
    def kill(source):
        if workers := drawing():
            with contextlib.suppress(ProcessLookupError):
                os.kill(source.choice(workers), signal.SIGKILL)
                return True
        return False

    found = [rendered(rig, cluster, f"worker-{trial}", kill) for trial in range(TRIALS)]
    told("kill -9 of a Ray worker", TRIALS, *map(sum, zip(*found, strict=True)))
    assert not any(losses for _, losses in found)


def test_nodes_that_come_and_go(rig, cluster, told):
    def replace(source):
        gone = source.choice(cluster.list_all_nodes()[1:])
        cluster.add_node(num_cpus=1)
        cluster.remove_node(gone, allow_graceful=False)
        return True

    found = [rendered(rig, cluster, f"node-{trial}", replace) for trial in range(TRIALS)]
    told("a Ray node killed, another one added", TRIALS, *map(sum, zip(*found, strict=True)))
    assert not any(losses for _, losses in found)


def test_a_cluster_that_is_not_there_is_told(rig):
    assert rig.run("none", "--cluster", "127.0.0.1:1") == 2
    assert "--cluster 127.0.0.1:1: there is no cluster: " in rig.said().splitlines()[-1]
