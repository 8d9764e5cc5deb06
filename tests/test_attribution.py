"""What fine-tuning moved: the channels that were moved are found, by weights and by what they do."""

from __future__ import annotations

import pytest
import torch
from conftest import make_network
from tensorflow_files import make_stylegan1
from test_stylegan3 import make_stylegan3

from render.blending.attribution import attribute, most_moved
from render.blending.blend import Blend
from render.blending.blender import Blender
from render.errors import BlendError
from render.networks import build


def moved(network, rows: dict[str, tuple[int, float]]):
    """The same network with one row of some tensors made larger."""
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name, (row, factor) in rows.items():
        tensors[name][row] *= factor
    return build(network.config, tensors)


def test_the_moved_channels_are_found(low, ws):
    other = moved(low, {"synthesis.b8.conv1.weight": (3, -1.0), "synthesis.b4.const": (5, 1.5)})
    changes = {change.name: change for change in attribute(low, other, ws)}
    assert list(changes) == ["4/0", "4/1", "8/0", "8/1", "16/0", "16/1"]
    assert changes["8/1"].weights.tolist() == [0, 0, 0, 2, 0, 0, 0, 0]
    assert changes["4/0"].weights.tolist() == pytest.approx([0, 0, 0, 0, 0, 0.5, 0, 0])
    assert changes["8/1"].activations[3] > 0.1
    assert changes["8/1"].activations.count_nonzero() == 1
    # What follows gets the same input in both, so it did not move.
    assert changes["16/0"].activations.tolist() == [0] * 8
    assert changes["4/0"].activations.isnan().all()
    assert most_moved(list(changes.values()), 1 / 48).channels == {"8/1": (3,)}
    assert most_moved(list(changes.values()), 2 / 48).channels == {"4/0": (5,), "8/1": (3,)}
    assert most_moved(list(changes.values()), 2 / 40, by="activations").channels["8/1"] == (3,)


def test_a_change_of_size_alone_moves_weights_and_not_activations(low, ws):
    """Demodulation divides a row by its length."""
    other = moved(low, {"synthesis.b8.conv1.weight": (3, 2.0)})
    change = next(change for change in attribute(low, other, ws) if change.name == "8/1")
    assert change.weights[3] == pytest.approx(1)
    assert change.activations[3] < 1e-4


@pytest.mark.parametrize("make", [make_network, make_stylegan1, make_stylegan3])
def test_activations_are_what_taking_the_channel_changes(make):
    a, b = make(seed=1), make(seed=2)
    latents = torch.randn(2, a.num_ws, 8, generator=torch.Generator().manual_seed(3))
    changes = {change.name: change for change in attribute(a, b, latents)}
    names = [layer.name for layer in a.layers]
    last = list(changes)[-1]
    weights = changes[last].activations
    assert (weights > 0).all()
    one = Blend.only(0, 2, len(names)).take(1, {names.index(last): [2]})
    same = attribute(a, Blender([a, b]).apply(one), latents)
    found = next(change for change in same if change.name == last).activations
    assert found[2] == pytest.approx(float(weights[2]), rel=1e-4)
    assert found.count_nonzero() == 1


def test_what_makes_no_sense_is_refused(low, ws):
    changes = attribute(low, low, ws)
    with pytest.raises(BlendError, match="weights or activations, not by 'size'"):
        most_moved(changes, by="size")
    with pytest.raises(BlendError, match=r"above 0 and up to 1 \(100%\), not at 5"):
        most_moved(changes, 5)
    with pytest.raises(BlendError, match="can't be blended"):
        attribute(low, make_network(resolution=32), ws)
