"""StyleGAN3 in NVIDIA's PyTorch pickles: the config that a file's tensors, attributes and options imply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from torch import Tensor

from render.checkpoints.shown import shown
from render.checkpoints.standins import Module
from render.errors import CheckpointError
from render.networks import StyleGAN3Config

_LAYER = re.compile(r"synthesis\.L(\d+)_(\d+)_\d+\.weight")

# Fields of the config that no tensor's shape tells: how the file's value becomes ours.
_OPTIONS = {
    **dict.fromkeys(("channel_base", "channel_max", "num_critical", "margin_size", "num_fp16_res"), int),
    **dict.fromkeys(("filter_size", "lrelu_upsampling"), int),
    **dict.fromkeys(("first_cutoff", "first_stopband", "last_stopband_rel"), float),
    **dict.fromkeys(("output_scale", "magnitude_ema_beta"), float),
    "conv_clamp": lambda value: None if value is None else float(value),
}
# Options that tensors answer, or that change nothing a picture shows.
_ANSWERED = frozenset(
    {"z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "num_layers", "num_ws", "conv_kernel"}
    | {"use_radial_filters", "mapping_kwargs", "synthesis_kwargs", "class_name"}
)
_ANSWERED_IN_MAPPING = frozenset({"num_layers", "lr_multiplier", "w_avg_beta"})


def is_stylegan3(tensors: Mapping[str, Tensor]) -> bool:
    return any(name.startswith("synthesis.input.") for name in tensors)


def stylegan3_config(module: Module, tensors: Mapping[str, Tensor], label: str) -> StyleGAN3Config:
    """The config of the generator `module`. Raises CheckpointError, KeyError, IndexError for what is none."""
    options = _options(module, label)
    found = sorted(
        (int(match[1]), int(match[2]), match[0]) for match in map(_LAYER.fullmatch, tensors) if match
    )
    if [index for index, _, _ in found] != list(range(len(found))) or len(found) < 3:
        raise CheckpointError(f"{label} holds a StyleGAN3 network whose layers are not L0, L1, L2 …")
    names = [name.removesuffix(".weight") for _, _, name in found]
    weights = [tensors[name] for _, _, name in found]
    depth = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors)
    first = tensors["mapping.fc0.weight"]
    embed = tensors.get("mapping.embed.weight")
    down_filter = tensors.get(f"{names[0]}.down_filter")
    config = StyleGAN3Config(
        resolution=found[-1][1],
        z_dim=first.shape[1] - (0 if embed is None else len(embed)),
        c_dim=0 if embed is None else embed.shape[1],
        w_dim=len(tensors[f"mapping.fc{depth - 1}.weight"]),
        img_channels=len(weights[-1]),
        num_layers=len(found) - 1,
        conv_kernel=weights[0].shape[-1],
        use_radial_filters=down_filter is not None and down_filter.ndim == 2,
        mapping_layers=depth,
        mapping_lr_multiplier=_lr_multiplier(module),
        **{name: convert(options[name]) for name, convert in _OPTIONS.items() if name in options},
    )
    widths = tuple(len(weight) for weight in weights[:-1])
    as_computed = tuple(band.channels for band in config.bands[:-1])
    config = config if widths == as_computed else replace(config, channels=widths)
    if _least_numbers(config) > sum(tensor.numel() for tensor in tensors.values()):
        raise CheckpointError(f"{label} holds a StyleGAN3 network whose tensors do not fit each other")
    return config


def _least_numbers(config: StyleGAN3Config) -> int:
    """How many numbers a network of this config has at least: its weights, without what is small."""
    widths = [config.bands[0].channels, *(band.channels for band in config.bands)]
    return sum(
        inputs * (outputs + config.w_dim) for inputs, outputs in pairwise(widths)
    ) + config.mapping_layers * config.w_dim * min(config.w_dim, config.z_dim)


def _options(module: Module, label: str) -> dict[str, Any]:
    """Constructor options of the generator, then of its synthesis, then attributes: the later ones count."""
    synthesis = _child(module, "synthesis")
    first = next((child for name, child in _children(synthesis) if name.startswith("L0_")), None)
    given = _keywords(module) | _table(_keywords(module).get("synthesis_kwargs")) | _keywords(synthesis)
    known = _ANSWERED | _OPTIONS.keys()
    _refuse({name: value for name, value in given.items() if name not in known}, label)
    in_mapping = _table(given.get("mapping_kwargs"))
    _refuse(
        {f"mapping {shown(name)}": v for name, v in in_mapping.items() if name not in _ANSWERED_IN_MAPPING},
        label,
    )
    attributes = {
        name: part.state[name]
        for part in (synthesis, first)
        if part is not None
        for name in _OPTIONS
        if name in part.state
    }
    return given | attributes


def _refuse(unknown: Mapping[str, Any], label: str) -> None:
    """An option nobody here knows is fine while it is switched off; otherwise the pictures would be wrong."""
    for name, value in unknown.items():
        if value not in (None, False, 0, "", (), [], {}):
            raise CheckpointError(
                f"{label} is a variant of StyleGAN3 with {shown(name)}={shown(value)}, "
                "which is not known here"
            )


def _lr_multiplier(module: Module) -> float:
    """Of the mapping network: as its first layer has it, or as its options say."""
    mapping = _child(module, "mapping")
    first = _child(mapping, "fc0")
    fallback = next(f.default for f in fields(StyleGAN3Config) if f.name == "mapping_lr_multiplier")
    options = _table(_keywords(module).get("mapping_kwargs")) | _keywords(mapping)
    return float(first.state.get("bias_gain", options.get("lr_multiplier", fallback)))


def _keywords(module: Module) -> dict[str, Any]:
    return _table(module.state.get("_init_kwargs"))


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value or {}, dict):
        raise TypeError("options that are no table")
    return value or {}


def _children(module: Module) -> list[tuple[str, Module]]:
    children = module.state.get("_modules") or {}
    return [(name, child) for name, child in children.items() if isinstance(child, Module)]


def _child(module: Module, name: str) -> Module:
    return dict(_children(module))[name]
