"""Latents as a preset writes them: words, sources, stops, mixing and directions."""
# ruff: noqa: E501 (each mistake stands whole on its line)

from __future__ import annotations

from fractions import Fraction

import pytest

from render.errors import PresetError
from render.latents.sources import random_seeds
from render.preset import Clip, FileLatent, Latents, NamedLatent, Preset, SeedLatent
from render.preset.latent_words import read_latent
from render.preset.seeds import RandomSeeds

KEYS = [("0s", "seed 3"), ("4b", "file me.npz", "ease-in-out"), ("drop", "anna", "hold"), ("end", 3)]


def preset(latents: object, loop: bool = False) -> Preset:
    clip = {"duration": "8s", "bpm": 120, "loop": loop, "markers": {"drop": "8b"}}
    return Preset(models={"a": "x"}, clip=clip, latents=latents)


def failing(make: object, *arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        make(*arguments, **values)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("written", "latent"),
    [
        (3, SeedLatent(3)),
        ("seed 3", SeedLatent(3)),
        ("4294967295", SeedLatent(2**32 - 1)),
        ("me.npz", FileLatent("me.npz")),
        ("file faces/me.PT", FileLatent("faces/me.PT")),
        ("walk.npy#12", FileLatent("walk.npy", 12)),
        ("walk.npy[12]", FileLatent("walk.npy", 12)),
        ({"file": "a.npy#2", "space": "z"}, FileLatent("a.npy", 2, "z")),
        ("anna", NamedLatent("anna")),
        ("aunt anna", NamedLatent("aunt anna")),
    ],
)
def test_latents_are_seeds_files_or_names(written: object, latent: object) -> None:
    assert read_latent(written) == latent
    assert read_latent(latent.as_data()) == latent


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "seed",
        "seed x",
        -1,
        2**32,
        1.5,
        None,
        True,
        "me.txt",
        "file",
        "a/b",
        {"file": "x.npy", "space": "q"},
        {},
    ],
)
def test_what_is_no_latent_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_latent(wrong)


def test_random_seeds_are_numpys() -> None:
    for count, seed in ((8, 1), (300, 0), (2, 2**32 - 1)):
        assert list(RandomSeeds(count=count, seed=seed).seeds) == random_seeds(count, seed)
    assert Latents(random=3).all_seeds == RandomSeeds(count=3, seed=0).seeds
    assert len(preset({"random": {"count": 5, "seed": 2}}, loop=True).waypoints()) == 6


def test_keys_say_when_each_latent_is_passed() -> None:
    one = preset({"keys": KEYS})
    stops = one.latents.stops(one.clock)
    assert [float(stop.seconds) for stop in stops] == [0, 2, 4, 8]
    assert [stop.easing.name for stop in stops] == ["linear", "ease-in-out", "hold", "linear"]
    assert stops[2].latent == NamedLatent("anna")
    assert Preset.from_yaml(one.to_yaml()) == one


def test_keys_of_a_loop_lead_back_to_the_first_one() -> None:
    one = preset({"keys": [("1s", 3), ("4s", 5)]}, loop=True)
    assert [(float(stop.seconds), stop.latent.seed) for stop in one.latents.stops(one.clock)] == [
        (1, 3),
        (4, 5),
        (9, 3),
    ]
    closed = preset({"keys": [("0s", 3), ("4s", 5), ("end", 3)]}, loop=True)
    assert len(closed.latents.stops(closed.clock)) == 3


def test_files_give_all_their_rows() -> None:
    one = preset({"files": ["me.npz", {"file": "walk.npy", "space": "z"}], "every": "1s"})
    stops = one.latents.stops(
        one.clock, rows=lambda file: [FileLatent(file.file, row, file.space) for row in (0, 1)]
    )
    assert [(float(stop.seconds), str(stop.latent)) for stop in stops] == [
        (0, "me.npz#0"),
        (1, "me.npz#1"),
        (2, "walk.npy#0"),
        (3, "walk.npy#1"),
    ]
    assert len(one.latents.stops(one.clock)) == 2
    assert Preset.from_yaml(one.to_yaml()) == one


def test_circles_and_noise_loops_turn() -> None:
    clock = Clip(duration="8s", loop=True).clock
    circle = Latents(seeds=[3, 14], path="circle", every="3s")
    assert circle.walk_space == "z"
    assert circle.turn_seconds(clock) == Fraction(8, 3)
    assert [stop.seconds for stop in circle.stops(clock)] == [0, 0]
    assert Latents(seed=3, path="noise-loop", diameter=1.5).turn_seconds(clock) == 8


def test_mixing_and_directions_have_tracks() -> None:
    one = preset(
        {
            "seeds": [1, 2],
            "pace": "even",
            "mixing": {"seeds": [5, 6], "layers": "8+", "weight": [("0s", 0), ("end", 1)], "every": "2s"},
            "directions": [
                {"sefa": 2, "layers": "0-5", "strength": [("0s", -3), ("end", 3)]},
                {"file": "age.npy"},
            ],
        }
    )
    tracks = one.tracks()
    assert tracks["latents.mixing.weight"].value_at(4) == 0.5
    assert tracks["latents.directions[0].strength"].value_at(2) == -1.5
    assert tracks["latents.directions[1].strength"].first == 1
    assert one.latents.mixing.layers.indices(10) == (8, 9)
    assert Preset.from_yaml(one.to_yaml()) == one


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        ({"seeds": [1], "random": 3}, "latents.random: give either seeds or random, not both"),
        ({"seed": 1, "seeds": [1]}, "latents.seed: give either seed or seeds, not both"),
        ({"keys": KEYS, "every": "1s"}, "latents.every: has no meaning beside keys, which say when each latent is passed"),
        ({"seeds": [1, 2, 3], "path": "circle"}, "latents.path: a circle goes through two seeds; write seeds: [3, 14]"),
        ({"path": "circle", "seeds": [1, 2], "space": "w"}, "latents.space: circle lies on the sphere of z; use space: z, or path: spline"),
        ({"path": "noise-loop", "seeds": [1, 2]}, "latents.seeds: is not read by a noise-loop, which is drawn from one seed; write seed: 3"),
        ({"diameter": 2}, "latents.diameter: has a meaning only with path: noise-loop"),
        ({"mixing": {"layers": "8+"}}, "latents.mixing: says what is mixed in: give seeds, seed, random, files or keys"),
        ({"mixing": {"seed": 1}}, "latents.mixing.layers: missing. The rows of ws that come from it, such as 8+ or 0-3."),
        ({"directions": [{"strength": 1}]}, "latents.directions[0]: a direction is sefa or file"),
        ({"directions": [{"sefa": 1, "strength": "x"}]}, "latents.directions[0].strength: this is a number, not 'x'"),
        ({"pace": "even", "position": "=u"}, "latents.pace: latents.position says how far the walk is; pace: even would move it elsewhere"),
        ({"keys": [("0s", "me.txt")]}, "latents.keys[0][1]: a latent is a seed (3), a file (me.npz, walk.npy#2) or the name of one; files end in .npy, .npz, .pt; not 'me.txt'"),
        ({"keys": [("2s", 1), ("1s", 2)]}, "latents.keys[1][0]: 1s comes before 2s above it; keys stand in order of time"),
        ({"files": "me.png"}, "latents.files: latents are read from .npy, .npz, .pt files, not from 'me.png'"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(latents: dict, message: str) -> None:
    assert failing(preset, latents) == [message]
