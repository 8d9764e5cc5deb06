"""What is filmed: a scene, the files that are wanted of it, and the segments that these are made of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from render.encoding import Spool, can_join, piece_writer
from render.encoding.codecs import ffmpeg_version
from render.encoding.joining import PIECE_SUFFIX
from render.errors import PresetError, check_whole
from render.jobs import Job, Size
from render.layout import Color, color_of
from render.pixels import Planes
from render.preset.formats import without_alpha
from render.preset.portable import resolved_data
from render.preset.writer import data_of
from render.production.inputs import file_hashes
from render.production.manifest import PieceFacts, Plan, SegmentRecord, digest_of
from render.production.record import Recorder
from render.production.segments import SEGMENT_FRAMES, Segment, cut, schedule_of
from render.production.sinks import write_to
from render.production.workfolder import Store
from render.renderer import Renderer
from render.scene import Scene

_MOST_THREADS = 16
_HASH_BYTES = 8
_WITHOUT_TRACE = ("batch_size", "allow_broken")  # options that no frame shows

Frame = tuple[np.ndarray, tuple[Fraction, ...]]  # and the rates that show it


def key_of(fps: Fraction) -> str:
    """A rate in names of files and in manifests: `25`, `24000-1001`."""
    return str(fps).replace("/", "-")


@dataclass(frozen=True)
class Shoot:
    """Everything that segments are drawn from.

    segment_frames  how many frames a segment has; the last one may have fewer
    """

    renderer: Renderer
    jobs: list[Job]
    segment_frames: int = SEGMENT_FRAMES

    def __post_init__(self) -> None:
        check_whole("segment_frames", self.segment_frames, "frames")
        for job in self.jobs:
            if job.transparent and not self.renderer.has_alpha:
                channels = self.scene.model.config.img_channels
                raise PresetError(
                    f"{job.path}: transparent: these networks draw no transparency: "
                    f"{without_alpha(channels)}; leave it out"
                )
        # Frames are as deep as the file that makes the most of them wants, and have alpha where one keeps it.
        self.renderer.bits = max(self.depths.values())
        self.renderer.transparent = any(job.transparent for job in self.jobs)
        self.renderer.drawer.planes = self._wanted_planes()
        if self.renderer.drawer.planes:
            object.__setattr__(self, "jobs", [replace(job, planes=True) for job in self.jobs])

    def _wanted_planes(self) -> Planes | None:
        """How all files want their frames, if that is what video stores and no other frames are wanted."""
        if not self.renderer.can_make_planes or any(job.budget or job.pictures for job in self.jobs):
            return None
        films = [job.writer(self.frame_size, self.count(job.fps)) for job in self.jobs]
        wanted = {film.wanted_planes if can_join(film) else None for film in films}
        return wanted.pop() if len(wanted) == 1 else None

    @property
    def ground(self) -> Color:
        """The colour behind what is transparent, in files that hold no alpha."""
        return color_of(self.renderer.layout.background)

    @property
    def scene(self) -> Scene:
        return self.renderer.scene

    @property
    def frame_size(self) -> Size:
        """Width and height of a frame."""
        return self.renderer.frame_size

    @cached_property
    def scenes(self) -> dict[Fraction, Scene]:
        """The scene at each rate that is wanted."""
        return {job.fps: self.scene.at_fps(job.fps) for job in self.jobs}

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """All of them."""
        return cut(schedule_of(scene.clock for scene in self.scenes.values()), self.segment_frames)

    @cached_property
    def frame_count(self) -> int:
        """How many moments are drawn in all."""
        return sum(map(len, self.segments))

    def count(self, fps: Fraction) -> int:
        """How many frames there are at a rate."""
        return self.scene.clock.with_fps(fps).frame_count

    @cached_property
    def joined(self) -> dict[int, Job]:
        """The jobs, by their numbers, whose files can be joined from pieces."""
        return {
            number: job
            for number, job in enumerate(self.jobs)
            if not job.budget and can_join(job.writer(self.frame_size, self.count(job.fps)))
        }

    @cached_property
    def kept_rates(self) -> tuple[Fraction, ...]:
        """The rates whose frames are kept without loss, for files that cannot be joined."""
        others = (job for number, job in enumerate(self.jobs) if number not in self.joined)
        return tuple(dict.fromkeys(job.fps for job in others))

    @cached_property
    def depths(self) -> dict[int, int]:
        """Bits of the frames that the jobs, by their numbers, make the most of."""
        return {
            number: job.writer(self.frame_size, self.count(job.fps)).depth
            for number, job in enumerate(self.jobs)
        }

    def _made_of_kept(self, fps: Fraction) -> list[int]:
        """The numbers of the jobs whose files are made of frames of this rate that are kept."""
        return [
            number for number, job in enumerate(self.jobs) if job.fps == fps and number not in self.joined
        ]

    def kept_for(self, fps: Fraction) -> Job:
        """The first job whose file is made of kept frames of this rate."""
        return self.jobs[self._made_of_kept(fps)[0]]

    def keeps_alpha(self, fps: Fraction) -> bool:
        """Whether kept frames of a rate have alpha. Where it is no job's, they are for any of the jobs."""
        jobs = [self.jobs[number] for number in self._made_of_kept(fps)] or self.jobs
        return any(job.transparent for job in jobs)

    def kept_bits(self, fps: Fraction) -> int:
        """Bits of the frames of a rate that are kept, for files that are made of them later."""
        numbers = self._made_of_kept(fps)
        # What is laid over something later is laid over it with 16 bits, as what is drawn for it alone.
        are_laid = self.keeps_alpha(fps) and not all(self.jobs[number].transparent for number in numbers)
        if all(self.depths[number] == 8 for number in numbers) and not are_laid:
            return 8
        # A file with a budget is made of what is kept. Others are made of that or of what was just drawn, and
        # must not differ.
        return 10 if all(self.jobs[number].budget for number in numbers) else 16

    def spool(self, path: Path, fps: Fraction) -> Spool:
        """What keeps the frames of a rate."""
        width, height = self.frame_size
        options = {"bits": self.kept_bits(fps), "transparent": self.keeps_alpha(fps)}
        return Spool(path, width=width, height=height, fps=fps, **options)

    def frames(self, segments: Iterable[Segment]) -> Generator[Frame, None, None]:
        """The frames of some segments, one after the other, each with the rates that show it.

        In one go, so that the next segment is drawn already while the encoders of one come to its end.
        """
        schedule = [shown for segment in segments for shown in segment.schedule]
        moments = (self.scenes[rates[0]].moment(index, recall=True) for index, rates in schedule)
        with closing(self.renderer.frames(moments)) as drawn:
            for frame, (_, rates) in zip(drawn, schedule, strict=True):
                yield frame, rates

    def plan(self, options: dict[str, Any], recorder: Recorder) -> Plan:
        """The plan of this render; `options` are those of its renderer."""
        preset = self.scene.preset
        data = resolved_data(preset, self.jobs[0].output, recorder.channels)
        data = {name: value for name, value in data.items() if name != "outputs"}
        outputs = [[job.path.name, data_of(job.output), str(job.fps), job.tags is None] for job in self.jobs]
        options = {name: value for name, value in options.items() if name not in _WITHOUT_TRACE}
        asked = {"preset": data, "outputs": outputs, "options": options, "size": list(self.frame_size)}
        threads = min(_MOST_THREADS, (os.cpu_count() or 1) * 3 // 2)
        hashes = file_hashes(preset, self.jobs, recorder.models)
        return Plan(asked, hashes, self.segment_frames, len(self.segments), self.frame_count, threads)

    def made_with(self) -> dict[str, str]:
        """What a segment is made with; all segments of a film are made with the same."""
        from importlib.metadata import version

        drawer = self.renderer.drawer
        device = drawer.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        films = [job.writer(self.frame_size, self.count(job.fps)) for job in self.joined.values()]
        return {
            "blendreel": version("blendreel"),
            "torch": torch.__version__,
            "ffmpeg": ffmpeg_version(),
            "encoders": ", ".join(film.encoder.name for film in films),
            "precision": f"{self.renderer.precision}, {self.renderer.drawer.code}",
            "device": name,
            "batch_size": str(drawer.batch_size),
        }


class Take:
    """One segment under way: its frames go to its pieces, and each is remembered by its hash.

    Used in a `with` block; what was not finished in it is thrown away.
    """

    def __init__(self, shoot: Shoot, store: Store, segment: Segment) -> None:
        self.shoot, self.store, self.segment = shoot, store, segment
        self._stack = ExitStack()
        self._hashes: dict[Fraction, list[str]] = {fps: [] for fps in segment.rates}
        self._writers: list[tuple[Fraction, str, Any]] = []

    def __enter__(self) -> Take:
        with ExitStack() as stack:
            self._folder = stack.enter_context(self.store.attempt(self.segment.number))
            for fps, name, writer in self._open_writers():
                writer.start()
                stack.callback(writer.abort)
                self._writers.append((fps, name, writer))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()

    def write(self, frame: np.ndarray, rates: tuple[Fraction, ...]) -> None:
        """Give a frame to every piece of the rates that show it."""
        digest = hashlib.blake2b(frame, digest_size=_HASH_BYTES).hexdigest()
        for fps in rates:
            self._hashes[fps].append(digest)
        write_to((writer for fps, _, writer in self._writers if fps in rates), frame, self.shoot.ground)

    def finish(self) -> SegmentRecord:
        """Complete all pieces, and keep the segment. Raises EncodingError."""
        pieces = {}
        for _, _, writer in self._writers:
            writer.finish()
            path = writer.path
            facts = PieceFacts(writer.frames_written, path.stat().st_size, digest_of(path))
            pieces[path.name] = facts
        record = SegmentRecord(
            number=self.segment.number,
            identity=self.store.plan.identity,
            frames={key_of(fps): self._range(fps) for fps in self.segment.rates},
            pieces=pieces,
            frame_hashes={key_of(fps): tuple(hashes) for fps, hashes in self._hashes.items()},
            made_with=self.shoot.made_with(),
        )
        self.store.keep(record, self._folder)
        return record

    @property
    def waited(self) -> dict[str, float]:
        """Seconds that frames waited for pieces to take them, by the names of the files these are for."""
        return {name: writer.waited for _, name, writer in self._writers}

    def _open_writers(self) -> Iterator[tuple[Fraction, str, Any]]:
        """Each piece's rate, the name of a file that is made of it, and its writer."""
        shoot, prefix = self.shoot, f"{self.segment.number:05d}-"
        for number, job in shoot.joined.items():
            if job.fps in self.segment.rates:
                film = job.writer(shoot.frame_size, shoot.count(job.fps))
                path = self._folder / f"{prefix}{number}{PIECE_SUFFIX}"
                yield job.fps, job.path.name, piece_writer(film, path, self.store.plan.threads)
        for fps in shoot.kept_rates:
            if fps in self.segment.rates:
                writer = shoot.spool(self._folder / f"{prefix}{key_of(fps)}.mkv", fps).writer
                yield fps, shoot.kept_for(fps).path.name, writer

    def _range(self, fps: Fraction) -> tuple[int, int]:
        before = sum(segment.count(fps) for segment in self.shoot.segments[: self.segment.number])
        return before, before + self.segment.count(fps)
