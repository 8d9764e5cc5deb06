"""`--shard`: which part of a film a process of many draws, as told or as its scheduler says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from render.errors import PresetError

_FORM = re.compile(r"(\d+)/(\d+)|auto(?:/(\d+))?")


@dataclass(frozen=True)
class _Scheduler:
    """Variables that a scheduler sets in every one of its processes.

    index  the number of this one
    count  how many there are, if it says so
    first  the number of the first one: a number, or the variable that has it
    last   the variable with the number of the last one, where there is no count
    step   the variable with the step from one number to the next
    """

    index: str
    count: str = ""
    first: str | int = 0
    last: str = ""
    step: str = ""

    def read(self, found: Mapping[str, str]) -> tuple[int, int | None] | None:
        """(index from 0 on, how many there are); None where this scheduler is not at work."""
        number = _whole(found.get(self.index))
        if number is None:
            return None
        first = self.first if isinstance(self.first, int) else _whole(found.get(self.first)) or 0
        step = _whole(found.get(self.step)) or 1
        last = _whole(found.get(self.last))
        count = _whole(found.get(self.count)) if self.count else None
        if count is None and last is not None:
            count = (last - first) // step + 1
        return (number - first) // step, count


# The first that is at work counts: an array of jobs before the processes inside of one.
SCHEDULERS = (
    _Scheduler(
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_COUNT",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_STEP",
    ),
    _Scheduler("PBS_ARRAY_INDEX"),
    _Scheduler("SGE_TASK_ID", first="SGE_TASK_FIRST", last="SGE_TASK_LAST", step="SGE_TASK_STEPSIZE"),
    _Scheduler("LSB_JOBINDEX", first=1, last="LSB_JOBINDEX_END"),
    _Scheduler("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    _Scheduler("JOB_COMPLETION_INDEX"),  # Kubernetes
    _Scheduler("RANK", "WORLD_SIZE"),  # torchrun
    _Scheduler("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    _Scheduler("PMI_RANK", "PMI_SIZE"),
    _Scheduler("SLURM_PROCID", "SLURM_NTASKS"),
)


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 0 on) of `count`."""

    index: int
    count: int

    @property
    def name(self) -> str:
        """In names of files and for people: `2-of-8`."""
        return f"{self.index + 1}-of-{self.count}"

    def owns(self, number: int) -> bool:
        """Whether it draws segment `number`. Neighbours go to different parts: all take about as long."""
        return number % self.count == self.index


def read_shard(text: str, environment: Mapping[str, str] | None = None) -> Shard:
    """The part that `2/8` means, `auto` (the scheduler says both numbers) or `auto/8` (it says the first).

    Raises PresetError: it is none of these, or no scheduler says enough.
    """
    form = _FORM.fullmatch(text.strip())
    if not form:
        raise PresetError(f"--shard: this is 2/8, auto or auto/8, not {text!r}")
    if form[1]:
        return _checked(int(form[1]) - 1, int(form[2]), text)
    found = os.environ if environment is None else environment
    for scheduler in SCHEDULERS:
        told = scheduler.read(found)
        if told is None:
            continue
        index, count = told
        count = int(form[3]) if form[3] else count
        if count is None:
            raise PresetError(f"--shard: {scheduler.index} is set, but not how many there are; write auto/8")
        return _checked(index, count, f"{scheduler.index}={found[scheduler.index]}")
    names = ", ".join(scheduler.index for scheduler in SCHEDULERS)
    raise PresetError(f"--shard auto: no scheduler has set any of {names}; write 2/8")


def _checked(index: int, count: int, said: str) -> Shard:
    if count < 1:
        raise PresetError(f"--shard: {said}: there are no parts")
    if not 0 <= index < count:
        parts = f"parts are 1/{count} to {count}/{count}"
        raise PresetError(f"--shard: {said} is part {index + 1} of {count}; {parts}")
    return Shard(index, count)


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d+", text.strip()) else None
