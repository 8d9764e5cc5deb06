"""What was measured, as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

HEADS = ("work", "path", "batch", "ms/picture", "speed", "share", "also")
LEFT = (0, 1)  # columns of words
CEILING = "ceiling"


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    work     what was done
    path     how
    batch    pictures at once
    seconds  for one picture; None where no time was taken
    speedup  against the first path of the same work; None where there is nothing to compare
    share    of `whole`: of the machine's ceiling in that format, of a frame, of the full picture …
    amount   something else that was measured, in `unit`
    """

    work: str
    path: str
    batch: int = 1
    seconds: float | None = None
    speedup: float | None = None
    share: float | None = None
    whole: str = CEILING
    amount: float | None = None
    unit: str = ""

    def cells(self) -> tuple[str, ...]:
        """The figure as a line of the table."""
        return (
            self.work,
            self.path,
            f"{self.batch}",
            "" if self.seconds is None else f"{1000 * self.seconds:.1f}",
            "" if self.speedup is None else f"{self.speedup:.2f}×",
            "" if self.share is None else f"{_percent(self.share)} of {self.whole}",
            "" if self.amount is None else f"{self.amount:.4g} {self.unit}",
        )


@dataclass(frozen=True)
class Report:
    """All figures, and where they were measured: device, threads, PyTorch, GFLOP/s of the ceilings."""

    machine: dict[str, str | int | float]
    figures: tuple[Figure, ...]

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    def table(self) -> str:
        """The report as lines of text."""
        rows = [HEADS, *(figure.cells() for figure in self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if index in LEFT else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
                if any(other[index] for other in rows[1:])
            ).rstrip()
            for row in rows
        ]
        return "\n".join([", ".join(f"{name} {value}" for name, value in self.machine.items()), *lines])


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
