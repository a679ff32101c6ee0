"""Convolution of videos beyond its spec row: what it becomes in special cases, and errors."""

import numpy as np
import pytest

import tinymm.functional as F


def test_it_is_the_sum_over_time_of_convolutions_of_frames(rng):
    """y_t = Σₖ w_k ∗ x_{t+k}: another order of the same sum."""
    x, w = rng.standard_normal((2, 3, 6, 7, 5)), rng.standard_normal((4, 3, 3, 3, 2))
    y = F.conv3d(x, w)
    for t in range(4):
        np.testing.assert_allclose(y[:, :, t], sum(F.conv2d(x[:, :, t + k], w[:, :, k]) for k in range(3)),
                                   rtol=1e-10, atol=1e-12)


def test_a_kernel_of_one_frame_is_conv2d_of_each_frame(rng):
    x, w, bias = rng.standard_normal((2, 3, 4, 6, 6)), rng.standard_normal((5, 3, 1, 3, 3)), rng.standard_normal(5)
    y = F.conv3d(x, w, bias, stride=(1, 2, 2), padding=(0, 1, 1))
    for t in range(4):
        np.testing.assert_allclose(y[:, :, t], F.conv2d(x[:, :, t], w[:, :, 0], bias, 2, 1), rtol=1e-12)


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_a_kernel_of_one_pixel_is_conv1d_of_each_pixel(rng, padding):
    x, w = rng.standard_normal((2, 3, 7, 2, 2)), rng.standard_normal((4, 3, 3, 1, 1))
    y = F.conv3d(x, w, stride=(2, 1, 1), padding=(padding, 0, 0))
    for v, u in np.ndindex(2, 2):
        line = F.conv1d(x[..., v, u], w[..., 0, 0], stride=2, padding=padding)
        np.testing.assert_allclose(y[..., v, u], line, rtol=1e-10, atol=1e-12)


def test_a_shifted_video_gives_a_shifted_response(rng):
    x, w = rng.standard_normal((1, 2, 8, 6, 6)), rng.standard_normal((3, 2, 3, 3, 3))
    np.testing.assert_allclose(F.conv3d(x[:, :, 2:], w), F.conv3d(x, w)[:, :, 2:], rtol=1e-10, atol=1e-12)


def test_errors_name_the_rule():
    x, w = np.zeros((1, 2, 4, 5, 5)), np.zeros((3, 2, 3, 3, 3))
    for call, message in [
        (lambda: F.conv3d(x[0], w), r"conv3d: input must be \(B, C, T, H, W\) .* got \(2, 4, 5, 5\)"),
        (lambda: F.conv3d(x[:, :1], w), "conv3d: the input must have groups x 2 channels; got 1 channels and groups 1"),
        (lambda: F.conv3d(x, w, dilation=2),
         "conv3d: the kernel must fit into the padded frames; got a reach of 5 and 4 frames"),
        (lambda: F.conv3d(x, w, stride=(1, 2)),
         r"conv3d: stride must be one whole number or three, at least 1; got \(1, 2\)"),
        (lambda: F.conv3d(x, w, padding=-1), "conv3d: padding must be one whole number or three, at least 0; got -1"),
        (lambda: F.conv3d(x, w, np.zeros(2)), "bias must have one number for each of 3 channels"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
