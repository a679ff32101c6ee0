"""What the spec rows of embedding cannot say: the padding row, exact sums of repeats, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


@given(st.integers(1, 5), st.integers(0, 60), st.sampled_from([np.float32, np.float64]), st.integers(0, 2**32 - 1))
def test_repeats_add_up_exactly(rows, n, dtype, seed):
    rng = np.random.default_rng(seed)
    index, g = rng.integers(0, rows, n), rng.integers(-8, 8, (n, 3)).astype(dtype)    # whole numbers: no rounding
    weight = tm.tensor(rng.standard_normal((rows, 3)).astype(dtype), requires_grad=True)
    d, = tm.grad(F.embedding(index, weight), weight, g)
    expected = np.zeros((rows, 3))
    for i, row in zip(index, g):
        expected[i] += row
    assert d.dtype == dtype
    np.testing.assert_array_equal(d.data, expected)


@pytest.mark.parametrize("padding_idx", [0, 1, 3, -1, -3, -4])
def test_the_padding_row_gets_nothing(padding_idx, rng):
    weight = tm.tensor(rng.standard_normal((4, 2)), requires_grad=True)
    index = np.array([[0, 1, 1], [3, 1, 0]])
    y = F.embedding(index, weight, padding_idx)
    np.testing.assert_array_equal(y.data, weight.data[index])
    g = rng.standard_normal(y.shape)
    d = tm.grad(y, weight, g)[0].data
    expected = np.array([g[0, 0] + g[1, 2], g[0, 1] + g[0, 2] + g[1, 1], [0, 0], g[1, 0]])
    expected[padding_idx] = 0
    np.testing.assert_allclose(d, expected, rtol=1e-14)


def test_errors():
    weight = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"embedding: an index must lie in \[0, 4\).*got 4"):
        F.embedding(np.array([0, 4]), weight)
    with pytest.raises(ValueError, match="got -1"):
        F.embedding(np.array([-1]), weight)
    with pytest.raises(ValueError, match="must be integers; got float64"):
        F.embedding(np.array([0.0]), weight)
    with pytest.raises(ValueError, match="padding_idx"):
        F.embedding(np.array([0]), weight, 4)
