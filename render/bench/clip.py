"""The field's commonest clips end to end: one latent, and a swap that goes through all layers, to MP4."""

from __future__ import annotations

import os
import time
from itertools import chain
from pathlib import Path

import torch

from render.bench.clips import open_scene, preset_of, renderer_of, saved
from render.bench.report import Figure
from render.bench.subject import Subject, measure
from render.blending.blender import Blender
from render.drawing import to_frames
from render.encoding import open_writer
from render.networks.memory import returning_freed_memory
from render.preset import Preset
from render.production import render

FPS = 25
# Up once, and up and down again in a loop: half of that one's frames are the other half's.
SWEEPS = {"swap sweep": ("false", "[end, {full}]"), "there and back": ("true", "[50%, {full}], [end, 4]")}
PLAIN_EVERY = 10  # of the plain path only one frame in so many is drawn: it would take minutes


def figures(subject: Subject) -> list[Figure]:
    """From opening the networks to the finished file: plain, as `render` does it, and without a file."""
    seconds = 1 if subject.is_quick else 4 if subject.is_large else 10
    low, high = subject.family
    assert subject.paths["fast"](subject.latents(1)) is not None  # its machine code lies on disk now
    found = []
    with saved({"one": low, "other": high}) as folder:
        for name, (loop, rest) in SWEEPS.items():
            text = (
                f"clip: {{duration: {seconds}s, fps: {FPS}, loop: {loop}}}\nlatents: {{seed: 14}}\n"
                f"blend: {{low: one, high: other, swap: [[0s, 4], {rest.format(full=2 * low.resolution)}]}}\n"
                "precision: fast\npanels: [blend]\noutputs: [clip.mp4]\n"
            )
            preset = preset_of(folder, ["one", "other"], text)
            found += _sweep(f"{seconds} s of {FPS} frames/s, {name}", preset, subject, folder)
    return found


def _sweep(work: str, preset: Preset, subject: Subject, folder: Path) -> list[Figure]:
    """The film as a process's first, and once more beside what drawing alone takes then, in turns."""
    plain = _plain_seconds(preset, subject, folder)
    first = _render_seconds(preset, subject, folder)
    before, encoders = _encoders_seconds(), []

    def later() -> None:
        nonlocal before
        _render_seconds(preset, subject, folder)
        now = _encoders_seconds()
        encoders.append(now - before)
        before = now

    calls = {"alone": lambda: _drawing_seconds(preset, subject), "later": later}
    taken = measure(calls, 1 if subject.is_quick or subject.is_large else 2, subject.device)
    frames, written = preset.clock.frame_count, "fast, to MP4"
    encoding, processors = min(encoders), torch.get_num_threads() * taken["later"]
    return [
        Figure(work, f"plain, 1 frame in {PLAIN_EVERY}", 1, plain / frames, 1.0),
        Figure(work, written, 1, first / frames, plain / first, amount=frames / first, unit="frames/s"),
        Figure(
            work,
            f"{written}, again",
            1,
            taken["later"] / frames,
            plain / taken["later"],
            taken["alone"] / taken["later"],
            "frames/s without file",
            frames / taken["later"],
            "frames/s",
        ),
        # On a CPU it takes these from drawing: where that keeps all processors busy, no more than the rest of
        # the frames a second without a file can be reached.
        Figure(
            work,
            "its encoder, processors' time",
            1,
            encoding / frames,
            share=encoding / processors,
            whole="all processors' time",
        ),
    ]


def _encoders_seconds() -> float:
    """Time of processors that child processes took which have ended, in all."""
    times = os.times()
    return times.children_user + times.children_system


def _render_seconds(preset: Preset, subject: Subject, folder: Path) -> float:
    began = time.perf_counter()
    render(preset, out_dir=folder, device=str(subject.device), progress=False, allow_broken=True, fresh=True)
    return time.perf_counter() - began


def _drawing_seconds(preset: Preset, subject: Subject) -> float:
    began = time.perf_counter()
    scene = open_scene(preset, subject)
    for _ in renderer_of(scene).frames(scene.moments()):
        pass
    return time.perf_counter() - began


def _plain_seconds(preset: Preset, subject: Subject, folder: Path) -> float:
    """Mixed, drawn and written frame by frame; one frame in PLAIN_EVERY, counted for them all."""
    began = time.perf_counter()
    scene = open_scene(preset, subject)
    blender, shell = Blender(scene.blender.models, cache_bytes=0), None
    moments = scene.moments(range(0, scene.clock.frame_count, PLAIN_EVERY))
    first = next(moments)
    width, height = scene.picture_size
    with returning_freed_memory(), torch.inference_mode():
        with open_writer(folder / "plain.mp4", width=width, height=height, fps=FPS) as writer:
            started = time.perf_counter()
            for drawn, moment in enumerate(chain([first], moments), 1):  # noqa: B007
                picture = moment.pictures[0]
                shell = blender.apply(picture.blend, shell)
                ws = torch.from_numpy(picture.ws[None]).to(subject.device)
                writer.write(to_frames(shell.synthesis(ws))[0])
            drawing = time.perf_counter() - started
        ended = time.perf_counter()
    return ended - began + drawing * (scene.clock.frame_count / drawn - 1)
