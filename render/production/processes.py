"""Workers on this machine, one process each: segments go to whoever is free, and back from who dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from render.errors import BlendreelError, PresetError, RenderError
from render.production.crew import MOST_ATTEMPTS, Crew, Errand, Report, takes
from render.reach import current_sandbox, sandbox

_WAIT_SECONDS = 0.5


def gpu_names(wanted: str) -> list[str]:
    """The GPUs that `all`, or numbers such as `0,2`, mean: `cuda:0` … Raises PresetError: none is such."""
    known = known_gpus()
    chosen = known if wanted == "all" else [f"cuda:{number.strip()}" for number in wanted.split(",")]
    if not known:
        raise PresetError("--gpus: there is none here; --workers N draws with N processes on the processor")
    if set(chosen) - set(known):
        there = f"{known[0]} to {known[-1]}" if len(known) > 1 else known[0]
        raise PresetError(f"--gpus: there is no {wanted} here; there is {there}")
    return chosen


def known_gpus() -> list[str]:
    """All there are: `cuda:0`, `cuda:1` …"""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [f"cuda:{number}" for number in range(count)]


class Processes(Crew):
    """One worker for each of `devices`: `cuda:0`, `cuda:1` … or several times `cpu`."""

    def __init__(self, devices: list[str]) -> None:
        self.devices = devices

    def film(self, errand: Errand, numbers: Iterable[int], report: Report) -> None:
        _Shift(self.devices, errand, deque(numbers), report).run()


@cache
def _context() -> Any:
    """How processes are begun: where the system can, from one that has imported torch already."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["render.production.crew"])
    return context


class _Worker:
    """A process and what it is at."""

    def __init__(self, device: str, threads: int, errand: Errand) -> None:
        context = _context()
        self.device, self.number = device, None
        self.connection, other = context.Pipe()
        confined = current_sandbox()
        folder = confined.folder if confined else None
        arguments = (errand, device, threads, folder, other)
        self.process = context.Process(target=_serve, args=arguments, daemon=True, name=f"worker on {device}")
        self.process.start()
        other.close()

    def give(self, number: int | None) -> None:
        """Send a segment's number; None: there is no more."""
        self.number = number
        with suppress(OSError):  # it has died, which is found out elsewhere
            self.connection.send(number)

    def end(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.join()
        self.connection.close()


class _Shift:
    """One run of all workers."""

    def __init__(self, devices: list[str], errand: Errand, waiting: deque[int], report: Report) -> None:
        self.devices, self.errand, self.waiting, self.report = devices, errand, waiting, report
        self.threads = max(1, (os.cpu_count() or 1) // len(devices))
        self.workers: list[_Worker] = []
        self.attempts: Counter[int] = Counter()
        self.deaths = 0

    def run(self) -> None:
        with ExitStack() as stack:
            stack.callback(lambda: [worker.end() for worker in self.workers])
            for device in self.devices[: len(self.waiting)]:
                self._hire(device)
            while self.workers:
                for connection in wait([worker.connection for worker in self.workers], _WAIT_SECONDS):
                    worker = next(each for each in self.workers if each.connection is connection)
                    self._listen(worker)

    def _hire(self, device: str) -> None:
        for _ in range(MOST_ATTEMPTS):
            # The process that begins the others may have died too: the next attempt begins a new one.
            with suppress(EOFError, ConnectionError):
                self.workers.append(_Worker(device, self.threads, self.errand))
                return
        raise RenderError(f"no worker can be begun on {device}")

    def _listen(self, worker: _Worker) -> None:
        try:
            word, value = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if word == "frames":
            self.report.frames(value)
        elif word == "failed":
            raise value
        else:
            if word == "finished":
                self.report.finished(value)
            self._send_on(worker)

    def _send_on(self, worker: _Worker) -> None:
        """Give the worker its next segment, or let it go."""
        if self.report.is_asked():
            self.waiting.clear()
        if self.waiting:
            number = self.waiting.popleft()
            self.attempts[number] += 1
            worker.give(number)
        else:
            worker.give(None)
            worker.process.join()
            self._dismiss(worker)

    def _bury(self, worker: _Worker) -> None:
        """A worker has died: its segment goes to the next one, unless that has killed enough of them."""
        worker.process.join()
        number, code = worker.number, worker.process.exitcode
        self._dismiss(worker)
        self.deaths += 1
        cause = signal.Signals(-code).name if code and code < 0 else f"status {code}"
        if number is None:
            if self.deaths > MOST_ATTEMPTS * len(self.devices):
                raise RenderError(f"workers on {worker.device} end before they begin ({cause})")
            self._hire(worker.device)
            return
        self.errand.store.sweep([number])
        if self.attempts[number] < MOST_ATTEMPTS:
            self.report.tell(f"a worker on {worker.device} died ({cause}); segment {number} goes to another")
            self.waiting.append(number)
        else:
            self.report.tell(f"segment {number} is given up: {MOST_ATTEMPTS} workers died at it ({cause})")
        if self.waiting:
            self._hire(worker.device)

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.end()


def _serve(errand: Errand, device: str, threads: int, confined: Path | None, connection: Connection) -> None:
    """What a worker does: draw the segments that it is sent, until there is no more, or nobody sends any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever sent it out decides
    with ExitStack() as stack, suppress(EOFError, BrokenPipeError, ConnectionError):
        if confined:
            stack.enter_context(sandbox(confined))
        try:
            _work(errand, device, threads, connection)
        except BlendreelError as error:
            connection.send(("failed", error))
        except (EOFError, BrokenPipeError, ConnectionError):
            raise
        except Exception as error:  # of torch, such as too little memory on the device
            connection.send(("failed", RenderError(f"a worker on {device} failed: {_first_line(error)}")))


def _work(errand: Errand, device: str, threads: int, connection: Connection) -> None:
    import torch

    torch.set_num_threads(threads)
    shoot = errand.open(device)
    connection.send(("ready", None))
    while (number := connection.recv()) is not None:
        [record] = takes(shoot, errand.store, [number], lambda: connection.send(("frames", 1)))
        connection.send(("finished", record))


def _first_line(error: Any) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
