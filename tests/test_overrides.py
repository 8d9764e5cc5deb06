"""Values set over a preset: where they go, and what is said of those that go nowhere."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from render.errors import PresetError
from render.preset import Clip, Preset
from render.timeline import parse_time

TEXT = """\
models: {portrait: p.pkl, ukiyoe: {snapshots: u}}
clip: {duration: 8s, fps: 30, bpm: 120, loop: true}   # a comment
latents: {seeds: [3, 14], every: 4s}
blend:
  low: portrait
  high: ukiyoe
  swap: [[0s, 4], [end, 4]]
panels: [low, blend, high]
outputs: [a.mp4, {file: b.gif, width: 320}]
"""


def changed(*overrides: str) -> Preset:
    return Preset.from_yaml(TEXT, "p.yaml", overrides=overrides)


def test_a_value_is_read_as_yaml_and_set_at_its_place() -> None:
    assert changed("blend.swap=32").tracks()["blend.swap"].is_constant
    assert changed("clip.fps=24000/1001").clip.fps == Fraction(24000, 1001)
    assert changed("latents.seeds=[1, 2]").latents.seeds == (1, 2)
    assert changed("outputs[1].fps=12.5").outputs[1].fps == Fraction(25, 2)
    assert changed("blend.swap[1][1]=64").blend.swap.keys[1].value == 64
    assert changed("blend.weight==1-u").blend.weight.expression is not None
    assert changed("noise.mode=random", "noise.seed=3").noise.seed == 3
    assert changed('models."a.b"=c.pkl', 'models["d.e"]=f.pkl').models["d.e"].source == "f.pkl"
    assert changed("clip={duration: 2s}").clip == Clip(duration="2s")


def test_the_later_one_holds() -> None:
    assert changed("clip.fps=10", "clip.fps=20").clip.fps == 20


def test_a_short_form_becomes_what_it_stands_for() -> None:
    first = changed("outputs[0].fps=12").outputs[0]
    assert (first.file, first.fps) == ("a.mp4", 12)
    panels = changed("panels.scale=2").panels
    assert (panels.scale, [panel.show for panel in panels.rows[0]]) == (2, ["low", "blend", "high"])
    text = TEXT.replace("outputs: [a.mp4, {file: b.gif, width: 320}]", "outputs: a.mp4")
    assert Preset.from_yaml(text, overrides=["outputs[0].fps=12"]).outputs[0].fps == 12


def test_keys_that_exclude_each_other_take_each_others_place() -> None:
    assert changed("latents.seed=5").latents.all_seeds == (5,)
    assert changed("blend.model=ukiyoe", "panels=blend").mix.names() == {"model": "ukiyoe"}


def test_null_takes_out() -> None:
    assert changed("latents.every=null").latents.every is None
    assert changed("outputs=null").outputs == ()
    assert changed("outputs=~").outputs == ()


def test_python_says_it_with_values() -> None:
    values = {
        "blend.swap": 32,
        "outputs[0].fps": 12,
        "clip.duration": parse_time("2s"),
        "latents.every": None,
    }
    one = Preset.from_yaml(TEXT, overrides=values)
    assert one == changed("blend.swap=32", "outputs[0].fps=12", "clip.duration=2s", "latents.every=null")
    assert Preset.from_yaml(TEXT, overrides="blend.swap=32") == changed("blend.swap=32")
    assert Preset.from_yaml(TEXT, overrides={"clip": Clip(duration="2s")}).clip == Clip(duration="2s")


def test_it_is_written_into_the_text() -> None:
    one = changed("clip.fps=60", "blend.width=1", "outputs[0].fps=12")
    assert one.to_yaml() == TEXT.replace("fps: 30", "fps: 60").replace(
        "[end, 4]]\n", "[end, 4]]\n  width: 1\n"
    ).replace("a.mp4,", "{file: a.mp4, fps: 12},")
    assert Preset.from_yaml(one.to_yaml()) == one


WRONG = [
    ("blend.swap=esae", "blend.swap: unknown layer 'esae'; a layer is", "esae"),
    ("blend.swp=32", "blend.swp: unknown key; did you mean 'swap'?", "blend.swp"),
    ("nosie.seed=3", "nosie: unknown key; did you mean 'noise'?", "nosie.seed"),
    ("noise.sede=3", "noise.sede: unknown key; did you mean 'seed'?", "noise.sede"),
    ("blend.swap=", "there is no value after the =; write blend.swap=null to take it out", "blend.swap"),
    ("panels.font=#f", 'what begins with # stands in quotes: panels.font="#f"', "panels.font"),
    ("clip.fps.x=3", "clip.fps is 30, which has no x inside it", "clip.fps.x"),
    ("clip.fps[0]=3", "clip.fps is 30, not a list", "clip.fps[0]"),
    ("outputs.fps=3", "outputs is a list; say which entry, outputs[0] to outputs[1]", "outputs.fps"),
    ("outputs[2]=c.mp4", "there is no outputs[2]; the list has outputs[0] to outputs[1]", "outputs[2]"),
    ("blend[0]=3", "blend is a mapping; name a key of it, such as blend.low", "blend[0]"),
    ("noise[0]=3", "there is no list noise yet; write it as a whole: noise=[…]", "noise[0]"),
    ("outputs[0]=null", "a single entry can't be taken out; write the whole list", "outputs[0]"),
    ("blend.width=null", "there is no blend.width to take out", "blend.width"),
    ("extends=x.yaml", "extends belongs in a preset file; it cannot be set from outside", "extends"),
    ("=3", "'' is no place in a preset; write PLACE=VALUE, such as blend.swap=32", "="),
    ("[0]=3", "'[0]' is no place in a preset; write PLACE=VALUE", "[0]"),
    ("blend..swap=3", "'blend..swap' is no place in a preset; write PLACE=VALUE", "blend..swap"),
    ("blend.swap=[[0s, 4], [1", "the list that begins here is not closed with ], or lacks a comma", "["),
    ("truncation=!foo 3", "the tag !foo has no meaning in a preset", "!foo 3"),
    ("truncation=@x", "text that begins with @ needs quotes", "@"),
    ("blend.swap=[[0s, 4], [end, 4, esae]]", "blend.swap[1][2]: unknown easing 'esae'", "esae"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "words", "marked"), WRONG, ids=[wrong[0] for wrong in WRONG])
def test_mistakes_name_the_option_and_point_into_it(override: str, words: str, marked: str) -> None:
    with pytest.raises(PresetError) as caught:
        changed(override)
    head, line, caret = str(caught.value).splitlines()
    assert head.startswith(f"--set {override}: {words}")
    assert line == f"    {override}"
    at = caret.index("^")
    assert line[at : at + caret.count("^")] == marked


def test_a_text_without_an_equals_sign_is_explained() -> None:
    with pytest.raises(PresetError) as caught:
        changed("blend.swap")
    assert str(caught.value) == (
        "--set blend.swap: there is no = in it; "
        "write PLACE=VALUE, such as blend.swap=32 or 'outputs[0].fps=12'"
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"blend.swap": "esae"}, "overrides['blend.swap']: blend.swap: unknown layer 'esae'"),
        ({"blend.swp": 3}, "overrides['blend.swp']: blend.swp: unknown key; did you mean 'swap'?"),
        ({3: 3}, "overrides[3]: '' is no place in a preset"),
        ({"clip.fps": object()}, "overrides['clip.fps']: clip.fps: a frame rate is a number"),
    ],
)
def test_mistakes_in_python_name_the_place(values: dict[Any, Any], words: str) -> None:
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(TEXT, overrides=values)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_mistakes_of_the_file_are_still_found_in_the_file() -> None:
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(TEXT.replace("loop: true", "loop: yes"), "p.yaml", overrides=["blend.swap=esae"])
    heads = [line for line in str(caught.value).splitlines() if not line.startswith("    ")]
    assert [head[:20] for head in heads] == ["p.yaml:2:47: clip.lo", "--set blend.swap=esa"]
