"""How a render's cost grows: with frames, panels and models."""

from __future__ import annotations

from render.bench.clips import open_scene, preset_of, renderer_of, saved
from render.bench.report import Figure
from render.bench.subject import Subject
from render.scene import Scene

NAMES = ("a", "b", "c", "d")
SWEEP = "{low: a, high: b, swap: [[0s, 4], [end, 16]]}"
PANELS = ("[blend]", "[low, blend]", "[low, blend, high]")


def figures(subject: Subject) -> list[Figure]:
    """Of walking latents, in time per frame, each against the first of its kind."""
    networks = {"a": subject.generator} | {
        name: subject.relative(number) for number, name in enumerate(NAMES[1:], 1)
    }
    frames = 4 if subject.is_quick or subject.is_large else 8
    with saved(networks) as folder:

        def opened(blend: str, panels: str, frames: int) -> Scene:
            text = (
                f"clip: {{duration: {frames}s, fps: 1}}\nlatents: {{seeds: [3, 14]}}\nprecision: fast\n"
                f"blend: {blend}\npanels: {panels}\n"
            )
            return open_scene(preset_of(folder, list(NAMES), text), subject)

        scenes = {
            ("frames", f"{count}"): opened(SWEEP, PANELS[0], count)
            for count in (frames, 2 * frames, 4 * frames)
        }
        scenes |= {("panels", panels): opened(SWEEP, panels, frames) for panels in PANELS}
        scenes |= {
            ("models in a moving mix", f"{count}"): opened(_mix(NAMES[:count]), PANELS[0], frames)
            for count in (2, 3, 4)
        }
        calls = {key: lambda scene=scene: _draw(scene, subject) for key, scene in scenes.items()}
        seconds = subject.measure(calls, 1)
    each = {key: taken / scenes[key].clock.frame_count for key, taken in seconds.items()}
    first = {work: taken for (work, _), taken in reversed(each.items())}
    return [
        Figure(work, path, 1, taken, share=taken / first[work], whole="the first, a frame")
        for (work, path), taken in each.items()
    ]


def _mix(names: tuple[str, ...]) -> str:
    """A mix whose first model gives way to all others alike."""
    rest = 1 / (len(names) - 1)
    shares = [f"{names[0]}: [[0s, 1], [end, 0]]"] + [
        f"{name}: [[0s, 0], [end, {rest}]]" for name in names[1:]
    ]
    return f"{{mix: {{{', '.join(shares)}}}, normalise: true}}"


def _draw(scene: Scene, subject: Subject) -> None:
    for _ in renderer_of(scene, compiled=subject.compiled).frames(scene.moments()):
        pass
