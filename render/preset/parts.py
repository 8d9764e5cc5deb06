"""The sections of a preset: models, clip, latents, noise and blend."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from render.timeline import Clock, Time, nearest

from .animated import (
    SWAP,
    WEIGHT,
    AnimatedKimg,
    AnimatedPlace,
    AnimatedSwap,
    AnimatedWeight,
    AnimatedWidth,
    constant,
)
from .mistakes import Mistake, Place, gather, shown
from .part import Part
from .values import Checksum, Flag, FrameRate, Tempo, Text, TimeValue, choice, leaf, whole

SOURCE_KINDS = ("sample:", "catalogue:", "https:", "http:", "hf:")
_MAX_SEEDS = 10_000  # also of stops of a walk
_MAX_SECONDS = 24 * 3600


# --- models -------------------------------------------------------------------------------------------------


class ModelSource(Part):
    """Where a model comes from: one checkpoint (`file`), or all snapshots of a training run (`snapshots`)."""

    section: ClassVar[Place] = ("models",)
    shorthand: ClassVar[str | None] = "file"
    example: ClassVar[str] = "sample:portrait or {snapshots: runs/ukiyoe}"

    file: Text | None = Field(
        default=None,
        description="A path, sample:NAME, catalogue:NAME, an https URL or hf://owner/repo/file.",
    )
    snapshots: Text | None = Field(
        default=None, description="A folder or sample:NAME that holds the snapshots of one training run."
    )
    sha256: Checksum | None = Field(
        default=None, description="The sha256 of the file, 64 hex digits; another file is refused."
    )

    def conflicts(self) -> list[Mistake]:
        given = [name for name in ("file", "snapshots") if getattr(self, name) is not None]
        if len(given) != 1:
            return [Mistake((), f"give file or snapshots{', not both' if given else ''}")]
        place = () if given == ["file"] and self.sha256 is None else (given[0],)
        kind = re.match(r"[A-Za-z][\w+.-]+:(?!\\)", self.source)
        if kind and kind[0] not in SOURCE_KINDS:
            near = nearest(kind[0], SOURCE_KINDS)
            hint = f"did you mean {near}?" if near else f"known: {', '.join(SOURCE_KINDS)}, or a path"
            return [Mistake(place, f"unknown kind of source {kind[0]!r}; {hint}")]
        if self.is_series and self.sha256 is not None:
            return [Mistake(("sha256",), "is that of one file; a series of snapshots has many", at_key=True)]
        return []

    @property
    def source(self) -> str:
        """The source as written."""
        return self.file or self.snapshots or ""

    @property
    def is_series(self) -> bool:
        """Whether it is a series of snapshots."""
        return self.snapshots is not None

    def resolved(self, base_dir: Path) -> str:
        """The source with a relative path turned into one from `base_dir`; names and URLs stay."""
        if self.source.startswith(SOURCE_KINDS):
            return self.source
        return str(base_dir / Path(self.source).expanduser())


# --- clip ---------------------------------------------------------------------------------------------------


class Clip(Part):
    """Length, rate and tempo of the clip."""

    section: ClassVar[Place] = ("clip",)
    example: ClassVar[str] = "{duration: 8s, fps: 30}"

    duration: TimeValue = Field(description="How long the clip lasts, such as 8s, 240f or 16b.")
    fps: FrameRate = Field(
        default=Fraction(30), description="Frames a second; a ratio such as 24000/1001 is exact."
    )
    bpm: Tempo | None = Field(default=None, description="Beats a minute, which give the unit b its meaning.")
    offset: TimeValue = Field(default=Time(), description="When beat 0 falls, such as 0.25s.")
    loop: Flag = Field(default=False, description="Whether the end runs into the start, and the walk closes.")

    def conflicts(self) -> list[Mistake]:
        mistakes = [
            Mistake((name,), f"{time} depends on the clip itself; write seconds, frames{more}")
            for name, time, known, more in (
                ("duration", self.duration, {"s", "f", "b"}, " or beats"),
                ("offset", self.offset, {"s", "f"}, ""),
            )
            if time.units - known
        ]
        if mistakes:
            return mistakes
        try:
            seconds = self._seconds(self.duration)
        except ValueError as error:
            return [Mistake(("duration",), f"{self.duration}: {error}")]
        if not 0 < seconds <= _MAX_SECONDS:
            return [
                Mistake(("duration",), f"a clip lasts more than 0 s and at most a day, not {self.duration}")
            ]
        return []

    @property
    def clock(self) -> Clock:
        """The clock of this clip."""
        return Clock(
            duration=self._seconds(self.duration),
            fps=self.fps,
            loop=self.loop,
            bpm=self.bpm,
            offset=self._seconds(self.offset),
        )

    def _seconds(self, time: Time) -> Fraction:
        return Clock(Fraction(1), self.fps, bpm=self.bpm).length(time)


# --- latents ------------------------------------------------------------------------------------------------


class Waypoint(NamedTuple):
    """A seed that the walk passes at a moment of the clip."""

    seconds: Fraction
    seed: int


def read_seeds(value: Any) -> tuple[int, ...]:
    """Seeds from a list, or from text such as `0-5,9`; items of a list may be ranges too.

    Raises:
        ValueError: something is no seed (0 to 2³² − 1), or there are none or far too many.
    """
    items = value if isinstance(value, list | tuple) else [value]
    seeds = [
        seed
        for part in gather((_place(value, i, item) for i, item in enumerate(items)), _seeds)
        for seed in part
    ]
    if not 0 < len(seeds) <= _MAX_SEEDS:
        raise ValueError(f"a walk needs 1 to {_MAX_SEEDS} seeds, not {len(seeds)}")
    return tuple(seeds)


def _place(value: Any, index: int, item: Any) -> tuple[Place, Any]:
    return ((index,) if isinstance(value, list | tuple) else ()), item


def _seeds(item: Any) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool):
        return [_seed(item)]
    seeds: list[int] = []
    for part in item.split(",") if isinstance(item, str) else [""]:
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
        if match is None:
            raise ValueError(
                f"seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not {shown(item)}"
            )
        first, last = _seed(int(match[1])), _seed(int(match[2] or match[1]))
        if abs(last - first) >= _MAX_SEEDS:
            raise ValueError(f"{part.strip()} is more than {_MAX_SEEDS} seeds")
        seeds += range(first, last + 1) if last >= first else range(first, last - 1, -1)
    return seeds


def _seed(number: int) -> int:
    if not 0 <= number < 2**32:
        raise ValueError(f"a seed lies from 0 to 4294967295, not {number}")
    return number


class Latents(Part):
    """The walk through latent space: which seeds, how far apart, along which path."""

    section: ClassVar[Place] = ("latents",)
    shorthand: ClassVar[str | None] = "seeds"
    example: ClassVar[str] = "{seeds: [3, 14, 15], every: 2s}"

    seeds: Annotated[tuple[int, ...], *leaf(read_seeds, {"$ref": "#/definitions/seeds"})] = Field(
        default=(0,), description="The seeds the walk passes: a list, or text such as 0-5,9."
    )
    seed: Annotated[int, *whole(0, 2**32 - 1)] | None = Field(
        default=None, description="A single seed: the latent stands still."
    )
    every: TimeValue | None = Field(
        default=None, description="Time from one seed to the next; default: evenly over the clip."
    )
    position: AnimatedPlace | None = Field(
        default=None,
        description="How far the walk is, in seeds: 0 the first, 1.5 half-way from the second to the third.",
    )
    path: Annotated[str, *choice("linear", "spline", "slerp")] = Field(
        default="spline", description="Straight lines, a smooth curve, or arcs on the sphere of z."
    )
    space: Annotated[str, *choice("z", "w")] | None = Field(
        default=None, description="Where the path lies; default: w, and z for slerp."
    )

    def conflicts(self) -> list[Mistake]:
        mistakes = []
        if self.seed is not None and "seeds" in self.model_fields_set:
            mistakes.append(Mistake(("seed",), "give either seed or seeds, not both", at_key=True))
        if self.position is not None and self.every is not None:
            text = "give either every, for an even walk, or position, which says how far it is"
            mistakes.append(Mistake(("position",), text, at_key=True))
        if self.path == "slerp" and self.space == "w":
            mistakes.append(
                Mistake(("space",), "slerp follows the sphere of z; use space: z, or path: spline")
            )
        return mistakes

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds in the order the walk passes them; one for a still latent."""
        return self.seeds if self.seed is None else (self.seed,)

    def round_seeds(self, loop: bool) -> tuple[int, ...]:
        """The seeds of one round: a loop comes back by itself, so a first seed that is repeated at the end
        of the list is left out."""
        seeds = self.all_seeds
        return seeds[:-1] if loop and len(seeds) > 1 and seeds[0] == seeds[-1] else seeds

    @property
    def walk_space(self) -> str:
        """`z` or `w`: the space the path lies in, with the default filled in."""
        return self.space or ("z" if self.path == "slerp" else "w")

    def waypoints(self, clock: Clock) -> tuple[Waypoint, ...]:
        """The seeds with their moments, in order of time; the first one lies at 0.

        In a looping clip the last waypoint is the first seed again, at the duration: `every` is fitted so
        that a whole number of equal segments fills the clip. Otherwise the walk rests at its last seed.

        Raises:
            ValueError: `every` is not above 0, far too short for a loop, or has no meaning on this clock.
        """
        seeds = self.round_seeds(clock.loop)
        if len(seeds) == 1:
            return (Waypoint(Fraction(0), seeds[0]),)
        segments = len(seeds) if clock.loop else len(seeds) - 1
        step = clock.duration / segments if self.every is None else clock.length(self.every)
        if step <= 0:
            raise ValueError(f"the time from seed to seed is above 0, not {self.every}")
        if clock.loop:
            segments = max(1, round(clock.duration / step))
            if segments > _MAX_SEEDS:
                raise ValueError(f"{self.every} is too short: a walk has at most {_MAX_SEEDS} steps")
            step = clock.duration / segments
        points = [Waypoint(index * step, seeds[index % len(seeds)]) for index in range(segments)]
        return (*points, Waypoint(segments * step, seeds[0] if clock.loop else seeds[-1]))


# --- noise --------------------------------------------------------------------------------------------------


class Noise(Part):
    """The noise added inside the network; it never flickers from frame to frame."""

    section: ClassVar[Place] = ("noise",)
    shorthand: ClassVar[str | None] = "mode"
    example: ClassVar[str] = "{mode: random, seed: 7}"

    mode: Annotated[str, *choice("const", "none", "random")] = Field(
        default="const", description="const: the network's own; none; random: fixed noise from a seed."
    )
    seed: Annotated[int, *whole(0, 2**32 - 1)] = Field(default=0, description="The seed of random noise.")


# --- blend --------------------------------------------------------------------------------------------------

MODEL_WORDS = ("low", "high", "blend")


class Blend(Part):
    """Which model gives which layers, how strongly, and from which snapshot."""

    section: ClassVar[Place] = ("blend",)
    shorthand: ClassVar[str | None] = "model"
    example: ClassVar[str] = "{low: portrait, high: ukiyoe, swap: 32}"

    low: Text | None = Field(default=None, description="The model of the coarse layers: pose and shape.")
    high: Text | None = Field(default=None, description="The model of the fine layers: texture.")
    model: Text | None = Field(default=None, description="A single model, shown without blending.")
    swap: AnimatedSwap = Field(
        default=constant(32, SWAP),
        description="The resolution or layer from which high takes over; animatable.",
    )
    width: AnimatedWidth | None = Field(
        default=None,
        description="Softness of the swap in layers; default: the swap moves one layer at a time.",
    )
    weight: AnimatedWeight = Field(
        default=constant(1, WEIGHT), description="How much of high is used above the swap: 0 none, 1 all."
    )
    snapshot: AnimatedKimg | None = Field(
        default=None,
        description="The kimg in a series of snapshots, high's first; default: its last snapshot.",
    )
    convention: Annotated[str, *choice("position", "pinkney")] = Field(
        default="position", description="How the swap counts layers; pinkney matches the published script."
    )
    mapping: Text = Field(
        default="low", description="Whose mapping network: low, high, blend (a mix), or a model's name."
    )
    to_rgb: AnimatedSwap | None = Field(default=None, description="A swap of its own for the to-RGB layers.")

    def conflicts(self) -> list[Mistake]:
        if self.model is not None:
            return [
                Mistake(
                    (name,), "has no meaning with blend.model, which shows one model unmixed", at_key=True
                )
                for name in sorted(
                    self.model_fields_set - {"model", "snapshot"}, key=list(Blend.model_fields).index
                )
                if getattr(self, name) is not None
            ]
        mistakes = [
            Mistake((name,), f"missing. {Blend.model_fields[name].description}")
            for name in ("low", "high")
            if getattr(self, name) is None
        ]
        if self.convention == "pinkney" and self.to_rgb is not None:
            text = "convention: pinkney knows no swap for to-RGB layers; leave one of the two out"
            mistakes.append(Mistake(("to_rgb",), text, at_key=True))
        return mistakes

    @property
    def is_mix(self) -> bool:
        """Whether two models are mixed."""
        return self.model is None

    def names(self) -> dict[str, str]:
        """The role of each model used: `{"low": "portrait", "high": "ukiyoe"}`, or `{"model": …}`."""
        roles = ("low", "high") if self.is_mix else ("model",)
        return {role: getattr(self, role) for role in roles}
