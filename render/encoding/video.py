"""Video by an ffmpeg process of our own, fed with raw frames through a pipe."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from render.encoding import alpha, muxers
from render.encoding.audio import Audio, add_sound
from render.encoding.base import Writer
from render.encoding.claim import fresh, sound_part_of
from render.encoding.codecs import CODECS, SPEEDS, Codec, Encoder, ffmpeg_path, raw_pixels
from render.encoding.conversion import ONE_THREAD, PLANES, TAGGED, colour_filter
from render.encoding.feeder import Feeder
from render.encoding.hardware import ENCODERS, picked_encoder
from render.encoding.listener import Listener, ending
from render.encoding.tags import Tags, metadata_file
from render.errors import EncodingError
from render.pixels import Planes, colours_spread, whole_levels

EXIT_SECONDS = 10  # how long an ffmpeg that has closed its input may take to say why

_STEPS = {"yuv420p": (2, 2), "yuva420p": (2, 2), "yuv422p": (2, 1)}  # columns and rows that share a colour
_BITRATE = re.compile(r"^\d+(\.\d+)?[kM]?$")


@dataclass(frozen=True)
class VideoSettings:
    """How to encode.

    codec    one that the container takes; empty for its usual one
    crf      quality, from 0 (best) to the codec's worst, such as 51; None for the codec's usual one
    bitrate  bits a second instead of a quality: `5M`, `800k`
    preset   how long the encoder thinks, in x264's words, from ultrafast to placebo
    bits     a channel; None for 8, or for frames of more as many as the codec is made for
    dither   whether frames of more bits than the file are dithered, so that slow gradients show no bands; not
             where the quality is too low to keep the dots
    threads  0 lets the encoder choose
    audio    the sound to it
    encoder  software; auto for a hardware encoder that works here; or one family of them, such as nvenc
    """

    codec: str = ""
    crf: float | None = None
    bitrate: str | None = None
    preset: str = "medium"
    bits: int | None = None
    dither: bool = True
    threads: int = 0
    audio: Audio | None = None
    encoder: str = "software"

    def __post_init__(self) -> None:
        if self.codec and self.codec not in CODECS:
            raise EncodingError(f"codec is {self.codec!r}; choose one of {', '.join(CODECS)}")
        if self.crf is not None and (type(self.crf) not in (int, float) or not self.crf >= 0):
            raise EncodingError(f"crf is {self.crf!r}; it runs from 0 (best) to 51 (worst)")
        if self.bitrate is not None and not _BITRATE.match(str(self.bitrate)):
            raise EncodingError(f"bitrate is {self.bitrate!r}; give bits a second, such as 5M or 800k")
        if self.preset not in SPEEDS:
            raise EncodingError(f"preset is {self.preset!r}; choose one of {', '.join(SPEEDS)}")
        if self.encoder not in ENCODERS:
            raise EncodingError(f"encoder is {self.encoder!r}; choose one of {', '.join(ENCODERS)}")
        if type(self.threads) is not int or self.threads < 0:
            raise EncodingError(f"threads is {self.threads!r}; give a whole number, 0 for as many as suit")
        if self.crf is not None and self.bitrate is not None:
            raise EncodingError("crf and bitrate are both given; crf asks for a quality, bitrate for a size")


class VideoWriter(Writer):
    """Feeds ffmpeg from a thread; no more than a few frames wait in memory.

    Where several pixels share a colour, as in most video, a size that is no multiple of theirs repeats its
    last column or row.

    codecs, clear_codecs  that this kind of file holds, and those of them that keep alpha; the first is usual
    film                  width, height, fps and the rest, as `Writer` takes them
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        settings: VideoSettings | None = None,
        muxer: str = "mp4",
        codecs: tuple[str, ...] = ("h264",),
        clear_codecs: tuple[str, ...] = (),
        **film: Any,
    ) -> None:
        super().__init__(path, **film)
        self.settings, self.muxer = settings or VideoSettings(), muxer
        self.codec = self._picked_codec(codecs, clear_codecs)
        self._check_quality()
        formats = self.codec.clear if self.transparent else self.codec.pixels
        is_deep = self.dtype != "uint8"
        usual = self.codec.deep_bits if is_deep or len(formats) == 1 else 8
        self.bits = self.settings.bits or usual
        if self.bits not in formats:
            known = ", ".join(str(bits) for bits in formats)
            title = self.codec.title + " with transparency" * self.transparent
            raise EncodingError(f"{self.path}: bits is {self.bits}; {title} has {known} a channel")
        self.pixels = formats[self.bits]
        # To more than 8 bits, and to 8 where there is something to dither, frames go with 16; and always with
        # alpha, since from 8 bits to 16 ffmpeg makes white a little grey.
        self._pipe_bits = self.depth if is_deep or self.bits > 8 or self.transparent else 8
        columns, rows = _STEPS.get(self.pixels.removesuffix("10le"), (1, 1))
        self._padding = ((0, -self.height % rows), (0, -self.width % columns), (0, 0))
        self._check_size()
        self._takes_planes = False
        self._process: subprocess.Popen[bytes] | None = None
        self._tags_file = ""  # that ffmpeg reads the tags from
        self._listener: Listener | None = None
        self._feeder: Feeder[bytes] | None = None

    def _picked_codec(self, codecs: tuple[str, ...], clear: tuple[str, ...]) -> Codec:
        """The codec that is asked for, or the usual one; for transparent frames one of `clear`."""
        usual = clear if self.transparent and clear else codecs
        name = self.settings.codec or usual[0]
        if name not in codecs:
            known = ", ".join(codecs)
            raise EncodingError(f"{self.path}: this kind of file cannot hold {name}; choose one of {known}")
        if self.transparent and name not in clear:
            here = f"{' or '.join(clear)} does" if clear else "no codec does"
            raise EncodingError(
                f"{self.path}: {CODECS[name].title} holds no transparency; in this kind of file {here}"
            )
        return CODECS[name]

    def _check_quality(self) -> None:
        crf, title = self.settings.crf, self.codec.title
        if crf is not None and crf > self.codec.max_crf:
            worst = f"it runs from 0 (best) to {self.codec.max_crf} (worst)"
            text = worst if self.codec.max_crf else "it has one quality only, so leave crf out"
            raise EncodingError(f"{self.path}: crf is {crf} for {title}; {text}")
        if self.settings.bitrate is not None and (not self.codec.max_crf or self.codec.name == "webp"):
            raise EncodingError(f"{self.path}: {title} has no bitrate to choose")

    def _check_size(self) -> None:
        least, most = self.codec.sides
        if not least <= min(self.coded_size) <= max(self.coded_size) <= most:
            found = "{} × {}".format(*self.coded_size)
            room = f"{self.codec.title} takes pictures of {least} to {most:,} pixels a side"
            raise EncodingError(f"{self.path}: {room}, not {found}")

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the pictures in the file, with what is repeated."""
        return self.width + self._padding[1][1], self.height + self._padding[0][1]

    @property
    def depth(self) -> int:
        return 16 if self.bits > 8 or not self.codec.is_rgb else 8

    @property
    def encoder(self) -> Encoder:
        """The one of ffmpeg's encoders that this machine takes; one in hardware is tried first."""
        return picked_encoder(self.codec, self.settings.encoder, self.bits, self.coded_size, self.fps)

    def command(self) -> list[str]:
        """The whole ffmpeg command line."""
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        size = "{}x{}".format(*self.coded_size)
        encoder = self.encoder
        raw = PLANES if self._takes_planes else raw_pixels(self._pipe_bits, self.transparent)
        return [
            *(
                ffmpeg_path(),
                "-hide_banner",
                "-nostdin",
                "-loglevel",
                "error",
                "-nostats",
                "-progress",
                "pipe:2",
                *ONE_THREAD,
            ),
            *encoder.device,
            *("-f", "rawvideo", "-pix_fmt", raw, "-video_size", size, "-framerate", rate, "-i", "pipe:0"),
            *self.tag_options(),
            *("-an", "-fps_mode", "passthrough"),
            *self._encoding_options(encoder),
            *self.letters(),
            *muxers.options(self.muxer, self.fps),
            *("-f", self.muxer, "-y", f"file:{self._target()}"),
        ]

    def _encoding_options(self, encoder: Encoder) -> list[str]:
        """The options from the filters to the encoder; in an AVIF alpha is a film of its own."""
        settings = self.settings
        if self.transparent and self.muxer == "avif":
            return alpha.options(self, encoder, self._filters(encoder))
        return [
            *("-vf", self._filters(encoder), "-c:v", encoder.name),
            *self.codec.quality(encoder, settings.crf, settings.bitrate),
            *encoder.speed(settings.preset),
            *encoder.always(self.coded_size),
            # Alpha would be lost in pictures that are never shown.
            *(("-auto-alt-ref", "0") if self.transparent and self.codec.name == "vp9" else ()),
            *("-threads", str(settings.threads)),
        ]

    def tag_options(self) -> list[str]:
        """The options for title and comment, after those of the input with the pictures."""
        if not self._tags_file:
            return []
        return ["-f", "ffmetadata", "-i", f"file:{self._tags_file}", "-map", "0:v:0", "-map_metadata", "1"]

    def letters(self) -> list[str]:
        """The option for the four letters that players look for."""
        return ["-tag:v", self.codec.tag] if self.codec.tag and self.muxer in ("mp4", "mov") else []

    def _check_sound(self) -> None:
        try:
            if self.settings.audio:
                self.settings.audio.check(self.muxer)
        except EncodingError as error:
            raise EncodingError(f"{self.path}: {error}") from None

    def _add_sound(self) -> None:
        """Put the sound beside the pictures of the part file."""
        with_sound = sound_part_of(self.path)
        seconds = self.frames_written / self.fps
        try:
            fresh(with_sound)
            add_sound(
                self.part_path,
                self.settings.audio,
                with_sound,
                seconds=seconds,
                muxer=self.muxer,
                fps=self.fps,
            )
            os.replace(with_sound, self.part_path)
        except OSError as error:
            raise EncodingError(f"{self.path}: cannot be written: {error.strerror}") from error
        finally:
            with_sound.unlink(missing_ok=True)

    def _target(self) -> str:
        """The name ffmpeg writes to."""
        return str(self.part_path)

    @property
    def _is_dithered(self) -> bool:
        """Whether frames are dithered: they have more bits than the file, which keeps the dots."""
        return self._pipe_bits > self.bits and self._may_dither

    @property
    def _may_dither(self) -> bool:
        crf = self.settings.crf
        return self.settings.dither and (crf is None or crf <= self.codec.dithered)

    @property
    def wanted_planes(self) -> Planes | None:
        """How frames may come as what the file stores; None where they are changed on their way."""
        is_padded = any(step for axis in self._padding for step in axis)
        if self.pixels != PLANES or self.framing or is_padded:
            return None
        return Planes(self._may_dither)

    def take_planes(self) -> None:
        """Before the start: frames come as `wanted_planes` makes them."""
        self._takes_planes = True

    @property
    def frame_shape(self) -> tuple[int, ...]:
        usual = super().frame_shape
        return (self.frame_height * 3 // 2, self.frame_width) if self._takes_planes else usual

    def _filters(self, encoder: Encoder) -> str:
        """All that happens to a frame on its way to the encoder."""
        colours = self._colour_filter()
        if self.pixels.startswith("yuva"):
            colours = alpha.merged(colours, self.pixels, TAGGED)
        return ",".join(filter(None, (colours, encoder.intake(self.bits))))

    def _colour_filter(self) -> str:
        if self.codec.is_rgb:
            return f"format={self.pixels}"
        if self._takes_planes:
            return TAGGED
        return colour_filter(self.pixels.replace("yuva", "yuv"), self._is_dithered)  # alpha goes another way

    def _prepare(self) -> None:
        self._check_sound()
        try:
            if self.tags and self.muxer in muxers.WITH_TAGS:
                self._tags_file = metadata_file(self.tags)
        except OSError as error:
            raise EncodingError(f"{self.path}: no temporary file: {error.strerror}") from error

    def _begin(self) -> None:
        self._prepare()
        command = self.command()
        try:
            # A session of its own keeps Ctrl-C from reaching ffmpeg before us. Signals that Python ignores
            # stay ignored, so that a file over the size limit is an error ffmpeg names, not its death.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                restore_signals=False,
                env={**os.environ, "SVT_LOG": "1"},  # of SVT-AV1's own messages, errors only
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            raise EncodingError(f"{self.path}: {command[0]} cannot be run: {error.strerror}") from error
        self._listener = Listener(self._process.stderr)
        self._feeder = Feeder(self._pipe, name="ffmpeg-input")

    def _put(self, frame: np.ndarray) -> None:
        if self._takes_planes:
            self._feeder.put(frame.tobytes())
            return
        frame = whole_levels(frame, self._pipe_bits)
        if self.transparent and not self.codec.lossless:
            frame = colours_spread(frame)
            if self.codec.name == "webp":
                frame = alpha.coarser(frame, self.settings.crf)
        if self._padding[0][1] or self._padding[1][1]:
            frame = np.pad(frame, self._padding, mode="edge")
        self._feeder.put(frame.tobytes())

    def _pipe(self, pixels: bytes) -> None:
        """Push one frame into ffmpeg; runs in the feeder's thread."""
        rest = memoryview(pixels)
        try:
            while rest:
                rest = rest[self._process.stdin.write(rest) :]
        except OSError as error:
            raise self._failure() from error

    def _end(self) -> None:
        self._feeder.close()
        with suppress(OSError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._failure()
        self._close()
        encoded = self._listener.progress.get("frame")
        if self.muxer != "webp" and encoded is not None and encoded != str(self.frames_written):
            raise EncodingError(f"{self.path}: ffmpeg wrote {encoded} of {self.frames_written} frames")

    def _complete(self) -> None:
        if self.settings.audio:
            self._add_sound()

    def _drop(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
        if self._process is not None:
            self._process.kill()  # lets go of a feeder that is stuck in the pipe
        if self._feeder is not None:
            self._feeder.join()
        self._close()

    def _sign(self, tags: Tags) -> None:
        if self.muxer not in muxers.WITH_TAGS:
            super()._sign(tags)

    def _close(self) -> None:
        """Leave no process, thread, pipe or temporary file behind."""
        if self._tags_file:
            with suppress(OSError):
                os.unlink(self._tags_file)
        if self._process is None:
            return
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        if self._listener is not None:
            self._listener.join()

    def _failure(self) -> EncodingError:
        """The error for an ffmpeg that has given up: its own words, or else how it ended."""
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._listener.join()
        return EncodingError(f"{self.path}: ffmpeg failed: {self._listener.reason() or ending(code)}")
