"""rosinality/stylegan2-pytorch's `.pt` files: dictionaries of tensors, under names of their own.

Layers are numbered through (`convs.0` doubles 4 px to 8, `convs.1` stays there …), the low-pass kernel is a
buffer, and nothing says how wide or deep the network is but the tensors themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from render.checkpoints.allowance import Allowance
from render.checkpoints.filters import filter_buffers, taps_of
from render.checkpoints.formats import Contents
from render.checkpoints.spans import Span, View, read_floats
from render.checkpoints.standins import TORCH_GLOBALS
from render.checkpoints.torchfile import read_torch
from render.errors import CheckpointError
from render.networks import Provenance, StyleGAN2Config
from render.networks.stylegan2 import Mapping as MappingNetwork

GENERATOR_KEYS = ("g_ema", "g")
MAPPED_SAMPLES = 4096
CHANNEL_BASES = (16384, 32768, 8192, 4096, 65536)  # channel_multiplier 1, 2, ½, ¼, 4
CHANNEL_MAX = 512
MAX_LAYERS = 64
MAX_PIXELS = 2**24  # of a picture
MAX_LATENT = 8192  # numbers of a z or w; thousands are drawn at once

# Where a layer stands: pattern of its name → (ours, from its number).
_UNIT = re.compile(r"(style|conv1|convs|to_rgb1|to_rgbs)(?:\.(\d{1,2}))?\.(.+)")
_NOISE = re.compile(r"noises\.noise_(\d{1,2})")
LEAVES = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "weight": "weight",
    "bias": "bias",
}
KERNELS = ("conv.blur.kernel", "upsample.kernel")


def read(path: Path) -> Contents:
    """Config and tensors of the averaged generator, or of the plain one where there is no other."""
    try:
        data = read_torch(Span(path), path.name, TORCH_GLOBALS)
        views = _generator(data, path.name)
        average = views.pop("latent_avg", None) or data.get("latent_avg")
        found = read_floats(views, path.stat().st_size)
        if isinstance(average, View):
            found["latent_avg"] = average.read().to(torch.float32)
    except CheckpointError as error:
        if path.name in str(error):
            raise
        raise type(error)(f"{path.name}: {error}") from error
    average = found.pop("latent_avg", None)
    tensors, kernels = _translate(found, path.name)
    try:
        config = _config(tensors, kernels)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path.name} holds tensors that are no StyleGAN2 generator of rosinality's ({error!r})"
        ) from error
    notes = _add_noise(tensors, config, path.name)
    tensors |= filter_buffers(config)
    if average is None:
        average, notes["w_avg"] = _average(config, tensors), f"averaged over {MAPPED_SAMPLES} seeded samples"
    tensors["mapping.w_avg"] = average.reshape(-1)
    return Contents(config, tensors, Provenance(str(path), "rosinality", notes=notes))


def _generator(data: Any, label: str) -> dict[str, View]:
    """The state to use: g_ema, g, or the file itself where it is one; names without DataParallel's prefix."""
    if not isinstance(data, Mapping):
        raise CheckpointError(f"{label} holds no generator but a {type(data).__name__}")
    state = next((data[key] for key in GENERATOR_KEYS if isinstance(data.get(key), Mapping)), data)
    views = {
        str(name).removeprefix("module."): value for name, value in state.items() if isinstance(value, View)
    }
    if "input.input" not in views:
        inside = ", ".join(str(name)[:40] for name in list(data)[:8])
        raise CheckpointError(
            f"{label} holds no generator of rosinality's (no 'g_ema' with an 'input.input'); "
            f"it holds {inside or 'nothing'}"
        )
    return views


def _resolution(layer: int) -> int:
    """Pixels at the layer of that number, where 0 is the one at 4 px: 4, 8, 8, 16, 16 …"""
    return 2 ** ((layer + 5) // 2)


def _conv(layer: int) -> str:
    """Our name of a convolution, numbered as the noises are: 0 at 4 px, then two for each resolution."""
    return f"synthesis.b{_resolution(layer)}.conv{(layer + 1) % 2}"


def _our_name(name: str) -> str | None:
    """NVIDIA's name of that tensor; None if there is none. Kernels end in `kernel`."""
    if name == "input.input":
        return "synthesis.b4.const"
    if noise := _NOISE.fullmatch(name):
        return f"{_conv(int(noise[1]))}.noise_const"
    unit = _UNIT.fullmatch(name)
    if unit is None:
        return None
    kind, number, rest = unit[1], unit[2], unit[3]
    leaf = "kernel" if rest in KERNELS else LEAVES.get(rest)
    if leaf is None or (number is None) != kind.endswith("1") or int(number or 0) > MAX_LAYERS:
        return None
    places = {
        "style": lambda n: f"mapping.fc{n - 1}",  # style.0 has no tensors
        "conv1": lambda n: _conv(0),
        "convs": lambda n: _conv(n + 1),
        "to_rgb1": lambda n: "synthesis.b4.torgb",
        "to_rgbs": lambda n: f"synthesis.b{2 ** (n + 3)}.torgb",
    }
    return f"{places[kind](int(number or 0))}.{leaf}"


def _translate(found: Mapping[str, Tensor], label: str) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Tensors under our names and in our shapes, and the low-pass kernels."""
    names = {name: _our_name(name) for name in found}
    unknown = [name[:60] for name, ours in names.items() if ours is None]
    if unknown:
        raise CheckpointError(
            f"{label} is a variant of rosinality's StyleGAN2: it has {len(unknown)} tensors that are not "
            f"known here ({', '.join(unknown[:5])})"
        )
    kernels = [found[name] for name, ours in names.items() if ours.endswith("kernel")]
    tensors = {
        ours: _shaped(ours, found[name]) for name, ours in names.items() if not ours.endswith("kernel")
    }
    return tensors, kernels


def _shaped(name: str, tensor: Tensor) -> Tensor:
    """Without the axes of length 1 that rosinality keeps for broadcasting."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "bias":
        return tensor.reshape(-1)
    if leaf == "noise_strength" and tensor.numel() == 1:
        return tensor.reshape([])
    axes = {"noise_const": 2, "const": 3}.get(leaf)
    if leaf == "weight" and tensor.ndim == 5:
        axes = 4
    while axes is not None and tensor.ndim > axes and len(tensor) == 1:
        tensor = tensor[0]
    return tensor


def _config(tensors: Mapping[str, Tensor], kernels: list[Tensor]) -> StyleGAN2Config:
    """The config those tensors imply."""
    resolutions = [2**n for n in range(2, 12) if f"synthesis.b{2**n}.conv1.weight" in tensors]
    if resolutions != [2**n for n in range(2, 2 + len(resolutions))]:
        raise ValueError("layers are missing between those of its resolutions")
    widths = tuple(len(tensors[f"synthesis.b{resolution}.conv1.weight"]) for resolution in resolutions)
    depth = sum(name.startswith("mapping.fc") and name.endswith("weight") for name in tensors)
    hidden, z_dim = tensors["mapping.fc0.weight"].shape
    if max(hidden, z_dim) > MAX_LATENT:
        raise ValueError(f"a latent of {z_dim} numbers")
    w_dim = len(tensors[f"mapping.fc{depth - 1}.weight"])
    lines = {taps_of(kernel) for kernel in kernels}
    if len(lines) > 1:
        raise ValueError("its low-pass kernels differ from layer to layer")
    return StyleGAN2Config(
        resolution=resolutions[-1],
        z_dim=z_dim,
        w_dim=w_dim,
        img_channels=len(tensors["synthesis.b4.torgb.weight"]),
        **_widths(widths, resolutions),
        **({"resample_filter": lines.pop()} if lines else {}),
        mapping_layers=depth,
        const_size=tuple(tensors["synthesis.b4.const"].shape[1:]),
        mapping_features=None if hidden == w_dim else hidden,
    )


def _widths(widths: tuple[int, ...], resolutions: list[int]) -> dict[str, Any]:
    """channel_base and channel_max where a channel multiplier explains these widths, or all of them."""
    for base in CHANNEL_BASES:
        if widths == tuple(min(base // resolution, CHANNEL_MAX) for resolution in resolutions):
            return {"channel_base": base, "channel_max": CHANNEL_MAX}
    return {"channels": widths}


def _add_noise(tensors: dict[str, Tensor], config: StyleGAN2Config, label: str) -> dict[str, str]:
    """Early files keep no noise maps; theirs are drawn from the layers' numbers, always the same."""
    missing = []
    if math.prod(config.pixels(config.resolution)) > MAX_PIXELS:
        raise CheckpointError(f"{label} holds a network whose pictures would be larger than any network's")
    for layer in range(2 * len(config.resolutions) - 1):
        name, pixels = f"{_conv(layer)}.noise_const", config.pixels(_resolution(layer))
        if name not in tensors:
            random = torch.Generator().manual_seed(layer)
            tensors[name] = torch.randn(list(pixels), generator=random)
            missing.append(name)
    return {"noise maps": f"{len(missing)} were missing and are drawn from a fixed seed"} if missing else {}


def _average(config: StyleGAN2Config, tensors: Mapping[str, Tensor]) -> Tensor:
    """The mean w [w_dim] of seeded samples, for files without one: most that were never converted."""
    with Allowance.for_tensors(tensors.values()):
        mapping = MappingNetwork(config, num_ws=1)
    state = {name.removeprefix("mapping."): t for name, t in tensors.items() if name.startswith("mapping.")}
    missing, unexpected = mapping.load_state_dict(state, strict=False, assign=True)
    if set(missing) - {"w_avg"} or unexpected:
        raise CheckpointError(f"its mapping network is not whole ({', '.join([*missing, *unexpected][:5])})")
    z = torch.randn([MAPPED_SAMPLES, config.z_dim], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return mapping.to_w(z).mean(dim=0)
