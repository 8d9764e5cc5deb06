"""Blended networks: the published rule to the last image, and each tensor from where it belongs."""

from __future__ import annotations

import re
import sys
import threading

import numpy as np
import pytest
import torch
from conftest import REFERENCE, make_network, make_relative
from test_stylegan3 import make_stylegan3

import render
from render.blending.blend import Blend, snapshots
from render.blending.blender import Blender
from render.errors import BlendError

PUBLISHED = np.load(REFERENCE / "pinkney-blends.npz")


@pytest.fixture(scope="module")
def published():
    """The two networks of the published blends, and the latents they show."""
    folders = [REFERENCE / "stylegan2-ada", REFERENCE / "stylegan2-ada-finetuned"]
    ws = torch.tensor(np.load(folders[0] / "expected.npz")["ws"])
    return *(render.load(folder / "network.pkl") for folder in folders), ws


@pytest.mark.parametrize("key", PUBLISHED.files)
def test_pinkneys_images_agree(published, key):
    low, high, ws = published
    resolution, level, width = re.fullmatch(r"r(\d+)_l(\d)_w(.+)", key).groups()
    width = None if width == "None" else float(width)
    mixed = render.blend(low, high, (int(resolution), int(level)), width, convention="pinkney")
    assert np.abs(mixed.synthesis(ws).numpy() - PUBLISHED[key]).max() < 1e-4
    assert (mixed.synthesis(ws) - low.synthesis(ws)).abs().max() > 0.1


def assert_alike(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal but for rounding: matrix products may depend on where in memory their factors lie."""
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_ends_are_the_models_themselves(low, high, ws):
    assert_alike(render.blend(low, high, swap=32).synthesis(ws), low.synthesis(ws))
    all_high = render.blend(low, high, swap=4)
    for name, tensor in all_high.state_dict().items():
        fixed = low.role(name).kind in ("mapping", "noise_map", "filter")
        assert torch.equal(tensor, (low if fixed else high).state_dict()[name]), name


def test_a_swap_takes_each_tensor_from_its_side(low, high):
    mixed = render.blend(low, high, swap=(8, 1)).state_dict()
    for name, tensor in mixed.items():
        role = low.role(name)
        from_high = role.kind in ("layer", "to_rgb") and role.position >= 3
        assert torch.equal(tensor, (high if from_high else low).state_dict()[name]), name


def test_weights_mix_in_proportion(low, high):
    mixed = render.blend(low, high, swap=4, weight=0.25).state_dict()
    for name in ("synthesis.b4.const", "synthesis.b8.conv0.noise_strength", "synthesis.b16.torgb.bias"):
        expected = 0.75 * low.state_dict()[name] + 0.25 * high.state_dict()[name]
        torch.testing.assert_close(mixed[name], expected)
    beyond = render.blend(low, high, swap=4, weight=2.0).state_dict()["synthesis.b4.const"]
    expected = 2 * high.state_dict()["synthesis.b4.const"] - low.state_dict()["synthesis.b4.const"]
    torch.testing.assert_close(beyond, expected)


def test_noise_maps_stay_while_layers_change(low):
    other = make_network(seed=77)
    mixed = render.blend(low, other, swap=4)
    assert torch.equal(mixed.synthesis.b8.conv0.noise_const, low.synthesis.b8.conv0.noise_const)
    assert torch.equal(mixed.synthesis.b8.conv0.noise_strength, other.synthesis.b8.conv0.noise_strength)
    assert torch.equal(mixed.mapping.w_avg, low.mapping.w_avg)
    moved = Blender([low, other]).apply(Blend.low_high(6, 9, mapping=1))
    assert torch.equal(moved.mapping.w_avg, other.mapping.w_avg)
    assert torch.equal(moved.synthesis.b8.conv0.noise_const, other.synthesis.b8.conv0.noise_const)


def test_to_rgb_may_go_its_own_way(low, high):
    mixed = Blender([low, high]).apply(Blend.low_high(6, 9, to_rgb=1.0))
    assert torch.equal(mixed.synthesis.b8.torgb.weight, high.synthesis.b8.torgb.weight)
    assert torch.equal(mixed.synthesis.b8.conv1.weight, low.synthesis.b8.conv1.weight)


def test_pinkney_leaves_what_its_names_miss(ws):
    low = make_network(seed=1, architecture="resnet")
    mixed = render.blend(low, make_relative(low, seed=2), swap=(4, 0), width=1e-9, convention="pinkney")
    own = low.state_dict()
    kept = {name for name, tensor in mixed.state_dict().items() if torch.equal(tensor, own[name])}
    assert "synthesis.b4.conv1.weight" in kept
    assert "synthesis.b16.skip.weight" in kept
    assert "synthesis.b8.conv0.weight" not in kept
    assert "synthesis.b8.conv1.noise_strength" not in kept


@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_dvschultz_takes_whole_resolutions_by_name(architecture):
    low = make_network(seed=1, resolution=32, architecture=architecture)
    high = make_relative(low, seed=2)
    mixed = render.blend(low, high, 8, convention="dvschultz").state_dict()
    trained = {name for name, _ in low.named_parameters()}
    from_low = ("mapping.", "synthesis.b4.", "synthesis.b8.")
    for name, tensor in mixed.items():
        of_high = name in trained and not name.startswith(from_low)
        assert torch.equal(tensor, (high if of_high else low).state_dict()[name]), name
    assert {
        name.split(".")[1] for name in trained if not torch.equal(mixed[name], low.state_dict()[name])
    } == {
        "b16",
        "b32",
    }


def test_dvschultz_is_refused_where_resolutions_have_other_layers():
    network = make_stylegan3(seed=1)
    with pytest.raises(BlendError, match="dvschultz counts resolutions of two layers each, which stylegan3"):
        render.blend(network, network, "L7", convention="dvschultz")


def test_three_models_and_snapshots_mix_as_their_sum(low, high):
    third = make_relative(low, seed=3)
    models = [low, high, third]
    weights = snapshots([10, 20, 40], 25)
    mixed = Blender(models).tensors(Blend(np.repeat(weights[:, None], 6, axis=1)))
    name = "synthesis.b16.conv1.weight"
    expected = sum(w * model.state_dict()[name] for w, model in zip(weights, models, strict=True))
    torch.testing.assert_close(mixed[name], expected.float())


def test_only_what_changed_is_computed_again(low, high):
    blender = Blender([low, high])
    first = blender.tensors(Blend.low_high(6, 2.5))
    second = blender.tensors(Blend.low_high(6, 2.25))
    changed = {low.role(name).position for name in first if first[name] is not second[name]}
    assert changed == {2}
    assert first["synthesis.b4.const"] is low.synthesis.b4.const
    assert first["synthesis.b16.conv1.weight"] is high.synthesis.b16.conv1.weight
    again = blender.tensors(Blend.low_high(6, 2.5))
    assert all(again[name] is first[name] for name in first)


def test_weights_too_small_to_see_cost_nothing(low, high):
    tensors = Blender([low, high]).tensors(Blend.low_high(6, 3, width=0.03))
    assert tensors["synthesis.b4.const"] is low.synthesis.b4.const
    assert tensors["synthesis.b16.conv1.weight"] is high.synthesis.b16.conv1.weight


def test_the_cache_is_bounded_and_does_not_change_results(low, high):
    small = Blender([low, high], cache_bytes=4000)
    for swap in np.linspace(0, 6, 40):
        small.tensors(Blend.low_high(6, swap, 1.0))
        assert sum(tensor.nbytes for tensor in small._cache.values()) == small._cached_bytes <= 4000
    blend = Blend.low_high(6, 3.3, 0.7)
    whole = Blender([low, high]).tensors(blend)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in small.tensors(blend).items())


def test_results_are_independent_unless_reuse_is_asked_for(low, high, ws):
    blender = Blender([low, high])
    before = low.synthesis(ws)
    first = blender.apply(Blend.low_high(6, 2.5))
    pictures = first.synthesis(ws)
    second = blender.apply(Blend.low_high(6, 4.5))
    assert_alike(first.synthesis(ws), pictures)
    assert not torch.equal(second.synthesis(ws), pictures)
    assert blender.apply(Blend.low_high(6, 2.5), into=second) is second
    assert_alike(second.synthesis(ws), pictures)
    assert_alike(low.synthesis(ws), before)


def test_a_blend_saves_and_loads(tmp_path, low, high, ws):
    mixed = render.blend(low, high, swap=8, width=1.0)
    loaded = render.load(render.save(mixed, tmp_path / "mixed.safetensors"))
    tensors = loaded.state_dict()
    assert all(torch.equal(tensors[name], tensor) for name, tensor in mixed.state_dict().items())
    assert_alike(loaded.synthesis(ws), mixed.synthesis(ws))


@pytest.mark.parametrize(
    ("config", "row"),
    [
        ({"resolution": 32}, r"resolution +16 +32"),
        ({"channel_max": 4}, r"channels +4: 8, 8: 8, 16: 8 +4: 4, 8: 4, 16: 4"),
        ({"mapping_layers": 3}, r"mapping +2 layers of 8.* +3 layers of 8"),
        ({"c_dim": 4}, r"labels +none +4, embedded in 8"),
        ({"architecture": "orig"}, r"architecture +stylegan2, skip +stylegan2, orig"),
        ({"resample_filter": (1, 2, 1)}, r"filters +4×4 of .* +3×3 of"),
        ({"use_noise": False}, r"noise inputs +yes +no"),
    ],
)
def test_models_that_do_not_fit_get_a_table_of_what_differs(low, config, row):
    with pytest.raises(BlendError, match="can't be blended") as caught:
        Blender([low, make_network(seed=5, **config)])
    assert re.search(row, str(caught.value))
    assert "model 2" in str(caught.value)
    assert "latents" not in str(caught.value)  # equal, so not worth a line


def test_models_alike_share_a_column_of_that_table(low):
    others = [make_network(seed=seed, resolution=32) for seed in (5, 6, 7)]
    with pytest.raises(BlendError) as caught:
        Blender([low, *others])
    assert re.search(r"^ +model 1 +model 2 and 2 like it$", str(caught.value), re.MULTILINE)
    assert re.search(r"^  resolution +16 +32$", str(caught.value), re.MULTILINE)


def test_files_called_alike_are_told_apart_by_folder():
    first, other = (
        render.load(REFERENCE / f"stylegan2-ada{kind}" / "network.pkl") for kind in ("", "-conditional")
    )
    with pytest.raises(
        BlendError, match=r"stylegan2-ada/network\.pkl +stylegan2-ada-conditional/network\.pkl"
    ):
        render.blend(first, other)


def test_spelling_and_clamping_do_not_matter_only_structure(low):
    other = make_network(seed=5, channels=(8, 8, 8), conv_clamp=256.0, num_fp16_res=1)
    assert Blender([low, other]).layer_count == 6


def test_blends_and_swaps_that_do_not_fit_are_refused(low, high):
    blender = Blender([low, high])
    with pytest.raises(BlendError, match="3 models and 6 layers does not fit 2 models of 6 layers"):
        blender.apply(Blend.only(0, 3, 6))
    with pytest.raises(BlendError, match=r"from 4 \(all of high\) to 32 \(all of low\)"):
        render.blend(low, high, swap=256)
    with pytest.raises(BlendError, match=r"no layer '64/1'; there are 4/0, 4/1"):
        render.blend(low, high, swap="64/1")
    with pytest.raises(BlendError, match="at least one model"):
        Blender([])


def test_threads_may_mix_side_by_side(low, high):
    blender = Blender([low, high], cache_bytes=20_000)
    errors = []

    def mix(first: int) -> None:
        try:
            for number in range(first, 300, 2):
                blender.tensors(Blend.low_high(6, 0, weight=(number % 97 + 1) / 100))
        except Exception as error:
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=mix, args=(first,)) for first in (0, 1, 0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []
    assert blender._cached_bytes == sum(tensor.nbytes for tensor in blender._cache.values()) <= 20_000
