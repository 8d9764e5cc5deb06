"""Frames in, files out: MP4 and GIF, complete under their name or not there at all."""

from render.encoding.base import Writer
from render.encoding.containers import KNOWN_EXTENSIONS, Container, container_of, open_writer
from render.encoding.gif import GifSettings
from render.encoding.video import VideoSettings

__all__ = [
    "KNOWN_EXTENSIONS",
    "Container",
    "GifSettings",
    "VideoSettings",
    "Writer",
    "container_of",
    "open_writer",
]
