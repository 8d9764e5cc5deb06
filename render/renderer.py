"""The one renderer: moments in, frames out, batched, on whatever device there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from render.curve_strip import CurveStrip
from render.errors import PresetError, RenderError
from render.networks import Generator
from render.networks.ops import to_uint8, to_uint16
from render.panels import Layout, compose, layout_of
from render.preset.motion import VARS
from render.scene import Moment, Picture, Scene
from render.soundness import faults

# Pictures drawn at once: about this many pixels, so that memory does not grow with the resolution.
PIXELS_PER_BATCH = {"cpu": 8 * 256**2, "cuda": 64 * 256**2, "mps": 16 * 256**2}
MAX_BATCH = 64


def pick_device(wanted: str | None = None) -> torch.device:
    """`wanted`, or the best there is: cuda, then mps, then cpu. Raises PresetError if it is not there.

    Of several GPUs one is named by its number, `cuda:1`.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = ["cuda"] * (cards > 0) + ["mps"] * torch.backends.mps.is_available() + ["cpu"]
    if wanted is None:
        return torch.device(found[0])
    numbered = [f"cuda:{number}" for number in range(cards)]
    if wanted not in (*found, *numbered):
        choices = ", ".join([*found, *(numbered if cards > 1 else ())])
        raise PresetError(f"there is no device {wanted!r} here; there is {choices}")
    return torch.device(wanted)


def to_frames(images: Tensor, bits: int = 8) -> np.ndarray:
    """float [N, C, H, W], nominally in [-1, 1] → uint8 [N, H, W, 3], or for 16 bits uint16; white is 65,535.

    Rounded to 8 bits, deep frames are the plain ones. Grey pictures become RGB; a fourth channel (alpha) is
    laid over black.
    """
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    elif images.shape[1] == 4:
        alpha = images[:, 3:].clamp(-1, 1) * 0.5 + 0.5
        images = (images[:, :3] + 1) * alpha - 1
    if bits == 16:
        return to_uint16(images.float()).contiguous().cpu().numpy().view(np.uint16) ^ np.uint16(0x8000)
    return to_uint8(images).contiguous().cpu().numpy()


def smaller(width: int, wanted: int) -> int:
    """The largest of `width`, half of it, a quarter … that is not above `wanted`; at least 4."""
    while width > max(wanted, 4):
        width //= 2
    return width


class Renderer:
    """Draws a scene's moments. Raises PresetError for a batch size below 1.

    batch_size  pictures drawn at once; by default as many as fit in a modest amount of memory
    resolution  draw smaller pictures, for a preview (a skip network stops early and saves the rest)
    bits        a channel of the frames: 8, or 16 for files that show more than 8 or dither
    allow_broken  draw also what is no picture: without numbers, or of one colour

    What a frame looks like depends neither on the batch nor on which frames are drawn beside it (at most
    one level in 255, from the order of float32 sums).
    """

    def __init__(
        self,
        scene: Scene,
        batch_size: int | None = None,
        resolution: int | None = None,
        bits: int = 8,
        allow_broken: bool = False,
    ):
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise PresetError(f"batch_size is a whole number of pictures from 1 on, not {batch_size!r}")
        self.scene, self.blender, self.bits = scene, scene.blender, bits
        full = scene.model.resolution
        self.resolution = full if resolution is None else smaller(full, resolution)
        # Resolutions are nominal: a picture that is not square shrinks by the same factor.
        width, height = (side * self.resolution // full for side in scene.picture_size)
        self.picture_size = width, height
        room = PIXELS_PER_BATCH.get(self.device.type, PIXELS_PER_BATCH["cpu"])
        self.batch_size = batch_size or max(1, min(MAX_BATCH, room // (width * height)))
        self._shell: Generator | None = None
        self._last: dict[tuple, np.ndarray] = {}
        self.allow_broken = allow_broken
        self._faults: dict[tuple, str] = {}

    @property
    def device(self) -> torch.device:
        return self.scene.model.mapping.w_avg.device

    @property
    def dtype(self) -> str:
        """Of the frames: uint8 or uint16."""
        return f"uint{self.bits}"

    @property
    def layout(self) -> Layout:
        """How the panels stand in a frame."""
        return layout_of(self.scene.preset)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of a frame."""
        count = sum(len(row) for row in self.scene.preset.panels.rows)
        return self.layout.size([self.picture_size] * count)

    def frames(self, moments: Iterable[Moment]) -> Iterator[np.ndarray]:
        """Frames [H, W, 3] of the moments, in their order. Memory does not grow with their number.

        Raises RenderError at a moment with a picture that no sound network draws.
        """
        moments, layout, strip = iter(moments), self.layout, self._curve_strip()
        while chunk := list(islice(moments, self.batch_size)):
            drawn = self._draw_all(picture for moment in chunk for picture in moment.pictures)
            for moment in chunk:
                self._check(moment)
                frame = compose([drawn[picture.key] for picture in moment.pictures], layout, moment.captions)
                if strip:
                    strip.draw(frame, moment.seconds)
                yield frame

    def start_afresh(self) -> None:
        """Forget what was drawn before, so that the frames of the next call are the same in every process."""
        self._last, self._faults = {}, {}

    def _check(self, moment: Moment) -> None:
        """Raises RenderError where a picture of the moment is none."""
        for panel, picture in zip(self.scene.panels, moment.pictures, strict=False):
            if fault := self._faults.get(picture.key):
                where = f"frame {moment.frame_index} ({float(moment.seconds):.3f} s)"
                raise RenderError(
                    f"{where}: the picture of {panel.show} has {fault}. A network may be broken, or a weight "
                    f"far outside 0 to 1; blendreel check PRESET --frame {moment.frame_index} tells what is "
                    "shown there, and --allow-broken goes on all the same"
                )

    def _curve_strip(self) -> CurveStrip | None:
        """The curves beneath the pictures, if the preset wants any."""
        preset, tracks = self.scene.preset, self.scene.tracks
        if not preset.panels.curves:
            return None
        known = {name.removeprefix(VARS): name for name in tracks}
        shown = {name: tracks[known[name.removeprefix(VARS)]] for name in preset.panels.curves}
        sizes = [self.picture_size] * len(self.scene.panels)
        return CurveStrip(shown, self.scene.clock, self.layout, sizes)

    def _draw_all(self, pictures: Iterable[Picture]) -> dict[tuple, np.ndarray]:
        """Every picture once: [H, W, 3] by its key, drawn in batches that share a blend."""
        wanted = {picture.key: picture for picture in pictures}
        drawn = {key: self._last[key] for key in wanted if key in self._last}
        groups: dict[tuple, list[Picture]] = {}
        for key, picture in wanted.items():
            if key not in drawn:
                is_moved = picture.transform is not None
                groups.setdefault((picture.blend, picture.noise, is_moved), []).append(picture)
        for group in groups.values():
            for start in range(0, len(group), self.batch_size):
                batch = group[start : start + self.batch_size]
                drawn |= zip([picture.key for picture in batch], self._draw(batch), strict=True)
        self._last = drawn
        return drawn

    @torch.inference_mode()
    def _draw(self, batch: list[Picture]) -> np.ndarray:
        """Pictures of one blend: [N, H, W, 3]."""
        if self._shell is None:  # a shell of its own, so that the scene's models stay as they are
            self._shell = self.blender.apply(batch[0].blend).use_shared_weights()
        self.blender.apply(batch[0].blend, into=self._shell)
        ws = torch.from_numpy(np.stack([picture.ws for picture in batch])).to(self.device)
        moved = {}
        if batch[0].transform is not None:
            moved["transform"] = torch.from_numpy(np.stack([one.transform for one in batch])).to(self.device)
        images = self._shell.synthesis(ws, noise_mode=batch[0].noise, resolution=self.resolution, **moved)
        if not self.allow_broken:
            found = zip([picture.key for picture in batch], faults(images), strict=True)
            self._faults |= {key: fault for key, fault in found if fault}
        return to_frames(images, self.bits)
