"""From a preset to files: every frame is rendered once, and goes to each output that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from render.encoding import Writer, open_writer
from render.errors import EncodingError, PresetError
from render.preset import Output, Preset, load_output
from render.renderer import Renderer, pick_device
from render.scene import Scene

Progress = Callable[[int, int], None]  # frames done, frames in all
ENCODER_WORDS = {"speed": "preset"}  # x264's word means something else in this project


@dataclass(frozen=True)
class Job:
    """One file to write, at its own frame rate."""

    path: Path
    output: Output
    fps: Fraction

    @property
    def settings(self) -> dict[str, object]:
        """What the preset says about the file, in the encoder's words."""
        given = {
            ENCODER_WORDS.get(name, name): getattr(self.output, name)
            for name in type(self.output).model_fields
        }
        return {name: value for name, value in given.items() if name not in ("file", "fps", "width")}


def plan(preset: Preset, files: Iterable[str | Path] = (), out_dir: str | Path = ".") -> list[Job]:
    """The files to write: `files` if there are any, else the preset's outputs; relative to `out_dir`.

    A file that the preset names too keeps the preset's settings. Raises PresetError: nothing to write, or two
    outputs of one name.
    """
    known = {_place(out_dir, output.file).resolve(): output for output in preset.outputs}
    wanted = [(_place(out_dir, str(file)), str(file)) for file in files]
    outputs = [(path, known.get(path.resolve()) or load_output(file)) for path, file in wanted]
    outputs = outputs or [(_place(out_dir, output.file), output) for output in preset.outputs]
    if not outputs:
        raise PresetError("the preset names no outputs; name one, such as morph.mp4")
    jobs = [Job(path, output, output.rate(preset.clock.fps)) for path, output in outputs]
    paths = [job.path.resolve() for job in jobs]
    for job, path in zip(jobs, paths, strict=True):
        if paths.count(path) > 1:
            raise PresetError(f"two outputs have the name {job.path}; each needs its own")
    return jobs


def _place(out_dir: str | Path, file: str) -> Path:
    """Where an output lies: in `out_dir`, unless it says so itself; `~` is the user's folder."""
    try:
        return Path(out_dir) / Path(file).expanduser()
    except RuntimeError:
        raise PresetError(f"{file}: there is no such user's folder") from None


def render(
    preset: Preset | str | Path,
    *files: str | Path,
    out_dir: str | Path = ".",
    device: str | None = None,
    batch_size: int | None = None,
    resolution: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Render a preset (or the file of one) to `files`, or to the outputs it names; returns their paths.

    device      cuda, mps or cpu; by default the best there is
    batch_size  pictures drawn at once
    resolution  smaller pictures, for a preview
    progress    called with (frames done, frames in all) after every frame

    A file has its name only when it is complete. Raises PresetError, CheckpointError, BlendError,
    RenderError or EncodingError.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    jobs = plan(preset, files, out_dir)
    scene = Scene.open(preset, pick_device(device))
    return write(scene, jobs, batch_size, resolution, progress)


def write(
    scene: Scene,
    jobs: list[Job],
    batch_size: int | None = None,
    resolution: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the jobs of an open scene; each moment is drawn once, for all files that show it."""
    scenes = {job.fps: scene.at_fps(job.fps) for job in jobs}
    renderer = Renderer(scene, batch_size, resolution)
    schedule = schedule_of(scenes)
    moments = (scenes[rates[0]].moment(index) for index, rates in schedule)
    with ExitStack() as stack:
        # All files are begun before the first frame, so that a bad place is found out at once.
        sinks = {
            fps: stack.enter_context(Sinks([job for job in jobs if job.fps == fps], renderer.frame_size))
            for fps in scenes
        }
        frames = zip(renderer.frames(moments), schedule, strict=True)
        for done, (frame, (_, rates)) in enumerate(frames, start=1):
            for fps in rates:
                sinks[fps].write(frame)
            if progress:
                progress(done, len(schedule))
        for sink in sinks.values():
            sink.finish()
    return [job.path for job in jobs]


def schedule_of(scenes: dict[Fraction, Scene]) -> list[tuple[int, list[Fraction]]]:
    """What to draw, in order of time: a frame's index at the first of the rates that show it, and these.

    A moment that several rates show (every second frame of 25 a second is one of 12.5) is drawn once.
    """
    shown: dict[Fraction, tuple[int, list[Fraction]]] = {}
    for fps, scene in scenes.items():
        for index in range(scene.clock.frame_count):
            shown.setdefault(scene.clock.seconds(index), (index, []))[1].append(fps)
    return [shown[seconds] for seconds in sorted(shown)]


class Sinks:
    """Where the frames of one rate go: the writers of its jobs, each with the size it wants.

    Leaving the block without `finish` aborts them all and leaves no trace.
    """

    def __init__(self, jobs: list[Job], frame_size: tuple[int, int]):
        self.writers = [writer_of(job, frame_size) for job in jobs]

    def __enter__(self) -> Self:
        try:
            for writer in self.writers:
                writer.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def write(self, frame: np.ndarray) -> None:
        for writer in self.writers:
            size = writer.width, writer.height
            if (frame.shape[1], frame.shape[0]) == size:
                writer.write(frame)
            else:
                writer.write(np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)))

    def finish(self) -> None:
        """Complete every file; one that fails does not take the others with it."""
        errors = []
        for writer in self.writers:
            try:
                writer.finish()
            except EncodingError as error:
                errors.append(str(error))
        if errors:
            raise EncodingError("\n".join(errors))

    def __exit__(self, *reason: object) -> None:
        for writer in self.writers:
            writer.abort()


def writer_of(job: Job, frame_size: tuple[int, int]) -> Writer:
    """The job's writer, not yet started; frames are scaled to the output's width, if it has one."""
    width, height = frame_size
    if job.output.width:
        width, height = job.output.width, max(1, round(height * job.output.width / width))
    return open_writer(job.path, width=width, height=height, fps=job.fps, **job.settings)


def frames(
    preset: Preset | str | Path,
    start: int = 0,
    stop: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
) -> Iterator[np.ndarray]:
    """Frames uint8 [H, W, 3] of a preset, one after the other: from `start` up to, not including, `stop`.

    A range is cut to the clip, as Python cuts slices: there are fewer frames, or none, outside it.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    scene = Scene.open(preset, pick_device(device))
    wanted = range(scene.clock.frame_count)[slice(start, stop)]
    yield from Renderer(scene, batch_size).frames(scene.moments(wanted))
