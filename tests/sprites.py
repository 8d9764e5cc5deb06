"""Frames with alpha, and networks that draw such: a hard-edged disc and a soft ramp; sprites of noise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from render.encoding import codecs

WIDTH, HEIGHT = 96, 64
INSIDE = (235, 90, 40)  # the disc's colour, far from black
TO_RGBA = "zscale=matrixin=709:rangein=limited:matrix=gbr:range=full,format=gbrap16le,format=rgba64le"


def sprite(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A disc that moves to the right, beside a ramp from nothing to everything, uint16 [H, W, 4]."""
    rows, columns = np.mgrid[0:height, 0:width]
    alpha = (np.hypot(columns - width / 4 - 2 * index, rows - height / 2) < height / 3).astype(float)
    ramp = columns >= width - 16
    alpha[ramp] = (rows / (height - 1))[ramp]
    colours = np.broadcast_to(np.array(INSIDE) / 255, (height, width, 3)).copy()
    colours[ramp, 2] = 0.8
    colours[alpha == 0] = 0
    return np.rint(65_535 * np.dstack([colours, alpha])).astype(np.uint16)


def with_alpha(path: Path, width: int = WIDTH, height: int = HEIGHT, bits: int = 16) -> np.ndarray:
    """All frames of a file, or of a folder of pictures, by ffmpeg or Pillow: [N, H, W, 4] in 0–1.

    bits: those of a file that is RGB, which ffmpeg gives as they are.
    """
    if path.is_dir():
        return np.stack([_pillow(file)[0] for file in sorted(path.iterdir())])
    if path.suffix in (".webp", ".avif", ".gif"):
        return _pillow(path)
    is_rgb = path.suffix == ".apng" or b"FFV1" in path.read_bytes()[:2048]
    decoder = ("-c:v", "libvpx-vp9") if path.suffix == ".webm" else ()  # ffmpeg's own leaves alpha out
    command = [codecs.ffmpeg_path(), "-v", "error", *decoder, "-i", str(path), "-fps_mode", "passthrough"]
    plain = "format=rgba64le" if bits == 16 else "format=rgba"
    command += ["-vf", plain if is_rgb else TO_RGBA, "-f", "rawvideo", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    bits = bits if is_rgb else 16
    return np.frombuffer(raw, f"uint{bits}").reshape(-1, height, width, 4) / (2**bits - 1)


def _pillow(path: Path) -> np.ndarray:
    frames = []
    with Image.open(path) as picture:
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            frames.append(np.asarray(picture.convert("RGBA")) / 255)
    return np.stack(frames)


def make_sprites(seed: int = 4, **config: int):
    """A network of four channels, whose pictures are in parts opaque and in parts transparent."""
    import torch
    from conftest import make_network

    from render.networks import build

    network = make_network(seed, img_channels=4, **config)
    z = torch.randn(16, network.z_dim, generator=torch.Generator().manual_seed(1))
    images = network.synthesis(network.mapping(z, truncation_psi=0.7), noise_mode="const")
    mean, spread = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))
    gain = torch.tensor([0.5, 0.5, 0.5, 2.0]) / spread
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name, tensor in tensors.items():
        if name.endswith("torgb.weight"):
            tensor *= gain[:, None, None, None]
        elif name.endswith("torgb.bias"):
            tensor *= gain
    tensors[f"synthesis.b{network.resolution}.torgb.bias"] -= mean * gain
    return build(network.config, tensors)
