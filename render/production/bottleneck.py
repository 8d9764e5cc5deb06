"""What set the pace of a film: drawing its frames, or encoding them. It is told where that was encoding."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from render.jobs import Job
from render.preset.outputs import Output, VideoOutput

LONG = 10.0  # seconds: whoever waits for less does not ask why
MOST = 0.5  # of the time


class Bottleneck:
    """The time since `begin`, and how much of it frames waited for each file to take them.

    waited  seconds by the names of files
    """

    def __init__(self) -> None:
        self.waited: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """The first frame is asked for."""
        self.began = time.monotonic()

    def add(self, waited: Mapping[str, float]) -> None:
        """More seconds, by the names of files."""
        self.waited.update(waited)

    def verdict(self, jobs: Iterable[Job]) -> str:
        """Which file took most of the time until now, and what would be quicker; empty where none did."""
        seconds = time.monotonic() - self.began
        name, waited = max(self.waited.items(), key=lambda item: item[1], default=("", 0.0))
        if seconds < LONG or waited < MOST * seconds:
            return ""
        text = f"encoding set the pace: {waited / seconds:.0%} of the time frames waited for {name}"
        hints = next((_hints(job.output) for job in jobs if job.path.name == name), [])
        return f"{text}; {' or '.join(hints)} would be quicker" if hints else text


def _hints(output: Output) -> list[str]:
    """What encodes faster, at the price of bytes."""
    if not isinstance(output, VideoOutput) or not output.coding.worst_crf:
        return []
    hints = [] if output.speed.endswith("fast") else ["`speed: veryfast`"]
    return hints + ["a hardware encoder (`encoder: auto`)"] * (output.encoder == "software")
