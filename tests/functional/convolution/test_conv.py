"""Convolutions beyond their spec rows: adjoints, symmetries, threads, what is not computed, and errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import threads
from tinymm.functional.convolution import conv
from tinymm.testing.specs.convolution.conv import looped
from tinymm.testing.strategies import convolutions, transposed_convolutions

seeds = st.integers(0, 2**32 - 1)


@given(transposed_convolutions(), seeds)
def test_the_transposed_convolution_is_the_adjoint(call, seed):
    """⟨conv2d(a, w), x⟩ = ⟨a, conv_transpose2d(x, w)⟩ for every image a."""
    (x, w, _, stride, padding, extra, groups, dilation), _ = call
    painted = F.conv_transpose2d(x, w, None, stride, padding, extra, groups, dilation)
    a = np.random.default_rng(seed).standard_normal(painted.shape)
    seen = F.conv2d(a, w, None, stride, padding, dilation, groups)[:, :, :x.shape[2], :x.shape[3]]
    np.testing.assert_allclose((seen * x).sum(), (a * painted).sum(), rtol=1e-10, atol=1e-9)


@given(convolutions(), seeds)
def test_the_form_is_linear_in_image_and_kernel(call, seed):
    (x, w, _, *rest), _ = call
    rng = np.random.default_rng(seed)
    other_x, other_w = rng.standard_normal(x.shape), rng.standard_normal(w.shape)
    whole = F.conv2d(x + other_x, w + other_w, None, *rest)
    parts = sum(F.conv2d(a, b, None, *rest) for a in (x, other_x) for b in (w, other_w))
    np.testing.assert_allclose(whole, parts, rtol=1e-10, atol=1e-10)


def test_a_shifted_image_gives_a_shifted_response(rng):
    x, w = rng.standard_normal((2, 3, 9, 9)), rng.standard_normal((4, 3, 3, 3))
    np.testing.assert_allclose(F.conv2d(x[..., 1:, 2:], w), F.conv2d(x, w)[..., 1:, 2:], rtol=1e-12)


def test_a_kernel_of_one_pixel_is_a_matrix_product(rng):
    x, w = rng.standard_normal((2, 5, 4, 3)), rng.standard_normal((6, 5, 1, 1))
    np.testing.assert_allclose(F.conv2d(x, w), np.einsum("oc,bchw->bohw", w[:, :, 0, 0], x), rtol=1e-12)


@pytest.mark.parametrize("padding, stride", [(1, 1), (0, 2), (2, 1), ("same", 1)])
def test_many_threads_compute_what_one_does(two_threads, rng, monkeypatch, padding, stride):
    pytest.importorskip("threadpoolctl", reason="extra `threads`")
    monkeypatch.setattr(threads, "ENOUGH", 0)
    x, w, bias = rng.standard_normal((5, 4, 8, 7)), rng.standard_normal((6, 2, 3, 3)), rng.standard_normal(6)
    tensors = [tm.tensor(a, requires_grad=True) for a in (x, w, bias)]
    y = F.conv2d(*tensors, stride=stride, padding=padding, groups=2)
    sides = padding if padding == "same" else (padding, padding)
    np.testing.assert_allclose(y.data, looped(x, w, bias, (stride, stride), sides, (1, 1), 2), rtol=1e-9, atol=1e-10)
    g = rng.standard_normal(y.shape)
    parallel = tm.grad(y, tensors, g, retain_graph=True)
    monkeypatch.setattr(threads, "_blas", lambda: None)
    for a, b in zip(parallel, tm.grad(y, tensors, g), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("sides", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("out", [1, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_images_without_pixels_paint_nothing(rng, sides, out, stride):
    """The result is the bias; the gradients are of the right shape, and zero."""
    x, w, b = (tm.tensor(rng.standard_normal(shape), requires_grad=True)
               for shape in [(2, 4, *sides), (4, out, 3, 3), (out,)])
    y = F.conv_transpose2d(x, w, b, stride)
    np.testing.assert_array_equal(y.data, np.broadcast_to(b.data[:, None, None], y.shape))
    g = rng.standard_normal(y.shape)
    for gradient, like in zip(tm.grad(y, [x, w, b], g), (x, w, b), strict=True):
        assert gradient.shape == like.shape
        if like is not b:
            assert not gradient.data.any()


def test_no_images_and_a_phase_without_pixels(rng):
    """An empty batch in whatever order, and a stride that leaves some pixels of no window."""
    y = F.conv2d(rng.standard_normal((5, 3, 6, 6)), rng.standard_normal((4, 3, 3, 3)))
    x, w = tm.tensor(y[:0], requires_grad=True), tm.tensor(rng.standard_normal((2, 4, 1, 1)), requires_grad=True)
    assert [g.shape for g in tm.grad(F.conv2d(x, w), [x, w], np.zeros((0, 2, 4, 4)))] == [x.shape, w.shape]
    x, w = (tm.tensor(rng.standard_normal(shape), requires_grad=True) for shape in [(2, 3, 1, 1), (2, 3, 3, 3)])
    g = rng.standard_normal((2, 2, 1, 1))
    seen, = tm.grad(F.conv2d(x, w, stride=2, padding=1), [x], g)
    np.testing.assert_allclose(seen.data[..., 0, 0], g[..., 0, 0] @ w.data[:, :, 1, 1], rtol=1e-12)


def test_the_image_gradient_is_left_out_where_nobody_asks(rng, monkeypatch):
    monkeypatch.setattr(conv, "spread", None)  # would fail if called
    w = tm.tensor(rng.standard_normal((2, 1, 3, 3)), requires_grad=True)
    y = F.conv2d(tm.tensor(rng.standard_normal((1, 1, 5, 5))), w)
    y.backward(rng.standard_normal(y.shape))
    assert w.grad.shape == w.shape


@pytest.mark.parametrize("f, shapes, kwargs, message", [
    (F.conv2d, [(1, 3, 5, 5), (4, 2, 3, 3)], {}, "conv2d: groups must divide"),
    (F.conv2d, [(1, 4, 5, 5), (3, 2, 3, 3)], {"groups": 2}, "conv2d: groups must divide"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3)], {"groups": 0}, "conv2d: groups must be a whole number"),
    (F.conv2d, [(1, 2, 5, 2), (4, 2, 3, 3)], {}, "conv2d: the kernel must fit into the padded image"),
    (F.conv2d, [(1, 2, 5, 2), (4, 2, 0, 3)], {"padding": "same"}, "conv2d: the kernel needs at least one pixel"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3)], {"dilation": 3}, "conv2d: the kernel must fit"),
    (F.conv2d, [(2, 5, 5), (4, 2, 3, 3)], {},
     r"conv2d: input must be \(B, C, H, W\) and weight \(O, C / groups, kh, kw\); got \(2, 5, 5\) and \(4, 2, 3, 3\)"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3), (3,)], {}, "conv2d: bias must have one number"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3)], {"padding": "same", "stride": 2}, "conv2d: padding 'same' needs stride 1"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3)], {"padding": "full"}, "conv2d: padding must be one whole number or two"),
    (F.conv2d, [(1, 2, 5, 5), (4, 2, 3, 3)], {"stride": 0}, "conv2d: stride must be"),
    (F.conv1d, [(1, 2, 5, 5), (4, 2, 3)], {}, r"conv1d: input must be \(B, C, T\)"),
    (F.conv1d, [(1, 2, 5), (4, 3, 3)], {}, "conv1d: groups must divide"),
    (F.conv1d, [(1, 2, 5), (4, 2, 3)], {"stride": (1, 2)}, "conv1d: stride must be"),
    (F.conv_transpose2d, [(1, 3, 5, 5), (4, 2, 3, 3)], {}, "conv_transpose2d: the input must have"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3)], {"output_padding": 1}, "conv_transpose2d: output_padding"),
    (F.conv_transpose2d, [(1, 4, 2, 2), (4, 2, 1, 1)], {"padding": 1}, "conv_transpose2d: padding must leave"),
    (F.conv_transpose2d, [(4, 5, 5), (4, 2, 3, 3)], {},
     r"conv_transpose2d: input must be .* \(C, O / groups, kh, kw\); got \(4, 5, 5\) and \(4, 2, 3, 3\)"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3), (3,)], {},
     "conv_transpose2d: bias must have one number for each of 2"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3)], {"stride": 0}, "conv_transpose2d: stride must be .* at least 1"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3)], {"dilation": 0},
     "conv_transpose2d: dilation must be .* at least 1"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3)], {"padding": -1},
     "conv_transpose2d: padding must be .* at least 0"),
    (F.conv_transpose2d, [(1, 4, 5, 5), (4, 2, 3, 3)], {"output_padding": -1},
     "conv_transpose2d: output_padding must be .* at least 0"),
])
def test_errors_name_the_rule(rng, f, shapes, kwargs, message):
    with pytest.raises(ValueError, match=message):
        f(*(rng.standard_normal(shape) for shape in shapes), **kwargs)
