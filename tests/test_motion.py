"""Numbers that move: mapping form, formulas in keys, variables, and formulas that read other numbers."""
# ruff: noqa: E501 (each mistake stands whole on its line)

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.errors import PresetError
from render.preset import Animated, Clip, Preset

MODELS = {"a": "x", "b": {"snapshots": "y"}}


def preset(loop: bool = False, blend: dict | None = None, **more: object) -> Preset:
    clip = Clip(duration="8s", bpm=120, loop=loop, markers={"drop": "8b"})
    roles = {"low": "a", "high": "b", **(blend or {})}
    return Preset(models=MODELS, clip=clip, blend=roles, **more)


def failing(*arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        preset(*arguments, **values)
    return str(caught.value).splitlines()


def value(name: str, seconds: float, **more: object) -> float:
    return preset(**more).tracks()[name].value_at(Fraction(seconds))


def test_a_pulse_on_the_beat_is_one_line() -> None:
    pulse = {"keys": [("0b", 1), ("1b", 0)], "repeat": "loop"}
    assert [value("truncation", at, truncation=pulse) for at in (0, 0.25, 0.5, 7.75)] == [1, 0.5, 1, 0.5]


def test_ease_holds_for_keys_without_one() -> None:
    keys = {"keys": [("0s", 0), ("4s", 1, "linear"), ("8s", 0)], "ease": "hold", "repeat": "mirror"}
    assert value("truncation", 2, truncation=keys) == 0
    assert value("truncation", 6, truncation=keys) == 0.5


def test_a_spline_never_overshoots_its_keys() -> None:
    keys = {"keys": [("0s", 0), ("1s", 1), ("7s", 1), ("8s", 0)], "ease": "spline"}
    track = preset(truncation=keys).tracks()["truncation"]
    assert track.value_at(4) == 1
    assert 0 < track.value_at(Fraction(1, 2)) < 1
    assert track.maximum == 1


def test_a_spline_of_a_loop_leads_back_to_its_first_key() -> None:
    keys = {"keys": [("2s", 0), ("6s", 1)], "ease": "spline"}
    track = preset(loop=True, truncation=keys).tracks()["truncation"]
    assert track.value_at(0) == track.value_at(8) == pytest.approx(0.5)


def test_a_keys_formula_counts_at_the_keys_time() -> None:
    keys = [("0s", "=peak"), ("drop", "=peak*u"), ("end", 0)]
    track = preset(vars={"peak": [("0s", 1), ("end", 0)]}, truncation=keys).tracks()["truncation"]
    assert [track.value_at(at) for at in (0, 4)] == [1, 0.25]


def test_formulas_read_numbers_as_they_are_written() -> None:
    blend = {"swap": [("0s", 4), ("end", 64)], "weight": "=blend.swap/64"}
    assert value("blend.weight", 0, blend=blend) == pytest.approx(4 / 64)
    assert value("blend.weight", 4, blend=blend) == pytest.approx(16 / 64)
    assert value("truncation", 2, blend={"weight": "=u"}, truncation="=1 - blend.weight") == 0.75


def test_another_networks_positions_do_not_change_what_formulas_read() -> None:
    one = preset(blend={"swap": [("0s", 4), ("end", 64)], "weight": "=blend.swap/64"})
    tracks = one.tracks(position_at=lambda resolution: 3 * (resolution / 4) ** 0.5)
    assert tracks["blend.swap"].last == 12
    assert tracks["blend.weight"].value_at(8) == pytest.approx(1, rel=1e-3)


def test_variables_have_tracks_of_their_own() -> None:
    one = preset(
        vars={"sway": "=0.1*sin(tau*u)", "peak": [("0s", 0.8), ("drop", 0.8), ("end", 1)]},
        truncation="=peak + sway",
    )
    assert set(one.tracks()) >= {"vars.sway", "vars.peak"}
    assert one.timeline().values_at(Fraction(2))["peak"] == 0.8
    assert one.tracks()["truncation"].value_at(2) == pytest.approx(0.9)
    assert one.warnings() == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"truncation": "=peek", "vars": {"peak": 1}}, "truncation: unknown name 'peek' in the expression; did you mean 'peak'?"),
        ({"truncation": "=blend.wieght"}, "truncation: unknown name 'blend.wieght' in the expression; did you mean 'blend.weight'?"),
        ({"truncation": [("0s", "=pik"), ("end", 1)], "vars": {"pi_k": 1}}, "truncation[0][1]: unknown name 'pik' in the expression; did you mean 'pi_k'?"),
        ({"blend": {"swap": "=8*blend.weight", "weight": "=blend.swap/64"}}, "blend.swap: numbers read one another in a circle: blend.swap → blend.weight → blend.swap"),
        ({"vars": {"a": "=a"}}, "vars.a: numbers read one another in a circle: a → a"),
        ({"vars": {"sin": 1}}, "vars.sin: 'sin' has a meaning in formulas already (a function); choose another name"),
        ({"vars": {"truncation": 1}}, "vars.truncation: 'truncation' means a number of the preset in formulas; choose another name"),
        ({"vars": {"half": "=1/0"}}, "vars.half: =1/0 at 0 s: it divides by zero"),
        ({"truncation": {"keys": [("0s", "=1/u"), ("end", 1)], "ease": "ease"}}, "truncation.keys[0][1]: =1/u at 0 s: it divides by zero"),
        ({"truncation": {"keys": [("0s", 1, "ease"), ("end", 1)], "ease": "spline"}}, "truncation.keys[0][2]: along a spline keys have no easings of their own; leave 'ease' out"),
        ({"truncation": {"keys": [("1s", 1), ("1s", 0)], "repeat": "loop"}}, "truncation.repeat: repeat needs keys at two times; these span 0 s at 1s"),
        ({"truncation": {"keys": [("0s", 1)], "repeat": "twice"}}, "truncation.repeat: this is one of once, loop, mirror, not 'twice'"),
        ({"blend": {"swap": {"key": []}}}, "blend.swap.key: unknown key; did you mean 'keys'?"),
        ({"transform": {"zoom": 0}}, "transform.zoom: a zoom is above 0: 2 shows everything twice as large, 0.5 half as large"),
    ],
)  # fmt: skip
def test_mistakes_are_located(more: dict, message: str) -> None:
    assert message in failing(**more)


def test_what_reads_a_wrong_number_is_not_blamed() -> None:
    assert failing(vars={"a": "=1/0"}, truncation="=a", blend={"weight": "=a*truncation"}) == [
        "vars.a: =1/0 at 0 s: it divides by zero"
    ]


numbers = st.one_of(
    st.floats(0, 2).map(lambda number: round(number, 3)), st.sampled_from(["=peak", "=u", "=blend.swap/99"])
)
keys = st.lists(numbers, min_size=2, max_size=4).map(
    lambda values: [(f"{index}b", one) for index, one in enumerate(values)]
)
moving = st.one_of(
    numbers,
    keys,
    st.builds(lambda rows, ease, repeat: {"keys": rows, "ease": ease, "repeat": repeat}, keys,
              st.sampled_from(["spline", "linear", "in-out-sine"]), st.sampled_from(["once", "loop", "mirror"])),
)  # fmt: skip


@given(truncation=moving, weight=moving, loop=st.booleans())
@settings(deadline=None, max_examples=40)
def test_any_moving_number_survives_a_round_trip(truncation: object, weight: object, loop: bool) -> None:
    one = preset(loop=loop, vars={"peak": 0.8}, truncation=truncation, blend={"weight": weight})
    assert Preset.from_yaml(one.to_yaml()) == one
    again = Preset.from_yaml(one.to_yaml()).tracks()
    for name, track in one.tracks().items():
        assert track.value_at(Fraction(7, 3)) == again[name].value_at(Fraction(7, 3))


def test_a_mapping_without_need_is_written_as_a_list() -> None:
    plain = preset(truncation={"keys": [("0s", 1), ("end", 0)]})
    assert plain == preset(truncation=[("0s", 1), ("end", 0)])
    assert isinstance(plain.truncation, Animated)


def test_one_key_with_a_formula_stands_still_and_is_written_as_a_key() -> None:
    one = preset(truncation=[("0s", "=0.5 + u")])
    assert one.tracks()["truncation"].value_at(8) == 0.5
    assert Preset.from_yaml(one.to_yaml()) == one
