"""The law of mistakes: whatever is wrong with a preset gets a located message, and nothing gets a traceback.

Random valid presets are damaged: through their text, through what they extend, through `--set`, and through
the command. Run with `-m slow` for twenty times as many.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from damage import ODD, WRONG, at, messages_in, odd, torn, wrong
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import FORMS, presets, text_of
from test_laws import law

from render import cli
from render.errors import PresetError
from render.preset import Preset

damaged = presets().flatmap(wrong)
texts = st.builds(text_of, presets(), st.sampled_from(FORMS))


def refusal(text: str, folder: Path, **options: object) -> str:
    """The message of a text that is surely wrong."""
    with pytest.raises(PresetError) as caught:
        Preset.from_yaml(text, "p.yaml", base_dir=folder, **options)
    return str(caught.value)


def is_sound(text: str, folder: Path) -> None:
    """The text is refused with located messages, or is a preset that can be used."""
    try:
        one = Preset.from_yaml(text, "p.yaml", base_dir=folder)
    except PresetError as error:
        messages_in(str(error), {"p.yaml": text})
        return
    one.warnings()
    assert one.to_yaml() == text
    edited = one.replace(panels={"scale": 2})
    assert Preset.from_yaml(edited.to_yaml(), base_dir=folder) == edited


@law(50)
def test_a_mistake_gets_a_located_message_about_its_section(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(damaged, st.sampled_from(FORMS))
    def holds(case: tuple, form: str) -> None:
        data, place = case
        text = text_of(data, form)
        found = messages_in(refusal(text, tmp_path), {"p.yaml": text})
        assert any(message.startswith(str(place[0])) for message in found), found

    holds()


@pytest.mark.parametrize("kind", WRONG)
def test_every_mistake_of_the_table_is_one(kind: str, tmp_path: Path) -> None:
    for place, value in WRONG[kind]:
        data = {"models": {"portrait": "a", "toon": "b"}, "clip": {"duration": "4s"}, "blend": "toon"}
        at(data, place[:-1])[place[-1]] = value
        text = text_of(data)
        found = messages_in(refusal(text, tmp_path), {"p.yaml": text})
        assert any(message.startswith(str(place[0])) for message in found), found


@law(40)
def test_odd_values_get_a_preset_or_a_located_message(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(presets().flatmap(odd), st.sampled_from(("block", "flow", "mixed")))
    def holds(data: dict, form: str) -> None:
        is_sound(text_of(data, form), tmp_path)

    holds()


@law(60)
def test_torn_texts_get_a_preset_or_a_located_message(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(texts.flatmap(torn))
    def holds(text: str) -> None:
        is_sound(text, tmp_path)

    holds()


@law(15)
def test_a_key_that_is_given_twice_is_told_with_its_lines(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(presets(), st.data())
    def holds(data: dict, choose: st.DataObject) -> None:
        key = choose.draw(st.sampled_from(sorted(data)))
        text = text_of(data) + text_of({key: data[key]})
        found = messages_in(refusal(text, tmp_path), {"p.yaml": text})
        assert any(message.startswith(f"{key}: this key is given twice") for message in found)

    holds()


@law(15)
def test_mistakes_in_a_base_are_located_there(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(damaged, st.sampled_from(FORMS))
    def holds(case: tuple, form: str) -> None:
        base, child = text_of(case[0], form), "extends: base.yaml\n"
        (tmp_path / "base.yaml").write_text(base, encoding="utf-8")
        name = str(tmp_path / "base.yaml")
        message = refusal(child, tmp_path).replace(name, "base.yaml")
        found = messages_in(message, {"p.yaml": child, "base.yaml": base})
        assert any(message.startswith(str(case[1][0])) for message in found), found

    holds()


@law(15)
def test_random_presets_extend_one_another_or_are_refused(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(presets(), presets().flatmap(odd))
    def holds(base: dict, child: dict) -> None:
        (tmp_path / "base.yaml").write_text(text_of(base), encoding="utf-8")
        pages = {"base.yaml": text_of(base), "p.yaml": text_of({"extends": "base.yaml"} | child)}
        try:
            one = Preset.from_yaml(pages["p.yaml"], "p.yaml", base_dir=tmp_path)
        except PresetError as error:
            messages_in(str(error).replace(str(tmp_path / "base.yaml"), "base.yaml"), pages)
        else:
            assert Preset.from_yaml(one.to_yaml(), base_dir=tmp_path) == one

    holds()


@law(30)
def test_mistakes_in_what_is_set_name_the_option(examples: settings, tmp_path: Path) -> None:
    cases = st.sampled_from([case for kind in WRONG.values() for case in kind if case[1] != {}])

    @examples
    @given(presets(), cases, st.booleans())
    def holds(data: dict, case: tuple, from_python: bool) -> None:
        place, value = ".".join(case[0]), case[1]
        option = f"{place}={json.dumps(value)}"
        overrides = {place: value} if from_python else [option]
        message = refusal(text_of(data), tmp_path, overrides=overrides)
        assert f"overrides['{place}']" in message if from_python else "--set " in message

    holds()


@law(40)
def test_odd_options_get_a_preset_or_a_message(examples: settings, tmp_path: Path) -> None:
    places = [
        "blend",
        "blend.swap",
        "clip.fps",
        "latents.seeds[0]",
        "outputs[0]",
        "vars.peak",
        "models.portrait",
    ]
    values = [*map(str, ODD), "[0s", "{", "'", "!!set {a}", "*a", "%YAML 1.7", "\x00", "a: b: c", "null"]

    @examples
    @given(
        presets(),
        st.sampled_from([*places, "", "a..b", "[", 'x."', "truncation[0][1]"]),
        st.sampled_from(values),
    )
    def holds(data: dict, place: str, value: str) -> None:
        try:
            one = Preset.from_yaml(text_of(data), "p.yaml", base_dir=tmp_path, overrides=[f"{place}={value}"])
        except PresetError as error:
            message = str(error)
        else:
            message = "p.yaml: fine"
            assert Preset.from_yaml(one.to_yaml(), base_dir=tmp_path) == one
        assert message.startswith(("--set ", "p.yaml:"))

    holds()


# --- the command --------------------------------------------------------------------------------------------


@law(8)
def test_check_tells_of_mistakes_and_exits_with_2(examples: settings, tmp_path: Path) -> None:
    @examples
    @given(damaged, st.sampled_from(FORMS))
    def holds(case: tuple, form: str) -> None:
        (tmp_path / "p.yaml").write_text(text_of(case[0], form), encoding="utf-8")
        result = CliRunner().invoke(cli.main, ["check", str(tmp_path / "p.yaml")], prog_name="blendreel")
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert f"{tmp_path / 'p.yaml'}:" in result.stderr
        assert str(case[1][0]) in result.stderr

    holds()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"%YAML 1.7\n---\na: \x1b[31m"])
def test_check_of_any_bytes_is_no_traceback(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(raw)
    found = checked(tmp_path / "p.yaml")
    assert b"p.yaml" in found


def test_options_of_any_bytes_are_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("models: {a: b.pkl}\nclip: {duration: 1s}\n")
    found = checked(tmp_path / "p.yaml", "--set", b"clip.fps=\xff\x1b")
    assert b"does not belong in a text file" in found


def checked(*arguments: object) -> bytes:
    """What `blendreel check` says of something wrong, in a process of its own."""
    command = [sys.executable, "-m", "render", "check", *arguments]
    result = subprocess.run(command, capture_output=True)
    assert result.returncode == 2
    assert b"Traceback" not in result.stderr
    assert b"\x1b" not in result.stderr
    return result.stderr
