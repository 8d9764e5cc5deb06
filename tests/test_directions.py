"""Directions: the factorisation finds what weights say in all architectures; moves touch their rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import make_network

from render.errors import LatentError
from render.latents.directions import load_direction, move, sefa
from render.networks import StyleGAN1, StyleGAN1Config, StyleGAN3, StyleGAN3Config


def stylegan1():
    torch.manual_seed(0)
    return StyleGAN1(StyleGAN1Config(16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=2))


def stylegan3():
    torch.manual_seed(0)
    return StyleGAN3(StyleGAN3Config(16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, num_layers=4))


NETWORKS = {
    "stylegan1": stylegan1,
    "skip": lambda: make_network(seed=1),
    "resnet": lambda: make_network(seed=1, architecture="resnet"),
    "orig": lambda: make_network(seed=1, architecture="orig"),
    "stylegan3": stylegan3,
}


@pytest.fixture(params=NETWORKS, scope="module")
def network(request):
    return NETWORKS[request.param]()


def test_a_network_says_which_row_feeds_which_affine_layer(network):
    seen = {}
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: seen.update({module: inputs[0]}))
        for name, module in network.synthesis.named_modules()
        if name.endswith("affine")
    ]
    rows = torch.arange(network.num_ws, dtype=torch.float32)
    with torch.no_grad():
        network.synthesis(rows[None, :, None].repeat(1, 1, network.w_dim))
    for hook in hooks:
        hook.remove()
    said = {each.affine: each.row for each in network.style_inputs()}
    assert len(said) == len(network.style_inputs()) == len(hooks)
    assert {module: int(w[0, 0]) for module, w in seen.items()} == said
    assert set(said.values()) == set(range(network.num_ws))


def test_directions_are_at_right_angles_and_the_strongest_changes_styles_most(network):
    directions = sefa(network)
    assert directions.shape == (8, 8)
    assert directions.dtype == np.float32
    np.testing.assert_allclose(directions @ directions.T, np.eye(8), atol=1e-5)
    assert (directions[np.arange(8), np.abs(directions).argmax(axis=1)] > 0).all()

    def change(direction):
        """How much styles change, as the network itself computes them."""
        d = torch.from_numpy(direction)[None]
        with torch.no_grad():
            layers = [each.affine for each in network.style_inputs() if not each.to_rgb]
            return sum(float((layer(d) - layer(0 * d)).square().sum()) for layer in layers)

    changes = [change(direction) for direction in directions]
    assert all(after <= before * 1.0001 for before, after in pairwise(changes))
    random = np.random.RandomState(0).randn(20, 8).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert all(change(direction) < changes[0] for direction in random)


def test_only_the_chosen_rows_count(network):
    alone = network.style_inputs()[1]
    directions = sefa(network, [alone.row])
    assert not np.allclose(directions[0], sefa(network)[0], atol=1e-3)
    assert np.array_equal(sefa(network, [1, 2, 2]), sefa(network, range(1, 3)))


def test_a_row_that_feeds_only_a_to_rgb_has_directions_of_that():
    network = NETWORKS["skip"]()
    last = network.style_inputs()[-1]
    assert last.to_rgb
    weight = last.affine.weight.detach().numpy()
    _, _, expected = np.linalg.svd(weight)
    found = sefa(network, [last.row])
    assert abs(found[0] @ expected[0]) == pytest.approx(1, abs=1e-4)


def test_a_move_touches_its_rows_and_leaves_its_input_alone():
    ws = np.random.RandomState(0).randn(3, 6, 8).astype(np.float32)
    before, direction = ws.copy(), np.ones(8, np.float32)
    moved = move(ws, direction, [4, 0], 0.5)
    np.testing.assert_array_equal(ws, before)
    np.testing.assert_allclose(moved[:, [0, 4]], ws[:, [0, 4]] + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(moved[:, [1, 2, 3, 5]], ws[:, [1, 2, 3, 5]])
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(move(ws, direction, range(6), 0.0), ws)


def test_a_direction_may_have_a_row_for_each_layer():
    ws, direction = np.zeros([6, 8], np.float32), np.arange(48, dtype=np.float32).reshape(6, 8)
    moved = move(ws, direction, [2, 3], 2.0)
    np.testing.assert_array_equal(moved[2:4], 2 * direction[2:4])
    assert not moved[:2].any()


@pytest.mark.parametrize(
    ("rows", "words"),
    [([6], "no row 6 of ws: the network has rows 0 to 5"), ([-1], "no row -1"), ([], "no rows of ws")],
)
def test_rows_that_there_are_none_of_are_refused(rows, words):
    with pytest.raises(LatentError, match=words):
        move(np.zeros([6, 8], np.float32), np.ones(8), rows, 1.0)
    with pytest.raises(LatentError, match=words):
        sefa(NETWORKS["skip"](), rows)


def test_a_direction_is_read_from_a_file_with_its_length(tmp_path):
    direction = 3 * np.random.RandomState(0).randn(8).astype(np.float32)
    np.save(tmp_path / "age.npy", direction)
    np.save(tmp_path / "row.npy", direction[None])
    np.savez(tmp_path / "age.npz", direction=np.tile(direction, (6, 1)), other=np.zeros(2))
    torch.save({"direction": torch.from_numpy(direction)}, tmp_path / "age.pt")
    for name in ("age.npy", "row.npy", "age.pt"):
        np.testing.assert_array_equal(load_direction(tmp_path / name, 6, 8), direction)
    assert load_direction(tmp_path / "age.npz", 6, 8).shape == (6, 8)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones(9), r"age.npy has the shape \[9\]; a direction of this network is \[8\] or \[6, 8\]"),
        (np.ones([2, 8]), r"\[2, 8\]"),
        (np.zeros(8), "all zeros"),
        (np.full(8, np.nan), "not finite"),
        (np.array(["a"]), "plain numbers"),
    ],
)
def test_files_that_hold_no_direction_of_the_network_are_refused(tmp_path, array, words):
    np.save(tmp_path / "age.npy", array)
    with pytest.raises(LatentError, match=words):
        load_direction(tmp_path / "age.npy", 6, 8)
