"""Where pairs go: the folders of pix2pixHD, or WebDataset's shards.

pix2pixHD reads `train_A` and `train_B` with --label_nc 0 --no_instance, and pairs files by their sorted
names. A shard is a tar; the members of a sample share what stands before the first dot of their names.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from render.encoding.claim import fresh, part_of
from render.pairs.record import Manifest, write_whole

MOST_PAIRS = 1_000_000  # keys have six digits, so that they sort as they count
SHARD = 1000  # pairs in a tar
PAIRS_AT_ONCE = 64  # drawn together; always the same ones, so that going on gives the same bytes

Sample = Mapping[str, bytes]  # the files of one pair, by their endings


def key_of(number: int) -> str:
    """What the files of a pair are called: `000042`."""
    return f"{number:06d}"


class Store:
    """Where samples go. A volume is a range of pairs that are finished together."""

    volume: int

    def __init__(self, out: Path, phase: str, shard: int):
        self.out, self.phase = out, phase

    def files(self, number: int) -> dict[str, str]:
        """The manifest's words for where a pair lies, relative to the folder."""
        raise NotImplementedError

    def holds(self, volume: range, manifest: Manifest) -> bool:
        """Whether all pairs of a volume are there, and complete."""
        rows = [manifest.rows.get(key_of(number)) for number in volume]
        return all(rows) and all(
            (self.out / file).is_file() for number in volume for file in self.files(number).values()
        )

    @contextmanager
    def opened(self, volume: range) -> Iterator[Callable[[int, Sample], dict[str, str]]]:
        """The function that puts a sample in its place and returns `files`."""
        raise NotImplementedError
        yield


class FolderStore(Store):
    """Files of their own, in the folders of pix2pixHD."""

    volume = PAIRS_AT_ONCE

    def files(self, number: int) -> dict[str, str]:
        key = key_of(number)
        return {
            "base": f"{self.phase}_A/{key}.png",
            "blend": f"{self.phase}_B/{key}.png",
            "ws": f"{self.phase}_ws/{key}.npy",
        }

    @contextmanager
    def opened(self, volume: range) -> Iterator[Callable[[int, Sample], dict[str, str]]]:
        for file in self.files(volume.start).values():
            (self.out / file).parent.mkdir(parents=True, exist_ok=True)

        def put(number: int, sample: Sample) -> dict[str, str]:
            files = self.files(number)
            for name, ending in (("base", "base.png"), ("blend", "blend.png"), ("ws", "ws.npy")):
                write_whole(self.out / files[name], sample[ending])
            return files

        yield put


class ShardStore(Store):
    """Tar files of `shard` samples each, which the webdataset package reads."""

    def __init__(self, out: Path, phase: str, shard: int):
        super().__init__(out, phase, shard)
        self.volume = shard

    def files(self, number: int) -> dict[str, str]:
        return {"shard": f"{self.phase}-{number // self.volume:06d}.tar"}

    @contextmanager
    def opened(self, volume: range) -> Iterator[Callable[[int, Sample], dict[str, str]]]:
        path = self.out / self.files(volume.start)["shard"]
        part = part_of(path)
        try:
            with tarfile.open(fresh(part), "w", format=tarfile.USTAR_FORMAT) as tar:

                def put(number: int, sample: Sample) -> dict[str, str]:
                    for ending, data in sample.items():
                        member = tarfile.TarInfo(f"{key_of(number)}.{ending}")  # no time, no user
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
                    return self.files(number)

                yield put
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


STORES: dict[str, type[Store]] = {"folders": FolderStore, "webdataset": ShardStore}
