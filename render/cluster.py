"""Films drawn on a Ray cluster: segments are its tasks, and come back through it. Needs the extra `cluster`.

Ray gives out the tasks, repeats those of workers and nodes that die, and takes in nodes that come later.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from render.errors import BlendreelError, RenderError, WorkError
from render.production.crew import Crew, Errand, Report, takes
from render.production.manifest import SegmentRecord
from render.production.shoot import Shoot
from render.production.workfolder import Store

RETRIES = 5  # of a segment whose worker or node dies
_PATIENCE_SECONDS = 1.0
_KNOCK_SECONDS = 10
_AHEAD = 2  # segments given out for each place to work at

Result = tuple[SegmentRecord, dict[str, bytes]]  # of a segment, and the contents of its files


class Cluster(Crew):
    """The workers of a Ray cluster.

    address  of a cluster; `auto` is the one that Ray finds, or a new one on this machine
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def film(self, errand: Errand, numbers: Iterable[int], report: Report) -> None:
        with _connected(self.address) as ray:
            gpus = 1 if ray.cluster_resources().get("GPU") else 0
            task = ray.remote(_film).options(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)
            shared, waiting, at_work = ray.put(errand), deque(numbers), {}
            while waiting or at_work:
                if report.is_asked():
                    waiting.clear()
                places = int(ray.cluster_resources().get("GPU" if gpus else "CPU", 1)) or 1
                while waiting and len(at_work) < _AHEAD * places:
                    number = waiting.popleft()
                    at_work[task.remote(shared, number)] = number
                ready, _ = ray.wait(list(at_work), timeout=_PATIENCE_SECONDS) if at_work else ([], [])
                for reference in ready:
                    number = at_work.pop(reference)
                    result = _result(ray, reference, number, report)
                    if result:
                        _keep(errand.store, result)
                        report.finished(result[0])
                        report.frames(len(max(result[0].frame_hashes.values(), key=len)))


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected. Raises WorkError: it is not installed, or there is no such cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
    except ImportError:
        raise WorkError("--cluster needs Ray: pip install 'blendreel[cluster]'") from None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == "auto":
        # Workers on this machine take the code that runs here, also from a checkout.
        paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
        variables = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        options |= {"include_dashboard": False, "runtime_env": {"env_vars": variables}}
    else:
        _knock(address)
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or ["no answer"])[0]
        raise WorkError(f"--cluster {address}: {reason}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises WorkError where nobody listens at HOST:PORT; Ray itself would take minutes to say so."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _KNOCK_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise WorkError(f"--cluster {address}: there is no cluster: {error}") from None


def _result(ray: Any, reference: Any, number: int, report: Report) -> Result | None:
    """What a task gave back; None where its workers died too often. Raises what was raised in it."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, BlendreelError):
            raise cause from None
        raise RenderError(f"segment {number}: a worker failed: {_last_line(error)}") from None
    except ray.exceptions.RayError as error:
        report.tell(f"segment {number} is given up: {_last_line(error)}")
        return None


def _keep(store: Store, result: Result) -> None:
    """Put a segment's files into the store."""
    record, files = result
    with store.attempt(record.number) as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        if not record.is_whole(folder):
            raise RenderError(f"segment {record.number} came back damaged")
        store.keep(record, folder)


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


# --- in the workers -----------------------------------------------------------------------------------------


def _film(errand: Errand, number: int) -> Result:
    """Draw a segment; runs in a worker, which keeps its models for the next one."""
    folder = Path(tempfile.mkdtemp(prefix="blendreel-"))
    try:
        store = Store(folder, errand.plan)
        [record] = takes(_opened(_Key(errand)), store, [number])
        return record, {name: (folder / name).read_bytes() for name in record.pieces}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Key:
    """An errand by what it asks for, so that a worker loads the models of one film once."""

    def __init__(self, errand: Errand) -> None:
        self.errand, self.plan = errand, errand.plan

    def __hash__(self) -> int:
        return hash(self.plan.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.plan.identity == other.plan.identity


@lru_cache(maxsize=1)
def _opened(key: _Key) -> Shoot:
    return key.errand.open(None)
