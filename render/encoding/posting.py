"""A film made to suit a place before its first frame is drawn: rate and size within the place's limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from render.encoding.base import Writer
from render.encoding.inspection import FileFacts
from render.encoding.targets import Limits
from render.encoding.video import VideoWriter
from render.timeline import nearest_gif_rate

_LEAST_GIF_RATE = 10  # frames a second: what is slower is no film any more


def suited_rate(limits: Limits, fps: Fraction, count: Callable[[Fraction], int], is_gif: bool) -> Fraction:
    """A rate that a place takes, a multiple or a part of `fps` where that is possible.

    count   how many frames the clip has at a rate

    A limit that cannot be kept, such as that of frames in a clip of an hour, is left to be complained about.
    """
    if is_gif:
        rate = fps
        while limits.max_frames and count(rate) > limits.max_frames and rate > _LEAST_GIF_RATE:
            rate = nearest_gif_rate(1 / (1 / rate + Fraction(1, 100)))
        return rate
    if limits.min_fps and fps < limits.min_fps:
        fps *= math.ceil(limits.min_fps / fps)
    if limits.max_fps and fps > limits.max_fps:
        fps /= math.ceil(fps / Fraction(limits.max_fps))
    return fps


def suited_size(limits: Limits, width: int, height: int, frames: int) -> tuple[int, int]:
    """A size in pixels that a place takes, of the same shape; even, where it is not the given one."""
    scale = min(
        1.0,
        (limits.max_width or math.inf) / width,
        (limits.max_height or math.inf) / height,
        math.sqrt((limits.max_image or math.inf) / (width * height)),
        math.sqrt((limits.max_pixels or math.inf) / (width * height * frames)),
    )
    if scale < 1:
        return _even(width * scale, math.floor), _even(height * scale, math.floor)
    scale = max((limits.min_width or 1) / width, (limits.min_height or 1) / height)
    return (
        (_even(width * scale, math.ceil), _even(height * scale, math.ceil)) if scale > 1 else (width, height)
    )


def _even(side: float, rounded: Callable[[float], int]) -> int:
    return max(2, 2 * rounded(round(side / 2, 6)))


def expected_facts(writer: Writer, frames: int) -> FileFacts:
    """What a file that is still to be made will say of itself; it takes no bytes yet."""
    is_coded = isinstance(writer, VideoWriter)
    width, height = writer.coded_size if is_coded else (writer.width, writer.height)
    return FileFacts(
        container=writer.path.suffix.lower().lstrip("."),
        codec=writer.codec.name if is_coded else "gif",
        pixels=writer.pixels if is_coded else "pal8",
        width=width,
        height=height,
        frames=frames,
        fps=writer.fps,
        size=0,
        index_first=True,
        edit_list=False,
        alpha=writer.transparent or not is_coded,
    )
