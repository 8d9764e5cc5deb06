"""Whatever a stranger's file holds, reading it ends soon, in little memory, in a result or an error of ours.

Presets, beats, sets of channels, latents, directions, headers, photographs, films and sounds: 200 files in
every run of the tests, 5,000 with `make fuzz`. `python tests/fuzz_worker.py --suite readers SEED` reads one
again.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from fuzz_media import fonts
from fuzz_presets import HEAD
from fuzz_readers import KINDS, read_font
from fuzzing import without_harm

from render.blending.channels import MOST_MISTAKES, read_channels
from render.errors import EncodingError, LatentError, PresetError
from render.latents import load_latents
from render.layout import Layout
from render.pairs.record import Manifest, begin
from render.preset import Preset


def none_does_harm(count: int, config: pytest.Config) -> None:
    found = without_harm("readers", count, config)
    assert {each.kind for each in found} == KINDS.keys()
    # Or the files were not what they should be: damage must neither spare nor spoil nearly all.
    assert 0.05 * count < sum(each.outcome == "loaded" for each in found) < 0.8 * count


def test_no_file_does_harm(pytestconfig: pytest.Config) -> None:
    none_does_harm(200, pytestconfig)


@pytest.mark.slow
def test_none_of_five_thousand_files_does_harm(pytestconfig: pytest.Config) -> None:
    none_does_harm(5000, pytestconfig)


# --- faults that were found, and mended ---------------------------------------------------------------------


def refusal(text: str) -> str:
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(text, "p.yaml")
    return str(caught.value)


def test_a_preset_that_is_too_large_is_not_read_to_its_end() -> None:
    found = refusal(f"{HEAD}vars: {{p: [{'1,' * 25_000}")  # the end lacks two brackets
    assert "the preset is too large" in found


@pytest.mark.parametrize("nest", ["[" * 200_000, "{a: " * 200_000, "- " * 5000])
def test_a_preset_that_is_too_deep_says_so_where_it_is(nest: str) -> None:
    assert refusal(f"{HEAD}vars: {nest}").startswith("p.yaml:3:")


def test_a_frame_has_room_for_so_many_pictures() -> None:
    text = f"{HEAD}panels: {{seeds: 0-255, show: [a, a, a, a, a]}}\n"
    assert "panels.show: a frame has room for 1024 pictures, not 1280" in refusal(text)
    with pytest.raises(PresetError, match=r"a frame of 262144 × 1024 pixels is too large"):
        Layout(gap=0).size([(1024, 1024)] * 256)


def test_a_preset_makes_so_many_files() -> None:
    assert "at most 100 files, not 101" in refusal(
        f"{HEAD}outputs: [{', '.join(f'a{n}.gif' for n in range(101))}]"
    )


def test_long_values_and_many_mistakes_make_no_long_message() -> None:
    assert len(refusal(f"{HEAD}panels: [{'x' * 100_000}]")) < 2000
    found = refusal(HEAD + "".join(f"k{n}: 1\n" for n in range(3000)))
    assert found.count("unknown key") == 100
    assert found.endswith("and 2900 more mistakes")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a {32/0: [" + "1," * 20_000 + "]}\n" + "".join(f"b{n}: *a\n" for n in range(200)),
        "eyes:\n  32/0: [" + "1," * 200_000 + "]",
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 30)),
        "%YAML 9.9\n---\na: 1",
        "? [[a], {b: c}]\n: 1",
    ],
)
def test_sets_of_channels_end_soon_and_say_little(text: str, tmp_path: Path) -> None:
    (tmp_path / "sets.yaml").write_text(text)
    with pytest.raises(PresetError) as caught:
        read_channels(tmp_path / "sets.yaml")
    assert str(caught.value).count("\n") <= MOST_MISTAKES
    assert len(str(caught.value)) < 50_000


def test_a_manifest_of_pairs_may_hold_anything(tmp_path: Path) -> None:
    rows = ['{"key": ' + "[" * 100_000, '{"key": 3}', "null", '{"key": "000001"}', '{"key": {}}']
    (tmp_path / "manifest.jsonl").write_text("\n".join(rows))
    assert list(Manifest(tmp_path / "manifest.jsonl").rows) == ["000001"]
    assert json.loads((tmp_path / "manifest.jsonl").read_text()) == {"key": "000001"}
    (tmp_path / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(EncodingError, match="is damaged"):
        begin(tmp_path, {"count": 1})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_pipes_and_devices_are_no_files_of_a_preset(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pipe.npy")
    for text in ("extends: pipe.yaml\n", "extends: /dev/zero\n"):
        with pytest.raises(PresetError, match="is no file"):
            Preset.from_yaml(text, base_dir=tmp_path)
    for name in ("pipe.yaml", "/dev/zero"):
        with pytest.raises(PresetError, match=r"beats: .*it is no file"):
            Preset.from_yaml(f"models: {{a: a}}\nclip: {{duration: 1s, beats: {name}}}\n", base_dir=tmp_path)
    with pytest.raises(LatentError, match=r"does not exist"):
        load_latents(tmp_path / "pipe.npy")


def test_a_font_may_be_damaged_in_any_letter(tmp_path: Path) -> None:
    found = []
    for seed in range(20):
        file = tmp_path / f"{seed}.ttf"
        file.write_bytes(fonts(random.Random(seed))[1])
        try:
            read_font(file)
        except PresetError as error:
            found.append(str(error))
    assert any("has a damaged letter" in text for text in found)
    assert all(text.startswith("panels.font: ") for text in found)
