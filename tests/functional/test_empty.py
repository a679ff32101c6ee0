"""Axes of length 0: every reduction, loss and layer has a value there or refuses by name,
and gradients in the empty shape."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

OF_NOTHING = {"sum": 0.0, "prod": 1.0, "norm": 0.0, "logsumexp": -np.inf, "mean": np.nan, "var": np.nan, "std": np.nan,
              "amax": None, "amin": None, "max": None, "min": None}  # None: there is no such number


def test_every_reduction_is_listed():
    """A reduction that is added later must say what it is of no elements."""
    assert {name for name, f in tm.autograd.registry.items() if "keepdims" in f.op.names} == set(OF_NOTHING)


@pytest.mark.filterwarnings("ignore:Mean of empty", "ignore:Degrees of freedom", "ignore:invalid value")
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("name", sorted(OF_NOTHING))
def test_reductions_of_nothing(name, shape, axis, keepdims):
    """Nothing has a sum, but no largest element;
    where there is a result, gradients have the empty shape of the input."""
    f, axes = tm.autograd.registry[name], (0, 1) if axis is None else np.atleast_1d(axis)
    if name in ("max", "min") and isinstance(axis, tuple):
        return
    x = tm.tensor(np.zeros(shape), requires_grad=True)
    over_nothing = any(shape[k] == 0 for k in axes)
    expected_shape = np.sum(np.zeros(shape), axis=axis, keepdims=keepdims).shape
    if OF_NOTHING[name] is None and over_nothing:
        with pytest.raises(ValueError,
                           match=rf"^{name}: needs at least one element along axis .*{shape[0]}, {shape[1]}"):
            f(x, axis=axis, keepdims=keepdims)
        return
    y = f(x, axis=axis, keepdims=keepdims)
    y = y[0] if isinstance(y, tuple) else y
    assert y.shape == expected_shape
    np.testing.assert_array_equal(y.data, np.full(expected_shape, OF_NOTHING[name] or 0.0 if over_nothing else 0.0))
    d, = tm.grad(y, x, np.ones(y.shape), create_graph=True)
    assert d.shape == shape and d.dtype == x.dtype
    if d.requires_grad:
        second, = tm.grad(d, x, np.ones(shape), allow_unused=True)
        assert second is None or second.shape == shape


@pytest.mark.parametrize("name", sorted(n for n, f in tm.autograd.registry.items() if "reduction" in f.op.names))
def test_losses_of_an_empty_batch(name):
    """The sum over no examples is 0, their mean does not exist, and their losses are none."""
    f = tm.autograd.registry[name]
    target = np.zeros(0, int) if name in ("index_cross_entropy", "nll_loss") else np.zeros((0, 3))
    for reduction, shape in (("sum", ()), ("none", (0,) if target.ndim == 1 else (0, 3))):
        x = tm.tensor(np.zeros((0, 3)), requires_grad=True)
        y = f(x, target, reduction=reduction)
        y.backward(np.ones(y.shape))
        assert y.shape == shape and not y.data.any() and x.grad.shape == (0, 3)
    with pytest.raises(ValueError, match=f"^{name.removeprefix('index_')}: a mean over no .* does not exist"):
        f(x, target)


EMPTY = {
    "softmax": (lambda t: F.softmax(t, 1), (3, 0)), "log_softmax": (lambda t: F.log_softmax(t, 1), (3, 0)),
    "cumsum": (lambda t: F.cumsum(t, 1), (3, 0)), "sort": (lambda t: F.sort(t, 1)[0], (3, 0)),
    "topk": (lambda t: F.topk(t, 0, 1)[0], (3, 2)), "layer_norm": (lambda t: F.layer_norm(t, 3), (0, 3)),
    "layer_norm of no features": (lambda t: F.layer_norm(t, 0), (3, 0)),
    "rms_norm": (lambda t: F.rms_norm(t, 0), (3, 0)),
    "group_norm": (lambda t: F.group_norm(t, 1), (2, 3, 0)), "matmul": (lambda t: t @ np.zeros((0, 4)), (3, 0)),
    "dot": (lambda t: t @ t, (0,)), "outer": (lambda t: F.outer(t, t), (0,)),
    "linear": (lambda t: F.linear(t, np.zeros((4, 0)), np.ones(4)), (3, 0)),
    "einsum": (lambda t: F.einsum("ij->j", t), (0, 3)),
    "conv2d": (lambda t: F.conv2d(t, np.ones((2, 1, 2, 2))), (0, 1, 4, 4)),
    "max_pool2d": (lambda t: F.max_pool2d(t, 2), (0, 1, 4, 4)),
    "conv_transpose2d": (lambda t: F.conv_transpose2d(t, np.ones((1, 2, 2, 2))), (0, 1, 4, 4)),
    "avg_pool2d": (lambda t: F.avg_pool2d(t, 2), (0, 1, 4, 4)), "getitem": (lambda t: t[np.zeros(0, int)], (3, 2)),
    "getitem of nothing": (lambda t: t[1:1], (3, 2)), "concatenate": (lambda t: F.concatenate([t, t]), (0, 3)),
    "adaptive_avg_pool2d": (lambda t: F.adaptive_avg_pool2d(t, 2), (0, 1, 4, 4)),
    "adaptive_avg_pool2d of no channels": (lambda t: F.adaptive_avg_pool2d(t, 2), (2, 0, 4, 4)),
    "attention of width 0": (lambda t: F.scaled_dot_product_attention(t, t, np.ones((1, 2, 4))), (1, 2, 0)),
    "cross_entropy of probabilities": (lambda t: F.cross_entropy(t, np.ones((0, 3)), reduction="sum"), (0, 3)),
    "attention to nothing": (lambda t: F.scaled_dot_product_attention(np.ones((1, 2, 3)), t, t), (1, 0, 3)),
}


@pytest.mark.filterwarnings("ignore:Mean of empty", "ignore:invalid value")
@pytest.mark.parametrize("name", EMPTY)
def test_other_functions_of_nothing(name):
    """A batch, a sequence or a feature axis of length 0 goes through forwards, backwards and backwards again."""
    f, shape = EMPTY[name]
    x = tm.tensor(np.zeros(shape), requires_grad=True)
    y = f(x)
    assert np.isfinite(y.data).all()
    d, = tm.grad(y, x, np.ones(y.shape), create_graph=True)
    assert d.shape == shape and not d.data.any()
    if d.requires_grad:
        second, = tm.grad(d, x, np.ones(shape), allow_unused=True)
        assert second is None or second.shape == shape


def test_a_product_of_nothing_in_primitive_ops_is_one_too():
    np.testing.assert_array_equal(F.prod.op.composite(tm.tensor(np.zeros((2, 0))), 1).data, [1, 1])


def test_attention_without_features_is_the_mean():
    """Every score is an empty sum, whose division by the root of no features is 0 / 0."""
    x, value = np.zeros((1, 2, 0)), np.array([[[1.0, 5.0], [3.0, 8.0]]])
    for f in (F.scaled_dot_product_attention, lambda *a, **k: F.attention(*a, **k)[0]):
        np.testing.assert_allclose(f(x, x, value), [[[2.0, 6.5], [2.0, 6.5]]], rtol=1e-15)
        np.testing.assert_allclose(f(x, x, value, is_causal=True), [[[1.0, 5.0], [2.0, 6.5]]], rtol=1e-15)


@pytest.mark.parametrize("shape", [(1, 1, 0, 0), (1, 2, 0, 3), (1, 2, 3, 0)])
def test_an_image_without_pixels_has_no_averages(shape):
    with pytest.raises(ValueError,
                       match=rf"^adaptive_avg_pool2d: needs at least one pixel; got \({', '.join(map(str, shape))}\)"):
        F.adaptive_avg_pool2d(np.zeros(shape), 2)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("n", [0, 2])
def test_a_choice_among_no_classes(n, reduction, smoothing):
    """There is no distribution over nothing, and smoothing would divide by 0."""
    for target in (np.zeros((n, 0)), np.zeros(n, int)):
        with pytest.raises(ValueError, match=rf"^cross_entropy: needs at least one class; got \({n}, 0\)"):
            F.cross_entropy(np.zeros((n, 0)), target, reduction=reduction, label_smoothing=smoothing)
    with pytest.raises(ValueError, match=rf"^nll_loss: needs at least one class; got \({n}, 0\)"):
        F.nll_loss(np.zeros((n, 0)), np.zeros(n, int), reduction=reduction)


@pytest.mark.parametrize("f", [F.argmax, F.argmin])
def test_the_place_of_nothing(f):
    """NumPy's message names neither the function nor the shape."""
    with pytest.raises(ValueError, match=rf"{f.__name__}: needs at least one element along axis 1; got \(3, 0\)"):
        f(tm.tensor(np.zeros((3, 0))), 1)
    with pytest.raises(np.exceptions.AxisError):
        f(np.zeros((3, 2)), 5)
    assert f(np.zeros((3, 0)), 0).shape == (0,)
