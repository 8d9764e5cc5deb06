"""What ffmpeg's containers are told, so that files start at 0, keep their rate and play on the web."""

from __future__ import annotations

from fractions import Fraction

MIN_TIMESCALE = 10_000  # ticks a second; a frame always lasts a whole number of them

# {ticks} is the timescale, {frame} how many seconds a frame lasts. No edit list and a first frame at 0:
# some players and sites insist on both.
_QUICKTIME = (
    *("-movflags", "+faststart+negative_cts_offsets", "-use_editlist", "0"),
    *("-video_track_timescale", "{ticks}", "-movie_timescale", "{ticks}"),
)
WITH_TAGS = ("mp4", "mov", "webm", "matroska")  # whose title and comment ffmpeg writes
OPTIONS: dict[str, tuple[str, ...]] = {
    "mp4": _QUICKTIME,
    # QuickTime's older tags hold 64 kB at most.
    "mov": tuple(each.replace("+faststart", "+use_metadata_tags+faststart") for each in _QUICKTIME),
    # Without it, every file gets a random number: the same frames would never give the same bytes.
    "webm": ("-cues_to_front", "1", "-fflags", "+bitexact"),
    "matroska": ("-fflags", "+bitexact"),
    "webp": ("-loop", "0"),
    "apng": ("-plays", "0", "-final_delay", "{frame}"),
    "avif": ("-loop", "0", "-movie_timescale", "{ticks}"),
    "image2": ("-start_number", "0"),
    "nut": (),  # of pieces; see joining.py
}


def options(muxer: str, fps: Fraction) -> list[str]:
    """The options for a container whose frames come at `fps`."""
    frame = f"{fps.denominator}/{fps.numerator}"
    return [option.format(ticks=timescale(fps), frame=frame) for option in OPTIONS[muxer]]


def timescale(fps: Fraction) -> int:
    """Ticks a second such that one frame is a whole number of ticks."""
    ticks = fps.numerator
    while ticks < MIN_TIMESCALE:
        ticks *= 2
    return ticks
