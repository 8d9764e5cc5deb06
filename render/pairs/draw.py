"""Draws a paired data set: for every seed the base's picture and the blend's, from one latent."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from render.errors import BlendreelWarning, EncodingError, PresetError
from render.pairs.record import MANIFEST, Manifest, begin, json_line
from render.pairs.stores import MOST_PAIRS, PAIRS_AT_ONCE, SHARD, STORES, Sample, key_of
from render.preset import Panels, Preset
from render.renderer import pick_device
from render.scene import Moment, Scene
from render.variants import Company, Variant, frame_at, with_seed

PNG_COMPRESSION = 4
ENCODERS = 4  # threads; zlib lets go of Python's lock

Progress = Callable[[int, int], None]  # pairs done, pairs in all


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

    `dataset.json` says how they were made; `manifest.jsonl` has a line for each pair: its key, seed, files,
    and how much of every checkpoint each layer of the blend takes. The same plan, batch size and device give
    the same bytes. Raises PresetError, CheckpointError, BlendError, or EncodingError where `out` holds
    something else or can't be written.
    """
    out, first = Path(out), plan.variant(0)
    company = Company([first], pick_device(device), batch_size, size)
    recipe = recipe_of(plan, company.scene(first.preset), company.renderer(first.preset).picture_size)
    try:
        begin(out, recipe)
        _write_all(plan, company, recipe["weights"], out, progress)
    except OSError as error:
        place = error.filename or out
        raise EncodingError(f"{place}: cannot be written: {error.strerror or error}") from None
    return out


def _write_all(
    plan: PairPlan, company: Company, weights: dict[str, Any], out: Path, progress: Progress | None
) -> None:
    store, manifest = STORES[plan.layout](out, plan.phase, plan.shard), Manifest(out / MANIFEST)
    with ThreadPoolExecutor(ENCODERS) as pool:
        for start in range(0, plan.count, store.volume):
            volume = range(start, min(start + store.volume, plan.count))
            if not store.holds(volume, manifest):
                rows = []
                with store.opened(volume) as put:
                    for number, row, sample in _samples(plan, company, weights, volume, pool, progress):
                        rows.append(row | put(number, sample))
                manifest.add(rows)
            elif progress:
                progress(volume.stop, plan.count)


def _samples(
    plan: PairPlan,
    company: Company,
    weights: dict[str, Any],
    volume: range,
    pool: ThreadPoolExecutor,
    progress: Progress | None,
) -> Iterator[tuple[int, dict[str, Any], Sample]]:
    """The pairs of a volume: number, the manifest's row so far, and files."""
    for start in range(volume.start, volume.stop, PAIRS_AT_ONCE):
        numbers = range(start, min(start + PAIRS_AT_ONCE, volume.stop))

        def show(done: int, start: int = start) -> None:
            if progress:
                progress(start + done, plan.count)

        moments, frames = company.draw([plan.variant(number) for number in numbers], show)
        if start == 0 and all(np.array_equal(*_halves(frame)) for frame in frames):
            text = f"base and blend are the same pictures at {plan.at}; another moment may be meant"
            warnings.warn(text, BlendreelWarning, stacklevel=2)
        rows = [
            {"key": key_of(number), "seed": plan.first_seed + number, "weights": weights}
            for number in numbers
        ]
        yield from zip(numbers, rows, pool.map(_encoded, moments, frames, rows), strict=True)


def _halves(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base and the blend, which stand side by side in a frame [H, 2 W, 3]."""
    middle = frame.shape[1] // 2
    return frame[:, :middle], frame[:, middle:]


def _encoded(moment: Moment, frame: np.ndarray, row: dict[str, Any]) -> Sample:
    """The files of one pair."""
    base, blend = (_png(half) for half in _halves(frame))
    ws = io.BytesIO()
    np.save(ws, moment.pictures[-1].ws)
    return {"base.png": base, "blend.png": blend, "ws.npy": ws.getvalue(), "json": json_line(row).encode()}


def _png(picture: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(data, "PNG", compress_level=PNG_COMPRESSION)
    return data.getvalue()


def recipe_of(plan: PairPlan, scene: Scene, picture_size: tuple[int, int]) -> dict[str, Any]:
    """How a data set is made, as plain data: all but its length must be equal to go on with it."""
    preset = plan.variant(0).preset
    blend = scene.moment(frame_at(preset.clock, plan.at)).pictures[-1].blend
    names = [
        cast.name if len(cast.kimgs) == 1 else f"{cast.name} at {kimg:g} kimg"
        for cast in scene.casts
        for kimg in cast.kimgs
    ]
    weights = dict(zip(names, np.round(blend.weights, 6).tolist(), strict=True))
    return {
        "count": plan.count,
        "layout": plan.layout,
        "phase": plan.phase,
        "shard": plan.shard if plan.layout == "webdataset" else None,
        "base": plan.base,
        "first_seed": plan.first_seed,
        "at": plan.at,
        "picture_size": list(picture_size),
        "layers": [layer.name for layer in scene.model.layers],
        "weights": {name: row for name, row in weights.items() if any(row)},
        "preset": plan.preset.to_yaml(),
    }
