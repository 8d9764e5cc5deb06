"""Paired data sets: for every seed the base's picture and the blend's, from one latent, for training others.

Two layouts: the folders of pix2pixHD (`train_A`, `train_B`; it pairs files by their sorted names, and reads
them with --label_nc 0 --no_instance), and WebDataset's shards (tar files; members of a sample share what
stands before the first dot of their names).
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from render.encoding.claim import part_of
from render.errors import BlendreelWarning, EncodingError, PresetError
from render.preset import Panels, Preset
from render.renderer import pick_device
from render.scene import Moment, Scene
from render.variants import Company, Variant, frame_at, with_seed

RECIPE, MANIFEST = "dataset.json", "manifest.jsonl"
MOST_PAIRS = 1_000_000  # keys have six digits, so that they sort as they count
SHARD = 1000  # pairs in a tar
PAIRS_AT_ONCE = 64  # drawn together; always the same ones, so that going on gives the same bytes
PNG_COMPRESSION = 4
ENCODERS = 4  # threads; zlib lets go of Python's lock

Progress = Callable[[int, int], None]  # pairs done, pairs in all
Sample = Mapping[str, bytes]  # the files of one pair, by their endings


@dataclass(frozen=True)
class PairPlan:
    """What a data set holds: pair number n shows seed `first_seed` + n.

    at      the moment of the preset whose blend is taken, as presets write times
    base    what stands beside the blend: low, high, or a model's name
    layout  `folders` or `webdataset`
    phase   the first part of names: train, test, val
    shard   pairs in a tar
    """

    preset: Preset
    count: int
    first_seed: int = 0
    at: str = "0s"
    base: str = "low"
    layout: str = "folders"
    phase: str = "train"
    shard: int = SHARD

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_PAIRS:
            raise PresetError(f"a data set has 1 to {MOST_PAIRS} pairs, not {self.count}")
        if self.layout not in STORES:
            raise PresetError(f"unknown layout {self.layout!r}; there is {' and '.join(STORES)}")
        if not self.phase.isidentifier():
            raise PresetError(f"the phase is a word such as train or test, not {self.phase!r}")
        if self.shard < 1:
            raise PresetError(f"a shard holds at least 1 pair, not {self.shard}")
        if not 0 <= self.first_seed <= 2**32 - self.count:
            raise PresetError(
                f"seeds lie from 0 to 4294967295; {self.count} from {self.first_seed} on do not"
            )

    def variant(self, number: int) -> Variant:
        """Both pictures of a pair, side by side in a frame."""
        plain = self.preset.replace(panels=Panels(show=[self.base, "blend"], gap=0))
        return Variant(with_seed(plain, self.first_seed + number), frame_at(plain.clock, self.at))


def save_pairs(
    plan: PairPlan,
    out: str | Path,
    *,
    device: str | None = None,
    batch_size: int | None = None,
    size: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw the pairs into the folder `out`, and go on where an earlier call ended.

    size  draw smaller pictures, of at most so many pixels

    `dataset.json` says how they were made, `manifest.jsonl` has a line for each pair: its key, seed, files
    and the blend's numbers. The same plan, batch size and device give the same bytes. Raises PresetError,
    CheckpointError, BlendError, or EncodingError where `out` holds something else or can't be written.
    """
    out, first = Path(out), plan.variant(0)
    company = Company([first], pick_device(device), batch_size, size)
    recipe = recipe_of(plan, company.scene(first.preset), company.renderer(first.preset).picture_size)
    try:
        begin(out, recipe)
        _write_all(plan, company, STORES[plan.layout](out, plan), Manifest(out / MANIFEST), progress)
    except OSError as error:
        place = error.filename or out
        raise EncodingError(f"{place}: cannot be written: {error.strerror or error}") from None
    return out


def _write_all(
    plan: PairPlan, company: Company, store: Store, manifest: Manifest, progress: Progress | None
) -> None:
    with ThreadPoolExecutor(ENCODERS) as pool:
        for start in range(0, plan.count, store.volume):
            volume = range(start, min(start + store.volume, plan.count))
            if not store.holds(volume, manifest):
                rows = []
                with store.opened(volume) as put:
                    for number, sample, row in _samples(plan, company, volume, pool):
                        rows.append(row | put(number, sample))
                        if progress:
                            progress(number + 1, plan.count)
                manifest.add(rows)
            elif progress:
                progress(volume.stop, plan.count)


def _samples(
    plan: PairPlan, company: Company, volume: range, pool: ThreadPoolExecutor
) -> Iterator[tuple[int, Sample, dict]]:
    """The pairs of a volume: number, files, and the manifest's row so far."""
    for start in range(volume.start, volume.stop, PAIRS_AT_ONCE):
        numbers = range(start, min(start + PAIRS_AT_ONCE, volume.stop))
        moments, frames = company.draw([plan.variant(number) for number in numbers])
        if start == 0 and all(np.array_equal(*_halves(frame)) for frame in frames):
            text = f"base and blend are the same pictures at {plan.at}; another moment may be meant"
            warnings.warn(text, BlendreelWarning, stacklevel=2)
        rows = [
            {"key": key_of(number), "seed": plan.first_seed + number, "values": moment.values}
            for number, moment in zip(numbers, moments, strict=True)
        ]
        yield from zip(numbers, pool.map(_encoded, moments, frames, rows), rows, strict=True)


def key_of(number: int) -> str:
    """What the files of a pair are called: `000042`."""
    return f"{number:06d}"


def _halves(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base and the blend, which stand side by side in a frame [H, 2 W, 3]."""
    middle = frame.shape[1] // 2
    return frame[:, :middle], frame[:, middle:]


def _encoded(moment: Moment, frame: np.ndarray, row: dict[str, Any]) -> Sample:
    """The files of one pair."""
    base, blend = (_png(half) for half in _halves(frame))
    ws = io.BytesIO()
    np.save(ws, moment.pictures[-1].ws)
    return {"base.png": base, "blend.png": blend, "ws.npy": ws.getvalue(), "json": _line(row).encode()}


def _png(picture: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(data, "PNG", compress_level=PNG_COMPRESSION)
    return data.getvalue()


def _line(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False) + "\n"


# --- what was made, and how ---------------------------------------------------------------------------------


def recipe_of(plan: PairPlan, scene: Scene, picture_size: tuple[int, int]) -> dict[str, Any]:
    """How a data set is made, as plain data: all but its length must be equal to go on with it."""
    preset = plan.variant(0).preset
    blend = scene.moment(frame_at(preset.clock, plan.at)).pictures[-1].blend
    checkpoints = [
        cast.name if len(cast.kimgs) == 1 else f"{cast.name} at {kimg:g} kimg"
        for cast in scene.casts
        for kimg in cast.kimgs
    ]
    return {
        "count": plan.count,
        "layout": plan.layout,
        "phase": plan.phase,
        "shard": plan.shard if plan.layout == "webdataset" else None,
        "base": plan.base,
        "first_seed": plan.first_seed,
        "at": plan.at,
        "picture_size": list(picture_size),
        "blend": {
            "checkpoints": checkpoints,
            "layers": [layer.name for layer in scene.model.layers],
            "weights": np.round(blend.weights, 6).tolist(),
        },
        "preset": plan.preset.to_yaml(),
    }


def begin(out: Path, recipe: dict[str, Any]) -> None:
    """Write the recipe, or find that what is in the folder was made by it. Raises EncodingError, OSError."""
    path = out / RECIPE
    if out.exists() and not out.is_dir():
        raise EncodingError(f"{out}: is a file; name a folder")
    if not path.exists():
        others = sorted(each.name for each in out.iterdir()) if out.is_dir() else []
        if others:
            raise EncodingError(f"{out}: there are other things in this folder, such as {others[0]}")
    else:
        before = _read_recipe(path)
        wrong = [name for name in recipe if name != "count" and before.get(name) != recipe[name]]
        if wrong:
            shown = (
                f"{wrong[0]} was {before.get(wrong[0])}" if wrong[0] not in ("blend", "preset") else wrong[0]
            )
            raise EncodingError(
                f"{out}: the pairs in this folder were made otherwise ({shown}); choose another folder"
            )
        recipe = recipe | {"count": max(recipe["count"], before["count"])}
    out.mkdir(parents=True, exist_ok=True)
    _replace(path, (json.dumps(recipe, ensure_ascii=False, indent=1) + "\n").encode())


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("count"), int):
            return found
    except ValueError:
        pass
    raise EncodingError(f"{path}: is damaged; choose another folder")


class Manifest:
    """A line of JSON for each pair. A line that a broken call left unfinished is forgotten."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in text.splitlines():
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                self.rows[row["key"]] = row
        if text and text != self._text():
            self._save()

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add finished pairs."""
        in_order = not self.rows or next(reversed(self.rows)) < rows[0]["key"]
        self.rows |= {row["key"]: row for row in rows}
        if not in_order:
            self._save()
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(map(_line, rows))

    def _save(self) -> None:
        self.rows = dict(sorted(self.rows.items()))
        _replace(self.path, self._text().encode())

    def _text(self) -> str:
        return "".join(map(_line, self.rows.values()))


# --- layouts ------------------------------------------------------------------------------------------------


class Store:
    """Where samples go. A volume is a range of pairs that are finished together."""

    volume: int

    def __init__(self, out: Path, plan: PairPlan):
        self.out, self.phase = out, plan.phase

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
                _replace(self.out / files[name], sample[ending])
            return files

        yield put


class ShardStore(Store):
    """Tar files of `shard` samples each, which the webdataset package reads."""

    def __init__(self, out: Path, plan: PairPlan):
        super().__init__(out, plan)
        self.volume = plan.shard

    def files(self, number: int) -> dict[str, str]:
        return {"shard": f"{self.phase}-{number // self.volume:06d}.tar"}

    @contextmanager
    def opened(self, volume: range) -> Iterator[Callable[[int, Sample], dict[str, str]]]:
        path = self.out / self.files(volume.start)["shard"]
        part = part_of(path)
        try:
            with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:

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


def _replace(path: Path, data: bytes) -> None:
    """Write a file that has its name only when it is whole."""
    part = part_of(path)
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


STORES: dict[str, type[Store]] = {"folders": FolderStore, "webdataset": ShardStore}
