"""The painter: repeatable, consistent between batches and resolutions, styles of different shape."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from PIL import Image

from samples import painter

COUNT = 6


@pytest.fixture(scope="module")
def people() -> painter.Parameters:
    return painter.sample_parameters(COUNT, seed=3)


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    """Intersection over union of two soft masks."""
    return float(torch.minimum(a, b).sum() / torch.maximum(a, b).sum())


def test_a_seed_means_the_same_people_and_another_seed_others(people):
    again, others = painter.sample_parameters(COUNT, 3), painter.sample_parameters(COUNT, 4)
    for field in fields(people):
        value = getattr(people, field.name)
        assert torch.equal(value, getattr(again, field.name)), field.name
        assert value.shape in {(COUNT,), (COUNT, 3)}
        assert value.isfinite().all()
    assert not torch.equal(people.yaw, others.yaw)


def test_a_generator_goes_on_where_it_stands():
    generator = torch.Generator().manual_seed(3)
    first, second = (painter.sample_parameters(2, generator) for _ in range(2))
    assert torch.equal(first.yaw, painter.sample_parameters(2, 3).yaw)
    assert not torch.equal(first.yaw, second.yaw)


@pytest.mark.parametrize("style", painter.STYLES)
@pytest.mark.parametrize("resolution", [32, 64])
def test_pictures_have_the_promised_shape_and_range(people, style, resolution):
    pictures = painter.paint(people, style, resolution)
    assert pictures.shape == (COUNT, 3, resolution, resolution)
    assert pictures.dtype == torch.float32
    assert pictures.min() >= -1
    assert pictures.max() <= 1
    assert pictures.std() > 0.2
    assert torch.equal(pictures, painter.paint(people, style, resolution))


@pytest.mark.parametrize("style", painter.STYLES)
def test_a_person_looks_the_same_alone_and_in_a_crowd(people, style):
    crowd = painter.paint(people, style, 64)
    alone = painter.paint(people[2:3], style, 64)
    assert (crowd[2:3] - alone).abs().max() < 1e-3


@pytest.mark.parametrize("style", painter.STYLES)
def test_resolutions_agree(people, style):
    large = torch.nn.functional.avg_pool2d(painter.paint(people, style, 128), 2)
    assert (large - painter.paint(people, style, 64)).abs().mean() < 0.03


@pytest.mark.parametrize("style", painter.STYLES)
def test_people_differ_from_each_other(people, style):
    pictures = painter.paint(people, style, 32).flatten(1)
    apart = torch.cdist(pictures, pictures, p=1) / pictures.shape[1]
    assert (apart + torch.eye(COUNT) > 0.1).all()


def test_styles_differ_in_shape_for_the_same_people(people):
    masks = {style: painter.masks(people, style, 64) for style in painter.STYLES}
    for a, b in (("portrait", "ukiyoe"), ("portrait", "toon"), ("ukiyoe", "toon")):
        for part, limit in (("face", 0.85), ("hair", 0.75)):
            assert overlap(masks[a][part], masks[b][part]) < limit, (a, b, part)


@pytest.mark.parametrize("style", painter.STYLES)
def test_features_are_large_enough_to_be_learned(style):
    people = painter.sample_parameters(40, seed=11)
    masks = painter.masks(people, style, 64)
    for part, pixels in (("eyes", 20), ("mouth", 12), ("hair", 250), ("face", 350)):
        mask = masks[part]
        assert mask.shape == (40, 64, 64)
        assert mask.min() >= 0
        assert mask.max() <= 1
        assert mask.sum((1, 2)).median() > pixels, part


@pytest.mark.parametrize(("part", "field"), [("eyes", "iris"), ("mouth", "lip"), ("hair", "hair")])
def test_masks_lie_where_the_colours_are(people, part, field):
    swapped = {f.name: getattr(people, f.name) for f in fields(people)}
    swapped[field] = 1 - swapped[field]
    change = (
        (painter.paint(painter.Parameters(**swapped), "portrait", 64) - painter.paint(people, "portrait", 64))
        .abs()
        .sum(1)
    )
    mask = painter.masks(people, "portrait", 64)[part]
    inside = (change * mask).sum() / mask.sum()
    outside = (change * (1 - mask)).sum() / (1 - mask).sum()
    assert inside > 5 * outside


@pytest.mark.parametrize("style", painter.STYLES)
@pytest.mark.parametrize("end", ["amin", "amax"])
def test_every_style_survives_all_its_ranges_ends_at_once(style, end):
    crowd = painter.sample_parameters(200, 0)
    extreme = {f.name: getattr(getattr(crowd, f.name), end)(0, keepdim=True) for f in fields(crowd)}
    person = painter.Parameters(**extreme)
    assert painter.paint(person, style, 64).isfinite().all()
    assert painter.masks(person, style, 64)["eyes"].sum() > 10


def test_mistakes_are_told_with_the_choices(people):
    with pytest.raises(ValueError, match=r"unknown style 'oil'.*portrait, ukiyoe, toon"):
        painter.paint(people, "oil", 64)
    with pytest.raises(ValueError, match="resolution 4"):
        painter.masks(people, "toon", 4)


def test_the_command_writes_a_contact_sheet(tmp_path, capsys):
    out = tmp_path / "sheet.png"
    painter.main(["--count", "3", "--columns", "2", "--resolution", "16", "--zoom", "2", "--out", str(out)])
    with Image.open(out) as sheet:
        assert sheet.size == (2 * 16 * 2, 3 * 2 * 16 * 2)
    assert "3 people" in capsys.readouterr().out
