"""Numbered PNG pictures in a folder of their own: the whole folder appears at the end, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from render.encoding.claim import folder_beside
from render.encoding.tags import Tags, stamp
from render.encoding.video import VideoWriter
from render.errors import EncodingError

_NUMBER = re.compile(r"%0?\d*d")


def is_sequence(path: str | os.PathLike[str]) -> bool:
    """Whether a name such as `frames/%05d.png` asks for numbered pictures."""
    path = Path(path)
    return path.suffix.lower() == ".png" and bool(_NUMBER.search(path.stem))


class SequenceWriter(VideoWriter):
    """Writes `FOLDER/00000.png`, `00001.png` … for `FOLDER/%05d.png`.

    The pictures are made in `FOLDER.part`. A folder that is there already is replaced only if it holds
    nothing but such pictures, as an earlier run left them. Frames of more than 8 bits give PNGs of 16.
    """

    def __init__(self, path: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(path, **options, muxer="image2", codecs=("png",), clear_codecs=("png",))
        self.folder = self.path.absolute().parent
        self.part_path = self.folder.with_name(self.folder.name + ".part")
        if len(_NUMBER.findall(self.path.stem)) != 1 or self.path.stem.count("%") != 1:
            raise EncodingError(f"{self.path}: the name needs one place for the number, such as %05d")

    def _target(self) -> str:
        return str(self.part_path).replace("%", "%%") + os.sep + self.path.name

    def _claim(self) -> None:
        strangers = self._strangers()
        if strangers:
            raise EncodingError(
                f"{self.path}: {self.folder.name} holds other files ({', '.join(strangers[:3])}); "
                "give the pictures a folder of their own"
            )
        try:
            shutil.rmtree(self.part_path, ignore_errors=True)
            self.part_path.mkdir(parents=True)
        except OSError as error:
            raise EncodingError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _strangers(self) -> list[str]:
        """What the folder holds beside pictures of an earlier run."""
        start, end = _NUMBER.split(self.path.name)
        ours = re.compile(re.escape(start) + r"\d+" + re.escape(end))
        try:
            return sorted(file.name for file in self.folder.iterdir() if not ours.fullmatch(file.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EncodingError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _sign(self, tags: Tags) -> None:
        """The first picture speaks for all."""
        stamp(self.part_path / (self.path.name % 0), tags)

    def _publish(self) -> None:
        made = sum(1 for _ in self.part_path.iterdir())
        if made != self.frames_written:
            raise EncodingError(f"{self.path}: ffmpeg wrote {made} of {self.frames_written} pictures")
        if not self.folder.exists():
            os.replace(self.part_path, self.folder)
            return
        with folder_beside(self.folder) as beside:  # a name of its own: a user's `frames.old` is not ours
            old = Path(beside) / self.folder.name
            os.replace(self.folder, old)
            try:
                os.replace(self.part_path, self.folder)
            except OSError:
                os.replace(old, self.folder)
                raise

    def _discard(self) -> None:
        shutil.rmtree(self.part_path, ignore_errors=True)
