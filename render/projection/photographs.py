"""Photographs as networks want them: upright, sRGB, without transparency, of the picture's size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from render.errors import BlendreelWarning, PhotoError
from render.networks import Generator
from render.projection.align import Landmarks, aligned

MOST_PIXELS = 2**28  # 16,384 × 16,384: about 1.5 GB while it is scaled down
LEAST_SIDE = 8
WORKING_SIDE = 4096  # larger pictures are scaled down to this before anything else
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")
MarksOf = Callable[[int, Image.Image, str], Landmarks]
PAPER = (255, 255, 255)  # what shows through transparent parts


def read_photograph(path: str | Path) -> Image.Image:
    """The picture in a file as an upright RGB image of 8 bits, its longer side at most 4,096 pixels.

    EXIF's rotation is obeyed, an embedded colour profile is turned into sRGB, transparency shows white paper,
    16 bits become 8 with their full range, and of an animation it is the first frame.

    Raises PhotoError: no such file, no picture, cut off, under 8 pixels wide, or over 2²⁸ pixels.
    """
    path = Path(path)
    if not path.is_file():
        raise PhotoError(
            f"{path}: {'is a folder, not a picture' if path.is_dir() else 'there is no such file'}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own remarks on odd files
            with Image.open(path) as picture:
                _check_size(picture, path)
                picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))  # a huge JPEG is read smaller
                picture = ImageOps.exif_transpose(picture)
                picture.load()
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise PhotoError(f"{path}: has more than {MOST_PIXELS:,} pixels; scale it down first") from None
    except Exception as error:  # on a damaged file Pillow's readers may raise anything
        if getattr(error, "errno", None):  # of the system, not of the picture
            raise PhotoError(f"{path}: can't be read: {error.strerror}") from None
        reason = "is cut off" if "truncated" in str(error) else "is no picture, or a damaged one"
        raise PhotoError(f"{path}: {reason} ({', '.join(SUFFIXES)} are read)") from None
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return to_rgb(picture)


def _check_size(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise PhotoError(f"{path}: has {width} × {height} pixels, and at most {MOST_PIXELS:,} are read")
    if min(width, height) < LEAST_SIDE:
        raise PhotoError(f"{path}: has {width} × {height} pixels, too few for a face")


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any of Pillow's modes as RGB of 8 bits: wide numbers keep their range, alpha is laid over white."""
    if picture.mode.startswith(("I", "F")):
        picture = _narrowed(picture)
    profile, has_alpha = picture.info.get("icc_profile"), picture.has_transparency_data
    if has_alpha:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, (*PAPER, 255))
        picture = Image.alpha_composite(paper, picture).convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that makes no sense is as good as none
    return picture.convert("RGB")


def _narrowed(picture: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits as grey of 8. Pillow itself would clip at 255."""
    values = np.asarray(picture).astype(np.float64)
    if picture.mode == "F":
        top = 1.0 if values.max() <= 1 else 255.0 if values.max() <= 255 else 65535.0
    else:
        top = 65535.0 if values.max() > 255 else 255.0
    return Image.fromarray((values.clip(0, top) * (255 / top)).round().astype(np.uint8))


def fitted(picture: Image.Image, size: tuple[int, int], name: str = "the picture") -> Image.Image:
    """The middle of an RGB picture in the shape of `size` (width, height), scaled to it.

    Warns (BlendreelWarning) where it is scaled up more than twice.
    """
    scale = min(picture.width / size[0], picture.height / size[1])
    if scale < 0.5:
        warnings.warn(
            f"{name}: {picture.width} × {picture.height} pixels are few for a network of "
            f"{size[0]} × {size[1]}; the result can't be sharp",
            BlendreelWarning,
            stacklevel=2,
        )
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def to_tensor(pictures: Sequence[Image.Image | np.ndarray], channels: int = 3) -> Tensor:
    """RGB pictures of one size → float32 [N, channels, H, W] in [-1, 1]; 1 is grey, a fourth opaque."""
    stacked = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    images = stacked.permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1  # [N, 3, H, W]
    if channels == 1:
        luma = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
        return (images * luma).sum(dim=1, keepdim=True)
    if channels == 4:
        return torch.cat([images, torch.ones_like(images[:, :1])], dim=1)
    return images.contiguous()


def open_photographs(
    paths: Sequence[str | Path], generator: Generator, marks_of: MarksOf | None = None
) -> Tensor:
    """Photographs as the generator's pictures: float32 [N, img_channels, H, W] in [-1, 1].

    marks_of  (number, picture, name) → where the face is, by which it is cropped; None: the middle is taken

    Raises PhotoError for the first that can't be read, or has no face.
    """
    made = []
    for number, path in enumerate(paths):
        picture = read_photograph(path)
        made.append(cropped(picture, generator.picture_size, str(path), marks_of and (number, marks_of)))
    return to_tensor(made, generator.config.img_channels)


def cropped(
    picture: Image.Image, size: tuple[int, int], name: str, asked: tuple[int, MarksOf] | None = None
) -> Image.Image:
    """A picture at the network's size: its face as FFHQ has it, or its middle."""
    if asked is None:
        return fitted(picture, size, name)
    number, marks_of = asked
    try:
        face = aligned(picture, marks_of(number, picture, name), max(size))
    except PhotoError as error:
        text = str(error)
        raise PhotoError(text if text.startswith((name, "--")) else f"{name}: {text}") from None
    return fitted(face, size, name)
