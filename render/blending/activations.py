"""What the layers of a network give for some latents, and what channels taken from another would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_axes, channel_counts
from render.errors import BlendError
from render.networks import Generator

PIXELS_PER_BATCH = 16 * 128**2


@dataclass(frozen=True)
class Seen:
    """One batch.

    images   float32 [N, 3, H, W], nominally in [-1, 1]
    outputs  by layer's name: its activations [N, C, h, w], without StyleGAN3's margin
    changed  by layer's name: the same, of the layer with its channels taken from another network
    """

    images: Tensor
    outputs: dict[str, Tensor]
    changed: dict[str, Tensor]


def observable(generator: Generator) -> dict[str, nn.Module]:
    """The layers whose activations differ from picture to picture, by name, and the module of each.

    StyleGAN2's constant is not among them. A resnet's skip is not counted in.
    """
    modules = {}
    names = {layer.position: layer.name for layer in generator.layers}
    for tensor, axis in channel_axes(generator).items():
        path, _, leaf = tensor.rpartition(".")
        is_own = axis.axis == 0 and axis.count == axis.length and generator.role(tensor).kind == "layer"
        is_block = path.removeprefix("synthesis.").startswith("b") and path.count(".") == 1
        if is_own and leaf in ("weight", "const") and not is_block and not path.endswith(".skip"):
            modules[names[axis.position]] = generator.get_submodule(path)
    return modules


def check_layers(generator: Generator, names: Sequence[str]) -> None:
    """Raises BlendError unless all of these layers are there, and have activations to look at."""
    modules = observable(generator)
    for name in names:
        if name not in modules:
            raise BlendError(f"layer {name!r} has no activations to look at; there are {', '.join(modules)}")


def all_taken(models: Sequence[Generator]) -> Generator:
    """The first network with every channel of every layer taken from the second: see `channel_axes`."""
    blender = Blender(models)
    counts = channel_counts(models[0])
    channels = {
        layer.position: range(counts[layer.name]) for layer in models[0].layers if layer.name in counts
    }
    return blender.apply(Blend.only(0, 2, blender.layer_count).take(1, channels))


@torch.no_grad()
def observe(
    generator: Generator, ws: Tensor, names: Sequence[str], taken: Generator | None = None
) -> Iterator[Seen]:
    """Draws `ws` [N, num_ws, w_dim] in batches, and tells what these layers gave.

    taken  a network of the same structure: each of its layers is given the inputs of `generator`'s, so that
           what changes is that layer's doing alone
    """
    check_layers(generator, names)
    modules, others = observable(generator), observable(taken) if taken else {}
    outputs: dict[str, Tensor] = {}
    changed: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def hook(module: nn.Module, args: tuple, options: dict, output: Tensor) -> None:
            outputs[name] = _inside(generator, name, output)
            if taken:
                # Not called but run: a network made by `apply` shares the hooks of the one it was made from.
                changed[name] = _inside(generator, name, others[name].forward(*args, **options))

        return hook

    handles = [modules[name].register_forward_hook(watch(name), with_kwargs=True) for name in names]
    try:
        size = max(1, PIXELS_PER_BATCH // generator.resolution**2)
        for batch in ws.split(size):
            images = generator.synthesis(batch)
            yield Seen(images, dict(outputs), dict(changed))
    finally:
        for handle in handles:
            handle.remove()


def _inside(generator: Generator, name: str, output: Tensor) -> Tensor:
    """Activations [N, C, h, w] without what lies around the picture in StyleGAN3."""
    if generator.architecture != "stylegan3":
        return output
    rate = next(layer.resolution for layer in generator.layers if layer.name == name)
    margin = max(0, (output.shape[-1] - rate) // 2)
    return output[..., margin : output.shape[-2] - margin, margin : output.shape[-1] - margin]
