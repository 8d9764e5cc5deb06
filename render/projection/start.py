"""Where to start: the best of a few thousand mapped samples, drawn small once and kept for each network.

An average face is far from everybody's. Among thousands of samples there is one with about the right pose
and colours, and finding it costs a fraction of the steps that it saves.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor

from render.checkpoints.download import CACHE_VARIABLE, hash_file
from render.latents.clusters import mapped_samples
from render.networks import Generator
from render.networks.ops import to_uint8
from render.projection.losses import pyramid_distance
from render.projection.working import as_ws

SIDE = 32  # pixels of the small pictures
MOST, LEAST = 4096, 256
PIXELS = {"cpu": 2**28, "cuda": 2**32, "mps": 2**30}  # drawn at most: a minute or two
BATCH = 64
SEED = 0


@dataclass(frozen=True)
class Samples:
    """Mapped samples of a network.

    w         float32 [K, w_dim]
    pictures  uint8 [K, C, H, W], small
    """

    w: Tensor
    pictures: Tensor

    def __len__(self) -> int:
        return len(self.w)

    @property
    def spread(self) -> Tensor:
        """Standard deviation of every number of w, [w_dim]."""
        return self.w.std(dim=0).clamp(min=1e-6)

    def nearest(self, targets: Tensor) -> Tensor:
        """For each picture [N, C, H, W] in [-1, 1] the w [N, w_dim] of the sample most like it."""
        small = F.adaptive_avg_pool2d(targets, tuple(self.pictures.shape[2:])).cpu()
        found = []
        for target in small:
            distances = torch.cat([self._distances(target, part) for part in self.pictures.split(512)])
            found.append(int(distances.argmin()))
        return self.w[found]

    @staticmethod
    def _distances(target: Tensor, pictures: Tensor) -> Tensor:
        return pyramid_distance(pictures.to(torch.float32) / 127.5 - 1 - target)


def sample_count(generator: Generator) -> int:
    """How many samples are drawn: 4,096, or fewer where the network has no small pictures to offer."""
    side = SIDE if getattr(generator.config, "architecture", "") == "skip" else generator.resolution
    budget = PIXELS.get(generator.mapping.w_avg.device.type, PIXELS["cpu"])
    return max(LEAST, min(MOST, budget // side**2))


def samples_of(
    generator: Generator,
    count: int | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Samples:
    """Samples of a network, from the cache if they were drawn before; the cache is filled otherwise.

    The cache goes by the sha256 of the network's file: a network that came from no file is not cached.

    count     of samples; by default as many as `sample_count` says
    folder    of the cache; by default the user's
    progress  is told how many are drawn, and how many will be
    """
    count = count or sample_count(generator)
    source = Path(generator.provenance.source)
    path = None
    if generator.provenance.source and source.is_file():
        path = (folder or cache_folder()) / f"{hash_file(source)[:32]}-{count}-{SIDE}.npz"
        if (kept := _read(path, generator, count)) is not None:
            return kept
    made = draw_samples(generator, count, progress)
    if path is not None:
        with suppress(OSError):  # a full or read-only disk: it is drawn again next time
            _write(path, made)
    return made


def cache_folder() -> Path:
    """Where samples are kept: beside the fetched checkpoints."""
    chosen = os.environ.get(CACHE_VARIABLE)
    root = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("blendreel")
    return root / "projection"


@torch.no_grad()
def draw_samples(
    generator: Generator, count: int, progress: Callable[[int, int], None] | None = None
) -> Samples:
    """That many samples, seeded, drawn at 32 pixels where the network can, and averaged down otherwise."""
    w = torch.from_numpy(mapped_samples(generator.mapping, count, SEED))
    device, small = generator.mapping.w_avg.device, []
    side = min(SIDE, generator.resolution)
    for part in w.split(BATCH):
        images = generator.synthesis(as_ws(part.to(device), generator.num_ws), resolution=side)
        small.append(to_uint8(images).permute(0, 3, 1, 2).cpu())
        if progress:
            progress(sum(map(len, small)), count)
    return Samples(w, torch.cat(small))


def _write(path: Path, samples: Samples) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            np.savez(stream, w=samples.w.numpy(), pictures=samples.pictures.numpy())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path, generator: Generator, count: int) -> Samples | None:
    """What is kept there, or None if it is not, or not as it should be."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            w, pictures = kept["w"], kept["pictures"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fine = w.shape == (count, generator.w_dim) and w.dtype == np.float32 and pictures.dtype == np.uint8
    if not fine or pictures.ndim != 4 or len(pictures) != count:
        return None
    return Samples(torch.from_numpy(w), torch.from_numpy(pictures))
