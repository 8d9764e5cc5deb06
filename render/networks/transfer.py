"""Tensors between the machine's memory and a GPU's, while the GPU works on.

Whoever reads a number of a GPU's, or copies from memory that the system may page out, waits until all that
was asked of the GPU is done; and then it idles until it is asked for more.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on that device; on its way there, if that is a GPU of CUDA's."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)  # kept until it is there
    return tensor.to(device)


class Arrival:
    """Tensors of one device on their way to the machine's memory."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._event, device = None, tensors[0].device
        if device.type != "cuda":
            self._tensors = [tensor.cpu() for tensor in tensors]
            return
        self._tensors = [torch.empty(t.shape, dtype=t.dtype, pin_memory=True) for t in tensors]
        for own, tensor in zip(self._tensors, tensors, strict=True):
            own.copy_(tensor, non_blocking=True)
        # Of that device's stream: an event by itself belongs to the first GPU, whichever has the tensors.
        self._event = torch.cuda.current_stream(device).record_event()

    @property
    def is_there(self) -> bool:
        """Whether nobody would wait for them."""
        event = self._event  # which another thread may have waited for meanwhile
        return event is None or event.query()

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors, once they are there."""
        event = self._event
        if event is not None:
            event.synchronize()
            self._event = None
        return self._tensors
