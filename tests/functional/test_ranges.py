"""What is finite stays so: squares of large numbers are not infinite on the way, those of small ones not 0.

Each function is asked at x times a power of two, up to both ends of float32's range and float64's, and compared with
what mathematics says of scaling: y(2ᵏ x) = 2ᵏ y(x) and x̄(2ᵏ x) = x̄(x) for lengths, y unchanged and x̄ / 2ᵏ for what
is normalised.
"""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

X = np.array([[1.0, 3.0, 5.0, -2.0], [2.0, -2.0, 1.5, 0.0]])
POWERS = {np.float32: [-100, -64, -20, 0, 20, 61, 64, 100, 124], np.float64: [-900, -500, 0, 500, 900, 1020]}
SCALED = [(dtype, power) for dtype, powers in POWERS.items() for power in powers]
LENGTHS = {
    "std": lambda x: F.std(x, 1), "std of columns": lambda x: F.std(x, 0), "std of all": lambda x: F.std(x),
    "norm": lambda x: F.norm(x, 2, 1), "norm of all": lambda x: F.norm(x), "cubic norm": lambda x: F.norm(x, 3, 1),
    "root norm": lambda x: F.norm(x, 0.5, 1), "taxi norm": lambda x: F.norm(x, 1, 1),
    "largest": lambda x: F.norm(x, np.inf, 1)}
NORMALISED = {
    "layer norm": lambda x: F.layer_norm(x, 4, eps=0.0), "root mean square": lambda x: F.rms_norm(x, 4, eps=0.0),
    "group norm": lambda x: F.group_norm(x, 2, eps=0.0),
    "batch norm": lambda x: F.batch_norm(x, training=True, eps=0.0),
    "direction": lambda x: x / F.norm(x, 2, 1, keepdims=True)}


def value_and_gradient(f, x):
    x = tm.tensor(x, requires_grad=True)
    y = f(x)
    g = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
    plain, = tm.grad(y, x, g, retain_graph=True)
    recorded, = tm.grad(y, x, g, create_graph=True)
    return y.data, plain.data, recorded.data


@pytest.mark.parametrize("dtype, power", SCALED)
@pytest.mark.parametrize("name", [*LENGTHS, *NORMALISED])
def test_a_power_of_two_changes_nothing_but_the_exponent(name, dtype, power):
    f = LENGTHS.get(name) or NORMALISED[name]
    if name == "root norm" and power > 100:
        power -= 8                                              # (Σ √|x|)² is some times larger than x
    x = X.astype(dtype)
    y, d, _ = value_and_gradient(f, x)
    found, plain, recorded = value_and_gradient(f, np.ldexp(x, power))
    close = {"rtol": 8 * np.finfo(dtype).eps}
    here, there = (power, 0) if name in LENGTHS else (0, -power)
    np.testing.assert_allclose(np.ldexp(found, -here), y, atol=4 * np.finfo(dtype).eps, **close)
    for gradient in (plain, recorded):
        rounded = 16 * np.finfo(dtype).eps + (np.ldexp(np.finfo(dtype).tiny, power) if there < 0 else 0)
        np.testing.assert_allclose(np.ldexp(gradient, -there), d, atol=rounded, **close)


@pytest.mark.parametrize("name", ["layer norm", "root mean square", "batch norm"])
def test_large_rows_beside_ordinary_and_tiny_ones(name):
    """Each row, or channel, has its own scale; ε stands beside the squares of x as it is."""
    rows = np.array([[1e20, 2e20, 7e20], [1, 3, -4], [1e-30, 3e-30, 0], [1e38, -3e38, 2e38], [0, 0, 0]], np.float32)
    f = {"layer norm": lambda x: F.layer_norm(x, 3), "root mean square": lambda x: F.rms_norm(x, 3, eps=1e-5),
         "batch norm": lambda x: F.batch_norm(x.T, training=True).T}[name]
    for found, exact in zip(value_and_gradient(f, rows), value_and_gradient(f, rows.astype(np.float64))):
        assert found.dtype == np.float32
        largest = np.abs(exact).max(1, keepdims=True) + 1e-300
        np.testing.assert_allclose(found / largest, exact / largest, atol=1e-5)


def test_a_variance_that_is_finite_though_differences_are_not():
    """1e308 − (−1e308) is infinite."""
    x = np.array([1e308, -1e308])
    y, d, _ = value_and_gradient(F.std, x)
    np.testing.assert_allclose([y, *np.abs(d)], [2**0.5 * 1e308, *np.abs(value_and_gradient(F.std, x / 1e308)[1])])
    with np.errstate(over="ignore"):
        assert F.var(x) == np.inf and F.var(x * 1e-160) == pytest.approx(2e296)
    assert F.norm(np.array([1e308, 1e308])) == pytest.approx(2**0.5 * 1e308)


def test_what_is_infinite_or_not_a_number_stays_so():
    for f in (F.norm, F.var, F.std):
        with np.errstate(invalid="ignore"):
            assert np.isnan(f(np.array([1.0, np.nan, 2.0], np.float32)))
    assert F.norm(np.array([1e30, -np.inf], np.float32)) == np.inf and F.norm(np.zeros(3)) == 0


def test_running_statistics_of_large_numbers():
    x = np.array([[1e19], [3e19], [5e19]], np.float32)
    mean, var = np.zeros(1, np.float32), np.zeros(1, np.float32)
    with np.errstate(over="ignore"):
        F.batch_norm(x, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean, 3e19, rtol=1e-6)
    assert var == np.inf                                        # 4e38, which float32 does not hold
