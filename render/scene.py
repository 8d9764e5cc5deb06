"""A preset with its checkpoints open: the pure function from frame index to moment."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
import torch

from render.blending.blend import Blend, position_of_resolution, snapshots, swap_weights
from render.blending.blender import Blender
from render.blending.kinship import unrelated, warning_text
from render.checkpoints.library import resolve, resolve_series
from render.checkpoints.load import load
from render.errors import BlendreelError, BlendreelWarning, CheckpointError, RenderError
from render.latents import Walk, seed_latents
from render.networks import Generator
from render.preset import Preset
from render.preset.mistakes import shown
from render.timeline import Clock, ExpressionTrack, Track


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to draw.

    ws     float32 [num_ws, w_dim], truncated
    blend  how much of each open checkpoint every layer takes
    noise  "const" or "none"
    """

    ws: np.ndarray
    blend: Blend
    noise: str

    @cached_property
    def key(self) -> tuple:
        """Equal for pictures that look the same."""
        return self.ws.tobytes(), self.blend, self.noise


@dataclass(frozen=True, eq=False)
class Moment:
    """Everything one frame needs: a pure function of the preset and the frame's index.

    frame_index  at the clip's rate (or the rate that was asked for)
    seconds      the exact time it shows
    values       of every track at that time, as the preset's tracks number them
    pictures     of the panels, row by row
    """

    frame_index: int
    seconds: Fraction
    values: dict[str, float]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Cast:
    """One of the preset's models, open: a single checkpoint, or a series by rising kimg."""

    name: str
    kimgs: tuple[float, ...]
    generators: tuple[Generator, ...]

    def mix(self, kimg: float | None) -> np.ndarray:
        """Weights [K] of its checkpoints at `kimg`; None: the last one."""
        return snapshots(self.kimgs, self.kimgs[-1] if kimg is None else kimg)


class Scene:
    """A preset whose checkpoints are open on one device; `Scene.open` makes one.

    clock decides which time a frame index means; `at_fps` gives the same scene at another rate.
    """

    def __init__(
        self,
        preset: Preset,
        casts: Sequence[Cast],
        clock: Clock | None = None,
        blender: Blender | None = None,
    ):
        self.preset, self.casts, self.clock = preset, tuple(casts), clock or preset.clock
        self.names = [cast.name for cast in self.casts]
        self.blender = blender or Blender([model for cast in self.casts for model in cast.generators])
        self.tracks = tracks_on(self.model, preset)
        self.walk, seeds = walk_of(preset)
        self._z = seed_latents(seeds, self.model.z_dim)
        # Per scene, so that networks are not kept alive by a cache of the class.
        self._mapping_of = lru_cache(maxsize=8)(self._find_mapping)

    @classmethod
    def open(cls, preset: Preset, device: str | torch.device = "cpu") -> Scene:
        """Load every model the preset shows onto `device`.

        Raises CheckpointError or BlendError: a model is missing, damaged, or fits badly with the others.
        Warns (BlendreelWarning) of a blend of networks that have nothing to do with each other.
        """
        scene = cls(preset, [open_cast(preset, name, device) for name in used_models(preset)])
        strangers = unrelated({cast.name: cast.generators[-1] for cast in scene.casts if scene._mixes(cast)})
        if strangers:
            warnings.warn(f"models: {warning_text(strangers)}", BlendreelWarning, stacklevel=2)
        return scene

    @property
    def model(self) -> Generator:
        """Any of its models: they all have one structure."""
        return self.casts[0].generators[0]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of a rendered picture."""
        return self.model.picture_size

    def _mixes(self, cast: Cast) -> bool:
        """Whether the blend takes anything from this model, which may be there for a panel alone."""
        mix = self.preset.mix
        return cast.name in (*mix.names().values(), mix.mapping)

    def at_fps(self, fps: Fraction) -> Scene:
        """The same scene at another frame rate; networks are shared."""
        if fps == self.clock.fps:
            return self
        return Scene(self.preset, self.casts, self.clock.with_fps(fps), self.blender)

    def with_preset(self, preset: Preset) -> Scene:
        """Another preset over the networks that are open here, which must be all that it uses.

        Its moments can be drawn by a renderer of this scene, in one batch with those of this one.
        """
        return Scene(preset, self.casts, blender=self.blender)

    def moments(self, frame_indices: Iterable[int] | None = None) -> Iterator[Moment]:
        """The moments of these frames, or of all."""
        yield from map(self.moment, range(self.clock.frame_count) if frame_indices is None else frame_indices)

    def moment(self, frame_index: int) -> Moment:
        """What frame `frame_index` shows.

        Raises IndexError outside the clip; RenderError where a formula has no value at that frame, which can
        only be at a rate that the preset does not speak of.
        """
        seconds = self.clock.seconds(frame_index)
        values = {}
        for name, track in self.tracks.items():
            try:
                values[name] = track.value_at(seconds)
            except ValueError as error:
                raise RenderError(f"frame {frame_index}: {name}: {error}") from None
        noise = "none" if self.preset.noise.mode == "none" else "const"
        pictures = {
            word: Picture(self._ws(seconds, values, blend), blend, noise)
            for word, blend in self._blends(values).items()
        }
        panels = (panel.show for row in self.preset.panels.rows for panel in row)
        return Moment(frame_index, seconds, values, tuple(pictures[word] for word in panels))

    # --- blends ---------------------------------------------------------------------------------------------

    def _blends(self, values: dict[str, float]) -> dict[str, Blend]:
        """For every panel's word, how much of each open checkpoint its layers take.

        `low`, `blend` and `high` are one walk through the same latents under the same noise, so that only
        layers differ. A model's own name shows that model as it is, with its own mapping and noise.
        """
        kimgs = {self.preset.snapshot_model: values.get("blend.snapshot")}
        series = [cast.mix(kimgs.get(cast.name)) for cast in self.casts]
        blend = self._low_high(values)
        shown = {panel.show for row in self.preset.panels.rows for panel in row}
        roles = self.preset.mix.names()
        blends = {}
        for word in shown:
            named = blend
            if word != "blend":
                named = Blend.only(
                    self.names.index(roles.get(word, word)), len(self.names), blend.layer_count
                )
            if word in roles:
                named = replace(named, mapping=blend.mapping, noise=blend.noise)
            blends[word] = named.expand(series)
        return blends

    def _low_high(self, values: dict[str, float]) -> Blend:
        """The blend over the preset's models, [M, L]."""
        mix, count, layers = self.preset.mix, len(self.names), self.blender.layer_count
        if not mix.is_mix:
            return Blend.only(self.names.index(mix.model), count, layers)
        low, high = self.names.index(mix.low), self.names.index(mix.high)
        width, weight = values.get("blend.width"), values["blend.weight"]

        def table(of_high: np.ndarray) -> np.ndarray:
            weights = np.zeros([count, *np.shape(of_high)])
            weights[low] += 1 - of_high
            weights[high] += of_high
            return weights

        def rule(swap: float) -> np.ndarray:
            return table(swap_weights(layers, swap, width, weight, mix.convention))

        to_rgb = values.get("blend.to_rgb")
        return Blend(
            rule(values["blend.swap"]),
            to_rgb=None if to_rgb is None else rule(to_rgb),
            mapping=self._mapping_weights(table, weight),
            convention=mix.convention,
        )

    def _mapping_weights(self, table, weight: float) -> np.ndarray:
        """Weights [M] of the mapping network: a model's, or mixed as strongly as the blend is."""
        mix = self.preset.mix
        if mix.mapping == "blend":
            return table(np.float64(weight))
        chosen = np.zeros(len(self.names))
        chosen[self.names.index(mix.names().get(mix.mapping, mix.mapping))] = 1
        return chosen

    # --- latents --------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _ws(self, seconds: Fraction, values: dict[str, float], blend: Blend) -> np.ndarray:
        """The walk's place at that time, mapped and truncated: float32 [num_ws, w_dim]."""
        mapping, corners = self._mapping_of(MappingKey(blend))
        place = self._place(seconds, values)
        if self.preset.latents.walk_space == "w":
            w = torch.from_numpy(self.walk.point(corners, place))
        else:
            z = torch.from_numpy(self.walk.point(self._z, place))
            w = mapping.to_w(z.to(mapping.w_avg.device)[None])[0]
        ws = w.to(mapping.w_avg.device).expand(1, mapping.num_ws, -1)
        cutoff = values.get("truncation_cutoff")
        pulled = mapping.truncate(ws, values["truncation"], None if cutoff is None else round(cutoff))
        return pulled[0].cpu().numpy().copy()

    def _place(self, seconds: Fraction, values: dict[str, float]) -> Fraction | float:
        """How far along the walk: a time, or with a `latents.position` track the number of a seed."""
        position = values.get("latents.position")
        if position is None:
            return seconds
        return position % float(self.walk.seconds[-1]) if self.walk.loop else position

    @torch.no_grad()
    def _find_mapping(self, key: MappingKey):
        """The mapping network of a blend, and the walk's latents in w [K, w_dim]."""
        blend = key.blend  # of which no layer needs to be mixed for this
        bare = Blend.only(0, blend.model_count, blend.layer_count)
        bare = replace(bare, mapping=blend.mapping, convention=blend.convention)
        mapping = self.blender.apply(bare).mapping
        z = torch.from_numpy(self._z).to(mapping.w_avg.device)
        return mapping, mapping.to_w(z).cpu().numpy()


@dataclass(frozen=True)
class MappingKey:
    """A blend as far as its mapping network goes: equal where that is the same."""

    blend: Blend

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MappingKey) and np.array_equal(self.blend.mapping, other.blend.mapping)

    def __hash__(self) -> int:
        return hash(self.blend.mapping.tobytes())


def tracks_on(model: Generator, preset: Preset) -> dict[str, Track | ExpressionTrack]:
    """The preset's tracks; swaps given as resolutions are positions of this network's own layers.

    In StyleGAN3 many layers share a resolution, so only the network can say where one begins.
    """
    resolutions = [layer.resolution for layer in model.layers]

    def position_at(resolution: float) -> float:
        inside = min(max(resolution, 4), 2 * max(resolutions))
        return position_of_resolution(inside, resolutions)

    return preset.tracks(position_at)


def walk_of(preset: Preset) -> tuple[Walk, list[int]]:
    """The preset's walk, and the seeds of the latents it speaks of by number.

    Its stops lie at seconds; where a `latents.position` track says how far the walk is, at 0, 1, 2 …
    """
    waypoints = preset.waypoints()
    seeds = list(dict.fromkeys(point.seed for point in waypoints))
    times = [point.seconds for point in waypoints]
    if preset.latents.position is not None:
        times = [Fraction(number) for number in range(len(waypoints))]
    numbers = tuple(seeds.index(point.seed) for point in waypoints)
    return Walk(tuple(times), numbers, preset.latents.path, preset.clip.loop and len(waypoints) > 1), seeds


def used_models(preset: Preset) -> list[str]:
    """Names of the models that the blend, its mapping or a panel speaks of; the blend's first."""
    roles = preset.mix.names()
    words = [*roles, preset.mix.mapping, *(panel.show for row in preset.panels.rows for panel in row)]
    names = [roles.get(word, word) for word in words if word != "blend"]
    return [name for name in dict.fromkeys(names) if name in preset.models]


def open_cast(preset: Preset, name: str, device: str | torch.device) -> Cast:
    """Load one of the preset's models. Raises CheckpointError that begins with its place in the preset."""
    source = preset.models[name]
    try:
        if source.is_series:
            kimgs, paths = zip(*resolve_series(source.source, preset.base_dir), strict=True)
        else:
            kimgs, paths = (0.0,), (resolve(source.source, preset.base_dir, sha256=source.sha256),)
        generators = tuple(load(path, device=device) for path in paths)
    except BlendreelError as error:
        raise type(error)(f"models.{name}: {error}") from None
    except OSError as error:
        raise CheckpointError(
            f"models.{name}: {shown(source.source)} can't be read: {error.strerror or error}"
        ) from None
    if preset.noise.mode == "random":
        for generator in generators:
            draw_noise_maps(generator, preset.noise.seed)
    return Cast(name, kimgs, generators)


def draw_noise_maps(generator: Generator, seed: int) -> None:
    """Replace the network's noise maps by ones drawn from `seed`: the same for every model, still in time."""
    for name, buffer in generator.named_buffers():
        if generator.role(name).kind == "noise_map":
            source = torch.Generator().manual_seed(seed * 1009 + generator.role(name).position)
            buffer.copy_(torch.randn(buffer.shape, generator=source))
