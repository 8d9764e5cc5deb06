"""Perceptual features: published layouts of VGG16 and LPIPS, read as data; other files are told apart.

The weights here are random and narrow, in the published layout: what real ones would say of a picture is not
tested, since they can't be had where this is tested.
"""

from __future__ import annotations

import pytest
import torch

from render.errors import CheckpointError
from render.projection.features import DEPTHS, load_features
from render.projection.losses import PictureLoss

WIDTHS = (4, 4, 6, 6, 8, 8, 8, 8, 8, 8, 8, 8, 8)
NUMBERS = [number for depth in DEPTHS for number in depth]


def vgg(prefix=lambda number: f"features.{number}"):
    """A narrow VGG16 under the names of a layout."""
    random, tensors, below = torch.Generator().manual_seed(0), {}, 3
    for number, width in zip(NUMBERS, WIDTHS, strict=True):
        tensors[f"{prefix(number)}.weight"] = 0.3 * torch.randn(width, below, 3, 3, generator=random)
        tensors[f"{prefix(number)}.bias"] = 0.1 * torch.randn(width, generator=random)
        below = width
    return tensors


def heads():
    """LPIPS's heads of that narrow network."""
    widths = [WIDTHS[NUMBERS.index(depth[-1])] for depth in DEPTHS]
    return {f"lin{index}.model.1.weight": torch.rand(1, width, 1, 1) for index, width in enumerate(widths)}


def lpips_name(number):
    return f"net.slice{next(i for i, depth in enumerate(DEPTHS) if number in depth) + 1}.{number}"


@pytest.fixture
def write(tmp_path):
    def written(name, tensors, **how):
        torch.save(tensors, tmp_path / name, **how)
        return tmp_path / name

    return written


def test_torchvisions_file_is_read_without_its_classifier(write):
    path = write("vgg16.pth", vgg() | {"classifier.0.weight": torch.zeros(3, 3)})
    found = load_features([path])(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert [tuple(each.shape[1:]) for each in found] == [
        (4, 32, 32),
        (6, 16, 16),
        (8, 8, 8),
        (8, 4, 4),
        (8, 2, 2),
    ]
    for each in found:
        assert float(each.square().sum(dim=1).max()) < 0.2 * 1.001


def test_the_layouts_agree(write):
    weights, lin = vgg(), heads()
    whole = write("whole.pth", vgg(lpips_name) | lin | {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)})
    parts = [
        write("vgg.pth", weights, _use_new_zipfile_serialization=False),
        write("lin.pth", lin),
    ]
    images = torch.rand(1, 3, 16, 16)
    for one, other in zip(load_features([whole])(images), load_features(parts)(images), strict=True):
        torch.testing.assert_close(one, other)


def test_their_distance_is_that_of_lpips(write):
    features = load_features([write("whole.pth", vgg(lpips_name) | heads())])
    images, targets = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    plain = load_features([write("plain.pth", vgg())])
    plain.heads = [torch.ones_like(head) for head in features.heads]
    expected = 0
    for a, b, head in zip(plain(images), plain(targets), features.heads, strict=True):
        expected = expected + ((a - b).square() * head.reshape(1, -1, 1, 1)).sum(dim=1).mean(dim=(1, 2))
    found = PictureLoss(targets, features)(images) - PictureLoss(targets)(images)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_gradients_flow_and_large_pictures_are_seen_smaller(write):
    features = load_features([write("vgg16.pth", vgg())])
    images = torch.rand(1, 3, 300, 300, requires_grad=True)
    found = features(images)
    assert found[0].shape[2:] == (256, 256)
    sum(each.square().mean() for each in found[1:]).backward()
    assert float(images.grad.abs().max()) > 0
    assert features(torch.zeros(1, 1, 16, 16))[0].shape[1] == 4


def test_other_files_are_told(write, tmp_path):
    missing = vgg()
    del missing["features.12.weight"]
    wide = vgg()
    wide["features.2.weight"] = torch.zeros(4, 5, 3, 3)
    for tensors, reason in (
        (missing, "is no VGG16: convolution 12 is missing"),
        (wide, r"convolution 2 is \[4, 5, 3, 3\], not \[O, 4, 3, 3\]"),
        (heads(), "heads need VGG16 beside them: give --perceptual twice"),
        ({"a": torch.zeros(3)}, "holds no weights of VGG16 or LPIPS"),
        (vgg() | {"lin0.model.1.weight": torch.zeros(1, 9, 1, 1)}, "head 0 has 9 channels, not 4"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            load_features([write("odd.pth", tensors)])
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(CheckpointError, match=r"text\.pth: holds no weights .*; it is a text file"):
        load_features([tmp_path / "text.pth"])
    (tmp_path / "me.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\0")
    with pytest.raises(CheckpointError, match=r"me\.jpg: holds no weights .*; it is a JPEG picture"):
        load_features([tmp_path / "me.jpg"])
    with pytest.raises(CheckpointError, match="vgg16 fetches torchvision's"):
        load_features([tmp_path / "none.pth"])


def test_nothing_in_a_file_is_run(write):
    import os

    class Evil:
        def __reduce__(self):
            return os.system, ("echo no",)

    with pytest.raises(CheckpointError, match=r"evil\.pth"):
        load_features([write("evil.pth", {"features.0.weight": Evil()})])


def test_what_is_fetched_is_checked(monkeypatch, tmp_path):
    from render.projection import features

    (tmp_path / "vgg16-397923af.pth").write_bytes(b"another file")
    monkeypatch.setattr(features, "fetch", lambda url: tmp_path / "vgg16-397923af.pth")
    with pytest.raises(CheckpointError, match="is not the file it is called"):
        load_features(["vgg16"])
