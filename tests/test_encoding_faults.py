"""What goes wrong while a file is written: the reason is told, nothing hangs, nothing is left behind."""

from __future__ import annotations

import collections
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from render.encoding import claim as encoding_claim
from render.encoding import open_writer
from render.encoding.feeder import Feeder
from render.encoding.video import VideoWriter
from render.errors import EncodingError

RATES = {"clip.mp4": 30, "clip.gif": 25}
NAMES = list(RATES)
SIDE = 64
PATIENCE_SECONDS = 8  # no failure may take longer than this to be told


@pytest.fixture(autouse=True)
def _prompt_and_tidy() -> Iterator[None]:
    """Every test here ends promptly and leaves no thread and no child process behind."""
    threads, children, start = threading.active_count(), children_of_this_process(), time.monotonic()
    yield
    assert time.monotonic() - start < PATIENCE_SECONDS
    assert threading.active_count() == threads
    assert children_of_this_process() == children


def children_of_this_process() -> set[str]:
    """Process numbers of all children, also of those that ended and that nobody waited for."""
    found: set[str] = set()
    for each in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            found |= set(each.read_text().split())
    return found


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def opened(path: Path) -> VideoWriter:
    return open_writer(path, width=SIDE, height=SIDE, fps=RATES[path.name])


def record(path: Path, *steps: np.ndarray | type[BaseException] | Callable[[VideoWriter], None]) -> None:
    """In a writer's block: write each array, raise each exception, call each function with the writer."""
    with opened(path) as writer:
        for step in steps:
            if isinstance(step, type):
                raise step
            if callable(step):
                step(writer)
            else:
                writer.write(step)


def many_frames(writer: VideoWriter) -> None:
    """More frames than any failure takes to be told."""
    for index in range(3000):
        writer.write(noise(index % 7))


def ffmpeg_gets(number: signal.Signals) -> Callable[[VideoWriter], None]:
    return lambda writer: os.kill(writer._process.pid, number)


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_an_error_in_the_block_leaves_nothing(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    seen = []
    with pytest.raises(error):
        record(tmp_path / name, noise(), noise(1), lambda writer: seen.extend(names_in(tmp_path)), error)
    assert seen == [name + ".part"]
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_good_file_survives_every_failure(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    record(path, noise())
    good = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        record(path, noise(1), ZeroDivisionError)
    with pytest.raises(EncodingError):
        record(path, noise(1), noise(1)[:10])
    with pytest.raises(EncodingError, match="no frame was written"):
        record(path)
    assert path.read_bytes() == good
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_new_file_replaces_the_old_one_and_a_stale_part(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    path.with_name(name + ".part").write_bytes(b"left by a power cut" * 10_000)
    record(path, noise(), noise(1))
    assert path.read_bytes()[:3] != b"old"
    assert b"power cut" not in path.read_bytes()
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            np.zeros((SIDE, SIDE, 3), np.float32),
            r"frame 1 is float32 \[64, 64, 3\]; expected uint8 \[64, 64, 3\]",
        ),
        (np.zeros((SIDE, SIDE // 2, 3), np.uint8), r"frame 1 is uint8 \[64, 32, 3\]"),
        (np.zeros((SIDE, SIDE), np.uint8), r"frame 1 is uint8 \[64, 64\]"),
        (None, "frame 1 is NoneType"),
    ],
)
def test_wrong_frames_are_told(tmp_path: Path, name: str, frame: object, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        record(tmp_path / name, noise(), lambda writer: writer.write(frame))
    assert names_in(tmp_path) == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part file is a device that is always full."""

    def full(part: Path) -> Path:
        part.symlink_to("/dev/full")
        return part

    monkeypatch.setattr(encoding_claim, "fresh", full)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("full_disk")
def test_full_disk(tmp_path: Path, name: str) -> None:
    with pytest.raises(EncodingError, match="No space left on device"):
        record(tmp_path / name, many_frames)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("full_disk")
def test_full_disk_found_out_at_the_end(tmp_path: Path, name: str) -> None:
    """One small frame: nothing is written before the file is closed."""
    with pytest.raises(EncodingError, match="No space left on device"):
        record(tmp_path / name, noise())
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_on_file_size(tmp_path: Path, name: str) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(EncodingError, match="File too large"):
            record(tmp_path / name, many_frames)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_places_that_cannot_be_written_to(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EncodingError, match=r"cannot be written: .*/file is no folder"):
        opened(tmp_path / "file" / name).start()
    (tmp_path / name).mkdir()
    with pytest.raises(EncodingError, match="is a folder"):
        opened(tmp_path / name).start()
    assert names_in(tmp_path) == sorted(["file", name])


@pytest.mark.parametrize("name", NAMES)
def test_unwritable_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    user = os.geteuid()
    if user == 0:  # root may write anywhere, so be somebody else for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(EncodingError, match="cannot be written: Permission denied"):
            opened(folder / name).start()
    finally:
        os.seteuid(user)
        folder.chmod(stat.S_IRWXU)
    assert names_in(folder) == []


@pytest.mark.parametrize("name", NAMES)
def test_missing_folders_are_made(tmp_path: Path, name: str) -> None:
    record(tmp_path / "a" / "b" / name, noise())
    assert names_in(tmp_path / "a" / "b") == [name]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSEGV])
def test_ffmpeg_is_killed(tmp_path: Path, kill: signal.Signals) -> None:
    writer = opened(tmp_path / "clip.mp4")

    def clip() -> None:
        with writer:
            writer.write(noise())
            os.kill(writer._process.pid, kill)
            many_frames(writer)

    with pytest.raises(EncodingError, match=f"was killed by {kill.name}"):
        clip()
    assert writer.frames_written < 100, "the death was told long after it"
    assert names_in(tmp_path) == []


def test_ffmpeg_is_killed_before_the_end(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="was killed by SIGKILL"):
        record(tmp_path / "clip.mp4", noise(), ffmpeg_gets(signal.SIGKILL))
    assert names_in(tmp_path) == []


def test_an_ffmpeg_that_hangs_does_not_hang_an_abort(tmp_path: Path) -> None:
    stop = ffmpeg_gets(signal.SIGSTOP)
    many = [noise(index) for index in range(4)]  # the pipe is full after some: the thread is stuck in it
    with pytest.raises(KeyboardInterrupt):
        record(tmp_path / "clip.mp4", noise(), stop, *many, KeyboardInterrupt)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, r"/ffmpeg cannot be run: No such file or directory"),
        (
            "#!/bin/sh\necho '[libx264 @ 0x1] out of luck' >&2\necho 'Conversion failed!' >&2\nexit 1\n",
            "failed: out of luck$",
        ),
        ("#!/bin/sh\nexit 3\n", "stopped with status 3 and gave no reason"),
        ("#!/bin/sh\nexec cat >/dev/null\n", "left an empty file"),
    ],
)
def test_no_ffmpeg_or_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, message: str
) -> None:
    program = tmp_path / "ffmpeg"
    if script:
        program.write_text(script)
        program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    out = tmp_path / "out"
    with pytest.raises(EncodingError, match=message):
        record(out / "clip.mp4", *[noise()] * 5)
    assert names_in(out) == []


def test_frames_wait_in_a_short_queue_only(tmp_path: Path) -> None:
    """With ffmpeg stopped, the renderer is held back after a few frames instead of filling memory."""
    writer = opened(tmp_path / "clip.mp4")
    with suppress(EncodingError), writer:
        os.kill(writer._process.pid, signal.SIGSTOP)
        late = threading.Timer(0.7, os.kill, (writer._process.pid, signal.SIGKILL))
        late.start()
        many_frames(writer)
    late.join()
    # 64 KiB fit into the pipe, and a frame has 12 KiB.
    assert 3 <= writer.frames_written <= 12


# What a shell starts in the background ignores Ctrl-C, and so would the tests' own children.
CTRL_C = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
from render.encoding import claim as encoding_claim
from render.encoding import open_writer
try:
    with open_writer(sys.argv[1], width=64, height=64, fps=25) as writer:
        for index in range(10_000):
            writer.write(np.full((64, 64, 3), index % 250, np.uint8))
            if index == 10:
                print("running", flush=True)
            time.sleep(0.005)
except KeyboardInterrupt:
    print("interrupted", os.listdir(os.path.dirname(sys.argv[1])), flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_in_a_terminal(tmp_path: Path, name: str) -> None:
    """The whole process group gets the signal, as from a terminal; ffmpeg must not die of it before us."""
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, str(tmp_path / name)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "running\n"
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, errors) == (130, "interrupted []\n", "")


def test_writing_outside_the_block_is_told(tmp_path: Path) -> None:
    writer = opened(tmp_path / "clip.gif")
    with pytest.raises(EncodingError, match="before the start"):
        writer.write(noise())
    with writer:
        writer.write(noise())
    with pytest.raises(EncodingError, match="after the end"):
        writer.write(noise())


def test_feeder_keeps_order_and_tells_the_first_failure() -> None:
    seen: list[int] = []
    feeder = Feeder(seen.append, depth=2)
    for item in range(100):
        feeder.put(item)
    feeder.close()
    assert seen == list(range(100))

    failing = Feeder(lambda item: 1 // item, depth=2)
    failing.put(0)
    with pytest.raises(ZeroDivisionError):
        collections.deque(map(failing.put, range(1, 100)))
    with pytest.raises(ZeroDivisionError):
        failing.close()
