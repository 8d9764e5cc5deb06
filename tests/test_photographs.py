"""Photographs of every kind become upright RGB pictures; what is none is told in one line."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from render.errors import BlendreelWarning, PhotoError
from render.projection.photographs import (
    WORKING_SIDE,
    fitted,
    open_photographs,
    read_photograph,
    to_rgb,
    to_tensor,
)
from tests.conftest import make_network


def gradient(width=32, height=24):
    """An RGB picture, darker at the left, redder at the top."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 - 255 * y // (height - 1)
    return Image.fromarray(np.stack([red, 255 * x // (width - 1), red * 0], axis=2).astype(np.uint8))


def test_exif_rotation_is_obeyed(tmp_path):
    upright = gradient()
    exif = Image.Exif()
    exif[274] = 6  # "turn me 90° clockwise to see me"
    upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_photograph(tmp_path / "turned.png")), np.asarray(upright))


def test_alpha_shows_white_paper(tmp_path):
    picture = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 8, 16))
    picture.save(tmp_path / "cut-out.png")
    found = np.asarray(read_photograph(tmp_path / "cut-out.png"))
    assert tuple(found[0, 12]) == (255, 255, 255)
    assert tuple(found[0, 2]) == (0, 0, 255)
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([10, 20, 30] * 256)
    palette.info["transparency"] = 0
    assert to_rgb(palette).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    source = gradient() if mode != "LAB" else gradient().convert("RGB")
    picture = source.convert(mode) if mode != "LAB" else Image.new("LAB", source.size, (128, 128, 128))
    found = to_rgb(picture)
    assert found.mode == "RGB"
    assert found.size == source.size


def test_sixteen_bits_keep_their_range(tmp_path):
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "wide.png")
    Image.fromarray((values / 65535).astype(np.float32)).save(tmp_path / "float.tiff")
    for name in ("wide.png", "float.tiff"):
        found = np.asarray(read_photograph(tmp_path / name))[..., 0]
        assert found.min() == 0
        assert found.max() == 255
        assert abs(float(found.mean()) - 127.5) < 1


def test_an_embedded_profile_is_turned_into_srgb(tmp_path):
    grey = Image.new("RGB", (16, 16), (100, 100, 100))
    linear = ImageCms.createProfile("sRGB")
    data = ImageCms.ImageCmsProfile(linear).tobytes()
    grey.save(tmp_path / "tagged.png", icc_profile=data)
    grey.save(tmp_path / "nonsense.png", icc_profile=b"no profile at all")
    for name in ("tagged.png", "nonsense.png"):
        assert read_photograph(tmp_path / name).getpixel((3, 3)) == pytest.approx((100, 100, 100), abs=1)


def test_huge_pictures_are_scaled_down_and_bombs_refused(tmp_path, monkeypatch):
    Image.new("L", (3 * WORKING_SIDE, 64)).save(tmp_path / "wide.png")
    assert read_photograph(tmp_path / "wide.png").width == WORKING_SIDE
    monkeypatch.setattr("render.projection.photographs.MOST_PIXELS", 1000)
    with pytest.raises(PhotoError, match=r"wide\.png: has 12288 × 64 pixels, and at most 1,000 are read"):
        read_photograph(tmp_path / "wide.png")


def test_tiny_pictures_are_used_with_a_warning_and_specks_refused(tmp_path):
    gradient(20, 20).save(tmp_path / "tiny.png")
    network = make_network(resolution=64, channel_base=512)
    with pytest.warns(BlendreelWarning, match=r"tiny\.png: 20 × 20 pixels are few for a network of 64 × 64"):
        assert open_photographs([tmp_path / "tiny.png"], network).shape == (1, 3, 64, 64)
    gradient(4, 4).save(tmp_path / "speck.png")
    with pytest.raises(PhotoError, match="has 4 × 4 pixels, too few for a face"):
        read_photograph(tmp_path / "speck.png")


def test_what_is_no_picture_is_told_in_one_line(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    gradient(200, 200).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name, reason in (
        ("text.png", "is no picture"),
        ("cut.png", "is cut off"),
        ("none.png", "there is no such file"),
        ("", "is a folder"),
    ):
        with pytest.raises(PhotoError, match=reason) as caught:
            read_photograph(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_the_middle_is_taken_in_the_networks_shape():
    wide = Image.new("RGB", (64, 32), "black")
    wide.paste("white", (16, 0, 48, 32))
    assert np.asarray(fitted(wide, (32, 32))).min() == 255


def test_tensors_hold_the_range_and_the_channels():
    images = to_tensor([gradient(), gradient()])
    assert images.shape == (2, 3, 24, 32)
    assert images.dtype == torch.float32
    assert float(images.min()) == -1
    assert float(images.max()) == 1
    assert to_tensor([gradient()], 1).shape == (1, 1, 24, 32)
    assert bool((to_tensor([gradient()], 4)[:, 3] == 1).all())
