"""Which files a render depends on, and their sha256: one that changes between two runs is found out."""

from __future__ import annotations

from render.jobs import Job
from render.preset import Preset
from render.preset.portable import resolved_data
from render.production.record import Sums, sums_of_files, sums_of_models


def file_hashes(preset: Preset, jobs: list[Job], models: dict[str, Sums] | None = None) -> dict[str, str]:
    """The sha256 of every file that decides about frames or sound, by its name and the model it is of.

    models  those of the models, if they are known already
    """
    sums = models if models is not None else sums_of_models(preset)
    found = {
        f"models.{name} ({file})": digest for name, files in sums.items() for file, digest in files.items()
    }
    for job in jobs:
        found |= sums_of_files(preset, resolved_data(preset, job.output), job.path.absolute().parent)
    return found
