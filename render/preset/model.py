"""The preset as frozen, validated data: the same classes are built from YAML and from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, ValidationError

from render.errors import PresetError
from render.timeline import Clock, ExpressionTrack, NameTrack, Timeline, Track

from .advice import warnings_of
from .animated import Animated, AnimatedCutoff, constant
from .aside import is_hidden, without_mistakes
from .blend import Blend
from .channels import Channels
from .checks import cross_mistakes
from .clip import Clip
from .folder import current_folder, reading_in
from .latents import Latents
from .layer_maps import LayeredTruncation, LayerMap
from .misplaced import EXTENDS, means_extends, meant_by
from .mistakes import Mistake, Place, carried, mistakes_of, shown
from .models import ModelSource
from .motion import layer_maps_of, spots_of, timeline_of, tracks_of
from .names import NameKeys
from .noise import Noise
from .outputs import Output, read_output, read_outputs
from .panels import PANEL_WORDS, Panels
from .part import Part
from .quantities import TRUNCATION
from .transform import Transform
from .truncation import Clusters
from .values import choice, leaf
from .variables import Variables
from .walk import Waypoint

if TYPE_CHECKING:
    from .files import Origin, Reading
    from .overrides import Overrides
    from .source import Source

_ROUNDS = 4  # how often what is wrong is set aside to look for mistakes behind it


def _read_version(value: Any) -> int:
    if value != 1 or isinstance(value, bool):
        raise ValueError(f"this program reads presets of version 1, not {shown(value)}")
    return 1


def _read_models(value: Any) -> dict[str, ModelSource]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(
            f"models are names with their sources, such as {{portrait: sample:portrait}}, not {shown(value)}"
        )
    models: dict[str, ModelSource] = {}
    mistakes: list[Mistake] = []
    for name, source in value.items():
        if not isinstance(name, str) or not name.strip() or name in PANEL_WORDS:
            why = "means a place in the blend" if name in PANEL_WORDS else "is no name"
            mistakes.append(
                Mistake((name,), f"{shown(name)} {why}; call the model something else", at_key=True)
            )
            continue
        try:
            models[name] = ModelSource.model_validate(source)
        except ValidationError as error:
            mistakes += [mistake.within(name) for mistake in mistakes_of(error)]
    if mistakes:
        raise carried(mistakes)
    return models


class Preset(Part):
    """Everything one clip needs, checked as a whole.

    Raises:
        PresetError: lists every mistake, one per line.
    """

    example: ClassVar[str] = "{models: …, clip: …, blend: …}"

    version: Annotated[int, *leaf(_read_version, {"const": 1})] = Field(
        default=1, description="The version of the preset format: 1."
    )
    vars: Variables | None = Field(
        default=None, description="Numbers with names, such as {peak: 0.8}, that formulas read: =peak."
    )
    models: Annotated[dict[str, ModelSource], *leaf(_read_models, {"$ref": "#/definitions/models"})] = Field(
        description="Names for the models, with where each comes from."
    )
    clip: Clip = Field(description="Length, frame rate and tempo, such as {duration: 8s, fps: 30}.")
    latents: Latents = Field(default=Latents(), description="The walk through latent space.")
    truncation: LayeredTruncation = Field(
        default=constant(0.7, TRUNCATION),
        description="How far from the average: 0 there, 1 as they are; or a map over layers.",
    )
    truncation_cutoff: AnimatedCutoff | None = Field(
        default=None,
        description="How many rows of ws truncation reaches, from the coarsest; default: all; animatable.",
    )
    truncation_clusters: Clusters | None = Field(
        default=None,
        description="Pull each latent to the nearest of so many centres rather than to the one average.",
    )
    transform: Transform | None = Field(
        default=None, description="How the picture is moved, turned and enlarged; StyleGAN3 only."
    )
    noise: Noise = Field(default=Noise(), description="The noise added inside the network.")
    blend: Blend | None = Field(
        default=None, description="Which model gives which layers; with one model it may be left out."
    )
    channels: Channels | None = Field(
        default=None,
        description="Single channels taken from a model, such as {eyes: {from: ukiyoe}}, over the blend.",
    )
    panels: Panels = Field(default=Panels(), description="The pictures side by side in a frame.")
    precision: Annotated[str, *choice("exact", "fast", "auto")] = Field(
        default="auto",
        description="How pictures are computed: exact (float32), fast (a short format), or auto.",
    )
    outputs: Annotated[tuple[Output, ...], *leaf(read_outputs, {"$ref": "#/definitions/outputs"})] = Field(
        default=(), description="The files to write: names, or mappings with settings."
    )

    _base_dir: Path = PrivateAttr(default_factory=current_folder)
    _origin: Origin | None = PrivateAttr(default=None)
    _source: Source | None = PrivateAttr(default=None)  # of a preset as it was read; a changed one has none

    # --- reading and writing --------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path, overrides: Overrides = ()) -> Self:
        """The preset in a YAML file, or a shipped one by its name (`hello`); see `render.preset.files`.

        path       relative sources in it start from its folder
        overrides  values set over it by their places, {"blend.swap": 32, "outputs[0].fps": 12}, or texts such
                   as "blend.swap=32"; None (in a text null) takes out what is there

        Raises:
            PresetError: the file cannot be read, or every mistake in it, located.
        """
        from .files import read_preset  # YAML is imported where files are read and written, and not before
        from .shipped import find_preset

        return cls._from_reading(read_preset(find_preset(path), overrides))

    @classmethod
    def from_yaml(
        cls,
        text: str,
        name: str = "preset",
        base_dir: str | Path | None = None,
        overrides: Overrides = (),
    ) -> Self:
        """The preset in a YAML text; `name` stands for the file in messages; for `overrides` see `load`.

        Raises:
            PresetError: every mistake in the text, located.
        """
        from .files import read_preset_text

        return cls._from_reading(read_preset_text(text, name, Path(base_dir or Path.cwd()), overrides))

    @classmethod
    def _from_reading(cls, reading: Reading) -> Self:
        mistakes: list[Mistake] = []
        try:
            with reading_in(reading.folder):
                preset = cls.model_validate(reading.source.data)
        except ValidationError as error:
            mistakes = mistakes_of(error)
        if mistakes or reading.source.mistakes:
            raise PresetError(reading.source.located(mistakes))
        preset._base_dir = reading.folder
        preset._origin, preset._source = reading.origin_of(preset), reading.source
        return preset

    def to_yaml(self) -> str:
        """A YAML text that loads back as an equal preset, from the same folder.

        A preset that was loaded keeps the text of its file, with all comments, wherever nothing was changed.
        What the file extends, and what was set over it, is written into the text.
        """
        from .files import preset_text

        return preset_text(self, self._origin)

    def save(self, path: str | Path) -> Path:
        """Write the preset to a file, as `to_yaml` does; relative files in it are named from its new folder.

        Raises:
            PresetError: the file cannot be written.
        """
        from .files import save_preset

        return save_preset(self, self._origin, Path(path))

    def pointed(self, message: str) -> str:
        """A message of lines `latents.files[0]: …` with their places in the text that the preset is from.

        Lines about what is not written there stay as they are; all of them, where it is from no text.
        """
        return message if self._source is None else self._source.pointed(message)

    def replace(self, **changes: Any) -> Self:
        with reading_in(self._base_dir):
            changed = super().replace(**changes)
        changed._base_dir, changed._origin = self._base_dir, self._origin
        return changed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Preset):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Preset.model_fields)

    __hash__ = None  # equal presets may have been loaded from different folders

    # --- what it means --------------------------------------------------------------------------------------

    @property
    def base_dir(self) -> Path:
        """The folder that relative sources start from."""
        return self._base_dir

    @property
    def clock(self) -> Clock:
        """The clip's clock, which knows the clip's sound."""
        sound = self.clip.audio
        if sound is None:
            return self.clip.clock
        from render.sound import SoundLevels

        clock = self.clip.clock
        levels = SoundLevels(sound.resolved(self._base_dir), self.clip.audio_start, clock.duration)
        return dataclasses.replace(clock, levels=levels)

    @property
    def mix(self) -> Blend:
        """The blend, also where it was left out because there is one model."""
        return self.blend or Blend(model=next(iter(self.models)))

    def source_of(self, name: str) -> str:
        """Where the model comes from: an absolute path, `sample:NAME` or a URL."""
        return self.models[name].resolved(self._base_dir)

    @property
    def snapshot_model(self) -> str | None:
        """The model that one `blend.snapshot` moves: high if it is a series, else low; of many, the first
        series in the mix, or that has something added; None without a series."""
        names = [name for role in reversed(self.mix.all_names().values()) for name in role]
        return next((name for name in names if self.models[name].is_series), None)

    def snapshot_tracks(self) -> dict[str, str]:
        """Which track says the kimg of which model, `{"ukiyoe": "blend.snapshot"}` or, where each has its
        own, `{"toon": "blend.snapshot.toon"}`. All other series show their last snapshot."""
        snapshot = self.mix.snapshot
        if isinstance(snapshot, Mapping):
            return {name: f"blend.snapshot.{name}" for name in snapshot}
        name = self.snapshot_model
        return {} if snapshot is None or name is None else {name: "blend.snapshot"}

    def animated(self) -> dict[str, Animated]:
        """Every animated number as written, by the names of `tracks`."""
        return {spot.name: spot.value for spot in spots_of(self)}

    def tracks(
        self, position_at: Callable[[float], float] | None = None
    ) -> dict[str, Track | ExpressionTrack]:
        """Every animated number over time, by name; those of the blend only where they have a meaning.

        `truncation`, `blend.swap` (positions), `blend.weight`, and where given `truncation_cutoff` (rows),
        `latents.position` (stops), `latents.mixing.weight`, `latents.directions[0].strength`, `transform.x`,
        `blend.width`, `blend.snapshot` (kimg), `blend.to_rgb` (positions), `channels.NAME.weight` and
        `vars.NAME`. Of numbers that models have, each has a track: `blend.mix.toon`, `blend.add.toon`,
        `blend.snapshot.toon`. Of a number that differs from layer to layer each cell has one,
        `blend.weight{16-32}`: see `layer_maps`.

        position_at: where a bare resolution lies in the network at hand, for swaps; default: StyleGAN1 and 2.
        """
        return tracks_of(spots_of(self), self.clock, position_at)

    def timeline(self, position_at: Callable[[float], float] | None = None) -> Timeline:
        """All animated numbers together, each computed once a moment.

        Variables go by their bare names, as formulas read them. position_at: as for `tracks`.
        """
        return timeline_of(spots_of(self), self.clock, position_at)

    def layer_maps(self) -> dict[str, LayerMap]:
        """Of `truncation`, `blend.weight`, `blend.mix.NAME`, `blend.add.NAME` and (there) `blend.to_rgb.NAME`
        those that differ from layer to layer: whose track is where."""
        return layer_maps_of(self)

    def name_places(self) -> dict[Place, NameKeys]:
        """The names that may change over time, by their places."""
        places: dict[Place, NameKeys] = {("blend", role): keys for role, keys in self.mix.name_keys().items()}
        if self.latents.labels is not None:
            places["latents", "labels"] = self.latents.labels
        return places

    def written_name_places(self) -> dict[Place, NameKeys]:
        """Of `name_places` those that are written: a mapping may follow the base without a word."""
        implied = {("blend", role) for role in self.mix.name_keys()} - {
            ("blend", role) for role in self.mix.written_names()
        }
        return {place: keys for place, keys in self.name_places().items() if place not in implied}

    def names(self) -> dict[str, NameTrack]:
        """The names over time: `blend.low` and `blend.high`, `blend.base` or `blend.model`; `blend.mapping`
        where models are mixed; and where given `blend.noise`, and `latents.labels` with classes as text. The
        models of a mix, and those added, don't change: `Blend.all_names` tells them."""
        return {".".join(place): keys.track(self.clock) for place, keys in self.name_places().items()}

    def waypoints(self) -> tuple[Waypoint, ...]:
        """The seeds of the walk with their moments; see `Latents.waypoints`."""
        return self.latents.waypoints(self.clock)

    def located(self, mistakes: Iterable[Mistake]) -> str:
        """Mistakes that only files tell, as text: with line and caret, if the preset was read from one."""
        if self._source is None:
            return "\n".join(map(str, mistakes))
        return self._source.located(mistakes)

    def warnings(self) -> list[str]:
        """What may not be meant, one readable line each."""
        return warnings_of(self)

    # --- checking -------------------------------------------------------------------------------------------

    @classmethod
    def _attempt(
        cls, data: Mapping, handler: ModelWrapValidatorHandler[Self]
    ) -> tuple[Self | None, list[Mistake]]:
        """Validate; where fields are wrong, check the others against each other all the same."""
        for key in data:
            if means_extends(key, cls.model_fields):  # what else is missing may stand in the preset it names
                text = f"unknown key; did you mean {EXTENDS!r}?"
                return None, [Mistake((key,), text, at_key=True)]
        preset, mistakes = super()._attempt(data, handler)
        found, hidden = list(mistakes), frozenset()
        for _ in range(_ROUNDS):
            if preset is not None or not mistakes:
                break
            rest, hides = without_mistakes(data, mistakes)
            if rest is None:
                break
            data, hidden = rest, hidden | hides
            partial, mistakes = super()._attempt(data, handler)
            found += [mistake for mistake in mistakes if not is_hidden(mistake, hidden)]
            if partial is not None:
                break
        return preset, found

    @classmethod
    def _in_words(cls, entry: Mapping, place: Place) -> Mistake:
        if entry["type"] == "extra_forbidden" and len(place) == 1 and entry["input"] is not None:
            return Mistake(place, f"unknown key{meant_by(str(place[0]), cls.model_fields)}", at_key=True)
        return super()._in_words(entry, place)

    def conflicts(self) -> list[Mistake]:
        return cross_mistakes(self)


def load_output(value: Any) -> Output:
    """An output as a preset would write it, for a file named elsewhere.

    Raises:
        PresetError: the extension is unknown, or a setting is wrong.
    """
    try:
        return read_output(value)
    except ValidationError as error:
        raise PresetError("\n".join(str(mistake) for mistake in mistakes_of(error))) from None
    except ValueError as error:
        raise PresetError(str(error)) from None
