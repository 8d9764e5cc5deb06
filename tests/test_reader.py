"""Broken presets, and the exact message each gets."""
# ruff: noqa: E501 (each message stands whole on its line)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from render.errors import PresetError
from render.preset import Preset

GOOD = """\
version: 1
models:
  portrait: sample:portrait
  ukiyoe: {snapshots: sample:ukiyoe}
clip: {duration: 8s, fps: 30, loop: true}
latents: {seeds: [3, 14], every: 4s}
truncation: 0.7
blend:
  low: portrait
  high: ukiyoe
  swap: [[0s, 4], [50%, 64, ease], [end, 4]]
panels: [low, blend, high]
outputs: [a.mp4]
"""
UNITS = "units are s (seconds), f (frames), b (beats), % (of the clip); end is its end"
JARGON = (
    "valid",
    "Input",
    "value_error",
    "type=",
    "pydantic",
    "Traceback",
    "dictionary",
    "instance",
    "str type",
)


def messages(text: str) -> list[str]:
    """The first lines of the messages, without the source line and the caret."""
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(text, name="p.yaml")
    return [line for line in str(caught.value).splitlines() if not line.startswith("    ")]


def test_the_good_one_is_good() -> None:
    assert Preset.from_yaml(GOOD).warnings() == []


def test_a_message_shows_the_line_and_a_caret() -> None:
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(GOOD.replace("ease]", "esae]"), name="p.yaml")
    assert str(caught.value) == (
        "p.yaml:11:29: blend.swap[1][2]: unknown easing 'esae'; did you mean 'ease'?\n"
        "      swap: [[0s, 4], [50%, 64, esae], [end, 4]]\n"
        "                                ^^^^"
    )


# what is replaced in the good preset, by what, and the message
BROKEN = [
    ("duration: 8s", "duration: 8", f"5:18: clip.duration: 8 has no unit: write 8s, 8f, 8b or 8%; {UNITS}"),
    ("duration: 8s", "duration: 50%", "5:18: clip.duration: 50% depends on the clip itself; write seconds, frames or beats"),
    ("duration: 8s", "duration: -1s", "5:18: clip.duration: a clip lasts more than 0 s and at most a day, not -1s"),
    ("duration: 8s", "duration: 4b", "5:18: clip.duration: 4b: beats need a tempo: give clip.bpm, for example bpm: 120"),
    ("fps: 30", "fps: 0", "5:27: clip.fps: a frame rate lies from 0.01 to 1000 frames a second, not 0"),
    ("fps: 30", "pfs: 30", "5:22: clip.pfs: unknown key; did you mean 'fps'?"),
    ("loop: true", "loop: yes", "5:37: clip.loop: this is true or false, not 'yes'"),
    ("loop: true", "bpm: .inf", "5:36: clip.bpm: bpm is a number such as 120, not inf"),
    ("clip: {", "clap: {", "1:1: clip: missing. Length, frame rate and tempo, such as {duration: 8s, fps: 30}."),
    ("version: 1", "version: 2", "1:10: version: this program reads presets of version 1, not 2"),
    ("sample:portrait", "smple:portrait", "3:13: models.portrait: unknown kind of source 'smple:'; did you mean sample:?"),
    ("snapshots:", "snapshot:", "4:12: models.ukiyoe.snapshot: unknown key; did you mean 'snapshots'?"),
    ("  portrait:", "  low:", "3:3: models.low: 'low' means a place in the blend; call the model something else"),
    ("[3, 14]", "[3, x]", "6:22: latents.seeds[1]: seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not 'x'"),
    ("[3, 14]", "[3, -4]", "6:22: latents.seeds[1]: a seed lies from 0 to 4294967295, not -4"),
    ("[3, 14]", "0-5,9", "6:22: latents.9: unknown key; if it continues the value before it, put that in quotes or in [ ]"),
    ("every: 4s", "every: 0s", "6:34: latents.every: the time from seed to seed is above 0, not 0s"),
    ("every: 4s", "every: 0.000001s", "6:34: latents.every: 0.000001s is too short: a walk has at most 10000 steps"),
    ("every: 4s", "path: spine", "6:33: latents.path: this is one of linear, slerp, spline, hold, circle, noise-loop, not 'spine'; did you mean 'spline'?"),
    ("every: 4s", "path: slerp, space: w", "6:47: latents.space: slerp follows the sphere of z; use space: z, or path: spline"),
    ("truncation: 0.7", "truncation: high", "7:13: truncation: this is a number from -100 to 100, not 'high'"),
    ("truncation: 0.7", "truncation:", "7:1: truncation: this is a number from -100 to 100, not nothing"),
    ("truncation: 0.7", "truncation: [0s, 1]", "7:13: truncation: keyframes are a list of lists such as [[0s, 0], [end, 1]]"),
    ("truncation: 0.7", "truncation: =0.7 + sin(x)", "7:13: truncation: unknown name 'x' in the expression; known: t, f, b, u, fps, tau, pi, blend.swap, blend.weight"),
    ("truncation: 0.7", "truncation: =1/(t-t)", "7:13: truncation: =1/(t-t) at 0 s: it divides by zero"),
    ("truncation: 0.7", "truncation: =b", "7:13: truncation: =b at 0 s: beats need a tempo: give clip.bpm, for example bpm: 120"),
    ("low: portrait", "low: portrat", "9:8: blend.low: unknown model 'portrat'; did you mean 'portrait'?"),
    ("low: portrait", "model: portrait", "10:3: blend.high: has no meaning with blend.model, which shows one model unmixed"),
    ("  high: ukiyoe\n", "", "8:1: blend.high: missing. The model of the fine layers: texture."),
    ("[0s, 4]", "[0s, 3]", "11:15: blend.swap[0][1]: a resolution lies from 4 (all layers from high) to twice the network's (all from low), at most 8192, not 3"),
    ("[0s, 4]", "[0s, 32/2]", "11:15: blend.swap[0][1]: unknown layer '32/2'; a layer is a resolution such as 32, a name such as 32/1, or L7 in StyleGAN3"),
    ("[0s, 4]", "[0s]", "11:10: blend.swap[0]: a key is [time, value] or [time, value, easing], not a list of 1"),
    ("[50%, 64, ease]", "[50, 64]", f"11:20: blend.swap[1][0]: 50 has no unit: write 50s, 50f, 50b or 50%; {UNITS}"),
    ("[50%, 64, ease]", "[50%, 64, ease, 3]", "11:35: blend.swap[1][3]: a key is [time, value, easing]; this one has 4 parts"),
    ("[50%, 64, ease]", "[9s, 64]", "11:30: blend.swap[2][0]: end (8s) comes before 9s above it; keys stand in order of time"),
    ("swap:", "width: -1\n  swap:", "11:10: blend.width: a width is a number of at least 0, not -1"),
    ("swap:", f"weight: {'9' * 400}\n  swap:", f"11:11: blend.weight: a weight is a number from -100 to 100, not {'9' * 39}…"),
    ("swap:", f"weight: 0x{'f' * 5000}\n  swap:", "11:11: blend.weight: a weight is a number from -100 to 100, not a number of thousands of digits"),
    ("[[0s, 4], [50%, 64, ease], [end, 4]]", f"{'9' * 400}", f"11:9: blend.swap: a resolution lies from 4 (all layers from high) to twice the network's (all from low), at most 8192, not {'9' * 39}…"),
    ("[[0s, 4], [50%, 64, ease], [end, 4]]", "~", "11:9: blend.swap: a layer is a resolution such as 32, a name such as 32/1, or L7 in StyleGAN3, not nothing"),
    ("swap:", "convention: pinkney\n  to_rgb: 32\n  swap:", "12:3: blend.to_rgb: convention: pinkney knows no swap for to-RGB layers; leave one of the two out"),
    ("swap:", "mapping: hig\n  swap:", "11:12: blend.mapping: unknown model 'hig'; did you mean 'high'?"),
    ("swap:", "snapshot: [[0s, -3]]\n  swap:", "11:19: blend.snapshot[0][1]: a snapshot's kimg is a number of at least 0, not -3"),
    ("[low, blend, high]", "[low, blnd]", "12:15: panels[1]: unknown panel 'blnd'; did you mean 'blend'?"),
    ("[low, blend, high]", "[[low], high]", "12:9: panels: panels are one row, or a list in which every item is a row: [[low, high], [blend]]"),
    ("[low, blend, high]", "{show: [low], gap: x}", "12:28: panels.gap: this is a whole number from 0 to 512, not 'x'"),
    ("[a.mp4]", "[a.avi]", "13:11: outputs[0]: 'a.avi' has the unknown extension .avi; known: .mp4, .webm, .mov, .mkv, .gif, .webp, .apng, .avif, "
        "and frames/%05d.png for pictures; did you mean a.avif?"),
    ("[a.mp4]", "[{file: a.gif, crf: 3}]", "13:25: outputs[0].crf: only for video and animations (WebP, APNG, AVIF, numbered pictures); this kind of file has no such key"),
    ("[a.mp4]", "[{fps: 3}]", "13:11: outputs[0].file: missing. Name of the file; its extension says what kind it is."),
    ("[a.mp4]", "[a.mp4, a.mp4]", "13:18: outputs[1]: a.mp4 is written twice; outputs[0] has the same name"),
    ("[a.mp4]", "[a.mp4, ./a.mp4]", "13:18: outputs[1]: ./a.mp4 is written twice; outputs[0] has the same name"),
    ("truncation: 0.7", "latents: 3", "7:1: latents: this key is given twice; the first is on line 6"),
    ("truncation: 0.7", "truncation: !percent 70", "7:13: truncation: the tag !percent has no meaning in a preset"),
    ("[3, 14]", "!!python/object:os.system [3, 14]", "6:18: latents.seeds: the tag !!python/object:os.system has no meaning in a preset"),
    ("clip: {duration", "clip: !!omap {duration", "5:7: clip: the tag !!omap has no meaning in a preset"),
    ("[3, 14]", "!!set {3, 14}", "6:18: latents.seeds: the tag !!set has no meaning in a preset"),
    ("truncation: 0.7", "truncation: !!binary MC43", "7:13: truncation: the tag !!binary has no meaning in a preset"),
    ("clip: {duration: 8s, ", "base: &b {duration: 8s}\nclip: {<<: *b, ", "6:8: clip: merge keys (<<) are not supported; write the settings out"),
    ("duration: 8s, fps: 30, loop: true}\nlatents: {seeds: [3, 14]", "duration: &t 8s, fps: 30, loop: true}\nlatents: {seeds: *t", "6:18: latents.seeds: seeds are whole numbers such as [3, 14] or ranges such as 0-5,9, not '8s'"),
    ("[low, blend, high]\noutputs: [a.mp4]", "[low, &o {show: blend, label: x}]\noutputs: [*o]", "13:11: outputs[0].show: unknown key; known: file, fps, width, height, scale, fit, background, transparent, budget, poster, filmstrip"),
    ("truncation: 0.7", "\ttruncation: 0.7", "7:1: there is a tab here; YAML is indented with spaces"),
    ("[low, blend, high]", "[low, blend", "12:9: the list that begins here is not closed with ], or lacks a comma"),
    ("fps: 30, loop: true}", "fps: 30", "5:7: the mapping that begins here is not closed with }, or lacks a comma"),
    ("0.7", "'0.7", "7:13: the text that begins here is not closed with a quote"),
    ("low: portrait", "low: portrait: x", "9:16: this ':' is unexpected; indent as above, or put the text in quotes"),
    ("  low:", "   low:", "10:3: this line is not indented like the ones it belongs to"),
    ("0.7", "*psi", "7:13: this alias (*) has no anchor (&) before it"),
    ("0.7", "@home", "7:13: text that begins with @ needs quotes"),
    ("outputs:", "---\noutputs:", "13:1: a file holds one preset; here a second one begins"),
    ("0.7", "&a [*a]", "7:17: the preset is too large or nested too deeply"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BROKEN, ids=[new.strip()[:25] for _, new, _ in BROKEN])
def test_broken_presets_are_explained(old: str, new: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    found = messages(GOOD.replace(old, new, 1))
    assert f"p.yaml:{message}" in found
    assert not [word for word in JARGON for line in found if word in line]


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace("8s", "8").replace("sample:portrait", "smple:x").replace("every: 4s", "evry: 4s")
    text = text.replace("0.7", "lots").replace("low: portrait", "low: portrat").replace("ease]", "esae]")
    text = text.replace("[low,", "[lo,").replace("a.mp4", "a.avi")
    places = [line.split(": ")[1] for line in messages(text)]
    assert places == [
        "models.portrait",
        "clip.duration",
        "latents.evry",
        "truncation",
        "blend.low",
        "blend.swap[1][2]",
        "panels[0]",
        "outputs[0]",
    ]


def test_one_mistake_brings_no_others_with_it() -> None:
    for old, new in [
        ("[3, 14]", "!!set {3, 14}"),
        ("0.7", "!percent 70"),
        ("blend:", "blend: !!python/object:os.system"),
        ("clip: {duration: 8s, fps: 30", "clip: {<<: {duration: 8s}, <<: {fps: 30}"),
        ("duration: 8s", "duration: 8"),
        ("{snapshots: sample:ukiyoe}", "{snapshots: 3}"),
        ("  portrait: sample", "  portrait: smple"),
        ("low: portrait", "low: [x]"),
        ("[3, 14]", "x"),
        ("4s}", "-4s}"),
    ]:
        assert len(messages(GOOD.replace(old, new, 1))) == 1, new


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "p.yaml: the file is empty; a preset is a mapping; it begins with lines such as `models:` and `clip:`",
        ),
        ("# only this\n", "p.yaml: the file is empty; a preset is a mapping;"),
        ("- a\n", "p.yaml:1:1: a preset is a mapping"),
        ("just text", "p.yaml:1:1: a preset is a mapping"),
        ("a: \x00", "p.yaml:1:4: the character U+0000 does not belong in a text file"),
        ("%YAML 1.7\n---\na: x", "p.yaml:1:1: a preset is YAML 1.2; leave this line out"),
        ("a:\n%YAML 9.9\n  b: x", "p.yaml:2:1: a preset is YAML 1.2; leave this line out"),
        ("[1]: 2", "p.yaml:1:1: a key is text, not a list or a mapping"),
    ],
)
def test_texts_that_are_no_presets(text: str, message: str) -> None:
    assert any(line.startswith(message) for line in messages(text))


def test_a_character_that_no_text_has_is_pointed_at() -> None:
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml("models: {a: x}\u2028# \x1b[0m \x0bclip: {duration: \ud8008s}\n", "p.yaml")
    assert str(caught.value).splitlines() == [
        "p.yaml:2:3: the character U+001B does not belong in a text file",
        "    # �[0m �clip: {duration: �8s}",
        "      ^",
    ]


def test_long_lines_are_cut_around_the_caret() -> None:
    seeds = ", ".join(str(seed) for seed in range(200))
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(GOOD.replace("3, 14", f"{seeds}, oops, {seeds}"))
    _, line, caret = str(caught.value).splitlines()
    assert len(line) < 120
    start = caret.index("^")
    assert line[start : start + caret.count("^")] == "oops"


def test_aliases_and_dates_and_numbers_keep_their_meaning() -> None:
    text = GOOD.replace("[3, 14]", "&s [3, 14]").replace("0.7", "1e-1")
    loaded = Preset.from_yaml(text.replace("a.mp4", "2026-11-01.mp4"))
    assert (loaded.latents.seeds, loaded.truncation.keys[0].number) == ((3, 14), 0.1)
    assert loaded.outputs[0].file == "2026-11-01.mp4"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(GOOD)
    (tmp_path / "picture.yaml").write_bytes(b"\x89PNG\xff\xfe")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 2_000_000)
    for name, message in [
        ("helo.yaml", f"helo.yaml; did you mean {tmp_path / 'hello.yaml'}?"),
        ("picture.yaml", "picture.yaml: this is not a text file; a preset is YAML in UTF-8"),
        ("huge.yaml", "huge.yaml: too large for a preset (more than 1 MB)"),
        (".", "this is a folder; name a preset file in it"),
    ]:
        with pytest.raises(PresetError) as caught:
            Preset.load(tmp_path / name)
        assert str(caught.value).endswith(message)
        assert "\n" not in str(caught.value)
    assert Preset.load(tmp_path / "hello.yaml").base_dir == tmp_path


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless file here")
def test_a_file_without_an_end_is_left_in_time() -> None:
    with pytest.raises(PresetError, match=r"^/dev/zero: too large for a preset \(more than 1 MB\)$"):
        Preset.load("/dev/zero")


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 300),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["end", "8s"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
PLACES = [
    ("version",), ("models",), ("models", "portrait"), ("clip",), ("clip", "duration"), ("clip", "fps"),
    ("latents",), ("latents", "seeds"), ("latents", "every"), ("truncation",), ("noise",), ("blend",),
    ("blend", "low"), ("blend", "swap"), ("blend", "swap", 1), ("blend", "swap", 1, 0), ("blend", "swap", 1, 2),
    ("blend", "mapping"), ("panels",), ("panels", 1), ("outputs",), ("outputs", 0), ("else",),
]  # fmt: skip


@given(place=st.sampled_from(PLACES), value=values)
@settings(deadline=None, max_examples=250)
def test_nonsense_gets_messages_and_never_a_traceback(place: tuple, value: object) -> None:
    data = YAML(typ="safe", pure=True).load(GOOD)
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    try:
        message = str(Preset.from_yaml(json.dumps(data), name="p.yaml").warnings())
    except PresetError as error:
        message = str(error)
        assert message.startswith("p.yaml:1:")  # nonsense may be right by chance
    assert not [word for word in JARGON if word in message]


@pytest.mark.parametrize(
    "text", ['models: {"\\ud800\\udc00": x}', 'models: {a: "\\ud800"}\nclip: {duration: 1s}']
)
def test_half_a_character_is_refused_in_words(text: str) -> None:
    with pytest.raises(PresetError, match=r"preset:1:.*half of a character"):
        Preset.from_yaml(text)
