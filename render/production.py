"""From a preset to files: every frame is rendered once, and goes to each output that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from render.encoding import Writer, open_writer
from render.errors import PresetError
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
    known = {output.file: output for output in preset.outputs}
    outputs = [known.get(str(file)) or load_output(str(file)) for file in files] or list(preset.outputs)
    if not outputs:
        raise PresetError("the preset names no outputs; name one, such as morph.mp4")
    jobs = [Job(Path(out_dir) / output.file, output, output.rate(preset.clock.fps)) for output in outputs]
    paths = [job.path.resolve() for job in jobs]
    for job, path in zip(jobs, paths, strict=True):
        if paths.count(path) > 1:
            raise PresetError(f"two outputs have the name {job.path}; each needs its own")
    return jobs


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
    """Write the jobs of an open scene. Files of one frame rate share their frames."""
    groups = {
        fps: list(group)
        for fps, group in groupby(sorted(jobs, key=lambda job: -job.fps), key=lambda job: job.fps)
    }
    scenes = {fps: scene.at_fps(fps) for fps in groups}
    total = sum(each.clock.frame_count for each in scenes.values())
    done = 0
    for fps, group in groups.items():
        renderer = Renderer(scenes[fps], batch_size, resolution)
        with ExitStack() as stack:
            sinks = [open_sink(stack, job, renderer.frame_size) for job in group]
            for frame in renderer.frames(scenes[fps].moments()):
                for sink in sinks:
                    sink.write(frame)
                done += 1
                if progress:
                    progress(done, total)
    return [job.path for job in jobs]


@dataclass
class Sink:
    """A writer, and the size its frames are brought to."""

    writer: Writer
    size: tuple[int, int]

    def write(self, frame: np.ndarray) -> None:
        if (frame.shape[1], frame.shape[0]) != self.size:
            frame = np.asarray(Image.fromarray(frame).resize(self.size, Image.Resampling.LANCZOS))
        self.writer.write(frame)


def open_sink(stack: ExitStack, job: Job, frame_size: tuple[int, int]) -> Sink:
    """Open the job's writer; frames are scaled to the output's width, if it has one."""
    width, height = frame_size
    if job.output.width:
        width, height = job.output.width, max(1, round(height * job.output.width / width))
    writer = open_writer(job.path, width=width, height=height, fps=job.fps, **job.settings)
    return Sink(stack.enter_context(writer), (width, height))


def frames(
    preset: Preset | str | Path,
    start: int = 0,
    stop: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
) -> Iterator[np.ndarray]:
    """Frames uint8 [H, W, 3] of a preset, one after the other: from `start` up to, not including, `stop`."""
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    scene = Scene.open(preset, pick_device(device))
    wanted = range(scene.clock.frame_count)[slice(start, stop)]
    yield from Renderer(scene, batch_size).frames(scene.moments(wanted))
