"""From a preset to files: every frame is rendered once, and goes to each output that shows it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from render import console
from render.console import in_notebook
from render.encoding import facts_of
from render.encoding.claim import clear_folders, folder_beside, writable
from render.encoding.codecs import ask_ahead
from render.errors import BlendreelWarning, EncodingError, PresetError
from render.jobs import Foretold, Job, plan
from render.layout import labels_of
from render.lettering import gaps
from render.networks.memory import keep_freed_memory
from render.panels import cut_captions
from render.preset import Preset
from render.preset.overrides import Overrides
from render.production.again import Retake, record_of
from render.production.crew import ALONE, Errand, Share
from render.production.filming import QUIET, Filming, Manner, Progress
from render.production.manifest import Plan
from render.production.notebook import Clip, Frame
from render.production.pictures import Pictures
from render.production.preparing import prepare_code
from render.production.record import Recorder, begin_sums
from render.production.segments import SEGMENT_FRAMES
from render.production.shoot import Shoot
from render.production.sinks import fitted
from render.production.workfolder import Store, held
from render.reach import default_folder
from render.renderer import Renderer, pick_device
from render.scene import Scene
from render.timeline import FASTEST_GIF, Clock, rate_text

__all__ = [
    "Clip",
    "Frame",
    "Job",
    "Manner",
    "Retake",
    "Share",
    "again",
    "frames",
    "plan",
    "record_of",
    "remake",
    "render",
    "write",
]


def render(
    preset: Preset | str | Path,
    *files: str | Path,
    out_dir: str | Path = ".",
    device: str | None = None,
    batch_size: int | None = None,
    resolution: int | None = None,
    progress: Progress | bool | None = None,
    segment_frames: int = SEGMENT_FRAMES,
    fresh: bool = False,
    allow_broken: bool = False,
    manner: Manner | None = None,
    share: Share = ALONE,
    private: bool = False,
) -> Clip:
    """Render a preset (or the file of one) to `files`, or to the outputs it names; returns their paths.

    Of numbered pictures the path is that of their folder. In a notebook what is returned plays.

    device          cuda, mps or cpu; by default the best there is
    batch_size      pictures drawn at once
    resolution      smaller pictures, for a preview
    progress        called with (frames done, frames in all) after every frame; by default there is a bar in
                    notebooks, and nothing elsewhere; False: nothing
    segment_frames  a longer film is made in segments of so many frames, which are kept beside it until it is
                    whole: the same call after an interruption goes on with them
    fresh           make everything anew, whatever an interrupted render left
    allow_broken    go on where a picture has no numbers or one colour only
    manner          how the run tells what it does, and when it stops early; instead of `progress`
    share           who draws: this process, one part of many (which makes no files, and returns none), others
    private         files say nothing of their making; otherwise each holds its preset, see `again`

    A file has its name only when it is complete. Raises PresetError, CheckpointError, BlendError,
    RenderError, EncodingError or WorkError (PartlyDoneError: segments are missing); InterruptedRender (a
    KeyboardInterrupt) where there is anything to go on with.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    jobs = plan(preset, files, out_dir)
    draws_here = share.is_alone or share.shard
    chosen = pick_device(device if draws_here else "cpu")
    if draws_here and chosen.type == "cpu":
        keep_freed_memory()  # before there are threads
    begin_sums(preset)
    ask_ahead()
    scene = Scene.open(preset, chosen)
    is_shown = progress if isinstance(progress, bool) else not (progress or manner) and in_notebook()
    options = {"batch_size": batch_size, "resolution": resolution, "allow_broken": allow_broken}
    with console.progress("rendering", not is_shown) as show:
        manner = manner or Manner(progress if callable(progress) else show)
        return Clip(write(scene, jobs, manner, segment_frames, fresh, share, private, **options))


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
        raise PresetError(f"{retake.film}: with other values it is another film; give it a name with --out")
    retake.check()
    place = out_dir if out_dir is not None else default_folder() if files else retake.folder
    preset = retake.to(map(str, files))
    if text := retake.other_precision(pick_device(options.get("device"))):
        _warn(text)
    return render(preset, out_dir=place, **retake.settings | options)


def write(
    scene: Scene,
    jobs: list[Job],
    manner: Manner = QUIET,
    segment_frames: int = SEGMENT_FRAMES,
    fresh: bool = False,
    share: Share = ALONE,
    private: bool = False,
    **options: Any,
) -> list[Path]:
    """Write the jobs of an open scene; each moment is drawn once, for all files that show it.

    What a file gives up to suit its place or its budget is told as a BlendreelWarning, and so is what the
    place will not like all the same. options: those of Renderer.
    """
    renderer = Renderer(scene, **options)
    longest = max(scene.clock.with_fps(job.fps).frame_count for job in jobs)
    if share.is_alone and prepare_code(renderer, longest, manner.tell):
        renderer = Renderer(scene, **options)
    unusual = {"resolution": options.get("resolution")} if options.get("resolution") else {}
    unusual |= {"segment_frames": segment_frames} if segment_frames != SEGMENT_FRAMES else {}
    recorder = Recorder(scene.preset, renderer.precision, unusual)
    if not private:
        jobs = [replace(job, tags=recorder.record(job.path, job.output).tags()) for job in jobs]
    _tell_captions(renderer, is_small="resolution" in unusual)
    shoot = Shoot(renderer, jobs, segment_frames)
    told = _foretold(shoot)
    shard = share.shard.name if share.shard else ""
    with (
        held((job.made for job in jobs), shard),
        Pictures([] if share.shard else jobs, renderer) as pictures,
        _stage(shoot, manner, shoot.plan(options, recorder), fresh, share) as filming,
    ):
        if not share.is_alone:
            if not share.joins:
                plan = filming.store.plan
                errand = Errand(scene.preset, jobs, options, segment_frames, plan, filming.store.folder)
                filming.fill(share, errand)
            if share.shard:
                text = "when all are, `blendreel join` with the same preset and options makes the files"
                manner.tell(f"part {shard} is drawn; {text}")
                return []
            filming.require_all()
        errors = filming.draw() + filming.join() + _fit(shoot, filming, manner)
        if errors:
            raise EncodingError("\n".join(dict.fromkeys(errors)))
        beside = pictures.draw()
    _tell_limits(jobs, told)
    return [*(job.made for job in jobs), *beside]


def _tell_captions(renderer: Renderer, is_small: bool) -> None:
    """Tell which captions will not read as written; smaller pictures have less room, and need none."""
    scene, layout = renderer.scene, renderer.layout
    told = gaps(labels_of(scene.preset), layout.font)
    if layout.labels and not is_small:
        captions = scene.moment(0).captions
        told += cut_captions(layout, [renderer.picture_size] * len(captions), captions)
    for text in told:
        _warn(text)


def _foretold(shoot: Shoot) -> list[Foretold]:
    """Tell what places change and will not like, before anything is drawn; of each job."""
    told = [job.foretold(shoot.frame_size, shoot.scene.clock) for job in shoot.jobs]
    for job, each in zip(shoot.jobs, told, strict=True):
        for text in (*_slowed(job, shoot.scene.clock), *each.changes, *each.complaints.values()):
            _warn(text)
    return told


def _fit(shoot: Shoot, filming: Filming, manner: Manner) -> list[str]:
    """Make the files that have a budget, and tell what they gave up; returns what went wrong with each."""
    errors = []
    for job in shoot.jobs:
        try:
            if job.budget:
                made_of = filming.frames_at, shoot.frame_size, shoot.count, shoot.ground
                result = fitted(job, *made_of, manner.stage)
                if result.given_up:
                    _warn(str(result))
        except EncodingError as error:
            errors.append(str(error))
    return errors


def _tell_limits(jobs: list[Job], told: list[Foretold]) -> None:
    """Tell which limits of their places the finished files break, if that was not told before."""
    for job, before in zip(jobs, told, strict=True):
        if job.target:
            for limit, text in job.target.broken(facts_of(job.path)).items():
                if limit not in before.complaints:
                    _warn(f"{job.path}: {text}")


@contextmanager
def _stage(shoot: Shoot, manner: Manner, plan: Plan, fresh: bool, share: Share) -> Iterator[Filming]:
    """A run with the place for what it keeps: a store for a film of several segments, removed at success."""
    jobs = shoot.jobs
    for job in jobs if share.is_alone else ():
        clear_folders(job.made)
    with ExitStack() as stack:
        if len(shoot.segments) == 1 and share.is_alone:
            folder = None
            if any(job.budget for job in jobs):
                path = next(job.path for job in jobs if job.budget)
                with writable(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    folder = Path(stack.enter_context(folder_beside(path)))
            yield Filming(shoot, manner, None, folder)
            return
        store = Store.open(jobs[0].made, plan, fresh)
        numbers = range(len(shoot.segments))
        store.sweep(number for number in numbers if not share.shard or share.shard.owns(number))
        filming = Filming(shoot, manner, store, None)
        filming.find(share)
        if others := store.others():
            manner.tell(_about_others(others))
        try:
            yield filming
        except EncodingError as error:
            if not filming.records:
                raise
            raise EncodingError(f"{error}\n{filming.how_to_go_on()}") from None
        if not share.shard:
            store.remove()


def _about_others(others: list[Store]) -> str:
    return (
        f"segments of {len(others)} earlier render{'s' * (len(others) > 1)} with another preset or other "
        f"options stay in {others[0].folder.parent} until this one is done"
    )


def _slowed(job: Job, clock: Clock) -> Iterator[str]:
    """Tell of a GIF that cannot keep its rate."""
    asked, rate = job.output.fps or clock.fps, job.output.rate(clock.fps)
    if rate < asked and rate == FASTEST_GIF:
        yield f"{job.path}: {rate_text(rate)} frames a second instead of {rate_text(asked)}; no GIF has more"


def _warn(text: str) -> None:
    warnings.warn(text, BlendreelWarning, stacklevel=3)


def frames(
    preset: Preset | str | Path,
    start: int = 0,
    stop: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    bits: int = 8,
    transparent: bool = False,
) -> Iterator[Frame]:
    """Frames uint8 [H, W, 3] of a preset, one after the other: from `start` up to, not including, `stop`.

    They are arrays that a notebook shows as pictures. With `bits=16` they are uint16, and white is 65,535.
    With `transparent=True` they are [H, W, 4] with straight alpha; PresetError where the networks draw none.

    A range is cut to the clip, as Python cuts slices: there are fewer frames, or none, outside it. All files
    are opened at once, before the first frame is asked for.
    """
    preset = preset if isinstance(preset, Preset) else Preset.load(preset)
    scene = Scene.open(preset, pick_device(device))
    wanted = range(scene.clock.frame_count)[slice(start, stop)]
    renderer = Renderer(scene, batch_size, bits=bits, transparent=transparent)
    return (frame.view(Frame) for frame in renderer.frames(scene.moments(wanted)))
