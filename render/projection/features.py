"""Perceptual features: VGG16, with LPIPS's weights over its channels where a file has them.

Sources: Simonyan & Zisserman 2015 for the network; Zhang et al. 2018, "The Unreasonable Effectiveness of Deep
Features", for the distance: features of five depths, each made a unit vector at every pixel.

Files are read by our own reader for torch's files, and nothing in them is run:
- torchvision's vgg16-397923af.pth: `features.N.weight` and `.bias` (its classifier is left out)
- a whole LPIPS network: `net.sliceK.N.weight`, and `linJ.model.1.weight`
- LPIPS's heads alone (v0.1/vgg.pth), beside one of the others
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from render.checkpoints.download import fetch, hash_file
from render.checkpoints.formats import PEEK_BYTES, explain, is_pickle, is_torch_save
from render.checkpoints.spans import Span, View
from render.checkpoints.standins import TORCH_GLOBALS
from render.checkpoints.torchfile import read_torch
from render.errors import CheckpointError

WORD, URL, SHA256_START = "vgg16", "https://download.pytorch.org/models/vgg16-397923af.pth", "397923af"
DEPTHS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # convolutions between two poolings
MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of pictures in [-1, 1]
LONGEST_SIDE = 256
UNLEARNT = 0.2  # weight of every channel without LPIPS's heads
_CONVOLUTION = re.compile(r"(?:features|net\.slice\d)\.(\d{1,2})\.(weight|bias)")
_HEAD = re.compile(r"lin(\d)\.model\.1\.weight")


class Vgg16:
    """images [N, 3, H, W] in [-1, 1] → five features [N, C, H', W'], whose square distance is LPIPS.

    convolutions  torchvision's number → weight [O, I, 3, 3] and bias [O]
    heads         one for each depth, [C] of at least 0
    """

    def __init__(self, convolutions: dict[int, tuple[Tensor, Tensor]], heads: Sequence[Tensor]):
        self.convolutions, self.heads = convolutions, heads

    def __call__(self, images: Tensor) -> list[Tensor]:
        x = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]
        if max(x.shape[2:]) > LONGEST_SIDE:
            factor = LONGEST_SIDE / max(x.shape[2:])
            x = F.interpolate(x, size=[round(side * factor) for side in x.shape[2:]], mode="area")
        x = (x - x.new_tensor(MEAN).reshape(1, 3, 1, 1)) / x.new_tensor(DEVIATION).reshape(1, 3, 1, 1)
        found = []
        for depth, numbers in enumerate(DEPTHS):
            if depth and min(x.shape[2:]) > 1:
                x = F.max_pool2d(x, 2)
            for number in numbers:
                weight, bias = (tensor.to(x.device) for tensor in self.convolutions[number])
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
            unit = x / (x.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()
            found.append(unit * self.heads[depth].to(x.device).sqrt().reshape(1, -1, 1, 1))
        return found


def load_features(sources: Sequence[str | Path]) -> Vgg16:
    """The perceptual network in these files; `vgg16` is torchvision's, fetched once into the cache.

    Raises CheckpointError: a file is missing or damaged, is of another network, or holds heads alone.
    """
    tensors: dict[str, Tensor] = {}
    for source in sources:
        tensors |= _read(_fetched() if str(source) == WORD and not Path(source).is_file() else Path(source))
    names = ", ".join(map(str, sources))
    convolutions = {number: _convolution(tensors, number, names) for depth in DEPTHS for number in depth}
    width = 3
    for number, (weight, _) in convolutions.items():
        if weight.shape[1:] != (width, 3, 3):
            raise CheckpointError(
                f"{names}: is no VGG16: convolution {number} is {list(weight.shape)}, not [O, {width}, 3, 3]"
            )
        width = len(weight)
    return Vgg16(convolutions, [_head(tensors, depth, convolutions, names) for depth in range(len(DEPTHS))])


def _convolution(tensors: dict[str, Tensor], number: int, names: str) -> tuple[Tensor, Tensor]:
    weight, bias = (tensors.get(f"{number}.{leaf}") for leaf in ("weight", "bias"))
    if weight is None or bias is None or weight.ndim != 4 or bias.shape != weight.shape[:1]:
        only = (
            " (LPIPS's heads need VGG16 beside them: give --perceptual twice)" if "head 0" in tensors else ""
        )
        raise CheckpointError(f"{names}: is no VGG16: convolution {number} is missing or misshaped{only}")
    return weight, bias


def _head(
    tensors: dict[str, Tensor], depth: int, convolutions: dict[int, tuple[Tensor, Tensor]], names: str
) -> Tensor:
    width = len(convolutions[DEPTHS[depth][-1]][0])
    head = tensors.get(f"head {depth}")
    if head is None:
        return torch.full([width], UNLEARNT)
    if head.numel() != width:
        raise CheckpointError(f"{names}: LPIPS's head {depth} has {head.numel()} channels, not {width}")
    return head.reshape(-1).clamp(min=0)


def _read(path: Path) -> dict[str, Tensor]:
    """What is known in a file of torch's: `N.weight`, `N.bias`, `head N`, float32."""
    if not path.is_file():
        raise CheckpointError(f"--perceptual {path}: there is no such file; {WORD} fetches torchvision's")
    with path.open("rb") as stream:
        start = stream.read(PEEK_BYTES)
    if not (is_torch_save(start) or is_pickle(start)):
        raise CheckpointError(f"{path.name}: holds no weights of VGG16 or LPIPS; {explain(start)}")
    try:
        data = read_torch(Span(path), path.name, TORCH_GLOBALS)
        found = {}
        for name, value in data.items() if isinstance(data, dict) else ():
            if isinstance(value, View) and (match := _CONVOLUTION.fullmatch(str(name))):
                found[f"{int(match[1])}.{match[2]}"] = value.read().to(torch.float32).contiguous()
            elif isinstance(value, View) and (match := _HEAD.fullmatch(str(name))):
                found[f"head {match[1]}"] = value.read().to(torch.float32).contiguous()
    except CheckpointError as error:
        text = str(error)
        raise type(error)(text if path.name in text else f"{path.name}: {text}") from None
    if not found:
        raise CheckpointError(f"{path.name}: holds no weights of VGG16 or LPIPS")
    return found


def _fetched() -> Path:
    """torchvision's weights from the cache or the web; their name has the start of their sha256 in it."""
    path = fetch(URL)
    if not hash_file(path).startswith(SHA256_START):
        raise CheckpointError(f"{path}: is not the file it is called; remove it, and it is fetched again")
    return path
