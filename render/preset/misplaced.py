"""What somebody meant who wrote a key at the top of a preset that is none there: `psi`, `seeds`, `extend`."""

from __future__ import annotations

from collections.abc import Iterable

from render.timeline import did_you_mean

from .blend import Blend
from .clip import Clip
from .latents import Latents

EXTENDS = "extends"  # a key of files alone, which is gone once they are merged
_OTHER_WORDS = {
    "psi": "truncation",
    "truncation_psi": "truncation",
    "trunc": "truncation",
    "model": "models",
    "networks": "models",
    "output": "outputs",
}
_SECTIONS = {"latents": Latents, "blend": Blend, "clip": Clip}
_MEANS_EXTENDS = f"; did you mean {EXTENDS!r}?"


def meant_by(key: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown key: what was meant, or what there is."""
    word = key.strip().lower().replace("-", "_")
    if word in _OTHER_WORDS:
        return f"; did you mean {_OTHER_WORDS[word]!r}?"
    for section, part in _SECTIONS.items():
        if word in part.model_fields:
            return f"; did you mean {section}.{word}?"
    return did_you_mean(key, [EXTENDS, *known])


def means_extends(key: object, known: Iterable[str]) -> bool:
    """Whether an unknown key is a misspelt `extends`."""
    known = list(known)
    return isinstance(key, str) and key not in known and meant_by(key, known) == _MEANS_EXTENDS
