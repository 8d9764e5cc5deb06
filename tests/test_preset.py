"""Presets as data: what they mean, built from YAML and from Python."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import PresetError
from render.preset import (
    Blend,
    Clip,
    GifOutput,
    Latents,
    Panels,
    Preset,
    VideoOutput,
    load_output,
    name_of,
    position_of,
)
from render.timeline import ExpressionTrack, Track

SHIPPED = sorted((Path(__file__).parent.parent / "presets").glob("*.yaml"))
MODELS = {"portrait": "sample:portrait", "ukiyoe": {"snapshots": "sample:ukiyoe"}}

UP_AND_DOWN = [("0s", 4), ("50%", 64, "ease-in-out"), ("end", 4)]


def preset(**changes: object) -> Preset:
    given_parts = {
        "models": MODELS,
        "clip": Clip(duration="8s", fps=30, bpm=120, loop=True),
        "blend": Blend(low="portrait", high="ukiyoe", swap=UP_AND_DOWN),
    }
    return Preset(**{**given_parts, **changes})


def mixed(**blend: object) -> Preset:
    return preset(blend=Blend(low="portrait", high="ukiyoe", **blend))


def test_importing_presets_brings_no_heavy_library() -> None:
    heavy = "('torch', 'numpy', 'scipy', 'PIL')"
    code = f"import sys, render.preset; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# --- layers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "position"),
    [
        (4, 0),
        ("4/1", 1),
        (8, 2),
        (32, 6),
        ("32/1", 7),
        ((32, 1), 7),
        ("128", 10),
        (256, 12),
        ("L7", 8),
        ("input", 0),
    ],
)
def test_layers_have_positions(layer: object, position: float) -> None:
    assert position_of(layer) == position


def test_resolutions_between_powers_of_two_lie_between_their_positions() -> None:
    assert position_of(32 * 2**0.25) == pytest.approx(6.5)
    assert name_of(6.5) == "38.1"


@given(st.integers(0, 20))
def test_names_and_positions_invert_each_other(position: int) -> None:
    assert position_of(name_of(position)) == position


@pytest.mark.parametrize(
    "layer", [3, 0, 9000, "48/1", "32/2", "L", "", True, None, (32, 2), (32,), float("nan")]
)
def test_layers_that_do_not_exist_are_refused(layer: object) -> None:
    with pytest.raises(ValueError, match=r"layer|resolution"):
        position_of(layer)


# --- tracks -------------------------------------------------------------------------------------------------


def test_a_swap_moves_in_positions_one_layer_per_equal_time() -> None:
    track = mixed(swap=[("0s", 4), ("end", 256)]).tracks()["blend.swap"]
    assert [track.value_at(Fraction(8 * step, 12)) for step in range(13)] == pytest.approx(list(range(13)))


def test_tracks_are_listed_by_name_where_they_have_a_meaning() -> None:
    assert set(preset().tracks()) == {"truncation", "blend.swap", "blend.weight"}
    full = mixed(width=1, snapshot=[("0s", 0), ("end", 40)], to_rgb="32/1").tracks()
    assert set(full) == {
        "truncation",
        *(f"blend.{name}" for name in ("swap", "weight", "width", "snapshot", "to_rgb")),
    }
    assert full["blend.to_rgb"].value_at(3) == 7
    assert full["blend.snapshot"].value_at(4) == 20
    assert set(preset(blend="ukiyoe").tracks()) == {"truncation"}


def test_keys_may_be_layers_in_every_spelling() -> None:
    track = mixed(swap=[("0s", "32/1"), ("1s", [64, 1]), ("2s", 64), ("3s", "L3")]).tracks()["blend.swap"]
    assert [track.value_at(second) for second in range(4)] == [7, 9, 8, 4]


def test_formulas_animate_numbers_and_give_a_swap_its_resolution() -> None:
    tracks = mixed(swap="=layer(12*u)", weight="=1 - u").tracks()
    assert isinstance(tracks["blend.swap"], ExpressionTrack)
    assert tracks["blend.swap"].value_at(4) == pytest.approx(6)
    assert tracks["blend.weight"].value_at(2) == pytest.approx(0.75)


def test_easings_with_commas_need_no_quotes_in_a_key() -> None:
    text = "models: {a: x}\nclip: {duration: 4s}\n"
    text += "truncation: [[0s, 0, steps(2, start)], [2s, 1, BEZIER], [end, 0]]"
    loaded = Preset.from_yaml(text.replace("BEZIER", "cubic-bezier(0.1, 0.7, 1, 0.1)"))
    assert [key.easing.name for key in loaded.truncation.keys] == [
        "steps(2, start)",
        "cubic-bezier(0.1, 0.7, 1, 0.1)",
        "linear",
    ]
    assert loaded.tracks()["truncation"].value_at(0.1) == 0.5


@given(fps=st.sampled_from([24, 25, 30, 60]), second=st.integers(0, 8))
@settings(deadline=None, max_examples=30)
def test_the_frame_rate_does_not_change_what_a_second_shows(fps: int, second: int) -> None:
    clip = Clip(duration="8s", fps=fps, bpm=120, loop=True)
    one, other = preset(clip=clip).tracks()["blend.swap"], preset().tracks()["blend.swap"]
    assert one.value_at(second) == other.value_at(second)


# --- the walk -----------------------------------------------------------------------------------------------


def points(latents: Latents, loop: bool = False, duration: str = "8s") -> list[tuple[float, int]]:
    clock = Clip(duration=duration, loop=loop).clock
    return [(float(seconds), seed) for seconds, seed in latents.waypoints(clock)]


def test_seeds_spread_evenly_over_the_clip() -> None:
    assert points(Latents(seeds=[3, 14, 15])) == [(0, 3), (4, 14), (8, 15)]
    assert points(Latents(seeds=[3, 14]), loop=True) == [(0, 3), (4, 14), (8, 3)]
    assert points(Latents(seed=3), loop=True) == [(0, 3)]


def test_every_sets_the_pace_and_a_loop_closes_all_the_same() -> None:
    assert points(Latents(seeds=[1, 2, 3], every="1s")) == [(0, 1), (1, 2), (2, 3)]
    assert points(Latents(seeds=[1, 2], every="2s"), loop=True)[-2:] == [(6, 2), (8, 1)]
    fitted = points(Latents(seeds=[1, 2, 3], every="2.5s"), loop=True)
    assert fitted == [(0, 1), (pytest.approx(8 / 3), 2), (pytest.approx(16 / 3), 3), (8, 1)]


def test_a_loop_does_not_rest_where_its_list_comes_back_to_the_first_seed() -> None:
    assert points(Latents(seeds=[5, 6, 5]), loop=True) == [(0, 5), (4, 6), (8, 5)]
    assert points(Latents(seeds=[5, 6, 5])) == [(0, 5), (4, 6), (8, 5)]
    assert points(Latents(seeds=[5, 5]), loop=True) == [(0, 5)]
    closed = preset(latents=Latents(seeds=[5, 6, 5], every="2s"))
    assert [point.seed for point in closed.waypoints()] == [5, 6, 5, 6, 5]
    assert closed.warnings() == []


def test_seeds_may_be_ranges() -> None:
    assert Latents(seeds="0-3, 9,5-4").seeds == (0, 1, 2, 3, 9, 5, 4)
    assert Latents(seeds=["0-2", 7]).seeds == (0, 1, 2, 7)
    assert Latents(seeds=6).seeds == (6,)


def test_slerp_walks_in_z_and_other_paths_in_w() -> None:
    assert Latents(seeds=[1, 2]).walk_space == "w"
    assert Latents(seeds=[1, 2], path="slerp").walk_space == "z"
    assert Latents(seeds=[1, 2], path="linear", space="z").walk_space == "z"


# --- short forms, sources, outputs --------------------------------------------------------------------------


def test_relative_sources_start_from_the_presets_folder(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(
        "models: {a: nets/a.pkl, b: sample:b, c: {snapshots: runs}, d: /abs/d.pkl}\n"
        "clip: {duration: 1s}\nblend: a\n"
    )
    loaded = Preset.load(file)
    assert loaded.base_dir == tmp_path
    assert loaded.source_of("a") == str(tmp_path / "nets/a.pkl")
    assert loaded.source_of("b") == "sample:b"
    assert loaded.source_of("c") == str(tmp_path / "runs")
    assert loaded.source_of("d") == "/abs/d.pkl"
    assert preset().base_dir == Path.cwd()


def test_one_model_needs_no_blend() -> None:
    assert Preset(models={"a": "a.pkl"}, clip={"duration": "1s"}).mix == Blend(model="a")
    assert not preset(blend="ukiyoe").mix.has_swap


def test_the_snapshot_moves_the_series() -> None:
    assert preset().snapshot_model == "ukiyoe"
    assert preset(models={"portrait": {"snapshots": "p"}, "ukiyoe": "u"}).snapshot_model == "portrait"


def test_panels_are_a_row_or_rows() -> None:
    shown = [[panel.show for panel in row] for row in preset(panels=["low", "blend"]).panels.rows]
    assert shown == [["low", "blend"]]
    rows = Panels(show=[["low", "high"], [{"show": "blend", "label": "both"}]], background="#0f8").rows
    assert [[panel.label for panel in row] for row in rows] == [[None, None], ["both"]]
    assert Panels(background="#0f8").background == "#00ff88"


def test_outputs_are_told_apart_by_their_extension() -> None:
    video, gif = preset(outputs=["a.mp4", {"file": "b.GIF", "fps": 12.5, "colors": 64}]).outputs
    assert isinstance(video, VideoOutput)
    assert isinstance(gif, GifOutput)
    assert (video.crf, video.rate(Fraction(30))) == (None, 30)
    assert (gif.colors, gif.rate(Fraction(30))) == (64, Fraction(25, 2))
    assert load_output("c.gif").rate(Fraction(30)) == 25
    assert load_output({"file": "c.mov", "crf": 20}).crf == 20


# --- Python and YAML are one --------------------------------------------------------------------------------


def test_a_preset_built_in_python_equals_the_same_in_yaml() -> None:
    text = """
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 8s, fps: 30, bpm: 120, loop: true}
blend: {low: portrait, high: ukiyoe, swap: [[0s, 4], [50%, 64, ease-in-out], [end, 4]]}
"""
    assert Preset.from_yaml(text) == preset()
    assert Preset.from_yaml(text) != preset(truncation=0.5)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_presets_load_without_warnings_and_survive_a_round_trip(path: Path) -> None:
    loaded = Preset.load(path)
    assert loaded.warnings() == []
    assert path.read_text().startswith("# ")
    assert Preset.from_yaml(loaded.to_yaml(), base_dir=path.parent) == loaded
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_all_six_presets_ship() -> None:
    names = {"grand-tour", "hello", "soft-morph", "swap-up-and-down", "toonify", "training-run"}
    assert names <= {path.stem for path in SHIPPED}


times = st.builds(lambda n, u: f"{n}{u}", st.integers(1, 8), st.sampled_from(["s", "f", "b", "%"]))
numbers = st.floats(0, 2).map(lambda number: round(number, 3))
layers = st.sampled_from([4, 32, 48.5, "32/1", (64, 1), 256])
easings = st.sampled_from(["linear", "in-out-back", "steps(3, start)", "cubic-bezier(0.1, 0.7, 1, 0.1)"])


def animated_of(values: st.SearchStrategy) -> st.SearchStrategy:
    keys = st.tuples(values, values, easings).map(
        lambda parts: [("0s", parts[0], parts[2]), ("50%", parts[1]), ("end", parts[0])]
    )
    return st.one_of(values.filter(lambda value: not isinstance(value, tuple)), keys)


presets = st.builds(
    preset,
    clip=st.builds(Clip, duration=st.sampled_from(["4s", "90f", "8b"]),
                   fps=st.sampled_from([30, "24000/1001"]), bpm=st.just(97.5), loop=st.booleans()),
    latents=st.builds(Latents, seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4),
                      every=times, path=st.sampled_from(["linear", "spline", "slerp"])),
    truncation=st.one_of(animated_of(numbers), st.just("=0.7 + 0.1*sin(tau*u)")),
    blend=st.builds(Blend, low=st.just("portrait"), high=st.just("ukiyoe"), swap=animated_of(layers),
                    width=animated_of(numbers), weight=animated_of(numbers), to_rgb=animated_of(layers)),
    noise=st.sampled_from(["none", {"mode": "random", "seed": 3}]),
    panels=st.sampled_from([["low"], [["low", "high"], ["blend"]], {"show": ["ukiyoe"], "labels": True}]),
    outputs=st.sampled_from([[], ["a.mp4"], [{"file": "a.gif", "width": 320}, "b.mp4"]]),
)  # fmt: skip


@given(presets)
@settings(deadline=None, max_examples=40)
def test_any_preset_written_out_reads_back_equal(one: Preset) -> None:
    assert Preset.from_yaml(one.to_yaml()) == one
    for track in one.tracks().values():
        assert isinstance(track, Track | ExpressionTrack)
        assert track.minimum <= track.maximum


# --- mistakes in Python -------------------------------------------------------------------------------------


def failing(make: object, *arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        make(*arguments, **values)
    return str(caught.value).splitlines()


def test_parts_built_alone_name_their_place() -> None:
    assert failing(Clip, fps="fast") == [
        "clip.duration: missing. How long the clip lasts, such as 8s, 240f or 16b.",
        "clip.fps: a frame rate is a number such as 30, or a ratio such as 24000/1001, not 'fast'",
    ]
    assert failing(Blend, low="a", high="b", swap=[("0s", 4, "esae")]) == [
        "blend.swap[0][2]: unknown easing 'esae'; did you mean 'ease'?"
    ]
    assert failing(load_output, "x.xyz") == [
        "'x.xyz' has the unknown extension .xyz; known: .mp4, .webm, .mov, .mkv, .gif, .webp, .apng, .avif, "
        "and frames/%05d.png for pictures"
    ]


def test_a_changed_copy_is_validated_and_the_original_stands() -> None:
    one = preset()
    assert one.replace(clip=one.clip.replace(fps=60)).clock.frame_count == 480
    assert one.clock.frame_count == 240
    assert failing(one.replace, truncation="much")[0].startswith(
        "truncation: this is a number from -100 to 100, not 'much'"
    )
    with pytest.raises(AttributeError, match="does not change"):
        one.clip.fps = 3


def test_a_formula_may_lack_a_value_where_a_looping_clip_never_is() -> None:
    endless = preset(truncation="=1/(8-t)", clip=Clip(duration="8s", loop=True))
    assert endless.warnings() == []
    assert endless.tracks()["truncation"].last == pytest.approx(30)
    assert failing(preset, truncation="=1/(8-t)", clip=Clip(duration="8s")) == [
        "truncation: =1/(8-t) at 8 s: it divides by zero"
    ]


def test_a_formula_is_tried_at_every_frame_of_every_file() -> None:
    """Frame 1 of a GIF lies at 0.04 s, between two frames of the clip."""
    hole = "=0.7 + sqrt(abs(t - 0.04) - 0.0001)"
    clip = Clip(duration="8s", fps=30, loop=True)
    assert preset(truncation=hole, clip=clip, outputs=["a.mp4"]).tracks()["truncation"].first < 1
    assert failing(preset, truncation=hole, clip=clip, outputs=["a.mp4", "a.gif"]) == [
        f"truncation: {hole} at 0.04 s: it has no real, finite value"
    ]
    assert failing(preset, truncation="=1/(f - 1001)", clip=Clip(duration="60s", loop=True)) == [
        "truncation: =1/(f - 1001) at 33.37 s: it divides by zero"
    ]


def test_the_longest_clip_is_tried_in_a_moment() -> None:
    day = Clip(duration="86400s", fps=1000)
    start = time.perf_counter()
    assert preset(truncation="=0.7 + 0.1*sin(tau*u)", clip=day).clock.frame_count == 86_400_000
    assert time.perf_counter() - start < 20


def test_a_width_that_overshoots_stops_at_zero() -> None:
    track = mixed(width=[("0s", 3, "out-back"), ("end", 0)]).tracks()["blend.width"]
    values = [track.value_at(Fraction(step, 10)) for step in range(81)]
    assert min(values) == track.minimum == 0
    assert values[0] == 3
    assert values.count(0) > 20


def test_weights_stay_within_what_can_be_drawn() -> None:
    assert failing(mixed, weight=101) == ["blend.weight: a weight is a number from -100 to 100, not 101"]
    assert failing(mixed, weight="=10**(3*u)")[0].startswith("blend.weight: =10**(3*u) at 5.3")
    assert "thousands of digits" in failing(mixed, weight=10**5000)[0]
    assert failing(preset, truncation=[("0s", 0), ("end", -1e30)]) == [
        "truncation[1][1]: this is a number from -100 to 100, not -1e+30"
    ]
    assert mixed(weight=-100).tracks()["blend.weight"].first == -100


def test_warnings_tell_what_may_not_be_meant() -> None:
    strange = mixed(swap=[("0s", 4), ("3s", 8), ("3s", 32), ("9s", 64)]).replace(
        latents=Latents(seeds=[1, 2, 3, 4], every="4s"), outputs=[{"file": "a.gif", "fps": 30}]
    )
    assert strange.warnings() == [
        "blend.swap[3]: 9s lies outside the clip, which lasts 8s",
        "blend.swap[2]: two keys at 3s; the value jumps there",
        "blend.swap: jumps from 57 to 4/0 when the clip starts over",
        "latents: the walk does not reach 2 of its 4 seeds within the clip",
        "outputs[0]: a GIF cannot keep 30 frames a second; it gets 25",
    ]
    eased_too_late = mixed(swap=[("0s", 4), ("3s", 8), ("end", 4, "ease")])
    assert eased_too_late.warnings() == [
        "blend.swap[2]: an easing governs what follows its key, and this key is the last"
    ]
    resting = preset(clip=Clip(duration="8s"), latents=Latents(seeds=[1, 2], every="3s"))
    assert resting.warnings() == ["latents: the walk ends at 3s and then stands still"]


def test_a_model_may_name_its_sha256() -> None:
    digits = "0123456789ABCDEF" * 4
    source = preset(
        models={"portrait": {"file": "https://example.org/a.pkl", "sha256": digits}, "ukiyoe": "u"}
    )
    assert source.models["portrait"].sha256 == digits.lower()
    assert source.models["ukiyoe"].sha256 is None
    for wrong, words in (
        ({"file": "a.pkl", "sha256": "12"}, r"models\.portrait\.sha256: a sha256 is 64 hex digits"),
        ({"snapshots": "runs", "sha256": digits}, r"models\.portrait\.sha256: is that of one file"),
    ):
        with pytest.raises(PresetError, match=words):
            preset(models={"portrait": wrong, "ukiyoe": "u"})


def test_places_have_no_capitals():
    assert getattr(load_output({"file": "c.gif", "for": " Discord"}), "for") == "discord"
    with pytest.raises(PresetError, match="did you mean 'x'"):
        load_output({"file": "c.gif", "for": "Twitter"})


def test_a_key_of_other_kinds_of_files_says_whose_it_is():
    with pytest.raises(PresetError, match="for: only for video and GIF; this kind of file has no such key"):
        load_output({"file": "c.webp", "for": "discord"})
    with pytest.raises(PresetError, match="colours: unknown key; known: file"):
        load_output({"file": "c.webp", "colours": 3})
