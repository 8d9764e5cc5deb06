"""Frames RGBA on their way through ffmpeg: colours and alpha go apart, and in an AVIF stay apart.

Where a filter sees both, it weighs colours by alpha, and what is transparent comes out black: where pixels
share their colours, edges would be dark. Sources: AOM, "AV1 Image File Format (AVIF)", on auxiliary image
sequences; ffmpeg's documentation of its filters and of that muxer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from render.encoding.codecs import ALPHA_AV1, Encoder, ffmpeg_path, listed
from render.errors import EncodingError

if TYPE_CHECKING:
    from render.encoding.video import VideoWriter

_FINER = 2  # by how much crf is smaller than that of the colours: an edge shows every step of alpha
_USUAL_CRF = 24
_WHOLE_ALPHA = 70  # of 100: up to this quality of a WebP its alpha has fewer levels


def parted(colours: str, gray: str) -> str:
    """A graph from frames RGBA to [c], made by the filters `colours`, and [a], alpha made by `gray`."""
    # From packed pixels: ffmpeg 9 damages rows on the way from gbrap16le to gbrp16le.
    return (
        f"split[colours][clear];[colours]format=gbrp16le,{colours}[c];"
        f"[clear]format=gbrap16le,alphaextract,{gray}[a]"
    )


def merged(colours: str, pixels: str, tags: str) -> str:
    """The same, put together again as `pixels`, three planes of colours and alpha; `tags` says what they are.

    Alpha has its whole range, and so the colours are said to have theirs: otherwise ffmpeg squeezes it. From
    16 bits to 10 it is exact only between formats of colours.
    """
    whole, gray = (
        f"{colours},setparams=range=pc",
        f"format=yuv444p16le,format={pixels.replace('yuva', 'yuv')}",
    )
    return f"{parted(whole, gray)};[c][a]mergeplanes=0x00010210:{pixels},{tags}"


def coarser(frame: np.ndarray, crf: float | None) -> np.ndarray:
    """A frame uint8 RGBA for WebP, whose alpha has fewer levels from crf 30 on: from 16 at 30 to 2 at 100.

    ffmpeg has libwebp keep alpha without loss at any quality, so that soft edges take most of the file. These
    are the levels that libwebp itself would take.
    """
    quality = 100 - (crf or 0)
    if quality > _WHOLE_ALPHA:
        return frame
    steps = 1 + int(quality) // 5
    levels = np.rint(np.rint(np.arange(256) * (steps / 255)) * (255 / steps)).astype(np.uint8)
    frame = frame.copy()
    frame[..., 3] = levels[frame[..., 3]]
    return frame


def options(film: VideoWriter, encoder: Encoder, colours: str) -> list[str]:
    """ffmpeg's options for the two films that an AVIF is.

    encoder  of the colours
    colours  the filters that bring frames RGB to it

    Raises EncodingError where the ffmpeg at hand cannot encode alpha.
    """
    known, settings = listed(ffmpeg_path()), film.settings
    if known and ALPHA_AV1.name not in known:
        raise EncodingError(
            f"{film.path}: the ffmpeg at hand has no encoder for the transparency of an AVIF "
            f"({ALPHA_AV1.name}); WebP, APNG and WebM hold it, too"
        )
    crf = (_USUAL_CRF if settings.crf is None else settings.crf) / _FINER
    first = [
        *film.codec.quality(encoder, settings.crf, settings.bitrate),
        *encoder.speed(settings.preset),
        *encoder.always(film.coded_size),
    ]
    second = [
        *film.codec.quality(ALPHA_AV1, crf, None),
        *ALPHA_AV1.speed(settings.preset),
        *ALPHA_AV1.always(film.coded_size),
    ]
    graph = parted(colours, "format=gray10le" if film.bits > 8 else "format=gray")
    return [
        *("-filter_complex", f"[0:v]{graph}", "-map", "[c]", "-map", "[a]"),
        *("-c:v:0", encoder.name, *_of_film(0, first), "-c:v:1", ALPHA_AV1.name, *_of_film(1, second)),
        *("-threads", str(settings.threads)),
    ]


def _of_film(number: int, words: list[str]) -> list[str]:
    """Options and values in turn, each option for one film only."""
    names = [f"{name.removesuffix(':v')}:v:{number}" for name in words[::2]]
    return [word for pair in zip(names, words[1::2], strict=True) for word in pair]
