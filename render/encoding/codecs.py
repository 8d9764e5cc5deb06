"""The codecs: what ffmpeg calls their encoders, what quality and speed mean to each, and their pixels.

Sources: ffmpeg's documentation of its encoders; the Alliance for Open Media's and Apple's recommendations for
10 bits and for ProRes.
"""

from __future__ import annotations

import functools
import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import imageio_ffmpeg

from render.encoding.listener import ending
from render.errors import EncodingError

SPEEDS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
PROBE_SECONDS = 20
NARROW = 64  # pixels

Quality = Callable[[float, float], tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Encoder:
    """One of ffmpeg's encoders.

    speeds   what it takes for each of SPEEDS, in that order, after `speed_flag`; empty: it has no such choice
    extra    options that are always given
    quality  from a crf, and its share of the codec's range (0 to 1), to options
    pixels   the formats of 8 and of 10 bits that it wants to be given; empty: the codec's own
    device   options before the input: what it runs on
    upload   a last filter, which takes the frames there
    narrow   options for pictures of a side below 64 pixels, instead of `extra`
    """

    name: str
    speed_flag: str = ""
    speeds: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    quality: Quality = lambda crf, share: ("-crf", f"{crf:g}")
    pixels: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    upload: str = ""
    narrow: tuple[str, ...] = ()

    def speed(self, preset: str) -> list[str]:
        """The options for a speed."""
        return [self.speed_flag, self.speeds[SPEEDS.index(preset)]] if self.speeds else []

    def always(self, size: tuple[int, int]) -> tuple[str, ...]:
        """The options for pictures of a width and height, whatever their quality."""
        return self.narrow if self.narrow and min(size) < NARROW else self.extra

    def intake(self, bits: int) -> str:
        """The filters that bring frames of the codec's pixel format to it; empty where there are none."""
        wanted = f"format={self.pixels[bits > 8]}" if self.pixels else ""
        return ",".join(filter(None, (wanted, self.upload)))


def _numbers(*values: int) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _free_crf(crf: float, share: float) -> tuple[str, ...]:
    """Without the zero, these take crf as a limit to a bitrate of their own."""
    return "-crf", f"{crf:g}", "-b:v", "0"


_SVT_AV1 = Encoder("libsvtav1", "-preset", _numbers(12, 11, 10, 9, 8, 6, 5, 4, 3, 2), quality=_free_crf)
_AOM_AV1 = Encoder(
    *("libaom-av1", "-cpu-used", _numbers(8, 8, 8, 7, 6, 5, 4, 3, 2, 1), ("-row-mt", "1")), quality=_free_crf
)
# Of the film that alpha is in an AVIF: it has one channel, which SVT-AV1 cannot encode.
ALPHA_AV1 = _AOM_AV1
_VP9 = Encoder(
    "libvpx-vp9",
    "-cpu-used",
    _numbers(8, 6, 5, 4, 3, 2, 1, 1, 0, 0),
    ("-deadline", "good", "-row-mt", "1", "-auto-alt-ref", "1", "-lag-in-frames", "25"),
    quality=_free_crf,
)
_X264 = Encoder("libx264", "-preset", SPEEDS)
_WEBP = Encoder("libwebp_anim", quality=lambda crf, share: ("-quality", f"{100 - crf:g}"))
# Every key frame begins anew, as Instagram asks; x265 would let pictures refer to those before it.
_X265_PARAMS = "log-level=none:open-gop=0"
_X265 = Encoder(
    "libx265",
    "-preset",
    SPEEDS,
    ("-x265-params", _X265_PARAMS),
    # Its fast code for 10 bits writes past the end of rows of 33 to 55 pixels.
    narrow=("-x265-params", f"{_X265_PARAMS}:asm=0"),
)


@dataclass(frozen=True, eq=False)
class Codec:
    """A way to store moving pictures.

    title       its name for people
    encoders    those that can make it, the best first
    pixels      pixel format for each number of bits a channel
    clear       the same for pictures with alpha; empty where it has none
    deep_bits   bits used for frames of more than 8 bits, unless asked otherwise
    max_crf     the worst quality; 0 where quality is not a matter of crf
    crf         the quality used unless asked otherwise
    dithered    the worst quality in which the dots of a dither survive; samples.banding measures that
    sides       the least and the most pixels of a width or height
    tag         four letters that players look for in MP4 and MOV
    lossless    it keeps every pixel
    """

    name: str
    title: str
    encoders: tuple[Encoder, ...]
    pixels: dict[int, str]
    deep_bits: int = 8
    max_crf: float = 0
    crf: float = 0
    sides: tuple[int, int] = (1, 65_535)
    dithered: float = 0
    tag: str = ""
    lossless: bool = False
    clear: dict[int, str] = field(default_factory=dict)

    @property
    def is_rgb(self) -> bool:
        """Whether it stores red, green and blue, so that no colours are converted."""
        return not any(pixel.startswith("yuv") for pixel in self.pixels.values())

    def quality(self, encoder: Encoder, crf: float | None, bitrate: str | None) -> list[str]:
        """One of its encoders' options for a quality, or for a number of bits a second."""
        if bitrate is not None:
            return ["-b:v", bitrate]
        if not self.max_crf:
            return []
        crf = self.crf if crf is None else crf
        return list(encoder.quality(crf, crf / self.max_crf))


CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("h264", "H.264", (_X264,), {8: "yuv420p"}, 8, 51, 17, (2, 16_384), 18),
        Codec(
            *("hevc", "HEVC", (_X265,), {8: "yuv420p", 10: "yuv420p10le"}, 10, 51, 20),
            sides=(16, 16_384),
            dithered=24,
            tag="hvc1",
        ),
        Codec(
            "av1",
            "AV1",
            (_SVT_AV1, _AOM_AV1),
            {8: "yuv420p", 10: "yuv420p10le"},
            10,
            63,
            24,
            (16, 16_384),
            34,
            clear={8: "yuv420p", 10: "yuv420p10le"},  # alpha is a film of its own, see alpha.py
        ),
        Codec(
            *("vp9", "VP9", (_VP9,), {8: "yuv420p", 10: "yuv420p10le"}, 8, 63, 24),
            dithered=40,
            clear={8: "yuva420p"},
        ),
        Codec(
            *("prores", "ProRes 422 HQ"),
            (Encoder("prores_ks", extra=("-profile:v", "3", "-vendor", "apl0")),),
            {10: "yuv422p10le"},
            deep_bits=10,
        ),
        Codec(
            *("prores4444", "ProRes 4444"),
            (Encoder("prores_ks", extra=("-profile:v", "4", "-vendor", "apl0")),),
            {10: "yuv444p10le"},
            deep_bits=10,
            clear={10: "yuva444p10le"},
        ),
        Codec(
            *("ffv1", "FFV1"),
            (Encoder("ffv1", extra=("-level", "3", "-g", "1", "-slicecrc", "1")),),
            {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"},
            deep_bits=16,
            lossless=True,
            clear={8: "bgra", 10: "gbrap10le", 16: "gbrap16le"},
        ),
        Codec(
            *("webp", "animated WebP", (_WEBP,), {8: "bgra"}, 8, 100, 15, (1, 16_383)),
            clear={8: "bgra"},
        ),
        Codec(
            *("apng", "APNG", (Encoder("apng", extra=("-pred", "mixed")),), {8: "rgb24", 16: "rgb48be"}, 16),
            lossless=True,
            clear={8: "rgba", 16: "rgba64be"},
        ),
        Codec(
            *("png", "PNG", (Encoder("png", extra=("-pred", "mixed")),), {8: "rgb24", 16: "rgb48be"}, 16),
            lossless=True,
            clear={8: "rgba", 16: "rgba64be"},
        ),
    )
}


def raw_pixels(bits: int, transparent: bool) -> str:
    """ffmpeg's name for frames as arrays have them, of 8 or 16 bits a channel, RGB or RGBA."""
    letters = "rgba" if transparent else "rgb"
    channels = len(letters)
    return letters + {(8, 3): "24", (8, 4): "", (16, 3): "48le", (16, 4): "64le"}[bits, channels]


_ASKING = threading.Lock()


def ffmpeg_path() -> str:
    """The ffmpeg to use; EncodingError where there is none."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise EncodingError(
            "no ffmpeg was found; install the package imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to one"
        ) from error


def ffmpeg_version() -> str:
    """The version of the ffmpeg at hand, as it says itself; empty where it does not."""
    path = ffmpeg_path()
    return _version(path, os.stat(path).st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _version(program: str, changed: int) -> str:
    words = _answer(program, "-version").split()
    return words[2] if words[1:2] == ["version"] else ""


def _answer(program: str, question: str) -> str:
    """What a program prints when asked something; nothing where it refuses.

    Raises EncodingError where it never comes to an answer: half of one would be taken for all that there is,
    and a film be made in another way than the same command made it before.
    """
    asked = f"{program} was asked {question}"
    try:
        done = subprocess.run(
            [program, "-hide_banner", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
        )
    except OSError as error:
        raise EncodingError(f"{asked}, and cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise EncodingError(f"{asked}, and gave no answer in {PROBE_SECONDS} seconds") from None
    if done.returncode < 0:
        raise EncodingError(f"{asked}, and {ending(done.returncode)}")
    return done.stdout


def listed(program: str, what: str = "encoders") -> frozenset[str]:
    """The names of the encoders, or filters, that an ffmpeg says it has; none where it does not say."""
    try:
        changed = os.stat(program).st_mtime_ns
    except OSError:
        return frozenset()
    with _ASKING:  # who asks meanwhile waits for that answer
        return _listed(program, what, changed)


def ask_ahead() -> threading.Thread:
    """Ask ffmpeg in a thread what it has: a tenth of a second, which passes while networks are opened."""

    def ask() -> None:
        with suppress(EncodingError):  # told by who needs it
            for what in ("encoders", "filters"):
                listed(ffmpeg_path(), what)

    asking = threading.Thread(target=ask, name="ffmpeg-asked", daemon=True)
    asking.start()
    return asking


@functools.lru_cache(maxsize=8)
def _listed(program: str, what: str, changed: int) -> frozenset[str]:
    shown = _answer(program, f"-{what}")
    # ` V....D libx264   H.264 …`: flags, a name, a title.
    fields = (line.split() for line in shown.splitlines())
    return frozenset(words[1] for words in fields if len(words) > 2 and words[1] != "=")


def encoder_of(codec: Codec) -> Encoder:
    """The best encoder of a codec that the ffmpeg at hand has.

    Raises EncodingError that names what it has instead. An ffmpeg that does not say what it has is believed
    to have everything, and complains itself later.
    """
    known = listed(ffmpeg_path())
    for encoder in codec.encoders:
        if not known or encoder.name in known:
            return encoder
    able = [other.title for other in CODECS.values() if any(each.name in known for each in other.encoders)]
    names = " or ".join(encoder.name for encoder in codec.encoders)
    raise EncodingError(
        f"the ffmpeg at hand has no encoder for {codec.title} ({names}); it can write {', '.join(able)}. "
        "A newer imageio-ffmpeg may have it"
    )
