"""Presets written out: a loaded one keeps its text wherever nothing was changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import PresetError
from render.preset import GifOutput, Preset

FOLDER = Path(__file__).parent.parent / "presets"
SHIPPED = sorted(FOLDER.glob("*.yaml"))
TEXT = """\
# what this is about

models:                     # names
  # one network
  portrait:   "nets/p.pkl"  # quoted, and with blanks
  ukiyoe:
    snapshots: u            # a folder

clip:
  duration: 8s
  fps: 30   # smooth
  loop: true

latents: {seeds: '0-4', every: 2s}   # five
truncation: 7.0e-1
blend:
  low: portrait
  high: ukiyoe

  swap:
    - [0s, 4]               # all
    - [50%, 64, ease-in-out]
    - [end, 4]              # all again
panels: [low,  {show: blend, label: "half"},   # two
         high]
outputs:
# first
- a.mp4     # big
- {file: b.gif, width: 320}
# the end
"""


def written(text: str, changes: Any) -> str:
    """The text of a preset after `changes(preset)`; it must read back equal."""
    loaded = Preset.from_yaml(text)
    changed = loaded.replace(**changes(loaded))
    result = changed.to_yaml()
    assert Preset.from_yaml(result) == changed
    return result


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_an_untouched_preset_is_its_own_text(path: Path) -> None:
    assert Preset.load(path).to_yaml() == path.read_text()


def test_line_endings_and_ends_are_kept() -> None:
    for text in (TEXT.replace("\n", "\r\n"), TEXT.rstrip(), "\ufeff" + TEXT, "---\n" + TEXT + "...\n"):
        assert Preset.from_yaml(text).to_yaml() == text
        once = written(text, lambda p: {"clip": p.clip.replace(fps=60), "truncation_cutoff": 8})
        assert "fps: 60   # smooth" in once
        assert once.count("\n") - once.count("\r\n") == (0 if "\r" in text else once.count("\n"))


FIVE = "latents: {seeds: '0-4', every: 2s}   # five"


# what is changed, and the lines that go and come; everything else stays letter by letter
EDITS = [
    (lambda p: {"clip": p.clip.replace(fps=60)}, ["  fps: 30   # smooth"], ["  fps: 60   # smooth"]),
    (lambda p: {"truncation": 0.7}, [], []),
    (lambda p: {"truncation": 0.5}, ["truncation: 7.0e-1"], ["truncation: 0.5"]),
    (lambda p: {"truncation_cutoff": 8}, [], ["truncation_cutoff: 8"]),
    (lambda p: {"noise": "none"}, [], ["noise: none"]),
    (lambda p: {"latents": p.latents.replace(every="4s")},
     [FIVE], ["latents: {seeds: '0-4', every: 4s}   # five"]),
    (lambda p: {"latents": p.latents.replace(path="slerp")},
     [FIVE], ["latents: {seeds: '0-4', every: 2s, path: slerp}   # five"]),
    (lambda p: {"latents": p.latents.replace(every=None)},
     [FIVE], ["latents: {seeds: '0-4'}   # five"]),
    (lambda p: {"latents": p.latents.replace(seeds=[7])},
     [FIVE], ["latents: {seeds: [7], every: 2s}   # five"]),
    (lambda p: {"models": {**p.models, "toon": "t.pkl"}, "blend": p.blend.replace(width=1)},
     [], ["  toon: t.pkl", "  width: 1"]),
    (lambda p: {"models": {**p.models, "portrait": "q.pkl"}},
     ['  portrait:   "nets/p.pkl"  # quoted, and with blanks'],
     ["  portrait:   q.pkl  # quoted, and with blanks"]),
    (lambda p: {"clip": p.clip.replace(loop=False)}, ["  loop: true"], ["  loop: false"]),
    (lambda p: {"blend": p.blend.replace(swap=[("0s", 4), ("50%", 32, "ease-in-out"), ("end", 4)])},
     ["    - [50%, 64, ease-in-out]"], ["    - [50%, 32, ease-in-out]"]),
    (lambda p: {"blend": p.blend.replace(swap=[("0s", 4), ("end", 4)])},
     ["    - [50%, 64, ease-in-out]"], []),
    (lambda p: {"blend": p.blend.replace(
        swap=[("0s", 4), ("25%", 8), ("50%", 64, "ease-in-out"), ("end", 4)])},
     [], ["    - [25%, 8]"]),
    (lambda p: {"outputs": (*p.outputs, "c.mp4")}, [], ["- c.mp4"]),
    (lambda p: {"outputs": p.outputs[1:]}, ["- a.mp4     # big"], []),
    (lambda p: {"outputs": ("0.mp4", *p.outputs)}, [], ["- 0.mp4"]),
    (lambda p: {"outputs": (p.outputs[0].replace(fps=10), p.outputs[1])},
     ["- a.mp4     # big"], ["- {file: a.mp4, fps: 10}     # big"]),
    (lambda p: {"outputs": (p.outputs[0], p.outputs[1].replace(width=640))},
     ["- {file: b.gif, width: 320}"], ["- {file: b.gif, width: 640}"]),
    (lambda p: {"outputs": (p.outputs[0], GifOutput(file="c.gif"))},
     ["- {file: b.gif, width: 320}"], ["- {file: c.gif}"]),
    (lambda p: {"outputs": ()},
     ["- a.mp4     # big", "- {file: b.gif, width: 320}", "outputs:"], ["outputs: []"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "gone", "come"), EDITS, ids=range(len(EDITS)))
def test_only_what_was_changed_is_written_anew(changes: Any, gone: list[str], come: list[str]) -> None:
    before, after = TEXT.splitlines(), written(TEXT, changes).splitlines()
    assert sorted(line for line in before if line not in after) == sorted(gone)
    assert [line for line in after if line not in before] == come
    kept = [line for line in before if line in after]
    assert [line for line in after if line in before] == kept


def test_a_section_that_goes_takes_its_lines_along() -> None:
    one = Preset.from_yaml(TEXT)
    fields = {name: getattr(one, name) for name in one.model_fields_set - {"truncation", "panels"}}
    assert Preset(**fields).to_yaml().startswith("version: 1\nmodels:")  # built anew: nothing to keep
    two = Preset.from_yaml(TEXT, overrides=["truncation=null", "panels=null", "clip.loop=null"])
    assert two.to_yaml() == TEXT.replace("truncation: 7.0e-1\n", "").replace("  loop: true\n", "").replace(
        TEXT[TEXT.index("panels") : TEXT.index("outputs")], ""
    )


def test_keys_behind_a_dash_and_in_nested_blocks() -> None:
    text = (
        "models: {a: x}\nclip:\n  duration: 2s\noutputs:\n  - file: a.mp4   # one\n    fps: 5\n    crf: 20\n"
    )
    assert "  - file: a.mp4   # one\n    crf: 20\n" in written(
        text, lambda p: {"outputs": [p.outputs[0].replace(fps=None)]}
    )
    assert "  - file: b.mp4   # one\n    fps: 5\n    crf: 20\n    speed: slow\n" in written(
        text, lambda p: {"outputs": [p.outputs[0].replace(file="b.mp4", speed="slow")]}
    )


def test_texts_with_anchors_are_written_anew_if_they_must() -> None:
    text = "# lost\nmodels: {a: x}\nclip: {duration: &t 2s}\ntruncation: [[0s, 0], [*t, 1]]\n"
    assert Preset.from_yaml(text).to_yaml() == text
    assert "# lost" in written(text, lambda p: {"clip": p.clip.replace(fps=5)})
    assert "[*t, 1]" in written(text, lambda p: {"clip": p.clip.replace(fps=5)})
    assert "&" not in written(text, lambda p: {"clip": p.clip.replace(duration="4s")})


def test_saving_names_relative_files_from_the_new_folder(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a.yaml").write_text(TEXT)
    loaded = Preset.load(tmp_path / "one" / "a.yaml")
    assert loaded.save(tmp_path / "one" / "b.yaml").read_text() == TEXT
    moved = Preset.load(loaded.save(tmp_path / "two" / "b.yaml"))
    assert moved.models["portrait"].source == "../one/nets/p.pkl"
    assert Path(moved.source_of("ukiyoe")).resolve() == tmp_path / "one" / "u"
    assert moved.to_yaml().replace("../one/nets/p.pkl", '"nets/p.pkl"').replace("../one/u", "u") == TEXT
    with pytest.raises(PresetError, match=r"x\.yaml: cannot be written: no such file or directory"):
        loaded.save(tmp_path / "nowhere" / "x.yaml")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a.yaml",
        "b.yaml",
        "b.yaml",
    ]


numbers = st.integers(0, 300).map(lambda number: number / 100)
tracks = st.one_of(
    numbers,
    st.just("=0.5 + 0.1*sin(tau*u)"),
    st.lists(numbers, min_size=1, max_size=4).map(
        lambda values: [(f"{index}s", value) for index, value in enumerate(values)]
    ),
)
edits = st.fixed_dictionaries(
    {},
    optional={
        "truncation": tracks,
        "truncation_cutoff": st.sampled_from([None, 3]),
        "noise": st.sampled_from(["none", {"mode": "random", "seed": 3}]),
        "clip": st.fixed_dictionaries({}, optional={"fps": st.integers(1, 60), "loop": st.booleans()}),
        "latents": st.fixed_dictionaries(
            {},
            optional={"every": st.sampled_from(["1s", "2s"]), "path": st.sampled_from(["linear", "spline"])},
        ),
        "blend": st.fixed_dictionaries(
            {},
            optional={"weight": tracks, "width": st.one_of(st.none(), tracks),
                      "swap": st.sampled_from([32, "32/1", [("0s", 4), ("2s", 64, "ease")]])},
        ),
        "panels": st.sampled_from(["blend", ["blend", "blend"], {"show": ["blend"], "labels": True}]),
        "outputs": st.lists(
            st.sampled_from(["a.mp4", "b.gif", {"file": "c.mp4", "crf": 20}, {"file": "d: e.gif"}]),
            unique_by=str, max_size=3,
        ),
    },
)  # fmt: skip


def edited(one: Preset, name: str, value: Any) -> Any:
    """A section with some of its fields changed, or a new value in its place."""
    return getattr(one, name).replace(**value) if name in ("clip", "latents", "blend") else value


@given(
    text=st.sampled_from([TEXT, *(path.read_text() for path in SHIPPED)]), several=st.lists(edits, max_size=3)
)
@settings(deadline=None, max_examples=60)
def test_any_edit_of_any_preset_reads_back_equal(text: str, several: list[dict[str, Any]]) -> None:
    read = partial(Preset.from_yaml, base_dir=SHIPPED[0].parent)  # where their sounds lie
    one = read(text)
    for edit in several:
        try:
            one = one.replace(**{name: edited(one, name, value) for name, value in edit.items()})
        except PresetError:  # an edit that this preset cannot have
            continue
    result = one.to_yaml()
    assert read(result) == one
    assert read(result).to_yaml() == result
    assert next(line for line in text.splitlines() if line.startswith("#")) in result.splitlines()
