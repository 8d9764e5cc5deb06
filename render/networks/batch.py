"""The samples of one run: which weights they have, which of them share some, and which come out the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from render.networks.fading import Pair
from render.networks.reuse import Chain, Origin, chain_of
from render.networks.transfer import sent
from render.networks.unmixed import Source

if TYPE_CHECKING:
    from render.networks.synthesis import FastSynthesis

Tensors = Mapping[str, Source]


@dataclass
class Batch:
    """The samples of one run.

    given       ws [N, num_ws, w_dim] in float32, and StyleGAN3's transform, [3, 3] or [N, 3, 3], or None. If
                they lie in the machine's memory, no GPU is asked for them, which would have to be waited for
    tensors     of every sample, by name; the same object where samples share their weights
    ends        the position after which nothing but the picture is wanted; None: the state is
    """

    owner: FastSynthesis
    given: tuple[Tensor, Tensor | None]
    noise_mode: str
    tensors: Sequence[Tensors]
    ends: int | None = None
    _runs: dict[str, list[tuple[slice, Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.given[0])

    @cached_property
    def ws(self) -> Tensor:
        """[N, num_ws, w_dim], float32, on the network's device."""
        return sent(self.given[0], self.owner.device)

    @cached_property
    def transform(self) -> Tensor | None:
        """StyleGAN3's, on the network's device."""
        transform = self.given[1]
        return transform if transform is None else sent(transform, self.owner.device)

    @cached_property
    def _numbers(self) -> tuple[np.ndarray, np.ndarray | None]:
        """ws and transform in the machine's memory."""
        ws, transform = self.given
        return ws.cpu().numpy(), transform if transform is None else transform.cpu().numpy()

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all samples have the same weights everywhere."""
        return all(tensors is self.tensors[0] for tensors in self.tensors)

    def runs(self, name: str) -> list[tuple[slice, Any]]:
        """Neighbouring samples that share a unit's weights, and these weights prepared."""
        if name not in self._runs:
            self._runs[name] = self.owner.prepared(
                name, [self.tensors[0]] if self.is_uniform else self.tensors
            )
        return self._runs[name]

    def release(self, names: Sequence[str]) -> None:
        """Let go of these units' prepared weights: their step is drawn, and others want the memory."""
        for name in names:
            self._runs.pop(name, None)

    def fades(self, name: str | None) -> bool:
        """Whether a unit's weights cross-fade for some samples, and are drawn by parts."""
        return name is not None and any(isinstance(made, Pair) for _, made in self.runs(name))

    def origins(self, position: int, row: int) -> list[Origin]:
        """What every sample comes from before a step, with the row of ws that the step uses."""
        return [
            Origin(chain.digests[position] + own[row].tobytes(), chain.sources[:position])
            for chain, own in zip(self.chains, self._numbers[0], strict=True)
        ]

    def each(self, name: str, function: Callable, *inputs: Sequence | Tensor | None) -> Any:
        """function(prepared, *inputs) for the samples that share the unit's weights; results are joined.

        Splitting is the rule because it always won. Four samples with weights of their own, 3×3, one thread
        of a Zen 4, against one grouped convolution: 88 ms against 111 ms (256 channels, 64 px, bfloat16), 88
        against 211 (64 channels, 256 px), 8.0 against 8.5 (512 channels, 8 px); a shared weight takes 84, 84
        and 5.5 ms.
        """
        runs = self.runs(name)
        if len(runs) == 1:
            return function(runs[0][1], *inputs)
        parts = [
            function(made, *(None if value is None else value[rows] for value in inputs))
            for rows, made in runs
        ]
        return joined_samples(parts)

    @cached_property
    def chains(self) -> list[Chain]:
        """Every sample's way through the steps, by which it is seen how long samples are alike."""
        steps, (ws, _) = self.owner.steps, self._numbers
        weights: dict[int, list[tuple[Source, ...]]] = {}
        for own in self.tensors:
            if id(own) not in weights:
                weights[id(own)] = [
                    tuple(tensor for unit in step.units for tensor in self.owner.sources(unit, own))
                    for step in steps
                ]
        return [
            chain_of(
                self._start(index), [ws[index, list(step.rows)].tobytes() for step in steps], weights[id(own)]
            )
            for index, own in enumerate(self.tensors)
        ]

    @cached_property
    def digests(self) -> frozenset[bytes]:
        """Of all places on their ways."""
        return frozenset(digest for chain in self.chains for digest in chain.digests)

    def _start(self, index: int) -> bytes:
        """What a sample begins with besides ws and weights."""
        if self.noise_mode == "random":
            return repr((id(self), index)).encode()  # fresh noise: like nothing else
        moved = self._numbers[1]
        if moved is not None:
            moved = (moved[index] if moved.ndim == 3 else moved).tobytes()
        return repr((self.noise_mode, moved)).encode()

    def select(self, samples: Sequence[int]) -> Batch:
        """The batch of these samples alone."""
        if len(samples) == len(self):
            return self
        ws, transform = self.given
        if transform is not None and transform.ndim == 3:
            transform = transform[list(samples)]
        tensors = [self.tensors[index] for index in samples]
        chosen = Batch(self.owner, (ws[list(samples)], transform), self.noise_mode, tensors, self.ends)
        chosen.chains = [self.chains[index] for index in samples]
        return chosen


def joined_samples(parts: Sequence[Tensor] | Sequence[tuple[Tensor, ...]]) -> Tensor | tuple[Tensor, ...]:
    """One tensor of the samples in several, or one of each where a part is a tuple of them."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], tuple):
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))
    return torch.cat(parts)
