"""A walk as data: which latents it passes, when, and along which path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from render.timeline import LINEAR, Clock, Easing, Time, parse_easing, parse_time

from .animated import AnimatedPlace
from .keys import order_mistakes, rejoined
from .latent_words import MAX_SEED, FileLatent, Latent, SeedLatent, read_file_latent, read_latent
from .mistakes import Mistake, Place, gather, shown
from .part import Part
from .seeds import MOST_STOPS, RandomSeeds, read_seeds
from .values import TimeValue, choice, leaf, number, whole

SOURCES = ("seeds", "seed", "random", "files", "keys")
PATHS = ("linear", "slerp", "spline", "hold", "circle", "noise-loop")
ROUND_PATHS = ("circle", "noise-loop")  # closed by themselves: measured in turns, not in stops
IN_Z = ("slerp", *ROUND_PATHS)


class Waypoint(NamedTuple):
    """A seed that the walk passes at a moment of the clip."""

    seconds: Fraction
    seed: int


class Stop(NamedTuple):
    """A latent that the walk passes at a moment; `easing` re-times the way from it to the next stop."""

    seconds: Fraction
    latent: Latent
    easing: Easing = LINEAR


class LatentKey(NamedTuple):
    """A latent at a time as written, and the easing of the way that leaves it."""

    time: Time
    latent: Latent
    easing: Easing = LINEAR

    def as_data(self) -> list[Any]:
        """As a preset file writes it."""
        easing = [self.easing.name] if self.easing != LINEAR else []
        return [str(self.time), self.latent.as_data(), *easing]


def read_files(value: Any) -> tuple[FileLatent, ...]:
    """A file of latents or a list of such. Raises ValueError, or a ValidationError with many mistakes."""
    if not isinstance(value, list | tuple):
        return (read_file_latent(value),)
    if not 0 < len(value) <= MOST_STOPS:
        raise ValueError(f"files are 1 to {MOST_STOPS}, not {len(value)}")
    return tuple(gather((((index,), item) for index, item in enumerate(value)), read_file_latent))


def read_latent_keys(value: Any) -> tuple[LatentKey, ...]:
    """Latents at times. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, list | tuple) or not any(isinstance(item, list | tuple) for item in value):
        raise ValueError("keys are a list of lists such as [[0s, seed 3], [4b, me.npz, ease-in-out]]")
    if len(value) > MOST_STOPS:
        raise ValueError(f"a walk has at most {MOST_STOPS} stops, not {len(value)}")
    return tuple(gather((((index,), item) for index, item in enumerate(value)), _read_key))


def _read_key(item: Any) -> LatentKey:
    if isinstance(item, LatentKey):
        return item
    if not isinstance(item, list | tuple) or len(item) < 2:
        raise ValueError(f"a key is [time, latent] or [time, latent, easing], not {shown(item)}")
    easing = rejoined(list(item[2:]))
    if len(easing) > 1:
        raise ValueError(f"a key is [time, latent, easing]; this one has {len(item)} parts")
    readers = zip((parse_time, read_latent, _read_easing), (*item[:2], *easing), strict=False)
    parts = (((index,), pair) for index, pair in enumerate(readers))
    return LatentKey(*gather(parts, lambda pair: pair[0](pair[1])))


def _read_easing(value: Any) -> Easing:
    if not isinstance(value, str):
        raise ValueError(f"an easing is a name such as ease-in-out, not {shown(value)}")
    return parse_easing(value)


class Walk(Part):
    """Which latents are passed, how far apart, along which path."""

    section: ClassVar[Place] = ("latents",)
    shorthand: ClassVar[str | None] = "seeds"
    example: ClassVar[str] = "{seeds: [3, 14, 15], every: 2s}"

    seeds: Annotated[tuple[int, ...], *leaf(read_seeds, {"$ref": "#/definitions/seeds"})] = Field(
        default=(0,), description="The seeds the walk passes: a list, or text such as 0-5,9."
    )
    seed: Annotated[int, *whole(0, MAX_SEED)] | None = Field(
        default=None, description="A single seed: the latent stands still, or a noise-loop is drawn from it."
    )
    random: RandomSeeds | None = Field(
        default=None, description="So many seeds drawn from one, such as {count: 8, seed: 1}."
    )
    files: (
        Annotated[tuple[FileLatent, ...], *leaf(read_files, {"$ref": "#/definitions/latent_files"})] | None
    ) = Field(default=None, description="Files of latents (.npy, .npz, .pt); the walk passes all their rows.")
    keys: (
        Annotated[tuple[LatentKey, ...], *leaf(read_latent_keys, {"$ref": "#/definitions/latent_keys"})]
        | None
    ) = Field(
        default=None,
        description="Latents at times, such as [[0s, seed 3], [4b, me.npz, ease-in-out], [end, 3]].",
    )
    every: TimeValue | None = Field(
        default=None, description="Time from one stop to the next, or of one turn; default: the clip, evenly."
    )
    position: AnimatedPlace | None = Field(
        default=None,
        description="How far the walk is, in stops: 0 the first, 1.5 half-way from the second to the third.",
    )
    path: Annotated[str, *choice(*PATHS)] = Field(
        default="spline",
        description="linear, spline (smooth), slerp (arcs in z), hold (cuts), circle or noise-loop (closed).",
    )
    diameter: Annotated[float, *number(0, 100)] | None = Field(
        default=None,
        description="How far a noise-loop wanders: 0 stands still, 1.5 changes the picture well.",
    )
    space: Annotated[str, *choice("z", "w")] | None = Field(
        default=None, description="Where the path lies; default: w, and z for slerp, circle and noise-loop."
    )

    @property
    def given_sources(self) -> list[str]:
        """Which of seeds, seed, random, files and keys are written."""
        return [name for name in SOURCES if name in self.model_fields_set and getattr(self, name) is not None]

    def conflicts(self) -> list[Mistake]:
        mistakes = [*self._timing_mistakes(), *self._path_mistakes()]
        first, *more = self.given_sources or [""]
        for name in more:
            text = f"give either {first} or {name}, not both"
            # seed: 3 beside seeds is the one to strike out: point at it, whichever stands first
            mistakes.insert(
                0, Mistake((name,), text.replace("seeds or seed,", "seed or seeds,"), at_key=True)
            )
        return mistakes

    def _timing_mistakes(self) -> list[Mistake]:
        mistakes = []
        if self.position is not None and self.every is not None:
            text = "give either every, for an even walk, or position, which says how far it is"
            mistakes.append(Mistake(("position",), text, at_key=True))
        if self.keys is not None:
            mistakes += [
                Mistake(
                    (name,), "has no meaning beside keys, which say when each latent is passed", at_key=True
                )
                for name in ("every", "position")
                if getattr(self, name) is not None
            ]
        return mistakes

    def _path_mistakes(self) -> list[Mistake]:
        mistakes = []
        if self.path in IN_Z and self.space == "w":
            what = {"slerp": "follows the sphere of z", "circle": "lies on the sphere of z"}
            text = f"{self.path} {what.get(self.path, 'wanders through z')}; use space: z, or path: spline"
            mistakes.append(Mistake(("space",), text))
        given = (self.given_sources or ["seeds"])[0]
        if self.path == "circle" and (given not in ("seeds", "random") or len(self.all_seeds) != 2):
            text = "a circle goes through two seeds; write seeds: [3, 14]"
            mistakes.append(Mistake(("path",), text))
        if self.path == "noise-loop" and self.given_sources not in ([], ["seed"]):
            text = "is not read by a noise-loop, which is drawn from one seed; write seed: 3"
            mistakes.append(Mistake((given,), text, at_key=True))
        if self.diameter is not None and self.path != "noise-loop":
            mistakes.append(Mistake(("diameter",), "has a meaning only with path: noise-loop", at_key=True))
        return mistakes

    # --- which latents --------------------------------------------------------------------------------------

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds in the order the walk passes them, drawn ones too; none where it is files or keys."""
        if self.files is not None or self.keys is not None:
            return tuple(one.seed for one in self.latents if isinstance(one, SeedLatent))
        if self.random is not None:
            return self.random.seeds
        return self.seeds if self.seed is None else (self.seed,)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """The latents in the order written; a file of `files` stands for all its rows."""
        if self.keys is not None:
            return tuple(key.latent for key in self.keys)
        return self.files or tuple(SeedLatent(seed) for seed in self.all_seeds)

    @property
    def walk_space(self) -> str:
        """`z` or `w`: the space the path lies in, with the default filled in."""
        return self.space or ("z" if self.path in IN_Z else "w")

    def round_seeds(self, loop: bool) -> tuple[int, ...]:
        """The seeds of one round: a loop comes back by itself, so a first seed that is repeated at the end
        of the list is left out."""
        return _round(self.all_seeds, loop)

    # --- when -----------------------------------------------------------------------------------------------

    def stops(
        self, clock: Clock, rows: Callable[[FileLatent], Sequence[Latent]] | None = None
    ) -> tuple[Stop, ...]:
        """The latents with their moments, in order of time; without keys the first one lies at 0.

        In a looping clip the last stop is the first latent again, one round later: `every` is fitted so that
        a whole number of equal segments fills the clip. Otherwise the walk rests at its last latent. A circle
        or noise-loop has its seeds at 0: `turn_seconds` says how fast it turns.

        rows: the latents in a file of `files`; without it every file counts as one.

        Raises:
            ValueError: `every` is not above 0, far too short for a loop, or has no meaning on this clock; or
                the files have too many rows.
        """
        if self.keys is not None:
            return self._keyed_stops(clock)
        latents = self.latents
        if self.path in ROUND_PATHS:
            return tuple(Stop(Fraction(0), latent) for latent in latents)
        if rows is not None and self.files is not None:
            latents = tuple(row for file in self.files for row in rows(file))
        latents = _round(latents, clock.loop)
        if len(latents) > MOST_STOPS:
            raise ValueError(f"a walk has at most {MOST_STOPS} stops, not {len(latents)}")
        if len(latents) == 1:
            return (Stop(Fraction(0), latents[0]),)
        segments, step = self._segments(len(latents), clock)
        stops = [Stop(index * step, latents[index % len(latents)]) for index in range(segments)]
        return (*stops, Stop(segments * step, latents[0] if clock.loop else latents[-1]))

    def waypoints(self, clock: Clock) -> tuple[Waypoint, ...]:
        """The seeds among the stops, with their moments. Raises as `stops` does."""
        stops = self.stops(clock)
        return tuple(
            Waypoint(one.seconds, one.latent.seed) for one in stops if isinstance(one.latent, SeedLatent)
        )

    def turn_seconds(self, clock: Clock) -> Fraction:
        """Seconds of one turn of a circle or noise-loop; in a looping clip a whole number of turns fills it.

        Raises:
            ValueError: `every` is not above 0, or has no meaning on this clock.
        """
        turn = clock.duration if self.every is None else self._step(clock)
        return clock.duration / max(1, round(clock.duration / turn)) if clock.loop else turn

    def _keyed_stops(self, clock: Clock) -> tuple[Stop, ...]:
        stops = [Stop(clock.resolve(key.time), key.latent, key.easing) for key in self.keys]
        span = stops[-1].seconds - stops[0].seconds
        if clock.loop and len(stops) > 1 and span < clock.duration:
            stops.append(Stop(stops[0].seconds + clock.duration, stops[0].latent, stops[0].easing))
        return tuple(stops)

    def _segments(self, count: int, clock: Clock) -> tuple[int, Fraction]:
        """How many steps the walk takes between `count` latents, and how long each is."""
        segments = count if clock.loop else count - 1
        step = clock.duration / segments if self.every is None else self._step(clock)
        if clock.loop:
            segments = max(1, round(clock.duration / step))
            if segments > MOST_STOPS:
                raise ValueError(f"{self.every} is too short: a walk has at most {MOST_STOPS} steps")
            step = clock.duration / segments
        return segments, step

    def _step(self, clock: Clock) -> Fraction:
        step = clock.length(self.every)
        if step <= 0:
            raise ValueError(f"the time from seed to seed is above 0, not {self.every}")
        return step

    def timing_mistakes(self, clock: Clock) -> list[Mistake]:
        """What only the clip can tell about times: those without meaning, keys out of order."""
        if self.keys is not None:
            found = order_mistakes([key.time for key in self.keys], clock)
            return [mistake.within("keys") for mistake in found]
        try:
            if self.path in ROUND_PATHS:
                self.turn_seconds(clock)
            else:
                self.stops(clock)
        except ValueError as error:
            return [Mistake(("every",), str(error))]
        return []


def _round(latents: tuple, loop: bool) -> tuple:
    return latents[:-1] if loop and len(latents) > 1 and latents[0] == latents[-1] else latents
