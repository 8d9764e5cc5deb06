"""Kinship: verdicts on networks of known origin, and the thresholds between them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from render.blending import kinship
from render.blending.blender import blend
from render.blending.kinship import (
    FAMILY_COSINE,
    FINE_TUNED,
    IMPOSSIBLE,
    MEANINGS,
    SAME_RUN,
    SAME_RUN_COSINE,
    UNRELATED,
    compare,
    compare_all,
    quick_cosine,
    unrelated,
)
from render.checkpoints.load import load
from render.checkpoints.native import save
from render.networks import Provenance, build
from tests.conftest import REFERENCE, make_network, make_relative

LAYERS = ["4/0", "4/1", "8/0", "8/1", "16/0", "16/1"]


def named(generator, name, lineage=()):
    """The same network as from a file of that name."""
    copy = build(generator.config, generator.state_dict())
    copy.provenance = Provenance(f"{name}.safetensors", "native", lineage=tuple(lineage))
    return copy


@pytest.mark.parametrize(("seed", "other"), [(1, 2), (3, 4), (5, 60), (7, 8)])
def test_networks_begun_from_two_seeds_are_unrelated(seed, other):
    found = compare(make_network(seed), make_network(other))
    assert found.verdict == UNRELATED
    assert abs(found.cosine) < FAMILY_COSINE / 2
    assert found.distance == pytest.approx(math.sqrt(2), abs=0.1)
    assert (found.identical, found.start) == (0, "different")
    assert [layer.name for layer in found.layers] == LAYERS


@settings(deadline=None, max_examples=12)
@given(distance=st.floats(0.1, 1.5), seed=st.integers(0, 1000))
def test_what_was_trained_on_is_related_and_never_taken_for_a_stranger(distance, seed):
    parent = make_network(1)
    child = make_relative(parent, seed, distance)
    found = compare(parent, child)
    assert found.verdict == FINE_TUNED
    assert found.start == "same"
    assert unrelated({"a": parent, "b": child}) == []


def test_a_hair_apart_is_the_same_run_and_so_is_a_network_with_itself(low):
    near = compare(low, make_relative(low, distance=0.01))
    assert near.verdict == SAME_RUN
    assert SAME_RUN_COSINE < near.cosine < 1
    same = compare(low, low)
    assert (same.verdict, same.identical, same.distance) == (SAME_RUN, 1.0, 0.0)
    assert same.cosine == pytest.approx(1)


def test_biases_alone_make_no_relatives():
    """Affine biases are all near 1, in any network; only what begins at random may count."""
    parent, stranger = make_network(1), make_network(2)
    tensors = parent.state_dict() | {
        name: tensor for name, tensor in stranger.state_dict().items() if tensor.ndim >= 2
    }
    assert compare(parent, build(parent.config, tensors)).verdict == UNRELATED


def test_distance_and_cosine_are_what_they_are_called(low):
    scaled = build(low.config, {name: tensor * 1.5 for name, tensor in low.state_dict().items()})
    found = compare(low, scaled)
    assert [layer.distance for layer in found.layers] == pytest.approx([0.5] * 6)
    assert [layer.cosine for layer in found.layers] == pytest.approx([1] * 6)
    assert found.mapping.distance == pytest.approx(0.5)
    weights = sum(tensor.numel() for tensor in low.parameters() if tensor.ndim >= 2)
    assert sum(layer.count for layer in found.layers) + found.mapping.count == weights


def test_a_network_with_foreign_layers_is_related_and_names_them(low):
    mixed = blend(low, make_network(2), swap="16/0")
    found = compare(low, mixed)
    assert found.verdict == FINE_TUNED
    assert found.strange_layers == ("16/0", "16/1")
    assert [layer.identical for layer in found.layers] == [1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("config", "label"),
    [
        ({"resolution": 32}, "resolution"),
        ({"channel_base": 64}, "channels"),
        ({"mapping_layers": 3}, "mapping"),
        ({"c_dim": 2}, "labels"),
        ({"resample_filter": (1, 2, 1)}, "filters"),
        ({"architecture": "resnet"}, "architecture"),
    ],
)
def test_other_structures_cannot_be_blended_and_the_reason_is_told(low, config, label):
    found = compare(low, make_network(1, **config))
    assert found.verdict == IMPOSSIBLE
    assert label in [row[0] for row in found.differences]


def test_other_architectures_are_compared_without_a_fall():
    stylegan2, stylegan3 = (
        load(REFERENCE / name / "network.pkl") for name in ("stylegan2-ada", "stylegan3-t")
    )
    found = compare(stylegan2, stylegan3)
    assert (found.verdict, found.layers, found.cosine) == (IMPOSSIBLE, (), None)


def test_the_reference_pair_is_recognised_though_its_noise_maps_were_drawn_anew():
    base, tuned = (
        load(REFERENCE / name / "network.pkl") for name in ("stylegan2-ada", "stylegan2-ada-finetuned")
    )
    found = compare(base, tuned)
    assert (found.verdict, found.start) == (FINE_TUNED, "different")
    assert found.cosine == pytest.approx(0.944, abs=0.01)


@pytest.mark.parametrize(
    ("first", "second", "distance", "verdict", "words"),
    [
        # Hardly trained on: the weights alone would say one run.
        (("portrait", ()), ("toon-000001", ["portrait"]), 0.01, FINE_TUNED, "was fine-tuned from portrait"),
        # The ends of a run: the weights alone would say fine-tuned.
        (("toon-000001", ["portrait"]), ("toon-000024", ["portrait"]), 0.5, SAME_RUN, "both were fine-tuned"),
        (("toon-000001", ["portrait"]), ("ukiyoe-000001", ["portrait"]), 0.01, FINE_TUNED, "from portrait"),
        # A name that says nothing, of files that tell nothing.
        (("network-snapshot-000001", ()), ("network-snapshot-000002", ()), 0.5, FINE_TUNED, ""),
    ],
)
def test_lineage_in_the_files_decides_between_the_near_verdicts(low, first, second, distance, verdict, words):
    found = compare(named(low, *first), named(make_relative(low, distance=distance), *second))
    assert found.verdict == verdict
    assert words in found.declared


def test_lineage_makes_no_relatives_of_strangers():
    base, stranger = named(make_network(1), "portrait"), named(make_network(2), "toon", ["portrait"])
    assert compare(base, stranger).verdict == UNRELATED


def test_a_quick_look_agrees_with_a_long_one():
    config = {"resolution": 32, "channel_base": 1024, "channel_max": 32}
    a = make_network(1, **config)
    for other in (make_network(2, **config), make_relative(a, distance=0.5), make_relative(a, distance=2.0)):
        assert quick_cosine(a, other) == pytest.approx(compare(a, other).cosine, abs=0.05)


def test_a_quick_look_takes_only_a_sample(monkeypatch):
    seen = []
    likeness = kinship._likeness
    monkeypatch.setattr(kinship, "SAMPLE", 100)
    monkeypatch.setattr(
        kinship, "_likeness", lambda name, pairs: seen.append(pairs[0][0].numel()) or likeness(name, pairs)
    )
    assert abs(quick_cosine(make_network(1), make_network(2))) < FAMILY_COSINE
    assert len(seen) == 6
    assert max(seen) < 200


def test_all_pairs_are_compared_and_every_verdict_has_a_meaning(low, high):
    pairs = compare_all([named(low, "a"), named(high, "b"), named(make_network(9), "c")])
    assert [(*pair.names, pair.verdict) for pair in pairs] == [
        ("a.safetensors", "b.safetensors", FINE_TUNED),
        ("a.safetensors", "c.safetensors", UNRELATED),
        ("b.safetensors", "c.safetensors", UNRELATED),
    ]
    assert set(MEANINGS) == {SAME_RUN, FINE_TUNED, UNRELATED, IMPOSSIBLE}


def test_half_precision_does_not_make_strangers_or_new_noise(tmp_path, low):
    half = load(save(low, tmp_path / "half.safetensors", dtype=torch.float16))
    found = compare(low, half)
    assert (found.verdict, found.start) == (SAME_RUN, "same")


def sample_files() -> list[Path]:
    from render.checkpoints.library import sample_folder

    return sorted(sample_folder().glob("*.safetensors"))


@pytest.mark.skipif(not sample_files(), reason="no trained samples in this checkout")
def test_the_trained_samples_are_one_family_and_strangers_to_a_random_start():
    from render.networks import GENERATORS

    models = [load(path) for path in sample_files()]
    verdicts = {pair.names: pair.verdict for pair in compare_all(models)}
    assert set(verdicts.values()) <= {SAME_RUN, FINE_TUNED}
    for (a, b), verdict in verdicts.items():
        one_run = a.split("-0")[0].removesuffix(".safetensors") == b.split("-0")[0].removesuffix(
            ".safetensors"
        )
        assert (verdict == SAME_RUN) == one_run, (a, b)
    with torch.random.fork_rng():
        torch.manual_seed(12345)
        fresh = GENERATORS[models[0].architecture](models[0].config)
    assert all(compare(model, fresh).verdict == UNRELATED for model in models[:3])
