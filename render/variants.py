"""Variants of a preset: other values in some places, drawn over networks that are opened once for all."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from render.errors import PresetError
from render.preset import Latents, Preset
from render.preset.mistakes import Place, place_text
from render.preset.overrides import overridden
from render.preset.source import Page, Source, Span
from render.preset.writer import preset_data
from render.renderer import Renderer
from render.scene import Moment, Scene, open_cast, used_models
from render.timeline import Clock, parse_time

SEED = "latents.seed"
MOST_STAGES = 4  # sets of networks that stay open, where models or their noise differ between variants
# What says where a walk goes; the rest of `latents` (labels, directions, mixing) stays with a single seed.
_WALK = {"seed", "seeds", "random", "files", "keys", "every", "position", "path", "diameter", "space", "pace"}


@dataclass(frozen=True, eq=False)
class Variant:
    """A preset and the one frame of it that is drawn."""

    preset: Preset
    frame_index: int = 0


def with_values(preset: Preset, values: Mapping[str, Any]) -> Preset:
    """The preset with `values` in these places, {"blend.swap": 32}, each instead of all that moved there.

    `latents.seed` stands for a latent that does not move at all; None takes out what is there. Raises
    PresetError, which names the value.
    """
    rest = dict(values)
    if SEED in rest:
        preset = with_seed(preset, rest.pop(SEED))
    if not rest:
        return preset
    page, data = Page("preset", is_file=False), preset_data(preset)
    spans = dict.fromkeys(_places(data), Span(page, 0, 0, 1))
    written = {place_text(place) for place in spans}
    # What is not written need not be taken out.
    rest = {place: value for place, value in rest.items() if value is not None or place in written}
    try:
        changed = overridden(Source((page,), data, spans), rest).data
        sections = {re.split(r"[.\[]", place)[0] for place in rest}
        return preset.replace(**{name: changed.get(name) for name in sections})
    except PresetError as error:
        raise PresetError(re.sub(r"(?m)^overrides\['.*?'\]: ", "", str(error))) from None


def _places(data: Any, place: Place = ()) -> Iterator[Place]:
    """The place of every value in a preset's data."""
    yield place
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from _places(value, (*place, key))


def with_seed(preset: Preset, seed: int) -> Preset:
    """The preset with one latent that stands still. Raises PresetError for a number that is no seed."""
    latents = preset.latents
    kept = {name: getattr(latents, name) for name in latents.model_fields_set - _WALK}
    return preset.replace(latents=Latents(seed=seed, **kept))


def frame_at(clock: Clock, time: Any) -> int:
    """The index of the frame nearest to a time as presets write it (`2s`, `50%`, `end`).

    Raises PresetError: it is no time, or lies outside the clip.
    """
    try:
        seconds = clock.resolve(parse_time(time))
    except ValueError as error:
        raise PresetError(f"{time}: {error}") from None
    if not 0 <= seconds <= clock.duration:
        raise PresetError(f"{time} lies outside the clip, which lasts {float(clock.duration):g} s")
    steps = clock.frame_count if clock.loop else max(1, clock.frame_count - 1)
    index = math.floor(seconds / clock.duration * steps + Fraction(1, 2))
    return index % clock.frame_count if clock.loop else min(index, clock.frame_count - 1)


class Company:
    """Draws variants. A network that several of them show is opened once.

    variants    all that may be drawn: together they say which networks are needed
    batch_size  pictures drawn at once, and resolution: as in Renderer
    """

    def __init__(
        self,
        variants: Iterable[Variant],
        device: torch.device,
        batch_size: int | None = None,
        resolution: int | None = None,
    ):
        self.device, self.batch_size, self.resolution = device, batch_size, resolution
        self._models: dict[Hashable, dict[str, None]] = {}
        for variant in variants:
            names = self._models.setdefault(_networks_of(variant.preset), {})
            names.update(dict.fromkeys(used_models(variant.preset)))
        self._stages: OrderedDict[Hashable, tuple[Scene, Renderer]] = OrderedDict()

    def draw(
        self, variants: Sequence[Variant], progress: Callable[[int], None] | None = None
    ) -> tuple[list[Moment], list[np.ndarray]]:
        """Their moments and their frames, uint8 [H, W, 3], in the order given.

        Pictures of one blend are drawn in one batch, wherever they stand. progress: called with frames done.
        """
        moments = [self.scene(variant.preset).moment(variant.frame_index) for variant in variants]
        frames: list[np.ndarray | None] = [None] * len(variants)
        groups: dict[Hashable, list[int]] = {}
        for index, (variant, moment) in enumerate(zip(variants, moments, strict=True)):
            blends = tuple((picture.blend, picture.noise) for picture in moment.pictures)
            groups.setdefault((_networks_of(variant.preset), blends), []).append(index)
        by_stage: dict[Hashable, list[int]] = {}
        for (networks, _), indices in groups.items():
            by_stage.setdefault(networks, []).extend(indices)
        count = 0
        for indices in by_stage.values():
            drawn = self.renderer(variants[indices[0]].preset).frames(moments[index] for index in indices)
            for index, frame in zip(indices, drawn, strict=True):
                frames[index] = frame
                count += 1
                if progress:
                    progress(count)
        return moments, frames

    def renderer(self, preset: Preset) -> Renderer:
        """The renderer that draws the preset's moments."""
        return self._stage(preset)[1]

    def scene(self, preset: Preset) -> Scene:
        """The preset's scene, over the open networks."""
        return self._stage(preset)[0].with_preset(preset)

    def _stage(self, preset: Preset) -> tuple[Scene, Renderer]:
        """A scene and a renderer over all networks that variants like this one show."""
        networks = _networks_of(preset)
        if networks not in self._stages:
            casts = [open_cast(preset, name, self.device) for name in self._models[networks]]
            scene = Scene(preset, casts)
            self._stages[networks] = scene, Renderer(scene, self.batch_size, self.resolution)
            if len(self._stages) > MOST_STAGES:
                self._stages.popitem(last=False)
        self._stages.move_to_end(networks)
        return self._stages[networks]


def _networks_of(preset: Preset) -> Hashable:
    """Equal for presets whose networks are the same: their models, and noise maps if these are drawn anew."""
    models = tuple((name, *sorted(source.model_dump().items())) for name, source in preset.models.items())
    return repr(models), preset.base_dir, preset.noise.seed if preset.noise.mode == "random" else None
