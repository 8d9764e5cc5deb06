"""Names that change over time: models, mappings and classes."""

from __future__ import annotations

import pytest

from render.errors import PresetError
from render.preset import Blend, Latents, Preset

MODELS = {"portrait": "a", "ukiyoe": {"snapshots": "b"}, "toon": "c"}


def preset(loop: bool = False, latents: object = 3, **blend: object) -> Preset:
    roles = {"low": "portrait", "high": "ukiyoe", **blend}
    clip = {"duration": "8s", "bpm": 120, "loop": loop, "markers": {"drop": "8b"}}
    return Preset(models=MODELS, clip=clip, latents=latents, blend=roles)


def failing(make: object, *arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        make(*arguments, **values)
    return str(caught.value).splitlines()


def test_names_hold_cut_and_fade() -> None:
    one = preset(high=[("0s", "ukiyoe"), ("2s", "portrait"), ("drop", "toon", "fade 2b ease-in-out")])
    high = one.names()["blend.high"]
    assert high.names == ("ukiyoe", "portrait", "toon")
    assert high.weights_at(1) == {"ukiyoe": 1}
    assert high.weights_at(3) == {"portrait": 1}
    assert high.weights_at(4.5) == {"portrait": pytest.approx(0.5), "toon": pytest.approx(0.5)}
    assert high.weights_at(6) == {"toon": 1}


def test_names_that_stay_are_plain_text() -> None:
    one = preset()
    assert one.blend.low == "portrait"
    assert set(one.names()) == {"blend.low", "blend.high", "blend.mapping"}
    assert one.names()["blend.mapping"].weights_at(0) == {"low": 1}
    assert set(Preset(models=MODELS, clip={"duration": "1s"}, blend="toon").names()) == {"blend.model"}


def test_one_model_after_the_other() -> None:
    keys = [("0s", "portrait"), ("4s", "toon", "fade 1s")]
    one = Preset(models=MODELS, clip={"duration": "8s"}, blend={"model": keys})
    assert one.mix.names() == {"model": "portrait"}
    assert one.mix.all_names() == {"model": ("portrait", "toon")}
    assert one.names()["blend.model"].weights_at(4.25) == {"portrait": 0.75, "toon": 0.25}


def test_in_a_loop_the_first_fade_comes_from_the_last_name() -> None:
    one = preset(loop=True, high=[("0s", "ukiyoe", "fade 1s"), ("4s", "toon")])
    assert one.names()["blend.high"].weights_at(0.5) == {"toon": 0.5, "ukiyoe": 0.5}


def test_labels_are_classes_mixes_or_keys() -> None:
    def labels(value: object) -> object:
        return preset(latents={"seeds": [1, 2], "labels": value}).names()["latents.labels"]

    assert labels(3).weights_at(0) == {"3": 1}
    assert labels({3: 0.25, 5: 0.75}).weights_at(0) == {"3": 0.25, "5": 0.75}
    moving = labels([("0s", {3: 1}), ("4s", {5: 0.5, 3: 0.5}, "fade 0s"), ("6s", 7, "fade 1s")])
    assert moving.weights_at(2) == {"3": 0.75, "5": 0.25}
    assert moving.weights_at(5) == {"3": 0.5, "5": 0.5}
    assert moving.weights_at(6.5) == {"3": 0.25, "5": 0.25, "7": 0.5}


@pytest.mark.parametrize(
    "blend",
    [
        {"high": [("0s", "ukiyoe"), ("drop-1b", "toon", "fade 2b ease-in-out")]},
        {"low": [("0s", "portrait")], "mapping": [("0s", "low"), ("1s", "toon", "fade 1s")]},
        {"low": [("0s", "portrait"), ("50%", "toon", "fade 1s cubic-bezier(0.1, 0.7, 1, 0.1)")]},
    ],
)
def test_names_survive_a_round_trip(blend: dict) -> None:
    one = preset(**blend)
    assert Preset.from_yaml(one.to_yaml()) == one
    labelled = preset(latents={"labels": [("0s", {3: 0.5, 5: 0.5}, "ease"), ("2s", 3, "fade 1s")]})
    assert Preset.from_yaml(labelled.to_yaml()) == labelled
    assert Preset.from_yaml(preset(latents={"labels": 4}).to_yaml()).latents.labels.names == ("4",)
    fading = preset(latents={"labels": [("0s", 1), ("2s", {3: 0.75, 5: 0.25}, "fade 1s")]})
    assert Preset.from_yaml(fading.to_yaml()) == fading


def test_wrong_names_are_located_at_their_keys() -> None:
    found = failing(preset, high=[("0s", "ukiyoe"), ("2s", "tooon")], mapping=[("1s", "lo")])
    assert found == [
        "blend.high[1][1]: unknown model 'tooon'; did you mean 'toon'?",
        "blend.mapping[0][1]: unknown model 'lo'; did you mean 'low'?",
    ]
    assert failing(preset, high=[("2s", "ukiyoe"), ("1s", "toon")]) == [
        "blend.high[1][0]: 1s comes before 2s above it; keys stand in order of time"
    ]
    assert failing(preset, high=[("0s", "ukiyoe"), ("dorp", "toon")])[0].startswith(
        "blend.high[1][0]: dorp: "
    )
    assert failing(Blend, low="a", high=[("0s", "b", "ease")]) == [
        "blend.high[0][2]: a name cuts, or changes with fade 1s or fade 1s ease-in-out, not 'ease'"
    ]
    assert failing(Blend, low="a", high=["0s", "b"]) == [
        "blend.high: keyframes are a list of lists such as [[0s, portrait], [4s, toon, fade 1s]]"
    ]
    assert failing(Blend, low="a", high=[("0s", {"b": 1})]) == [
        "blend.high[0][1]: this is one model's name; a change from one to the other is written fade 1s"
    ]
    assert failing(Latents, labels={3: 0.5, 5: 0.6}) == [
        "latents.labels: the shares of a mix sum to 1; these sum to 1.1"
    ]
    assert failing(Latents, labels=-1)[0].startswith("latents.labels: a class is a whole number from 0 up")
