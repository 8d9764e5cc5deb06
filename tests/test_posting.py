"""Films made to suit a place: rates and sizes within its limits, and as near to those asked for as can be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.encoding import expected_facts, facts_of, open_writer, suited_rate, suited_size, target_of
from render.encoding.targets import Limits
from render.timeline import nearest_gif_rate

RATES = st.fractions(1, 240, max_denominator=1001)


@given(fps=RATES)
def test_rates_of_films_come_within_the_limits_and_share_frames(fps):
    limits = Limits(min_fps=23, max_fps=60)
    rate = suited_rate(limits, fps, lambda rate: 1, is_gif=False)
    assert 23 <= rate <= 60
    assert (rate / fps).numerator == 1 or (rate / fps).denominator == 1
    assert rate == fps or not 23 <= fps <= 60


@pytest.mark.parametrize(("seconds", "rate"), [(5, 25), (20, Fraction(50, 3)), (36, 10), (100, 10)])
def test_a_gif_of_many_frames_becomes_slower_at_a_rate_it_can_keep(seconds, rate):
    found = suited_rate(Limits(max_frames=350), Fraction(25), lambda fps: int(seconds * fps), is_gif=True)
    assert found == rate == nearest_gif_rate(found)


@given(width=st.integers(16, 9000), height=st.integers(16, 9000), frames=st.integers(1, 900))
def test_sizes_shrink_into_the_limits_and_keep_their_shape(width, height, frames):
    limits = Limits(max_width=1280, max_height=1080, max_pixels=300_000_000)
    new = suited_size(limits, width, height, frames)
    assert new[0] <= 1280
    assert new[1] <= 1080
    assert new[0] * new[1] * frames <= 300_000_000
    if new != (width, height):
        assert new[0] % 2 == new[1] % 2 == 0
        assert abs(new[0] - width * new[1] / height) <= 2 * max(1, width / height) + 2
    else:
        assert width <= 1280


def test_small_pictures_grow_to_what_a_place_wants():
    limits = target_of("tiktok").limits(is_gif=False)
    assert suited_size(limits, 768, 128, 10) == (2160, 360)
    assert suited_size(limits, 360, 640, 10) == (360, 640)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov", "a.gif"])
def test_what_a_file_will_say_of_itself_is_known_before_it_is_made(tmp_path, name):
    with open_writer(tmp_path / name, width=31, height=18, fps=25) as writer:
        foretold = expected_facts(writer, 5)
        for level in range(5):
            writer.write(np.full([18, 31, 3], 40 * level, np.uint8))
    facts = facts_of(tmp_path / name)
    ignored = {"size": 0, "index_first": None, "edit_list": None, "audio": None}
    if name == "a.gif":
        ignored["pixels"] = ""
    assert replace(foretold, **ignored) == replace(facts, **ignored)
