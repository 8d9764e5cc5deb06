"""Ways to mix colours that a palette lacks, by name and strength; and the one that passes errors on.

Source of that: R. W. Floyd and L. Steinberg, "An adaptive algorithm for spatial grey scale" (1976). The
code that does it is Pillow's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from render.errors import EncodingError

DITHERS = {"none": 0.0, "bayer": 0.15, "floyd-steinberg": 1.0}  # with the strength that each has by itself


@dataclass(frozen=True)
class Dither:
    """kind: `bayer`, a fixed pattern, or `floyd-steinberg`. strength: 0 (none) to 1 (strongest)."""

    kind: str = "bayer"
    strength: float = DITHERS["bayer"]

    @classmethod
    def read(cls, value: object) -> Dither:
        """A strength of `bayer`, a name, or both as in `floyd-steinberg 0.5`. Raises EncodingError."""
        try:
            kind, *rest = value.split() if isinstance(value, str) else ("bayer", value)
            if len(rest) > 1 or kind not in DITHERS or (kind == "none" and rest) or isinstance(value, bool):
                raise ValueError
            strength = float(rest[0]) if rest else DITHERS[kind]
            if not 0 <= strength <= 1:
                raise ValueError
        except (TypeError, ValueError):
            raise EncodingError(
                f"dither is {value!r}; it runs from 0 (none) to 1 (strongest), or is one of "
                f"{', '.join(DITHERS)}, with a strength if you like: 'bayer 0.5'"
            ) from None
        return cls("bayer" if kind == "none" else kind, strength)

    @property
    def passes_errors_on(self) -> bool:
        """Whether a pixel's error goes to its neighbours."""
        return self.kind == "floyd-steinberg" and self.strength > 0


NO_DITHER = Dither(strength=0.0)


def diffused(picture: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A picture uint8 [H, W, 3] as indices uint8 [H, W] into a palette uint8 [k, 3], errors passed on."""
    known = Image.new("P", (1, 1))
    filled = np.concatenate([palette, np.repeat(palette[-1:], 256 - len(palette), axis=0)])
    known.putpalette(filled.tobytes())
    drawn = Image.fromarray(picture).quantize(palette=known, dither=Image.Dither.FLOYDSTEINBERG)
    return np.minimum(np.asarray(drawn), len(palette) - 1).astype(np.uint8)
