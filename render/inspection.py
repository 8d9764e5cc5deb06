"""What there is to know about one checkpoint: facts from its file, in words, and a sheet of seeds."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from render.checkpoints.formats import FORMATS
from render.checkpoints.header import read_header
from render.checkpoints.library import kimg_in_name, resolve
from render.checkpoints.load import load
from render.checkpoints.wrapping import unwrapped
from render.console import size_text
from render.drawing import to_frames
from render.latents import seed_latents
from render.networks import Generator
from render.panels import contact_sheet
from render.renderer import smaller
from render.report import number_text, section

SEEDS, COLUMNS, TRUNCATION = range(32), 8, 0.7
LARGEST_CELL = 256  # pixels of a picture's height in a sheet
PIXELS_PER_BATCH = 4 * 256**2
STORED = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class Facts:
    """What one checkpoint is.

    source        what it was opened as
    path          its file
    format        a key of FORMATS
    architecture  `stylegan2` …
    structure     what must be equal in networks that are blended: label → words
    picture       width and height in pixels
    resolution    the nominal one, by which layers are named
    channels      layer's name → channels it gives
    z_dim, w_dim, num_ws, c_dim  widths of the latents, rows of ws, width of the label (0: none)
    parameters    trained numbers: in all, mapping and synthesis
    precision     of the numbers in the file, and how many layers were trained in half precision
    kimg          thousands of images seen in training, by the file or its name
    lineage       networks it was fine-tuned from, nearest first
    size_bytes, sha256  of the file
    """

    source: str
    path: str
    format: str
    architecture: str
    structure: dict[str, str]
    picture: tuple[int, int]
    resolution: int
    channels: dict[str, int]
    z_dim: int
    w_dim: int
    num_ws: int
    c_dim: int
    parameters: dict[str, int]
    precision: str
    kimg: float | None
    lineage: tuple[str, ...]
    size_bytes: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The facts as plain data."""
        return asdict(self)


def inspect(source: str | Path) -> tuple[Facts, Generator]:
    """The facts about the checkpoint that `source` names, and the generator in it, on the CPU.

    Raises CheckpointError, as `load` does.
    """
    path = resolve(source)
    generator = load(path)
    provenance = generator.provenance
    facts = Facts(
        source=str(source),
        path=str(path),
        format=provenance.format,
        architecture=generator.architecture,
        structure=generator.structure(),
        picture=generator.picture_size,
        resolution=generator.resolution,
        channels=_channels(generator),
        z_dim=generator.z_dim,
        w_dim=generator.w_dim,
        num_ws=generator.num_ws,
        c_dim=generator.c_dim,
        parameters=_parameters(generator),
        precision=_precision(generator, path),
        kimg=kimg_in_name(path) if provenance.kimg is None else provenance.kimg,
        lineage=tuple(provenance.lineage),
        size_bytes=path.stat().st_size,
        sha256=_sha256(path),
    )
    return facts, generator


def describe(facts: Facts) -> str:
    """The facts in plain text of at most 100 columns."""
    known = FORMATS.get(facts.format)
    file = [
        ["path", facts.path],
        ["format", known.description if known else facts.format],
        ["size", f"{size_text(facts.size_bytes)} ({facts.size_bytes:,} bytes)"],
        ["precision", facts.precision],
        ["sha256", facts.sha256],
    ]
    training = [
        ["kimg", "unknown" if facts.kimg is None else number_text(facts.kimg)],
        ["lineage", " ← ".join([Path(facts.path).stem, *facts.lineage]) if facts.lineage else "unknown"],
    ]
    network = [
        *(
            [label, f"{words} px" if label == "resolution" else words]
            for label, words in facts.structure.items()
        ),
        ["ws", f"{facts.num_ws} rows of {facts.w_dim}"],
        ["parameters", ", ".join(f"{name} {count:,}" for name, count in facts.parameters.items())],
    ]
    return "\n\n".join([section("file", file), section("network", network), section("training", training)])


def sheet(
    generator: Generator,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Seeds 0 to 31 at truncation 0.7, eight in a row, each with its number: uint8 [H, W, 3].

    Pictures are at most 256 px high. A network with labels gets none.
    """
    generator = generator.to(device).use_shared_weights()
    width, height = generator.picture_size
    resolution = smaller(width, max(4, LARGEST_CELL * width // height))
    batch = max(1, PIXELS_PER_BATCH // (width * height))
    pictures: list[np.ndarray] = []
    for start in range(0, len(SEEDS), batch):
        pictures += _pictures(generator, SEEDS[start : start + batch], resolution)
        if progress:
            progress(len(pictures), len(SEEDS))
    rows = [pictures[start : start + COLUMNS] for start in range(0, len(pictures), COLUMNS)]
    ends = [f"{SEEDS[start]} to {SEEDS[start + COLUMNS - 1]}" for start in range(0, len(pictures), COLUMNS)]
    return contact_sheet(rows, row_labels=ends, cell_height=max(64, pictures[0].shape[0]))


@torch.inference_mode()
def _pictures(generator: Generator, seeds: range, resolution: int) -> list[np.ndarray]:
    z = torch.from_numpy(seed_latents(seeds, generator.z_dim)).to(generator.mapping.w_avg.device)
    ws = generator.mapping(z, truncation_psi=TRUNCATION)
    return list(to_frames(generator.synthesis(ws, noise_mode="const", resolution=resolution)))


def _channels(generator: Generator) -> dict[str, int]:
    """What each layer gives: the first axis of its largest weight, to-RGB aside if it has another."""
    weights: dict[int, tuple[bool, int, int]] = {}
    for name, tensor in generator.named_parameters():
        role = generator.role(name)
        if role.position is None or tensor.ndim < 2 or ".affine." in name:
            continue
        entry = role.kind == "layer", tensor.numel(), tensor.shape[0]
        weights[role.position] = max(entry, weights.get(role.position, entry))
    return {layer.name: weights[layer.position][2] for layer in generator.layers if layer.position in weights}


def _parameters(generator: Generator) -> dict[str, int]:
    parts = {
        "mapping": sum(tensor.numel() for tensor in generator.mapping.parameters()),
        "synthesis": sum(tensor.numel() for tensor in generator.synthesis.parameters()),
    }
    return {"in all": sum(parts.values()), **parts}


def _precision(generator: Generator, path: Path) -> str:
    """How the numbers are stored; other formats than ours hold float32."""
    words = "float32"
    if generator.provenance.format == "native":
        counts = Counter()
        with unwrapped(path) as plain:
            header = read_header(plain)
            for kind, shape in header.tensors.values():
                counts[STORED.get(kind, kind)] += math.prod(shape)
        shares = counts.most_common()
        words = ", ".join(kind if len(shares) == 1 else f"{kind} ({count:,})" for kind, count in shares)
        words += f", differences from {header.base.source}" if header.base else ""
    half = getattr(generator.config, "num_fp16_res", 0)
    return f"{words}; the last {half} resolutions were trained in float16" if half else words


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
