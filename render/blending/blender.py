"""Applies blends: mixes the tensors of several generators, and recomputes only what changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from render.blending.blend import Blend, find_convention, position_of, position_of_resolution
from render.blending.channel_axes import ChannelAxis, channel_axes
from render.blending.conventions import Convention, Place
from render.blending.interpolation import has_filters, keep_norm, linear
from render.blending.pull import ChannelPull
from render.errors import BlendError
from render.networks import Generator, Provenance
from render.networks.unmixed import Fade, Mix, Source

CACHED_MIXTURES = 3  # what the panels of one frame may need, and frames rarely come back to older ones
FILTER_TOLERANCE = 1e-5  # designed on another machine, a filter differs in its last digits
MOST_FILTERS_SHOWN = 3
NEGLIGIBLE = 1e-7  # float32 does not see a weight this small; soft swaps leave many
Mean = Callable[[Sequence[tuple[Tensor, float]]], Tensor]
FILTER_MEANS: dict[str, Mean] = {"linear": linear, "keep-norm": keep_norm}  # of all else: linear


class Blender:
    """Mixes generators of one structure.

    models       in the order of a blend's rows; on one device, where they stay
    cache_bytes  how much mixed weights may take that are kept, by default as much as three whole networks: of
                 `tensors` and `apply`, and layers with pulled channels. What is all one model's is free

    Raises BlendError with a table of what differs if the models can't exchange layers.
    """

    def __init__(self, models: Sequence[Generator], cache_bytes: int | None = None):
        if not models:
            raise BlendError("a blend needs at least one model")
        for model in [models] if isinstance(models, str | Path) else models:
            if not isinstance(model, Generator):
                raise BlendError(f"a blend is made of networks, not of {model!r}; render.load opens one")
        check_structure(models)
        self.models = tuple(models)
        self._own = [_tensors(model) for model in models]
        whole = sum(tensor.nbytes for tensor in self._own[0].values())
        self.cache_bytes = CACHED_MIXTURES * whole if cache_bytes is None else cache_bytes
        self._roles = {name: models[0].role(name) for name in self._own[0]}
        self._axes = channel_axes(models[0])
        own = self._own[0]
        self._filters = {name: own[name] for name, role in self._roles.items() if role.kind == "filter"}
        self._placed: dict[str, dict[Place, list[str]]] = {}  # by convention
        self._cache: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._cached_bytes = 0
        self._lock = threading.Lock()  # of these two: moments and pictures are worked out side by side

    @property
    def layer_count(self) -> int:
        return len(self.models[0].layers)

    def tensors(self, blend: Blend) -> dict[str, Tensor]:
        """Every tensor of the blended network by name. Don't alter them: they are shared.

        A tensor whose weights did not change is the same object as last time, while it is in the cache.
        """
        return self._assembled(blend, self._mixed, {})

    def sources(self, blend: Blend, fading: bool = False) -> dict[str, Source]:
        """The same, but for pulled channels not mixed yet: a `Mix` of what is not all one model's.

        fading  the tensors of the lowest layer that cross-fades are a `Fade` each; see `crossing`
        """
        return self._assembled(blend, self._mix, self._fades(blend) if fading else {})

    def _assembled(
        self, blend: Blend, mix: Callable, fades: dict[Place, tuple[np.ndarray, np.ndarray]]
    ) -> dict[str, Source]:
        """mix(name, how, column) of every tensor that is mixed, and the others."""
        if (blend.model_count, blend.layer_count) != (len(self.models), self.layer_count):
            raise BlendError(
                f"a blend of {blend.model_count} models and {blend.layer_count} layers does not fit "
                f"{len(self.models)} models of {self.layer_count} layers"
            )
        pulls = self._pulls_by_position(blend)
        found: dict[str, Source] = dict(self._filters)
        single: dict[bytes, int | None] = {}  # by column: most are all one model's, and the same
        for where, names in self._places(blend).items():
            column = blend.column(*where)
            key = column.tobytes()
            if key not in single:
                single[key] = _single(column)
            if where in fades:
                found |= {name: self._fade(name, *fades[where]) for name in names}
            elif single[key] is not None:
                own = self._own[single[key]]
                found |= {name: own[name] for name in names}
            else:
                found |= {name: mix(name, self._how(name, blend), column) for name in names}
            for name in names if pulls else ():
                axis = self._axes.get(name)
                if axis is not None and axis.position in pulls:
                    how, pulled = self._how(name, blend), pulls[axis.position]
                    plain = self._mixed(name, how, column) if isinstance(found[name], Mix) else found[name]
                    found[name] = self._pulled(name, how, plain, axis, pulled, column)
        return found

    def apply(self, blend: Blend, into: Generator | None = None) -> Generator:
        """A generator with the blended tensors; it shares those with the models and with later results.

        into  a generator that `apply` returned earlier, to be changed and returned instead of a new one
        """
        shell = _shell(self.models[0]) if into is None else into
        tensors = self.tensors(blend)
        for prefix, module in shell.named_modules():
            start = f"{prefix}." if prefix else ""
            for table in (module._parameters, module._buffers):
                for leaf in table:
                    table[leaf] = tensors.get(start + leaf, table[leaf])
        shell.provenance = Provenance(" + ".join(names_of(self.models)), "blend")
        return shell

    def crossing(self, blend: Blend) -> int | None:
        """The lowest layer that is not all one model's, if that is a plain mix of two of them, within 0–1.

        What lies below it is the same for all frames of its cross-fade.
        """
        if blend.interpolation != "linear" or blend.pulls:
            return None
        position = next(iter(self.mixed_layers(blend)), 0)  # the constant at position 0 is no convolution
        return position if position and len(_between(blend.column("layer", position))) == 2 else None

    def mixed_layers(self, blend: Blend) -> list[int]:
        """The layers that are not all one model's."""
        return np.flatnonzero((np.abs(blend.weights) > NEGLIGIBLE).sum(axis=0) > 1).tolist()

    def _fades(self, blend: Blend) -> dict[Place, tuple[np.ndarray, np.ndarray]]:
        """The places of `Fade`s: which two models, and how much of each."""
        position = self.crossing(blend)
        if position is None:
            return {}
        columns = {(kind, position): blend.column(kind, position) for kind in ("layer", "to_rgb")}
        found = {where: _between(column) for where, column in columns.items()}
        return {where: (two, columns[where][two]) for where, two in found.items() if len(two) == 2}

    def _fade(self, name: str, models: np.ndarray, shares: np.ndarray) -> Fade:
        low, high = (self._own[index][name] for index in models)
        return Fade(low, high, tuple(shares.tolist()))

    def _convention(self, blend: Blend) -> Convention:
        convention, kind = find_convention(blend.convention), self.models[0].architecture
        if convention.needs_pairs and kind == "stylegan3":
            raise BlendError(
                f"convention {blend.convention} counts resolutions of two layers each, which {kind} has not"
            )
        return convention

    def _places(self, blend: Blend) -> dict[Place, list[str]]:
        """Which tensors follow each place, as the blend's convention has it."""
        place = self._convention(blend).place
        if blend.convention not in self._placed:
            found: dict[Place, list[str]] = {}
            for name, role in self._roles.items():
                if role.kind != "filter":
                    found.setdefault(place(name, role), []).append(name)
            self._placed[blend.convention] = found  # whole: another thread may be after it
        return self._placed[blend.convention]

    def _how(self, name: str, blend: Blend) -> str:
        """How that tensor is mixed."""
        return blend.interpolation if has_filters(name, self._own[0][name]) else "linear"

    def _mix(self, name: str, how: str, column: np.ndarray) -> Mix:
        parts = [(self._own[index][name], float(column[index])) for index in _used(column)]
        return Mix(parts, FILTER_MEANS[how])

    def _mixed(self, name: str, how: str, column: np.ndarray) -> Tensor:
        key = name, how, column.tobytes()
        found = self._recall(key)
        if found is None:
            found = self._mix(name, how, column).mixed()
            found = self._remember(key, _like(found, self._own[0][name]))
        return found

    def _pulled(
        self,
        name: str,
        how: str,
        mixed: Tensor,
        axis: ChannelAxis,
        pulls: tuple[ChannelPull, ...],
        column: np.ndarray,
    ) -> Tensor:
        """`mixed`, the tensor as its layer has it, with the rows of the pulled channels mixed anew."""
        key = name, how, column.tobytes(), pulls
        found = self._recall(key)
        if found is None:
            mean = FILTER_MEANS[how] if axis.axis == 0 else linear  # columns are parts of many filters
            found = mixed.detach().clone()
            for pull in pulls:
                places = torch.tensor(axis.places(pull.channels), device=found.device)
                own = pull.column(column)
                rows = mean(
                    [
                        (self._own[index][name].index_select(axis.axis, places), float(own[index]))
                        for index in _used(own)
                    ]
                )
                found.index_copy_(axis.axis, places, rows)
            found = self._remember(key, _like(found, mixed))
        return found

    def _pulls_by_position(self, blend: Blend) -> dict[int, tuple[ChannelPull, ...]]:
        """The pulls of every layer that has some. Raises BlendError if it does not have these channels."""
        counts = {axis.position: axis.count for axis in self._axes.values()}
        for pull in blend.pulls:
            count, name = counts.get(pull.position, 0), self.models[0].layers[pull.position].name
            if not count:
                raise BlendError(f"layer {name} has no channels to take: it is the picture itself")
            if pull.channels[-1] >= count:
                raise BlendError(
                    f"layer {name} has no channel {pull.channels[-1]}; it has {count}, numbered from 0"
                )
        pulled = dict.fromkeys(pull.position for pull in blend.pulls)
        return {at: tuple(pull for pull in blend.pulls if pull.position == at) for at in pulled}

    def _recall(self, key: Hashable) -> Tensor | None:
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
            return self._cache.get(key)

    def _remember(self, key: Hashable, tensor: Tensor) -> Tensor:
        with self._lock:
            if key in self._cache:  # another thread was faster
                return self._cache[key]
            self._cache[key] = tensor
            self._cached_bytes += tensor.nbytes
            while self._cached_bytes > self.cache_bytes:
                self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return tensor


def _used(column: np.ndarray) -> np.ndarray:
    """Which models have a weight that float32 can see."""
    return np.flatnonzero(np.abs(column) > NEGLIGIBLE)


def _single(column: np.ndarray) -> int | None:
    """The model that all of it is, if it is."""
    used = _used(column)
    return int(used[0]) if len(used) == 1 and abs(column[used[0]] - 1) < 2 * NEGLIGIBLE else None


def _between(column: np.ndarray) -> np.ndarray:
    """The models that it takes something of, if that is more than one, and of each a part of the whole."""
    used = _used(column)
    return used if len(used) > 1 and np.all((column[used] > 0) & (column[used] < 1)) else used[:0]


def _like(tensor: Tensor, model: Tensor) -> Tensor:
    """A parameter where `model` is one."""
    return nn.Parameter(tensor, requires_grad=False) if isinstance(model, nn.Parameter) else tensor


def blend(
    low: Generator,
    high: Generator,
    swap: float | str | tuple[int, int] = 32,
    width: float | None = None,
    weight: float = 1.0,
    convention: str = "position",
    interpolation: str = "linear",
) -> Generator:
    """A generator with the coarse layers of `low` and, from `swap` on, the fine ones of `high`.

    swap           the resolution at which `high` takes over (32; numbers between powers of two cross-fade), a
                   layer's name ("32/1", "L7"), or (resolution, level). In StyleGAN3 a resolution means the
                   first layer with so many samples per picture width; see `position_of_resolution`
    width          softness in layers; None: a cut
    weight         how much of `high` is used; outside 0–1 it extrapolates, within ±100
    convention     `position`; `pinkney` or `dvschultz` for what these published scripts make
    interpolation  `linear`, or `keep-norm`: direction and norm of every filter apart

    Its tensors are those of `low` and `high` where they are not mixed. Raises BlendError.
    """
    blender = Blender([low, high])
    if isinstance(swap, int | float):
        position = position_of_resolution(swap, [layer.resolution for layer in low.layers])
    else:
        position = position_of(swap, [layer.name for layer in low.layers])
    mixed = Blend.low_high(blender.layer_count, position, width, weight, convention=convention)
    return blender.apply(replace(mixed, interpolation=interpolation))


def check_structure(models: Sequence[Generator]) -> None:
    """Raises BlendError with a table of what differs, unless all models have one structure on one device."""
    differing = differences(models)
    if differing:
        lines = _merged(names_of(models), differing)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = "\n".join(
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        raise BlendError(f"these models can't be blended; they differ in\n{table}")
    devices = {str(tensor.device) for model in models for tensor in model.parameters()}
    if len(devices) > 1:
        raise BlendError(f"the models of a blend must lie on one device, not {', '.join(sorted(devices))}")


def _merged(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows under their heads, with one column for all models that are alike.

    Where kinds of network differ, what only one kind has goes without saying.
    """
    kinds = next((words for label, *words in rows if label == "architecture"), [])
    if len({words.partition(",")[0] for words in kinds}) > 1:
        rows = [row for row in rows if "none" not in row and row[0] != "filters"]
    labels, *columns = zip(*rows, strict=True)
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, column in zip(names, columns, strict=True):
        alike.setdefault(column, []).append(name)
    heads = [found[0] + (f" and {len(found) - 1} like it" if found[1:] else "") for found in alike.values()]
    return [("", *heads), *zip(labels, *alike, strict=True)]


def differences(models: Sequence[Generator]) -> list[tuple[str, ...]]:
    """What keeps the models from exchanging layers, as rows: a label, then each model's words for it."""
    filters = _filters(models)
    tables = [model.structure() | {"filters": words} for model, words in zip(models, filters, strict=True)]
    labels = dict.fromkeys(label for table in tables for label in table)
    rows = [(label, *(table.get(label, "none") for table in tables)) for label in labels]
    return [row for row in rows if len(set(row[1:])) > 1]


def _filters(models: Sequence[Generator]) -> list[str]:
    """The resampling filters of each model, in words that are equal when the filters are, up to rounding."""
    found = [
        {name: tensor for name, tensor in model.named_buffers() if model.role(name).kind == "filter"}
        for model in models
    ]
    words: list[str] = []
    for index, own in enumerate(found):
        alike = next((i for i in range(index) if _close(found[i], own)), None)
        words.append(_described(own, index) if alike is None else words[alike])
    return words


def _close(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether the filters are the same, layer by layer."""
    return first.keys() == second.keys() and all(
        kernel.shape == second[name].shape
        and torch.allclose(kernel.cpu(), second[name].cpu(), atol=FILTER_TOLERANCE)
        for name, kernel in first.items()
    )


def _described(filters: dict[str, Tensor], index: int) -> str:
    """Filters in words: number by number where there are few, otherwise how many and of what size."""
    kernels = {
        f"{'×'.join(map(str, tensor.shape))} of {np.round(tensor.flatten().tolist(), 5).tolist()}"
        for tensor in filters.values()
    }
    if len(kernels) <= MOST_FILTERS_SHOWN:
        return " and ".join(sorted(kernels))
    sizes = sorted({"×".join(map(str, tensor.shape)) for tensor in filters.values()})
    return f"{len(kernels)} own ones of {', '.join(sizes)} taps (set {index + 1})"


def names_of(models: Sequence[Generator]) -> list[str]:
    """What to call the models: their files, with the folder where files are called alike."""
    files = [Path(model.provenance.source) for model in models]
    alike = len({path.name for path in files}) < len(files)
    names = [f"{path.parent.name}/{path.name}" if alike and path.parent.name else path.name for path in files]
    return [name or f"model {index + 1}" for index, name in enumerate(names)]


def _tensors(model: Generator) -> dict[str, Tensor]:
    """Parameters and buffers themselves (`state_dict` would give detached views)."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _shell(module: nn.Module) -> nn.Module:
    """A copy of the module tree that shares its tensors: cheap, and safe to give other tensors."""
    copy = module.__class__.__new__(module.__class__)
    copy.__dict__.update(module.__dict__)
    copy.__dict__["_parameters"] = dict(module._parameters)
    copy.__dict__["_buffers"] = dict(module._buffers)
    copy.__dict__["_modules"] = {name: _shell(child) for name, child in module._modules.items()}
    return copy
