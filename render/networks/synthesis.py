"""The frame of every fast synthesis: steps that can be resumed, and samples that may differ in their weights.

The plain networks (`stylegan1`, `stylegan2`, `stylegan3`) define what a picture is. A fast synthesis reads
their tensors and computes the same with fewer passes. It is a row of steps, one for each position of a blend,
each of which turns a `State` into the next.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from render.networks import ops
from render.networks.batch import Batch, Tensors
from render.networks.cpu import CpuLibrary
from render.networks.generator import Generator, check_inputs
from render.networks.memory import keep_freed_memory
from render.networks.precision import Precision, without_tf32
from render.networks.reuse import Course, Kept, State, States
from render.networks.stock import Stock, Unit
from render.networks.unmixed import Source

IDLE = 64  # pictures after which a set that none of them used is forgotten: the swap has passed that layer
STATE_BYTES = 2**29  # of activations that the pictures to come need too
PARTS_BYTES = 2**29  # of what the frames of a cross-fade share


@dataclass(frozen=True)
class Step:
    """One position: the units and the rows of ws that it uses, and how it is drawn.

    draw(state, batch, more) → state; `more` says that the next step follows in the same pass.
    """

    units: tuple[str, ...]
    rows: tuple[int, ...]
    draw: Callable[[State, Batch, bool], State]


class FastSynthesis:
    """Synthesis in the order that is fastest: called as `generator.synthesis` is, with the same pictures.

    generator  whose tensors are read at every call: where a blend replaced some, only these are prepared
               anew. Whoever writes *into* a tensor calls `refresh`
    precision  `exact` is within 1e-4 of the definition; `fast` is in a short format
    compiled   machine code for convolutions and what follows: True compiles it if need be, None uses what
               lies on disk, False does without

    Samples of one batch may have weights of their own: `tensors` is then one mapping a sample, as
    `Blender.tensors` makes them. As long as samples come out the same, they are drawn as one: in a swap sweep
    over one latent, what lies below the swap.
    A mapping may hold what a tensor is to be mixed of; a `Fade` only where it `can_fade`.
    Memory: three prepared sets of weights for each unit (or as many as one batch mixes), the activations of
    the largest layer, at most STATE_BYTES of activations that a picture to come was said to need too, and at
    most PARTS_BYTES of what cross-fading layers are drawn by.
    """

    architecture: ClassVar[str]
    can_fade = False  # whether cross-fading layers may be drawn by parts
    can_share = False  # whether batches may be drawn side by side, by teams
    library: CpuLibrary | None = None  # the C++ that it uses; some never do

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        self.generator, self.precision, self.compiled = generator, precision, compiled
        self.config = generator.config
        self.units: dict[str, Unit] = {}
        self.steps: tuple[Step, ...] = ()
        self._own: Tensors = {}
        self._coarse: FastSynthesis | None = None
        self._drawn, self._count = 0, threading.Lock()  # pictures
        self.stock, self.states, self.parts = Stock(), States(STATE_BYTES), Kept(PARTS_BYTES)
        if generator.mapping.w_avg.device.type == "cpu":
            keep_freed_memory()

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.generator.mapping.w_avg.device

    def add_unit(
        self,
        name: str,
        leaves: tuple[str, ...],
        make: Callable[[dict[str, Tensor]], Any],
        weight: str | None = None,
    ) -> None:
        """Say how the tensors of that name are prepared."""
        self.units[name] = Unit(name, leaves, make, weight)

    def add_module(
        self, name: str, module: nn.Module, make: Callable[[nn.Module, dict], Any], fades: bool = False
    ) -> None:
        """A unit of all tensors of a module; `make(module, tensors)` gets them by their names in it."""
        named = (*module.named_parameters(), *module.named_buffers())
        leaves = tuple(leaf for leaf, _ in named)

        def prepare(tensors: dict[str, Tensor]) -> Any:
            return make(module, dict(zip(leaves, tensors.values(), strict=True)))

        weight = f"{name}.weight" if fades else None
        self.add_unit(name, tuple(f"{name}.{leaf}" for leaf in leaves), prepare, weight)

    def weakly(self, method: Callable, *arguments: Any) -> Callable:
        """method(self, *arguments, …) that does not keep this synthesis, as its own steps and units would.

        What keeps itself stays until Python looks for such circles, and hundreds of megabytes with it.
        """
        return partial(method, weakref.proxy(self), *arguments)

    def begin_as(self, exact: FastSynthesis, count: int) -> None:
        """Draw the first `count` steps as another synthesis does, in its format.

        Coarse layers in float32 take hardly any time, and what they round off is seen everywhere.
        """
        *coarse, last = exact.steps[:count]
        self._coarse = exact  # whose steps do not keep it
        self.units |= {name: exact.units[name] for step in (*coarse, last) for name in step.units}
        dtype = self.precision.dtype

        def end(state: State, batch: Batch, more: bool) -> State:
            drawn = last.draw(state, batch, False)  # what follows is in another format: nothing to share
            return drawn if drawn.x is None else replace(drawn, x=drawn.x.to(dtype))

        self.steps = (*coarse, replace(last, draw=end), *self.steps[count:])

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
        batch = self.batch(ws, noise_mode, tensors=tensors, transform=transform)
        return self.draw(batch, resolution, state=state)

    def batch(
        self,
        ws: Tensor,
        noise_mode: str = "const",
        *,
        tensors: Sequence[Tensors] | None = None,
        transform: Tensor | None = None,
    ) -> Batch:
        """What is to be drawn, for `draw`. Arguments as in `run`; raises ValueError where they don't fit.

        ws and transform may lie in the machine's memory, whatever device draws: best so, see `Batch`.
        """
        check_inputs(ws, self.generator.num_ws, self.config.w_dim, noise_mode)
        if tensors is None or not self._own:
            self._own = own_tensors(self.generator)
        if tensors is None:
            tensors = [self._own] * len(ws)
        if len(tensors) != len(ws):
            raise ValueError(f"{len(tensors)} sets of tensors for {len(ws)} samples")
        return Batch(self, (ws.to(torch.float32), transform), noise_mode, tensors)

    def draw(
        self,
        batch: Batch,
        resolution: int | None = None,
        *,
        following: Batch | None = None,
        state: State | None = None,
    ) -> Tensor:
        """The pictures of a batch, float32 [N, img_channels, H, W].

        following  what will be drawn next: what both have in common is kept for it
        state      as in `run`
        """
        with self._working():
            stop = batch.ends = self.last_step(resolution)
            self._forget_idle(len(batch))
            wanted = following.digests if following else ()
            return self.picture(self._advance(batch, state or State(), stop, wanted), batch, resolution)

    def promise(self, batch: Batch, following: Batch | None) -> None:
        """Before both are drawn side by side: the second will wait for what the first draws for them both.

        Of all batches that are, in their order; each is drawn within `states.promises_of(batch)`.
        """
        self.states.promise(batch, batch.digests & following.digests if following else frozenset())

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
        batch = self.batch(ws, noise_mode, tensors=tensors, transform=transform)
        with self._working():
            return self._advance(batch, state or State(), position)

    def refresh(self) -> None:
        """Forget what was prepared and kept: for tensors that were written into."""
        self.stock.clear()
        self.forget()

    def forget(self) -> None:
        """Forget activations that pictures to come could need: for want of memory."""
        self.states.clear()
        self.parts.clear()

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

    def sources(self, name: str, own: Tensors) -> list[Source]:
        """The tensors of a unit. A filter that goes by several names may be missing: it is everyone's."""
        return [own.get(name, self._own[name]) for name in self.units[name].names]

    def prepared(self, name: str, tensors: Sequence[Tensors]) -> list[tuple[slice, Any]]:
        """Runs of samples with the same weights of a unit, and these weights prepared; see `Stock`."""
        return self.stock.prepared(self.units[name], [self.sources(name, own) for own in tensors])

    def _forget_idle(self, count: int) -> None:
        """Make room for what `count` pictures want: fresh memory takes longer than what was there."""
        with self._count:
            self._drawn += count
            self.stock.now = self.parts.now = self._drawn
        self.stock.drop_unused(self._drawn - IDLE)
        self.parts.drop_unused(self._drawn - IDLE)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """The state of PyTorch in which it draws."""
        with torch.inference_mode(), without_tf32(self.precision, self.device):
            yield

    def _advance(self, batch: Batch, state: State, stop: int, wanted: Collection[bytes] = ()) -> State:
        """From `state` to the one before step `stop`; samples part where they begin to differ, not before.

        wanted  digests of states to keep
        """
        if len(state) not in (1, len(batch)):
            raise ValueError(f"a state of {len(state)} samples does not fit a batch of {len(batch)}")
        if len(batch) == 1 and not wanted and self.states.is_idle:
            return self._walk(batch, state, stop)
        return Course(batch, self.states, self._walk, wanted).run(state, stop)

    def _walk(self, batch: Batch, state: State, stop: int) -> State:
        while state.position < stop:
            step = self.steps[state.position]
            state = step.draw(state, batch, state.position + 1 < stop)
            batch.release(step.units)
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
