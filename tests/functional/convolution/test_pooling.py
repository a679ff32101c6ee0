"""Pooling beyond its spec rows: ties, NaN, memory, overlaps and errors."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.convolution.pooling import avg_pool2d_vjp, max_pool2d_vjp
from tinymm.testing.specs.convolution.pooling import poolings


@given(poolings(dilated=True), st.integers(0, 2**32 - 1))
def test_of_equal_pixels_the_first_one_wins_as_in_torch(call, seed):
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
    (image, *geometry), _ = call
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 3, image.shape).astype(np.float64)  # full of ties
    x, theirs = tm.tensor(image, requires_grad=True), torch.tensor(image, requires_grad=True)
    y = F.max_pool2d(x, *geometry)
    assume(np.isfinite(y.data).all())   # a window of nothing but padding: PyTorch 2.13 then writes beside its gradient
    g = rng.standard_normal(y.shape)
    y.backward(g)
    torch.nn.functional.max_pool2d(theirs, *geometry).backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-12)


@given(poolings())
def test_every_unit_of_gradient_arrives_somewhere(call):
    """Each window's response goes to one pixel (max), or is shared out without loss (average without padding)."""
    (image, kernel, stride, padding), _ = call
    for f, pad in ((F.max_pool2d, padding), (F.avg_pool2d, 0)):
        if pad == 0 and any(k > n for k, n in zip(kernel, image.shape[2:])):
            continue
        x = tm.tensor(image, requires_grad=True)
        y = f(x, kernel, stride, pad)
        g = np.random.default_rng(0).standard_normal(y.shape)
        y.backward(g)
        np.testing.assert_allclose(x.grad.sum(), g.sum(), rtol=1e-9, atol=1e-10)


def test_a_nan_is_not_swallowed():
    image = np.array([[[[1.0, np.nan], [3.0, 2.0]]]])
    assert np.isnan(F.max_pool2d(image, 2)).all()


def test_one_byte_remembers_the_winner(rng):
    y = F.max_pool2d(tm.tensor(rng.standard_normal((1, 1, 8, 8)), requires_grad=True), 2)
    assert [a.itemsize for a in y._node.saved if isinstance(a, np.ndarray)] == [1]


def test_two_bytes_do_where_a_window_has_more_than_256_pixels():
    image = np.zeros((1, 1, 17, 17))
    image[0, 0, -1, -1] = 1.0
    x = tm.tensor(image, requires_grad=True)
    F.max_pool2d(x, 17).backward([[[[2.0]]]])
    np.testing.assert_array_equal(x.grad, 2 * image)


def test_a_grid_of_one_cell_is_the_mean(rng):
    x = rng.standard_normal((2, 3, 5, 7))
    np.testing.assert_allclose(F.adaptive_avg_pool2d(x, 1), x.mean((2, 3), keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("f, args, message", [
    (F.max_pool2d, (5,), "max_pool2d: the kernel must fit"),
    (F.max_pool2d, (3, 1, 2), "max_pool2d: padding must be at most half the kernel"),
    (F.max_pool2d, (3, 1, -1), "max_pool2d: padding must be .* at least 0"),
    (F.avg_pool2d, (0,), "avg_pool2d: kernel_size must be"),
    (F.avg_pool2d, (2, (1, 0)), "avg_pool2d: stride must be"),
    (F.adaptive_avg_pool2d, (0,), "adaptive_avg_pool2d: output_size must be"),
])
def test_errors_name_the_rule(rng, f, args, message):
    with pytest.raises(ValueError, match=message):
        f(rng.standard_normal((1, 2, 4, 4)), *args)
    with pytest.raises(ValueError, match=r"input must be \(B, C, H, W\)"):
        f(rng.standard_normal((2, 4, 4)), *args)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_channels_that_lie_side_by_side_stay_so(rng, pool):
    """Same numbers as from planes, forward and backward, in the layout that came in."""
    x, g = rng.standard_normal((3, 4, 6, 8)), rng.standard_normal((3, 4, 3, 4))
    results = []
    for a in (x, np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)):
        leaf = tm.tensor(a, requires_grad=True)
        y = pool(leaf, 2)
        y.backward(g)
        results.append((y.data, leaf.grad))
    for planes, beside in zip(*results):
        np.testing.assert_array_equal(planes, beside)
    assert results[1][0].strides[1] == results[1][0].itemsize


def test_gradients_lie_as_the_images_do_whatever_the_order_of_the_cotangent(rng):
    g = rng.standard_normal((3, 4, 3, 4))
    like = np.zeros((3, 3, 4, 4)).transpose(0, 3, 1, 2)                             # the result, and which pixel won
    for x in (max_pool2d_vjp(g, like.astype(np.uint8), (3, 4, 6, 8), 2, None, 0, 1),
              avg_pool2d_vjp(g, like, (3, 4, 6, 8), 2, None, 0, True)):
        assert x.shape == (3, 4, 6, 8) and x.strides[1] == x.itemsize
