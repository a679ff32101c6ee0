"""What dropout does at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


@given(st.floats(0.05, 0.95), st.sampled_from([np.float32, np.float64]), st.integers(0, 2**32 - 1))
def test_the_expectation_is_the_input(p, dtype, seed):
    n = 40_000
    y = F.dropout(np.ones(n, dtype), p, rng=np.random.default_rng(seed))
    assert y.dtype == dtype
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=1e-6)
    # the mean of n Bernoulli draws over 1 − p: six standard deviations, and the step of p
    assert abs(y.mean(dtype=np.float64) - 1) < 6 * np.sqrt(p / (1 - p) / n) + 2**-16 / (1 - p)


def test_backward_uses_the_same_mask(rng):
    x = tm.tensor(rng.standard_normal((50, 7)), requires_grad=True)
    y = F.dropout(x, 0.3, rng=rng)
    g = rng.standard_normal(x.shape)
    np.testing.assert_allclose(tm.grad(y, x, g)[0].data, g * (y.data / x.data), rtol=1e-12)


def test_neighbours_are_independent():
    kept = F.dropout(np.ones(100_000), 0.5, rng=np.random.default_rng(1)) != 0
    for lag in (1, 2, 3, 4, 8):     # four decisions share a random word
        assert abs((kept[lag:] == kept[:-lag]).mean() - 0.5) < 0.01


def test_same_seed_same_mask():
    a, b = (F.dropout(np.ones(1000), 0.5, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_evaluation_leaves_alone(rng):
    x = rng.standard_normal(5)
    np.testing.assert_array_equal(F.dropout(x, 0.5, training=False), x)
    np.testing.assert_array_equal(F.dropout(x, 0.0), x)
    assert (F.dropout(x, 1.0, rng=rng) == 0).all()


def test_errors():
    with pytest.raises(ValueError, match="dropout: training draws a mask; pass rng"):
        F.dropout(np.ones(3), 0.5)
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]; got 1.5"):
        F.dropout(np.ones(3), 1.5)
