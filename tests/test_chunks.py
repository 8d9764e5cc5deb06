"""Chunks of moments: several batches side by side, and the same film as one after the other."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from render.drawing import Drawer
from render.errors import RenderError
from render.networks.synthesis import FastSynthesis
from render.preset import Preset
from render.renderer import Renderer
from render.scene import Scene
from render.teams import Alone, Teams

pytestmark = pytest.mark.usefixtures("compiled_here", "four_threads")

HEAD = "version: 1\nmodels: {portrait: sample:portrait, ukiyoe: sample:ukiyoe}\n"
WALK = "clip: {duration: 11f, fps: 11}\nlatents: {seeds: [3, 14]}\n"
HOLDS = "clip: {duration: 24f, fps: 24, loop: true}\nlatents: 3\n"
UP_AND_DOWN = "blend: {low: portrait, high: ukiyoe, swap: [[0s, 4], [50%, 32], [end, 4]]}\n"
MIX = "blend: {low: portrait, high: ukiyoe, weight: [[0s, 0], [end, 1]]}\n"


@pytest.fixture
def four_threads(use_threads):
    use_threads(4)


@pytest.fixture
def asked(monkeypatch):
    """How many pictures teams were asked for, and how many all threads together."""
    found = {"start": [], "together": []}
    for name, counts in found.items():
        method = getattr(Teams, name)

        def noted(self, function, pictures, *rest, method=method, counts=counts):
            counts.append(len(pictures))
            return method(self, function, pictures, *rest)

        monkeypatch.setattr(Teams, name, noted)
    return found


def scene_of(text: str, precision: str = "fast") -> Scene:
    return Scene.open(Preset.from_yaml(f"{HEAD}precision: {precision}\n{text}"), "cpu")


def frames(scene, indices=None, **options):
    return list(Renderer(scene, compiled=True, **options).frames(scene.moments(indices)))


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("text", [WALK + UP_AND_DOWN, WALK + MIX, HOLDS + UP_AND_DOWN])
def test_side_by_side_a_film_is_the_same_to_the_last_bit(
    sample_folder, use_threads, monkeypatch, text, precision
):
    scene = scene_of(text, precision)
    ours = frames(scene, batch_size=2)
    monkeypatch.setattr(Drawer, "teams", lambda self: Teams(1))
    for threads in (4, 1, 3):
        use_threads(threads)
        for one, other in zip(ours, frames(scene), strict=True):
            assert np.array_equal(one, other)


def test_the_last_pictures_are_parted_and_a_single_one_is_drawn_by_all(sample_folder, asked):
    scene = scene_of(WALK + MIX)
    frames(scene, range(10), batch_size=4)
    assert asked == {"start": [4, 4, 1, 1], "together": []}
    frames(scene, range(9), batch_size=4)
    assert asked == {"start": [4, 4, 1, 1, 4, 4], "together": [1]}
    frames(scene, [3])
    assert asked["together"] == [1, 1]


def test_pictures_under_way_are_not_drawn_again(sample_folder, asked):
    frames(scene_of(HOLDS + UP_AND_DOWN), batch_size=2)
    assert sum(asked["start"] + asked["together"]) == 13  # of 24 frames, 11 come again on the way back


def test_what_the_pictures_of_a_film_share_is_drawn_once_by_all_teams(sample_folder, monkeypatch):
    steps, walk = [], FastSynthesis._walk

    def counted(self, batch, state, stop):
        steps.extend(position for position in range(state.position, stop) for _ in range(len(batch)))
        return walk(self, batch, state, stop)

    monkeypatch.setattr(FastSynthesis, "_walk", counted)
    sweep = "blend: {low: portrait, high: ukiyoe, swap: [[0s, 16], [end, 32]]}\n"
    frames(scene_of("clip: {duration: 24f, fps: 24}\nlatents: 3\n" + sweep), batch_size=2)
    # Positions 0 to 3 are the same in all 24 frames; 4 and 5 are the ones that the swap passes.
    assert [steps.count(position) for position in range(4)] == [1, 1, 1, 1]
    assert 24 < steps.count(4) + steps.count(5) < 2 * 24


def test_networks_that_round_by_their_threads_are_drawn_alone(sample_folder):
    scene = scene_of(WALK + MIX)
    with closing(Renderer(scene, compiled=True).drawer.teams()) as teams:
        assert teams.count == 2
    assert isinstance(Renderer(scene, compiled=False).drawer.teams(), Alone)


def test_what_one_team_meets_ends_the_film(sample_folder, monkeypatch):
    draw, drawn = FastSynthesis.draw, []

    def fail(self, batch, *arguments, **options):
        drawn.append(len(batch))
        if len(drawn) == 3:
            raise MemoryError
        return draw(self, batch, *arguments, **options)

    monkeypatch.setattr(FastSynthesis, "draw", fail)
    scene = scene_of(WALK + MIX)
    with pytest.raises(RenderError, match="one picture of 16 px does not fit in the memory of cpu"):
        frames(scene, batch_size=1)
    assert len(drawn) <= 6  # what others had begun
