"""Files that must not be larger than so many bytes: encoded, measured, and encoded again with a little less.

What is given up, in this order. Video: quality, then size of the picture. GIF: frames a second, then size of
the picture, then colours, then dither.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from render.encoding.claim import folder_beside
from render.encoding.codecs import Codec
from render.encoding.containers import container_of, open_writer
from render.encoding.gif import GifSettings
from render.errors import EncodingError
from render.timeline import nearest_gif_rate, rate_text

Frames = Callable[[Fraction], Iterable[np.ndarray]]
Stage = Callable[[str], Callable[[int, int], None] | None]  # of a title: (frames done, frames in all)

ENOUGH = 0.92  # of the budget: what fits and is larger than this is not tried again
_AIM = 0.965
_MAX_TRIALS = 8  # of one search
_LEAST_WIDTH = 0.35  # of a picture's width, before colours go
_LEAST_SIDE = 32  # pixels
_LEAST_RATE = 10  # frames a second of a GIF
_COLORS = (128, 64, 32)
_AREA_POWER = 1.8  # a file grows with its width to about this power
_HALVING_CRF = 0.12  # in parts of a codec's whole range of crf: the step that halves a file, about
_WORST_CRF = 0.8  # of that range: what is worse is no picture any more


@dataclass(frozen=True)
class Fitted:
    """A file within its budget, and what was given up for that, one sentence's part each."""

    path: Path
    size: int  # bytes
    budget: int  # bytes
    trials: int
    given_up: tuple[str, ...] = ()

    def __str__(self) -> str:
        lost = ", ".join(self.given_up) or "nothing was given up"
        return f"{self.path}: {self.size:,} of {self.budget:,} bytes; {lost}"


@dataclass(frozen=True)
class _Choice:
    """One way to encode."""

    fps: Fraction
    width: int
    settings: tuple[tuple[str, Any], ...]

    def __getitem__(self, name: str) -> Any:
        return dict(self.settings).get(name)

    def but(self, **settings: Any) -> _Choice:
        return replace(self, settings=tuple(sorted({**dict(self.settings), **settings}.items())))


@dataclass
class _Trials:
    """Encodes choices into a folder beside the file, and remembers how large they became."""

    path: Path
    folder: Path
    frames: Frames
    width: int
    height: int
    dtype: str
    budget: int
    count: Callable[[Fraction], int] | None = None
    stage: Stage | None = None
    sizes: dict[_Choice, int] = field(default_factory=dict)

    def file(self, choice: _Choice) -> Path:
        return self.folder / f"{list(self.sizes).index(choice)}{self.path.suffix}"

    def size(self, choice: _Choice) -> int:
        """How many bytes a choice takes; encoded once."""
        if choice in self.sizes:
            return self.sizes[choice]
        trial = self.folder / f"{len(self.sizes)}{self.path.suffix}"
        height = max(1, round(self.height * choice.width / self.width))
        writer = open_writer(
            trial,
            width=self.width,
            height=self.height,
            fps=choice.fps,
            dtype=self.dtype,
            size=(choice.width, height) if choice.width != self.width else None,
            fit="stretch",
            **dict(choice.settings),
        )
        show = self.stage(f"{self.path.name}, trial {len(self.sizes) + 1}") if self.stage else None
        with writer:
            for done, frame in enumerate(self.frames(choice.fps), start=1):
                writer.write(frame)
                if show and self.count:
                    show(done, self.count(choice.fps))
        self.sizes[choice] = trial.stat().st_size
        return self.sizes[choice]

    def fits(self, choice: _Choice) -> bool:
        return self.size(choice) <= self.budget

    def search(
        self, make: Callable[[float], _Choice], most: float, slope: float, start: int | None = None
    ) -> _Choice | None:
        """The choice that gives up least and fits; None where `most` is not enough.

        make    the choice for an amount given up, from 0, which is too large, to `most`; sizes fall with it
        slope   by how much the logarithm of the size falls with each unit, as a first guess
        start   the size at 0, if known without trying
        """
        over = (0.0, math.log(start or self.size(make(0.0))))
        under: tuple[float, float] | None = None
        found, aim, seen = None, math.log(self.budget * _AIM), set()
        for _ in range(_MAX_TRIALS):
            if under is None:
                amount = min(over[0] + max(over[1] - aim, 0.01) / slope, most)
            else:
                share = (over[1] - aim) / max(over[1] - under[1], 1e-9)
                amount = over[0] + min(max(share, 0.05), 0.95) * (under[0] - over[0])
            choice = make(amount)
            if choice in seen:
                break
            seen.add(choice)
            size = self.size(choice)
            if size <= self.budget:
                if found is None or size > self.size(found):
                    found = choice
                if size >= ENOUGH * self.budget:
                    break
                under = (amount, math.log(size))
            else:
                if amount >= most:
                    break
                if amount > over[0]:  # what the last step brought is a better guess than the first
                    slope = max((over[1] - math.log(size)) / (amount - over[0]), slope / 4)
                over = (amount, math.log(size))
        return found


def fit(
    path: str | os.PathLike[str],
    frames: Frames,
    *,
    budget: int,
    width: int,
    height: int,
    fps: Fraction | int | str,
    dtype: str = "uint8",
    count: Callable[[Fraction], int] | None = None,
    stage: Stage | None = None,
    **settings: Any,
) -> Fitted:
    """Write a file of no more than `budget` bytes, within a tenth of it or at the full quality asked for.

    A picture of 32 pixels or less is not made narrower: a GIF of that width has only its rate, colours and
    dither to give up, in steps, and may end further below the budget.

    frames    gives all frames [height, width, 3] at a number of frames a second; called for every trial, and
              for a GIF also with lower rates
    count     how many frames there are at a rate; needed only for `stage`
    stage     called with the title of every trial; gives a function of (frames done, frames in all), or None
    settings  of the full quality, as `open_writer` takes them; `size` is not among them

    The file appears only when it is done. Raises EncodingError where nothing helps.
    """
    path, fps = Path(path), Fraction(fps)
    is_gif = container_of(path).settings is GifSettings
    usual = {"colors": GifSettings.colors, "dither": GifSettings.dither}
    if type(budget) is not int or budget < 1:
        raise EncodingError(f"{path}: a budget of {budget!r} bytes; give a whole number above 0")
    full = _Choice(fps, width, tuple(sorted(settings.items())))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = folder_beside(path)
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error
    with folder as name:
        trials = _Trials(path, Path(name), frames, width, height, dtype, budget, count, stage)
        try:
            if not is_gif:
                usual = {"crf": _codec(trials, full).crf}
            chosen = full if trials.fits(full) else (_fit_gif if is_gif else _fit_video)(trials, full)
        except EncodingError as error:
            raise EncodingError(str(error).replace(f"{name}{os.sep}", "")) from error
        size = trials.size(chosen)
        try:
            os.replace(trials.file(chosen), path)
        except OSError as error:
            raise EncodingError(f"{path}: cannot be written: {error.strerror}") from error
    return Fitted(path, size, budget, len(trials.sizes), tuple(_differences(full, chosen, usual)))


def _fit_video(trials: _Trials, full: _Choice) -> _Choice:
    codec = _codec(trials, full)
    if codec.max_crf:
        first = codec.crf if full["crf"] is None else full["crf"]
        step = 0.25 if codec.name in ("h264", "hevc") else 1
        most = max(_WORST_CRF * codec.max_crf - first, 0)

        def worse(amount: float) -> _Choice:
            crf = first + math.ceil(amount / step) * step
            return full.but(crf=crf if step < 1 else int(crf), bitrate=None)

        found = trials.search(worse, most, math.log(2) / (_HALVING_CRF * codec.max_crf), trials.size(full))
        if found:
            return found
        full = worse(most * 0.8)
    found = _narrowed(trials, full, _LEAST_SIDE / trials.width, trials.size(full))
    if found is None:
        raise _too_small(trials)
    return found


def _codec(trials: _Trials, choice: _Choice) -> Codec:
    """The codec of a video, chosen or usual."""
    size = {"width": trials.width, "height": trials.height}
    return open_writer(trials.path, **size, fps=1, dtype=trials.dtype, **dict(choice.settings)).codec


def _fit_gif(trials: _Trials, full: _Choice) -> _Choice:
    rates = [full.fps]
    while rates[-1] > _LEAST_RATE:
        rates.append(nearest_gif_rate(1 / (1 / rates[-1] + Fraction(1, 100))))
    slower, faster = None, full
    for fps in rates[1:]:
        choice = replace(full, fps=fps)
        # A slower GIF has fewer frames that differ more: it saves no more than its share of frames.
        if trials.size(faster) * float(fps / faster.fps) > trials.budget * 1.05 and fps != rates[-1]:
            continue
        if trials.fits(choice):
            slower = choice
            break
        faster = choice
    if slower is not None:
        if trials.size(slower) >= ENOUGH * trials.budget:
            return slower
        above = replace(full, fps=rates[rates.index(slower.fps) - 1])
        return _narrowed(trials, above, _LEAST_WIDTH, trials.size(above)) or slower
    for less in ({}, *({"colors": colors} for colors in _COLORS), {"colors": _COLORS[-1], "dither": 0}):
        if "colors" in less and less["colors"] > (full["colors"] or 256):
            continue
        choice = replace(full, fps=rates[-1]).but(**less)
        found = _narrowed(trials, choice, _LEAST_WIDTH, None)
        if found:
            return found
    raise _too_small(trials)


def _narrowed(trials: _Trials, choice: _Choice, least: float, start: int | None) -> _Choice | None:
    """The choice with a picture as wide as fits, no narrower than `least` of the whole."""
    narrowest = max(least * trials.width, min(_LEAST_SIDE, trials.width))

    def make(amount: float) -> _Choice:
        width = trials.width * math.exp(-amount)
        return replace(choice, width=max(round(width / 2) * 2, 2) if amount else trials.width)

    if start is None and trials.fits(make(0.0)):
        return make(0.0)
    return trials.search(make, math.log(trials.width / narrowest), _AREA_POWER, start)


def _too_small(trials: _Trials) -> EncodingError:
    least = min(trials.sizes.values())
    return EncodingError(
        f"{trials.path}: does not fit into {trials.budget:,} bytes; the smallest that still shows something "
        f"has {least:,}. Make the clip shorter"
    )


def _differences(full: _Choice, chosen: _Choice, usual: dict[str, float]) -> Iterable[str]:
    """What was given up, in words."""
    if chosen.fps != full.fps:
        yield f"{rate_text(chosen.fps)} frames a second instead of {rate_text(full.fps)}"
    if chosen.width != full.width:
        yield f"{chosen.width} pixels wide instead of {full.width}"
    for name, value in usual.items():
        if chosen[name] != full[name]:
            before = value if full[name] is None else full[name]
            yield f"{name} {chosen[name]:g} instead of {before if isinstance(before, str) else f'{before:g}'}"
