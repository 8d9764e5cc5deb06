"""docs/presets.md: every example runs, every key is there, and every default is the true one."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from conftest import make_network, make_relative
from markdown_examples import blocks_of, examples_of
from pydantic import TypeAdapter
from ruamel.yaml import YAML
from sounds import clicks, write_wave

from render.preset import (
    FORMATS,
    AnimationOutput,
    Blend,
    Clip,
    Clusters,
    Direction,
    GifOutput,
    Latents,
    Mixing,
    ModelSource,
    Noise,
    Panel,
    Panels,
    Preset,
    Sound,
    TakenChannels,
    Transform,
    VideoOutput,
    Walk,
    preset_schema,
)
from render.preset.part import Part
from render.preset.seeds import RandomSeeds
from render.preset.shipped import shipped_presets
from render.preset.values import Shape
from render.timeline import FUNCTIONS, REPEATS, VARIABLES, parse_easing
from render.timeline.curves import NAMED, STEP_POSITIONS
from render.timeline.times import UNITS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "presets.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = examples_of(PAGE)
RIGHT = [example for example in EXAMPLES if example.mark != "wrong"]
WRONG = [example for example in EXAMPLES if example.mark == "wrong"]
PARTS: dict[str, tuple[type[Part], ...]] = {
    "The preset": (Preset,),
    "`models`": (ModelSource,),
    "`clip`": (Clip,),
    "`latents`": (Latents,),
    "`latents.random`": (RandomSeeds,),
    "`latents.mixing`": (Mixing,),
    "`latents.directions`": (Direction,),
    "`truncation_clusters`": (Clusters,),
    "`transform`": (Transform,),
    "`noise`": (Noise,),
    "`blend`": (Blend,),
    "`channels`": (TakenChannels,),
    "`panels`": (Panels,),
    "A panel": (Panel,),
    "`outputs`": tuple(dict.fromkeys(FORMATS.values())),
    "`outputs.audio`": (Sound,),
}
KINDS = {
    "all": tuple(dict.fromkeys(FORMATS.values())),
    "video": (VideoOutput,),
    "video, animation": (VideoOutput, AnimationOutput),
    "video, GIF": (VideoOutput, GifOutput),
    "GIF": (GifOutput,),
}
NOT_FIELDS = {"extends"}  # belongs to the file, not to the preset


def names(examples: list) -> dict[str, Any]:
    return {"argvalues": examples, "ids": [example.name for example in examples]}


# --- examples -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny networks for the samples and files that the page speaks of."""
    from render.checkpoints.native import save
    from render.networks import StyleGAN3, StyleGAN3Config

    folder = tmp_path_factory.mktemp("stand-ins")
    size = {"resolution": 64, "channel_max": 4}
    portrait = make_network(seed=1, **size)
    save(portrait, folder / "portrait.safetensors", kimg=100)
    save(portrait, folder / "faces.safetensors", kimg=100)
    for name, seed in (("ukiyoe", 2), ("toon", 3)):
        for kimg in (0, 20):
            relative = make_relative(portrait, seed=seed, distance=0.1 + kimg / 100)
            save(relative, folder / f"{name}-{kimg:06d}.safetensors", kimg=kimg, lineage=["portrait"])
    save(make_network(seed=4, c_dim=10, **size), folder / "flowers.safetensors", kimg=1)
    config = StyleGAN3Config(
        resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=1, num_layers=4
    )
    save(StyleGAN3(config), folder / "faces3.safetensors", kimg=1)
    (folder / "portrait.channels.yaml").write_text("eyes: {32/0: [2], 64/0: [0]}\nmouth: {32/1: [2, 3]}\n")
    random = np.random.default_rng(0)
    np.savez(folder / "me.npz", w=random.normal(size=(1, 8)).astype(np.float32))
    np.savez(folder / "anna.npz", w=random.normal(size=(1, 8)).astype(np.float32))
    for name, rows in (("walk", 4), ("noise", 2)):
        np.save(folder / f"{name}.npy", random.normal(size=(rows, 8)).astype(np.float32))
    write_wave(folder / "song.mp3", clicks(12, np.arange(0.31, 12, 0.5)))
    np.save(folder / "age.npy", random.normal(size=8).astype(np.float32))
    return folder


@pytest.fixture
def folder(stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of one example, with the files of the page in it."""
    from render.checkpoints import library

    for file in stand_ins.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.setattr(library, "sample_folder", lambda: stand_ins)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", **names(RIGHT))
def test_examples_load_without_a_warning_and_have_moments(example, folder: Path) -> None:
    preset = example.load(folder)
    assert "".join(f"{line}\n" for line in preset.warnings()) == example.words
    assert bool(example.words) == (example.mark == "warns")
    from render.scene import Scene

    scene = Scene.open(preset)
    count = preset.clock.frame_count
    for index in (0, count // 2, count - 1):
        moment = scene.moment(index)
        assert moment.pictures
        assert all(np.isfinite(picture.ws).all() for picture in moment.pictures)
        assert all(np.isfinite(value) for value in moment.values.values())


@pytest.mark.parametrize("example", **names(WRONG))
def test_wrong_examples_get_the_message_below_them(example, folder: Path) -> None:
    assert example.message(folder) == example.words


def test_the_schema_accepts_what_the_page_writes() -> None:
    import jsonschema

    validator = jsonschema.Draft7Validator(preset_schema())
    for example in RIGHT:
        data = YAML(typ="safe", pure=True).load(example.text)
        data.setdefault("extends", "standard.yaml")
        errors = [error.message for error in validator.iter_errors(as_json(data))]
        assert not errors, example.name


def as_json(data: Any) -> Any:
    import json

    return json.loads(json.dumps(data))


def test_the_python_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture) -> None:
    programs = [block for block in blocks_of(PAGE) if block.language == "python"]
    assert programs
    for block in programs:
        exec(compile(block.text, f"presets.md:{block.line}", "exec"), {})
    assert "fps: 50" in capsys.readouterr().out


# --- tables -------------------------------------------------------------------------------------------------


def section(heading: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", without_blocks(), re.S | re.M)
    assert found, f"there is no heading {heading}"
    return found[1]


def without_blocks() -> str:
    return re.sub(r"^```.*?^```$", "", TEXT, flags=re.S | re.M)


def rows_of(heading: str) -> dict[str, dict[str, str]]:
    """The first table of a section: what each column says of each key."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0].strip("`"): dict(zip(cells[0], row, strict=True)) for row in cells[2:]}


def parts_of(heading: str, row: dict[str, str]) -> tuple[type[Part], ...]:
    """The classes that a row of a section speaks of."""
    return KINDS[row["for"]] if "for" in row else PARTS[heading]


@pytest.mark.parametrize("heading", PARTS)
def test_every_key_is_in_its_table_and_nothing_else(heading: str) -> None:
    written = {
        (part, key)
        for key, row in rows_of(heading).items()
        for part in parts_of(heading, row)
        if key not in NOT_FIELDS
    }
    keys = {(part, key) for part in PARTS[heading] for key in part.model_fields}
    if heading == "`latents.mixing`":  # the keys of the walk itself stand above the table
        walk = {(Mixing, key) for key in Walk.model_fields}
        assert all(f"`{key}`" in section(heading) for _, key in walk)
        keys -= walk
    assert written == keys


def test_the_tables_cover_the_whole_schema() -> None:
    """A new part of a preset needs a table."""
    schema = preset_schema()
    mappings = [schema, *schema["definitions"].values()]
    mappings += [option for mapping in mappings for option in mapping.get("anyOf", [])]
    mappings += [option for mapping in mappings for option in mapping.get("items", {}).get("anyOf", [])]
    keys = {key for mapping in mappings for key in mapping.get("properties", {})}
    tables = {key for heading in PARTS for key in rows_of(heading)} | set(rows_of("Repeats and splines"))
    assert keys <= tables
    assert {part.__name__ for parts in PARTS.values() for part in parts} >= {
        name for name in schema["definitions"] if name[0].isupper()
    }


@pytest.mark.parametrize(
    ("heading", "key"), [(heading, key) for heading in PARTS for key in rows_of(heading)]
)
def test_defaults_are_those_of_the_program(heading: str, key: str) -> None:
    row = rows_of(heading)[key]
    for part in parts_of(heading, row) if key not in NOT_FIELDS else ():
        field = part.model_fields[key]
        stated = re.match(r"`(.+)`$", row["default"])
        if field.is_required():
            assert row["default"] == "needed"
        elif field.default is None or field.default == ():
            assert stated is None
            assert row["default"] not in ("needed", "")
        else:
            assert stated is not None, f"the default is {field.default}"
            data = YAML(typ="safe", pure=True).load(stated[1])
            kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            assert TypeAdapter(kind).validate_python(data) == field.default


@pytest.mark.parametrize("heading", PARTS)
def test_every_word_that_may_be_chosen_is_named(heading: str) -> None:
    for key, row in rows_of(heading).items():
        for part in parts_of(heading, row) if key not in NOT_FIELDS else ():
            shapes = [mark.schema for mark in part.model_fields[key].metadata if isinstance(mark, Shape)]
            words = {word for schema in shapes for word in schema.get("enum", ())}
            if key == "speed":  # a scale, of which both ends are told
                words = {"ultrafast", "medium", "veryslow"}
            assert {word for word in words if f"`{word}`" not in row["what it says"]} == set()


@pytest.mark.parametrize("heading", PARTS)
def test_every_key_has_an_example(heading: str) -> None:
    written = set()
    for example in EXAMPLES:
        written |= keys_in(YAML(typ="safe", pure=True).load(example.text))
    for block in blocks_of(PAGE):
        if block.language == "yaml" and block.mark.endswith(".yaml"):
            written |= keys_in(YAML(typ="safe", pure=True).load(block.text))
    assert set(rows_of(heading)) <= written


def keys_in(data: Any) -> set[str]:
    if isinstance(data, dict):
        return {str(key) for key in data}.union(*map(keys_in, data.values()))
    return set().union(*map(keys_in, data)) if isinstance(data, list) else set()


# --- words of the language ----------------------------------------------------------------------------------


def test_formulas_are_told_in_full() -> None:
    told = section("Formulas")
    assert {name for name in VARIABLES if f"`{name}`" not in told} == set()
    assert {name for name in FUNCTIONS if f"`{name}(" not in told} == set()
    assert FUNCTIONS["beat"].plain(1.0) == 1
    assert FUNCTIONS["beat"].plain(1.56) == 0


def test_easings_are_told_in_full() -> None:
    told = section("Easings")
    words = {word.removeprefix("ease-") for word in re.findall(r"`([a-z-]+)`", told)}
    words |= {f"{turn}-{word[3:]}" for word in words if word.startswith("in-") for turn in ("out", "in-out")}
    assert {name for name in NAMED if name.removeprefix("ease-") not in words} == set()
    assert all(f"`{position}`" in told for position in STEP_POSITIONS)
    for call in re.findall(r"`([a-z-]+\(.*?\))`", told):
        parse_easing(call)


def test_the_picture_of_easings_has_all_of_them() -> None:
    from samples.preset_figures import EASINGS

    drawn = {parse_easing(name).name for row in EASINGS for name in row}
    assert set(NAMED) - drawn == {"step-end"}  # the same as hold


def test_pictures_are_small_and_there() -> None:
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", TEXT)
    assert len(pictures) == 3
    for picture in pictures:
        assert 0 < (PAGE.parent / picture).stat().st_size < 150_000


def test_times_and_repeats_are_told_in_full() -> None:
    times = rows_of("Times")
    assert all(any(re.match(rf"[\d]+{unit}", time) for time in times) for unit in UNITS)
    assert all(f"`{word}`" in rows_of("Repeats and splines")["repeat"]["what it says"] for word in REPEATS)


def test_what_the_page_says_in_numbers_is_so() -> None:
    from render.preset.merging import _DEEPEST
    from render.scene.route import _DEFAULT_DIAMETER
    from render.timeline.expressions import MAX_NODES, MAX_TEXT

    assert f"at most {MAX_TEXT} characters and {MAX_NODES} parts" in TEXT
    assert rows_of("`latents`")["diameter"]["default"] == f"{_DEFAULT_DIAMETER:g}"
    assert _DEEPEST == 8
    assert "up to eight files" in TEXT
    assert Preset.model_fields["clip"].annotation.model_fields["fps"].default == Fraction(30)


def test_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in without_blocks().splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", without_blocks()):
        file, _, anchor = target.partition("#")
        assert not file or (PAGE.parent / file).is_file(), target
        assert not anchor or file or anchor in anchors, target


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_shipped_presets_have_no_warnings(name: str) -> None:
    """Loops that don't close among them."""
    assert Preset.load(name).warnings() == []


def test_the_readme_names_every_shipped_preset() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {name for name in shipped_presets() if f"presets/{name}.yaml" not in readme} == set()
    assert "docs/presets.md" in readme
