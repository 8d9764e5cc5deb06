"""Drawing tools of the painter: signed distances, exact-area edges and a canvas of flat colour layers.

Coordinates: x to the right, y down, the picture spans [-1, 1] both ways. A distance is negative inside. Edges
are anti-aliased by the share of a pixel that lies inside, so a picture painted at 128 px and averaged down to
64 px is nearly the picture painted at 64 px. Planes are float32 [N, R, R] (or [N, 1, 1] where constant), and
colours [N, 3, 1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Number = Tensor | float


def cover(distance: Tensor, pixel: Number) -> Tensor:
    """Share of each pixel inside a shape, 0 to 1. `pixel`: the size of a pixel in the units of `distance`."""
    return torch.clamp(0.5 - distance / pixel, 0, 1)


def soft(distance: Tensor, width: Number) -> Tensor:
    """A soft edge: 1 deeper than `width` inside, 0 farther than `width` outside, smooth between."""
    t = torch.clamp(0.5 - distance / (2 * width), 0, 1)
    return t * t * (3 - 2 * t)


def band(distance: Tensor, half: Number, pixel: Number) -> Tensor:
    """Share of each pixel within `half` of the zero line; exact for lines thinner than a pixel too."""
    half = torch.clamp(half, min=0) if isinstance(half, Tensor) else half
    inner = torch.clamp((distance - half) / pixel + 0.5, 0, 1)
    return torch.clamp((distance + half) / pixel + 0.5, 0, 1) - inner


def bump(square: Tensor) -> Tensor:
    """Close to exp(-square), but 0 from 4 on: many times quicker, for it never meets denormal numbers."""
    t = torch.clamp(1 - 0.25 * square, min=0)
    t = t * t
    return t * t


def blob(x: Tensor, y: Tensor, cx: Number, cy: Number, rx: Number, ry: Number) -> Tensor:
    """A soft hill of height 1 round (cx, cy)."""
    return bump(((x - cx) * (1 / rx)) ** 2 + ((y - cy) * (1 / ry)) ** 2)


def mix(a: Number, b: Number, t: Number) -> Tensor:
    """a where t is 0, b where t is 1."""
    return a + (b - a) * t


def join(a: Tensor, b: Tensor, k: float = 0.1) -> Tensor:
    """Union of two shapes, with the seam rounded over a width `k`."""
    h = torch.clamp(0.5 + 0.5 * (b - a) / k, 0, 1)
    return mix(b, a, h) - k * h * (1 - h)


def cut(a: Tensor, b: Tensor, k: float = 0.05) -> Tensor:
    """Intersection of two shapes, with the corner rounded over a width `k`."""
    return -join(-a, -b, k)


def ellipse(x: Tensor, y: Tensor, rx: Number, ry: Number) -> Tensor:
    """Distance to an ellipse round the origin (first order: exact on the edge)."""
    return egg(x, y, rx, ry, ry, 0.0, 0.0)


def egg(
    x: Tensor, y: Tensor, half: Number, top: Number, bottom: Number, taper: Number, lean: Number
) -> Tensor:
    """Distance to a head outline: an ellipse of two half-heights whose lower part narrows and leans.

    `taper` is the share of the half-width lost at the chin, `lean` the sideways shift of the chin.
    """
    height = torch.where(y < 0, torch.as_tensor(top), torch.as_tensor(bottom))
    yn = y / height
    low = torch.clamp(yn, 0, 1.3) ** 2
    width = half * (1 - taper * low)
    xn = (x - lean * low) / width
    k1 = torch.sqrt(xn * xn + yn * yn + 1e-9)
    k2 = torch.sqrt((xn / width) ** 2 + (yn / height) ** 2 + 1e-9)
    return k1 * (k1 - 1) / k2


def box(x: Tensor, y: Tensor, half: Number, top: Number, bottom: Number, radius: Number) -> Tensor:
    """Distance to an upright box of half-width `half` between `top` and `bottom`, corners rounded."""
    dx = torch.abs(x) - (half - radius)
    dy = torch.abs(y - (top + bottom) / 2) - ((bottom - top) / 2 - radius)
    outside = torch.sqrt(torch.clamp(dx, min=0) ** 2 + torch.clamp(dy, min=0) ** 2 + 1e-12)
    return outside + torch.clamp(torch.maximum(dx, dy), max=0) - radius


def capsule(x: Tensor, y: Tensor, a: tuple[Number, Number], b: tuple[Number, Number]) -> Tensor:
    """Distance to the straight line from a to b (no width: subtract one)."""
    bx, by = b[0] - a[0], b[1] - a[1]
    px, py = x - a[0], y - a[1]
    h = torch.clamp((px * bx + py * by) / (bx * bx + by * by + 1e-9), 0, 1)
    return torch.sqrt((px - bx * h) ** 2 + (py - by * h) ** 2 + 1e-12)


def arc(t: Tensor, y: Tensor, half: Number, rise: Number) -> Tensor:
    """Signed distance from the parabola that is `rise` high at t = 0 and meets y = 0 at t = ±1."""
    slope = 2 * rise * torch.clamp(t, -1.2, 1.2) / half
    return (y + rise * (1 - t * t)) / torch.sqrt(1 + slope * slope)


def almond(t: Tensor, y: Tensor, half: Number, up: Number, down: Number, pixel: Number) -> Tensor:
    """Coverage of the shape between two arcs, `up` above and `down` below the line: an eye or a lip."""
    return cover(-arc(t, y, half, up), pixel) * cover(arc(t, y, half, -down), pixel)


def taper(t: Tensor, power: float = 1.0) -> Tensor:
    """A brush's pressure along a stroke: 1 in the middle, 0 at t = ±1 and beyond."""
    return torch.clamp(1 - t * t, min=0) ** power


def colour(red: float, green: float, blue: float, like: Tensor) -> Tensor:
    """A constant colour [1, 3, 1, 1] on the device of `like`."""
    return torch.tensor([red, green, blue], dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def grey(rgb: Tensor) -> Tensor:
    """Luminance [N, 1, 1, 1] of colours [N, 3, 1, 1]."""
    return (rgb * colour(0.3, 0.59, 0.11, rgb)).sum(1, keepdim=True)


Window = tuple[slice, slice]  # rows, columns


@dataclass(frozen=True)
class View:
    """The picture plane as seen from the head: where every pixel lies in the head's own coordinates."""

    screen_x: Tensor  # [1, 1, R], in [-1, 1]
    screen_y: Tensor  # [1, R, 1], in [-1, 1]
    x: Tensor  # [N, R, R], head units: shifted, tilted and scaled with the head
    y: Tensor  # [N, R, R]
    screen_pixel: float  # size of a pixel on the screen
    pixel: Tensor  # [N, 1, 1], size of a pixel in head units

    def part(self, window: Window) -> View:
        """The view of a window of the picture."""
        rows, columns = window
        return View(
            self.screen_x[..., columns], self.screen_y[:, rows], self.x[:, rows, columns],
            self.y[:, rows, columns], self.screen_pixel, self.pixel,
        )  # fmt: skip

    def window(self, top: float, bottom: float, reach: float) -> Window:
        """Rows from `top` to `bottom`, columns within `reach` of the middle, in screen units."""
        size = self.x.shape[-1]
        first, last = (int((place + 1) / 2 * size) for place in (top, bottom))
        edge = int((1 - reach) / 2 * size)
        return slice(max(first, 0), min(last + 1, size)), slice(max(edge, 0), size - max(edge, 0))


def look(resolution: int, centre: tuple[Number, Number], roll: Tensor, scale: Tensor) -> View:
    """The view of a head at `centre` (screen units), turned by `roll` (radians), `scale` times its size."""
    step = 2 / resolution
    line = (torch.arange(resolution, device=scale.device) + 0.5) * step - 1
    sx, sy = line.view(1, 1, -1), line.view(1, -1, 1)
    dx, dy = (sx - centre[0]) / scale, (sy - centre[1]) / scale
    c, s = torch.cos(roll), torch.sin(roll)
    return View(sx, sy, c * dx + s * dy, c * dy - s * dx, step, step / scale)


class Canvas:
    """RGB planes [N, 3, R, R] in [0, 1] that layers are laid on."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels

    def part(self, window: Window) -> Canvas:
        """The window of this canvas: what is laid on it is laid here."""
        return Canvas(self.pixels[..., window[0], window[1]])

    def lay(self, paint: Tensor, alpha: Tensor) -> None:
        """Cover by `paint` [N, 3, ...] where `alpha` [N, R, R] is 1."""
        self.pixels.lerp_(paint, alpha[:, None])

    def shade(self, factor: Tensor, alpha: Tensor) -> None:
        """Multiply by `factor` [N, 3, ...] where `alpha` is 1: glazes and shadows."""
        self.pixels *= (factor - 1) * alpha[:, None] + 1

    def glow(self, light: Tensor, alpha: Tensor) -> None:
        """Add light without leaving [0, 1]: 1 - (1 - a)(1 - b)."""
        self.pixels += (1 - self.pixels) * light * alpha[:, None]


@dataclass(frozen=True)
class Picture:
    """A painted batch: pixels [N, 3, R, R] in [0, 1] and the visible parts [N, R, R] in [0, 1]."""

    pixels: Tensor
    eyes: Tensor
    mouth: Tensor
    hair: Tensor
    face: Tensor


def placed(part: Tensor, window: Window, like: Tensor) -> Tensor:
    """A mask of a window, in the whole picture [N, R, R]."""
    whole = torch.zeros_like(like)
    whole[:, window[0], window[1]] = part
    return whole


def turned(u: Number, radius: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Where a point `u` off the middle of a turning head goes: (x, how much of its width stays)."""
    start = torch.asin(torch.clamp(u / radius, -0.95, 0.95))
    theta = torch.clamp(start + angle, -1.2, 1.2)
    return radius * torch.sin(theta), torch.cos(theta) / torch.cos(start)


def pair(x: Tensor, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Fold the picture onto two mirrored features: (is it the right one [N, R, R] bool, its sign ±1)."""
    is_right = x > (left + right) / 2
    return is_right, is_right.to(x.dtype) * 2 - 1
