"""How ffmpeg is given a file to read: under a name it takes for nothing else, and from the disk alone.

ffmpeg takes `http:…`, `concat:…` or `-y` for other things than files, and some kinds of files, playlists, for
lists of files to open. Sources: its documentation of protocol_whitelist and format_whitelist.
"""

from __future__ import annotations

import os

# Files that hold sound and pictures themselves. Left out is what names other files: hls, concat, dash, sdp,
# image2 (patterns), imf, tedcaptions, and whatever nobody has.
FORMATS = (
    *("wav", "w64", "mp3", "flac", "ogg", "mov", "aac", "ac3", "eac3", "aiff", "caf", "au", "dts", "amr"),
    *("tta", "wv", "ape", "matroska", "avi", "asf", "flv", "mpegts", "mpeg", "nut", "gif", "apng"),
    *("png_pipe", "webp_pipe", "webp_anim", "webp", "avif"),
)


def opened(path: str | os.PathLike[str]) -> list[str]:
    """The options of ffmpeg that open a file: `-i` with what keeps it from opening anything else."""
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", ",".join(FORMATS)),
        *("-i", f"file:{os.fspath(path)}"),
    ]
