"""The sounds that a preset names: what they are, what is wrong, and what may not be meant. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from render.errors import EncodingError
from render.preset import Preset, Sound, VideoOutput
from render.preset.mistakes import Place, place_text

from .words import number_text, seconds_text

if TYPE_CHECKING:
    from render.encoding.sounds import SoundFacts

_NEAR = 0.05  # seconds: compressed sounds say their length no more exactly


@dataclass
class FoundSounds:
    """What was found: the clip's sound in words, if it has one, mistakes and warnings, located."""

    text: str | None = None
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find_sounds(preset: Preset) -> FoundSounds:
    """Look at every sound of a preset as far as its header."""
    found, clock, sounds = FoundSounds(), preset.clock, list(_sounds(preset))
    if sounds:
        from render.encoding.sounds import sound_facts  # NumPy and more, which other presets do without
    for place, sound in sounds:
        where = place_text(place)
        start, fade = sound.seconds(clock)
        path = sound.resolved(preset.base_dir)
        try:
            facts = sound_facts(path)
        except EncodingError as error:
            found.mistakes.append(f"{where}: {str(error).replace(str(path), sound.file)}")
            continue
        if place == ("clip", "audio"):
            found.text = _text(sound, facts, start, fade)
        if facts.seconds is None:
            continue
        rest = facts.seconds - float(start)
        if rest <= 0:
            end = seconds_text(facts.seconds)
            text = f"the clip begins at {seconds_text(start)} of {sound.file}, which ends at {end}"
            found.mistakes.append(f"{where}: {text}")
        elif rest < clock.duration - _NEAR:
            text = f"{sound.file} ends after {seconds_text(rest)} of the clip, and what follows is silent"
            found.warnings.append(f"{where}: {text}")
    return found


def _sounds(preset: Preset) -> Iterator[tuple[Place, Sound]]:
    if preset.clip.audio:
        yield ("clip", "audio"), preset.clip.audio
    for index, output in enumerate(preset.outputs):
        if isinstance(output, VideoOutput) and output.audio:
            yield ("outputs", index, "audio"), output.audio


def _text(sound: Sound, facts: SoundFacts, start: Fraction, fade: Fraction) -> str:
    """`song.mp3 from 10 s, fades out over 1 s · 3:20 min · mp3, 44.1 kHz, stereo`."""
    part = f" from {seconds_text(start)}" if start else ""
    part += f", fades out over {seconds_text(fade)}" if fade else ""
    length = [seconds_text(facts.seconds)] if facts.seconds is not None else []
    kind = f"{facts.codec}, {number_text(facts.rate / 1000)} kHz, {facts.channels}"
    return " · ".join([f"{sound.file}{part}", *length, kind])
