"""What the spec rows of the activations cannot say: float32 accuracy, tails, signs at zero."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


def gradient(f, x):
    x = tm.tensor(x, requires_grad=True)
    return tm.grad(f(x), x, np.ones_like(x.data))[0].data


def test_gelu_float32_is_within_an_epsilon_of_the_distribution_function():
    x = np.linspace(-12, 12, 400_001, dtype=np.float32)
    x = x[x != 0]
    error = F.gelu(x) / x.astype(np.float64) - scipy.special.ndtr(x.astype(np.float64))
    assert np.abs(error).max() < 1.5e-7     # the product rounds once more


def test_gelu_float32_slope():
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    # x φ(x) adds a rounding of its own to that of Φ: a few epsilons of 1
    np.testing.assert_allclose(gradient(F.gelu, x), gradient(F.gelu, x.astype(np.float64)), rtol=0, atol=5e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_far_out_is_the_rectifier(dtype, approximate):
    x = np.array([-1e18, -1e4, -50, 0, 50, 1e4, 1e18], dtype)
    np.testing.assert_array_equal(F.gelu(x, approximate), np.maximum(x, 0))
    np.testing.assert_array_equal(gradient(lambda t: F.gelu(t, approximate), x), [0, 0, 0, 0.5, 1, 1, 1])


def test_gelu_spans_blocks_and_layouts(rng):
    x = rng.standard_normal((140, 1000)).astype(np.float32)  # a block and a bit
    np.testing.assert_array_equal(F.gelu(x.T).T, F.gelu(x))
    np.testing.assert_array_equal(F.gelu(x)[-1, -3:], F.gelu(x[-1, -3:]))


def test_gelu_names_a_wrong_approximation():
    with pytest.raises(ValueError, match="gelu: approximate is 'none' or 'tanh'; got 'erf'"):
        F.gelu(np.zeros(1), approximate="erf")


@pytest.mark.parametrize("f", [F.relu, F.leaky_relu, F.elu, F.silu, F.quick_gelu, F.gelu])
def test_at_zero_the_slope_is_pytorchs(f):
    expected = {"relu": 0, "leaky_relu": 0.01, "elu": 1, "silu": 0.5, "quick_gelu": 0.5, "gelu": 0.5}[f.__name__]
    np.testing.assert_allclose(gradient(f, np.zeros(3)), expected)


@pytest.mark.parametrize("f", [F.relu, F.leaky_relu, F.elu, F.silu, F.quick_gelu])
@given(st.sampled_from([np.float32, np.float64]))
def test_nothing_overflows(f, dtype):
    x = np.array([-1e4, 1e4], dtype)
    y = f(x)
    assert y.dtype == dtype and np.isfinite(y).all() and y[1] == x[1]
    assert np.isfinite(gradient(f, x)).all()


def test_erf_in_float32():
    """Against SciPy's in float64, to a little more than a rounding; ±1 where P(x²) overflows; a sign for a sign."""
    x = np.concatenate([np.linspace(-7, 7, 200001), [1e19, -1e19, 3e38, np.inf, -np.inf, 1e-30]]).astype(np.float32)
    y, exact = F.erf(x), scipy.special.erf(x.astype(np.float64))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, exact, rtol=0, atol=1.8e-7)
    np.testing.assert_allclose(y, exact, rtol=8e-7)
    assert np.isnan(F.erf(np.float32(np.nan)))
    np.testing.assert_array_equal(F.erf(-x), -y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_signed_root_has_slope_zero_at_zero(dtype):
    """To both orders, where √relu(x) − √relu(−x) has NaN; beside it the slope is that of the root."""
    x = tm.tensor(np.array([0.0, -0.0, 4.0, -4.0], dtype), requires_grad=True)
    slope, = tm.grad(F.signed_sqrt(x).sum(), x, create_graph=True)
    np.testing.assert_array_equal(slope.data, np.array([0, 0, 0.25, 0.25], dtype))
    curvature, = tm.grad(slope.sum(), x)
    np.testing.assert_allclose(curvature.data, [0, 0, -1 / 32, 1 / 32], rtol=1e-6)


def test_the_signed_root_of_products_of_dead_units_passes_nothing():
    """relu(x) relu(y) is 0 around x = −1: the slope of the whole is 0, and that is what comes."""
    x = tm.tensor(np.array([-1.0, 2.0]), requires_grad=True)
    pooled = F.normalize(F.signed_sqrt(F.relu(x) * np.array([3.0, 0.0])), dim=-1)
    pooled.backward(np.ones(2))
    assert not x.grad.any()
