"""Ranges of layers and of rows, and numbers that differ from layer to layer."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.errors import PresetError
from render.preset import Blend, Layered, Preset
from render.preset.layer_ranges import overlap_mistakes, read_layers, read_rows

RESOLUTIONS = (4, 8, 16, 32, 64)
LAYERS = [
    (size, level, f"{size}/{level}", 2 * index + level)
    for index, size in enumerate(RESOLUTIONS)
    for level in (0, 1)
]
NAMED = [(16, 0, "input", 0), *((16 << index // 4, index % 4, f"L{index}", index + 1) for index in range(8))]


def covered(text: object, layers: list = LAYERS) -> list[str]:
    return [layer[2] for layer in layers if read_layers(text).covers(*layer)]


def test_a_resolution_is_all_its_layers() -> None:
    assert covered(32) == covered("32") == ["32/0", "32/1"]
    assert covered("4-8") == ["4/0", "4/1", "8/0", "8/1"]
    assert covered("32+") == ["32/0", "32/1", "64/0", "64/1"]
    assert covered("32/1") == ["32/1"]
    assert covered("4/1 - 8/0") == ["4/1", "8/0"]
    assert covered("32/1+") == ["32/1", "64/0", "64/1"]


def test_stylegan3s_layers_go_by_name_or_by_resolution() -> None:
    assert covered("L3", NAMED) == ["L3"]
    assert covered("L5+", NAMED) == ["L5", "L6", "L7"]
    assert covered("input-L1", NAMED) == ["input", "L0", "L1"]
    assert covered("32", NAMED) == ["L4", "L5", "L6", "L7"]
    assert covered("L0+") == []


@pytest.mark.parametrize(
    "wrong", ["", "5", "8-4", "4-L3", "32/2", "4--8", "L", "64-", "fine", None, True, 2.5]
)
def test_what_is_no_range_is_explained(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"layer|resolution"):
        read_layers(wrong)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=5))
def test_ranges_overlap_where_some_layer_lies_in_both(pairs: list[tuple[int, int]]) -> None:
    texts = ["{}-{}".format(*(LAYERS[end][2] for end in sorted(pair))) for pair in pairs]
    ranges = [read_layers(text) for text in dict.fromkeys(texts)]
    counts = [sum(one.covers(*layer) for one in ranges) for layer in LAYERS]
    assert bool(overlap_mistakes(ranges)) == (max(counts) > 1)


def test_rows_of_ws_count_from_zero() -> None:
    assert read_rows("0-2,6+").indices(9) == (0, 1, 2, 6, 7, 8)
    assert read_rows(3).indices(14) == (3,)
    assert read_rows("3").as_data() == 3
    assert read_rows("8 +").as_data() == "8+"
    for wrong in ("", "3-1", "a", "99", -1, True, "3,"):
        with pytest.raises(ValueError, match=r"row|runs backwards"):
            read_rows(wrong)


# --- maps ---------------------------------------------------------------------------------------------------


def preset(weight: object, **more: object) -> Preset:
    parts = {"models": {"a": "x", "b": "y"}, "clip": {"duration": "4s"}, **more}
    return Preset(**parts, blend={"low": "a", "high": "b", "weight": weight})


def failing(make: object, *arguments: object, **values: object) -> list[str]:
    with pytest.raises(PresetError) as caught:
        make(*arguments, **values)
    return str(caught.value).splitlines()


def test_a_map_has_a_track_for_every_cell() -> None:
    one = preset({"4-8": 0, "16-32": [("0s", 0), ("end", 1)], "64+": "=u"})
    tracks = one.tracks()
    assert [tracks[f"blend.weight{{{cell}}}"].value_at(Fraction(1)) for cell in ("4-8", "16-32", "64+")] == [
        0,
        0.25,
        0.25,
    ]
    ((name, cells),) = one.layer_maps().items()
    assert name == "blend.weight"
    assert cells.default == 0
    assert [(str(cell.layers), cell.track) for cell in cells.cells][1] == ("16-32", "blend.weight{16-32}")


def test_a_map_says_everything_so_that_the_swap_gives_high_all_layers() -> None:
    assert preset({16: 1}).tracks()["blend.swap"].first == 0
    one = preset({16: 1})
    assert one.replace(blend=one.blend.replace(swap=32)).tracks()["blend.swap"].first == 6
    assert preset(1).tracks()["blend.swap"].first == 6


def test_keys_may_hold_maps_and_numbers() -> None:
    one = preset([("0s", {"4-8": 0, "16+": "=1-u"}), ("2s", {"4-8": 1, "16+": 0}, "hold"), ("end", 0.5)])
    tracks = one.tracks()
    assert tracks["blend.weight{4-8}"].value_at(1) == 0.5
    assert tracks["blend.weight{16+}"].value_at(1) == 0.5
    assert tracks["blend.weight{16+}"].value_at(3) == 0
    assert tracks["blend.weight{4-8}"].value_at(4) == 0.5
    moving = preset({"keys": [("0s", {16: 0}), ("1s", {16: 1})], "repeat": "mirror", "ease": "ease"})
    assert moving.tracks()["blend.weight{16}"].value_at(3) == 1
    for each in (one, moving):
        assert Preset.from_yaml(each.to_yaml()) == each
        assert isinstance(each.blend.weight, Layered)


def test_truncation_differs_too() -> None:
    one = Preset(
        models={"a": "x"}, clip={"duration": "4s"}, truncation={"4-8": 0.5, "16+": [("0s", 1), ("end", 0)]}
    )
    assert one.layer_maps()["truncation"].default == 1
    assert one.tracks()["truncation{16+}"].value_at(2) == 0.5


def test_mistakes_in_maps_lie_at_their_cells() -> None:
    assert failing(Blend, low="a", high="b", weight={"4-16": 0, "8": 1}) == [
        "blend.weight.8: 8 and 4-16 speak of the same layers; each layer is named once"
    ]
    assert failing(Blend, low="a", high="b", weight={"4-16": 0, "L3": 1}) == [
        "blend.weight.L3: L3 and 4-16 count layers in two ways; use resolutions or names, not both"
    ]
    assert failing(Blend, low="a", high="b", weight={"4-8": "much"}) == [
        "blend.weight.4-8: a weight is a number from -100 to 100, not 'much'"
    ]
    assert failing(Blend, low="a", high="b", weight=[("0s", {"4-8": 0}), ("1s", {"16": 1})]) == [
        "blend.weight[1][1]: every key names the same layers; this one lacks 4-8"
    ]
    assert failing(Blend, low="a", high="b", weight=[("0s", {"4-8": "x"}), ("1s", {"4-8": 1})]) == [
        "blend.weight[0][1].4-8: a weight is a number from -100 to 100, not 'x'"
    ]
    assert failing(Blend, low="a", high="b", weight={}) == [
        "blend.weight: a map over layers has at least one cell: {4-8: 0, 16-32: [[0s, 0], [end, 1]], 64+: 1}"
    ]
    assert failing(preset, {"4-8": [("2s", 0), ("1s", 1)]}) == [
        "blend.weight.4-8[1][0]: 1s comes before 2s above it; keys stand in order of time"
    ]
