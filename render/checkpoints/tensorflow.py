"""TensorFlow pickles of StyleGAN1, StyleGAN2 and StyleGAN2-ADA: networks with their source code.

The code is never looked at. A network's variables and construction options say everything about it; here
the variables are renamed after NVIDIA's PyTorch networks and turned as those have them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from render.checkpoints.allowance import no_average
from render.checkpoints.formats import Contents
from render.checkpoints.library import kimg_in_name
from render.checkpoints.shown import printable, shown
from render.checkpoints.standins import NUMPY_GLOBALS, Allowed, Array, mapping, unpickle
from render.checkpoints.tensorflow_names import Translation
from render.checkpoints.tensorflow_options import Options
from render.checkpoints.unpickle import Global, Stateful
from render.errors import CheckpointError
from render.networks import Provenance, StyleGAN1Config, StyleGAN2Config, ops
from render.networks.stylegan2 import DEFAULT_FILTER

CONVOLUTION = re.compile(r"synthesis\.b(\d+)\.conv1\.weight")
MAX_PARTS, MAX_NAME = 8, 200  # parts of a network; letters of a name
DENSE = re.compile(r"mapping\.fc\d+\.weight")


class Network(Stateful):
    """What stands in for `dnnlib.tflib.network.Network`: its state, nothing that runs."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def set_state(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise CheckpointError("a network in the file has no state")
        self.state = state

    @property
    def parts(self) -> dict[str, Network]:
        """The networks it is made of, by name."""
        parts = self.state.get("components") or {}
        if not isinstance(parts, Mapping) or len(parts) > MAX_PARTS:
            raise CheckpointError("a network in the file has an impossible table of parts")
        return {name: part for name, part in parts.items() if is_name(name) and isinstance(part, Network)}


def is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_NAME


def plain_object(kind: Any, base: Any = None, content: Any = None) -> Any:
    """How old protocols make an object before they give it its state; `content` is that of a dictionary."""
    if not isinstance(kind, Global):
        raise CheckpointError("an object in the file has no class")
    made = kind.call()
    if isinstance(made, dict) and isinstance(content, dict):
        made.update(content)
    return made


TENSORFLOW_GLOBALS: Allowed = NUMPY_GLOBALS | {
    "dnnlib.tflib.network.Network": Network,
    "dnnlib.util.EasyDict": mapping,
    "collections.OrderedDict": mapping,
    "copyreg._reconstructor": plain_object,
    "copy_reg._reconstructor": plain_object,
    "builtins.object": Network,
    "__builtin__.object": Network,
    "builtins.dict": mapping,
    "__builtin__.dict": mapping,
}


def read(path: Path) -> Contents:
    """Config and tensors of the generator to use: `Gs`, the averaged one, where there is one."""
    network = _generator(unpickle(path, TENSORFLOW_GLOBALS), path.name)
    variables = _variables(network, path.name)
    # One array under many names would be small in the file and huge in memory.
    described = sum(math.prod(value.shape) for value in variables.values() if isinstance(value, Array))
    if described > path.stat().st_size:
        raise CheckpointError(f"{path.name} is damaged: its variables share their numbers")
    arrays = {name: _array(name, value) for name, value in variables.items()}
    networks = [network, *network.parts.values()]
    options = Options((part.state.get("static_kwargs") or {} for part in networks), path.name)
    version = 1 if any(name.endswith("/StyleMod/weight") for name in arrays) else 2
    try:
        tensors = Translation(arrays, version, path.name).tensors()
        config, filters = (_stylegan1 if version == 1 else _stylegan2)(tensors, options)
    except (LookupError, StopIteration, TypeError, ValueError, ArithmeticError) as error:
        reason = shown(repr(error), 120)
        raise CheckpointError(
            f"{path.name} holds a network that is no StyleGAN1 or StyleGAN2 generator ({reason})"
        ) from error
    tensors.setdefault("mapping.w_avg", no_average(config.w_dim))
    return Contents(config, tensors | filters, Provenance(str(path), "tensorflow", kimg_in_name(path)))


def _generator(data: Any, label: str) -> Network:
    """The network to use: `Gs`, or the last one that has a synthesis part, or the only one there is."""
    if isinstance(data, Mapping):
        items = [data[key] for key in sorted(data, key=lambda key: key == "Gs")]
    else:
        items = data if isinstance(data, list | tuple) else [data]
    networks = [item for item in items if isinstance(item, Network)]
    generators = [network for network in networks if {"mapping", "synthesis"} <= set(network.parts)]
    if not generators:
        names = ", ".join(shown(network.state.get("name", "?"), 40) for network in networks[:8])
        held = f"the networks {names}" if networks else f"a {type(data).__name__.lower()}"
        raise CheckpointError(
            f"{label} holds no StyleGAN generator (a network with mapping and synthesis); it holds {held}"
        )
    averaged = [network for network in generators if network.state.get("name") == "Gs"]
    return (averaged or generators)[-1]


def _variables(network: Network, label: str) -> dict[str, Any]:
    """The variables of a network and of its parts, as the file has them; these under the part's name."""
    found: dict[str, Any] = {}
    parts = {f"{name}/": part for name, part in network.parts.items()}
    for prefix, part in {"": network, **parts}.items():
        variables = part.state.get("variables") or []
        pairs = list(variables.items()) if isinstance(variables, Mapping) else variables
        if not isinstance(pairs, list | tuple):
            raise CheckpointError(f"{label} is damaged: a network in it has no list of variables")
        for pair in pairs:
            if not (isinstance(pair, list | tuple) and len(pair) == 2 and is_name(pair[0])):
                raise CheckpointError(f"{label} is damaged: a variable in it has no name")
            found[prefix + pair[0]] = pair[1]
    return found


def _array(name: str, value: Any) -> np.ndarray:
    found = value.value if isinstance(value, Array) else value
    if isinstance(found, int | float):
        found = np.asarray(found)
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        raise CheckpointError(f"the variable {printable(name[:60])} is no array of numbers")
    return found


def _shared_fields(tensors: Mapping[str, Tensor], options: Options, fmap_base: int) -> dict[str, Any]:
    """The config fields that both architectures have, from the tensors' shapes; options for the rest."""
    resolutions = sorted(int(match[1]) for match in map(CONVOLUTION.fullmatch, tensors) if match)
    widths = tuple(len(tensors[f"synthesis.b{resolution}.conv1.weight"]) for resolution in resolutions)
    base, most = 2 * options.whole("fmap_base", fmap_base), options.whole("fmap_max", 512)
    regular = widths == tuple(min(base // resolution, most) for resolution in resolutions)
    depth = sum(DENSE.fullmatch(name) is not None for name in tensors)
    concat, embed = tensors.get("mapping.label.weight"), tensors.get("mapping.embed.weight")
    label = embed if concat is None else concat
    w_dim = len(tensors[f"mapping.fc{depth - 1}.weight"])
    hidden = len(tensors["mapping.fc0.weight"]) if depth > 1 else w_dim
    z_dim = tensors["mapping.fc0.weight"].shape[1] - (0 if label is None else len(label))
    usual = w_dim if concat is None else z_dim
    inputs = ("synthesis.b4.const", "synthesis.b4.input.const")
    const = next(tensors[name] for name in inputs if name in tensors)
    return {
        "resolution": resolutions[-1],
        "const_size": tuple(const.shape[1:]),
        "z_dim": z_dim,
        "w_dim": w_dim,
        "c_dim": 0 if label is None else label.shape[1],
        "img_channels": len(tensors[f"synthesis.b{resolutions[-1]}.torgb.weight"]),
        **({"channel_base": base, "channel_max": most} if regular else {"channels": widths}),
        "use_noise": "synthesis.b4.conv1.noise_strength" in tensors,
        "activation": options.word("nonlinearity", "lrelu"),
        "mapping_layers": depth,
        "mapping_features": None if hidden == w_dim else hidden,
        "mapping_embed": None if label is None or len(label) == usual else len(label),
        "mapping_activation": options.word("mapping_nonlinearity", "lrelu"),
        "mapping_lr_multiplier": options.positive("mapping_lrmul", 0.01),
    }


def _stylegan1(tensors: Mapping[str, Tensor], options: Options) -> tuple[StyleGAN1Config, dict[str, Tensor]]:
    fields = _shared_fields(tensors, options, fmap_base=8192)
    taps = options.taps("blur_filter", (1, 2, 1), off=None)
    config = StyleGAN1Config(**fields, fused=options.fused(), blur_filter=taps)
    names = [f"synthesis.b{resolution}.conv0.blur_filter" for resolution in config.resolutions[1:]]
    return config, {name: ops.setup_filter(taps) for name in names}


def _stylegan2(tensors: Mapping[str, Tensor], options: Options) -> tuple[StyleGAN2Config, dict[str, Tensor]]:
    fields = _shared_fields(tensors, options, fmap_base=16384)
    top = f"synthesis.b{fields['resolution']}"
    skip = "synthesis.b4.torgb.weight" in tensors
    config = StyleGAN2Config(
        **fields,
        architecture="resnet" if f"{top}.skip.weight" in tensors else "skip" if skip else "orig",
        # Switched off, TensorFlow's upscaling repeats pixels: a box of two.
        resample_filter=options.taps("resample_kernel", (1, 3, 3, 1), off=(1, 1)),
        num_fp16_res=options.whole("num_fp16_res", 0),
        conv_clamp=options.positive("conv_clamp", None),
        label_concat="mapping.label.weight" in tensors,
    )
    return config, _resample_filters(config)


def _resample_filters(config: StyleGAN2Config) -> dict[str, Tensor]:
    """The filters, which TensorFlow's files don't have."""
    kernel, unused = ops.setup_filter(config.resample_filter), ops.setup_filter(DEFAULT_FILTER)
    filters = {}
    for resolution in config.resolutions:
        block = f"synthesis.b{resolution}"
        filters |= {f"{block}.resample_filter": kernel, f"{block}.conv1.resample_filter": unused}
        if resolution > 4:
            filters[f"{block}.conv0.resample_filter"] = kernel
            if config.architecture == "resnet":
                filters[f"{block}.skip.resample_filter"] = kernel
    return filters
