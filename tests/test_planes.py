"""Frames as video stores them: level for level what zscale makes of RGB, and films as without them."""

from __future__ import annotations

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from pretended_gpu import WAITS, pretended_gpu

import render
from render import renderer
from render.drawing import Drawer, to_frames
from render.encoding import open_writer
from render.encoding.conversion import COLOUR_FILTER, ONE_THREAD
from render.errors import EncodingError
from render.jobs import plan
from render.planes import to_planes
from render.production.shoot import Shoot
from render.renderer import Renderer
from render.scene import Scene

SIZES = [(2, 2), (4, 8), (16, 16), (48, 32), (30, 62)]


def by_zscale(frame: np.ndarray, dither: str) -> np.ndarray:
    """A frame uint16 as uint8 [H·3/2, W]."""
    height, width, _ = frame.shape
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        *ONE_THREAD,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb48le",
    ]
    command += ["-video_size", f"{width}x{height}", "-i", "pipe:0"]
    command += ["-vf", COLOUR_FILTER.format(dither=dither, pixels="yuv420p"), "-f", "rawvideo", "-"]
    made = subprocess.run(command, input=frame.tobytes(), check=True, capture_output=True).stdout
    return np.frombuffer(made, np.uint8).reshape(-1, width)


def pictures(kind: str, height: int, width: int) -> torch.Tensor:
    """Two, [2, C, H, W]; some values lie beyond [-1, 1]."""
    generator = torch.Generator().manual_seed(height + width)
    if kind == "noise":
        return torch.rand([2, 3, height, width], generator=generator) * 2.4 - 1.2
    slope = torch.linspace(-1.1, 1.1, width) * torch.linspace(0.2, 1, height)[:, None]
    if kind == "gray":
        return slope.expand(2, 1, height, width)
    return slope * torch.rand([2, 3, 1, 1], generator=generator)


@pytest.mark.parametrize("dither", ["none", "ordered"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["noise", "slopes", "gray"])
def test_planes_are_those_of_zscale(kind, size, dither):
    images = pictures(kind, *size)
    planes = to_planes(images, dither == "ordered")
    assert planes.dtype == torch.uint8
    assert planes.is_contiguous()
    for frame, own in zip(to_frames(images, 16), planes.numpy(), strict=True):
        wanted = by_zscale(frame, dither)
        assert own.shape == wanted.shape
        differences = np.abs(own.astype(int) - wanted)
        assert differences.max() <= 1  # where a sum in another order lies on the other side of a half
        assert np.count_nonzero(differences) <= own.size / 1000


def test_large_frames_are_converted_without_seams(tmp_path):
    """ffmpeg cuts them into pieces, one for each processor, unless it is told not to."""
    images, path = pictures("noise", 512, 512)[:1], tmp_path / "a.mp4"
    with open_writer(path, width=512, height=512, fps=25, dtype="uint16", crf=0) as writer:
        writer.write(to_frames(images, 16)[0])
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-"]
    film = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8)
    differences = np.abs(film.astype(int) - to_planes(images, True).numpy().ravel())
    assert differences.max() <= 1
    assert np.count_nonzero(differences) <= film.size / 10_000


def test_a_picture_is_the_same_in_any_batch():
    images = pictures("noise", 32, 32)
    whole = to_planes(images, True)
    assert all(torch.equal(to_planes(images[[index]], True)[0], whole[index]) for index in range(2))


def test_a_gpu_is_not_waited_for():
    with pretended_gpu() as device:
        images = pictures("noise", 32, 32).to(device)
        WAITS.clear()
        planes = to_planes(images, True)
        assert WAITS == []
        assert torch.equal(planes.cpu(), to_planes(pictures("noise", 32, 32), True))


@pytest.fixture
def made(monkeypatch):
    """Whether drawers made planes, in the order of the films."""
    found, levels = [], Drawer._levels

    def noted(self, images):
        if not found or found[-1] is not bool(self.planes):
            found.append(bool(self.planes))
        return levels(self, images)

    monkeypatch.setattr(Drawer, "_levels", noted)
    return found


def film(preset, folder, *outputs, **options):
    """What a pretended GPU makes of them, by their names."""
    with pretended_gpu():
        paths = render.render(
            preset.replace(outputs=outputs), out_dir=folder, device="cuda:0", private=True, **options
        )
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def one_panel(preset):
    return preset.replace(panels=["blend"])


@pytest.mark.parametrize("options", [{}, {"segment_frames": 5}])
def test_films_are_those_of_rgb_byte_for_byte(one_panel, tmp_path, monkeypatch, made, options):
    hevc = {"file": "d.mp4", "codec": "hevc", "bits": 8}
    outputs = ("a.mp4", "b.webm", {"file": "c.mkv", "codec": "h264", "fps": 6.25}, hevc)
    small = film(one_panel, tmp_path / "planes", *outputs, **options)
    monkeypatch.setattr(renderer, "PLANE_DEVICES", ())
    assert film(one_panel, tmp_path / "rgb", *outputs, **options) == small
    assert made == [True, False]


@pytest.mark.parametrize(
    ("panels", "outputs"),
    [
        (["blend"], ["a.mp4", "b.gif"]),
        (["blend"], [{"file": "a.mp4", "width": 64}]),
        (["blend"], [{"file": "a.mp4", "poster": "end"}]),
        (["blend"], [{"file": "a.mp4", "budget": "1 MB"}]),
        (["blend"], [{"file": "a.mp4", "codec": "av1"}]),
        (["blend"], ["a.mp4", {"file": "b.mp4", "crf": 40}]),  # of which one is dithered
        (["low", "blend"], ["a.mp4"]),
        ({"show": ["blend"], "labels": True}, ["a.mp4"]),
        ({"show": ["blend"], "scale": 2}, ["a.mp4"]),
        ({"show": ["blend"], "border": 1}, ["a.mp4"]),
        ({"show": ["blend"], "curves": ["blend.swap"]}, ["a.mp4"]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*has no room on")  # a caption of 16 pixels
def test_whatever_wants_other_frames_gets_them(preset, tmp_path, made, panels, outputs):
    assert film(preset.replace(panels=panels), tmp_path, *outputs)
    assert made == [False]


def test_a_cpu_makes_none(one_panel, tmp_path, made):
    render.render(one_panel.replace(outputs=["a.mp4"]), out_dir=tmp_path, device="cpu")
    assert made == [False]


def test_a_frame_of_another_kind_is_refused(tmp_path):
    writer = open_writer(tmp_path / "a.mp4", width=32, height=16, fps=25)
    writer.take_planes()
    with writer:
        with pytest.raises(
            EncodingError, match=r"frame 0 is uint8 \[16, 32, 3\]; expected uint8 \[24, 32\] \(planes"
        ):
            writer.write(np.zeros((16, 32, 3), np.uint8))
        writer.write(np.full((24, 32), 128, np.uint8))


def test_jobs_of_others_stay_as_they_are(one_panel, tmp_path):
    preset = one_panel.replace(outputs=["a.mp4"])
    jobs = plan(preset, (), tmp_path)
    with pretended_gpu():
        shoot = Shoot(Renderer(Scene.open(preset, "cuda:0")), jobs)
    assert [job.planes for job in shoot.jobs] == [True]
    assert [job.planes for job in jobs] == [False]
