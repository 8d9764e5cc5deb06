"""Named channel sets: written and read back, and every mistake in a file told with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.blending.blend import Blend
from render.blending.blender import Blender
from render.blending.channel_axes import channel_counts
from render.blending.channels import (
    ChannelSet,
    channel_file,
    check_sets,
    overlaps,
    parse_channels,
    read_channels,
    write_channels,
)
from render.errors import BlendError, PresetError

COUNTS = {"4/0": 8, "4/1": 8, "8/0": 8, "8/1": 8, "16/0": 8, "16/1": 8}
names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
numbers = st.lists(st.integers(0, 7), min_size=1, unique=True).map(lambda found: tuple(sorted(found)))
layers = st.dictionaries(st.sampled_from(list(COUNTS)), numbers, min_size=1)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(names, layers, min_size=1))
def test_what_is_written_is_read(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("sets") / "portrait.channels.yaml"
    sets = {name: ChannelSet(name, channels) for name, channels in found.items()}
    write_channels(path, sets.values(), "from seeds 0 to 63\nby hand")
    assert read_channels(path, COUNTS) == sets


def test_a_file_written_by_hand(low, high):
    sets = parse_channels("eyes: {16/1: [5, 3], 8/0: [1]}\nmouth:\n  16/1:\n    - 0\n", counts=COUNTS)
    assert sets["eyes"] == ChannelSet("eyes", {"16/1": (3, 5), "8/0": (1,)})
    assert len(sets["eyes"]) == 3
    positions = sets["eyes"].positions([layer.name for layer in low.layers])
    assert positions == {5: (3, 5), 2: (1,)}
    check_sets(list(sets.values()), channel_counts(low))
    Blender([low, high]).tensors(Blend.only(0, 2, 6).take(1, positions))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eyes: {16/1: [3, 8]}", r"^f:1:18: eyes.16/1: there is no channel 8; layer 16/1 has 0 to 7$"),
        ("eyes: {16/2: [3]}", r"^f:1:8: eyes.16/2: the model has no layer '16/2'; did you mean '16/"),
        ("eyes: {L5: [3]}", r"the model has no layer 'L5'; there are 4/0, 4/1, 8/0"),
        ("eyes: {16/1: [3, 4, 3]}", r"^f:1:21: eyes.16/1: channel 3 is there twice"),
        ("eyes: {16/1: [-1]}", r"a channel is a number from 0 on, not -1"),
        ("eyes: {16/1: [yes, 1.5]}", r"not 'yes'\nf:1:20: .*not 1.5"),
        ("eyes: {16/1: 3}", r"a list of channels is needed, such as \[3, 17\], not 3"),
        ("eyes: [16/1]", r"^f:1:1: eyes: needs layers and their channels"),
        ("left eye: {16/1: [3]}", r"^f:1:1: 'left eye' is no name for channels"),
        ("eyes:\n  16/1: [1]\neyes:\n  8/1: [1]", r'^f:3:1: found duplicate key "eyes"'),
        ("eyes: {16/1: [3", r"^f:1:16: "),
        ("- eyes", r"^f:1:1: this is a mapping of names"),
        ("", r"^f:1:1: this is a mapping of names"),
        ("a: &a {16/1: [9]}\nb: {<<: *a}", r"^f:1:15: a.16/1: there is no channel 9"),
        ("eyes: {16/1: [3]}\nnose: " + "[" * 5000, r"^f:2:27: nested too deeply for a list of channels"),
        ("- " * 5000, r"^f: nested too deeply for a list of channels, such as"),
    ],
)
def test_mistakes_are_told_with_their_place(text, message):
    with pytest.raises(PresetError, match=message):
        parse_channels(text, "f", COUNTS)


def test_all_mistakes_at_once():
    text = "eyes: {16/1: [3, 8]}\nmouth: {16/9: [1], 8/0: [1, 1]}\n"
    with pytest.raises(PresetError) as caught:
        parse_channels(text, "f", COUNTS)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["f:1:18", "f:2:9", "f:2:29"]


def test_overlapping_sets_are_refused_only_together():
    eyes = ChannelSet("eyes", {"8/1": (1, 2), "16/1": (5,)})
    brows = ChannelSet("brows", {"16/1": (4, 5)})
    check_sets([eyes], COUNTS)
    assert overlaps([eyes, brows]) == ["eyes and brows both have channel 5 of layer 16/1"]
    with pytest.raises(BlendError, match="both have channel 5 of layer 16/1"):
        check_sets([eyes, brows], COUNTS)
    assert eyes.joined(brows) == ChannelSet("eyes", {"8/1": (1, 2), "16/1": (4, 5)})


def test_sets_of_another_network_are_refused():
    wrong = ChannelSet("eyes", {"16/1": (3, 40, 41), "32/0": (1,)})
    with pytest.raises(BlendError) as caught:
        check_sets([wrong], COUNTS)
    first, second = str(caught.value).splitlines()
    assert first == "eyes.16/1: layer 16/1 has no channels 40, 41, only 0 to 7"
    assert second.startswith("eyes.32/0: the model has no layer '32/0'")


def test_files_that_cannot_be_used_are_one_sentence(tmp_path):
    assert channel_file("models/portrait.safetensors").name == "portrait.channels.yaml"
    with pytest.raises(PresetError, match=r"none\.yaml: cannot be read: No such file"):
        read_channels(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PresetError, match="not a text file in UTF-8"):
        read_channels(tmp_path / "bytes.yaml")
    with pytest.raises(PresetError, match="cannot be written"):
        write_channels(tmp_path / "no" / "folder.yaml", [ChannelSet("eyes", {"8/1": (1,)})])
