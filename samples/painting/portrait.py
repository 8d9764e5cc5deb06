"""The portrait style: a softly lit, photo-like head with modelled form, before a studio backdrop."""

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
    bump,
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
    """Sizes and places of one batch of heads, in head units, [N, 1, 1] each unless said otherwise."""

    half: Tensor  # half-width of the face
    bottom: Tensor  # from the middle to the chin
    angle: Tensor  # turn, radians
    eye: Tensor  # half-width of an eye, seen from the front
    eye_y: Tensor
    mouth_y: Tensor
    outline: Tensor  # [N, R, R] distance to the face
    mass: Tensor  # [N, R, R] distance to all the hair, behind
    front: Tensor  # [N, R, R] distance to the hair before the face
    volume: Tensor


def measure(q: Parameters, v: View) -> Head:
    """Turn parameters into a head as this style builds it: natural proportions, moderate turn."""
    angle = 0.52 * q.yaw
    half = 0.455 + 0.035 * q.face_width
    bottom = 0.61 + 0.04 * q.face_length
    outline = egg(v.x - 0.04 * q.yaw, v.y, half, 0.60, bottom, mix(0.34, 0.14, q.jaw), 0.07 * q.yaw)
    volume = 0.05 + 0.11 * q.hair_volume
    updo = torch.clamp(q.bun * 2, max=1)
    length = q.hair_length * (1 - 0.85 * updo)
    mass, front = _hair(q, v, half, volume, length)
    return Head(
        half, bottom, angle, 0.125 + 0.015 * q.eye_size, -0.01 + 0 * half,
        0.345 + 0.02 * q.face_length, outline, mass, front, volume,
    )  # fmt: skip


def _hair(q: Parameters, v: View, half: Tensor, volume: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    x = v.x + 0.07 * q.yaw
    wavy = x + q.wave * 0.025 * torch.sin(v.y * 13 + q.phase) * torch.clamp(v.y + 0.3, 0, 1)
    full = half + volume * mix(0.45, 1.0, torch.clamp(length * 3, max=1)) + 0.01
    dome = ellipse(x, v.y + 0.13, full, 0.55 + volume)
    end = mix(0.0, 1.15, length)
    fall = box(wavy, v.y, full + 0.06 * length, -0.35, end, 0.22)
    mass = cut(join(dome, fall, 0.12), v.y - end, 0.12)
    bun = ellipse(v.x + 0.12 * q.yaw, v.y + 0.66 + volume, 0.02 + 0.22 * q.bun, 0.02 + 0.17 * q.bun)
    mass = join(mass, bun, 0.04)
    # The hairline: highest at the parting, falling to the temples; a full fringe is low and nearly level.
    fx = v.x - 0.11 * q.yaw
    away = torch.abs(fx - 0.22 * q.parting) / half
    bare = 1 - q.fringe
    tips = 0.035 * q.fringe * torch.sin(fx * 24 + q.phase) + 0.02 * torch.sin(fx * 11 + 2 * q.phase)
    line = -0.20 - 0.24 * bare + (0.10 + 0.42 * bare) * away**1.7 + tips
    # Even the heaviest fringe leaves the eyes free.
    line = torch.minimum(line, -0.15 + 2.6 * torch.clamp(torch.abs(fx) / half - 0.66, min=0))
    cap = cut(dome, (v.y - line) * 0.75, 0.03)
    # Strands that hang beside the cheeks, once the hair is long enough.
    hang = torch.clamp(length * 3 - 0.4, 0, 1)
    opening = ellipse(fx + 0.05 * q.yaw, v.y - 0.20, half * mix(1.12, 0.90, hang), 0.9)
    return mass, join(cap, torch.maximum(mass, -opening), 0.06)


def _lit(q: Parameters, nx: Tensor, ny: Tensor) -> Tensor:
    """Light on a surface of normal (nx, ny, rest towards us), 0 to 1, wrapped softly round the edge."""
    lx, ly = 0.75 * q.light_x, -0.15 + 0.5 * q.light_y
    lz = torch.sqrt(torch.clamp(1 - lx * lx - ly * ly, min=0.1))
    nz = torch.sqrt(torch.clamp(1 - nx * nx - ny * ny, min=0.02))
    return torch.clamp((nx * lx + ny * ly + nz * lz) * 0.72 + 0.28, 0, 1)


def _flesh(q: Parameters, light: Tensor) -> Tensor:
    """Skin under light: shadows turn warm and red, highlights pale. [N, 3, R, R]"""
    deep = q.skin * colour(0.48, 0.33, 0.32, q.skin)
    pale = torch.clamp(q.skin * 1.06 + colour(0.055, 0.045, 0.03, q.skin), max=1)
    t = light[:, None] * mix(0.82, 1.0, q.light_strength[:, None])
    return mix(deep, pale, t * (1.6 - 0.6 * t))


def _backdrop(canvas: Canvas, q: Parameters, v: View) -> None:
    sx, sy = v.screen_x, v.screen_y
    ramp = torch.clamp(0.5 + 0.35 * (sx * q.light_x) - 0.3 * sy, 0, 1)
    canvas.pixels += mix(q.back_a, q.back_b, ramp[:, None])
    for i in range(3):  # discs of light, far out of focus
        cx = 0.85 * torch.sin(q.phase * (3 + i) + 2 * i)
        cy = -0.5 + 0.45 * torch.cos(q.phase * (5 - i) + i)
        away = torch.sqrt((sx - cx) ** 2 + (sy - cy) ** 2)
        canvas.glow(q.back_b, 0.30 * soft(away - (0.22 + 0.07 * i), 0.07))
    canvas.glow(q.back_b, 0.35 * blob(sx, sy, 0.3 * q.light_x, -0.1, 0.9, 0.9))


def _tresses(q: Parameters, v: View, head: Head) -> tuple[Tensor, Tensor]:
    """Hair [N, 3, R, R], before and behind the face: strands that follow its fall, a band of shine."""
    up = torch.clamp((v.y - 0.05) / (0.8 + head.volume), -0.985, 0)
    across = (v.x + 0.07 * q.yaw - 0.12 * q.parting * torch.clamp(-up, 0, 1)) / torch.sqrt(1 - up * up)
    bend = (0.4 + q.wave) * torch.sin(v.y * 6 + q.phase)
    # The meridians crowd together at the crown, and a bun lies above it: fade them out there.
    calm = soft(-(v.y + 0.56 + head.volume), 0.09)
    strand = torch.sin(across * 26 + bend + q.phase) + 0.7 * torch.sin(across * 43 + 1.7 * bend)
    strand = strand + 0.8 * torch.sin(across * 11 - bend + 2 * q.phase)
    strand = mix(0.8 * torch.sin(v.x * 30 + q.phase), strand, calm)
    across = mix(v.x, across, calm)
    level = v.y + 0.50 + 0.05 * strand - 0.32 * across * across
    shine = bump((level / 0.13) ** 2 + ((across - 0.25 * q.light_x) / 0.33) ** 2)
    nx, ny = across * 1.35, torch.clamp(v.y + 0.1, -0.8, 0.15)
    light = _lit(q, torch.clamp(nx, -0.8, 0.8), ny)
    dark = q.hair * colour(0.30, 0.25, 0.26, q.hair)
    bright = mix(grey(q.hair), q.hair, 0.86) * 1.08 + 0.015
    front = mix(dark, bright, torch.clamp(light * 1.15 + 0.10 * strand, 0, 1.3)[:, None])
    behind = mix(dark, bright, torch.clamp(light * 0.62 + 0.10 * strand, 0, 1.3)[:, None])
    front = front + (q.hair * 0.6 + 0.20) * (shine * 0.5 * (0.4 + 0.6 * q.light_strength))[:, None]
    return front, behind


def _bust(canvas: Canvas, q: Parameters, v: View, head: Head) -> None:
    """Neck, shoulders and clothes, with the shadow that the chin throws."""
    x = v.x + 0.02 * q.yaw
    neck = box(x, v.y, 0.205 + 0.02 * q.jaw + 0.06 * torch.clamp(v.y - 0.6, 0, 1), 0.2, 1.6, 0.1)
    torso = ellipse(x, v.y - 1.42, 0.98 + 0.06 * q.jaw, 0.66)
    body = join(neck, torso, 0.22)
    nx = torch.clamp(x / 0.95, -0.8, 0.8)
    light = _lit(q, mix(nx, torch.clamp(x / 0.24, -0.85, 0.85), cover(neck, 0.12)), -0.25 + 0 * v.y)
    canvas.lay(_flesh(q, light * 0.93), cover(body, v.pixel))
    depth = mix(0.78, 1.12, q.neckline)  # where the collar ends: high and round, or a deep V
    opening = torch.abs(x) * mix(0.45, 1.25, q.neckline) + v.y - depth - 0.08
    worn = cut(join(torso, ellipse(x, v.y - 0.95, 0.34, 0.24), 0.15), -opening, 0.02)
    fold = torch.sin(x * 9 + 3 * v.y + q.phase) + 0.6 * torch.sin(x * 17 - 5 * v.y + 2 * q.phase)
    weave = _lit(q, nx, -0.45 + 0 * v.y) + 0.07 * fold
    canvas.shade(colour(0.62, 0.5, 0.5, q.skin), 0.7 * soft(worn, 0.05))
    cloth = q.cloth * mix(0.35, 1.1, torch.clamp(weave, 0, 1.2))[:, None]
    canvas.lay(cloth, cover(worn, v.pixel))
    canvas.lay(mix(cloth, q.trim, 0.6), cover(worn, v.pixel) * band(opening + 0.0, 0.035, v.pixel))
    fallen = egg(v.x + 0.06 * q.light_x, v.y - 0.13, head.half, 0.6, head.bottom, 0.2, 0.05 * q.yaw)
    canvas.shade(colour(0.52, 0.40, 0.40, q.skin), 0.85 * soft(fallen, 0.07) * cover(body, v.pixel))


def _relief(
    q: Parameters, v: View, head: Head, eyes: tuple[Tensor, Tensor], nose: tuple[Tensor, Tensor]
) -> Tensor:
    """Height of the features over the plain head, [N, R, R]: nose, brow, sockets, cheeks, lips, chin."""
    left, right = eyes
    nx, ny = nose
    wide = 0.058 + 0.012 * q.nose_width
    ridge = mix((left + right) / 2, nx, torch.clamp((v.y - head.eye_y) / (ny - head.eye_y), 0, 1))
    high = 0.085 * bump(((v.x - ridge) / wide) ** 2) * soft(v.y - ny - 0.01, 0.05)
    high = high * (0.08 + 0.92 * soft(-(v.y - head.eye_y - 0.02), 0.14))
    high += 0.055 * blob(v.x, v.y, nx, ny - 0.01, 0.075 + 0.015 * q.nose_width, 0.055)
    for cx in (left, right):
        high -= 0.040 * blob(v.x, v.y, cx, head.eye_y - 0.02, 0.14, 0.085)
        high += 0.045 * blob(v.x, v.y, cx * 1.12, head.eye_y + 0.22, 0.15, 0.12)
    high += 0.03 * blob(v.x, v.y, nx, head.mouth_y, 0.17, 0.08)
    high += 0.04 * blob(v.x, v.y, nx * 0.9, head.bottom - 0.09, 0.12, 0.08)
    return high


def _eyes(canvas: Canvas, q: Parameters, v: View, head: Head, places: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Both eyes and brows; returns the coverage of the open eyes."""
    (left, keep_l), (right, keep_r) = places
    is_right, side = pair(v.x, left, right)
    half = head.eye * torch.where(is_right, keep_r, keep_l)
    dx = v.x - torch.where(is_right, right, left)
    t = dx / half
    y = v.y - head.eye_y + (0.02 + 0.02 * q.eye_slant) * t * side
    up, down = 0.045 + 0.045 * q.eye_open, 0.030 + 0.018 * q.eye_open
    lid = 0.55 + 0.45 * q.light_strength
    canvas.shade(colour(0.70, 0.55, 0.52, q.skin), 0.45 * blob(t, y, 0.0, -0.03, 1.15, 0.085) * lid)
    open_eye = almond(t, y, half, up, down, v.pixel)
    white = (
        colour(0.93, 0.91, 0.89, q.skin)
        * (1 - 0.28 * torch.clamp(t * t, 0, 1) - 0.25 * soft(y + up * 0.55, 0.03))[:, None]
    )
    canvas.lay(white * mix(0.8, 1.0, q.light_strength[:, None]), open_eye)
    ix, iy = dx - 0.032 * q.gaze - 0.02 * q.yaw, y + 0.008
    away = torch.sqrt((ix / 0.94) ** 2 + iy * iy + 1e-9)
    radius = 0.062 + 0.006 * q.eye_size
    canvas.lay(q.iris * 0.42, open_eye * cover(away - radius, v.pixel))
    glow = soft(iy * -1 - 0.0, 0.05)
    canvas.lay(q.iris * (0.75 + 0.65 * glow)[:, None], open_eye * cover(away - radius * 0.84, v.pixel))
    canvas.lay(colour(0.04, 0.03, 0.04, q.skin), open_eye * cover(away - radius * 0.45, v.pixel))
    canvas.shade(colour(0.45, 0.38, 0.38, q.skin), 0.7 * open_eye * soft(y + up * taper(t) - 0.022, 0.02))
    spark = torch.sqrt((ix - 0.022 * q.light_x) ** 2 + (iy + 0.022) ** 2 + 1e-9)
    canvas.lay(colour(1, 1, 1, q.skin), open_eye * cover(spark - 0.016, v.pixel) * 0.95)
    lash = mix(q.hair * 0.35, colour(0.09, 0.05, 0.05, q.skin), 0.6)
    edge = arc(t * 0.96, y, half, up + 0.004)
    canvas.lay(lash, band(edge, 0.017 * taper(t * 0.93, 0.5), v.pixel) * 0.95)
    crease = arc(t, y + 0.035, half, up)
    canvas.shade(colour(0.55, 0.4, 0.38, q.skin), 0.55 * band(crease, 0.010 * taper(t * 0.9), v.pixel))
    under = arc(t, y, half, -down - 0.004)
    canvas.shade(colour(0.6, 0.42, 0.4, q.skin), 0.6 * band(under, 0.009 * taper(t), v.pixel))
    tb = (dx - 0.012 * side) / (half * 1.32)
    by = (
        v.y
        - head.eye_y
        + 0.145
        + up * 0.35
        + 0.02 * q.brow_height
        + (0.028 * q.brow_tilt - 0.012) * tb * side
    )
    weight = (0.018 + 0.014 * q.brow_weight) * taper(tb, 0.5) * (1 - 0.35 * tb * side)
    brow = mix(q.hair * 0.62, q.skin * 0.35, 0.3)
    curve = arc(tb, by, half * 1.3, 0.035 + 0 * half)
    canvas.lay(brow, band(curve, weight, mix(v.pixel, 0.03, 0.3)) * (0.72 + 0.25 * q.brow_weight))
    return open_eye


def _mouth(canvas: Canvas, q: Parameters, v: View, head: Head, place: tuple[Tensor, Tensor]) -> Tensor:
    """Lips, and teeth where the mouth is open; returns the coverage of lips and mouth."""
    centre, keep = place
    half = (0.175 + 0.025 * q.mouth_width + 0.012 * q.smile) * keep
    t = (v.x - centre) / half
    y = v.y - head.mouth_y + 0.045 * q.smile * (torch.clamp(t * t, 0, 1.5) - 0.4)
    part = 0.045 * q.mouth_open
    full = 0.7 + 0.6 * q.lip_fullness
    dip = 0.012 * bump((t / 0.22) ** 2)
    upper, lower = 0.045 * full + part * 0.4 - dip, 0.058 * full + part
    lips = almond(t, y, half, upper, lower, v.pixel)
    light = _lit(q, torch.clamp(t * 0.4, -0.5, 0.5), torch.clamp(y * 9 - 0.15, -0.6, 0.5))
    tone = mix(q.lip, q.skin * colour(0.85, 0.55, 0.52, q.skin), 0.45)
    canvas.shade(colour(0.72, 0.6, 0.58, q.skin), 0.5 * blob(t, y, 0.0, lower + 0.035, 0.6, 0.022))
    canvas.lay(tone * (0.5 + 0.62 * light)[:, None], lips)
    gap = almond(t * 1.12, y, half, part * 0.55, part, v.pixel) * torch.clamp(q.mouth_open * 5, max=1)
    canvas.lay(colour(0.24, 0.07, 0.07, q.skin), gap)
    canvas.lay(colour(0.93, 0.90, 0.86, q.skin), gap * cover(y - part * 0.35, v.pixel) * taper(t * 0.9))
    seam = arc(t, y, half, 0.004 + 0 * half)
    shut = 1 - torch.clamp(q.mouth_open * 4, max=1)
    canvas.lay(tone * 0.34, band(seam, 0.010 * taper(t * 0.97, 0.5), v.pixel) * shut)
    canvas.glow(colour(1, 0.93, 0.9, q.skin), 0.28 * blob(t, y, 0.3 * q.light_x, lower * 0.62, 0.35, 0.016))
    corner = bump(((torch.abs(t) - 1.02) / 0.13) ** 2 + (y / 0.02) ** 2)
    canvas.shade(colour(0.6, 0.45, 0.45, q.skin), 0.5 * corner)
    return lips


def _face(canvas: Canvas, q: Parameters, v: View, head: Head) -> tuple[Tensor, Tensor]:
    """The modelled face with its features; returns the coverage of eyes and mouth."""
    spread = 0.205 + 0.02 * q.eye_spacing
    places = [turned(-spread, head.half, head.angle), turned(spread, head.half, head.angle)]
    middle = turned(0 * spread, head.half * 0.95, head.angle)
    nose = (middle[0] * 1.12, 0.19 + 0.025 * q.nose_length)
    high = _relief(q, v, head, (places[0][0], places[1][0]), nose)
    step_y, step_x = torch.gradient(high, dim=(1, 2))
    # Gradients are taken on the screen, where the light is; the head itself is an ellipsoid.
    nx = torch.clamp((v.x - 0.04 * q.yaw) / (head.half * 1.16), -0.9, 0.9) - step_x / v.pixel * 0.85
    ny = torch.clamp(v.y / (head.bottom * 1.5), -0.6, 0.6) - step_y / v.pixel * 0.6
    light = _lit(q, torch.clamp(nx, -0.95, 0.95), torch.clamp(ny, -0.95, 0.95))
    flesh = _flesh(q, light)
    inside = cover(head.outline, v.pixel)
    canvas.lay(flesh, inside)
    for (cx, _), side in zip(places, (-1, 1), strict=True):
        blush = blob(v.x, v.y, cx + 0.04 * side, 0.20, 0.14, 0.10)
        canvas.shade(colour(1.02, 0.80, 0.78, q.skin), 0.55 * blush * inside)
    canvas.shade(
        colour(1.02, 0.84, 0.82, q.skin), 0.5 * blob(v.x, v.y, nose[0], nose[1], 0.08, 0.06) * inside
    )
    window = v.window(-0.45, 0.36, 0.74)
    eyes = placed(_eyes(canvas.part(window), q, v.part(window), head, places), window, inside)
    window = v.window(-0.1, 0.55, 0.55)
    _nose(canvas.part(window), q, v.part(window), nose)
    _beard(canvas, q, v, head, middle[0] * 1.1, inside)
    window = v.window(0.1, 0.85, 0.72)
    part = _mouth(canvas.part(window), q, v.part(window), head, (middle[0] * 1.08, middle[1]))
    mouth = placed(part, window, inside)
    rim = inside * bump((head.outline / 0.05) ** 2) * soft(v.x * torch.sign(q.light_x) + 0.12, 0.2)
    canvas.glow(q.back_b, 0.38 * rim)
    return eyes * inside, mouth * inside


def _nose(canvas: Canvas, q: Parameters, v: View, nose: tuple[Tensor, Tensor]) -> None:
    nx, ny = nose
    wide = 0.052 + 0.01 * q.nose_width
    shadow = colour(0.60, 0.40, 0.37, q.skin)
    canvas.shade(
        colour(0.62, 0.48, 0.46, q.skin),
        0.40 * blob(v.x, v.y, nx - 0.03 * q.light_x, ny + 0.055, wide * 1.6, 0.028),
    )
    for side in (-1, 1):
        keep = 1 - 0.35 * q.yaw * side
        canvas.shade(shadow, 0.70 * blob(v.x, v.y, nx + side * wide * 0.72 * keep, ny + 0.032, 0.024, 0.016))
    tip = blob(v.x, v.y, nx + 0.018 * q.light_x, ny - 0.02, 0.030, 0.030)
    canvas.glow(colour(1, 0.95, 0.9, q.skin), 0.28 * q.light_strength * tip)


def _beard(canvas: Canvas, q: Parameters, v: View, head: Head, centre: Tensor, inside: Tensor) -> None:
    low = 0.20 + 0.55 * torch.abs((v.x - centre) / head.half) ** 2 * -0.35
    chin = soft(-(v.y - head.mouth_y + low - 0.10), 0.09) * soft(head.outline - 0.01, 0.03)
    bare = blob(v.x, v.y, centre, head.mouth_y + 0.02, 0.16, 0.07)
    lip = blob(v.x, v.y, centre, head.mouth_y - 0.075, 0.16, 0.03)
    grown = torch.clamp(chin * (1 - bare) + 0.9 * lip, 0, 1)
    canvas.lay(mix(q.hair * 0.6, q.skin * 0.4, 0.25), 0.85 * grown * q.beard * inside)


def _ears(canvas: Canvas, q: Parameters, v: View, head: Head) -> None:
    for side in (-1, 1):
        seen = torch.clamp(1 - 1.3 * q.yaw * side, 0, 1)
        cx = side * (head.half - 0.01) - 0.05 * q.yaw
        ear = ellipse(v.x - cx, v.y - 0.06, 0.03 + 0.045 * seen, 0.115)
        light = _lit(q, 0.5 * side + 0 * v.y, 0 * v.y)
        canvas.lay(_flesh(q, light * 0.85), cover(ear, v.pixel))
        canvas.shade(colour(0.7, 0.45, 0.42, q.skin), 0.6 * blob(v.x, v.y, cx, 0.05, 0.03, 0.07))
        drop = torch.sqrt((v.x - cx - 0.01 * side) ** 2 + (v.y - 0.22) ** 2 + 1e-9)
        worn = cover(drop - 0.042 * q.earring, v.pixel) * torch.clamp(q.earring * 4, max=1)
        canvas.lay(mix(colour(0.95, 0.80, 0.35, q.skin), q.trim, 0.4) * (1.1 - drop * 7)[:, None], worn)


def compose(p: Parameters, resolution: int) -> Picture:
    """Paint a batch in this style."""
    q = p.planes()
    v = look(
        resolution, (0.05 * q.shift_x, 0.05 + 0.03 * q.shift_y), 0.10 * q.roll, 1.11 + 0.05 * q.scale
    )  # fmt: skip
    canvas = Canvas(torch.zeros(len(p), 3, resolution, resolution, device=q.yaw.device))
    head = measure(q, v)
    _backdrop(canvas, q, v)
    behind = cover(head.mass, v.pixel)
    strands, strands_behind = _tresses(q, v, head)
    canvas.lay(strands_behind, behind)
    _bust(canvas, q, v, head)
    window = v.window(-0.25, 0.5, 0.9)
    _ears(canvas.part(window), q, v.part(window), head)
    eyes, mouth = _face(canvas, q, v, head)
    before = cover(head.front, v.pixel)
    canvas.shade(
        colour(0.52, 0.40, 0.38, q.skin), 0.6 * soft(head.front - 0.015, 0.055) * cover(head.outline, v.pixel)
    )
    canvas.lay(strands, before)
    vignette = torch.clamp(1.06 - 0.16 * (v.screen_x**2 + v.screen_y**2), max=1)
    canvas.pixels *= vignette[:, None]
    face = cover(head.outline, v.pixel)
    hair = torch.maximum(before, behind * (1 - face))
    return Picture(
        canvas.pixels.clamp_(0, 1), eyes * (1 - before), mouth * (1 - before), hair, face * (1 - before)
    )
