"""The one renderer: moments in, frames out, batched, on whatever device there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

import numpy as np
import torch

from render.ahead import ahead
from render.chunks import Chunks
from render.curve_strip import CurveStrip
from render.drawing import Drawer, Drawn
from render.errors import PresetError, RenderError, check_whole
from render.lettering import check_font
from render.panels import Layout, color_of, compose, layout_of
from render.pixels import laid_over, whole_levels
from render.preset.formats import without_alpha
from render.preset.motion import VARS
from render.scene import Moment, Scene
from render.shelf import Shelf

PLANE_DEVICES = ("cuda",)  # which would wait for what larger frames take of the CPU


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


def smaller(width: int, wanted: int) -> int:
    """The largest of `width`, half of it, a quarter … that is not above `wanted`; at least 4."""
    while width > max(wanted, 4):
        width //= 2
    return width


class Renderer:
    """Draws a scene's moments, as exactly as its preset says (`precision`).

    batch_size  pictures drawn at once; by default as many as fit in a modest amount of memory
    resolution  draw smaller pictures, for a preview (a skip network stops early and saves the rest)
    bits        a channel of the frames: 8, or 16 for files that show more than 8 or dither
    transparent  whether frames keep the alpha of pictures, [H, W, 4]; without, pictures that have it are laid
                over the background of the panels
    allow_broken  draw also what is no picture: without numbers, or of one colour
    compiled    machine code for the networks: True compiles what lies not on disk, None uses what does

    What a frame looks like depends neither on the batch nor on which frames are drawn beside it, to the last
    bit. Pictures that the clip comes back to (holds, mirrors, rounds of a loop) are drawn once; until then
    they lie on disk, at most SHELF_BYTES of them.

    Raises PresetError: a batch size or resolution below 1, other bits than 8 or 16, or a font of captions
    that cannot be read.
    """

    def __init__(
        self,
        scene: Scene,
        batch_size: int | None = None,
        resolution: int | None = None,
        bits: int = 8,
        transparent: bool = False,
        allow_broken: bool = False,
        compiled: bool | None = None,
    ):
        _check_options(resolution, bits)
        self.scene = scene
        if self.layout.font:
            check_font(self.layout.font)
        full = scene.model.resolution
        self.resolution = full if resolution is None else smaller(full, resolution)
        # Resolutions are nominal: a picture that is not square shrinks by the same factor.
        width, height = (side * self.resolution // full for side in scene.picture_size)
        self.picture_size = width, height
        self.shelf = Shelf()
        self.has_alpha = scene.model.config.img_channels == 4
        self.bits, self.transparent = bits, transparent
        self.drawer = Drawer(
            scene.blender,
            precision=scene.preset.precision,
            batch_size=batch_size,
            resolution=self.resolution,
            bits=bits,
            transparent=self.has_alpha,
            compiled=compiled,
            allow_broken=allow_broken,
        )

    @property
    def precision(self) -> str:
        """How pictures are computed, such as `fast (bfloat16)`."""
        return self.drawer.precision

    @property
    def transparent(self) -> bool:
        """Whether frames are [H, W, 4]. May be set before the first one; PresetError: there is no alpha."""
        return self._is_transparent

    @transparent.setter
    def transparent(self, wanted: bool) -> None:
        if wanted and not self.has_alpha:
            channels = self.scene.model.config.img_channels
            raise PresetError(f"these networks draw no transparency: {without_alpha(channels)}")
        self._is_transparent = wanted

    @property
    def can_make_planes(self) -> bool:
        """Whether a GPU may make frames what video stores: each is one picture as it is."""
        width, height = self.picture_size
        is_even = not width % 2 and not height % 2
        is_plain = len(self.scene.panels) == 1 and self.frame_size == self.picture_size
        is_there = self.drawer.device.type in PLANE_DEVICES
        return is_there and is_plain and is_even and not self.has_alpha

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
        """Frames [H, W, 3], or transparent ones [H, W, 4], of the moments, in their order.

        Where the drawer makes planes, frames are such, see `render.pixels.Planes`.

        Memory does not grow with their number.

        Three things go on at once: moments are worked out, pictures are drawn, and frames are put together
        (and encoded, where they go). Of each, little waits for the next.

        Raises RenderError at a moment with a picture that no sound network draws.
        """
        layout, strip = self.layout, self._curve_strip()
        ground = color_of(layout.background)
        # Pictures with alpha have 16 bits until all that is laid over something is, whatever files want: so a
        # file does not depend on those beside it.
        self.drawer.bits = 16 if self.has_alpha else self.bits
        for moment, pictures in self._drawn(moments):
            self._check(moment, pictures)
            if self.drawer.planes:
                yield pictures[moment.pictures[0].key].array()
                continue
            arrays = [pictures[picture.key].array() for picture in moment.pictures]
            frame = compose(arrays, layout, moment.captions)
            if strip:
                strip.draw(frame, moment.seconds)
            yield whole_levels(frame if self.transparent else laid_over(frame, ground), self.bits)

    def _check(self, moment: Moment, pictures: Mapping[bytes, Drawn]) -> None:
        """Raises RenderError where a picture of the moment is none."""
        for panel, picture in zip(self.scene.panels, moment.pictures, strict=False):
            if fault := pictures[picture.key].fault:
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

    def _drawn(self, moments: Iterable[Moment]) -> Iterator[tuple[Moment, dict[bytes, Drawn]]]:
        """Every moment with its pictures by their keys."""
        known = ahead(_with_keys(moments), 2 * self.drawer.batch_size, "moments")
        chunks = Chunks(self.drawer, self.shelf).of(known)
        with closing(known), closing(ahead(chunks, 1, "drawing")) as drawn:
            for chunk, pictures in drawn:
                for moment in chunk:
                    yield moment, pictures


def _check_options(resolution: int | None, bits: int) -> None:
    if resolution is not None:
        check_whole("resolution", resolution, "pixels")
    if bits not in (8, 16):
        raise PresetError(f"bits is 8 or 16 a channel, not {bits!r}")


def _with_keys(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The moments; their pictures know their keys from here on, and whoever draws need not wait for that."""
    for moment in moments:
        for picture in moment.pictures:
            _ = picture.key
        yield moment
