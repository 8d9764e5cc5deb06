"""One file to be read, for all suites of fuzzing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One file: what kind it is of, what was done to it, its bytes, and how its name ends."""

    kind: str
    damage: str
    data: bytes
    suffix: str = ".bin"
