"""What `check` prints: everything that can be known before rendering, and every missing file at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import astuple
from fractions import Fraction

import pytest
import torch
from conftest import make_network, write_nvlabs
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import clicks, write_wave

import render
from render.checkpoints.header import read_header
from render.checkpoints.native import save
from render.errors import BlendreelWarning, CheckpointError, PresetError
from render.networks import StyleGAN3, StyleGAN3Config
from render.preset import WEIGHT, Preset, position_of, read_animated
from render.report import WIDTH, describe, layer_text, number_text, seconds_text, track_row
from render.report.models import Sizes
from render.scene import Scene
from render.timeline import Clock

CLIP = "clip: {duration: 4s, fps: 25}\n"
BLEND = "blend: {low: portrait, high: ukiyoe, swap: [[0s, 4, out-back], [1s, 32/1], [end, 6]]}\n"
MODELS = "models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}\n"


def text_of(yaml: str, base_dir=None) -> str:
    return describe(Preset.from_yaml(yaml, base_dir=base_dir))


def line_with(text: str, start: str) -> list[str]:
    """The words of the one line that starts with `start`."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return line.split()


@pytest.fixture
def described(sample_folder) -> str:
    return text_of(MODELS + CLIP + BLEND + "outputs: [a.mp4, {file: b.gif, fps: 12.5, width: 40}]\n")


def test_models_are_resolved_to_files(described):
    assert line_with(described, "portrait ")[1:6] == ["low", "16", "px", "100", "kimg"]
    assert line_with(described, "ukiyoe ")[1:6] == ["high", "16", "px", "10–40", "kimg"]
    assert "3 snapshots, ukiyoe-000010.safetensors to" in described


def test_clip_and_outputs_have_the_numbers_the_files_will_have(described):
    assert "4 s · 100 frames · 25 frames/s · plays once" in described
    assert " ".join(line_with(described, "a.mp4")) == "a.mp4 video 16 × 16 px 100 frames 25 frames/s"
    assert " ".join(line_with(described, "b.gif")) == "b.gif GIF 40 × 40 px 50 frames 12.5 frames/s"


@pytest.mark.parametrize(
    ("panels", "size"),
    [
        ("[low, blend, high]", "56 × 16 px"),
        ("{show: [low, blend], gap: 5, scale: 2}", "70 × 32 px"),  # 69 pixels; a video's sides are even
        ("[[low], [high]]", "16 × 36 px"),
    ],
)
def test_sizes_follow_the_panels(sample_folder, panels, size):
    assert size in text_of(f"{MODELS}{CLIP}{BLEND}panels: {panels}\noutputs: [a.mp4]\n")


def test_tracks_are_named_in_layers_with_what_easings_overshoot(described):
    words = line_with(described, "blend.swap")
    assert words[1] == "4/0"
    assert words[-2:] == ["3", "keys"]
    assert "between 4/1 and 8/0" in described  # 6 lies between them
    assert "between 32/1 and 64/0" in described  # out-back goes beyond 32/1
    assert " ".join(line_with(described, "truncation")) == "truncation 0.7 constant"
    assert "A swap at 4/0 gives all layers to ukiyoe, one at 32/0 gives all to portrait." in described


def test_four_wide_cells_still_fit(sample_folder):
    swaps = "blend: {low: portrait, high: ukiyoe, swap: [[0s, 33], [1s, 5], [2s, 66], [end, 17]]}\n"
    text = text_of(MODELS + CLIP + swaps)
    words = line_with(text, "blend.swap")
    assert " ".join(words) == "blend.swap 32/0–32/1 16/0–16/1 4/0–4/1 64/0–64/1 4 keys"


def test_formulas_and_kimg(sample_folder):
    yaml = MODELS + CLIP + 'blend: {model: ukiyoe, snapshot: "=20 + 10*u"}\n'
    words = line_with(text_of(yaml), "blend.snapshot")
    assert " ".join(words) == "blend.snapshot 20 kimg 30 kimg 20 kimg 30 kimg =20 + 10*u"


def test_a_formula_without_a_value_is_one_line():
    value, clock = read_animated("=1/t", WEIGHT), Clock(Fraction(4))
    with pytest.raises(PresetError, match=r"^blend\.weight: =1/t at 0 s: .*$"):
        track_row("blend.weight", value, value.draft(clock), clock)


def test_warnings_come_last_and_know_the_files(sample_folder):
    keys = "[[0s, 0], [5s, 200]]"
    text = text_of(f"{MODELS}{CLIP}blend: {{model: ukiyoe, snapshot: {keys}}}\n")
    _, warnings = text.split("\nwarnings\n")
    assert "5s lies outside the clip" in warnings
    joined = " ".join(warnings.split())
    assert "goes to 0 kimg, but the snapshots of ukiyoe begin at 10" in joined
    assert "goes to 200 kimg, but the snapshots of ukiyoe end at 40" in joined


def test_a_sound_preset_has_no_warnings(sample_folder):
    for swap in ("16, width: 2", "32", "=4 + 28*u"):
        text = text_of(MODELS + CLIP + f"blend: {{low: portrait, high: ukiyoe, swap: {swap}}}\n")
        assert text.endswith("\n\nno warnings")


@pytest.mark.parametrize("swap", ["8192", "[[0s, 4], [end, 8192]]", "=8192*u + 4 - 4*u"])
def test_a_swap_beyond_the_network_is_noticed(sample_folder, swap):
    text = text_of(MODELS + CLIP + f"blend: {{low: portrait, high: ukiyoe, swap: {swap}, to_rgb: 64}}\n")
    warnings = " ".join(text.split("\nwarnings\n")[1].split())
    assert "blend.swap: goes to 8192, but everything is portrait's from 32 on" in warnings
    assert "blend.to_rgb: goes to 64, but everything is portrait's from 32 on" in warnings


def test_a_walk_that_comes_back_at_once_stands_still(sample_folder):
    text = text_of(MODELS + CLIP.replace("25}", "25, loop: true}") + "latents: {seeds: [5, 5]}\n" + BLEND)
    assert "seed 5, standing still" in text


def test_captions_that_cannot_be_read_are_noticed(sample_folder):
    panels = "panels: {show: [low, {show: blend, label: 浮世絵}, {show: high, label: Größe}], scale: 8}\n"
    text = text_of(MODELS + CLIP + "blend: {low: portrait, high: ukiyoe}\n" + panels)
    warnings = " ".join(text.split("\nwarnings\n")[1].split())
    assert warnings == (
        "- panels: the caption '浮世絵' will read '???': SourceSansPro-Regular.ttf has no 浮 世 絵; "
        "name one that has, such as Noto Sans CJK, with panels: {font: FILE}"
    )


def test_captions_without_room_are_noticed_before_and_while_rendering(sample_folder, tmp_path):
    show = "[{show: low, label: A name}, {show: blend, label: A longer name}, {show: high, label: 'at {t}'}]"
    blend = "blend: {low: portrait, high: ukiyoe}\n"
    preset = MODELS + CLIP + blend + f"panels: {{show: {show}, scale: 4}}\noutputs: [a.gif]\n"
    warnings = text_of(preset).split("\nwarnings\n")[1]
    told = "panels: the caption 'A longer name' has no room on 64 pixels, and will read 'A longer n…'"
    assert " ".join(warnings.split()) == f"- {told}"
    with pytest.warns(BlendreelWarning) as found:
        render.render(Preset.from_yaml(preset), out_dir=tmp_path)
    assert [str(one.message) for one in found] == [told]


def test_models_of_two_sizes_are_noticed(sample_folder, tmp_path):
    save(make_network(resolution=8), tmp_path / "small.safetensors")
    yaml = "models: {portrait: sample:portrait, ukiyoe: small.safetensors}\n" + CLIP + BLEND
    with pytest.raises(PresetError, match="cannot be blended: portrait StyleGAN2 16 px, ukiyoe StyleGAN2 8"):
        text_of(yaml, tmp_path)


def test_a_model_that_nothing_shows_may_be_of_any_size(sample_folder, tmp_path):
    save(make_network(resolution=8), tmp_path / "small.safetensors")
    yaml = MODELS.replace("models: {", "models: {spare: small.safetensors, ") + CLIP + BLEND
    text = text_of(yaml, tmp_path)
    assert line_with(text, "spare ")[1:3] == ["not", "used"]
    assert "- models.spare: nothing shows it" in text


def test_every_wrong_file_is_told_at_once(sample_folder, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes((sample_folder / "portrait.safetensors").read_bytes()[:5000])
    (tmp_path / "notes.pkl").write_text("not a network")
    models = "{a: lost.pkl, b: cut.safetensors, c: sample:portrit, d: notes.pkl, e: sample:portrait}"
    with pytest.raises(CheckpointError) as caught:
        text_of(f"models: {models}\n{CLIP}blend: {{low: a, high: e}}\n", tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["models.a", "models.b", "models.c", "models.d"]
    told = ("lost.pkl does not exist", "cut off", "did you mean sample:portrait?", "text file")
    assert all(words in line for words, line in zip(told, lines, strict=True))


def test_a_foreign_file_has_no_size_until_it_is_loaded(tmp_path, low):
    write_nvlabs(tmp_path / "network-snapshot-000040.pkl", low)
    yaml = "models: {faces: network-snapshot-000040.pkl}\n" + CLIP + "outputs: [a.mp4]\n"
    text = text_of(yaml, tmp_path)
    assert " ".join(line_with(text, "faces")) == (
        "faces model 40 kimg network-snapshot-000040.pkl (not opened yet)"
    )
    assert "size of the models" in text


def test_long_names_stay_inside_the_page(sample_folder, tmp_path):
    name, folder = "n" * 90, tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    (folder / "p.safetensors").write_bytes((sample_folder / "portrait.safetensors").read_bytes())
    formula = " + ".join(["0.01*sin(tau*u)"] * 9)
    yaml = f'models: {{{name}: {folder / "p.safetensors"}}}\n{CLIP}truncation: "={formula}"\n'
    yaml += f"outputs: [{'o' * 120}.mp4]\n"
    assert max(map(len, text_of(yaml).splitlines())) <= WIDTH


# --- names that change --------------------------------------------------------------------------------------

FADES = "blend: {low: portrait, high: [[0s, ukiyoe], [1s, portrait, fade 1s], [3s, ukiyoe]], swap: 8}\n"


def test_models_are_told_with_all_that_they_are_for(sample_folder):
    text = text_of(MODELS + CLIP + FADES.replace("swap", "mapping: ukiyoe, swap") + "panels: [low, ukiyoe]\n")
    assert line_with(text, "portrait ")[1:5] == ["low", "and", "high", "16"]
    assert line_with(text, "ukiyoe ")[1:6] == ["high,", "mapping", "and", "panel", "16"]
    assert line_with(text, "blend.mapping") == ["blend.mapping", "ukiyoe", "constant"]


def test_panels_are_told_with_their_seeds(sample_folder):
    panels = "panels: {show: [low, ukiyoe@20], seeds: [3, 14], curves: [blend.swap]}\n"
    text = text_of(MODELS + CLIP + FADES.replace("ukiyoe", "portrait") + panels)
    assert " ".join(line_with(text, "panels")) == "panels low, ukiyoe@20 · seeds 3, 14 · curves of blend.swap"
    assert line_with(text, "ukiyoe ")[1] == "panel"


def test_names_that_change_are_told_in_order_and_no_class_is_shown(sample_folder):
    text = text_of(MODELS + CLIP + FADES)
    words = " ".join(line_with(text, "blend.high"))
    assert words == "blend.high ukiyoe ukiyoe 3 keys, 1 fade, ukiyoe → portrait → ukiyoe"
    assert "A swap at 4/0 gives all layers to high, one at 32/0 gives all to portrait." in text
    assert "NameKey" not in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("hf://x", "'hf://x' is not understood; write hf://owner/repo/file"),
        ("http://example.com/a.pkl", "http://example.com/a.pkl is not encrypted"),
    ],
)
def test_addresses_that_nothing_can_be_fetched_from_are_mistakes(source, words):
    with pytest.raises(CheckpointError, match=f"^models.a: {words}"):
        text_of(f"models: {{a: '{source}'}}\n{CLIP}latents: 3\n")


@pytest.mark.parametrize("swap", ["L7", "input", "[[0s, 4], [end, l3]]"])
def test_a_swap_at_a_layer_that_only_stylegan3_has_is_a_mistake(sample_folder, swap):
    text = MODELS + CLIP + f"blend: {{low: portrait, high: ukiyoe, swap: {swap}}}\n"
    preset = Preset.from_yaml(text)
    with pytest.raises(PresetError, match=r"blend.swap.*: these networks have no layer .*; theirs are 4/0"):
        text_of(text)
    with pytest.raises(PresetError, match=r"blend.swap.*: these networks have no layer"):
        Scene.open(preset)


def test_panels_of_snapshots_that_are_not_there_are_warned_of(sample_folder):
    text = text_of(MODELS + BLEND + CLIP + 'panels: ["snapshot:500", ukiyoe@3, ukiyoe@20]\n')
    words = "panels.show[{}]: goes to {} kimg, but the snapshots of ukiyoe {}, which is shown instead"
    flat = " ".join(text.split())
    assert words.format(0, 500, "end at 40") in flat
    assert words.format(1, 3, "begin at 10") in flat
    assert "panels.show[2]" not in flat


def test_layers_that_no_network_has_are_warned_of(sample_folder):
    text = text_of(MODELS + BLEND + CLIP + "truncation: {4-8: 0.5, 2048+: 1}")
    assert "  - truncation{2048+}: these networks have no such layers; theirs are 4/0 to " in text
    assert "truncation{4-8}: these" not in text


def test_the_ends_of_a_track_are_those_of_the_clip(sample_folder):
    start = MODELS + BLEND + CLIP.replace("}", ", loop: true}")
    text = text_of(start + "truncation: {keys: [[0s, 0.2], [2s, 0.8]], ease: spline}")
    assert " ".join(line_with(text, "truncation")) == "truncation 0.2 0.2 0.2 0.8 2 keys, spline"
    text = text_of(start + "truncation: [[0s, 0], [8s, 1]]")
    assert line_with(text, "truncation")[:3] == ["truncation", "0", "0.5"]


def test_a_repeated_track_tells_what_the_first_and_the_last_frame_show(sample_folder):
    weight = "{keys: [[0s, 0], [3s, 1]], repeat: mirror}"
    text = text_of(f"{MODELS}{CLIP}blend: {{low: portrait, high: ukiyoe, weight: {weight}}}\n")
    assert " ".join(line_with(text, "blend.weight")) == "blend.weight 0 0.6667 0 1 2 keys, repeat mirror"


def test_names_that_must_be_typed_are_never_cut(sample_folder):
    directions = ", ".join(["{sefa: 0, layers: 0-1, strength: [[0s, 0], [end, 1]]}"] * 11)
    text = text_of(f"{MODELS}{CLIP}latents: {{seeds: [1, 2], directions: [{directions}]}}\n{BLEND}")
    assert line_with(text, "latents.directions[10].strength")[1:] == ["0", "1", "0", "1", "2", "keys"]
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("shape", [{}, {"margin_size": 6, "num_layers": 9, "resolution": 128}])
def test_layers_of_stylegan3_are_known_from_the_names_of_its_tensors(tmp_path, shape):
    torch.manual_seed(0)
    small = {"resolution": 64, "z_dim": 8, "w_dim": 8, "channel_base": 256, "channel_max": 8}
    network = StyleGAN3(StyleGAN3Config(**small | shape)).eval()
    save(network, tmp_path / "t.safetensors")
    sizes = Sizes.of(read_header(tmp_path / "t.safetensors"))
    assert [tuple(layer) for layer in sizes.layers] == [astuple(layer) for layer in network.layers]
    assert sizes.num_ws == network.num_ws
    assert sizes.picture == network.picture_size
    yaml = "models: {a: t.safetensors, b: t.safetensors}\n" + CLIP
    yaml += "blend: {low: a, high: b, swap: [[0s, L2], [2s, 64], [end, L2]]}\ntransform: {zoom: 2}\n"
    text = text_of(yaml, tmp_path)
    first64 = next(layer.name for layer in network.layers if layer.resolution == 64)
    assert line_with(text, "blend.swap")[1:] == ["L2", "L2", "L2", first64, "3", "keys"]


# --- beats, markers, walks ----------------------------------------------------------------------------------


def test_beats_and_markers_are_told_with_their_times(sample_folder, tmp_path):
    (tmp_path / "song.beats").write_text("0.5\n1.0\n1.5\n2.5\n")
    clip = "clip: {duration: 4s, beats: song.beats, markers: {drop: 2b, fill: drop+0.5s}}\n"
    text = text_of(MODELS + clip + BLEND, tmp_path)
    assert "4 from song.beats, 0.5 s to 2.5 s · 90 beats/min on average" in text
    assert line_with(text, "markers") == ["markers", "drop", "1.5", "s", "·", "fill", "2", "s"]


def test_sounds_are_told_and_looked_at(sample_folder, tmp_path):
    write_wave(tmp_path / "song.wav", clicks(5, [1, 2, 3]))
    (tmp_path / "song.beats").write_text("1\n2\n3\n")
    clip = "clip: {duration: 4s, audio: {file: song.wav, start: 1.5s, fade: 1s}, beats: detect}\n"
    outputs = "outputs: [a.mp4, {file: b.mp4, audio: none.mp3}]\n"
    text = text_of(MODELS + clip + BLEND, tmp_path)
    assert "song.wav from 1.5 s, fades out over 1 s · 5 s · pcm_s16le, 24 kHz, mono" in text
    assert "2 found in song.wav, 0.5 s to 1.5 s · 60 beats/min on average" in text
    assert "clip.audio: song.wav ends after 3.5 s of the clip, and what follows is silent" in text
    with pytest.raises(PresetError, match=r"outputs\[1\]\.audio: there is no file none\.mp3"):
        text_of(MODELS + clip + BLEND + outputs, tmp_path)
    late = clip.replace("1.5s", "9s").replace(", beats: detect", "")
    with pytest.raises(PresetError, match=r"clip\.audio: the clip begins at 9 s of song\.wav, which ends"):
        text_of(MODELS + late + BLEND, tmp_path)


@pytest.mark.parametrize(
    ("latents", "words"),
    [
        ("{random: {count: 3, seed: 7}, every: 1s}", "(drawn from seed 7) · spline in w · one every 1 s"),
        ("{seeds: [3, 14], path: circle}", "circle in z through seeds 3 and 14 · one turn in 4 s"),
        (
            "{seed: 5, path: noise-loop, diameter: 2}",
            "noise-loop in z from seed 5 · diameter 2 · one turn in 4",
        ),
        (
            "{keys: [[0s, 3], [1s, 14, hold], [2s, seed 3]]}",
            "seed 3 at 0 s, seed 14 at 1 s (hold), seed 3 at",
        ),
        (
            "{seeds: [3, 14], position: [[0s, 0], [end, 1]]}",
            "seeds 3, 14 · spline in w · moved by its position",
        ),
        ("{seeds: [3, 14], pace: even}", "one every 4 s · pace: even"),
        ("{seeds: [3, 14], mixing: {seeds: [5, 6], layers: 4+}}", "rows 4+ · seeds 5, 6 · spline in w"),
        (
            "{seeds: [3, 14], directions: [{sefa: 2, layers: 0-3}, {sefa: 1}]}",
            "0: sefa 2 on rows 0-3 · 1: sefa 1",
        ),
    ],
)
def test_walks_are_told_in_words(sample_folder, latents, words):
    text = text_of(f"{MODELS}{CLIP}latents: {latents}\n{BLEND}")
    assert words in " ".join(text.split())


# --- words --------------------------------------------------------------------------------------------------


@given(position=st.floats(0, 22))
@settings(deadline=None, max_examples=60)
def test_a_position_lies_between_the_layers_it_is_said_to(position):
    text = layer_text(position)
    names = text.removeprefix("between ").split(" and ")
    places = [position_of(name) for name in names]
    assert places[0] - 1e-5 <= position <= places[-1] + 1e-5
    assert places[-1] - places[0] == len(places) - 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (Fraction(8, 3), "2.667 s"), (125, "2:05 min"), (3725, "1:02:05 h"), (-0.0, "0 s")],
)
def test_times_for_people(seconds, text):
    assert seconds_text(seconds) == text


def test_numbers_for_people():
    assert [number_text(number) for number in (0.1 + 0.2, -1e-17, 25000, 4.0)] == ["0.3", "0", "25,000", "4"]


def test_checking_a_plain_preset_imports_nothing_heavy():
    code = """
import sys
from render.preset import Preset
from render.report import describe
describe(Preset.load("hello"))
print(sorted({"torch", "numpy", "scipy", "PIL", "rich", "http"} & set(sys.modules)))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


# --- places and budgets -------------------------------------------------------------------------------------


def test_what_a_place_refuses_is_refused(sample_folder):
    with pytest.raises(PresetError, match=r"t\.gif: TikTok takes no GIF; make an MP4"):
        text_of(MODELS + CLIP + BLEND + "outputs: {file: t.gif, for: tiktok}\n")


def test_places_and_budgets_of_outputs_are_told(sample_folder):
    outputs = "outputs: [{file: d.gif, for: discord}, {file: e.mp4, budget: 1 MB}, {file: f.mp4}]\n"
    text = text_of(MODELS + CLIP + BLEND + outputs)
    assert " ".join(line_with(text, "d.gif")).endswith("for Discord · at most 10,000,000 bytes")
    assert " ".join(line_with(text, "e.mp4")).endswith("25 frames/s at most 1,000,000 bytes")
    assert "bytes" not in line_with(text, "f.mp4")
    assert "of a GIF frames a second" in text
    assert "of video quality" in text
    assert "for Discord:" not in text  # nothing is changed for it


def test_what_will_be_changed_or_complained_about_is_known_before(sample_folder):
    clip = "clip: {duration: 1s, fps: 120}\n"
    blend = BLEND.replace("[1s, 32/1], ", "")
    text = text_of(MODELS + clip + blend + "outputs: {file: r.mp4, for: instagram-reels}\n")
    words = " ".join(text.split())
    assert "60 frames/s for Instagram reels" in words
    assert "r.mp4: for Instagram reels: 60 frames a second instead of 120" in words
    assert "wants at least 3 s, and this lasts 1 s" in words
