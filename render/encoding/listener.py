"""What ffmpeg says while it works: how far it is, and the reason where it gives up."""

from __future__ import annotations

import re
import signal
import threading
from collections import deque
from collections.abc import Iterable
from typing import IO

# What it says after an error, without adding to it.
_NOISE = re.compile(
    r"Conversion failed|Last message repeated|Task finished with error|Terminating thread"
    r"|Nothing was written into output|Error opening (in|out)put files"
)
_SOURCE = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\]|Svt\[error\]:)\s*")
_PROGRESS = re.compile(r"^(\w+)=\s*(\S+)\s*$")


def reason_in(lines: Iterable[str]) -> str:
    """The first thing that went wrong, the cause of what was said after it; empty if nothing was."""
    for line in lines:
        text = _SOURCE.sub("", line.strip())
        if text and not _NOISE.search(text):
            return text
    return ""


def ending(code: int) -> str:
    """How a process that said nothing ended, in words."""
    if code >= 0:
        return f"it stopped with status {code} and gave no reason"
    try:
        return f"it was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was killed by signal {-code}"


class Listener:
    """Reads what ffmpeg says, in a thread of its own so that ffmpeg never waits for a reader."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.progress: dict[str, str] = {}
        self._stream = stream
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=8)
        self._thread = threading.Thread(target=self._run, name="ffmpeg-messages", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until ffmpeg has said its last word."""
        self._thread.join()
        self._stream.close()

    def reason(self) -> str:
        """The first thing that went wrong, the cause of what was said after it; empty if nothing was."""
        return reason_in((*self._first, *self._last))

    def _run(self) -> None:
        for raw in iter(self._stream.readline, b""):
            line = raw.decode("utf-8", "replace").strip()
            progress = _PROGRESS.match(line)
            if progress:
                self.progress[progress[1]] = progress[2]
            elif len(self._first) < 8:
                self._first.append(line)
            else:
                self._last.append(line)
