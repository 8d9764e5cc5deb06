"""Frames in, files out: video, GIF and pictures, complete under their name or not there at all."""

from render.encoding.audio import Audio
from render.encoding.base import Writer
from render.encoding.budget import Fitted, fit
from render.encoding.containers import KNOWN_EXTENSIONS, Container, container_of, open_writer
from render.encoding.framing import Framing
from render.encoding.gif import GifSettings
from render.encoding.inspection import FileFacts, facts_of
from render.encoding.joining import can_join, join, piece_writer
from render.encoding.posting import expected_facts, suited_rate, suited_size
from render.encoding.spool import Spool, stored_frames
from render.encoding.tags import Tags, read_tags
from render.encoding.targets import Limits, Target, target_of, targets
from render.encoding.video import VideoSettings
from render.encoding.viewing import View, is_film, view

__all__ = [
    "KNOWN_EXTENSIONS",
    "Audio",
    "Container",
    "FileFacts",
    "Fitted",
    "Framing",
    "GifSettings",
    "Limits",
    "Spool",
    "Tags",
    "Target",
    "VideoSettings",
    "View",
    "Writer",
    "can_join",
    "container_of",
    "expected_facts",
    "facts_of",
    "fit",
    "is_film",
    "join",
    "open_writer",
    "piece_writer",
    "read_tags",
    "stored_frames",
    "suited_rate",
    "suited_size",
    "target_of",
    "targets",
    "view",
]
