"""The other half of the training: a small residual discriminator (after Karras et al. 2020, section 4.1).

Equalised learning rates, a minibatch standard deviation, average pooling for the halving. It is thrown
away after training, so it is built for speed on a CPU, in bfloat16 where asked.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GAIN = math.sqrt(2)


class Conv(nn.Module):
    """x [N, I, H, W] → [N, O, H, W] with weight / √fan_in at run time and a leaky ReLU 0.2."""

    def __init__(self, inputs: int, outputs: int, size: int, active: bool = True):
        super().__init__()
        self.active, self.size = active, size
        self.scale = 1 / math.sqrt(inputs * size * size)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        scale = self.scale * gain * (GAIN if self.active else 1)
        # Leaky ReLU is positively homogeneous, so its gain may go into the (much smaller) weight and bias.
        bias = self.bias * (gain * (GAIN if self.active else 1))
        y = F.conv2d(x, (self.weight * scale).to(x.dtype), bias.to(x.dtype), padding=self.size // 2)
        return F.leaky_relu(y, 0.2, inplace=True) if self.active else y


class Block(nn.Module):
    """Halve the picture: x [N, I, R, R] → [N, O, R/2, R/2], two convolutions beside a 1×1 skip."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv0, self.conv1 = Conv(inputs, inputs, 3), Conv(inputs, outputs, 3)
        self.skip = Conv(inputs, outputs, 1, active=False)

    def forward(self, x: Tensor) -> Tensor:
        beside = self.skip(F.avg_pool2d(x, 2), gain=math.sqrt(0.5))
        y = self.conv1(F.avg_pool2d(self.conv0(x), 2), gain=math.sqrt(0.5))
        return beside + y


class Discriminator(nn.Module):
    """image [N, 3, R, R] → logits [N]. `widths` maps every resolution from 4 to R to its channels.

    `fade` (0–1) mixes the newest, largest block in after the network has grown: 0 leaves it out.
    """

    def __init__(self, widths: dict[int, int], dtype: torch.dtype = torch.float32):
        super().__init__()
        self.widths, self.dtype, self.fade = dict(widths), dtype, 1.0
        for resolution, width in self.widths.items():
            if resolution > 4:
                setattr(self, f"b{resolution}", Block(width, self.widths[resolution // 2]))
        self.from_rgb = nn.ModuleDict(
            {str(r): Conv(3, width, 1) for r, width in self.widths.items() if r > 16}
        )
        last = self.widths[4]
        self.conv = Conv(last + 1, last, 3)
        self.fc = Conv(last * 16, last, 1)
        self.out = Conv(last, 1, 1, active=False)

    @property
    def resolution(self) -> int:
        return max(self.widths)

    def forward(self, image: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        image = image.to(dtype or self.dtype).contiguous(memory_format=torch.channels_last)
        top = self.resolution
        x = self.from_rgb[str(top)](image)
        x = getattr(self, f"b{top}")(x)
        if self.fade < 1:
            x = torch.lerp(self.from_rgb[str(top // 2)](F.avg_pool2d(image, 2)), x, self.fade)
        resolution = top // 2
        while resolution > 4:
            x = getattr(self, f"b{resolution}")(x)
            resolution //= 2
        x = self.conv(torch.cat([x, minibatch_deviation(x)], dim=1))
        x = self.fc(x.flatten(1)[:, :, None, None])
        return self.out(x)[:, 0, 0, 0].to(torch.float32)


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """How much samples within a group differ, as one more channel: [N, C, H, W] → [N, 1, H, W]."""
    n, c, h, w = x.shape
    group = min(group, n)
    y = x.to(torch.float32).reshape(group, n // group, c, h, w)
    spread = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=[1, 2, 3])  # [N / group]
    return spread.repeat(group)[:, None, None, None].expand(n, 1, h, w).to(x.dtype)
