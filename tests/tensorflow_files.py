"""TensorFlow pickles of seeded networks: the table of names, backwards, and StyleGAN1 networks to write."""

from __future__ import annotations

import math
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import torch

from render.networks import StyleGAN1, StyleGAN1Config, build

UNITS = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip", "input": "Const"}


def make_stylegan1(seed: int = 0, **config) -> StyleGAN1:
    """A StyleGAN1 with random but lively weights: 16 px with 8 channels unless `config` says otherwise."""
    size = {"resolution": 16, "z_dim": 8, "w_dim": 8, "channel_base": 128, "channel_max": 8}
    config = StyleGAN1Config(**size | {"mapping_layers": 2} | config)
    with torch.random.fork_rng():
        fresh = StyleGAN1(config).state_dict()
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, tensor in fresh.items():
        value = torch.randn(tensor.shape, generator=random)
        if name.endswith(("bias", "w_avg", "noise_strength")):
            value = 0.3 * value
        elif name.startswith("mapping.fc"):
            value = value / config.mapping_lr_multiplier
        tensors[name] = tensor if name.endswith("filter") else value
    return build(config, tensors)


class Network:
    """What those files hold, for pickling only."""

    def __init__(self, name: str, options: dict, variables: list, components: dict | None = None):
        self.version, self.name, self.static_kwargs = 4, name, options
        self.components, self.build_module_src = components or {}, ""
        self.build_func_name, self.variables = "G_main", variables


class EasyDict(dict):
    """The dictionary of those code bases."""


def variables_of(generator) -> dict[str, np.ndarray]:
    """The tensors of a StyleGAN1 or 2 under TensorFlow's names, turned as it has them."""
    config, found = generator.config, {}
    first = generator.architecture == "stylegan1"
    for name, tensor in generator.state_dict().items():
        array = tensor.numpy()
        if name.endswith("filter"):
            continue
        if name == "mapping.w_avg":
            found["dlatent_avg"] = array
            continue
        if name.startswith("mapping."):
            unit, leaf = name.split(".")[1:]
            unit = {"label": "LabelConcat", "embed": "LabelEmbed"}.get(unit, unit.replace("fc", "Dense"))
            found[f"mapping/{unit}/{leaf}"] = array.T if leaf == "weight" else array
            continue
        block, unit, leaf = ([*name.split(".", 3)[1:], ""])[:3]
        resolution = int(block[1:])
        scope = "x".join(map(str, config.pixels(resolution)))
        stage = int(math.log2(resolution)) - 2
        if leaf == "noise_const":
            index = 2 * stage + (unit == "conv1") - (0 if first else 1)
            found[f"synthesis/noise{index}"] = array[None, None]
        elif "const" in (unit, leaf):
            found[f"synthesis/{scope}/Const/const"] = array[None]
        else:
            theirs = "Conv" if (unit, resolution) == ("conv1", 4) else UNITS[unit]
            found |= _leaf(f"synthesis/{scope}/{theirs}", unit, leaf, array, first, config, stage)
    return found


def _leaf(scope, unit, leaf, array, first, config, stage) -> dict[str, np.ndarray]:
    if first and unit == "torgb":
        scope = f"synthesis/ToRGB_lod{len(config.resolutions) - 1 - stage}"
    if leaf == "weight":
        array = array.transpose(2, 3, 1, 0)
        return {f"{scope}/weight": array[::-1, ::-1] if not first and unit in ("conv0", "skip") else array}
    if leaf == "affine.weight":
        return {f"{scope}/StyleMod/weight" if first else f"{scope}/mod_weight": array.T}
    if leaf == "affine.bias":
        return {f"{scope}/StyleMod/bias" if first else f"{scope}/mod_bias": array if first else array - 1}
    if leaf == "noise_strength":
        return {f"{scope}/Noise/weight" if first else f"{scope}/noise_strength": array}
    return {f"{scope}/{leaf}": array}


def options_of(generator) -> dict:
    """The construction options TensorFlow's code would have had for that network."""
    config = generator.config
    options = {
        "resolution": config.resolution,
        "num_channels": config.img_channels,
        "fmap_base": config.channel_base // 2,
        "fmap_max": config.channel_max,
        "latent_size": config.z_dim,
        "dlatent_size": config.w_dim,
        "label_size": config.c_dim,
        "mapping_layers": config.mapping_layers,
        "mapping_fmaps": config.mapping_features or config.w_dim,
        "mapping_lrmul": config.mapping_lr_multiplier,
        "mapping_nonlinearity": config.mapping_activation,
        "nonlinearity": config.activation,
    }
    if generator.architecture == "stylegan1":
        return options | {"fused_scale": config.fused, "blur_filter": config.blur_filter}
    kernel = None if config.resample_filter is None else list(config.resample_filter)
    return options | {
        "architecture": config.architecture,
        "resample_kernel": kernel,
        "conv_clamp": config.conv_clamp,
    }


def network_of(generator, name: str = "Gs", variables: dict | None = None, **options) -> Network:
    """The network a file would hold for it; `options` beside its own, `variables` instead of its own."""
    options = options_of(generator) | options
    variables = variables_of(generator) if variables is None else variables

    def part(prefix: str) -> list[tuple[str, np.ndarray]]:
        chosen = (item for item in variables.items() if item[0].startswith(prefix))
        return [(key.removeprefix(prefix), value) for key, value in chosen]

    parts = {key: Network(f"G_{key}", options, part(f"{key}/")) for key in ("synthesis", "mapping")}
    top = [(key, value) for key, value in variables.items() if "/" not in key]
    return Network(name, options, [("lod", np.float32(0)), *top], EasyDict(parts))


def write_tensorflow(path: Path, data, protocol: int = 2, old_numpy: bool = False) -> Path:
    """A file of `data`: a generator (as the tuple G, D, Gs, with G zeroed), or what is to be pickled."""
    if isinstance(data, torch.nn.Module):
        zeros = {name: np.zeros_like(value) for name, value in variables_of(data).items()}
        data = (network_of(data, "G", zeros), Network("D", {}, []), network_of(data))
    names = {name: types.ModuleType(name) for name in ("dnnlib", "dnnlib.tflib")}
    for module, kind in (("dnnlib.tflib.network", Network), ("dnnlib.util", EasyDict)):
        names[module] = types.ModuleType(module)
        setattr(names[module], kind.__name__, kind)
        kind.__module__ = module
    sys.modules.update(names)
    try:
        stream = pickle.dumps(data, protocol=protocol)
    finally:
        for name in names:
            del sys.modules[name]
        Network.__module__ = EasyDict.__module__ = __name__
    if old_numpy:
        stream = stream.replace(b"cnumpy._core.", b"cnumpy.core.")
    path.write_bytes(stream)
    return path
