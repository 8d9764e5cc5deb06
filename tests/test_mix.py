"""Mixes, task vectors and a snapshot for each model, as the language has them."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

import pytest

from render.errors import PresetError
from render.preset import Preset

HEAD = """\
version: 1
models: {anime: a.pkl, pony: {snapshots: p}, toon: {snapshots: t}}
clip: {duration: 4s, fps: 25}
blend:
"""
MIX = "  mix: {anime: {4-8: 1, 16-32: [[0s, 1], [end, 0]], 64+: 1}, pony: {16-32: [[0s, 0], [end, 1]]}}\n"


def preset(blend: str) -> Preset:
    return Preset.from_yaml(HEAD + blend)


def mistake(blend: str) -> str:
    """The first line of the message, without the file's name."""
    with pytest.raises(PresetError) as caught:
        preset(blend)
    return str(caught.value).split("\n")[0].removeprefix("preset:")


def test_every_cell_of_a_mix_has_a_track() -> None:
    one = preset(MIX)
    assert list(one.tracks()) == [
        "truncation",
        *(f"blend.mix.anime{{{layers}}}" for layers in ("4-8", "16-32", "64+")),
        "blend.mix.pony{16-32}",
    ]
    assert one.tracks()["blend.mix.pony{16-32}"].value_at(1) == pytest.approx(0.25, abs=0.01)
    assert list(one.layer_maps()) == ["blend.mix.anime", "blend.mix.pony"]
    assert one.mix.all_names() == {"mix": ("anime", "pony")}
    assert list(one.names()) == ["blend.mapping"]


def test_a_plain_number_counts_for_all_layers_and_formulas_read_it() -> None:
    one = preset('  mix: {anime: "=1 - blend.mix.pony", pony: [[0s, 0], [end, 1]]}\n')
    assert one.tracks()["blend.mix.anime"].value_at(4) == pytest.approx(0, abs=0.02)
    assert not one.layer_maps()


@pytest.mark.parametrize(
    ("blend", "mapping"),
    [
        (MIX, ("anime",)),
        ("  {mix: {pony: 1, anime: 0}}\n", ("pony",)),
        ("  {base: toon, add: {pony: 1}}\n", ("toon",)),
        ("  {base: toon, add: {pony: 1}, mapping: blend}\n", ("blend",)),
        ("  {base: [[0s, toon], [2s, anime, fade 1s]], add: {pony: 1}}\n", ("toon", "anime")),
        ("  {low: toon, high: pony}\n", ("low",)),
    ],
)
def test_the_mapping_is_the_first_models_or_the_bases(blend: str, mapping: tuple[str, ...]) -> None:
    assert preset(blend).names()["blend.mapping"].names == mapping


def test_noise_is_a_name_of_its_own_only_where_it_is_written() -> None:
    assert "blend.noise" not in preset("  {low: toon, high: pony}\n").names()
    names = preset("  {low: toon, high: pony, noise: [[0s, high], [2s, anime, fade 1s]]}\n").names()
    assert names["blend.noise"].weights_at(2.5) == pytest.approx({"high": 0.5, "anime": 0.5})


def test_each_model_may_have_its_snapshot() -> None:
    one = preset("  {mix: {pony: 0.5, toon: 0.5}, snapshot: {pony: [[0s, 0], [end, 20]], toon: 12}}\n")
    assert one.snapshot_tracks() == {"pony": "blend.snapshot.pony", "toon": "blend.snapshot.toon"}
    assert one.tracks()["blend.snapshot.toon"].value_at(1) == 12
    lone = preset("  {mix: {pony: 0.5, anime: 0.5}, snapshot: {keys: [[0s, 0], [end, 20]], ease: ease}}\n")
    assert lone.snapshot_tracks() == {"pony": "blend.snapshot"}
    assert preset("  {low: anime, high: pony}\n").snapshot_tracks() == {}


@pytest.mark.parametrize(
    "blend",
    [
        MIX,
        "  {mix: {anime: 1, pony: =u}, normalise: true, to_rgb: {pony: 1}, mapping: blend, noise: pony}\n",
        "  {base: anime, add: {pony: {4-8: -0.5}, toon: [[0s, 0], [end, 1]]}, interpolation: keep-norm}\n",
        "  {low: anime, high: pony, snapshot: {pony: 3}, convention: dvschultz}\n",
        "  {mix: {anime: [[0s, {4-8: 1, 16+: 0}], [end, {4-8: 0, 16+: 1}]], pony: [[0s, {4-8: 0, 16+: 1}], [end, {4-8: 1, 16+: 0}]]}}\n",
    ],
)
def test_a_round_trip_changes_nothing(blend: str) -> None:
    one = preset(blend)
    assert Preset.from_yaml(one.to_yaml()) == one
    fresh = Preset(models=one.models, clip=one.clip, blend=one.blend)
    assert Preset.from_yaml(fresh.to_yaml()).blend == one.blend


def test_a_cell_is_set_from_the_command_line() -> None:
    text = HEAD + "  {mix: {anime: 1, pony: 0.5}, normalise: true}\n"
    one = Preset.from_yaml(text, overrides=["blend.mix.pony=3", "blend.snapshot.pony=7"])
    assert one.tracks()["blend.mix.pony"].value_at(0) == 3
    assert one.snapshot_tracks() == {"pony": "blend.snapshot.pony"}


def test_one_form_takes_the_place_of_another() -> None:
    text = HEAD + "  {low: anime, high: pony, swap: 16}\n"
    one = Preset.from_yaml(text, overrides=["blend.mix={anime: 0.5, toon: 0.5}"])
    assert one.blend.form == "mix"
    assert Preset.from_yaml(one.to_yaml(), overrides=["blend.model=toon"]).blend.form == "model"


MISTAKES = [
    ("  mix: 3", "5:8: blend.mix: this is models with their weights, such as {anime: 1, toon: {16+: 0.5}}, not 3"),
    ("  mix: {anime: 1}\n  low: pony", "6:3: blend.low: has no meaning with blend.mix, whose weights say all"),
    ("  mix: {anime: 1}\n  add: {pony: 1}", "6:3: blend.add: has no meaning with blend.mix, whose weights say all"),
    ("  model: anime\n  mix: {anime: 1}", "6:3: blend.mix: has no meaning with blend.model, which shows one model unmixed"),
    ("  low: anime\n  high: pony\n  normalise: true", "7:3: blend.normalise: has no meaning with blend.low and blend.high"),
    ("  mix: {anmie: 1}", "5:9: blend.mix.anmie: unknown model 'anmie'; did you mean 'anime'?"),
    ("  mix: {anime: {4-8: x}}", "5:22: blend.mix.anime.4-8: a weight is a number from -100 to 100, not 'x'"),
    ("  mix: {anime: 1}\n  mapping: low", "6:12: blend.mapping: there is no low beside mix; name a model, or blend"),
    ("  mix: {anime: 1}\n  to_rgb: 32", "6:11: blend.to_rgb: beside mix these are weights of models, such as {toon: 0.5}"),
    ("  mix: {anime: 1}\n  to_rgb: {pony: 1}", "6:12: blend.to_rgb.pony: pony is not among the models blended here: anime"),
    ("  low: anime\n  high: pony\n  to_rgb: {pony: 1}", "7:11: blend.to_rgb: beside low and high this is a swap of its own, such as 32"),
    ("  base: anime", "4:1: blend.add: missing. How much of what each model learnt from base is added to it: 1 all, -1 takes it away."),
    ("  base: anime\n  add: {anime: 1}", "6:9: blend.add.anime: anime is the base itself, from which it learnt nothing"),
    ("  mix: {pony: 0.5, toon: 0.5}\n  snapshot: 3", "6:13: blend.snapshot: pony and toon are series; say whose it is: snapshot: {pony: …, toon: …}"),
    ("  mix: {anime: 1}\n  snapshot: {anime: 3}", "6:14: blend.snapshot.anime: needs a series of snapshots; write models: {anime: {snapshots: …}}"),
    ("  low: anime\n  high: pony\n  convention: dvschultz\n  width: 1", "8:3: blend.width: convention: dvschultz always cuts and knows no width; leave one of the two out"),
    ("  mix: {anime: 1}\npanels: [low, blend]", "6:10: panels[0]: there is no low here: blend.mix has neither low nor high; use blend, or a model's name"),
    ("  base: anime\n  add: {pony: 1}\npanels: [blend, high]", "7:17: panels[1]: there is no high here: blend.add has neither low nor high; use blend, or a model's name"),
]  # fmt: skip


@pytest.mark.parametrize(("blend", "message"), MISTAKES)
def test_mistakes_are_explained_where_they_are(blend: str, message: str) -> None:
    assert mistake(blend) == message


def test_a_wrong_model_does_not_hide_other_mistakes() -> None:
    with pytest.raises(PresetError) as caught:
        preset("  mix: {anime: {4-8: x}}\ntruncation: high\n")
    assert "blend.mix.anime.4-8" in str(caught.value)
    assert "truncation" in str(caught.value)
    assert "missing" not in str(caught.value)


def test_weights_far_out_are_warned_of() -> None:
    assert preset("  mix: {anime: 1.5, pony: -0.5}\n").warnings() == []
    far = preset("  mix: {anime: [[0s, 1], [end, 5]], pony: [[0s, 0], [end, -4]]}\n").warnings()
    assert far == [
        "blend.mix.anime: reaches 5; beyond -2 to 3 pictures mostly fall apart",
        "blend.mix.pony: reaches -4; beyond -2 to 3 pictures mostly fall apart",
    ]
    cell = preset("  base: anime\n  add: {pony: {4-8: 3, 16+: -2.5}}\n").warnings()
    assert cell == ["blend.add.pony{16+}: reaches -2.5; beyond -2 to 3 pictures mostly fall apart"]
    assert "blend.weight: reaches 4" in preset("  low: anime\n  high: pony\n  weight: 4\n").warnings()[0]


def test_what_is_wrong_with_a_base_is_told_once() -> None:
    with pytest.raises(PresetError) as caught:
        preset("  base: [[2s, anime], [1s, toon]]\n  add: {pony: 1}\n")
    assert str(caught.value).count("preset:") == 1
    outside = preset("  base: [[0s, anime], [9s, toon]]\n  add: {pony: 1}\n").warnings()
    assert len(outside) == 1
