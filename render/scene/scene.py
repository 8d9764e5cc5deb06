"""Scenes: a preset whose checkpoints are open, and the moments it shows."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
import torch

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_counts
from render.blending.kinship import unrelated, warning_text
from render.errors import BlendreelWarning, PresetError, RenderError
from render.networks import Generator
from render.networks.ops import to_uint8
from render.networks.stylegan3 import picture_transform
from render.preset import Preset
from render.preset.panel_checks import kimg_models
from render.preset.strange_layers import strange_layers
from render.preset.sums import unsummed
from render.timeline import Clock

from .captions import Captions
from .cast import Cast, blended_models, blender_of, open_cast, used_models
from .channels import taken_channels
from .journey import Journey
from .mixture import Mixture, tracks_on
from .moment import Moment, Picture
from .repeats import likeness, twins

# From so many frames on, it pays to compute once what they share of a layer that cross-fades: with 2, 3 and 4
# a frame takes 1.14, 0.96 and 0.86 times as long at 256 px, with 2 and 4 it takes 1.07 and 0.99 at 1024 px.
FRAMES_OF_A_LAYER = 3
PACE_SIDE = 128  # pixels of the pictures that an even pace is measured on


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
        journey: Journey | None = None,
    ):
        self.preset, self.casts, self.clock = preset, tuple(casts), clock or preset.clock
        self.models = [cast.name for cast in self.casts]
        self.blender = blender or blender_of(self.casts)
        self.tracks, self.names = tracks_on(self.model.layers, preset), preset.names()
        taken = taken_channels(preset, channel_counts(self.model)) if preset.channels else ()
        self.mixture = Mixture(preset, self.models, self.model.layers, taken)
        wrong = strange_layers(preset, self.model.layers) + unsummed(preset, self.model.layers)
        if wrong:
            raise PresetError("\n".join(wrong))
        self.panels = tuple(panel for row in preset.panels.rows for panel in row)
        self.captions = Captions(preset, self.tracks, self.model.layers)
        if preset.transform is not None and self.model.architecture != "stylegan3":
            raise PresetError("transform: only StyleGAN3 can move its picture; these networks are not of it")
        self.journey = journey or self._set_out()
        self._still: dict[int | None, bool] = {}  # by the seeds of panels

    @classmethod
    def open(cls, preset: Preset, device: str | torch.device = "cpu") -> Scene:
        """Load every model the preset shows onto `device`.

        Raises CheckpointError or BlendError: a model is missing, damaged, or fits badly with the others;
        LatentError or PresetError: latents do not fit the models.
        Warns (BlendreelWarning) of a blend of networks that have nothing to do with each other.
        """
        scene = cls(preset, [open_cast(preset, name, device) for name in used_models(preset)])
        mixed = blended_models(preset)  # a model may be there for a panel alone
        strangers = unrelated({cast.name: cast.generators[-1] for cast in scene.casts if cast.name in mixed})
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

    def at_fps(self, fps: Fraction) -> Scene:
        """The same scene at another frame rate; networks are shared."""
        if fps == self.clock.fps:
            return self
        return Scene(self.preset, self.casts, self.clock.with_fps(fps), self.blender, self.journey)

    def with_preset(self, preset: Preset) -> Scene:
        """Another preset over the networks that are open here, which must be all that it uses.

        Its moments can be drawn by a renderer of this scene, in one batch with those of this one.
        """
        return Scene(preset, self.casts, blender=self.blender)

    # --- moments --------------------------------------------------------------------------------------------

    def moments(self, frame_indices: Iterable[int] | None = None) -> Iterator[Moment]:
        """The moments of these frames, or of all, for rendering: with `recall`."""
        for index in range(self.clock.frame_count) if frame_indices is None else frame_indices:
            yield self.moment(index, recall=True)

    def moment(self, frame_index: int, recall: bool = False) -> Moment:
        """What frame `frame_index` shows.

        recall  look through the clip for frames that look the same, once, and show the first one's pictures

        Raises IndexError outside the clip; RenderError where a formula has no value at that frame, or a mix
        does not sum to 1, which can only be at a rate that the preset does not speak of.
        """
        seconds = self.clock.seconds(frame_index)
        values, names = self._values(seconds, f"frame {frame_index}"), self._names(seconds)
        first = self.twins.get(frame_index) if recall else None
        if first is None or first == frame_index:
            pictures = self._pictures(frame_index, seconds, values, names)
        else:
            past = self.clock.seconds(first)
            pictures = self._pictures(first, past, self._values(past, f"frame {first}"), self._names(past))
        captions = self.captions.at(seconds, values, names)
        return Moment(frame_index, seconds, values, pictures, names, captions, recurs=first is not None)

    @cached_property
    def twins(self) -> dict[int, int]:
        """For every frame that looks like another one, the first of its kind."""

        def likeness_at(index: int) -> Hashable:
            seconds = self.clock.seconds(index)
            return likeness(self.journey, seconds, self._values(seconds, ""), self._names(seconds))

        return twins(self.clock.frame_count, likeness_at)

    def _pictures(
        self,
        frame_index: int,
        seconds: Fraction,
        values: dict[str, float],
        names: dict[str, dict[str, float]],
    ) -> tuple[Picture, ...]:
        """The pictures of all panels."""
        noise = "none" if self.preset.noise.mode == "none" else "const"
        transform = self._transform(values)
        try:
            blends = self.blends(values, names)
        except RenderError as error:
            raise RenderError(f"frame {frame_index}: {error}") from None
        known: dict[Hashable, np.ndarray] = {}
        pictures = {}
        for show, seed in dict.fromkeys((panel.show, panel.seed) for panel in self.panels):
            journey = self.journey if seed is None else self.journey.at_seed(seed)
            key = seed, blends[show].mapping.tobytes()  # all that ws take of a blend
            if key not in known:
                known[key] = journey.ws(seconds, values, names, blends[show])
            if seed not in self._still:
                self._still[seed] = journey.is_still(self.tracks, self.names)
            fades = self._still[seed] and self._lingers(seconds)
            pictures[show, seed] = Picture(known[key], blends[show], noise, transform, fades)
        return tuple(pictures[panel.show, panel.seed] for panel in self.panels)

    def _lingers(self, seconds: Fraction) -> bool:
        """Whether the swap stays in one layer for some frames of the preset's own rate."""
        track, clock = self.tracks.get("blend.swap"), self.preset.clock
        if track is None or track.is_constant:
            return True
        start, end = max(Fraction(0), seconds - 1 / clock.fps), min(clock.duration, seconds + 1 / clock.fps)
        try:
            layers = abs(track.value_at(end) - track.value_at(start))
        except ValueError:  # there a formula has no value
            return False
        return FRAMES_OF_A_LAYER * layers <= (end - start) * clock.fps

    def _names(self, seconds: Fraction) -> dict[str, dict[str, float]]:
        return {name: track.weights_at(seconds) for name, track in self.names.items()}

    def _values(self, seconds: Fraction, where: str) -> dict[str, float]:
        values = {}
        for name, track in self.tracks.items():
            try:
                values[name] = track.value_at(seconds)
            except ValueError as error:
                raise RenderError(f"{where}: {name}: {error}") from None
        return values

    def blends(self, values: dict[str, float], names: dict[str, dict[str, float]]) -> dict[str, Blend]:
        """For what every panel shows, how much of each open checkpoint its layers take."""
        blends = self.mixture.blends(values, names)
        found = {}
        for panel in self.panels:
            if panel.show not in found:
                kimgs = {name: values[track] for name, track in self.preset.snapshot_tracks().items()}
                if panel.kimg is not None:
                    kimgs |= dict.fromkeys(kimg_models(self.preset, panel), panel.kimg)
                series = [cast.mix(kimgs.get(cast.name)) for cast in self.casts]
                found[panel.show] = blends[panel.word].expand(series)
        return found

    def _transform(self, values: dict[str, float]) -> np.ndarray | None:
        """How StyleGAN3's picture is moved, [3, 3]."""
        if self.preset.transform is None:
            return None
        x, y, turn = (values.get(f"transform.{name}", 0.0) for name in ("x", "y", "rotate"))
        return picture_transform((x, y), turn, values.get("transform.zoom", 1.0)).numpy()

    # --- latents --------------------------------------------------------------------------------------------

    def _set_out(self) -> Journey:
        """The journey through latents; an even pace is that of the first frame's `low`."""
        seconds = Fraction(0)
        values = self._values(seconds, "frame 0")
        names = {name: track.weights_at(seconds) for name, track in self.names.items()}
        base = self.casts[self.models.index(self.mixture.leading(names))].generators[-1]
        mapping = partial(_mapping_of, self.blender)  # nothing of this scene, or both would keep each other
        journey = Journey(self.preset, self.clock, self.model, mapping, base)
        if self.preset.latents.pace == "even":
            blend = self.mixture.blend(values, names)
            series = [cast.mix(None) for cast in self.casts]
            journey.find_pace(values, names, blend.expand(series), lambda ws: small_pictures(base, ws))
        return journey


def _mapping_of(blender: Blender, blend: Blend) -> torch.nn.Module:
    """The mapping network of a blend, of which no layer needs to be mixed."""
    bare = Blend.only(0, blend.model_count, blend.layer_count)
    parts = {name: getattr(blend, name) for name in ("mapping", "convention", "interpolation")}
    return blender.apply(replace(bare, **parts)).mapping


@torch.inference_mode()
def small_pictures(generator: Generator, ws: np.ndarray) -> np.ndarray:
    """uint8 [N, h, w, C], at most 128 pixels wide, of ws [N, num_ws, w_dim]."""
    rows = torch.from_numpy(ws).to(generator.mapping.w_avg.device)
    side = min(PACE_SIDE, generator.resolution)
    return to_uint8(generator.synthesis(rows, resolution=side)).cpu().numpy()
