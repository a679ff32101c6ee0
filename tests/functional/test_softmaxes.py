"""What the spec rows of softmax cannot say: invariances, extremes, rows that are masked throughout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional import softmaxes
from tinymm.testing.strategies import arrays, shapes

BOTH = pytest.mark.parametrize("f", [F.softmax, F.log_softmax])


def pulled(f, x, g):
    x = tm.tensor(x, requires_grad=True)
    return tm.grad(f(x, -1), x, g)[0].data


@BOTH
@given(arrays(shapes(1, 3), low=-5, high=5), st.floats(-1e3, 1e3))
def test_a_shift_changes_nothing(f, x, shift):
    np.testing.assert_allclose(f(x + shift, -1), f(x, -1), rtol=1e-9, atol=1e-10)


@BOTH
@given(arrays(shapes(1, 3), low=-5, high=5), st.integers(0, 2**32 - 1))
def test_hence_gradients_sum_to_zero(f, x, seed):
    g = np.random.default_rng(seed).standard_normal(x.shape)
    np.testing.assert_allclose(pulled(f, x, g).sum(-1), 0, atol=1e-12)


@given(arrays(st.tuples(st.integers(1, 5))))
def test_jacobian_is_the_covariance_of_a_draw(x):
    jacobian = np.stack([pulled(F.softmax, x, row) for row in np.eye(len(x))])
    p = F.softmax(x, -1)
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes(dtype):
    x = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [3e38, 0, -np.inf]], dtype)
    np.testing.assert_allclose(F.softmax(x, -1), [[1, 0, 0], [1 / 3] * 3, [1, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(F.log_softmax(x[:2], -1), [[0, -2e4, -1e4], [-np.log(3)] * 3], rtol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_large_scores_along_every_axis(dim):
    """Each line by itself, however large: only its own maximum can be taken off."""
    lines = np.array([[0.0, 800, 799], [-800, -801, -900]])
    x = np.moveaxis(np.broadcast_to(lines, (2, 2, 3)), 2, dim)
    y = np.moveaxis(F.softmax(x, dim), dim, 2)
    e = np.exp(-1)
    np.testing.assert_allclose(y, [[[0, 1 / (1 + e), e / (1 + e)], [1 / (1 + e), e / (1 + e), 0]]] * 2, atol=1e-40)
    np.testing.assert_allclose(np.exp(F.log_softmax(x, dim)), F.softmax(x, dim), atol=1e-40, rtol=1e-12)


@pytest.mark.parametrize("about", [None, 0.0])
@pytest.mark.parametrize("dim", [0, 1])
def test_exponentials_that_are_finite_but_whose_sum_is_not(dim, about):
    """88 is the last integer whose exponential float32 holds, once; no warning tells of the first try."""
    x = np.full((16, 16), 88, np.float32)
    if about is None:
        y = F.softmax(x, dim)
    else:
        e, total, _ = softmaxes.exponentials(x, dim, np.full_like(x.sum(dim, keepdims=True), about))
        y = e / total
    assert (y == 1 / 16).all()


@pytest.mark.parametrize("dim", [0, 1])
def test_a_row_masked_throughout_gives_zero_and_gets_zero(dim, rng):
    x = rng.standard_normal((3, 4))
    x = np.moveaxis(x, 0, dim)
    np.moveaxis(x, dim, -1)[1] = -np.inf
    x = tm.tensor(x, requires_grad=True)
    y = F.softmax(x, dim)
    d, = tm.grad(y, x, rng.standard_normal(x.shape), create_graph=True)
    again, = tm.grad(d, x, rng.standard_normal(x.shape))
    for a in (y, d, again):
        row = np.moveaxis(a.data, dim, -1)
        assert (row[1] == 0).all() and np.isfinite(row).all()
    assert (np.moveaxis(F.log_softmax(x, dim).data, dim, -1)[1] == -np.inf).all()


def test_masked_entries_get_exactly_zero(rng):
    x = rng.standard_normal((5, 7))
    x[:, 3:] = -np.inf
    assert (pulled(F.softmax, x, rng.standard_normal(x.shape))[:, 3:] == 0).all()


@BOTH
def test_a_nan_is_not_hidden(f):
    assert np.isnan(f(np.array([0.0, np.nan]), -1)).all()


@BOTH
def test_empty(f):
    assert f(np.zeros((0, 3)), -1).shape == (0, 3)
    assert f(np.zeros((3, 0)), -1).shape == (3, 0)
