"""A long render uses no more memory than a short one, and leaves nothing open: no process, thread or file.

600 frames of 16 px in every run of the tests; 20,000 of 64 px with `make soak`, which prints the figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).with_name("soak.py")
FEW = 40  # MB that may come and go within a run: what allocators and caches keep, and ffmpeg's own

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")


def figures(*options: str) -> dict[str, float]:
    """Of a soak in a process of its own, printed on the way."""
    done = subprocess.run([sys.executable, str(SOAK), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    print(done.stdout, end="")
    return json.loads(done.stdout)


def leaves_nothing_open(found: dict[str, float]) -> bool:
    return all(found[f"{kind} left open"] == 0 for kind in ("threads", "processes", "files"))


def test_six_hundred_frames() -> None:
    found = figures("--frames", "600", "--side", "16", "--channels", "8")
    assert leaves_nothing_open(found)
    assert found["megabytes from least to most"] < FEW


def test_what_would_grow_is_seen(tmp_path: Path) -> None:
    """The same with a picture kept from every frame, and a file left open."""
    keep = (
        f"import sys; sys.path[:0] = [{str(SOAK.parent)!r}]; import soak, json\n"
        "from render.renderer import Renderer\n"
        "draw, kept = Renderer.frames, []\n"
        "def greedy(self, moments):\n"
        "    kept.append(open(sys.executable))\n"
        "    for frame in draw(self, moments):\n"
        "        kept.append(bytearray(200_000))\n"
        "        yield frame\n"
        "Renderer.frames = greedy\n"
        "print(json.dumps(soak.soak(600, 16, 8)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", keep], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["megabytes more in 1,000 frames"] > 100
    assert not leaves_nothing_open(found)


@pytest.mark.slow
def test_twenty_thousand_frames() -> None:
    found = figures("--frames", "20000", "--side", "64")
    assert leaves_nothing_open(found)
    assert found["megabytes more in 1,000 frames"] <= 1


@pytest.mark.slow
def test_a_film_ten_times_as_long_takes_no_more_memory() -> None:
    short, long = (figures("--frames", str(count), "--side", "64")["most megabytes"] for count in (500, 5000))
    print(f"peak memory of 100 s over that of 10 s: {long / short:.3f}")
    assert long <= 1.05 * short
