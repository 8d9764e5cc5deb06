"""From a preset to files: every frame is rendered once, and goes to each output that shows it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from render import console
from render.console import in_notebook
from render.encoding import Spool, expected_facts, facts_of
from render.errors import BlendreelWarning, EncodingError, PresetError
from render.preset import Preset
from render.preset.overrides import Overrides
from render.production.again import Retake, record_of
from render.production.jobs import Job, Size, plan
from render.production.notebook import Clip, Frame
from render.production.record import Recorder
from render.production.sinks import Sinks, fitted
from render.reach import default_folder
from render.renderer import Renderer, pick_device
from render.scene import Scene

__all__ = [
    "Clip",
    "Frame",
    "Job",
    "Retake",
    "again",
    "frames",
    "plan",
    "record_of",
    "remake",
    "render",
    "write",
]

Progress = Callable[[int, int], None]  # frames done, frames in all


def render(
    preset: Preset | str | Path,
    *files: str | Path,
    out_dir: str | Path = ".",
    device: str | None = None,
    batch_size: int | None = None,
    resolution: int | None = None,
    progress: Progress | bool | None = None,
    private: bool = False,
) -> Clip:
    """Render a preset (or the file of one) to `files`, or to the outputs it names; returns their paths.

    Of numbered pictures the path is that of their folder. In a notebook what is returned plays.

    device      cuda, mps or cpu; by default the best there is
    batch_size  pictures drawn at once
    resolution  smaller pictures, for a preview
    progress    called with (frames done, frames in all) after every frame; by default there is a bar in
                notebooks, and nothing elsewhere; False: nothing
    private     files say nothing of their making; otherwise each holds its preset, see `again`

    A file has its name only when it is complete. Raises PresetError, CheckpointError, BlendError,
    RenderError or EncodingError.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    jobs = plan(preset, files, out_dir)
    scene = Scene.open(preset, pick_device(device))
    is_shown = progress if isinstance(progress, bool) else progress is None and in_notebook()
    with console.progress("rendering", not is_shown) as show:
        show = progress if callable(progress) else show
        return Clip(write(scene, jobs, batch_size, resolution, show, private))


def again(
    film: str | Path,
    *files: str | Path,
    out_dir: str | Path | None = None,
    overrides: Overrides = (),
    **options: Any,
) -> Clip:
    """Render a film once more from what it says of its making; returns the paths of what was made.

    film       any file of `render`, unless that was private; of numbered pictures their folder
    files      new names; without any the film itself is replaced, once the new one is complete
    out_dir    where they go; by default files go to the working folder, and the film where it is
    overrides  values set over its preset, as `Preset.load` takes them; they need new names
    options    device, batch_size, progress and private, as for `render`

    Files of the film's own kind have the same pictures: its models must be the same files, told by their
    sha256. Raises PresetError where the film says nothing, CheckpointError where a model is another one, and
    whatever `render` raises.
    """
    return remake(Retake.of(film, overrides), *files, out_dir=out_dir, **options)


def remake(retake: Retake, *files: str | Path, out_dir: str | Path | None = None, **options: Any) -> Clip:
    """As `again`, for a film whose making was read already."""
    if retake.is_changed and not files:
        raise PresetError(f"{retake.film}: with other values it is another film; give that one a new name")
    retake.check()
    place = out_dir if out_dir is not None else default_folder() if files else retake.folder
    preset = retake.to(map(str, files))
    return render(preset, out_dir=place, resolution=retake.record.resolution, **options)


def write(
    scene: Scene,
    jobs: list[Job],
    batch_size: int | None = None,
    resolution: int | None = None,
    progress: Progress | None = None,
    private: bool = False,
) -> list[Path]:
    """Write the jobs of an open scene; each moment is drawn once, for all files that show it.

    What a file gives up to suit its place or its budget is told as a BlendreelWarning, and so is what the
    place will not like all the same.
    """
    renderer = Renderer(scene, batch_size, resolution)
    if not private:
        recorder = Recorder(scene.preset, _precision_of(renderer), resolution)
        jobs = [replace(job, tags=recorder.record(job.path, job.output).tags()) for job in jobs]
    told = [_foretold(job, scene, renderer.frame_size) for job in jobs]
    with ExitStack() as stack:
        folder = None
        if any(job.budget for job in jobs):
            path = next(job.path for job in jobs if job.budget)
            folder = Path(stack.enter_context(_folder_beside(path)))
        reel = Reel(renderer, scene, folder)
        errors = _draw(reel, jobs, stack, progress)
        for job in jobs:
            try:
                if job.budget:
                    result = fitted(job, reel.frames, renderer.frame_size, reel.count(job.fps))
                    if result.given_up:
                        _warn(str(result))
            except EncodingError as error:
                errors.append(str(error))
    if errors:
        raise EncodingError("\n".join(dict.fromkeys(errors)))
    for job, before in zip(jobs, told, strict=True):
        if job.target:
            _complain(job, job.target.breaches(facts_of(job.path)), before)
    return [job.made for job in jobs]


def _precision_of(renderer: Renderer) -> str:
    return str(getattr(renderer, "precision", "exact (float32)"))


class Reel:
    """The frames of a scene at any rate; those that are asked for again lie on the disk meanwhile.

    folder  where they lie; None where nothing is asked for twice
    """

    def __init__(self, renderer: Renderer, scene: Scene, folder: Path | None) -> None:
        self.renderer, self.scene, self.folder = renderer, scene, folder
        self.spools: dict[Fraction, Spool] = {}

    def count(self, fps: Fraction) -> int:
        """How many frames there are at a rate."""
        return self.scene.clock.with_fps(fps).frame_count

    def frames(self, fps: Fraction) -> Iterator[np.ndarray]:
        """All frames uint8 [H, W, 3] at a rate; drawn when they are first asked for."""
        if fps not in self.spools:
            width, height = self.renderer.frame_size
            spool = Spool(self.path_at(fps), width=width, height=height, fps=fps)
            scene = self.scene.at_fps(fps)
            with spool.writer as writer:
                for frame in self.renderer.frames(scene.moments(range(scene.clock.frame_count))):
                    writer.write(frame)
            self.spools[fps] = spool
        return self.spools[fps].frames()

    def path_at(self, fps: Fraction) -> Path:
        """Where the frames of a rate lie."""
        return (self.folder or Path()) / f"{fps.numerator}-{fps.denominator}.mkv"


def _draw(reel: Reel, jobs: list[Job], stack: ExitStack, progress: Progress | None) -> list[str]:
    """Draw every frame once, to the files and spools that show it; returns what went wrong at their ends."""
    scenes = {job.fps: reel.scene.at_fps(job.fps) for job in jobs}
    schedule = schedule_of(scenes)
    moments = (scenes[rates[0]].moment(index) for index, rates in schedule)
    # All files are begun before the first frame, so that a bad place is found out at once.
    sinks = {
        fps: stack.enter_context(
            Sinks(
                [job for job in jobs if job.fps == fps],
                reel.renderer.frame_size,
                reel.count(fps),
                reel.path_at(fps),
            )
        )
        for fps in scenes
    }
    frames = zip(reel.renderer.frames(moments), schedule, strict=True)
    for done, (frame, (_, rates)) in enumerate(frames, start=1):
        for fps in rates:
            sinks[fps].write(frame)
        if progress:
            progress(done, len(schedule))
    errors = [error for sink in sinks.values() for error in sink.finish()]
    reel.spools = {fps: sink.spool for fps, sink in sinks.items() if sink.spool}
    return errors


def _folder_beside(path: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder for what is thrown away at the end, on the disk where the file will be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-", suffix=".part")
    except (FileExistsError, NotADirectoryError):
        raise EncodingError(f"{path}: cannot be written: {path.parent} is no folder") from None
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error


def _foretold(job: Job, scene: Scene, frame_size: Size) -> list[str]:
    """Tell what the job's place changes, and what it will not like whatever is done; returns the latter."""
    if not job.target:
        return []
    changes = job.changes(frame_size, scene.clock)
    if changes:
        _warn(f"{job.path}: for {job.target.title}: {', '.join(changes)}")
    count = scene.clock.with_fps(job.fps).frame_count
    complaints = job.target.breaches(expected_facts(job.writer(frame_size, count), count))
    _complain(job, complaints, ())
    return complaints


def _complain(job: Job, complaints: list[str], told: list[str] | tuple[str, ...]) -> None:
    for text in complaints:
        if text not in told:
            _warn(f"{job.path}: {text}")


def _warn(text: str) -> None:
    warnings.warn(text, BlendreelWarning, stacklevel=3)


def schedule_of(scenes: dict[Fraction, Scene]) -> list[tuple[int, list[Fraction]]]:
    """What to draw, in order of time: a frame's index at the first of the rates that show it, and these.

    A moment that several rates show (every second frame of 25 a second is one of 12.5) is drawn once.
    """
    shown: dict[Fraction, tuple[int, list[Fraction]]] = {}
    for fps, scene in scenes.items():
        for index in range(scene.clock.frame_count):
            shown.setdefault(scene.clock.seconds(index), (index, []))[1].append(fps)
    return [shown[seconds] for seconds in sorted(shown)]


def frames(
    preset: Preset | str | Path,
    start: int = 0,
    stop: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
) -> Iterator[Frame]:
    """Frames uint8 [H, W, 3] of a preset, one after the other: from `start` up to, not including, `stop`.

    They are arrays that a notebook shows as pictures.

    A range is cut to the clip, as Python cuts slices: there are fewer frames, or none, outside it. All files
    are opened at once, before the first frame is asked for.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    scene = Scene.open(preset, pick_device(device))
    wanted = range(scene.clock.frame_count)[slice(start, stop)]
    return (frame.view(Frame) for frame in Renderer(scene, batch_size).frames(scene.moments(wanted)))
