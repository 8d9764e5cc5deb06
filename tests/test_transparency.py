"""Transparency from the network to every kind of file that holds it: alpha and colours as they were drawn."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_relative
from PIL import Image
from sprites import HEIGHT, INSIDE, WIDTH, make_sprites, sprite, with_alpha
from test_filming import StopAfter

import render
from render.encoding import can_join, codecs, open_writer
from render.errors import BlendreelWarning, EncodingError, InterruptedRender, PresetError
from render.preset import Preset
from render.production import Manner
from render.report import describe

# Captions of pictures that are a few pixels wide.
pytestmark = pytest.mark.filterwarnings("ignore:.*has no room on")

COUNT = 6
# Name, codec, and by how much at most alpha and what is seen of colours are off, of 1: the largest error.
FILES = [
    ("a.webm", "vp9", 0.06, 0.08),
    ("a.mov", "prores4444", 0.005, 0.02),
    ("a.mkv", "ffv1", 0, 0),
    ("a.webp", "webp", 0.003, 0.06),
    ("a.apng", "apng", 0, 0),
    ("a.avif", "av1", 0.06, 0.08),
    ("a/%02d.png", "png", 0.003, 0.003),  # Pillow reads 8 of its 16 bits
]


def recorded(folder: Path, name: str, kind: str, dtype: str = "uint16", **settings: object) -> Path:
    """The sprite as a file; returns it, or the folder of numbered pictures."""
    if kind in ("av1", "webp"):  # not in every ffmpeg
        try:
            codecs.encoder_of(codecs.CODECS[kind])
        except EncodingError as error:
            pytest.skip(str(error))
    options = {"width": WIDTH, "height": HEIGHT, "fps": 25, "dtype": dtype, "transparent": True, **settings}
    with open_writer(folder / name, **options) as writer:
        for index in range(COUNT):
            frame = sprite(index)
            writer.write(frame if dtype == "uint16" else np.rint(frame / 257).astype(np.uint8))
    return folder / name.partition("/")[0]


def off(found: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """The largest error of alpha, and of colours times alpha."""
    seen = found[..., :3] * found[..., 3:] - asked[..., :3] * asked[..., 3:]
    return float(np.abs(found[..., 3] - asked[..., 3]).max()), float(np.abs(seen).max())


@pytest.mark.parametrize(("name", "codec", "alpha", "colour"), FILES, ids=[file[1] for file in FILES])
def test_a_file_keeps_alpha_and_colours(
    tmp_path: Path, name: str, codec: str, alpha: float, colour: float
) -> None:
    """A codec for editors or for the web is the usual one where frames are transparent."""
    asked = np.stack([sprite(index) for index in range(COUNT)]) / 65_535
    found = with_alpha(recorded(tmp_path, name, codec))
    assert found.shape == asked.shape
    errors = off(found, asked)
    assert errors[0] <= alpha
    assert errors[1] <= colour
    opaque, empty = asked[..., 3] == 1, asked[..., 3] == 0
    # libvpx of older ffmpegs stores 254 of 255.
    assert found[opaque][:, 3].mean() == pytest.approx(1, abs=0.005 if codec == "vp9" else 0.002)
    assert found[empty][:, 3].mean() == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize(("name", "codec"), [file[:2] for file in FILES], ids=[file[1] for file in FILES])
def test_edges_have_no_fringe(tmp_path: Path, name: str, codec: str) -> None:
    """Where half of the edge is shrunk away, what is left has the colour of the disc, not a darker one."""
    found = with_alpha(recorded(tmp_path, name, codec, size=(48, 32)), 48, 32)[..., :32, :]
    seen = found[..., 3] > 0.1
    edge = seen & (found[..., 3] < 0.9)
    assert edge.sum() > 50
    colours = found[..., :3]
    worst = np.abs(colours[edge] - np.array(INSIDE) / 255).max()
    assert worst < (0.02 if codecs.CODECS[codec].lossless else 0.09)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lossless_files_keep_every_pixel_of_every_depth(tmp_path: Path, dtype: str) -> None:
    top = {"uint8": 255, "uint16": 65_535, "float32": 1}[dtype]
    frame = (np.random.default_rng(0).random((HEIGHT, WIDTH, 4)) * top).astype(dtype)
    for name in ("a.mkv", "a.apng"):
        with open_writer(
            tmp_path / name, width=WIDTH, height=HEIGHT, fps=25, dtype=dtype, transparent=True
        ) as writer:
            writer.write(frame)
        found = with_alpha(tmp_path / name, bits=8 if dtype == "uint8" else 16)[0] * top
        assert np.abs(found - frame).max() <= (1e-5 if dtype == "float32" else 1e-6)


def test_colours_of_what_is_hidden_cost_little_and_reach_no_edge(tmp_path: Path, monkeypatch) -> None:
    """Without them the lossy codecs mix black into the edges, and take more bytes."""
    path = recorded(tmp_path, "a.webp", "webp")
    size, error = path.stat().st_size, off(with_alpha(path)[:, :, :70], asked_frames()[:, :, :70])[1]
    monkeypatch.setattr("render.encoding.video.colours_spread", lambda frame: frame)
    path = recorded(tmp_path, "a.webp", "webp")
    assert path.stat().st_size > 1.1 * size
    assert off(with_alpha(path)[:, :, :70], asked_frames()[:, :, :70])[1] > 1.5 * error


def test_soft_alpha_does_not_fill_a_webp_of_low_quality(tmp_path: Path, monkeypatch) -> None:
    """ffmpeg leaves it whole whatever the quality; here it has fewer levels."""
    soft = {"size": (4 * WIDTH, 4 * HEIGHT)}
    sizes = {}
    for crf in (20, 80):
        path = recorded(tmp_path, "a.webp", "webp", crf=crf, **soft)
        sizes[crf] = path.stat().st_size
        alpha = np.unique(np.rint(with_alpha(path)[..., 3] * 255))
        assert len(alpha) == 6 if crf == 80 else len(alpha) > 200
    monkeypatch.setattr("render.encoding.alpha.coarser", lambda frame, crf: frame)
    assert sizes[80] < 0.7 * recorded(tmp_path, "a.webp", "webp", crf=80, **soft).stat().st_size


def asked_frames() -> np.ndarray:
    return np.stack([sprite(index) for index in range(COUNT)]) / 65_535


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("a.mp4", {}, "a.mp4: H.264 holds no transparency; in this kind of file no codec does"),
        ("a.mov", {"codec": "hevc"}, "HEVC holds no transparency; in this kind of file prores4444 does"),
        ("a.webm", {"codec": "av1"}, "AV1 holds no transparency; in this kind of file vp9 does"),
        ("a.webm", {"bits": 10}, "bits is 10; VP9 with transparency has 8 a channel"),
    ],
)
def test_what_holds_no_alpha_is_told(tmp_path: Path, name: str, settings: dict, message: str) -> None:
    with pytest.raises(EncodingError, match=re.escape(message)):
        recorded(tmp_path, name, "", **settings)


def test_frames_and_writers_agree_on_alpha(tmp_path: Path) -> None:
    options = {"width": WIDTH, "height": HEIGHT, "fps": 25, "dtype": "uint16"}
    with (
        pytest.raises(EncodingError, match=re.escape("is uint16 [64, 96, 4]; expected uint16 [64, 96, 3]")),
        open_writer(tmp_path / "a.mkv", **options) as writer,
    ):
        writer.write(sprite(0))


def test_vp9_with_alpha_is_not_joined(tmp_path: Path) -> None:
    """Its alpha lies beside the pictures, and pieces have no place for it."""
    options = {"width": 16, "height": 16, "fps": 25}
    assert can_join(open_writer(tmp_path / "a.webm", **options))
    assert not can_join(open_writer(tmp_path / "a.webm", transparent=True, **options))
    assert can_join(open_writer(tmp_path / "a.mov", transparent=True, **options))


# --- from the network to the files --------------------------------------------------------------------------

SPRITES = """\
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 0.8s, fps: 12.5, loop: true}
latents: {seeds: [3, 14]}
blend: {low: portrait, high: ukiyoe, swap: [[0s, 4], [50%, 32], [end, 4]]}
panels: {show: [low, blend], labels: true, gap: 6, scale: 2, background: "#203040"}
"""
GROUND = np.array([0x20, 0x30, 0x40])


@pytest.fixture
def preset(tmp_path_factory, monkeypatch) -> Preset:
    """Ten frames of networks that draw sprites."""
    from render.checkpoints import library
    from render.checkpoints.native import save

    folder, low = tmp_path_factory.mktemp("sprites"), make_sprites()
    save(low, folder / "portrait.safetensors", kimg=100)
    save(make_relative(low, seed=2), folder / "ukiyoe-000010.safetensors", kimg=10)
    monkeypatch.setattr(library, "sample_folder", lambda: folder)
    return Preset.from_yaml(SPRITES)


def transparent(*names: str, **settings: object) -> list[dict[str, object]]:
    return [{"file": name, "transparent": True, **settings} for name in names]


def drawn(preset: Preset, bits: int = 8) -> np.ndarray:
    """All frames [N, H, W, 4], over the whole range of `bits`."""
    return np.stack(list(render.frames(preset, bits=bits, transparent=True)))


def test_frames_have_straight_alpha_and_otherwise_lie_on_the_background(preset: Preset) -> None:
    clear, laid = drawn(preset).astype(float), np.stack(list(render.frames(preset))).astype(float)
    assert clear.shape[1:] == (54, 70, 4)
    assert laid.shape[1:] == (54, 70, 3)
    alpha = clear[..., 3:] / 255
    assert (alpha == 0).mean() > 0.1
    assert (alpha == 1).mean() > 0.05
    deep = drawn(preset, 16)
    assert not deep[deep[..., 3] == 0].any()
    np.testing.assert_allclose(clear[..., :3] * alpha + GROUND * (1 - alpha), laid, atol=1.5)
    assert not alpha[:, :32, 32:38].any()  # between the pictures
    assert 0 < alpha[:, 32:].max() <= 1  # words, and nothing behind them
    assert (alpha[:, 32:] == 0).mean() > 0.5


def test_pictures_are_straight_as_the_network_draws_them(preset: Preset) -> None:
    """Not scaled and alone in the frame, they are the numbers of the network, where there is anything."""
    from render.networks.ops import to_uint8
    from render.renderer import Renderer
    from render.scene import Scene

    scene = Scene.open(preset.replace(panels="blend", precision="exact"), torch.device("cpu"))
    moments = list(scene.moments(range(3)))
    for moment, frame in zip(moments, Renderer(scene, transparent=True).frames(moments), strict=True):
        [picture] = moment.pictures
        network = scene.blender.apply(picture.blend)
        asked = to_uint8(network.synthesis(torch.from_numpy(picture.ws[None]), noise_mode="const"))[0].numpy()
        seen = frame[..., 3] > 0
        assert seen.any()
        assert np.abs(frame.astype(int) - asked)[seen].max() <= 1
        assert np.abs(frame[..., 3].astype(int) - asked[..., 3]).max() <= 1


def test_every_kind_of_file_comes_from_the_same_frames(preset: Preset, tmp_path: Path) -> None:
    clear, deep = drawn(preset) / 255, drawn(preset, 16) / 65_535
    names = ("a.webm", "a.mov", "a.mkv", "a.webp", "a.apng", "a.gif", "a/%02d.png")
    preset = preset.replace(outputs=transparent(*names))
    webm, mov, mkv, webp, apng, gif, pngs = (
        with_alpha(path, 70, 54, bits=8) for path in render.render(preset, out_dir=tmp_path)
    )
    for lossless in (pngs, apng, mkv):
        np.testing.assert_array_equal(lossless, clear)
    assert off(mov, deep)[0] < 0.01
    assert np.abs(webm[..., 3] - clear[..., 3]).mean() < 0.02
    np.testing.assert_allclose(webp[..., 3], clear[..., 3], atol=0.003)
    np.testing.assert_array_equal(gif[..., 3], clear[..., 3] >= 128 / 255)
    seen = gif[..., 3] > 0
    assert np.sqrt(np.mean((gif - clear)[seen][:, :3] ** 2)) < 0.03


def test_opaque_files_do_not_depend_on_transparent_ones_beside_them(preset: Preset, tmp_path: Path) -> None:
    """Nor on whether frames come from the disk: a film in segments is the one in one go."""
    names = ("b.gif", "b.mp4", "b.apng")
    alone = render.render(preset, *names, out_dir=tmp_path / "alone", private=True)
    outputs = [*names, *transparent("c.mkv", "c.gif", "c.mov")]
    beside = render.render(preset.replace(outputs=outputs), out_dir=tmp_path / "beside", private=True)
    parts = render.render(
        preset.replace(outputs=outputs), out_dir=tmp_path / "parts", private=True, segment_frames=4
    )
    for first, second in zip(alone, beside, strict=False):
        assert first.read_bytes() == second.read_bytes()
    for first, second in zip(beside, parts, strict=True):
        if first.suffix in (".gif", ".apng"):
            assert first.read_bytes() == second.read_bytes()
    for name in ("c.mkv", "c.mov"):
        one, other = (with_alpha(tmp_path / folder / name, 70, 54) for folder in ("beside", "parts"))
        np.testing.assert_array_equal(one, other)


def test_an_interrupted_render_keeps_its_transparency(preset: Preset, tmp_path: Path) -> None:
    preset = preset.replace(outputs=transparent("a.webm", "a.mov", "a.gif"))
    options = {"private": True, "segment_frames": 4}
    whole = render.render(preset, out_dir=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRender):
        render.render(preset, out_dir=tmp_path / "parts", manner=Manner(patience=StopAfter(2)), **options)
    parts = render.render(preset, out_dir=tmp_path / "parts", **options)
    for one, other in zip(whole, parts, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_bars_are_transparent(preset: Preset, tmp_path: Path) -> None:
    outputs = transparent("a/%d.png", width=140, height=140)
    [path] = render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    found = with_alpha(path)
    assert found.shape[1:] == (140, 140, 4)
    assert not found[:, :16].any()
    assert not found[:, -16:].any()
    assert found[:, 16:-16, :, 3].max() == 1


def test_a_gif_of_sprites_is_made_to_fit(preset: Preset, tmp_path: Path) -> None:
    outputs = transparent("a.gif", budget="6 kB")
    with pytest.warns(BlendreelWarning, match=r"of 6,000 bytes; .* pixels wide"):
        [path] = render.render(preset.replace(outputs=[*outputs, "a.mp4"]), out_dir=tmp_path)[:1]
    assert path.stat().st_size <= 6_000
    with Image.open(path) as picture:
        assert 0.1 < (np.asarray(picture.convert("RGBA"))[..., 3] == 0).mean() < 0.9


def test_posters_and_strips_are_transparent_as_their_film(preset: Preset, tmp_path: Path) -> None:
    outputs = [*transparent("a.webp", poster="0s", filmstrip=3), {"file": "b.mp4", "poster": "0s"}]
    render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    clear = drawn(preset)
    with Image.open(tmp_path / "a-poster.png") as poster, Image.open(tmp_path / "a-strip.png") as strip:
        np.testing.assert_array_equal(np.asarray(poster), clear[0])
        strip = np.asarray(strip)
        assert strip.shape == (54, 3 * 70 + 2 * 4, 4)
        assert not strip[:, 70:74].any()
    with Image.open(tmp_path / "b-poster.png") as poster:
        assert poster.mode == "RGB"


def test_curves_keep_their_ground(preset: Preset) -> None:
    frames = drawn(preset.replace(panels={"show": "blend", "curves": "blend.swap"}))
    assert (frames[:, 32:, :, 3] == 255).all(axis=(0, 2)).sum() > 14


def test_a_notebook_shows_frames_with_alpha(preset: Preset) -> None:
    [frame] = render.frames(preset, 0, 1, transparent=True)
    with Image.open(io.BytesIO(frame._repr_png_())) as shown:
        np.testing.assert_array_equal(np.asarray(shown), frame)


# --- where there is none ------------------------------------------------------------------------------------


def test_networks_without_alpha_are_told_before_anything_is_drawn(sample_folder, tmp_path: Path) -> None:
    preset = Preset.from_yaml(SPRITES).replace(outputs=transparent("a.webm"))
    words = "these networks draw no transparency: their pictures have 3 channels, without a fourth for alpha"
    with pytest.raises(PresetError, match=rf"a\.webm: transparent: {words}; leave it out"):
        render.render(preset, out_dir=tmp_path)
    assert not list(tmp_path.glob("*.webm"))
    with pytest.raises(PresetError, match=rf"outputs\[0\]\.transparent: {words}; leave it out"):
        describe(preset)
    with pytest.raises(PresetError, match=words):
        next(render.frames(preset, transparent=True))


def test_check_says_what_lies_behind(preset: Preset) -> None:
    text = describe(preset.replace(outputs=["a.mp4", *transparent("a.webp")]))
    assert re.search(r"a\.mp4 .* over #203040\n", text)
    assert re.search(r"a\.webp .* transparent\n", text)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "{file: a.mp4, transparent: true}",
            "outputs[0].transparent: a .mp4 file holds no transparency; .webm",
        ),
        (
            "{file: a.mov, codec: h264, transparent: true}",
            "outputs[0].codec: H.264 holds no transparency; in a .mov file prores4444 does",
        ),
        (
            "{file: a.webm, bits: 10, transparent: true}",
            "outputs[0].bits: VP9 with transparency has 8 bits a channel here, not 10",
        ),
        (
            "{file: a.gif, width: 90, height: 300, background: white, transparent: true}",
            "background: is the colour of bars, which transparent: true leaves empty",
        ),
        ("{file: a.gif, transparent: yes}", "transparent: this is true or false, not 'yes'"),
        ("{file: a.gif, alpha: true}", "outputs[0].alpha: unknown key; did you mean transparent?"),
        ("{file: a.gif, width: 90, height: 300, fit: cover}", "not 'cover'; did you mean 'crop'?"),
        ("{file: a.gif, for: twitter}", "web, not 'twitter'; did you mean 'x'?"),
        ("{file: a.gif, aspect: 1}", "unknown key; did you mean width and height, with fit: crop or pad?"),
        (
            "{file: a.gif, width: 90, height: 300, background: transparent}",
            "transparent is no colour; a file without a background has transparent: true in outputs",
        ),
    ],
)
def test_what_cannot_be_is_a_mistake_of_the_preset(output: str, message: str) -> None:
    with pytest.raises(PresetError, match=re.escape(message)):
        Preset.from_yaml(SPRITES + f"outputs: [{output}]\n")
