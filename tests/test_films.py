"""Films into latents: read upright at their own rate, each frame from the one before, with less flicker."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from render.encoding import open_writer
from render.encoding.decode import decoded
from render.errors import BlendreelWarning, EncodingError, PhotoError, PresetError
from render.projection import Plan, project
from render.projection.align import Landmarks
from render.projection.faces import MissingExtraError
from render.projection.films import is_film, open_film, steadied
from render.projection.measures import flicker, psnr
from render.projection.sequence import Following, project_film, smoothed
from render.projection.start import draw_samples


def picture(index, side=32):
    """A grey that says which frame it is."""
    return np.full((side, side, 3), 40 + 20 * index, np.uint8)


@pytest.fixture
def film(tmp_path):
    """Five frames at 12.5 frames a second."""
    with open_writer(tmp_path / "film.mkv", width=32, height=32, fps=Fraction(25, 2), codec="ffv1") as writer:
        for index in range(5):
            writer.write(picture(index))
    return tmp_path / "film.mkv"


def test_frames_are_decoded_in_order_and_scaled_down_only(film):
    frames = list(decoded(film, 100))
    assert [int(frame[0, 0, 0]) for frame in frames] == [40, 60, 80, 100, 120]
    assert frames[0].shape == (32, 32, 3)
    assert next(iter(decoded(film, 16))).shape == (16, 16, 3)


def test_what_is_no_film_is_told(tmp_path, low):
    (tmp_path / "no.mp4").write_text("hello")
    with pytest.raises(EncodingError, match="no film that ffmpeg can read"):
        list(decoded(tmp_path / "no.mp4", 64))
    for name, text in (("no.mp4", "no film that ffmpeg can read"), ("none.mp4", "there is no such file")):
        with pytest.raises(PhotoError, match=text):
            open_film(tmp_path / name, low)


def test_what_is_wrong_with_many_frames_is_told_once(film, low):
    def marks_of(index, frame, name):
        if index % 2:
            warnings.warn(f"{name}: there are 2 faces in it", BlendreelWarning, stacklevel=2)
        return Landmarks.of([(10, 12), (20, 12), (15, 16), (11, 22), (19, 22)])

    with pytest.warns(BlendreelWarning) as told:
        open_film(film, low, marks_of=marks_of)
    assert [str(each.message) for each in told] == [f"{film}: there are 2 faces in it (in 2 of 5 frames)"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_film(film, low, marks_of=marks_of)


def test_a_film_has_its_own_rate_and_a_folder_is_given_one(film, tmp_path, low):
    found = open_film(film, low)
    assert found.fps == Fraction(25, 2)
    assert found.frames.shape == (5, 3, 16, 16)
    with pytest.raises(PhotoError, match="has a frame rate of its own"):
        open_film(film, low, Fraction(10))
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(11):
        Image.fromarray(picture(index)).save(folder / f"{index}.png")  # 10 comes after 9, not after 1
    (folder / "notes.txt").write_text("")
    found = open_film(folder, low)
    assert found.fps == 25
    assert bool((found.frames[:, 0, 0, 0].diff() > 0).all())
    assert open_film(folder, low, Fraction(10)).fps == 10
    assert is_film(folder)
    assert is_film("a.MP4")
    assert not is_film("a.jpg")


def test_folders_and_films_that_can_not_be_taken_are_told(film, tmp_path, low, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoError, match="has no pictures in it"):
        open_film(tmp_path / "empty", low)
    monkeypatch.setattr("render.projection.films.MOST_FRAMES", 4)
    with pytest.raises(PhotoError, match="has 5 frames, and at most 4 of this size are taken"):
        open_film(film, low)


def marks(shift):
    return Landmarks(10 + 10j + shift, 20 + 10j + shift, 11 + 20j + shift, 19 + 20j + shift)


def test_landmarks_are_steadied_and_gaps_filled():
    found = [marks(0), None, marks(4), marks(6), None]
    steady = steadied(found, "film.mp4")
    shifts = [each.left_eye.real - 10 for each in steady]
    assert shifts == sorted(shifts)
    assert 0 < shifts[0] < shifts[-1] < 6
    still = steadied([marks(3)] * 3, "film.mp4")
    assert all(each.left_eye == pytest.approx(marks(3).left_eye) for each in still)
    trembling = steadied([marks(float(index % 2)) for index in range(20)], "film.mp4")
    assert np.ptp([each.left_eye.real for each in trembling[5:15]]) < 0.1
    with pytest.raises(PhotoError, match="no face in any of its 2 frames"):
        steadied([None, None], "film.mp4")


def test_frames_are_cropped_by_their_faces(film, low):
    def find(number, picture, name):
        if number == 2:
            raise PhotoError(f"{name}: there is no face")
        return Landmarks(12 + 12j, 20 + 12j, 13 + 20j, 19 + 20j)

    found = open_film(film, low, marks_of=find)
    wanted = open_film(film, low)
    torch.testing.assert_close(found.frames, wanted.frames, atol=0.02, rtol=0)


def test_a_film_may_begin_without_a_face_and_needs_the_extra(film, low):
    def find(number, picture, name):
        if number == 0:
            raise PhotoError(f"{name}: there is no face in it; it needs one")
        return Landmarks(12 + 12j, 20 + 12j, 13 + 20j, 19 + 20j)

    assert len(open_film(film, low, marks_of=find).frames) == len(open_film(film, low).frames)

    def without(number, picture, name):
        raise MissingExtraError("--align needs dlib")

    with pytest.raises(PhotoError, match="needs dlib"):
        open_film(film, low, marks_of=without)


# --- latents ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scene(low):
    """Samples, and a film [8, 3, 16, 16] of a latent that moves evenly, with some noise in every frame."""
    samples = draw_samples(low, 64)
    share = torch.linspace(0, 1, 8)[:, None, None]
    ws = torch.lerp(samples.w[3], samples.w[4], share).expand(-1, low.num_ws, -1)
    with torch.no_grad():
        frames = low.synthesis(ws)
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
    return samples, (frames + 0.15 * noise).clamp(-1, 1), frames.clamp(-1, 1)


def test_flicker_falls_by_half_against_frames_alone(low, scene):
    samples, frames, clean = scene
    alone = project(low, frames, Plan(steps=60), samples=samples)
    told = []
    together = project_film(
        low, frames, Plan(steps=60), samples=samples, progress=lambda *how: told.append(how[:2])
    )
    assert told == [(index, 8) for index in range(1, 9)]
    assert flicker(together.images, clean) < 0.5 * flicker(alone.images, clean)
    assert float(psnr(together.images, clean).mean()) > float(psnr(alone.images, clean).mean()) - 1
    assert together.ws.shape == (8, low.num_ws, low.w_dim)


def test_a_strong_hold_keeps_frames_together(low, scene):
    samples, frames, _ = scene

    def motion(hold):
        following = Following(steps=5, hold=hold, smooth=False)
        found = project_film(low, frames[:4], Plan(steps=5), following, samples=samples)
        return float(found.ws.diff(dim=0).square().mean())

    assert motion(100.0) < 0.5 * motion(0.0)


def test_smoothing_keeps_what_stands_still_and_lines():
    line = torch.arange(9.0)[:, None, None].expand(9, 2, 3)
    torch.testing.assert_close(smoothed(line)[2:-2], line[2:-2])
    still = torch.ones(3, 2, 2)
    torch.testing.assert_close(smoothed(still), still)
    torch.testing.assert_close(smoothed(still[:1]), still[:1])


def test_no_steps_are_refused():
    with pytest.raises(PresetError, match="1 or more, not 0"):
        Following(steps=0)
