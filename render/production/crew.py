"""Who draws the segments of a film: this process, some part of many, or workers that it sends out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from render.jobs import Job
from render.preset import Preset
from render.production.bottleneck import Bottleneck
from render.production.manifest import Plan, SegmentRecord
from render.production.shards import Shard
from render.production.shoot import Shoot, Take
from render.production.workfolder import Store
from render.renderer import Renderer, pick_device
from render.scene import Scene

MOST_ATTEMPTS = 3  # at one segment, before it is given up


@dataclass(frozen=True)
class Errand:
    """All that a worker needs to draw segments: data that can be sent to it.

    options  of Renderer
    folder   of the store
    """

    preset: Preset
    jobs: list[Job]
    options: dict[str, Any]
    segment_frames: int
    plan: Plan
    folder: Path

    def open(self, device: str | None) -> Shoot:
        """Load the models onto a device."""
        scene = Scene.open(self.preset, pick_device(device))
        return Shoot(Renderer(scene, **self.options), self.jobs, self.segment_frames)

    @property
    def store(self) -> Store:
        """Where finished segments go."""
        return Store(self.folder, self.plan)


def takes(
    shoot: Shoot,
    store: Store,
    numbers: Iterable[int],
    tell: Callable[[], None] = lambda: None,
    bottleneck: Bottleneck | None = None,
) -> Iterator[SegmentRecord]:
    """Draw, encode and keep segments, one after the other.

    tell        called after every frame
    bottleneck  is given the time that frames waited for encoders
    """
    segments = [shoot.segments[number] for number in numbers]
    with closing(shoot.frames(segments)) as drawn:
        for segment in segments:
            with Take(shoot, store, segment) as under_way:
                for frame, rates in islice(drawn, len(segment)):
                    under_way.write(frame, rates)
                    tell()
                record = under_way.finish()
                if bottleneck:
                    bottleneck.add(under_way.waited)
            yield record


@dataclass(frozen=True)
class Report:
    """What a crew says while it works.

    finished  called with each finished segment
    frames    called with a number of frames drawn
    is_asked  whether to give out no more segments
    tell      says something to people
    """

    finished: Callable[[SegmentRecord], None]
    frames: Callable[[int], None]
    is_asked: Callable[[], bool]
    tell: Callable[[str], None]


class Crew(ABC):
    """Workers that draw segments into a store."""

    @abstractmethod
    def film(self, errand: Errand, numbers: Iterable[int], report: Report) -> None:
        """Draw these segments. Raises what a worker raised; those it was killed at are given to others.

        Segments that nobody could finish are left out. Ends early where that is asked for.
        """


@dataclass(frozen=True)
class Share:
    """How the work on a film is shared out.

    shard  this process draws one part of many, and makes no file
    joins  it draws nothing, and makes the files of what others have drawn
    crew   workers draw for it
    """

    shard: Shard | None = None
    joins: bool = False
    crew: Crew | None = field(default=None)

    @property
    def is_alone(self) -> bool:
        """Whether the process does everything itself."""
        return not (self.shard or self.joins or self.crew)


ALONE = Share()
