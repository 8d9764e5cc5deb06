"""The files to write: which, at which rate and size, and what the places they are for ask of them.

Checking a preset plans its files, too: encoding, and NumPy with it, is imported where a file asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from render.errors import EncodingError, PresetError
from render.preset import GifOutput, Output, Preset, VideoOutput, load_output
from render.preset.formats import bytes_of
from render.reach import placed
from render.timeline import Clock, rate_text

if TYPE_CHECKING:
    from render.encoding import Audio, Limits, Tags, Target, Writer

Size = tuple[int, int]  # width, height
_WORDS = {"speed": "preset"}  # x264's word means something else in this project
_ENCODED = (
    "codec",
    "crf",
    "bitrate",
    "bits",
    "speed",
    "encoder",
    "colors",
    "dither",
    "palette",
    "loop",
)  # an output's, if it has it


class Foretold(NamedTuple):
    """What is known of a file before its first frame, a sentence each.

    changes     what its place makes different from what the preset asks for
    complaints  what the place will not like all the same, by the limits' names
    """

    changes: list[str]
    complaints: dict[str, str]


@dataclass(frozen=True)
class Job:
    """One file to write, at its own frame rate.

    target  the place it is for
    audio   the sound to it
    tags    what it says of itself
    seconds how long it lasts
    planes  frames come as what the file stores, see `render.pixels.Planes`
    """

    path: Path
    output: Output
    fps: Fraction
    target: Target | None = None
    audio: Audio | None = None
    tags: Tags | None = None
    seconds: Fraction = Fraction(0)
    planes: bool = False

    @property
    def settings(self) -> dict[str, object]:
        """What the preset says about the file, in the encoder's words."""
        given = {_WORDS.get(name, name): getattr(self.output, name, None) for name in _ENCODED}
        given |= {"bits": self._bits, "audio": self.audio, "tags": self.tags}
        given |= {"transparent": True} if self.transparent else {}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def transparent(self) -> bool:
        """Whether it keeps the alpha of pictures."""
        return self.output.transparent

    @property
    def _bits(self) -> int | None:
        """Bits a channel: those asked for, or what is usual for the codec and not refused by the place."""
        coding = getattr(self.output, "coding", None)
        if coding is None or self.output.bits is not None:
            return getattr(self.output, "bits", None)
        wanted = self.limits.pixels
        is_refused = wanted is not None and not any("10" in pixels for pixels in wanted)
        if self.transparent and coding.usual_bits not in coding.clear_bits:
            return coding.clear_bits[0]
        return 8 if is_refused and 8 in coding.bits else coding.usual_bits

    @property
    def made(self) -> Path:
        """What there is in the end: the file, or the folder of numbered pictures."""
        from render.encoding.sequence import is_sequence

        return self.path.parent if is_sequence(self.path) else self.path

    def beside(self, word: str) -> Path:
        """A picture beside what is made: `film-poster.png` beside `film.mp4`."""
        return self.made.with_name(f"{self.made.stem}-{word}.png")

    @property
    def pictures(self) -> list[Path]:
        """All pictures beside it."""
        words = (("poster", self.output.poster), ("strip", self.output.filmstrip))
        return [self.beside(word) for word, value in words if value is not None]

    @property
    def limits(self) -> Limits:
        """What the place takes; without one anything goes."""
        from render.encoding import Limits

        return self.target.limits(isinstance(self.output, GifOutput)) if self.target else Limits()

    @property
    def budget(self) -> int | None:
        """The most bytes that the file may have."""
        written = bytes_of(self.output.budget) if self.output.budget else None
        if not self.target:
            return written
        limits = self.limits
        by_rate = int(limits.max_bitrate * self.seconds / 8) if limits.max_bitrate else None
        return min(filter(None, (written, limits.max_bytes, by_rate)), default=None)

    def size(self, frame_size: Size, count: int) -> Size:
        """Width and height of the file, for `count` frames of `frame_size`."""
        framed = self.output.framed(frame_size)
        if not self.target:
            return framed
        from render.encoding import suited_size

        return suited_size(self.limits, *framed, count)

    def framing(self, frame_size: Size, count: int) -> dict[str, object]:
        """How frames come to that size, in the encoder's words."""
        size, output = self.size(frame_size, count), self.output
        if size == frame_size:
            return {}
        is_shaped = output.width and output.height
        return {
            "size": size,
            "fit": output.fit if is_shaped else "stretch",
            "background": output.background,
        }

    def writer(self, frame_size: Size, count: int) -> Writer:
        """The file's writer, not yet started; its dtype is uint16 where it makes something of that."""
        plain = self._writer(frame_size, count, "uint8")
        if self.planes:
            plain.take_planes()
            return plain
        return plain if plain.depth == 8 else self._writer(frame_size, count, "uint16")

    def _writer(self, frame_size: Size, count: int, dtype: str) -> Writer:
        from render.encoding import open_writer

        return open_writer(
            self.path,
            width=frame_size[0],
            height=frame_size[1],
            fps=self.fps,
            dtype=dtype,
            **self.framing(frame_size, count),
            **self.settings,
        )

    def foretold(self, frame_size: Size, clock: Clock) -> Foretold:
        """What its place changes, and what the place will not like, for frames of that size."""
        if not self.target:
            return Foretold([], {})
        from render.encoding import expected_facts

        changed, count = self._changed(frame_size, clock), clock.with_fps(self.fps).frame_count
        changes = [f"{self.path}: for {self.target.title}: {', '.join(changed)}"] if changed else []
        complaints = self.target.broken(expected_facts(self.writer(frame_size, count), count))
        return Foretold(changes, {limit: f"{self.path}: {text}" for limit, text in complaints.items()})

    def _changed(self, frame_size: Size, clock: Clock) -> list[str]:
        """What the place made different, each in a few words."""
        asked, found = self.output.rate(clock.fps), []
        if self.fps != asked:
            found.append(f"{rate_text(self.fps)} frames a second instead of {rate_text(asked)}")
        width, height = self.size(frame_size, clock.with_fps(self.fps).frame_count)
        framed = self.output.framed(frame_size)
        if (width, height) != framed:
            found.append(f"{width} × {height} pixels instead of {framed[0]} × {framed[1]}")
        return found


def plan(preset: Preset, files: Iterable[str | Path] = (), out_dir: str | Path = ".") -> list[Job]:
    """The files to write: `files` if there are any, else the preset's outputs; relative to `out_dir`.

    A file has the settings of the preset's output of that name, else of its first one of that extension.
    Raises PresetError: nothing to write, two outputs of one name, or a place that takes no such file.
    """
    outputs = [_named(str(file), preset, out_dir) for file in files]
    outputs = outputs or [(_place(out_dir, output.file), output) for output in preset.outputs]
    if not outputs:
        raise PresetError(
            "the preset names no outputs; name one with -o morph.mp4, or in the preset: outputs: [morph.mp4]"
        )
    jobs = [_job(path, output, preset) for path, output in outputs]
    paths = [path for job in jobs for path in (job.path, *job.pictures)]
    resolved = [path.resolve() for path in paths]
    for path, real in zip(paths, resolved, strict=True):
        if resolved.count(real) > 1:
            raise PresetError(f"two outputs have the name {path}; each needs its own")
    return jobs


def _named(file: str, preset: Preset, out_dir: str | Path) -> tuple[Path, Output]:
    """Where a file named elsewhere lies, and its settings: those that the preset has for such a one."""
    path, output = _place(out_dir, file), load_output(file)
    alike = [known for known in preset.outputs if _suffix(known.file) == _suffix(output.file)]
    same = [known for known in alike if _place(out_dir, known.file).resolve() == path.resolve()]
    found = next(iter(same or alike), output)
    return path, found.replace(file=output.file)


def _suffix(file: str) -> str:
    return PurePath(file).suffix.lower()


def _place(out_dir: str | Path, file: str) -> Path:
    """Where an output lies: in `out_dir`, unless it says so itself; `~` is the user's folder."""
    return placed(Path(), file if file.startswith("~") else Path(out_dir) / file)


def _job(path: Path, output: Output, preset: Preset) -> Job:
    clock, name = preset.clock, getattr(output, "for", None)
    fps, audio = output.rate(clock.fps), _audio(output, preset)
    if name is None:
        return Job(path, output, fps, audio=audio)
    from render.encoding import suited_rate, target_of

    job = Job(path, output, fps, target_of(name), audio)
    try:
        limits = job.limits
    except EncodingError as error:
        raise PresetError(f"{path}: {error}") from None
    is_gif = isinstance(output, GifOutput)
    fps = suited_rate(limits, fps, lambda rate: clock.with_fps(rate).frame_count, is_gif)
    seconds = clock.with_fps(fps).frame_count / fps
    return Job(path, output, fps, job.target, audio, seconds=seconds)


def _audio(output: Output, preset: Preset) -> Audio | None:
    sound = getattr(output, "audio", None)
    if sound is None and isinstance(output, VideoOutput):
        sound = preset.clip.audio
    if not sound:
        return None
    from render.encoding import Audio

    try:
        file = sound.resolved(preset.base_dir)
        return Audio(file, *sound.seconds(preset.clock))
    except (PresetError, ValueError) as error:  # it is out of reach; a time without a length
        raise PresetError(f"{output.file}: audio: {error}") from None
