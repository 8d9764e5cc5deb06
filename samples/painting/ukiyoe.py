"""The ukiyo-e style: a woodblock print, flat colours, ink contours, three-quarter pose, patterned robe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .canvas import (
    Canvas,
    Number,
    Picture,
    View,
    almond,
    arc,
    band,
    bump,
    capsule,
    colour,
    cover,
    cut,
    egg,
    ellipse,
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

# Printing inks, sRGB: indigo, Prussian blue, vermilion, ochre, moss, plum, grey, tea.
INKS = (
    (0.16, 0.22, 0.40),
    (0.22, 0.42, 0.58),
    (0.78, 0.28, 0.19),
    (0.82, 0.62, 0.28),
    (0.40, 0.48, 0.27),
    (0.45, 0.25, 0.36),
    (0.48, 0.50, 0.50),
    (0.50, 0.33, 0.21),
)
PAPER = (0.94, 0.89, 0.76)
SUMI = (0.09, 0.085, 0.11)


@dataclass(frozen=True)
class Head:
    """Sizes, places and distances of one batch of heads in head units ([N, 1, 1], distances [N, R, R])."""

    turn: Tensor  # -1 to 1, never near 0: always three-quarter
    half: Tensor
    bottom: Tensor
    outline: Tensor
    hair: Tensor
    front: Tensor
    knot: Tensor
    lady: Tensor  # 0: shaven pate and topknot, 1: dressed hair with wings, combs and pins


def nearest_ink(rgb: Tensor) -> Tensor:
    """The printing ink closest to a colour [N, 3, 1, 1] (a steep but smooth choice)."""
    inks = torch.tensor(INKS, device=rgb.device)
    away = ((rgb.flatten(1)[:, None] - inks) ** 2).sum(-1)
    return (torch.softmax(-60 * away, dim=1) @ inks)[..., None, None]


def measure(q: Parameters, v: View) -> Head:
    """A long head, turned well to one side, under a great mass of hair."""
    turn = torch.tanh(6 * q.yaw) * (0.55 + 0.45 * torch.abs(q.yaw))
    half = 0.385 + 0.025 * q.face_width
    bottom = 0.66 + 0.04 * q.face_length
    outline = egg(v.x - 0.07 * turn, v.y, half, 0.56, bottom, mix(0.46, 0.28, q.jaw), 0.12 * turn)
    lady = torch.clamp((torch.maximum(q.hair_length, q.bun) - 0.47) * 60, 0, 1)
    size = 0.75 + 0.5 * q.hair_volume
    back = ellipse(v.x + 0.10 * turn, v.y + 0.24, 0.44 + 0.05 * q.hair_volume, 0.46)
    wing = ellipse(v.x + 0.14 * turn, v.y + 0.10, mix(0.40, 0.50 + 0.12 * size, lady), mix(0.28, 0.24, lady))
    nape = ellipse(
        v.x + mix(0.26, 0.36, lady) * turn, v.y - 0.20 * lady, 0.10 + 0.08 * lady, 0.06 + 0.22 * lady
    )
    hanging = torch.clamp((q.hair_length - 0.72) * 8, 0, 1) * lady
    fall = ellipse(
        v.x + mix(0.20, 0.36, hanging) * turn,
        v.y - 0.35 * hanging,
        0.03 + 0.24 * hanging,
        0.1 + 0.85 * hanging,
    )
    hair = join(join(join(back, wing, 0.10), nape, 0.10), fall, 0.06)
    bun = ellipse(
        v.x + 0.12 * turn, v.y + 0.68, (0.20 + 0.05 * size) * mix(0.35, 1, lady), 0.16 * mix(0.5, 1, lady)
    )
    tail = capsule(v.x, v.y, (-0.26 * turn, -0.66), (0.14 * turn, -0.76)) - (0.085 - 0.115 * lady)
    knot = join(bun, tail, 0.05)
    # The hairline: level over the brow with a shallow peak, then down before the ear.
    fx = v.x - 0.16 * turn
    line = -0.33 - 0.05 * (1 - q.fringe) + 0.03 * torch.cos(fx * 16)
    line = line + 2.2 * torch.clamp(torch.abs(fx) / half - 0.62, min=0) ** 1.4
    front = cut(join(back, wing, 0.10), (v.y - line) * 0.8, 0.02)
    return Head(turn, half, bottom, outline, hair, front, knot, lady)


def contour(canvas: Canvas, v: View, distance: Tensor, width: Number, clip: Tensor | float = 1.0) -> None:
    """An ink line along the edge of a shape: heavy below and right, thin above, as a cut block prints it."""
    press = torch.clamp(0.95 + 0.45 * torch.sin(v.x * 3.1 + 1) + 0.45 * v.y, 0.5, 1.6)
    canvas.lay(colour(*SUMI, v.x), band(distance, width * press, v.pixel) * clip)


def _sky(canvas: Canvas, q: Parameters, v: View) -> None:
    """Paper, a wiped gradient of ink from the top, wood grain in it, a sun, a mountain or clouds."""
    sx, sy = v.screen_x, v.screen_y
    paper = colour(*PAPER, sx)
    canvas.pixels += paper
    grain = torch.sin(sy * 34 + 3 * torch.sin(sx * 2.3 + q.phase) + 1.5 * torch.sin(sx * 5 + 2 * q.phase))
    top, low = nearest_ink(q.back_a), nearest_ink(q.back_b)
    canvas.lay(mix(paper, low, 0.55), soft(-(sy - 0.25), 0.75) * (0.9 + 0.03 * grain))
    sun_x, sun_y = 0.72 * torch.cos(q.phase), -0.55 + 0.2 * torch.sin(3 * q.phase)
    sun = torch.sqrt((sx - sun_x) ** 2 + (sy - sun_y) ** 2)
    canvas.lay(colour(0.80, 0.26, 0.17, sx), cover(sun - 0.24, v.screen_pixel) * (q.pattern > 0.62))
    canvas.lay(top, soft(sy + 0.62, 0.48) * (0.88 + 0.045 * grain))
    peak_x = 0.55 * torch.sin(2 * q.phase)
    slope = sy - 0.02 - 0.75 * (1 - torch.exp(-torch.abs(sx - peak_x) * 1.5)) + 0.32
    seen = ((q.pattern > 0.28) & (q.pattern < 0.62)).float()
    canvas.lay(mix(top, low, 0.5) * 0.9, cover(-slope * 0.7, v.screen_pixel) * seen)
    snow = sy + 0.12 + 0.05 * torch.sin(sx * 21 + q.phase)
    canvas.lay(paper, cover(torch.maximum(-slope * 0.7, snow), v.screen_pixel) * seen)


def _motif(q: Parameters, v: View) -> Tensor:
    """Coverage [N, R, R] of the robe's repeated pattern: waves, stripes, checks or hemp leaves."""
    x, y = v.x + 0.05, v.y
    size = 0.20
    waves = torch.zeros_like(x)
    for row in range(2, -1, -1):  # scales overlap: a lower row covers the one above it
        level = torch.floor(y / (size / 2)) + row
        offset = torch.remainder(level, 2) * size / 2 * 2
        dx = torch.remainder(x + offset, 2 * size) - size
        away = torch.sqrt(dx * dx + (y - level * size / 2 - size / 2) ** 2 + 1e-9)
        inside = cover(away - size, v.pixel)
        rings = cover(-torch.cos(away * (2 * torch.pi / (size * 0.52))) * 0.03, 0.03)
        waves = mix(waves, rings, inside) if row < 2 else rings
    stripes = cover(torch.cos((x + 0.35 * y * torch.sign(x)) * 26) * 0.03, 0.03)
    checks = cover(torch.sin(x * 17) * torch.sin(y * 17) * 0.05, 0.03)
    a, b = 15 * x, 7.5 * x + 13 * y
    hemp = cover((torch.cos(a) + torch.cos(b) + torch.cos(b - a) - 0.2) * -0.03, 0.03)
    motifs = torch.stack([waves, stripes, hemp, checks])
    pick = torch.clamp((q.pattern * 4).long(), 0, 3).view(1, -1, 1, 1).expand(1, *x.shape)
    return motifs.gather(0, pick)[0]


def _robe(canvas: Canvas, q: Parameters, v: View, head: Head) -> Tensor:
    """Neck, robe and its crossed collar. Returns the coverage of the bare neck and breast."""
    x, y = v.x - 0.03 * head.turn, v.y
    neck = torch.maximum(torch.abs(x) - 0.17 - 0.05 * torch.clamp(y - 0.6, 0, 1), 0.2 - y)
    skin = _complexion(q, head)
    canvas.lay(skin, cover(neck, v.pixel))
    contour(canvas, v, neck, 0.013)
    torso = ellipse(x, y - 1.50, 0.98, 0.78)
    torso = join(torso, ellipse(x + 0.06 * head.turn, y - 1.0, 0.42, 0.30), 0.2)
    canvas.lay(skin, cover(torso, v.pixel))
    depth = mix(0.80, 0.94, q.neckline)
    robe, motif = nearest_ink(q.cloth), nearest_ink(q.trim)
    motif = mix(motif, colour(*PAPER, x), 0.45)
    far = 0.04 * head.turn
    opening = torch.maximum(torch.abs(x - far) * 1.35 + y - depth, -10 + 0 * y)
    worn = torch.maximum(torso, -opening)
    cloth = cover(worn, v.pixel)
    canvas.lay(robe, cloth)
    canvas.lay(motif, cloth * _motif(q, v) * 0.9)
    contour(canvas, v, torso, 0.018, cover(-opening, v.pixel))
    for distance, paint in (
        ((opening - 0.02) * 0.6, colour(*PAPER, x)),
        ((opening - 0.17) * 0.6, nearest_ink(q.lip * 0.8 + 0.2 * q.back_a)),
    ):
        strip = torch.maximum(torch.abs(distance) - 0.052, torso - 0.02)
        canvas.lay(paint, cover(strip, v.pixel))
        contour(canvas, v, strip, 0.009)
    return cover(torso, v.pixel) * (1 - cloth)


def _complexion(q: Parameters, head: Head) -> Tensor:
    return mix(colour(0.965, 0.90, 0.80, q.skin), q.skin * 1.02, mix(0.45, 0.18, head.lady[:, None]))


def _features(canvas: Canvas, q: Parameters, v: View, head: Head) -> tuple[Tensor, Tensor]:
    """Slanted eyes, high brows, the long line of the nose, a small red mouth; returns eyes and mouth."""
    ink = colour(*SUMI, v.x)
    angle = 0.60 * head.turn
    spread = 0.175 + 0.015 * q.eye_spacing
    (left, keep_l), (right, keep_r) = (turned(s * spread, head.half * 1.05, angle) for s in (-1, 1))
    is_right, side = pair(v.x, left, right)
    half = (0.132 + 0.012 * q.eye_size) * torch.where(is_right, keep_r, keep_l) ** 0.7
    dx = v.x - torch.where(is_right, right, left)
    t = dx / half
    y = v.y + 0.01 + (0.020 + 0.018 * q.eye_slant) * t * side
    up, down = 0.052 + 0.028 * q.eye_open, 0.020 + 0.010 * q.eye_open
    eyes = almond(t, y, half, up, down, v.pixel)
    canvas.lay(colour(0.99, 0.97, 0.92, v.x), eyes)
    iris = torch.sqrt((dx - half * (0.25 * q.gaze + 0.12 * head.turn)) ** 2 + (y + 0.014) ** 2 + 1e-9)
    canvas.lay(ink, eyes * cover(iris - 0.046, v.pixel))
    canvas.lay(ink, band(arc(t, y, half, up), 0.020 * taper(t * 0.92, 0.6), v.pixel))
    canvas.lay(mix(ink, _complexion(q, head), 0.35), band(arc(t, y, half, -down), 0.009 * taper(t), v.pixel))
    canvas.lay(
        mix(ink, _complexion(q, head), 0.45), band(arc(t, y + 0.045, half, up), 0.008 * taper(t), v.pixel)
    )
    tb = dx / (half * 1.15)
    by = v.y + 0.215 + 0.025 * q.brow_height + (0.008 + 0.03 * q.brow_tilt) * tb * side
    weight = (0.016 + 0.012 * q.brow_weight) * taper(tb, 0.8)
    canvas.lay(
        mix(ink, _complexion(q, head), 0.12), band(arc(tb, by, half * 1.15, 0.05 + 0 * half), weight, v.pixel)
    )
    middle, keep = turned(0 * spread, head.half, angle)
    tip = (middle + 0.085 * head.turn, 0.215 + 0.03 * q.nose_length)
    bridge = (middle * 0.92, -0.05)
    side = torch.sign(head.turn)
    nose = torch.minimum(
        capsule(v.x, v.y, bridge, tip),
        capsule(v.x, v.y, tip, (tip[0] - 0.085 * side, tip[1] + 0.035)),
    )
    canvas.lay(ink, band(nose, 0.008 + 0.007 * torch.clamp(v.y + 0.1, 0, 0.5) * 2, v.pixel))
    half = (0.105 + 0.012 * q.mouth_width) * (0.4 + 0.6 * keep)
    t = (v.x - middle * 1.06 - 0.02 * head.turn) / half
    y = v.y - 0.395 - 0.02 * q.face_length + 0.03 * q.smile * (torch.clamp(t * t, 0, 1.5) - 0.3)
    dip = 0.016 * bump((t / 0.25) ** 2)
    lips = almond(t, y, half, 0.052 - dip, 0.048 + 0.022 * q.mouth_open, v.pixel)
    tint = mix(
        _complexion(q, head) * colour(0.86, 0.62, 0.55, v.x),
        colour(0.76, 0.20, 0.15, v.x),
        mix(0.45, 1.0, head.lady[:, None]),
    )
    canvas.lay(tint, lips)
    line = band(
        arc(t, y, half, 0.006 + 0 * half), (0.008 + 0.012 * q.mouth_open) * taper(t * 0.9, 0.5), v.pixel
    )
    canvas.lay(ink, line)
    return eyes, lips


def _coiffure(canvas: Canvas, q: Parameters, v: View, head: Head) -> Tensor:
    """The dressed hair before the face, its comb lines, topknot and pins; returns its coverage."""
    ink = mix(colour(*SUMI, v.x), q.hair, 0.16)
    sheen = mix(ink, colour(0.40, 0.44, 0.55, v.x), 0.55)
    pate = mix(1.0, 0.0, head.lady) * cover(ellipse(v.x - 0.02 * head.turn, v.y + 0.50, 0.27, 0.17), v.pixel)
    front = cover(head.front, v.pixel)
    canvas.lay(ink, front)
    sweep = torch.sqrt((v.x - 0.1 * head.turn) ** 2 + ((v.y + 0.05) * 1.25) ** 2 + 1e-9)
    combed = band(torch.sin(sweep * 44) / 44, 0.011, v.pixel)
    side = soft(-(torch.abs(v.x - 0.1 * head.turn) - 0.33), 0.09)
    canvas.lay(sheen, front * combed * side * 0.9)
    canvas.lay(mix(_complexion(q, head), colour(0.55, 0.63, 0.66, v.x), 0.45), pate * front)
    knot = cover(head.knot, v.pixel)
    canvas.lay(colour(*PAPER, v.x), band(head.knot, 0.010 + 0 * head.turn, v.pixel) * 0.6)
    canvas.lay(ink, knot)
    gleam = band(ellipse(v.x + 0.12 * head.turn, v.y + 0.66, 0.16, 0.09), 0.010, v.pixel)
    canvas.lay(sheen, knot * gleam * 0.9)
    tie = cover(
        torch.maximum(torch.abs(v.y + 0.57) - 0.030, torch.abs(v.x + 0.12 * head.turn) - 0.13), v.pixel
    )
    accent, gold = nearest_ink(q.lip * 0.8 + 0.2 * q.back_a), colour(0.86, 0.68, 0.30, v.x)
    canvas.lay(accent, tie * head.lady)
    comb = cover(cut(ellipse(v.x - 0.12 * head.turn, v.y + 0.50, 0.16, 0.10), v.y + 0.48, 0.01), v.pixel)
    canvas.lay(gold, comb * head.lady)
    for way in (-1, 1):
        pin = capsule(v.x, v.y, (way * 0.20 - 0.1 * head.turn, -0.56), (way * 0.60 - 0.1 * head.turn, -0.72))
        shown = head.lady * (0.3 + 0.7 * q.earring > 0.3).float()
        canvas.lay(gold, cover(pin - 0.019, v.pixel) * shown)
        bead = torch.sqrt((v.x - way * 0.58 + 0.1 * head.turn) ** 2 + (v.y + 0.71) ** 2 + 1e-9)
        canvas.lay(accent, cover(bead - 0.055, v.pixel) * shown)
    return torch.maximum(front * (1 - pate), knot)


def compose(p: Parameters, resolution: int) -> Picture:
    """Paint a batch in this style."""
    q = p.planes()
    v = look(resolution, (0.04 * q.shift_x, -0.02 + 0.03 * q.shift_y), 0.10 * q.roll, 0.97 + 0.04 * q.scale)
    canvas = Canvas(torch.zeros(len(p), 3, resolution, resolution, device=q.yaw.device))
    head = measure(q, v)
    _sky(canvas, q, v)
    behind = cover(head.hair, v.pixel)
    canvas.lay(mix(colour(*SUMI, v.x), q.hair, 0.16), behind)
    window = v.window(0.1, 1.0, 1.0)
    _robe(canvas.part(window), q, v.part(window), head)
    inside = cover(head.outline, v.pixel)
    canvas.lay(_complexion(q, head), inside)
    cheek = ellipse(v.x - 0.05 * head.turn, v.y - 0.18, head.half, 0.16)
    canvas.shade(colour(1.0, 0.86, 0.80, v.x), 0.45 * soft(cheek, 0.12) * inside * head.lady)
    contour(canvas, v, head.outline, 0.015)
    window = v.window(-0.6, 0.62, 0.72)
    eyes, mouth = (placed(m, window, inside) for m in _features(canvas.part(window), q, v.part(window), head))
    before = _coiffure(canvas, q, v, head)
    beard = soft(-(v.y - 0.53), 0.05) * inside * q.beard
    canvas.lay(mix(colour(*SUMI, v.x), _complexion(q, head), 0.45), beard * 0.8)
    fibre = torch.sin(v.screen_x * 61 + 4 * torch.sin(v.screen_y * 13)) * torch.sin(
        v.screen_y * 53 + 3 * torch.sin(v.screen_x * 17)
    )
    canvas.pixels *= 1 + 0.012 * fibre[:, None]
    hair = torch.maximum(before, behind * (1 - inside))
    free = 1 - before
    return Picture(canvas.pixels.clamp_(0, 1), eyes * free, mouth * free, hair, inside * free)
