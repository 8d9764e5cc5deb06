"""Where each channel shows: it alone is taken from another network, and the pictures are compared.

What a channel is at work on and what a fine-tuned network changes with it are two things, and layers that
follow carry the change elsewhere. So the surest answer is to try. It costs a batch of pictures a channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_counts
from render.errors import BlendError
from render.networks import Generator


@torch.no_grad()
def try_channels(
    a: Generator,
    b: Generator,
    ws: Tensor,
    masks: Tensor,
    layers: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Tensor]:
    """Share of the change that lies in each mask when a channel of `b` replaces that of `a`: by layer [K, C].

    ws        [N, num_ws, w_dim], latents of `a`; a handful is enough
    masks     [N, K, h, w] in 0–1, parts of `a`'s pictures of them, of any size
    layers    by name; default: all
    progress  called with channels done and channels in all

    Raises BlendError if the networks do not fit each other, or there is no such layer.
    """
    counts = channel_counts(a)
    for name in layers:
        if name not in counts:
            raise BlendError(f"there is no layer {name!r} with channels; there are {', '.join(counts)}")
    counts = {name: counts[name] for name in layers or counts}
    blender, names = Blender([a, b]), [layer.name for layer in a.layers]
    plain = Blend.only(0, 2, len(names))
    before = a.synthesis(ws)
    masks = F.interpolate(masks.to(before), size=before.shape[-2:])
    shell, done, total = None, 0, sum(counts.values())
    shares = {}
    for name, count in counts.items():
        columns = []
        for channel in range(count):
            shell = blender.apply(plain.take(1, {names.index(name): [channel]}), into=shell)
            change = (shell.synthesis(ws) - before).abs().mean(dim=1)  # [N, H, W]
            inside = torch.einsum("nkhw,nhw->k", masks, change)
            columns.append(inside / change.sum().clamp(min=1e-12))
            done += 1
            if progress:
                progress(done, total)
        shares[name] = torch.stack(columns, dim=1)
    return shares
