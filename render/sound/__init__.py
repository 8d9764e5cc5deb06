"""What a sound tells a timeline: how loud it is in three bands, and where its beats fall. No torch."""

from __future__ import annotations

from render.sound.beats import SoundBeats, beats_of
from render.sound.levels import BANDS, SoundLevels

__all__ = ["BANDS", "SoundBeats", "SoundLevels", "beats_of"]
