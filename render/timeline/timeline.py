"""The timeline: all named numbers of a clip together, which may read one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

from .clock import Clock
from .draft import KeyFormulaError, TrackDraft
from .expressions import Expression, unknown_name
from .formula_track import ExpressionTrack, UnknownNameError
from .functions import MOVING
from .order import order_of
from .track import Track
from .trial import FORMULA_WEIGHT, MOST_WEIGHT, Failure, Moments, moments_within

_TRIES = 8  # moments at which a failure found in arrays is asked for again, to say what is wrong


class Timeline:
    """Named tracks on one clock. A formula may read any other track by its name.

    Args:
        clock: of the clip; gives the formulas their t, f, b and u.
        tracks: by name; a `TrackDraft` is a track with formulas in its keys.
        written: how formulas read a track's number, by name, where that differs from the number (a swap's
            position as a resolution). Works on floats and on NumPy arrays.
        named: the name of the track that a name in a formula means, where the two differ.

    Raises:
        UnknownNameError: a formula reads a name that is neither a variable nor a track.
        CycleError: tracks read one another in a circle.
        KeyFormulaError: a formula in a key has no value there.
        ValueError: the formulas are too heavy together.
    """

    def __init__(
        self,
        clock: Clock,
        tracks: Mapping[str, Track | ExpressionTrack | TrackDraft],
        written: Mapping[str, Callable[[Any], Any]] | None = None,
        named: Callable[[str], str] = str,
    ) -> None:
        self.clock, self._named = clock, named
        self._written = dict(written or {})
        spoken = {name: references_of(track) for name, track in tracks.items()}
        for name, references in spoken.items():
            for reference in sorted(references):
                if named(reference) not in tracks:
                    known = [other for other in tracks if other != name]
                    raise UnknownNameError(unknown_name(reference, known))
        self._spoken = spoken
        self._reads = {name: frozenset(map(named, references)) for name, references in spoken.items()}
        self.order = order_of(self._reads)
        check_weight(tracks.values())
        self._tracks: dict[str, Track | ExpressionTrack] = {}
        # Bound tracks are asked one after the other for the same moment; each number is computed once.
        self._last: tuple[Fraction | float | None, dict[str, float]] = (None, {})
        self._finish(tracks)
        self._closures: dict[str, tuple[str, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All names, as they were given."""
        return tuple(self._reads)

    def track(self, name: str) -> Track | ExpressionTrack:
        """The track called `name`, which can answer alone: what its formula reads comes from here."""
        track = self._tracks[name]
        if not self._reads[name] or isinstance(track, Track):
            return track
        return BoundTrack(track.expression, track.clock, track.convert, timeline=self, name=name)

    def value_at(self, name: str, seconds: Fraction | float) -> float:
        """The number called `name` at `seconds`, in the track's own numbers. Raises as `values_at`."""
        return self._values(self._closure(name), seconds)[name]

    def values_at(self, seconds: Fraction | float) -> dict[str, float]:
        """Every number at `seconds`, each computed once, in the tracks' own numbers.

        Raises:
            ValueError: a formula has no finite value there.
        """
        values = self._values(self.order, seconds)
        return {name: values[name] for name in self._reads}

    def values_many(self, seconds: Any) -> dict[str, Any]:
        """Every number at N moments: NumPy arrays [N] of floats, NaN where a formula has no value."""
        values = self._values_many(self.order, seconds)
        return {name: values[name] for name in self._reads}

    def values_at_many(self, name: str, seconds: Any) -> Any:
        """The number called `name` at N moments: a NumPy array [N], NaN where it has no value."""
        return self._values_many(self._closure(name), seconds)[name]

    def is_constant(self, name: str) -> bool:
        """Whether nothing that the number comes from changes over the clip."""
        tracks = [self._tracks[each] for each in self._closure(name)]
        return not any(
            track.expression.names & MOVING if isinstance(track, ExpressionTrack) else not track.is_constant
            for track in tracks
        )

    def failures(self, clocks: Iterable[Clock] = ()) -> list[Failure]:
        """Of each formula without a value the first moment, tried at the frames of `clocks` (default: the
        timeline's own). A formula that only reads such a one is not counted.

        The work is bounded: of a long clip or of heavy formulas, frames evenly spread over it are tried.
        """
        formulas = [name for name in self.order if isinstance(self._tracks[name], ExpressionTrack)]
        if not formulas:
            return []
        needed = self._closure(*formulas)
        weight = sum(self._tracks[name].weight + FORMULA_WEIGHT for name in needed)
        moments = moments_within(tuple(clocks) or (self.clock,), weight)
        values = self._values_many(needed, moments.seconds)
        failures = [self._failure(name, values, moments) for name in formulas]
        return [failure for failure in failures if failure is not None]

    # --- how they are computed --------------------------------------------------------------------------

    def _values(self, names: Sequence[str], seconds: Fraction | float) -> dict[str, float]:
        moment, values = self._last
        if moment is None or moment != seconds:
            values = {}
        for name in names:
            if name in values:
                continue
            track = self._tracks[name]
            if isinstance(track, Track):
                values[name] = track.value_at(seconds)
            else:
                values[name] = track.value_given(seconds, self._readable(name, values))
        self._last = (seconds, values)
        return values

    def _values_many(self, names: Sequence[str], seconds: Any) -> dict[str, Any]:
        import numpy as np

        moments = np.array(seconds, dtype=float)
        values: dict[str, Any] = {}
        for name in names:
            values[name] = self._found(name, moments, values)
        return values

    def _found(self, name: str, moments: Any, values: Mapping[str, Any]) -> Any:
        track = self._tracks[name]
        if isinstance(track, Track):
            return track.values_at_many(moments)
        return track.values_given(moments, self._readable(name, values))

    def _readable(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the track called `name` reads, by the names in its formulas and as formulas read it."""
        readable = {}
        for spoken in self._spoken[name]:
            read = self._named(spoken)
            readable[spoken] = self._written[read](values[read]) if read in self._written else values[read]
        return readable

    def _closure(self, *names: str) -> tuple[str, ...]:
        """`names` and everything they read, in order."""
        if names not in self._closures:
            needed, todo = set(names), list(names)
            while todo:
                more = self._reads[todo.pop()] - needed
                needed |= more
                todo.extend(more)
            self._closures[names] = tuple(name for name in self.order if name in needed)
        return self._closures[names]

    def _finish(self, tracks: Mapping[str, Track | ExpressionTrack | TrackDraft]) -> None:
        """Computes the formulas in keys: what they read is found at all their times at once, in order."""
        drafts = [track for track in tracks.values() if isinstance(track, TrackDraft)]
        needed = set().union(*(map(self._named, draft.references) for draft in drafts))
        for name in reversed(self.order):
            needed |= self._reads[name] if name in needed else frozenset()
        times = sorted({key.seconds for draft in drafts for key in draft.formulas}) if needed else []
        place = {seconds: index for index, seconds in enumerate(times)}
        moments = _array(times) if needed else None
        values: dict[str, Any] = {}
        errors: dict[str, KeyFormulaError | None] = {}  # None: it only reads such a one
        for name in self.order:
            track = tracks[name]
            if self._reads[name] & errors.keys():
                errors[name] = None
                continue
            if isinstance(track, TrackDraft):
                found = self._readable(name, values)
                try:
                    track = track.finished(name, self.clock, partial(_read_at, found, place))
                except KeyFormulaError as error:
                    errors[name] = error
                    continue
            self._tracks[name] = track
            if name in needed:
                values[name] = self._found(name, moments, values)
        wrong = [error for error in errors.values() if error is not None]
        if wrong:
            wrong[0].errors = tuple(wrong)
            raise wrong[0]

    def _failure(self, name: str, values: Mapping[str, Any], moments: Moments) -> Failure | None:
        import numpy as np

        missing = np.isnan(values[name])
        for read in self._reads[name]:
            missing &= ~np.isnan(values[read])
        found = self._readable(name, values)
        for index in np.flatnonzero(missing)[:_TRIES].tolist():
            seconds = moments.exact(index)
            try:
                self._tracks[name].value_given(seconds, {each: float(found[each][index]) for each in found})
            except ValueError as error:
                return Failure(name, seconds, str(error))
        return None


@dataclass(frozen=True)
class BoundTrack(ExpressionTrack):
    """A formula that reads other tracks, together with the timeline that knows them."""

    timeline: Timeline = field(kw_only=True, repr=False)
    name: str = field(kw_only=True)

    def value_at(self, seconds: Fraction | float) -> float:
        return self.timeline.value_at(self.name, seconds)

    def values_at_many(self, seconds: Any) -> Any:
        return self.timeline.values_at_many(self.name, seconds)

    @property
    def is_constant(self) -> bool:
        return self.timeline.is_constant(self.name)


def references_of(track: Track | ExpressionTrack | TrackDraft) -> frozenset[str]:
    """The names that a track's formulas refer to."""
    if isinstance(track, TrackDraft):
        return track.references
    return track.expression.references if isinstance(track, ExpressionTrack) else frozenset()


def check_weight(tracks: Iterable[Track | ExpressionTrack | TrackDraft]) -> None:
    """Refuses formulas that together cost more than a preset needs.

    Raises:
        ValueError: says what they cost and what they may.
    """
    expressions: list[Expression] = []
    for track in tracks:
        if isinstance(track, TrackDraft):
            expressions += [key.expression for key in track.formulas]
        elif isinstance(track, ExpressionTrack):
            expressions.append(track.expression)
    total = sum(expression.weight + FORMULA_WEIGHT for expression in expressions)
    if total > MOST_WEIGHT:
        raise ValueError(
            f"the {len(expressions)} formulas of this preset take {total:,} operations a frame together; "
            f"at most {MOST_WEIGHT:,}"
        )


def _array(times: Sequence[Fraction]) -> Any:
    import numpy as np

    return np.array(times, dtype=float)


def _read_at(found: Mapping[str, Any], place: Mapping[Fraction, int], seconds: Fraction) -> dict[str, float]:
    return {name: float(values[place[seconds]]) for name, values in found.items()}
