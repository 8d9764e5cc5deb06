"""Pictures beside a film: the right frames, in the film's size and full colours, whole or not at all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import render
from render import production
from render.encoding import read_tags
from render.errors import EncodingError, PresetError
from render.production.pictures import GAP, frame_at, save_png, side_by_side, strip_indices
from render.timeline import Clock, parse_time
from tests.test_production import pixels


def test_a_poster_is_the_frame_at_its_time(preset, tmp_path):
    outputs = ({"file": "a.mp4", "poster": "0.48s"}, {"file": "f/%d.png", "poster": "0.5s"})
    clip = render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    names = ["a.mp4", "f", "a-poster.png", "f-poster.png"]
    assert [path.name for path in clip] == names
    frame = next(render.frames(preset, 6, 7))
    assert np.array_equal(pixels(tmp_path / "a-poster.png"), frame)
    assert np.array_equal(pixels(tmp_path / "f-poster.png"), frame)
    assert np.array_equal(pixels(tmp_path / "f" / "6.png"), frame)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "samples"])
    assert read_tags(tmp_path / "a-poster.png").comment == ""


def test_a_poster_has_the_films_size(preset, tmp_path):
    output = {"file": "a.mp4", "poster": "end", "width": 56, "height": 56, "background": "#ff0000"}
    render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    poster = pixels(tmp_path / "a-poster.png")
    assert poster.shape == (56, 56, 3)
    assert (poster[0] == [255, 0, 0]).all()
    assert np.array_equal(poster[20:36], next(render.frames(preset)))  # the end of a loop is its beginning


def test_a_strip_goes_all_round(preset, tmp_path):
    output = {"file": "a.gif", "filmstrip": 4, "fps": 12.5}
    render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    strip = pixels(tmp_path / "a-strip.png")
    assert strip.shape == (16, 4 * 56 + 3 * GAP, 3)
    frames = list(render.frames(preset))
    for place, index in enumerate((0, 3, 6, 9)):
        x = place * (56 + GAP)
        assert np.array_equal(strip[:, x : x + 56], frames[index])


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("fps", [1, 10, Fraction(30000, 1001)])
def test_a_frame_is_found_by_its_moment(loop, fps):
    clock = Clock(Fraction(7), Fraction(fps), loop=loop)
    for index in range(clock.frame_count):
        assert frame_at(clock, clock.seconds(index)) == index
    assert frame_at(clock, clock.resolve(parse_time("end"))) == (0 if loop else clock.frame_count - 1)
    indices = strip_indices(clock, 5)
    assert indices[0] == 0
    assert (indices[-1] == clock.frame_count - 1) == (not loop)
    assert strip_indices(clock, 64)[: clock.frame_count] == sorted(set(strip_indices(clock, 64)))


def test_deep_pictures_keep_their_depth(tmp_path):
    frame = np.random.default_rng(1).integers(0, 65536, (8, 10, 3), dtype=np.uint16)
    save_png(tmp_path / "a.png", side_by_side([frame, frame]))
    data = (tmp_path / "a.png").read_bytes()
    assert (data[24], data[25]) == (16, 2)  # bits a channel, RGB
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (24, 8)
        assert np.abs(np.asarray(picture)[:, :10].astype(int) - frame / 257).max() <= 1


def test_pictures_of_one_name_are_refused(preset):
    outputs = ({"file": "a.mp4", "poster": "0s"}, {"file": "a.gif", "poster": "0s"})
    with pytest.raises(PresetError, match=r"two outputs have the name a-poster\.png; each needs its own"):
        production.plan(preset.replace(outputs=outputs))


def test_a_bad_place_is_found_out_before_the_first_frame(preset, tmp_path, monkeypatch):
    monkeypatch.setattr(production.Renderer, "frames", lambda self, moments: pytest.fail("a frame was drawn"))
    (tmp_path / "a-poster.png").mkdir()
    with pytest.raises(EncodingError, match=r"a-poster\.png: is a folder; give the name of a file"):
        render.render(preset.replace(outputs=({"file": "a.mp4", "poster": "0s"},)), out_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-poster.png", "samples"]


def test_an_old_poster_is_kept_when_the_film_fails(preset, tmp_path, monkeypatch):
    (tmp_path / "a-poster.png").write_bytes(b"old")

    def fail(self, moments):
        yield np.zeros([16, 56, 3], np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr(production.Renderer, "frames", fail)
    with pytest.raises(KeyboardInterrupt):
        render.render(preset.replace(outputs=({"file": "a.mp4", "poster": "0s"},)), out_dir=tmp_path)
    assert (tmp_path / "a-poster.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-poster.png", "samples"]


def test_a_film_made_again_has_its_poster_again(preset, tmp_path):
    output = {"file": "a.mp4", "poster": "0.48s"}
    film, poster = render.render(preset.replace(outputs=(output,)), out_dir=tmp_path)
    assert render.again(film, "b.mp4", out_dir=tmp_path) == [tmp_path / "b.mp4", tmp_path / "b-poster.png"]
    assert (tmp_path / "b-poster.png").read_bytes() == poster.read_bytes()
