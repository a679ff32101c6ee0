"""What the spec rows of the normalisations cannot say: moments, invariances, running statistics, constant rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import blocks
from tinymm.functional.normalization import _in_order, _side_by_side, batch_norm_composite
from tinymm.testing.strategies import arrays, shapes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -12345.678, 1e30])
def test_layer_norm_of_a_constant_row_is_the_bias(dtype, value):
    x = tm.tensor(np.full((3, 1000), value, dtype), requires_grad=True)
    bias = np.arange(1000, dtype=dtype)
    y = F.layer_norm(x, 1000, bias=bias)
    np.testing.assert_array_equal(y.data, np.broadcast_to(bias, (3, 1000)))
    assert np.isfinite(tm.grad(y, x, bias * np.ones((3, 1), dtype))[0].data).all()


def test_float32_layer_norm_of_small_differences_on_a_large_offset(rng):
    x = (4096 + np.round(rng.standard_normal((4, 512)) * 256) / 256).astype(np.float32)     # exact in float32
    np.testing.assert_allclose(F.layer_norm(x, 512), F.layer_norm(x.astype(np.float64), 512), atol=1e-5)


@given(arrays(shapes(2, 2, min_side=2), distinct=True), st.integers(0, 2**32 - 1), st.floats(-5, 5), st.floats(0.5, 5))
def test_layer_norm_forgets_shift_and_scale(x, seed, shift, scale):
    g = np.random.default_rng(seed).standard_normal(x.shape)
    np.testing.assert_allclose(F.layer_norm(scale * x + shift, x.shape[1], eps=0.0),
                               F.layer_norm(x, x.shape[1], eps=0.0), atol=1e-9)
    t = tm.tensor(x, requires_grad=True)
    d = tm.grad(F.layer_norm(t, x.shape[1], eps=0.0), t, g)[0].data
    bound = 1e-9 * max(1, np.abs(d).max())
    np.testing.assert_allclose(d.sum(-1), 0, atol=bound)            # shift
    np.testing.assert_allclose((d * x).sum(-1), 0, atol=bound)      # scale


def test_group_norm_of_one_group_is_a_layer_norm(rng):
    x = rng.standard_normal((2, 4, 3))
    np.testing.assert_allclose(F.group_norm(x, 1), F.layer_norm(x, (4, 3)), atol=1e-12)


def test_batch_norm_running_statistics(rng):
    x = rng.standard_normal((6, 3, 5)) * 2 + 1
    mean, var = np.zeros(3), np.ones(3)
    mean_before, var_before = mean, var
    t = tm.tensor(x, requires_grad=True)
    y = F.batch_norm(t, mean, var, training=True, momentum=0.25)
    assert mean is mean_before and var is var_before
    np.testing.assert_allclose(mean, 0.25 * x.mean((0, 2)))
    np.testing.assert_allclose(var, 0.75 + 0.25 * x.var((0, 2), ddof=1))
    once = mean.copy()
    tm.grad(tm.grad(y, t, rng.standard_normal(x.shape), create_graph=True)[0], t, rng.standard_normal(x.shape))
    np.testing.assert_array_equal(mean, once, err_msg="differentiating must not count the batch again")
    F.batch_norm(x, mean, var)
    np.testing.assert_array_equal(mean, once, err_msg="nor must evaluation")


def test_batch_norm_buffers_may_be_tensors(rng):
    mean, var = tm.tensor(np.zeros(3)), tm.tensor(np.ones(3))
    x = rng.standard_normal((6, 3))
    F.batch_norm(x, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.data, x.mean(0))


def test_errors():
    x = np.zeros((2, 4))
    with pytest.raises(ValueError, match=r"layer_norm: the input must end in normalized_shape, \(3,\); got \(2, 4\)"):
        F.layer_norm(x, 3)
    with pytest.raises(ValueError, match="rms_norm: the weight"):
        F.rms_norm(x, 4, np.ones(3))
    with pytest.raises(ValueError, match="group_norm: the groups must divide"):
        F.group_norm(x, 3)
    with pytest.raises(ValueError, match="more than one value per channel"):
        F.batch_norm(x[:1], training=True)
    with pytest.raises(ValueError, match="evaluation needs"):
        F.batch_norm(x)
    with pytest.raises(ValueError, match="one number per channel"):
        F.batch_norm(x, weight=np.ones(3), training=True)


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_equals_its_composite(training, rng):
    inputs = [tm.tensor(rng.standard_normal(s), requires_grad=True) for s in ((4, 3, 5), (3,), (3,))]
    mean, var, g = rng.standard_normal(3), rng.random(3) + 0.5, rng.standard_normal((4, 3, 5))

    def results(f):
        x, w, b = inputs
        y = f(x, mean.copy(), var.copy(), w, b, training, 0.1, 1e-5)
        return [y.data, *(d.data for d in tm.grad(y, inputs, g))]

    for a, b in zip(results(F.batch_norm), results(F.batch_norm.op.composite)):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_batch_norm_rounds_as_little_where_channels_lie_side_by_side(rng):
    """32768 values per channel in float32:
    added up one after another the mean would be off by 1e-5 of the deviation."""
    x = (rng.standard_normal((32, 4, 32, 32)) + 3).astype(np.float32)
    beside = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    true = F.batch_norm(x.astype(np.float64), training=True)
    for a in (x, beside):
        np.testing.assert_allclose(F.batch_norm(a, training=True), true, rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_numbers_per_channel_meet_channels_that_lie_side_by_side_in_long_runs(shape, rng):
    a, planes = rng.standard_normal((1, 3, *[1] * (len(shape) - 2))), rng.standard_normal(shape)
    beside = np.moveaxis(np.ascontiguousarray(np.moveaxis(planes, 1, -1)), -1, 1)
    assert _in_order(a, planes) is a and not _side_by_side(planes)
    if len(shape) == 2:
        return                                                                  # there is one order only
    met = _in_order(a, beside)
    assert _side_by_side(beside) and met.shape == (1, 3, *[1] * (len(shape) - 3), shape[-1])
    assert (met == a).all() and (met.strides[1], met.strides[-1]) == (met.itemsize, 3 * met.itemsize)


@pytest.mark.parametrize("norm", [F.layer_norm, F.rms_norm])
def test_stretches_of_rows_do_not_show(norm, rng, monkeypatch):
    x, weight, bias, g = (rng.standard_normal(s) for s in ((7, 3), (3,), (3,), (7, 3)))
    tensors = [tm.tensor(a, requires_grad=True) for a in ((x, weight, bias) if norm is F.layer_norm else (x, weight))]
    results = []
    for block in (blocks.BLOCK, 6):     # all rows at once, two at a time
        monkeypatch.setattr(blocks, "BLOCK", block)
        y = norm(tensors[0], 3, *tensors[1:])
        results.append([y.data, *(d.data for d in tm.grad(y, tensors, g))])
    for whole, parts in zip(*results, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rms_norm_adds_the_machine_epsilon_of_the_input_unless_told(dtype):
    """As `torch.nn.functional.rms_norm`: where the mean square is as small as that, it halves it."""
    epsilon = float(np.finfo(dtype).eps)
    x = np.array([[1.0, -1.0, 1.0, -1.0], [2.0, 0.0, 0.0, 0.0]], dtype) * dtype(math.sqrt(epsilon))
    np.testing.assert_allclose(F.rms_norm(x, 4), np.sign(x) * np.array([[1.0], [2.0]]) / math.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(F.rms_norm(x, 4, None, 0.0), np.sign(x) * np.array([[1.0], [2.0]]), rtol=1e-6)
    g = np.array([[1.0, 0.0, 0.0, 0.0]], dtype)
    t = tm.tensor(x[:1], requires_grad=True)
    F.rms_norm(t, 4).backward(g)
    scale = 1 / math.sqrt(2 * epsilon)                              # x̄ = (g − x̂ ⟨g x̂⟩) / σ, x̂ = ±1/√2
    np.testing.assert_allclose(t.grad, scale * (g - np.sign(x[:1]) / 8), rtol=1e-5, atol=1e-6 * scale)


def test_running_statistics_that_change_before_the_gradient_do_not_change_it(rng):
    """In evaluation x − μ is made again for the gradient: of the μ that the forward pass saw."""
    x, w = (tm.tensor(rng.standard_normal(shape), requires_grad=True) for shape in [(4, 3, 2), (3,)])
    mean, var, g = rng.standard_normal(3), rng.uniform(1, 2, 3), rng.standard_normal((4, 3, 2))
    y = F.batch_norm(x, mean, var, w)
    expected = (g * (x.data - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)).sum((0, 2))
    mean += 1e6
    np.testing.assert_allclose(tm.grad(y, [w], g)[0].data, expected, rtol=1e-10)


def test_running_statistics_are_not_rounded_where_x_is_of_integers(rng):
    x, mean, var = rng.integers(-9, 9, (4, 3, 2)), rng.standard_normal(3), rng.uniform(0.1, 0.9, 3)
    expected = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    for form in (F.batch_norm, batch_norm_composite):
        np.testing.assert_allclose(form(x, mean, var, None, None, False, 0.1, 1e-5), expected, rtol=1e-10, atol=1e-12)
