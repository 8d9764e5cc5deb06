"""NVIDIA's PyTorch pickles (stylegan2-ada-pytorch, stylegan3): modules with their source code.

The code is never looked at. A module's tensors and plain attributes say everything about it; its
constructor's arguments are the fallback where an attribute is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from render.checkpoints.allowance import no_average
from render.checkpoints.filters import plane, taps_of
from render.checkpoints.formats import Contents
from render.checkpoints.library import kimg_in_name
from render.checkpoints.nvlabs3 import is_stylegan3, stylegan3_config
from render.checkpoints.shown import shown
from render.checkpoints.spans import View, read_floats
from render.checkpoints.standins import NVLABS_GLOBALS, Module, unpickle
from render.checkpoints.unpickle import SCALARS
from render.errors import CheckpointError
from render.networks import Provenance, StyleGAN2Config

MAX_DEPTH, MAX_NAME = 8, 200  # modules inside one another; letters of a name
MAX_PARTS = 100_000  # modules and tensors of a network, each counted where it is used
POSITIONAL = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")

# Constructor options that the tensors and attributes answer, or that change nothing a picture shows.
KNOWN_OPTIONS = frozenset(
    {*POSITIONAL, "channel_base", "channel_max", "num_fp16_res", "conv_clamp", "architecture"}
    | {"resample_filter", "use_noise", "activation", "num_layers", "embed_features", "layer_features"}
    | {"lr_multiplier", "w_avg_beta", "num_ws", "fp16_channels_last", "channels_last", "use_fp16"}
    | {"fused_modconv_default", "class_name"}
)


def read(path: Path) -> Contents:
    """Config and tensors of the generator to use: `G_ema` where there is one."""
    data = unpickle(path, NVLABS_GLOBALS)
    module = _generator(data, path.name)
    tensors = read_floats(_tensors(module, path.name), path.stat().st_size)
    is_3 = is_stylegan3(tensors)
    try:
        config = (stylegan3_config if is_3 else _config)(module, tensors, path.name)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        kind = "StyleGAN3" if is_3 else "StyleGAN2"
        raise CheckpointError(
            f"{path.name} holds a module that is no {kind} generator ({shown(repr(error), 120)})"
        ) from error
    tensors.setdefault("mapping.w_avg", no_average(config.w_dim))
    if is_3:
        tensors.setdefault("synthesis.input.transform", torch.eye(3))
    tensors |= {name: plane(tensor) for name, tensor in tensors.items() if name.endswith("resample_filter")}
    return Contents(config, tensors, Provenance(str(path), "nvlabs", kimg_in_name(path)))


def _generator(data: Any, label: str) -> Module:
    """The module to use: G_ema, or G in a file that has no average, or the only module there is."""
    found = data
    if isinstance(data, Mapping):
        found = next((data[key] for key in ("G_ema", "G") if isinstance(data.get(key), Module)), None)
    if not isinstance(found, Module):
        inside = (
            ", ".join(map(shown, list(data)[:8])) if isinstance(data, Mapping) else f"a {type(data).__name__}"
        )
        raise CheckpointError(f"{label} holds no generator (no 'G_ema'); it holds {inside or 'nothing'}")
    return found


def _group(module: Module, name: str) -> dict[str, Any]:
    """One of a module's tables: `_parameters`, `_buffers`, `_modules`, `_init_kwargs`."""
    table = module.state.get(name) or {}
    if not isinstance(table, dict) or not all(isinstance(key, str) and len(key) <= MAX_NAME for key in table):
        raise CheckpointError(f"a module in the file has an impossible table of {name.strip('_')}")
    return table


def _children(module: Module) -> dict[str, Module]:
    return {name: child for name, child in _group(module, "_modules").items() if isinstance(child, Module)}


def _tensors(module: Module, label: str) -> dict[str, View]:
    """Parameters and buffers under their dotted names."""
    found: dict[str, View] = {}
    waiting, parts = [("", module, 0)], 0
    while waiting:
        prefix, module, depth = waiting.pop()
        tables = [_group(module, name) for name in ("_parameters", "_buffers", "_modules")]
        # A module may be used in many places, and each of them again: few in the file, endless here.
        parts += 1 + sum(map(len, tables))
        if depth > MAX_DEPTH or parts > MAX_PARTS:
            raise CheckpointError(f"{label} is damaged: its modules are nested without end")
        for table in tables[:2]:
            found |= {f"{prefix}{name}": each for name, each in table.items() if isinstance(each, View)}
        waiting += [(f"{prefix}{name}.", child, depth + 1) for name, child in _children(module).items()]
    return found


def _options(module: Module) -> dict[str, Any]:
    """The generator's constructor arguments, those for mapping under `mapping_` and their names."""
    arguments = module.state.get("_init_args") or ()
    options = dict(zip(POSITIONAL, arguments, strict=False)) | _group(module, "_init_kwargs")
    synthesis, mapping = options.pop("synthesis_kwargs", None), options.pop("mapping_kwargs", None)
    if not all(isinstance(table or {}, dict) for table in (synthesis, mapping)):
        raise TypeError("options that are no table")
    # stylegan3's copy has no synthesis_kwargs, and other defaults than the original.
    nested = synthesis is not None or "channel_base" not in options
    defaults = {"conv_clamp": None, "num_fp16_res": 0} if nested else {"conv_clamp": 256, "num_fp16_res": 4}
    spread = {f"mapping_{name}": value for name, value in dict(mapping or {}).items()}
    return defaults | options | dict(synthesis or {}) | spread


def _refuse_unknown_options(options: Mapping[str, Any], label: str) -> None:
    """An option nobody here knows is fine while it is switched off; otherwise the pictures would be wrong."""
    for name, value in options.items():
        known = name.removeprefix("mapping_") in KNOWN_OPTIONS or name in KNOWN_OPTIONS
        if not known and value not in (None, False, 0, "", (), [], {}):
            raise CheckpointError(
                f"{label} is a variant of StyleGAN2 with {shown(name)}={shown(value)}, "
                "which is not known here"
            )


def _attribute(module: Module | None, name: str, fallback: Any) -> Any:
    value = fallback if module is None else module.state.get(name, fallback)
    if not isinstance(value, SCALARS):
        raise TypeError(f"{name} is a {type(value).__name__}")
    return value


def _config(module: Module, tensors: Mapping[str, Tensor], label: str) -> StyleGAN2Config:
    """The config the tensors imply; attributes, then options, for what has no shape."""
    options, parts = _options(module), _children(module)
    _refuse_unknown_options(options, label)
    mapping, synthesis = _children(parts["mapping"]), _children(parts["synthesis"])
    resolutions = sorted(int(name[1:]) for name in synthesis if name[0] == "b" and name[1:].isdigit())
    top, first = f"synthesis.b{resolutions[-1]}", _children(synthesis["b4"])["conv1"]
    widths = tuple(len(tensors[f"synthesis.b{resolution}.conv1.weight"]) for resolution in resolutions)
    depth = sum(name.startswith("fc") for name in mapping)
    embed = tensors.get("mapping.embed.weight")
    w_dim = len(tensors[f"mapping.fc{depth - 1}.weight"])
    hidden = len(tensors["mapping.fc0.weight"]) if depth > 1 else w_dim
    embed_features = 0 if embed is None else len(embed)
    clamp = _attribute(first, "conv_clamp", options["conv_clamp"])
    return StyleGAN2Config(
        resolution=resolutions[-1],
        z_dim=tensors["mapping.fc0.weight"].shape[1] - embed_features,
        c_dim=0 if embed is None else embed.shape[1],
        w_dim=w_dim,
        img_channels=len(tensors[f"{top}.torgb.weight"]),
        const_size=tuple(tensors["synthesis.b4.const"].shape[1:]),
        **_widths(widths, resolutions, options),
        architecture=_architecture(tensors, top),
        resample_filter=taps_of(tensors.get(f"{top}.resample_filter")),
        num_fp16_res=sum(bool(_attribute(block, "use_fp16", False)) for block in synthesis.values()),
        conv_clamp=None if clamp is None else float(clamp),
        use_noise="synthesis.b4.conv1.noise_strength" in tensors,
        activation=_attribute(first, "activation", options.get("activation", "lrelu")),
        mapping_layers=depth,
        mapping_features=None if hidden == w_dim else hidden,
        mapping_embed=None if embed_features in (0, w_dim) else embed_features,
        mapping_activation=_attribute(
            mapping["fc0"], "activation", options.get("mapping_activation", "lrelu")
        ),
        mapping_lr_multiplier=float(
            _attribute(mapping["fc0"], "bias_gain", options.get("mapping_lr_multiplier", 0.01))
        ),
    )


def _widths(widths: tuple[int, ...], resolutions: list[int], options: Mapping[str, Any]) -> dict[str, Any]:
    """channel_base and channel_max where they give these widths, otherwise the widths one by one."""
    base, most = options.get("channel_base", 32768), options.get("channel_max", 512)
    if widths == tuple(min(base // resolution, most) for resolution in resolutions):
        return {"channel_base": int(base), "channel_max": int(most)}
    return {"channels": widths}


def _architecture(tensors: Mapping[str, Tensor], top: str) -> str:
    if f"{top}.skip.weight" in tensors:
        return "resnet"
    return "skip" if "synthesis.b4.torgb.weight" in tensors else "orig"
