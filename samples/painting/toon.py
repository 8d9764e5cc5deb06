"""The toon style: a big round head with huge eyes, cel shading, thick outlines and bright grounds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .canvas import (
    Canvas,
    Picture,
    View,
    almond,
    arc,
    band,
    blob,
    box,
    colour,
    cover,
    cut,
    egg,
    ellipse,
    grey,
    join,
    look,
    mix,
    pair,
    placed,
    soft,
    taper,
    turned,
)
from .parameters import Parameters


@dataclass(frozen=True)
class Head:
    """Sizes, places and distances of one batch of heads in head units ([N, 1, 1], distances [N, R, R])."""

    half: Tensor
    angle: Tensor
    outline: Tensor
    mass: Tensor
    front: Tensor
    hair: Tensor  # [N, 3, 1, 1], the vivid hair colour
    line: Tensor  # [N, 3, 1, 1], the colour of outlines


def vivid(rgb: Tensor, strength: float, light: float) -> Tensor:
    """A colour pushed away from its own grey and lifted: paint for cartoons. [N, 3, 1, 1]"""
    middle = grey(rgb)
    return torch.clamp(middle * light + (rgb - middle) * strength + 0.06, 0.02, 0.98)


def pure(rgb: Tensor) -> Tensor:
    """The hue of a colour at full saturation and brightness. [N, 3, 1, 1]"""
    low, high = rgb.amin(1, keepdim=True), rgb.amax(1, keepdim=True)
    return (rgb - low) / (high - low + 1e-6)


def measure(q: Parameters, v: View) -> Head:
    """A head nearly as wide as high, with a small chin."""
    half = 0.60 + 0.03 * q.face_width
    outline = egg(
        v.x - 0.02 * q.yaw, v.y, half, 0.58, 0.54 + 0.03 * q.face_length, mix(0.42, 0.20, q.jaw), 0.05 * q.yaw
    )
    volume = 0.07 + 0.09 * q.hair_volume
    length = q.hair_length * (1 - 0.8 * torch.clamp(q.bun * 2, max=1))
    x = v.x + 0.05 * q.yaw
    dome = ellipse(x, v.y + 0.12, half + volume, 0.52 + volume)
    end = mix(0.05, 1.1, length)
    curl = 0.05 * q.wave * torch.sin(v.y * 10 + q.phase) * torch.sign(x)
    flare = half + volume * 0.7 + 0.10 * length * torch.clamp(v.y + 0.2, 0, 1) + curl
    spikes = 0.10 * torch.abs(torch.sin(x * 7 + q.phase))
    mass = cut(join(dome, box(x, v.y, flare, -0.3, end + 0.1, 0.2), 0.1), v.y - end - spikes + 0.05, 0.04)
    for way in (-1, 1):  # a bun becomes a pair of them
        knot = ellipse(x - way * 0.46, v.y + 0.60 + volume * 0.5, 0.02 + 0.25 * q.bun, 0.02 + 0.24 * q.bun)
        knot = knot + 0.2 * torch.clamp(1 - 3 * q.bun, min=0)
        mass = join(mass, knot, 0.02)
    fx = v.x - 0.13 * q.yaw
    away = torch.abs(fx - 0.30 * q.parting) / half
    # Locks: scallops that end in points.
    locks = torch.abs(torch.sin(fx * 6.5 + q.phase)) * (0.09 + 0.11 * q.fringe)
    line = -0.50 + 0.14 * q.fringe + locks + (0.40 - 0.25 * q.fringe) * away**1.5
    line = torch.minimum(line, -0.13 + 3 * torch.clamp(torch.abs(fx) / half - 0.74, min=0))
    cap = cut(dome, (v.y - line) * 0.62, 0.02)
    hang = torch.clamp(length * 3 - 0.3, 0, 1)
    opening = ellipse(fx, v.y - 0.15, half * mix(1.15, 0.94, hang), 0.85)
    front = join(cap, torch.maximum(mass, -opening), 0.05)
    hair = vivid(q.hair, 1.9, 1.15)
    return Head(half, 0.42 * q.yaw, outline, mass, front, hair, hair * 0.30 + q.skin * 0.05)


def _ground(canvas: Canvas, q: Parameters, v: View) -> None:
    """A bright two-tone gradient, with a sunburst in about half of the pictures."""
    sx, sy = v.screen_x, v.screen_y
    a, b = 0.52 + 0.42 * pure(q.back_a), 0.38 + 0.48 * pure(q.back_b)
    canvas.pixels += mix(a, b, torch.clamp(0.5 + 0.5 * sy, 0, 1)[:, None])
    angle = torch.atan2(sx + 0 * sy, -sy - 0.1 + 0 * sx)
    away = torch.sqrt(sx * sx + (sy + 0.1) ** 2)
    rays = cover(torch.sin(angle * 8 + q.phase) * away / 8, v.screen_pixel)
    canvas.lay(torch.clamp(a * 0.7 + 0.3, max=1), rays * 0.7 * (q.pattern > 0.5))
    ring = cover(away - 0.80, v.screen_pixel)
    canvas.lay(torch.clamp(a * 0.6 + 0.4, max=1), ring * (q.pattern < 0.25) * 0.8)


def _cel(q: Parameters, distance: Tensor, v: View, reach: float) -> Tensor:
    """Coverage of the shadow tone: the side of a shape away from the light, with a crisp edge."""
    lean = (v.x * q.light_x * -1 + 0.35 * v.y) * 0.5
    return soft(-(distance + reach - lean * 0.35), 0.012)


def _body(canvas: Canvas, q: Parameters, v: View, head: Head, skin: Tensor) -> None:
    x = v.x + 0.02 * q.yaw
    neck = box(x, v.y, 0.13 + 0 * q.yaw, 0.3, 1.4, 0.05)
    shade = skin * colour(0.82, 0.62, 0.62, skin)
    torso = ellipse(x, v.y - 1.35, 0.62, 0.66)
    canvas.lay(head.line, cover(torch.minimum(torso, neck) - 0.026, v.pixel))
    canvas.lay(skin, cover(neck, v.pixel))
    canvas.lay(shade, cover(neck, v.pixel) * soft(v.y - 0.66, 0.02))
    cloth = vivid(q.cloth, 1.7, 1.1)
    inside = cover(torso, v.pixel)
    canvas.lay(cloth, inside)
    canvas.lay(cloth * 0.72, inside * _cel(q, torso, v, 0.12))
    collar = torch.abs(x) * mix(0.3, 1.5, q.neckline) + v.y - mix(0.80, 0.98, q.neckline)
    canvas.lay(
        skin, cover(torch.maximum(torso - v.pixel, collar), v.pixel) * cover(torch.abs(x) - 0.5, v.pixel)
    )
    canvas.lay(torch.clamp(q.trim * 0.6 + 0.4, max=1), inside * band(collar, 0.035, v.pixel))


def _eyes(canvas: Canvas, q: Parameters, v: View, head: Head, skin: Tensor) -> Tensor:
    """Huge shining eyes and simple brows; returns the coverage of the eyes."""
    spread = 0.265 + 0.015 * q.eye_spacing
    (left, keep_l), (right, keep_r) = (turned(s * spread, head.half * 1.1, head.angle) for s in (-1, 1))
    is_right, side = pair(v.x, left, right)
    half = (0.172 + 0.014 * q.eye_size) * torch.where(is_right, keep_r, keep_l) ** 0.8
    tall = (0.165 + 0.05 * q.eye_open) * (1 + 0.06 * q.eye_size)
    dx = v.x - torch.where(is_right, right, left)
    y = v.y - 0.06 + 0.03 * q.eye_slant * dx / half * side
    shape = ellipse(dx, y, half, tall)
    eye = cover(shape, v.pixel)
    dark = head.line * 0.55
    white = colour(1.0, 1.0, 1.0, skin)
    canvas.lay(white, eye)
    canvas.lay(colour(0.78, 0.82, 0.92, skin), eye * soft(y + tall * 0.55, 0.02))
    iris = vivid(q.iris, 2.3, 1.25)
    ix, iy = dx - 0.05 * q.gaze - 0.03 * q.yaw, y - 0.01
    ball = ellipse(ix, iy, half * 0.74, tall * 0.82)
    canvas.lay(iris * 0.38, eye * cover(ball, v.pixel))
    glow = torch.clamp(0.5 + iy / tall * 0.8, 0, 1)
    canvas.lay(
        mix(iris * 0.55, torch.clamp(iris * 1.15 + 0.15, max=1), glow[:, None]),
        eye * cover(ball + 0.022, v.pixel),
    )
    canvas.lay(iris * 0.16, eye * cover(ellipse(ix, iy, half * 0.34, tall * 0.42), v.pixel))
    lx = torch.where(q.light_x > 0, 1.0, -1.0) * 0.30
    canvas.lay(
        white, eye * cover(ellipse(ix - half * lx, iy + tall * 0.36, half * 0.26, tall * 0.24), v.pixel)
    )
    canvas.lay(
        white, eye * cover(ellipse(ix + half * lx, iy - tall * 0.42, half * 0.14, tall * 0.12), v.pixel) * 0.9
    )
    lash = band(shape, 0.026 * torch.clamp(0.25 - y / tall, 0, 1.0), v.pixel)
    canvas.lay(dark, lash)
    wing = (dx * side - half * 1.02) / (half * 0.22)
    flick = cover(torch.abs(y + tall * 0.42 + 0.05 * wing) - 0.020 * (1 - wing), v.pixel) * (
        torch.abs(wing) < 1
    )
    canvas.lay(dark, flick)
    canvas.lay(dark, band(shape, 0.010 * torch.clamp(y / tall - 0.3, 0, 1), v.pixel))
    tb = dx / (half * 0.95)
    by = v.y - 0.06 + tall + 0.085 + 0.025 * q.brow_height + 0.04 * q.brow_tilt * tb * side
    weight = (0.020 + 0.014 * q.brow_weight) * taper(tb, 0.4)
    canvas.lay(head.hair * 0.45, band(arc(tb, by, half, 0.045 + 0 * half), weight, v.pixel))
    return eye


def _mouth(canvas: Canvas, q: Parameters, v: View, head: Head, x: Tensor) -> Tensor:
    """A curved line, or an open laughing mouth; returns its coverage."""
    half = 0.135 + 0.02 * q.mouth_width
    t = (v.x - x) / half
    y = v.y - 0.345 - 0.01 * q.face_length
    bow = 0.010 + 0.10 * q.smile
    open_by = 0.13 * q.mouth_open
    y = y - 0.6 * bow * (1 - t * t) + 0.3 * bow
    gate = torch.clamp(q.mouth_open * 6, max=1)
    inner = almond(t, y, half, 0.012 + 0 * half, open_by + 0.01, v.pixel) * gate
    canvas.lay(colour(0.50, 0.10, 0.14, v.x), inner)
    canvas.lay(
        colour(0.95, 0.45, 0.45, v.x),
        inner * cover(ellipse(t * half, y - open_by, half * 0.6, open_by * 0.55 + 0.01), v.pixel),
    )
    canvas.lay(colour(1, 1, 1, v.x), inner * cover(y - 0.022, v.pixel))
    lips = band(y, 0.028 * taper(t, 0.5), v.pixel)
    canvas.lay(mix(head.line, q.lip, 0.25), lips)
    lower = band(arc(t, y, half, -open_by - 0.01), 0.015 * taper(t * 0.97, 0.4), v.pixel) * gate
    canvas.lay(mix(head.line, q.lip, 0.25), lower)
    shine = blob(t, y, 0.0, 0.05 + open_by, 0.45, 0.018)
    canvas.shade(colour(0.9, 0.68, 0.66, v.x), 0.6 * shine)
    return torch.maximum(inner, lips)


def _face(canvas: Canvas, q: Parameters, v: View, head: Head, skin: Tensor) -> tuple[Tensor, Tensor]:
    inside = cover(head.outline, v.pixel)
    shade = skin * colour(0.86, 0.68, 0.68, skin)
    for side in (-1, 1):
        seen = torch.clamp(1 - 0.9 * q.yaw * side, 0, 1)
        ear = ellipse(v.x - side * (head.half - 0.03) + 0.05 * q.yaw, v.y - 0.10, 0.05 + 0.06 * seen, 0.12)
        canvas.lay(head.line, cover(ear - 0.024, v.pixel))
        canvas.lay(mix(skin, shade, 0.5), cover(ear, v.pixel))
        drop = torch.sqrt((v.x - side * (head.half + 0.03) + 0.05 * q.yaw) ** 2 + (v.y - 0.27) ** 2 + 1e-9)
        canvas.lay(vivid(q.trim, 1.8, 1.0), cover(drop - 0.07 * q.earring, v.pixel) * (q.earring > 0))
    canvas.lay(head.line, cover(head.outline - 0.026, v.pixel))
    canvas.lay(skin, inside)
    canvas.lay(shade, inside * _cel(q, head.outline, v, 0.10))
    middle = turned(0 * head.half, head.half, head.angle)[0]
    for side in (-1, 1):
        cheek = blob(v.x, v.y, middle + side * 0.33, 0.25, 0.12, 0.07)
        canvas.lay(colour(0.98, 0.48, 0.45, skin), 0.55 * cheek * inside)
    beard = soft(-(v.y - 0.30 - 0.05 * torch.cos(v.x * 9)), 0.015) * inside * (q.beard > 0)
    canvas.lay(head.hair * 0.8, beard)
    window = v.window(-0.5, 0.5, 0.85)
    eyes = placed(_eyes(canvas.part(window), q, v.part(window), head, skin), window, inside)
    dot = blob(v.x, v.y, middle * 1.2 + 0.02 * q.light_x, 0.235 + 0.02 * q.nose_length, 0.045, 0.028)
    canvas.lay(shade * 0.80, torch.clamp(dot * 1.4, max=1) * 0.95)
    window = v.window(0.15, 0.8, 0.75)
    mouth = placed(_mouth(canvas.part(window), q, v.part(window), head, middle * 1.1), window, inside)
    return eyes * inside, mouth * inside


def _locks(canvas: Canvas, q: Parameters, v: View, head: Head, distance: Tensor, depth: float) -> None:
    """Hair in two tones with a glossy ring and a few drawn strands. `depth`: how much darker it lies."""
    inside = cover(distance, v.pixel)
    paint = head.hair * depth
    canvas.lay(paint, inside)
    fx = v.x - 0.13 * q.yaw
    fall = torch.sin(fx * 13 + 2 * q.phase + 2.5 * torch.sin(v.y * 3))
    tone = soft(-(fall * 0.010 + distance * 0.3 + -0.012 + 0.05 * v.x * q.light_x), 0.012)
    canvas.lay(paint * colour(0.68, 0.62, 0.72, paint), inside * tone)
    if depth == 1.0:
        arch = v.y + 0.47 - 0.45 * fx * fx + 0.035 * torch.abs(torch.sin(fx * 11 + q.phase))
        ring = soft(
            torch.abs(arch) - 0.050 * torch.clamp(1 - 3.2 * (fx - 0.12 * q.light_x) ** 2, 0, 1), 0.012
        )
        canvas.lay(
            torch.clamp(head.hair * 0.65 + 0.38, max=1),
            inside * ring * 0.85 * (3.2 * (fx - 0.12 * q.light_x) ** 2 < 1),
        )


def compose(p: Parameters, resolution: int) -> Picture:
    """Paint a batch in this style."""
    q = p.planes()
    v = look(resolution, (0.04 * q.shift_x, 0.03 + 0.03 * q.shift_y), 0.14 * q.roll, 1.06 + 0.04 * q.scale)
    canvas = Canvas(torch.zeros(len(p), 3, resolution, resolution, device=q.yaw.device))
    head = measure(q, v)
    skin = torch.clamp(vivid(q.skin, 1.25, 1.0) * 0.85 + 0.14, max=1)
    _ground(canvas, q, v)
    canvas.lay(head.line, cover(head.mass - 0.028, v.pixel))
    _locks(canvas, q, v, head, head.mass, 0.72)
    _body(canvas, q, v, head, skin)
    eyes, mouth = _face(canvas, q, v, head, skin)
    inside, before = cover(head.outline, v.pixel), cover(head.front, v.pixel)
    canvas.shade(
        colour(0.80, 0.62, 0.64, skin), 0.9 * cover(head.front - 0.045, v.pixel) * inside * (1 - eyes)
    )
    canvas.lay(head.line, cover(head.front - 0.024, v.pixel))
    _locks(canvas, q, v, head, head.front, 1.0)
    behind = cover(head.mass, v.pixel) * (1 - inside)
    free = 1 - before
    return Picture(
        canvas.pixels.clamp_(0, 1), eyes * free, mouth * free, torch.maximum(before, behind), inside * free
    )  # fmt: skip
