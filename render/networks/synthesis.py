"""The frame of every fast synthesis: steps that can be resumed, and samples that may differ in their weights.

The plain networks (`stylegan1`, `stylegan2`, `stylegan3`) define what a picture is. A fast synthesis reads
their tensors and computes the same with fewer passes. It is a row of steps, one for each position of a blend,
each of which turns a `State` into the next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from render.networks import ops
from render.networks.generator import Generator, check_inputs
from render.networks.memory import keep_freed_memory
from render.networks.precision import Precision, without_tf32

Tensors = Mapping[str, Tensor]
PREPARED_PER_UNIT = 3  # sets of weights kept ready for one unit, unless a batch needs more at once


@dataclass(frozen=True)
class State:
    """What synthesis has come to before step `position`; N may be 1 for a batch of any size.

    position  of the step that follows
    x         activations [N, C, H, W], as the definition has them
    image     the sum of the to-RGBs so far, float32 [N, img_channels, H, W], in skip networks
    branch    a resnet's other branch, [N, C, H, W], between the two layers of a resolution
    scaled    x times the next layer's styles, within one pass only
    """

    position: int = 0
    x: Tensor | None = None
    image: Tensor | None = None
    branch: Tensor | None = None
    scaled: Tensor | None = None

    def select(self, samples: Sequence[int]) -> State:
        """The state of these samples, in this order; any may be there several times."""
        if self.x is None or list(samples) == list(range(len(self.x))):
            return self
        # Joining slices keeps channels_last, and is 40 times as fast as `index_select` there.
        chosen = {
            name: torch.cat([value[index : index + 1] for index in samples])
            for name in ("x", "image", "branch")
            if (value := getattr(self, name)) is not None
        }
        return replace(self, **chosen)

    @property
    def nbytes(self) -> int:
        """Memory it holds."""
        return sum(t.nbytes for t in (self.x, self.image, self.branch) if t is not None)


@dataclass(frozen=True)
class Unit:
    """Tensors that are prepared together.

    leaves  their names, after `synthesis.`
    make    prepares them: tensors by leaf → whatever the steps want
    """

    name: str
    leaves: tuple[str, ...]
    make: Callable[[dict[str, Tensor]], Any]

    @property
    def names(self) -> list[str]:
        return [f"synthesis.{leaf}" for leaf in self.leaves]


@dataclass(frozen=True)
class Step:
    """One position: the units and the rows of ws that it uses, and how it is drawn.

    draw(state, batch, more) → state; `more` says that the next step follows in the same pass.
    """

    units: tuple[str, ...]
    rows: tuple[int, ...]
    draw: Callable[[State, Batch, bool], State]


@dataclass
class Batch:
    """The samples of one run.

    ws          [N, num_ws, w_dim], float32
    tensors     of every sample, by name; the same object where samples share their weights
    transform   StyleGAN3's, [3, 3] or [N, 3, 3]
    """

    owner: FastSynthesis
    ws: Tensor
    noise_mode: str
    tensors: Sequence[Tensors]
    transform: Tensor | None = None
    _runs: dict[str, list[tuple[slice, Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ws)

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

    def each(self, name: str, function: Callable, *inputs: Tensor | None) -> Any:
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
        if isinstance(parts[0], tuple):
            return tuple(torch.cat(column) for column in zip(*parts, strict=True))
        return torch.cat(parts)

    def likenesses(self, steps: Sequence[Step]) -> Iterator[list[int]]:
        """After each step, for every sample the first one that came out the same; they begin all alike."""
        apart = self.noise_mode == "random" or (self.transform is not None and self.transform.ndim == 3)
        alike = list(range(len(self))) if apart else [0] * len(self)
        ws = self.ws.cpu().numpy()
        for step in steps:
            first: dict[tuple, int] = {}
            for index, own in enumerate(self.tensors):
                rows = ws[index, list(step.rows)].tobytes()
                weights = [] if self.is_uniform else [self.owner.sources(name, own) for name in step.units]
                key = alike[index], rows, tuple(id(tensor) for unit in weights for tensor in unit)
                alike[index] = first.setdefault(key, index)
            yield alike.copy()

    def select(self, samples: Sequence[int]) -> Batch:
        """The batch of these samples alone."""
        if len(samples) == len(self):
            return self
        transform = self.transform
        if transform is not None and transform.ndim == 3:
            transform = transform[list(samples)]
        tensors = [self.tensors[index] for index in samples]
        return Batch(self.owner, self.ws[list(samples)], self.noise_mode, tensors, transform)


class FastSynthesis:
    """Synthesis in the order that is fastest: called as `generator.synthesis` is, with the same pictures.

    generator  whose tensors are read at every call: where a blend replaced some, only these are prepared
               anew. Whoever writes *into* a tensor calls `refresh`
    precision  `exact` is within 1e-4 of the definition; `fast` is in a short format
    compiled   machine code for what follows a convolution: True compiles it if need be, None uses what
               lies on disk, False does without

    Samples of one batch may have weights of their own: `tensors` is then one mapping a sample, as
    `Blender.tensors` makes them. As long as samples come out the same, they are drawn as one: in a swap sweep
    over one latent, what lies below the swap.
    Memory: three prepared sets of weights for each unit (or as many as one batch mixes), and the activations
    of the largest layer.
    """

    architecture: ClassVar[str]

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        self.generator, self.precision, self.compiled = generator, precision, compiled
        self.config = generator.config
        self.units: dict[str, Unit] = {}
        self.steps: tuple[Step, ...] = ()
        self._own: Tensors = {}
        self._kept: dict[str, OrderedDict[tuple[int, ...], tuple[list[Tensor], Any]]] = {}
        if generator.mapping.w_avg.device.type == "cpu":
            keep_freed_memory()

    def add_unit(self, name: str, leaves: tuple[str, ...], make: Callable[[dict[str, Tensor]], Any]) -> None:
        """Say how the tensors of that name are prepared."""
        self.units[name] = Unit(name, leaves, make)

    def add_module(self, name: str, module: nn.Module, make: Callable[[nn.Module, dict], Any]) -> None:
        """A unit of all tensors of a module; `make(module, tensors)` gets them by their names in it."""
        named = (*module.named_parameters(), *module.named_buffers())
        leaves = tuple(leaf for leaf, _ in named)

        def prepare(tensors: dict[str, Tensor]) -> Any:
            return make(module, dict(zip(leaves, tensors.values(), strict=True)))

        self.add_unit(name, tuple(f"{name}.{leaf}" for leaf in leaves), prepare)

    def __call__(
        self,
        ws: Tensor,
        noise_mode: str = "const",
        resolution: int | None = None,
        transform: Tensor | None = None,
    ) -> Tensor:
        """ws [N, num_ws, w_dim] → image, float32 [N, img_channels, H, W], as the plain synthesis gives it."""
        return self.run(ws, noise_mode, resolution, transform=transform)

    def run(
        self,
        ws: Tensor,
        noise_mode: str = "const",
        resolution: int | None = None,
        *,
        tensors: Sequence[Tensors] | None = None,
        state: State | None = None,
        transform: Tensor | None = None,
    ) -> Tensor:
        """The picture, from the beginning or from a `state` of `until`, which may be of one sample for all.

        tensors  by name (`synthesis.b8.conv0.weight` …), one mapping for every sample; None: the generator's
        """
        with torch.inference_mode(), without_tf32(self.precision):
            batch = self._batch(ws, noise_mode, tensors, transform)
            reached = self._advance(batch, state or State(), self.last_step(resolution))
            return self.picture(reached, batch, resolution)

    def until(
        self,
        ws: Tensor,
        position: int,
        noise_mode: str = "const",
        *,
        tensors: Sequence[Tensors] | None = None,
        state: State | None = None,
        transform: Tensor | None = None,
    ) -> State:
        """What the layers below `position` come to; it stays true while their ws, noise and weights do."""
        if not 0 <= position <= len(self.steps):
            raise ValueError(f"position lies from 0 to {len(self.steps)}, not at {position}")
        with torch.inference_mode(), without_tf32(self.precision):
            batch = self._batch(ws, noise_mode, tensors, transform)
            return self._advance(batch, state or State(), position)

    def refresh(self) -> None:
        """Forget what was prepared: for tensors that were written into."""
        self._kept.clear()

    def last_step(self, resolution: int | None) -> int:
        """How many steps a picture of that resolution needs."""
        return len(self.steps)

    def picture(self, state: State, batch: Batch, resolution: int | None) -> Tensor:
        """The last state as a picture of that resolution."""
        raise NotImplementedError

    def shrink(self, image: Tensor, resolution: int | None) -> Tensor:
        """The picture averaged down to a nominal resolution."""
        width = resolution and resolution * self.generator.picture_size[0] // self.config.resolution
        return ops.shrink(image, width)

    def sources(self, name: str, own: Tensors) -> list[Tensor]:
        """The tensors of a unit. A filter that goes by several names may be missing: it is everyone's."""
        return [own.get(name, self._own[name]) for name in self.units[name].names]

    def prepared(self, name: str, tensors: Sequence[Tensors]) -> list[tuple[slice, Any]]:
        """Runs of samples with the same weights of a unit, and these weights, prepared once."""
        unit, kept = self.units[name], self._kept.setdefault(name, OrderedDict())
        runs: list[tuple[slice, Any]] = []
        last = None
        for index, own in enumerate(tensors):
            sources = self.sources(name, own)
            key = tuple(map(id, sources))
            if key == last:
                runs[-1] = slice(runs[-1][0].start, index + 1), runs[-1][1]
                continue
            if key not in kept:  # the sources are kept with it, so that their ids stay theirs
                kept[key] = sources, unit.make(dict(zip(unit.leaves, sources, strict=True)))
            kept.move_to_end(key)
            runs.append((slice(index, index + 1), kept[key][1]))
            last = key
        while len(kept) > max(PREPARED_PER_UNIT, len(runs)):
            kept.popitem(last=False)
        return runs

    def _batch(
        self, ws: Tensor, noise_mode: str, tensors: Sequence[Tensors] | None, transform: Tensor | None
    ) -> Batch:
        check_inputs(ws, self.generator.num_ws, self.config.w_dim, noise_mode)
        self._own = own_tensors(self.generator)
        if tensors is None:
            tensors = [self._own] * len(ws)
        if len(tensors) != len(ws):
            raise ValueError(f"{len(tensors)} sets of tensors for {len(ws)} samples")
        return Batch(self, ws.to(torch.float32), noise_mode, tensors, transform)

    def _advance(self, batch: Batch, state: State, stop: int) -> State:
        """From `state` to the one before step `stop`; samples part where they begin to differ, not before."""
        count, steps = 1 if state.x is None else len(state.x), self.steps[state.position : stop]
        if count not in (1, len(batch)):
            raise ValueError(f"a state of {count} samples does not fit a batch of {len(batch)}")
        if count > 1 or len(batch) == 1:
            return self._walk(batch, state, stop)
        drawn = [0]  # the samples that `state` is of
        alike = [0] * len(batch)
        position = state.position
        for now, group in groupby(batch.likenesses(steps)):
            wanted = sorted(set(now))
            state = state.select([drawn.index(alike[index]) for index in wanted])
            position += len(list(group))
            state = self._walk(batch.select(wanted), state, position)
            drawn, alike = wanted, now
        return state.select([drawn.index(index) for index in alike])

    def _walk(self, batch: Batch, state: State, stop: int) -> State:
        while state.position < stop:
            state = self.steps[state.position].draw(state, batch, state.position + 1 < stop)
        return state


def own_tensors(generator: Generator) -> dict[str, Tensor]:
    """Parameters and buffers of the synthesis network themselves, by name."""
    synthesis = generator.synthesis
    # Some networks keep one filter under several names: duplicates belong here too.
    named = [
        *synthesis.named_parameters(remove_duplicate=False),
        *synthesis.named_buffers(remove_duplicate=False),
    ]
    return {f"synthesis.{name}": tensor for name, tensor in named}
