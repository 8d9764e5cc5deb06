"""The latents of a preset on its networks: from a time to ws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from render.blending.blend import Blend
from render.errors import LatentError, PresetError
from render.latents import label_vector
from render.latents.directions import load_direction, sefa
from render.latents.pace import Pace, even_pace
from render.networks import Generator
from render.preset import Clusters, Preset, Walk
from render.reach import placed
from render.timeline import Clock, ExpressionTrack, NameTrack, Track

from .mixture import LayerNumbers, Names, Values
from .route import Route, View
from .supply import LatentFiles

SAMPLES_A_SEGMENT, MOST_SAMPLES = 24, 480  # small pictures that an even pace looks at
KEPT_VIEWS = 16  # mapping networks under a label, with the latents they have mapped

PicturesOf = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class MappingKey:
    """A blend as far as its mapping network goes: equal where that is the same."""

    blend: Blend

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MappingKey) and np.array_equal(self.blend.mapping, other.blend.mapping)

    def __hash__(self) -> int:
        return hash(self.blend.mapping.tobytes())


def layers_of_rows(model: Generator) -> np.ndarray:
    """Position of the layer that each row of ws styles first, int [num_ws]."""
    # StyleGAN2's constant has no style: row 0 goes to the convolution after it, the last row to to-RGB alone.
    skipped = 1 if model.architecture == "stylegan2" else 0
    return np.minimum(np.arange(model.num_ws) + skipped, len(model.layers) - 1)


class Journey:
    """Which ws a preset shows at a time.

    model       any of its networks: they all have one structure
    mapping_of  the mapping network of a blend
    base        the network whose weights directions are found in

    Raises LatentError or PresetError: what the preset says of latents does not fit the networks.
    """

    def __init__(self, preset: Preset, clock: Clock, model: Generator, mapping_of: Callable, base: Generator):
        self.preset, self.clock, self.model, self.base = preset, clock, model, base
        self._numbers = LayerNumbers(preset, model.layers)
        files = self._files = LatentFiles(preset.base_dir, model)
        latents = preset.latents
        self.route = Route(latents, clock, files, "latents")
        self.mixing = None
        if latents.mixing is not None:
            self.mixing = Route(latents.mixing, clock, files, "latents.mixing")
            self.mixed_rows = self._rows(latents.mixing.layers, "latents.mixing.layers")
        self.directions = [self._direction(index, files) for index in range(len(latents.directions))]
        if latents.labels is not None and not model.c_dim:
            raise PresetError("latents.labels: these networks have no labels; leave the key out")
        self._check_labels()
        self._check_clusters()
        # Caches of this journey's own, which know nothing of it: they keep networks as long as it is there.
        mapping = lru_cache(maxsize=4)(lambda key: mapping_of(key.blend))
        find = partial(_find_view, mapping, model.c_dim, preset.truncation_clusters)
        self._view = lru_cache(maxsize=KEPT_VIEWS)(find)
        self.pace: Pace | None = None
        self._at_seeds: dict[int, Journey] = {}  # kept: views know their routes' points

    def at_seed(self, seed: int) -> Journey:
        """The same journey with one seed at rest instead of its walk; a noise-loop wanders from that seed."""
        if seed not in self._at_seeds:
            latents, other = self.preset.latents, copy(self)
            keeps = ("path", "diameter", "every") if latents.path == "noise-loop" else ()
            walk = Walk(seed=seed, **{name: getattr(latents, name) for name in keeps})
            other.route, other.pace = Route(walk, self.clock, self._files, "panels.seeds"), None
            other._at_seeds = {}
            self._at_seeds[seed] = other
        return self._at_seeds[seed]

    def ws(self, seconds: Fraction, values: Values, names: Names, blend: Blend) -> np.ndarray:
        """What is shown at that time: float32 [num_ws, w_dim], truncated."""
        place = self.route.place_at(seconds, values.get("latents.position"))
        return self._ws_at(self.pace(place) if self.pace else place, seconds, values, names, blend)

    def places(self, seconds: Fraction, values: Values) -> tuple[Fraction | float | None, ...]:
        """How far along its walks it is: at the same places and values it shows the same ws."""
        return tuple(
            route.phase_at(seconds, values.get(name))
            for route, name in ((self.route, "latents.position"), (self.mixing, "latents.mixing.position"))
            if route is not None
        )

    def is_still(self, tracks: Mapping[str, Track | ExpressionTrack], names: Mapping[str, NameTrack]) -> bool:
        """Whether it shows the same ws all through the clip, as far as the preset's tracks tell.

        That is for speed alone: it says what pictures are likely to share.
        """
        moved = [name for name, track in (tracks | names).items() if not track.is_constant]
        routes = [self.route] if self.mixing is None else [self.route, self.mixing]
        mapping = names.get("blend.mapping")
        mixes = mapping is not None and "blend" in mapping.names  # and so follows the blend's own weights
        return (
            all(route.is_still for route in routes)
            and not any(name.startswith(("latents", "truncation", "blend.mapping")) for name in moved)
            and not (mixes and "blend.weight" in moved)
        )

    def _ws_at(
        self, place: Fraction | float, seconds: Fraction, values: Values, names: Names, blend: Blend
    ) -> np.ndarray:
        view = self._view(MappingKey(blend), self._label(names))
        psi = self._psi(values)
        ws = self._truncated(self.route, place, view, psi)
        if self.mixing is not None:
            place = self.mixing.place_at(seconds, values.get("latents.mixing.position"))
            other = self._truncated(self.mixing, place, view, psi)
            rows = self.mixed_rows
            ws[rows] += values["latents.mixing.weight"] * (other[rows] - ws[rows])
        for index, (rows, direction) in enumerate(self.directions):
            ws[rows] += values[f"latents.directions[{index}].strength"] * direction[rows]
        return ws.astype(np.float32)

    def _truncated(self, route: Route, place: Fraction | float, view: View, psi: np.ndarray) -> np.ndarray:
        """float64 [num_ws, w_dim]: each row pulled to its centre by psi [num_ws]."""
        point, centre = route.look(place, view)
        size = (self.model.num_ws, self.model.w_dim)
        point, centre = np.broadcast_to(point, size), np.broadcast_to(centre, size)
        return np.where(psi[:, None] == 1, point, centre + psi[:, None] * (point - centre))

    def _psi(self, values: Values) -> np.ndarray:
        """Truncation of every row, [num_ws]."""
        numbers = self._numbers.at("truncation", values)
        psi = np.broadcast_to(numbers, len(self.model.layers))[layers_of_rows(self.model)].astype(float)
        cutoff = values.get("truncation_cutoff")
        if cutoff is not None:
            psi[max(0, round(cutoff)) :] = 1
        return psi

    def _label(self, names: Names) -> tuple[tuple[str, float], ...]:
        return tuple(names.get("latents.labels", {}).items())

    # --- pace -----------------------------------------------------------------------------------------------

    def find_pace(self, values: Values, names: Names, blend: Blend, pictures_of: PicturesOf) -> None:
        """Re-time the walk so that its pictures, small ones of one network, change evenly."""
        if self.route.is_still:
            return
        start, end = self.route.span

        def picture_at(places: Sequence[float]) -> np.ndarray:
            return pictures_of(
                np.stack([self._ws_at(place, Fraction(0), values, names, blend) for place in places])
            )

        keyed = self.preset.latents.keys is not None
        fixed = [stop.seconds for stop in self.route.stops] if keyed else []
        samples = min(SAMPLES_A_SEGMENT * max(2, len(self.route.stops) - 1), MOST_SAMPLES)
        self.pace = even_pace(picture_at, start, end, fixed, samples)

    # --- what must fit --------------------------------------------------------------------------------------

    def _rows(self, rows, place: str) -> list[int]:
        found = list(rows.indices(self.model.num_ws)) if rows is not None else list(range(self.model.num_ws))
        if not found:
            raise PresetError(
                f"{place}: there is no row {rows.text}; this network has rows 0 to {self.model.num_ws - 1}"
            )
        return found

    def _direction(self, index: int, files: LatentFiles) -> tuple[list[int], np.ndarray]:
        """Rows that are moved, and the direction for every row: [num_ws, w_dim]."""
        direction, place = self.preset.latents.directions[index], f"latents.directions[{index}]"
        rows = self._rows(direction.layers, f"{place}.layers")
        size = (self.model.num_ws, self.model.w_dim)
        if direction.sefa is not None:
            found = sefa(self.base, rows)
            if direction.sefa >= len(found):
                raise PresetError(
                    f"{place}.sefa: there are directions 0 to {len(found) - 1} here, not {direction.sefa}"
                )
            return rows, np.broadcast_to(found[direction.sefa], size)
        try:
            path = placed(self.preset.base_dir, direction.file, LatentError)
            return rows, np.broadcast_to(load_direction(path, *size), size)
        except LatentError as error:
            raise LatentError(f"{place}.file: {error}") from None

    def _check_labels(self) -> None:
        track = self.preset.names().get("latents.labels")
        for name in track.names if track else ():
            if int(name) >= self.model.c_dim:
                raise PresetError(
                    f"latents.labels: there is no class {name}; these networks have classes 0 to "
                    f"{self.model.c_dim - 1}"
                )

    def _check_clusters(self) -> None:
        if self.preset.truncation_clusters and self.preset.latents.path in ("circle", "noise-loop"):
            raise PresetError(
                f"truncation_clusters: a {self.preset.latents.path} has no stops that could be pulled to "
                "centres; use path: spline, slerp or linear"
            )


def _find_view(
    mapping: Callable,
    c_dim: int,
    clusters: Clusters | None,
    key: MappingKey,
    label: tuple[tuple[str, float], ...],
) -> View:
    vector = None
    if label:
        vector = label_vector({int(name): share for name, share in label}, c_dim)[None]
    return View(mapping(key), vector, clusters)
