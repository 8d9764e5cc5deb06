"""Labels: the vector a conditional network takes, and what is said of classes it has not."""

from __future__ import annotations

import numpy as np
import pytest

from render.errors import LatentError
from render.latents import label_vector


def test_classes_and_mixtures_become_a_vector():
    assert label_vector({3: 1}, 5).tolist() == [0, 0, 0, 1, 0]
    assert label_vector({"0": 0.25, 4: 0.75}, 5).tolist() == [0.25, 0, 0, 0, 0.75]
    assert label_vector({}, 2).tolist() == [0, 0]
    assert label_vector({3: 1}, 5).dtype == np.float32


@pytest.mark.parametrize("name", [5, -1, "5", "cat", "1.5", "²", "9" * 9000])
def test_a_class_the_network_has_none_of_is_refused(name):
    with pytest.raises(LatentError, match=r"no class .*: the network has 5, numbered 0 to 4"):
        label_vector({name: 1}, 5)


def test_a_network_without_labels_says_so():
    with pytest.raises(LatentError, match="trained without classes"):
        label_vector({0: 1}, 0)
