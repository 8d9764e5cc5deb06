"""Panels in a preset: which pictures they mean, and what is said of those that cannot be."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

import numpy as np
import pytest

import render
from render.errors import PresetError
from render.preset import Panels, Preset
from render.preset.panel_checks import kimg_models
from render.scene import Scene, used_models
from tests.conftest import CLIP


def clip(panels: str, text: str = CLIP) -> Preset:
    return Preset.from_yaml(text.replace("panels: [low, blend, high]", f"panels: {panels}"))


def shown(panels: Panels) -> list[list[tuple[str, int | None]]]:
    return [[(panel.show, panel.seed) for panel in row] for row in panels.rows]


# --- which pictures -----------------------------------------------------------------------------------------


def test_seeds_stand_side_by_side_or_each_in_a_row_of_its_own():
    assert shown(Panels(show="blend", seeds=[3, 14])) == [[("blend", 3), ("blend", 14)]]
    assert shown(Panels(show=["low", "high"], seeds=[3, 14])) == [
        [("low", 3), ("high", 3)],
        [("low", 14), ("high", 14)],
    ]
    assert shown(Panels(show=[["low"], ["high"]], seeds="3,14")) == [
        [("low", 3), ("low", 14)],
        [("high", 3), ("high", 14)],
    ]


def test_columns_say_how_many_seeds_stand_side_by_side():
    assert [len(row) for row in Panels(seeds="0-6", columns=3).rows] == [3, 3, 1]
    assert [len(row) for row in Panels(show=["low", "high"], seeds="0-3", columns=2).rows] == [4, 4]


def test_a_panels_own_seed_wins():
    assert shown(Panels(show=[{"show": "low", "seed": 7}, "high"], seeds=[1])) == [[("low", 7), ("high", 1)]]


@pytest.mark.parametrize(
    ("panel", "models"),
    [
        ("snapshot:10", ("ukiyoe",)),
        ("blend@10", ("ukiyoe",)),
        ("high@10", ("ukiyoe",)),
        ("low@10", ()),
        ("ukiyoe@10", ("ukiyoe",)),
    ],
)
def test_which_series_a_snapshot_is_of(sample_folder, panel, models):
    preset = clip("[low, blend, high]")
    assert kimg_models(preset, Panels(show=panel).rows[0][0]) == models


@pytest.mark.parametrize(
    ("panel", "plain"),
    [("snapshot:20", "blend"), ("blend@20.0", "blend"), ("ukiyoe@15", "ukiyoe"), ("high@40", "high")],
)
def test_a_snapshot_is_what_the_plain_picture_is_at_that_kimg(sample_folder, panel, plain):
    kimg = panel.replace("@", ":").split(":")[1]
    still = CLIP.replace("snapshot: [[0s, 10], [50%, 40], [end, 10]]", f"snapshot: {kimg}")
    expected, found = (
        next(render.frames(preset, 3, 4, device="cpu")) for preset in (clip(plain, still), clip(panel))
    )
    np.testing.assert_array_equal(found, expected)
    # and it is not what the moving snapshot shows at that moment
    assert (next(render.frames(clip(plain), 3, 4, device="cpu")) != expected).any()


def test_a_seed_is_that_latent_at_rest(sample_folder):
    alone = next(
        render.frames(clip("blend", CLIP.replace("seeds: [3, 14, 15]", "seed: 14")), 5, 6, device="cpu")
    )
    grid = next(render.frames(clip("{show: blend, seeds: [3, 14], gap: 0}"), 5, 6, device="cpu"))
    np.testing.assert_array_equal(grid[:, 16:], alone)
    first, last = (Scene.open(clip("{show: blend, seeds: [14]}")).moment(index) for index in (0, 7))
    np.testing.assert_array_equal(first.pictures[0].ws, last.pictures[0].ws)


def test_on_a_noise_loop_every_seed_wanders_from_its_own_start(sample_folder):
    text = CLIP.replace("seeds: [3, 14, 15]", "path: noise-loop, diameter: 1")
    scene = Scene.open(clip("{show: blend, seeds: [3, 14]}", text))
    alone = Scene.open(clip("blend", text.replace("path:", "seed: 14, path:")))
    for index in (0, 6):
        np.testing.assert_array_equal(scene.moment(index).pictures[1].ws, alone.moment(index).pictures[0].ws)
    assert (scene.moment(0).pictures[1].ws != scene.moment(6).pictures[1].ws).any()


def test_seeds_can_stand_beside_a_walk_that_is_placed_by_a_position(sample_folder):
    text = CLIP.replace("seeds: [3, 14, 15]", "seeds: [3, 14, 15], position: [[0s, 0], [end, 3]]")
    moment = Scene.open(clip("{show: blend, seeds: [14]}", text)).moment(9)
    alone = Scene.open(clip("blend", CLIP.replace("seeds: [3, 14, 15]", "seed: 14"))).moment(9)
    np.testing.assert_array_equal(moment.pictures[0].ws, alone.pictures[0].ws)


def test_a_model_shown_at_a_snapshot_alone_is_opened(sample_folder):
    text = CLIP.replace("high: ukiyoe", "high: portrait").replace(
        "  snapshot: [[0s, 10], [50%, 40], [end, 10]]\n", ""
    )
    assert used_models(clip("[low, ukiyoe@20]", text)) == ["portrait", "ukiyoe"]


@pytest.mark.parametrize(
    "panels",
    [
        "[[low, blend], [snapshot:0, ukiyoe@10]]",
        "{show: blend, seeds: 0-3, columns: 2, border: 2, border_color: '#ff0000', filter: nearest}",
        "{show: [{show: blend, seed: 3, label: 'swap {blend.swap} {{x}}'}], curves: blend.swap}",
    ],
)
def test_panels_are_written_as_they_were_read(sample_folder, panels):
    preset = clip(panels)
    assert Preset.from_yaml(preset.to_yaml()) == preset
    assert Preset.from_yaml(preset.replace(truncation=0.5).to_yaml()).panels == preset.panels
    assert f"panels: {panels}" in preset.replace(truncation=0.5).to_yaml()


# --- what is said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ("[snapshot:x]", "panels[0]: write snapshot:100, with the snapshot's kimg, not 'snapshot:x'"),
        ("[snapshot]", "panels[0]: unknown panel 'snapshot'"),
        ("[ukiyo@10]", "panels[0]: unknown panel 'ukiyo'; did you mean 'ukiyoe'?"),
        ("[portrait@10]", "panels[0]: portrait@10 needs a series of snapshots; write models: {NAME: {snapshots: …}}"),
        ("{columns: 2}", "panels.columns: says how many seeds stand side by side; write seeds: [3, 14, 15, 92] beside it"),
        ("{seeds: 0-999}", "panels.seeds: a frame shows at most 256 seeds, not 1000"),
        ("{seeds: [3, x]}", "panels.seeds[1]: seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not 'x'"),
        ("{border: -1}", "panels.border: this is a whole number from 0 to 64, not -1"),
        ("{border_color: pinkish}", 'panels.border_color: a colour is "#rrggbb" (in quotes), black, white or gray, not \'pinkish\''),
        ("{filter: nearst}", "panels.filter: this is one of lanczos, nearest, not 'nearst'; did you mean 'nearest'?"),
        ("{curves: []}", "panels.curves: curves are names of numbers that move, such as [blend.swap, truncation]"),
        ("{curves: [blend.sawp]}", "panels.curves[0]: there is no number called 'blend.sawp'; did you mean 'blend.swap'?"),
        ("{curves: blend.high}", "panels.curves: there is no number called 'blend.high'; it is a name, and names have no curve"),
        ("[{show: blend, label: '{blend.swp}'}]", "panels[0].label: unknown name 'blend.swp' in the caption; did you mean 'blend.swap'?"),
        ("[{show: blend, label: '{zzz}'}]", "panels[0].label: unknown name 'zzz' in the caption; known: t, b, u, f, frame, name, truncation, blend.swap"),
        ("[{show: blend, label: '{seed}'}]", "panels[0].label: unknown name 'seed' in the caption"),
        ("[{show: blend, label: '{b}'}]", "panels[0].label: b counts beats; give clip.bpm, such as bpm: 120"),
        ("[{show: blend, label: '{blend.high:.2f}'}]", "panels[0].label: blend.high is a name, which is written as it is; leave :.2f out"),
        ("[{show: blend, label: 'a } b'}]", "panels[0].label: a brace stands alone in 'a } b'"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(sample_folder, panels, message):
    with pytest.raises(PresetError) as caught:
        clip(panels)
    first, *_ = str(caught.value).splitlines()
    assert first.split(": ", 1)[1].startswith(message)


def test_an_unknown_model_is_told_once(sample_folder):
    with pytest.raises(PresetError) as caught:
        clip("[snapshot:10]", CLIP.replace("high: ukiyoe", "high: ukiyo"))
    assert str(caught.value).count("preset:") == 1


def test_a_blend_without_a_series_has_no_snapshots(sample_folder):
    text = CLIP.replace("high: ukiyoe", "high: portrait").replace(
        "  snapshot: [[0s, 10], [50%, 40], [end, 10]]\n", ""
    )
    with pytest.raises(PresetError, match=r"panels\[1\]: snapshot:10 needs a series of snapshots"):
        clip("[low, snapshot:10]", text)
