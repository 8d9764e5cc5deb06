"""Pictures, as scenes describe them, drawn in batches by the fast networks."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from render.batch_sizes import fitting_batch, is_out_of_memory
from render.blending.blend import Blend
from render.blending.blender import Blender
from render.errors import BlendreelWarning, RenderError, check_whole
from render.networks.batch import Batch, Tensors
from render.networks.compiling import COMPILED
from render.networks.fast import fast
from render.networks.ops import to_uint8, to_uint16
from render.networks.transfer import Arrival
from render.pixels import Planes
from render.planes import to_planes
from render.scene import Picture
from render.soundness import faults, soundness
from render.teams import Alone, Teams

MOST_BLENDS = 4  # in a batch: each has weights of its own in memory, and saves nothing but the others' layers


def to_levels(images: Tensor, bits: int = 8, transparent: bool = False) -> Tensor:
    """float [N, C, H, W], nominally in [-1, 1] → [N, H, W, 3] on its device, as `as_frames` wants it.

    transparent  keep the alpha of pictures that have it: [N, H, W, 4]; where there is nothing all four are 0
    """
    is_clear = images.shape[1] == 4 and transparent
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    elif images.shape[1] == 4 and not is_clear:
        alpha = images[:, 3:].clamp(-1, 1) * 0.5 + 0.5
        images = (images[:, :3] + 1) * alpha - 1
    levels = to_uint16(images.float()) if bits == 16 else to_uint8(images)
    if is_clear:
        nothing = torch.iinfo(levels.dtype).min
        levels = levels.masked_fill(levels[..., 3:] == nothing, nothing)
    return levels.contiguous()


def as_frames(levels: Tensor) -> np.ndarray:
    """What `to_levels` gave, as an array of uint8 or uint16."""
    if levels.dtype == torch.uint8:
        return levels.cpu().numpy()
    return levels.cpu().numpy().view(np.uint16) ^ np.uint16(0x8000)


def to_frames(images: Tensor, bits: int = 8) -> np.ndarray:
    """float [N, C, H, W], nominally in [-1, 1] → uint8 [N, H, W, 3], or for 16 bits uint16; white is 65,535.

    Rounded to 8 bits, deep frames are the plain ones. Grey pictures become RGB; a fourth channel (alpha) is
    laid over black.
    """
    return as_frames(to_levels(images, bits))


class Arrived:
    """The pictures of a batch, once they are there: on their way from a GPU while the next ones are drawn.

    levels  as `to_levels` gives them
    sound   as `soundness` found it; None: nobody asked
    """

    def __init__(self, levels: Tensor, sound: Tensor | None) -> None:
        self._arrival = Arrival([levels] if sound is None else [levels, sound])

    @property
    def is_there(self) -> bool:
        """Whether nobody would wait for them."""
        return self._arrival.is_there

    def array(self, index: int) -> np.ndarray:
        """Picture `index` of it: [H, W, 3] or [H, W, 4], uint8 or uint16."""
        return as_frames(self._arrival.tensors[0][index])

    @cached_property
    def faults(self) -> list[str]:
        """Of each picture."""
        levels, *sound = self._arrival.tensors
        return faults(sound[0]) if sound else [""] * len(levels)


@dataclass(frozen=True)
class Drawn:
    """One picture that was drawn: an array [H, W, 3] or [H, W, 4], or number `index` of those that arrive."""

    picture: np.ndarray | Arrived
    index: int = 0

    @property
    def is_there(self) -> bool:
        """Whether nobody would wait for it."""
        return isinstance(self.picture, np.ndarray) or self.picture.is_there

    def array(self) -> np.ndarray:
        """[H, W, 3] or [H, W, 4], uint8 or uint16; or as `Planes`."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.array(self.index)

    @property
    def fault(self) -> str:
        """What shows that no sound network drew it, in words; empty for a picture."""
        return "" if isinstance(self.picture, np.ndarray) else self.picture.faults[self.index]


@dataclass(frozen=True)
class Pending:
    """One picture that somebody is drawing: number `index` of what `batch` comes to."""

    batch: Future[list[Drawn]]
    index: int

    @property
    def is_drawn(self) -> bool:
        """Whether it is there, or never will be."""
        return self.batch.done() and (self.batch.exception() is not None or self.drawn().is_there)

    def drawn(self) -> Drawn:
        """The picture, once it is there. Raises what its drawing raised."""
        return self.batch.result()[self.index]


class Drawer:
    """Draws pictures of one family of networks.

    precision   `exact`, `fast` or `auto`, see `render.networks.fast`
    batch_size  pictures drawn at once; by default see `fitting_batch`. Where memory runs out all the same,
                half as many from then on
    resolution  of the pictures; a skip network that stops early saves the rest
    bits        a channel: 8 or 16
    transparent  whether pictures keep their alpha, if they have any; otherwise they are laid over black
    compiled    as in `fast`
    allow_broken  don't look for what is wrong with pictures
    planes      may be set before the first picture: how all are made, instead of RGB, of no alpha

    A picture is the same to the last bit, whatever is drawn beside it or before. Of what pictures have in
    common with the ones that follow, activations are kept (see `FastSynthesis`), and nothing is drawn twice.
    """

    def __init__(
        self,
        blender: Blender,
        *,
        precision: str = "auto",
        batch_size: int | None = None,
        resolution: int | None = None,
        bits: int = 8,
        transparent: bool = False,
        compiled: bool | None = None,
        allow_broken: bool = False,
    ) -> None:
        if batch_size is not None:
            check_whole("batch_size", batch_size, "pictures")
        self.allow_broken, self.transparent = allow_broken, transparent
        model = blender.models[0]
        self.blender, self.resolution, self.bits = blender, resolution or model.resolution, bits
        self.planes: Planes | None = None
        self.device = model.mapping.w_avg.device
        self.synthesis = fast(model, precision, compiled)
        if batch_size is not None:
            self.batch_size = batch_size
        self._next: tuple[list[bytes], Batch] | None = None
        self._tensors: dict[tuple[Blend, bool], Tensors] = {}  # of the latest batch
        self._lock = threading.Lock()  # of these

    @cached_property
    def batch_size(self) -> int:
        """Pictures drawn at once, from now on. A GPU finds out what it has memory for."""
        model = self.blender.models[0]
        size = (side * self.resolution // model.resolution for side in model.picture_size)
        return fitting_batch(self.synthesis, self.resolution, *size)

    @property
    def precision(self) -> str:
        """How pictures are computed, such as `fast (bfloat16)`."""
        return str(self.synthesis.precision)

    @property
    def code(self) -> str:
        """`compiled` where networks use code made for this processor, which rounds otherwise; or `plain`."""
        has_kernels = self.device.type == "cuda" and COMPILED.serves("cuda")
        return "compiled" if has_kernels or self.synthesis.library is not None else "plain"

    def draw(self, pictures: Sequence[Picture], following: Sequence[Picture] = ()) -> list[Drawn]:
        """The pictures, in their order.

        following  what will be drawn next
        """
        begun = self.begin(pictures, following, self._teams, is_alone=True)
        return [begun[picture.key].drawn() for picture in pictures]

    @cached_property
    def _teams(self) -> Teams | Alone:
        """Those that `draw` has; their threads end with the drawer."""
        return self.teams()

    def teams(self) -> Teams | Alone:
        """Who draws its batches: several teams, where that changes no picture."""
        return Teams() if self.synthesis.can_share else Alone()

    def begin(
        self,
        pictures: Sequence[Picture],
        following: Sequence[Picture],
        teams: Teams | Alone,
        is_alone: bool = False,
    ) -> dict[bytes, Pending]:
        """The pictures by their keys, handed to teams in batches.

        following  what will be drawn next
        is_alone   nothing else is begun meanwhile: all teams get a part, or one picture is drawn by them all
        """
        most = self.batch_size
        if is_alone:
            most = min(most, math.ceil(len(pictures) / teams.count))
        start = teams.together if is_alone and len(pictures) < teams.count else teams.start
        batches = list(self.batches(pictures, most))
        upcoming = list(self.batches(following))[:1]
        begun: dict[bytes, Pending] = {}
        for batch, after in zip(batches, [*batches[1:], *upcoming, []], strict=False):
            drawn = start(self._draw, batch, *self._as_batches(batch, after, teams))
            begun |= {picture.key: Pending(drawn, index) for index, picture in enumerate(batch)}
        return begun

    def batches(self, pictures: Iterable[Picture], most: int | None = None) -> Iterator[list[Picture]]:
        """Different pictures that are drawn at once: as they come, for neighbours have most in common.

        most  of a batch, by default its size
        """
        most = most or self.batch_size
        kinds: dict[tuple, list[Picture]] = {}
        for picture in {picture.key: picture for picture in pictures}.values():
            kinds.setdefault((picture.noise, picture.transform is not None), []).append(picture)
        for kind in kinds.values():
            batch: dict[Blend, list[Picture]] = {}
            for picture in kind:
                is_full = sum(map(len, batch.values())) == most
                blends = MOST_BLENDS if self._mixes(picture) else most
                if is_full or (len(batch) >= blends and picture.blend not in batch):
                    yield [one for group in batch.values() for one in group]
                    batch = {}
                batch.setdefault(picture.blend, []).append(picture)
            yield [one for group in batch.values() for one in group]  # those of one blend side by side

    def _as_batches(
        self, pictures: list[Picture], following: list[Picture], teams: Teams | Alone
    ) -> tuple[Batch | None, Batch | None]:
        """A batch for the networks, and the one after it; None where there is none, or memory for it."""
        try:
            own = self._batch(pictures)
            after = self._batch(following[: self.batch_size]) if following else None
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return None, None
        if teams.count > 1:
            self.synthesis.promise(own, after)
        return own, after

    def _draw(
        self, pictures: list[Picture], batch: Batch | None = None, following: Batch | None = None
    ) -> list[Drawn]:
        try:
            with self.synthesis.states.promises_of(batch):
                images = self.synthesis.draw(
                    batch or self._new_batch(pictures), self.resolution, following=following
                )
            with torch.inference_mode():
                sound = None if self.allow_broken else soundness(images)
                arrived = Arrived(self._levels(images), sound)
            return [Drawn(arrived, index) for index in range(len(images))]
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            images = None
        self._make_room(len(pictures))
        halves = [pictures[: self.batch_size], pictures[self.batch_size :]]
        return [drawn for half in halves if half for drawn in self._draw(half)]

    def _levels(self, images: Tensor) -> Tensor:
        if self.planes:
            return to_planes(images, self.planes.dithered)
        return to_levels(images, self.bits, self.transparent)

    def _make_room(self, count: int) -> None:
        """After a batch of `count` did not fit in memory; RenderError where it was one picture alone."""
        self.synthesis.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if count == 1:
            raise RenderError(
                f"one picture of {self.resolution} px does not fit in the memory of {self.device}; "
                "preview draws smaller ones"
            )
        self.batch_size = min(self.batch_size, count // 2)
        warnings.warn(
            f"{count} pictures at once did not fit in the memory of {self.device}; going on with "
            f"{self.batch_size}",
            BlendreelWarning,
            stacklevel=2,
        )

    def _batch(self, pictures: Sequence[Picture]) -> Batch:
        """The pictures for the networks; what will be drawn next is there when its turn comes."""
        keys = [picture.key for picture in pictures]
        if self._next is None or self._next[0] != keys:
            self._next = keys, self._new_batch(pictures)
        return self._next[1]

    def _new_batch(self, pictures: Sequence[Picture]) -> Batch:
        ws, transform = torch.from_numpy(np.stack([picture.ws for picture in pictures])), None
        if pictures[0].transform is not None:
            transform = torch.from_numpy(np.stack([one.transform for one in pictures]))
        with self._lock:
            tensors = self._tensors_of([(picture.blend, self._fades(picture)) for picture in pictures])
        return self.synthesis.batch(ws, pictures[0].noise, tensors=tensors, transform=transform)

    def _tensors_of(self, keys: Sequence[tuple[Blend, bool]]) -> list[Tensors]:
        """The weights of a batch's pictures. They stay at hand for the batch that follows."""
        known = self._tensors
        self._tensors = {key: known.get(key) or self.blender.sources(*key) for key in dict.fromkeys(keys)}
        return [self._tensors[key] for key in keys]

    def _mixes(self, picture: Picture) -> bool:
        """Whether it may want weights that are mixed for it, of many layers or of one that cross-fades."""
        return len(self.blender.mixed_layers(picture.blend)) > self._fades(picture)

    def _fades(self, picture: Picture) -> bool:
        """Whether it is drawn by the parts of a cross-fade."""
        return picture.fades and self.synthesis.can_fade
