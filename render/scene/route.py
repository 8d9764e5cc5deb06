"""One walk of a preset on the network at hand: from a time to a point in w, and the centre that pulls it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch

from render import latents
from render.errors import LatentError
from render.latents.clusters import centres, nearest
from render.networks.stylegan2 import Mapping
from render.preset import FileLatent, Stop, Walk
from render.preset.truncation import Clusters
from render.preset.walk import ROUND_PATHS
from render.timeline import LINEAR, Clock

from .supply import LatentFiles, Supply

Place = Fraction | float
_DEFAULT_DIAMETER = 1.5


class View:
    """A mapping network under one label, and the centres that truncation pulls to.

    label     float32 [1, c_dim], or None
    clusters  how many centres there are in place of w_avg, and their seed
    """

    def __init__(self, mapping: Mapping, label: np.ndarray | None, clusters: Clusters | None):
        self.mapping, self.label, self.clusters = mapping, label, clusters
        self.known: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}  # see `Route._points`

    @torch.no_grad()
    def to_w(self, z: np.ndarray) -> np.ndarray:
        """z [N, z_dim] → w float32 [N, w_dim]."""
        device = self.mapping.w_avg.device
        label = None
        if self.label is not None:
            label = torch.from_numpy(self.label).to(device).expand(len(z), -1)
        return self.mapping.to_w(torch.from_numpy(z).to(device), label).cpu().numpy()

    @cached_property
    def average(self) -> np.ndarray:
        """w_avg [w_dim]."""
        return self.mapping.w_avg.cpu().numpy()

    @cached_property
    def centres(self) -> np.ndarray | None:
        """Of the clusters, [K, w_dim]; None: there is only the average."""
        if self.clusters is None:
            return None
        label = None if self.label is None else self.label[0]
        return centres(self.mapping, self.clusters.count, self.clusters.seed, label=label)

    def centre_of(self, w: np.ndarray) -> np.ndarray:
        """The centre that each w [N, w_dim] is pulled to, [N, w_dim]."""
        if self.centres is None:
            return np.broadcast_to(self.average, w.shape)
        return self.centres[nearest(w, self.centres)]


class Route:
    """A walk over the latents of one network.

    place  of the walk in the preset, for messages: `latents` or `latents.mixing`

    Raises LatentError: a file is missing, damaged or does not fit, or holds w where the path goes through z.
    """

    def __init__(self, walk: Walk, clock: Clock, files: LatentFiles, place: str):
        self.walk, self.clock, self.place = walk, clock, place
        self.in_z = walk.walk_space == "z"
        self._rounds = walk.path in ROUND_PATHS
        self.stops = self._stops(files)
        different = list(dict.fromkeys(stop.latent for stop in self.stops))
        self.supply = Supply.of(different, files, self._place_of)
        if self.in_z and self.supply.of_w.any():
            latent = different[int(np.argmax(self.supply.of_w))]
            raise LatentError(
                f"{self._place_of(latent)}: {latent} is a point in w, and {walk.path} goes through z; "
                "use path: spline with space: w"
            )
        if self._rounds:
            self._curve = self._round_curve(files.model.z_dim)
        else:
            self._numbers = {latent: number for number, latent in enumerate(different)}
            self._pieces = [self._piece(stops) for stops in _without_cuts(self.stops)]
            self._starts = [piece.seconds[0] for piece in self._pieces]

    @property
    def is_still(self) -> bool:
        """Whether it stays at one latent."""
        return not self._rounds and len(self.supply.z) == 1

    @property
    def span(self) -> tuple[Place, Place]:
        """The first and last time at which the walk moves."""
        if self._rounds:
            return Fraction(0), self.clock.duration
        return self.stops[0].seconds, self.stops[-1].seconds

    def place_at(self, seconds: Fraction, position: float | None) -> Place:
        """How far along the walk: a time of its own, or with a position the number of a stop; of turns."""
        if self._rounds:
            return float(seconds / self.walk.turn_seconds(self.clock)) if position is None else position
        if position is not None:
            return position % float(self.stops[-1].seconds) if self._pieces[-1].loop else position
        first, last = self.span
        if self._pieces[-1].loop and not first <= seconds <= last:
            return first + (seconds - first) % (last - first)
        return seconds

    def phase_at(self, seconds: Fraction, position: float | None) -> Place | None:
        """The place, alike where the walk is at the same point: None throughout for one that stays."""
        if self.is_still:
            return None
        place = self.place_at(seconds, position)
        return float(f"{place % 1:.12g}") if self._rounds else place

    def look(self, place: Place, view: View) -> tuple[np.ndarray, np.ndarray]:
        """The point at that place and its centre: both float64 [w_dim] or [num_ws, w_dim]."""
        if self._rounds:
            return view.to_w(self._curve.point(place)[None])[0].astype(float), view.average.astype(float)
        piece = self._pieces[max(0, bisect.bisect_right(self._starts, place) - 1)]
        mix = piece.weights(place)
        points, pulls = self._points(mix.indices, view)
        centre = np.tensordot(mix.weights, pulls, axes=1)
        if self.in_z:
            return view.to_w(piece.point(self.supply.z, place)[None])[0].astype(float), centre
        return np.tensordot(mix.weights, points, axes=1), centre

    def _points(self, numbers: Sequence[int], view: View) -> tuple[np.ndarray, np.ndarray]:
        """These latents in w, and the centre of each: float64 [n, …]. One given in w is its own centre."""
        found = [self._known_point(number, view) for number in map(int, numbers)]
        shape = () if self.supply.own is None else self.supply.own.shape[1:]
        return tuple(_stacked([pair[index] for pair in found], shape) for index in (0, 1))

    def _known_point(self, number: int, view: View) -> tuple[np.ndarray, np.ndarray]:
        # Mapped alone: in a batch its last digits would depend on which others are missing, and so on which
        # moments were asked for before.
        if (id(self), number) not in view.known:
            if self.supply.of_w[number]:
                point = centre = self.supply.own[number]
            else:
                w = view.to_w(self.supply.z[[number]])
                point, centre = w[0], view.centre_of(w)[0]
            view.known[id(self), number] = point, centre
        return view.known[id(self), number]

    # --- building -------------------------------------------------------------------------------------------

    def _stops(self, files: LatentFiles) -> tuple[Stop, ...]:
        def rows(file: FileLatent) -> list[FileLatent]:
            try:
                return files.rows(file)
            except LatentError as error:
                raise LatentError(f"{self._place_of(file)}: {error}") from None

        stops = self.walk.stops(self.clock, rows)
        if self.walk.position is None or self._rounds:
            return stops
        return tuple(stop._replace(seconds=Fraction(number)) for number, stop in enumerate(stops))

    def _place_of(self, latent: object) -> str:
        """Where a latent is written: `latents.keys[2]`."""
        if self.walk.keys is not None:
            index = next(at for at, key in enumerate(self.walk.keys) if key.latent == latent)
            return f"{self.place}.keys[{index}]"
        files = self.walk.files or ()
        index = next((at for at, file in enumerate(files) if file.file == getattr(latent, "file", "")), None)
        return self.place if index is None else f"{self.place}.files[{index}]"

    def _piece(self, stops: Sequence[Stop]) -> latents.Walk:
        easings = tuple(None if stop.easing == LINEAR else stop.easing for stop in stops)
        closed = len(stops) == len(self.stops) > 1 and stops[0].latent == stops[-1].latent
        return latents.Walk(
            tuple(stop.seconds for stop in stops),
            tuple(self._numbers[stop.latent] for stop in stops),
            self.walk.path,
            self.clock.loop and closed,
            easings if any(easings) else (),
        )

    def _round_curve(self, z_dim: int) -> latents.GreatCircle | latents.NoiseLoop:
        if self.walk.path == "circle":
            return latents.GreatCircle(*self.supply.z)
        seed = self.walk.all_seeds[0]
        diameter = _DEFAULT_DIAMETER if self.walk.diameter is None else self.walk.diameter
        return latents.NoiseLoop(seed, z_dim, diameter)


def _without_cuts(stops: Sequence[Stop]) -> list[list[Stop]]:
    """The stops in groups: where two of them lie at one time the walk ends at the first, and begins anew."""
    groups = [[stops[0]]]
    for stop in stops[1:]:
        if stop.seconds == groups[-1][-1].seconds:
            groups.append([])
        groups[-1].append(stop)
    return groups


def _stacked(parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Points [w_dim] or [num_ws, w_dim] in one array, float64."""
    if len(shape) == 2:
        parts = [np.broadcast_to(part, shape) for part in parts]
    return np.stack(parts).astype(float)
