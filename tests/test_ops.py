"""The operations against their definitions, computed by SciPy one channel at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d

from render.networks import ops

TAPS = [(1, 3, 3, 1), (1, 2, 1), (1, 4, 6, 4, 1), (1, 1)]


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def zeros_between(picture: np.ndarray) -> np.ndarray:
    spread = np.zeros((picture.shape[0] * 2, picture.shape[1] * 2))
    spread[::2, ::2] = picture
    return spread


@pytest.mark.parametrize("taps", TAPS)
def test_upsampling_is_zeros_and_a_filter(taps):
    x, kernel = rand(1, 2, 5, 6), ops.setup_filter(taps)
    ours = ops.upsample2d(x, kernel).numpy()
    size = len(kernel)
    for channel in range(2):
        full = convolve2d(zeros_between(x[0, channel].numpy()), kernel.numpy() * 4)
        start = size - 1 - (size + 1) // 2
        np.testing.assert_allclose(ours[0, channel], full[start:, start:][:10, :12], atol=1e-5)


@pytest.mark.parametrize("taps", TAPS[:3])
def test_upsampling_keeps_brightness(taps):
    ones = torch.ones(1, 1, 8, 8)
    inner = ops.upsample2d(ones, ops.setup_filter(taps))[..., 4:-4, 4:-4]
    torch.testing.assert_close(inner.mean(), torch.tensor(1.0))


def test_modulated_convolution_is_its_formula():
    x, weight, styles = rand(2, 3, 6, 6), rand(4, 3, 3, 3, seed=1), rand(2, 3, seed=2)
    ours = ops.modulated_conv2d(x, weight, styles)
    for n in range(2):
        own = (weight * styles[n][:, None, None]).numpy()
        own /= np.sqrt((own**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
        for o in range(4):
            # Networks correlate, so the kernel turns for SciPy's convolution.
            sum_ = sum(convolve2d(x[n, i].numpy(), own[o, i, ::-1, ::-1], mode="same") for i in range(3))
            np.testing.assert_allclose(ours[n, o].numpy(), sum_, atol=1e-5)


def test_upsampling_convolution_is_its_formula():
    x, weight, kernel = rand(1, 1, 4, 4), rand(1, 1, 3, 3, seed=1), ops.setup_filter((1, 3, 3, 1))
    ours = ops.modulated_conv2d(x, weight, torch.ones(1, 1), demodulate=False, up=2, kernel=kernel)
    spread = zeros_between(x[0, 0].numpy())[:-1, :-1]
    full = convolve2d(convolve2d(spread, weight[0, 0].numpy()), kernel.numpy() * 4)
    np.testing.assert_allclose(ours[0, 0].numpy(), full[2:10, 2:10], atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 3),
    inputs=st.integers(1, 5),
    outputs=st.integers(1, 5),
    side=st.sampled_from([4, 6]),
    up=st.sampled_from([1, 2]),
    size=st.sampled_from([1, 3]),
    demodulate=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_shared_weights_give_the_same(n, inputs, outputs, side, up, size, demodulate, seed):
    size = 3 if up == 2 else size
    x, weight = rand(n, inputs, side, side, seed=seed), rand(outputs, inputs, size, size, seed=seed + 1)
    styles, kernel = rand(n, inputs, seed=seed + 2), ops.setup_filter((1, 3, 3, 1))
    arguments = {"demodulate": demodulate, "up": up, "kernel": kernel}
    plain = ops.modulated_conv2d(x, weight, styles, **arguments)
    shared = ops.modulated_conv2d_shared(x, weight, styles, **arguments)
    torch.testing.assert_close(shared, plain, atol=1e-4, rtol=1e-4)


def test_activation_scales_then_clamps():
    x = torch.tensor([[-1.0, 0.0, 10.0]])
    bias = torch.tensor([0.0, 1.0, 0.0])
    ours = ops.activate(x, bias, "lrelu", gain=0.5, clamp=4.0)
    torch.testing.assert_close(ours, torch.tensor([[-0.1 * 2**0.5, 0.5 * 2**0.5, 2.0]]))


def test_normalised_latents_have_mean_square_one():
    rows = ops.normalize_2nd_moment(5 * rand(4, 32))
    torch.testing.assert_close(rows.square().mean(dim=1), torch.ones(4))


def test_bytes_are_truncated_and_clamped():
    values = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 2.0]).reshape(1, 1, 1, 6)
    assert ops.to_uint8(values).flatten().tolist() == [0, 0, 128, 255, 255, 255]
    assert ops.to_uint8(torch.tensor([[[[0.0117]]]])).item() == 129  # 129.49 falls
