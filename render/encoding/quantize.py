"""True colour to 256: a palette that follows the clip, drawn with a dither, as a rule one of two colours.

Source of the thresholds: B. E. Bayer, "An optimum method for two-level rendition of continuous-tone
pictures" (1973). The dither's mixing ratio is derived in `mixtures`. All searching runs on the occupied
cells of a grid of colours, never on pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render.encoding.dither import NO_DITHER, Dither, diffused
from render.encoding.palette import gaps_of, group_sums, nearest, refine, split_palette

MAX_GRID = 1 << 20  # cells of the grid; where a frame's colours span fewer, each colour has its own
MAX_CELLS = 1 << 14  # occupied ones: with more, the grid is made coarser
MAX_POINTS = 4000  # of the histogram that the palette is found on
NEIGHBOURS = 8  # palette entries tried as the second colour of a dither
RESTART_RATIO = 1.05  # a palette carried over is dropped when it fits this much worse than the last fresh one
FILM_STEPS = 16  # k-means steps for a palette that is found once
MIN_RESTART_ERROR = 0.05  # mean squared distance below which a worse fit cannot be seen

# Rows: luma, blue - luma, red - luma, each with its weight; see `perceived`.
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_TO_PERCEIVED = np.stack(
    [1.4 * _LUMA, 0.6 * (np.array([0, 0, 1]) - _LUMA), 0.6 * (np.array([1, 0, 0]) - _LUMA)]
).astype(np.float32)
_FROM_PERCEIVED = np.linalg.inv(_TO_PERCEIVED)


def bayer_thresholds(order: int = 3) -> np.ndarray:
    """Bayer's matrix as thresholds in (0, 1), float32 [2^order, 2^order]; every value occurs once."""
    matrix = np.zeros((1, 1))
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return ((matrix + 0.5) / matrix.size).astype(np.float32)


def perceived(rgb: np.ndarray) -> np.ndarray:
    """sRGB [n, 3] in 0–255 to the space distances are measured in: float32 [n, 3].

    The gamma of sRGB is even to the eye already, so it is kept; luma counts more than twice as much as
    the differences of colour, because that is where edges and bands are seen (measured in docs/gif.md).
    """
    return np.asarray(rgb, dtype=np.float32) @ _TO_PERCEIVED.T


@dataclass(frozen=True)
class Grid:
    """A box of colours cut into cells: the smallest one that holds a frame, as fine as the limit allows."""

    low: tuple[int, ...]  # the box's first cell in each channel, in cells from 0
    size: tuple[int, ...]  # cells in each channel
    shift: tuple[int, ...]  # a cell is 2^shift levels wide

    @classmethod
    def around(cls, planes: np.ndarray, limit: int) -> Grid:
        """The grid of a frame, uint8 [3, H, W], of no more than `limit` cells."""
        low, high = planes.min(axis=(1, 2)).astype(int), planes.max(axis=(1, 2)).astype(int)
        shift = [0, 0, 0]
        while True:
            first = [int(value) >> s for value, s in zip(low, shift, strict=True)]
            size = [(int(value) >> s) - f + 1 for value, s, f in zip(high, shift, first, strict=True)]
            if size[0] * size[1] * size[2] <= limit:
                return cls(tuple(first), tuple(size), tuple(shift))
            shift[(2, 0, 1)[sum(shift) % 3]] += 1  # green, which the eye sees best, is the last to suffer

    @property
    def is_exact(self) -> bool:
        """Whether every colour has a cell of its own."""
        return not any(self.shift)

    @property
    def count(self) -> int:
        """Cells in all."""
        return self.size[0] * self.size[1] * self.size[2]

    def cells(self, planes: np.ndarray) -> np.ndarray:
        """The cell of each pixel: uint8 [3, H, W] to int [H, W]."""
        cell = (planes[0] >> self.shift[0]).astype(np.intp)
        cell -= self.low[0]
        for channel in (1, 2):
            cell *= self.size[channel]
            cell += planes[channel] >> self.shift[channel]
            cell -= self.low[channel]
        return cell

    def colours(self, places: np.ndarray) -> np.ndarray:
        """The colours of cells [n] of an exact grid, float64 [n, 3]."""
        return np.stack(np.unravel_index(places, self.size), axis=1) + np.array(self.low, dtype=np.float64)


@dataclass(frozen=True)
class Histogram:
    """The occupied cells of a grid, one in each row, and the pixels in them."""

    places: np.ndarray  # int [n], cells of the grid
    counts: np.ndarray  # float64 [n]
    means: np.ndarray  # float64 [n, 3], the mean colour in each cell, sRGB 0–255

    @classmethod
    def of(
        cls, grid: Grid, planes: np.ndarray, wanted: np.ndarray | None = None
    ) -> tuple[Histogram, np.ndarray]:
        """Of a frame uint8 [3, H, W], or its wanted pixels, bool [H, W]; and each pixel's row, int [H, W].

        A pixel that is not wanted may have any row.
        """
        cells = grid.cells(planes)
        if wanted is not None:  # a cell of their own, past all others, is quicker than to leave them out
            np.copyto(cells, grid.count, where=~wanted)
        counts = np.bincount(cells.ravel(), minlength=grid.count)[: grid.count]
        places = np.flatnonzero(counts > 0)
        row_of_cell = np.zeros(grid.count + 1, dtype=np.intp)
        row_of_cell[places] = np.arange(len(places))
        row_of_cell[grid.count] = len(places)
        rows = row_of_cell.take(cells)
        counts = counts[places].astype(np.float64)
        if grid.is_exact:
            means = grid.colours(places)
        else:
            sums = [np.bincount(rows.ravel(), plane.ravel(), len(places))[: len(places)] for plane in planes]
            means = np.stack(sums, axis=1) / counts[:, None]
        if wanted is not None:
            np.minimum(rows, len(places) - 1, out=rows)
        return cls(places, counts, means), rows

    def coarse(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Perceived points [m, 3] and weights [m] of this histogram, of wider cells where it has many."""
        points, weights = perceived(self.means), self.counts
        size = list(grid.size)
        place = np.stack(np.unravel_index(self.places, size))
        found, channel = len(points), 2
        while found > MAX_POINTS:
            place[channel] >>= 1
            size[channel] = size[channel] // 2 + 1
            channel = (channel + 1) % 3  # blue, red, green: the one that the eye sees best is the last
            wide = np.ravel_multi_index(tuple(place), size)
            is_occupied = np.zeros(size[0] * size[1] * size[2], dtype=bool)
            is_occupied[wide] = True
            found = np.count_nonzero(is_occupied)
        if found < len(points):
            rank = np.zeros(len(is_occupied), dtype=np.intp)
            rank[is_occupied] = np.arange(found)
            group = rank[wide]
            mass = np.bincount(group, weights, found)
            points = (group_sums(points, weights, group, found) / mass[:, None]).astype(np.float32)
            weights = mass
        return points, weights


def mixtures(points: np.ndarray, palette: np.ndarray, strength: float) -> tuple[np.ndarray, ...]:
    """Two palette entries to dither between for each point [n, 3], and the second one's share in [0, 0.5].

    With a the nearest entry, b another, u = b - a and d = x - a, a pixel shows b with probability t.
    Its error is |d - tu|² (of the mean colour) + t(1 - t)|u|² (the grain). Weighing the grain by
    1 - strength, the least error lies at t = (d·u/|u|² - (1 - strength)/2) / strength, and strength
    goes from 0 (no dither: grain counts in full) to 1 (only the mean colour counts).
    """
    first = nearest(points, palette)
    if strength <= 0 or len(palette) < 2:
        return first, first, np.zeros(len(points), dtype=np.float32)
    gaps = gaps_of(palette)
    count = min(NEIGHBOURS, len(palette) - 1)
    near = np.argpartition(gaps, count - 1, axis=1)[:, :count]  # [k, m]
    u = palette[near] - palette[:, None]  # [k, m, 3]
    length = np.maximum(np.take_along_axis(gaps, near, axis=1), 1e-6).astype(np.float32)  # [k, m]
    d = points - palette[first]
    along = np.einsum("nd,nmd->nm", d, u[first])  # d·u [n, m]
    length = length[first]  # [n, m]
    share = np.clip((along / length - (1 - strength) / 2) / strength, 0, 0.5)
    # The error less |d|², which no choice of b changes.
    error = share * (-2 * along + length * (share + (1 - strength) * (1 - share)))
    best = error.argmin(axis=1)
    rows = np.arange(len(points))
    return first, near[first, best], share[rows, best].astype(np.float32)


@dataclass(frozen=True)
class Palette:
    """One palette for a whole film.

    colours   uint8 [k, 3], sorted where it is exact
    error     root mean square error of the film's colours, in levels of a channel, undithered
    is_exact  whether it holds every colour of the film
    """

    colours: np.ndarray
    error: float
    is_exact: bool

    @classmethod
    def of(cls, histogram: Histogram, grid: Grid, size: int) -> Palette:
        """The palette of no more than `size` colours for a histogram on an exact grid."""
        if len(histogram.places) <= size:
            return cls(histogram.means.astype(np.uint8), 0.0, is_exact=True)
        points, weights = histogram.coarse(grid)
        palette = points
        if len(points) > size:
            palette, _ = refine(points, weights, split_palette(points, weights, size), FILM_STEPS)
        colours, error = shown_colours(points, weights, palette)
        return cls(colours, error, is_exact=False)


def shown_colours(points: np.ndarray, weights: np.ndarray, palette: np.ndarray) -> tuple[np.ndarray, float]:
    """What is used of a perceived palette [k, 3], in sRGB, uint8 [<= k, 3]; and its error.

    The error is the root mean square over all weighted points [n, 3], in levels of a channel.
    """
    index = nearest(points, palette)
    colours = np.rint((palette @ _FROM_PERCEIVED.T).clip(0, 255)).astype(np.uint8)
    off = ((points - palette[index]) @ _FROM_PERCEIVED.T) ** 2
    return colours[np.unique(index)], float(np.sqrt((weights[:, None] * off).sum() / weights.sum() / 3))


@dataclass(frozen=True)
class Plan:
    """How one frame will be drawn: its palette, and the two colours that each of its own is mixed of."""

    palette: np.ndarray  # uint8 [k, 3]
    rows: np.ndarray  # int32 [H, W], of `points`; without these, of the palette
    points: np.ndarray | None  # float32 [n, 3], the frame's colours as perceived
    dither: Dither
    wanted: np.ndarray | None = None  # bool [H, W], the pixels that will be seen; None: all

    def draw(self, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
        """The frame's indices, uint8 [H, W]. Pure: it may run while the next frame is planned.

        origin: the place (x, y) of the frame's corner in the whole picture, so that the dither pattern
        stands still when only a part of a picture is drawn.
        """
        if self.points is None:
            return self.rows.astype(np.uint8)
        if self.dither.passes_errors_on:
            return self._diffused()
        first, second, share = mixtures(self.points, perceived(self.palette), self.dither.strength)
        indices = first.astype(np.uint8)[self.rows]
        if self.dither.strength <= 0:
            return indices
        height, width = self.rows.shape
        # Thresholds are (i + 1/2)/64: in 128ths they are odd, so a share rounded to 128ths compares alike.
        share = np.rint(share * 128).astype(np.uint8)
        tile = np.roll((bayer_thresholds() * 128).astype(np.uint8), (-origin[1], -origin[0]), axis=(0, 1))
        pattern = np.tile(tile, (height // 8 + 1, width // 8 + 1))[:height, :width]
        np.copyto(indices, second.astype(np.uint8)[self.rows], where=share[self.rows] > pattern)
        return indices

    def _diffused(self) -> np.ndarray:
        """Indices uint8 [H, W], with errors passed on to the neighbours.

        With less than full strength the colours asked for lie nearer to the palette's: less to pass on.
        What will not be seen asks for colours of the palette, and so passes nothing on to what will.
        """
        base = self.palette[nearest(self.points, perceived(self.palette))]
        own = self.points @ _FROM_PERCEIVED.T
        asked = np.rint((base + self.dither.strength * (own - base)).clip(0, 255)).astype(np.uint8)
        rows = self.rows
        if self.wanted is not None:
            rows = np.where(self.wanted, rows, rows + len(asked))
            asked = np.concatenate([asked, base])
        return diffused(asked[rows], self.palette)


class Quantizer:
    """Turns the frames of one clip into palette pictures, each palette grown from the one before.

    colors: entries in a palette, 2–256. dither: a strength, a name, or both, see `Dither.read`.
    steps: k-means steps a frame.
    fixed: the palette of all frames, where they shall have one.
    """

    def __init__(
        self, colors: int = 256, dither: float | str = 0.15, steps: int = 4, fixed: Palette | None = None
    ) -> None:
        self.colors, self.dither, self.steps, self.fixed = colors, Dither.read(dither), steps, fixed
        # Root mean square error of the last palette, in levels of a channel, undithered.
        self.error = fixed.error if fixed else 0.0
        self._palette: np.ndarray | None = None
        self._fresh_error = 0.0
        self._grid_limit = MAX_GRID

    def plan(self, planes: np.ndarray, wanted: np.ndarray | None = None, room: int | None = None) -> Plan:
        """Find the palette of a frame, uint8 [3, H, W].

        wanted: bool [H, W], the pixels that will be seen; by default all. At least one must be.
        room: entries there are, if fewer than `colors`.
        """
        if self.fixed and self.fixed.is_exact:
            order = np.searchsorted(as_numbers(self.fixed.colours.T), as_numbers(planes))
            return Plan(self.fixed.colours, order.astype(np.int32), points=None, dither=NO_DITHER)
        size = min(self.colors, room or self.colors)
        grid, histogram, rows = self._counted(planes, wanted)
        if self.fixed:
            return Plan(self.fixed.colours, rows, perceived(histogram.means), self.dither, wanted)
        if len(histogram.places) <= size and not grid.is_exact:
            exact = exact_palette(planes, wanted, size)
            if exact is not None:
                self.error = 0.0
                return Plan(*exact, points=None, dither=NO_DITHER)
        palette = self._grow(histogram, grid, size)
        return Plan(palette, rows, perceived(histogram.means), self.dither, wanted)

    def quantize(self, frame: np.ndarray, origin: tuple[int, int] = (0, 0)) -> tuple[np.ndarray, np.ndarray]:
        """A frame uint8 [H, W, 3] as indices uint8 [H, W] into a palette uint8 [k, 3]."""
        plan = self.plan(np.ascontiguousarray(frame.transpose(2, 0, 1)))
        return plan.draw(origin), plan.palette

    def _counted(self, planes: np.ndarray, wanted: np.ndarray | None) -> tuple[Grid, Histogram, np.ndarray]:
        """The grid for a frame, as fine as can be afforded, its histogram, and each pixel's row in that."""
        while True:
            grid = Grid.around(planes, self._grid_limit)
            histogram, rows = Histogram.of(grid, planes, wanted)
            if len(histogram.places) <= MAX_CELLS:
                break
            self._grid_limit //= 2
        if len(histogram.places) < MAX_CELLS // 4:
            self._grid_limit = min(self._grid_limit * 2, MAX_GRID)
        return grid, histogram, rows

    def _grow(self, histogram: Histogram, grid: Grid, size: int) -> np.ndarray:
        """The palette of a frame, uint8 [k, 3]."""
        points, weights = histogram.coarse(grid)
        palette = points if len(points) <= size else self._followed(points, weights, size)
        self._palette = palette
        colours, self.error = shown_colours(points, weights, palette)
        return colours

    def _followed(self, points: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
        """The last frame's palette fitted to this one, or a fresh one where that is much better."""
        palette, error = self._palette, np.inf
        if palette is not None and len(palette) == size:
            palette, error = refine(points, weights, palette, self.steps)
        if error > max(RESTART_RATIO * self._fresh_error, MIN_RESTART_ERROR):
            fresh = split_palette(points, weights, size)
            fresh, self._fresh_error = refine(points, weights, fresh, self.steps + 1)
            if self._fresh_error < error:
                return fresh
        return palette


def exact_palette(
    planes: np.ndarray, wanted: np.ndarray | None, size: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Palette and indices of a frame [3, H, W] whose wanted pixels have no more than `size` colours.

    None where they have more. Pixels that are not wanted get any index.
    """
    packed = as_numbers(planes)
    colours = np.unique(packed if wanted is None else packed[wanted])
    if len(colours) > size:
        return None
    palette = np.stack([colours >> 16, colours >> 8, colours], axis=1).astype(np.uint8)
    return palette, np.searchsorted(colours, packed).astype(np.int32)


def as_numbers(planes: np.ndarray) -> np.ndarray:
    """Colours uint8 [3, …] as one number each, uint32 […]."""
    red, green, blue = planes.astype(np.uint32)
    return (red << 16) | (green << 8) | blue
