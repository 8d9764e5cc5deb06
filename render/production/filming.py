"""One run of a render: segments that are there are read, the others drawn, and files made of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np

from render.encoding import Spool, join, stored_frames
from render.encoding.joining import PIECE_SUFFIX
from render.errors import EncodingError, InterruptedRender, PartlyDoneError
from render.jobs import Job
from render.production.bottleneck import Bottleneck
from render.production.crew import Errand, Report, Share, takes
from render.production.manifest import SegmentRecord
from render.production.patience import Patience
from render.production.segments import Segment
from render.production.shoot import Frame, Shoot, Take, key_of
from render.production.sinks import Sinks, write_to
from render.production.workfolder import Store

Progress = Callable[[int, int], None]  # frames done, frames in all


@dataclass(frozen=True)
class Manner:
    """How a run behaves, whatever it films.

    progress  called with (frames done, frames in all) after every frame
    notify    called with lines for people: what is gone on with, what is made again
    patience  makes Ctrl-C wait for the end of a segment
    begins    called once nothing stands in the way any more, before the first frame is drawn
    """

    progress: Progress | None = None
    notify: Callable[[str], None] | None = None
    patience: Patience | None = None
    begins: Callable[[], None] | None = None

    def begin(self) -> None:
        """All is opened and checked."""
        if self.begins:
            self.begins()

    def stage(self, title: str) -> Progress | None:
        """What is told how far a part of the work is that counts for itself; None where nobody listens."""
        begin = getattr(self.progress, "stage", None)
        return begin(title) if begin else None

    def tell(self, text: str) -> None:
        """Say something to people, if they listen."""
        if self.notify:
            self.notify(text)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While segments are drawn: what is asked to stop does so between two of them."""
        with self.patience.waiting() if self.patience else nullcontext():
            yield

    def check(self) -> None:
        """Between two segments. Raises KeyboardInterrupt, if that was asked for."""
        if self.patience and self.patience.is_asked:
            raise KeyboardInterrupt


QUIET = Manner()
_MEASURE = ("blendreel", "torch", "ffmpeg", "encoders", "precision")  # all segments of a film have them alike


class Filming:
    """Films everything a shoot asks for.

    store   where segments are kept; None for a film of one segment, which goes straight to its files
    folder  for frames that are thrown away at the end, where there is no store
    """

    def __init__(self, shoot: Shoot, manner: Manner, store: Store | None, folder: Path | None) -> None:
        self.shoot, self.manner, self.store, self.folder = shoot, manner, store, folder
        self.records: dict[int, SegmentRecord] = {}
        self.bottleneck = Bottleneck()
        self._spools: dict[Fraction, Spool] = {}
        self._done = 0
        self._is_counted = False  # somebody else has told already how far it is

    # --- segments -------------------------------------------------------------------------------------------

    def find(self, share: Share) -> None:
        """Look for finished segments, and say what is found.

        They must have been made as this process, or those that draw for it, would make them. What only joins
        them takes the first one as the measure.
        """
        if self.store is None:
            return
        wanted = {name: value for name, value in self.shoot.made_with().items() if name in _MEASURE}
        if share.crew:
            del wanted["precision"], wanted["encoders"]  # those of its workers' devices
        for segment in self.shoot.segments:
            record = self.store.finished(segment.number)
            if record and share.joins and not self.records:
                wanted = {name: record.made_with.get(name, "unknown") for name in _MEASURE}
            if record and (differences := _differences(record.made_with, wanted)):
                text = f"segment {segment.number} was made with {', '.join(differences)}; it is made again"
                self.manner.tell(text)
            elif record:
                self.records[segment.number] = record
        if self.records:
            count, total = len(self.records), len(self.shoot.segments)
            self.manner.tell(f"going on: {count} of {total} segments are finished already")

    def draw(self) -> list[str]:
        """Draw what is missing, and give every frame to the files that are written now.

        Returns what went wrong at their ends. Raises InterruptedRender, if there is anything to go on with.
        """
        try:
            with ExitStack() as stack:
                sinks = {fps: stack.enter_context(self._sinks(fps)) for fps in self.shoot.scenes}
                if self.records and not any(sinks.values()):
                    self._count(sum(len(self.shoot.segments[number]) for number in self.records))
                missing = [each for each in self.shoot.segments if each.number not in self.records]
                self.manner.begin()
                self.bottleneck.begin()
                drawn = stack.enter_context(closing(self.shoot.frames(missing)))
                with self.manner.waiting() if self.store else nullcontext():
                    for segment in self.shoot.segments:
                        self._film(segment, drawn, sinks)
                errors = [error for sink in sinks.values() for error in sink.finish(self.manner.stage)]
                for sink in sinks.values():
                    self.bottleneck.add(sink.waited)
        except KeyboardInterrupt:
            if self.store is None or not self.records:
                raise
            raise InterruptedRender(f"interrupted; {self.how_to_go_on()}") from None
        self._spools = {fps: sink.spool for fps, sink in sinks.items() if sink.spool}
        if missing:
            self._tell_bottleneck()
        return errors

    def fill(self, share: Share, errand: Errand) -> None:
        """Have missing segments drawn, by a crew or, of a shard, by this process; no file is made of them.

        Raises InterruptedRender, if there is anything to go on with.
        """
        missing = [segment.number for segment in self.shoot.segments if segment.number not in self.records]
        if share.shard:
            missing = [number for number in missing if share.shard.owns(number)]
        before = sum(len(self.shoot.segments[number]) for number in self.records)
        drawn, self._is_counted = [before], True

        def count(frames: int) -> None:
            drawn[0] = min(drawn[0] + frames, self.shoot.frame_count)  # who dies counts twice
            if self.manner.progress:
                self.manner.progress(drawn[0], self.shoot.frame_count)

        def finished(record: SegmentRecord) -> None:
            self.records[record.number] = record

        report = Report(finished, count, self._is_asked, self.manner.tell)
        if before:
            count(0)
        try:
            with self.manner.waiting():
                if share.crew:
                    share.crew.film(errand, missing, report)
                else:
                    self.bottleneck.begin()
                    ways = lambda: count(1), self.bottleneck
                    with closing(takes(self.shoot, self.store, missing, *ways)) as records:
                        for record in records:
                            finished(record)
                            self.manner.check()
                self.manner.check()
        except KeyboardInterrupt:
            if not self.records:
                raise
            raise InterruptedRender(f"interrupted; {self.how_to_go_on()}") from None
        self._tell_bottleneck()

    def _tell_bottleneck(self) -> None:
        if text := self.bottleneck.verdict(self.shoot.jobs):
            self.manner.tell(text)

    def _is_asked(self) -> bool:
        return bool(self.manner.patience and self.manner.patience.is_asked)

    def require_all(self) -> None:
        """Raises PartlyDoneError: segments are missing."""
        missing = [segment.number for segment in self.shoot.segments if segment.number not in self.records]
        if missing:
            which = "segment" if len(missing) == 1 else "segments"
            verb = "is" if len(missing) == 1 else "are"
            raise PartlyDoneError(
                f"{which} {_ranges(missing)} {verb} missing; {self._what_is_there()}; "
                "`blendreel render`, or the parts that are left, draw the rest"
            )

    def how_to_go_on(self) -> str:
        """What is there, and what to do."""
        return f"{self._what_is_there()}; the same command goes on from there"

    def _what_is_there(self) -> str:
        frames = sum(len(self.shoot.segments[number]) for number in self.records)
        return (
            f"{len(self.records)} of {len(self.shoot.segments)} segments are finished ({frames:,} of "
            f"{self.shoot.frame_count:,} frames)"
        )

    def _film(self, segment: Segment, drawn: Iterator[Frame], sinks: dict[Fraction, Sinks]) -> None:
        with closing(self._frames(segment, drawn, any(sinks.values()))) as frames:
            for frame, rates in frames:
                for fps in rates:
                    sinks[fps].write(frame)

    def _frames(self, segment: Segment, drawn: Iterator[Frame], are_wanted: bool) -> Iterator[Frame]:
        """The frames of a segment, kept ones or the next `drawn`; of a kept one none that nobody wants."""
        if self.store is None:
            yield from self._counted(islice(drawn, len(segment)))
        elif segment.number in self.records:
            if are_wanted:
                yield from self._counted(self._stored(segment))
        else:
            self.manner.check()
            with Take(self.shoot, self.store, segment) as take:
                for frame, rates in self._counted(islice(drawn, len(segment))):
                    take.write(frame, rates)
                    yield frame, tuple(fps for fps in rates if fps in self.shoot.kept_rates)
                self.records[segment.number] = take.finish()
                self.bottleneck.add(take.waited)

    def _stored(self, segment: Segment) -> Iterator[Frame]:
        """The frames of a finished segment at the rates that are kept without loss."""
        kept = [fps for fps in segment.rates if fps in self.shoot.kept_rates]
        with ExitStack() as stack:
            reels = {fps: stack.enter_context(closing(self._reel(segment, fps))) for fps in kept}
            for _, rates in segment.schedule:
                shown = tuple(fps for fps in rates if fps in reels)
                frames = [next(reels[fps]) for fps in shown]  # the same frame, once for each rate
                yield (frames[0] if frames else None), shown

    def _reel(self, segment: Segment, fps: Fraction) -> Iterator[np.ndarray]:
        path = self.store.folder / f"{segment.number:05d}-{key_of(fps)}.mkv"
        shoot = self.shoot
        options = {"bits": shoot.kept_bits(fps), "transparent": shoot.keeps_alpha(fps)}
        return stored_frames(path, shoot.frame_size, segment.count(fps), **options)

    def _counted(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            yield frame
            self._count(1)

    def _count(self, frames: int) -> None:
        self._done += frames
        if self.manner.progress and not self._is_counted:
            self.manner.progress(self._done, self.shoot.frame_count)

    def _sinks(self, fps: Fraction) -> Sinks:
        """Where the frames of a rate go while they are drawn."""
        shoot = self.shoot
        jobs = [(job, number in shoot.joined) for number, job in enumerate(shoot.jobs) if job.fps == fps]
        has_store = self.store is not None
        live = [job for job, is_joined in jobs if not job.budget and not (is_joined and has_store)]
        tried = [job for job, is_joined in jobs if job.budget or (is_joined and has_store)]
        is_kept = not has_store and any(job.budget for job, _ in jobs)
        spool = self._spool(fps) if is_kept else None
        return Sinks(live, tried, shoot.frame_size, shoot.count(fps), shoot.ground, spool)

    # --- files ----------------------------------------------------------------------------------------------

    def join(self) -> list[str]:
        """Make the files that are joined from pieces; returns what went wrong with each."""
        if self.store is None:
            return []
        errors = []
        for number, job in self.shoot.joined.items():
            film = job.writer(self.shoot.frame_size, self.shoot.count(job.fps))
            try:
                join(film, self._pieces(number, job))
            except EncodingError as error:
                errors.append(str(error))
        return errors

    def _pieces(self, number: int, job: Job) -> list[tuple[Path, int]]:
        segments = [segment for segment in self.shoot.segments if job.fps in segment.rates]
        names = [f"{segment.number:05d}-{number}{PIECE_SUFFIX}" for segment in segments]
        return [
            (self.store.folder / name, segment.count(job.fps))
            for name, segment in zip(names, segments, strict=True)
        ]

    def frames_at(self, fps: Fraction) -> Iterator[np.ndarray]:
        """All frames at a rate, again and again; drawn when they are first asked for."""
        if self.store is not None and fps in self.shoot.kept_rates:
            segments = (segment for segment in self.shoot.segments if fps in segment.rates)
            return chain.from_iterable(self._reel(segment, fps) for segment in segments)
        if fps not in self._spools:
            spool, scene = self._spool(fps), self.shoot.scene.at_fps(fps)
            with spool.writer as writer:
                for frame in self.shoot.renderer.frames(scene.moments(range(scene.clock.frame_count))):
                    write_to([writer], frame, self.shoot.ground)
            self._spools[fps] = spool
        return self._spools[fps].frames()

    def _spool(self, fps: Fraction) -> Spool:
        folder = self.store.folder if self.store else self.folder or Path()
        return self.shoot.spool(folder / f"all-{key_of(fps)}.mkv", fps)


def _ranges(numbers: list[int]) -> str:
    """`3`, or `0–4, 7, 9–12`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ", ".join("–".join(map(str, each)) for each in found)


def _differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What differs, in words."""
    return [
        f"{name} {before.get(name, 'unknown')} instead of {value}"
        for name, value in now.items()
        if before.get(name) != value
    ]
