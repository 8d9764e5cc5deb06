"""GIF files as browsers see them: delays, loops, colours; and the quantiser against Pillow's."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from render.encoding import open_writer
from render.encoding.palette import distances
from render.encoding.quantize import Grid, Histogram, Quantizer, bayer_thresholds, mixtures, perceived
from render.encoding.steady import Steady, box_of, long_runs
from render.errors import EncodingError
from render.timeline import nearest_gif_rate


def colour_morph(count: int, side: int = 128) -> list[np.ndarray]:
    """A smooth field of colour that shifts from frame to frame, as blends do."""
    rows, columns = np.mgrid[0:side, 0:side] / side * 2 * np.pi
    frames = []
    for phase in np.linspace(0, 1.5, count):
        r = 0.5 + 0.3 * np.sin(columns + 2 * phase) + 0.15 * np.cos(rows * 2 - phase)
        g = 0.45 + 0.25 * np.sin(rows + columns / 2 + phase) + 0.2 * np.cos(columns * 3)
        b = 0.5 + 0.3 * np.cos(rows - phase * 3) * np.sin(columns / 2)
        frames.append((np.stack([r, g, b], axis=-1).clip(0, 1) * 255).astype(np.uint8))
    return frames


def write_gif(path: Path, frames: list[np.ndarray], fps: Fraction | int = 25, **options: object) -> None:
    height, width, _ = frames[0].shape
    with open_writer(path, width=width, height=height, fps=fps, **options) as writer:
        for frame in frames:
            writer.write(frame)


def read_gif(path: Path) -> tuple[list[np.ndarray], list[float], dict[str, object]]:
    """Frames, durations in ms and info of a GIF, by Pillow."""
    frames, durations = [], []
    with Image.open(path) as image:
        info = dict(image.info)
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info["duration"])
    return frames, durations, info


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        (60, "50"),
        (50, "50"),
        (49, "100/3"),
        (30, "25"),
        ("24000/1001", "20"),
        (25, "25"),
        (24, "20"),
        (10, "10"),
    ],
)
def test_nearest_rate(asked: int | str, exact: str) -> None:
    assert nearest_gif_rate(Fraction(asked)) == Fraction(exact)


@given(st.fractions(min_value=Fraction(1, 100), max_value=240, max_denominator=1001))
@settings(deadline=None, max_examples=50)
def test_nearest_rate_is_a_whole_delay_and_the_best_one(fps: Fraction) -> None:
    rate = nearest_gif_rate(fps)
    delay = 100 / rate
    assert delay.denominator == 1
    assert rate <= fps
    assert delay == 2 or 100 / (delay - 1) > fps
    assert nearest_gif_rate(rate) == rate


@pytest.mark.parametrize("fps", [50, Fraction(100, 3), 25, 20, Fraction(25, 2), 10, 1])
def test_count_and_delays_are_exact(tmp_path: Path, fps: Fraction | int) -> None:
    write_gif(tmp_path / "a.gif", colour_morph(7, side=24), fps)
    frames, durations, _ = read_gif(tmp_path / "a.gif")
    assert len(frames) == 7
    assert durations == [float(1000 / Fraction(fps))] * 7
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_inexact_rate_is_refused_and_the_nearest_named(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"cannot play 30 frames a second exactly; .* is 25"):
        open_writer(tmp_path / "a.gif", width=8, height=8, fps=30)
    with pytest.raises(EncodingError, match=r"is 100/3$"):
        open_writer(tmp_path / "a.gif", width=8, height=8, fps=49)


@pytest.mark.parametrize("loop", [True, False])
def test_loop_flag(tmp_path: Path, loop: bool) -> None:
    write_gif(tmp_path / "a.gif", colour_morph(3, side=16), loop=loop)
    _, _, info = read_gif(tmp_path / "a.gif")
    assert info.get("loop") == (0 if loop else None)


@pytest.mark.parametrize("palette", ["frame", "global"])
@pytest.mark.parametrize("size", [(37, 21), (1, 1), (8, 200)])
def test_ffmpeg_and_pillow_see_the_same(tmp_path: Path, size: tuple[int, int], palette: str) -> None:
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 255, (*size, 3), dtype=np.uint8) for _ in range(4)]
    for index in range(1, 4):  # parts that stand still, so that boxes are stored
        frames[index][: size[0] // 2] = frames[0][: size[0] // 2]
    frames.append(frames[-1])
    write_gif(tmp_path / "a.gif", frames, palette=palette)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "a.gif")]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    by_ffmpeg = np.frombuffer(raw, np.uint8).reshape(5, *size, 3)
    by_pillow, durations, _ = read_gif(tmp_path / "a.gif")
    np.testing.assert_array_equal(by_ffmpeg, np.stack(by_pillow))
    assert durations == [40] * 5


def test_colours_beat_pillows_median_cut(tmp_path: Path) -> None:
    frames = colour_morph(10)
    write_gif(tmp_path / "a.gif", frames)
    ours, _, _ = read_gif(tmp_path / "a.gif")
    pillow = [
        np.asarray(Image.fromarray(frame).quantize(256, method=Image.Quantize.MEDIANCUT).convert("RGB"))
        for frame in frames
    ]
    quality = np.mean([psnr(a, b) for a, b in zip(frames, ours, strict=True)])
    assert quality > np.mean([psnr(a, b) for a, b in zip(frames, pillow, strict=True)]) + 1


def test_palettes_follow_the_colours() -> None:
    """The last frame of a long morph is drawn as well as if it were the first, and so is a cut."""
    frames = colour_morph(20, side=64)
    frames += [255 - frames[0][::-1]]
    quantizer = Quantizer(dither=0)
    followed = [palette[indices] for indices, palette in map(quantizer.quantize, frames)]
    for index in (-2, -1):
        indices, palette = Quantizer(dither=0).quantize(frames[index])
        assert psnr(frames[index], followed[index]) > psnr(frames[index], palette[indices]) - 0.7


def test_what_stands_still_does_not_flicker(tmp_path: Path) -> None:
    frames = colour_morph(6, side=64)
    for frame in frames:
        frame[:, :32] = frames[0][:, :32]
    write_gif(tmp_path / "a.gif", frames)
    back, _, _ = read_gif(tmp_path / "a.gif")
    for frame in back[1:]:
        np.testing.assert_array_equal(frame[:, :32], back[0][:, :32])


def test_few_colours_are_exact(tmp_path: Path) -> None:
    flat = np.full((40, 40, 3), (17, 17, 19), np.uint8)
    flat[10:20, 10:20] = (18, 17, 19)  # one level apart: the same cell of any histogram
    flat[20:30, 5:35] = (255, 255, 255)
    many = np.zeros((16, 16, 3), np.uint8)
    many[..., 0] = np.arange(256).reshape(16, 16)
    for frame in (flat, many):
        write_gif(tmp_path / "a.gif", [frame])
        np.testing.assert_array_equal(read_gif(tmp_path / "a.gif")[0][0], frame)


def test_few_colours_of_a_film_are_exact_in_one_palette(tmp_path: Path) -> None:
    film = [np.full((12, 20, 3), (17, 17, 19), np.uint8) for _ in range(3)]
    film[1][2:6, 3:9] = (18, 17, 19)  # one level apart
    film[2][0, 0] = (200, 9, 250)  # in one pixel of one frame
    write_gif(tmp_path / "a.gif", film, palette="global")
    np.testing.assert_array_equal(np.stack(read_gif(tmp_path / "a.gif")[0]), np.stack(film))


def test_one_palette_serves_all_frames(tmp_path: Path) -> None:
    """No frame brings colours of its own, none is left out, and colours of the end are there as well."""
    frames = colour_morph(8, side=64)
    back = {}
    for palette in ("frame", "global"):
        write_gif(tmp_path / f"{palette}.gif", frames, palette=palette, colors=32)
        back[palette] = read_gif(tmp_path / f"{palette}.gif")[0]
    used = {kind: len(np.unique(np.stack(film).reshape(-1, 3), axis=0)) for kind, film in back.items()}
    assert used["global"] <= 32 < used["frame"]
    worst = {kind: min(psnr(a, b) for a, b in zip(frames, film, strict=True)) for kind, film in back.items()}
    assert worst["frame"] - 4 < worst["global"] < worst["frame"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["frame.gif", "global.gif"]


def test_drawing_with_one_palette_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with open_writer(tmp_path / "a.gif", width=128, height=128, fps=25, palette="global") as writer:
        writer.progress = lambda done, total: told.append((done, total))
        for frame in colour_morph(4):
            writer.write(frame)
        assert told == []
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_broken_off_film_leaves_nothing(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.gif", width=32, height=32, fps=25, palette="global")
    writer.start()
    writer.write(colour_morph(1, side=32)[0])
    assert len(list(tmp_path.iterdir())) == 2
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_dither_keeps_the_mean_colour() -> None:
    """A slow ramp in few colours: local means stay nearer to it dithered than flat."""
    ramp = np.linspace(0, 255, 256)[None, :, None] * np.ones((64, 1, 3))
    frame = ramp.astype(np.uint8)
    means = {}
    for strength in (0.0, 1.0):
        indices, palette = Quantizer(colors=6, dither=strength).quantize(frame)
        drawn = palette[indices].astype(float)
        blocks = (drawn - frame).reshape(8, 8, 32, 8, 3).mean(axis=(1, 3))
        means[strength] = np.abs(blocks).mean()
    assert means[1.0] < 0.3 * means[0.0]


@given(st.integers(2, 40), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_mixtures_never_lose_to_the_nearest_colour(size: int, strength: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.uniform(0, 255, (size, 3)).astype(np.float32)
    points = rng.uniform(0, 255, (200, 3)).astype(np.float32)
    first, second, share = mixtures(points, palette, strength)
    np.testing.assert_array_equal(first, ((points[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1))
    assert share.min() >= 0
    assert share.max() <= 0.5
    share = share[:, None]
    mixed = (1 - share) * palette[first] + share * palette[second]
    off = np.linalg.norm(points - mixed, axis=1)
    assert (off <= np.sqrt(distances(points, palette, first)) + 1e-2).all()


def test_thresholds_hold_every_level_once() -> None:
    assert sorted((bayer_thresholds() * 64).ravel()) == [level + 0.5 for level in range(64)]


def test_box_of_what_changed() -> None:
    changed = np.zeros((10, 12), bool)
    assert box_of(changed) == (0, 0, 1, 1)
    changed[3, 4] = changed[6, 2] = True
    assert box_of(changed) == (2, 3, 5, 7)


def test_a_slow_change_is_followed_in_small_steps() -> None:
    """A pixel never falls behind by more than the tolerance, however slowly it moves."""
    steady, shown = Steady(), None
    for level in range(40, 90):
        planes = np.full((3, 6, 10), level, np.uint8)
        changed = steady.changed(planes, tolerance=2)
        shown = planes if changed is None else np.where(changed, planes, shown)
        assert np.abs(planes.astype(int) - shown).max() <= 2


def test_single_still_pixels_are_drawn_again() -> None:
    row = np.array([[1, 0, 1, 1, 1, 1, 0, 1, 1, 1]], bool)
    np.testing.assert_array_equal(long_runs(row, 4), [[0, 0, 1, 1, 1, 1, 0, 0, 0, 0]])
    np.testing.assert_array_equal(long_runs(np.ones((2, 3), bool), 4), np.ones((2, 3), bool))


def test_flat_areas_hold_still_while_the_rest_moves(tmp_path: Path) -> None:
    """Grain of one level in a flat area, as video sources have it, does not show as flicker."""
    rng = np.random.default_rng(3)
    frames = colour_morph(8, side=64)
    for frame in frames:
        grain = rng.integers(0, 2, (64, 32, 1), dtype=np.uint8)
        frame[:, :32] = grain + np.uint8([90, 110, 130])
    write_gif(tmp_path / "a.gif", frames)
    back, _, _ = read_gif(tmp_path / "a.gif")
    moves = [np.abs(after[:, :32].astype(int) - before[:, :32]).mean() for before, after in pairwise(back)]
    asked = np.abs(frames[1][:, :32].astype(int) - frames[0][:, :32]).mean()
    assert asked > 0.3
    assert np.mean(moves) < asked / 2


@given(st.integers(0, 2**32 - 1), st.integers(8, 24))
@settings(deadline=None, max_examples=25)
def test_a_grid_holds_every_colour_within_its_limit(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.integers(0, 256, (2, 3)), axis=0)
    planes = rng.integers(low[:, None, None], high[:, None, None] + 1, (3, 7, 9)).astype(np.uint8)
    grid = Grid.around(planes, 1 << bits)
    histogram, rows = Histogram.of(grid, planes)
    assert 0 <= histogram.places.min() <= histogram.places.max() < grid.count <= 1 << bits
    assert histogram.counts.sum() == 63
    np.testing.assert_allclose(
        histogram.counts @ histogram.means, planes.reshape(3, -1).sum(axis=1, dtype=float), rtol=1e-9
    )
    off = np.abs(histogram.means[rows] - planes.transpose(1, 2, 0))
    assert (off < 1 << max(grid.shift)).all()
    points, weights = histogram.coarse(grid)
    assert weights.sum() == pytest.approx(63)
    np.testing.assert_allclose(weights @ points, histogram.counts @ perceived(histogram.means), rtol=1e-4)


def test_a_slow_gradient_keeps_its_many_shades(tmp_path: Path) -> None:
    """Colours that lie close together: palettes are no coarser than the colours need."""
    rows, columns = np.mgrid[0:96, 0:96] / 96
    frames = []
    for phase in np.linspace(0, 0.3, 4):
        ramp = (rows + 0.5 * columns + phase)[..., None] * (30, 22, 40) + (40, 30, 90)
        frames.append(np.rint(ramp).astype(np.uint8))
    write_gif(tmp_path / "a.gif", frames)
    back, _, _ = read_gif(tmp_path / "a.gif")
    assert min(psnr(a, b) for a, b in zip(frames, back, strict=True)) > 48


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loop": 0}, "loop is 0; give true"),
        ({"colors": 300}, "colors is 300; give a whole number from 2 to 256"),
        ({"dither": 2}, "dither is 2; it runs from 0"),
        ({"dither": "sierra"}, "dither is 'sierra'; it runs from 0 .* none, bayer, floyd-steinberg"),
        ({"palette": "local"}, "palette is 'local'; choose one of frame, global"),
        ({"crf": 17}, "unknown setting 'crf' for animated GIF; known are loop, colors, dither, palette"),
    ],
)
def test_settings_are_checked(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        open_writer(tmp_path / "a.gif", width=8, height=8, fps=25, **options)
