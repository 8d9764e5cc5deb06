"""Encoders in hardware: which there are, and whether one works here, found out by encoding a few frames.

Source: `ffmpeg -h encoder=NAME`, for the options and their ranges.
"""

from __future__ import annotations

import functools
import os
import subprocess
import warnings
from fractions import Fraction

from render.encoding.codecs import PROBE_SECONDS, Codec, Encoder, encoder_of, ffmpeg_path, listed
from render.encoding.listener import reason_in
from render.errors import BlendreelWarning

# The families, in the order in which `auto` tries them.
FAMILIES = ("nvenc", "videotoolbox", "qsv", "amf", "vaapi")
ENCODERS = ("software", "auto", *FAMILIES)
PROBE_FRAMES = 5
_ABSENT = "not in this ffmpeg"

_NV = ("nv12", "p010le")
_P = [f"p{number}" for number in (1, 1, 1, 2, 3, 4, 5, 6, 7, 7)]
_QSV_SPEEDS = (*("veryfast",) * 3, "faster", "fast", "medium", "slow", "slower", *("veryslow",) * 2)
_AMF_SPEEDS = (*("speed",) * 4, *("balanced",) * 2, *("quality",) * 4)


def _scaled(share: float, least: int, most: int) -> str:
    """A share of a codec's range of crf as a whole number of an encoder's own range."""
    return str(max(least, round(share * most)))


def _nvenc(codec: str) -> Encoder:
    def quality(crf: float, share: float) -> tuple[str, ...]:
        return "-rc", "vbr", "-cq", f"{max(crf, 1):g}", "-b:v", "0"  # 0 would mean: as you like

    extra = ("-tune", "hq", "-spatial-aq", "1")
    return Encoder(f"{codec}_nvenc", "-preset", tuple(_P), extra, quality, ("yuv420p", "p010le"))


def _videotoolbox(codec: str) -> Encoder:
    def quality(crf: float, share: float) -> tuple[str, ...]:
        return "-q:v", str(max(1, round(100 * (1 - share))))

    return Encoder(f"{codec}_videotoolbox", quality=quality, pixels=_NV)


def _qsv(codec: str) -> Encoder:
    def quality(crf: float, share: float) -> tuple[str, ...]:
        return "-global_quality", _scaled(share, 1, 51)

    return Encoder(f"{codec}_qsv", "-preset", _QSV_SPEEDS, (), quality, _NV)


def _amf(codec: str) -> Encoder:
    most = 255 if codec == "av1" else 51
    flags = ("-qp_i", "-qp_p") if codec == "hevc" else ("-qp_i", "-qp_p", "-qp_b")

    def quality(crf: float, share: float) -> tuple[str, ...]:
        return "-rc", "cqp", *(word for flag in flags for word in (flag, _scaled(share, 0, most)))

    return Encoder(f"{codec}_amf", "-quality", _AMF_SPEEDS, (), quality, _NV)


def _vaapi(codec: str) -> Encoder:
    most = 255 if codec == "av1" else 51

    def quality(crf: float, share: float) -> tuple[str, ...]:
        return "-rc_mode", "CQP", "-global_quality", _scaled(share, 1, most)

    device = ("-vaapi_device", "/dev/dri/renderD128")
    return Encoder(f"{codec}_vaapi", quality=quality, pixels=_NV, device=device, upload="hwupload")


_MAKERS = {"nvenc": _nvenc, "videotoolbox": _videotoolbox, "qsv": _qsv, "amf": _amf, "vaapi": _vaapi}
# By codec and family. Apple's has no AV1.
HARDWARE: dict[str, dict[str, Encoder]] = {
    codec: {
        family: make(codec) for family, make in _MAKERS.items() if (codec, family) != ("av1", "videotoolbox")
    }
    for codec in ("h264", "hevc", "av1")
}


def picked_encoder(
    codec: Codec, wanted: str, bits: int, size: tuple[int, int], fps: Fraction | int
) -> Encoder:
    """The encoder for a codec: in software, or one of ENCODERS in hardware if it works here.

    bits, size, fps   of the film: an encoder may take some and not others

    Where none works, that in software; a BlendreelWarning says so, once. Raises EncodingError where there is
    none either.
    """
    if wanted == "software":
        return encoder_of(codec)
    known = HARDWARE.get(codec.name, {})
    tried = [known[family] for family in FAMILIES if family in known and wanted in ("auto", family)]
    program, rate = ffmpeg_path(), str(Fraction(fps))
    reasons = {}
    for encoder in tried:
        reason = _probed(program, _changed(program), encoder, codec, bits, size, rate)
        if not reason:
            return encoder
        reasons[encoder.name] = reason
    instead = encoder_of(codec)
    _tell(f"{_complaint(codec, wanted, reasons)}; {instead.name} encodes instead")
    return instead


def _complaint(codec: Codec, wanted: str, reasons: dict[str, str]) -> str:
    """Why there is no encoder in hardware, in one line."""
    if not reasons:
        return f"encoder: {wanted}: there is none for {codec.title}"
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason != _ABSENT)
    return f"encoder: {wanted}: none works here for {codec.title} ({told or _ABSENT})"


@functools.lru_cache(maxsize=64)
def _tell(text: str) -> None:
    """Warn of something once, however many files it concerns."""
    warnings.warn(text, BlendreelWarning, stacklevel=4)


def _changed(program: str) -> int:
    try:
        return os.stat(program).st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=64)
def _probed(
    program: str, changed: int, encoder: Encoder, codec: Codec, bits: int, size: tuple[int, int], rate: str
) -> str:
    """Why an encoder does not work, found out by encoding PROBE_FRAMES into nothing; empty where it does."""
    names = listed(program)
    if names and encoder.name not in names:
        return _ABSENT
    filters = ",".join(filter(None, (f"format={codec.pixels[bits]}", encoder.intake(bits))))
    command = [
        *(program, "-hide_banner", "-loglevel", "error", "-nostats", *encoder.device),
        *("-f", "rawvideo", "-pix_fmt", "gray", "-video_size", f"{size[0]}x{size[1]}", "-framerate", rate),
        *("-i", "pipe:0", "-vf", filters, "-c:v", encoder.name, *codec.quality(encoder, None, None)),
        *(*encoder.speed("medium"), *encoder.always(size), "-f", "framecrc", "pipe:1"),
    ]
    frame = (bytes(range(256)) * (size[0] * size[1] // 256 + 1))[: size[0] * size[1]]
    try:
        done = subprocess.run(command, input=frame * PROBE_FRAMES, capture_output=True, timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it hung for {PROBE_SECONDS} seconds"
    except OSError as error:
        return error.strerror or "it cannot be run"
    packets = sum(1 for line in done.stdout.splitlines() if line[:1].isdigit())
    if done.returncode == 0 and packets == PROBE_FRAMES:
        return ""
    said = reason_in(done.stderr.decode("utf-8", "replace").splitlines())
    return said or f"it made {packets} of {PROBE_FRAMES} frames"
