"""Products and norms where spec rows do not go: errors, layouts BLAS cannot read, the cost of a weight's gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing.strategies import shapes


@given(shapes(0, 4, 1, 3), shapes(0, 4, 1, 3), st.integers(0, 2**32 - 1))
def test_matmul_of_any_two_shapes_is_numpys_or_an_error_that_shows_them(a_shape, b_shape, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
    try:
        expected = np.matmul(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="^matmul: the last dimension of a must equal") as error:
            F.matmul(tm.Tensor(a), tm.Tensor(b))
        assert f"got {a_shape} and {b_shape}" in str(error.value)
    else:
        np.testing.assert_allclose(F.matmul(tm.Tensor(a), tm.Tensor(b)).data, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("view", [lambda x: x[::-1], lambda x: x[:, ::-1], lambda x: np.asfortranarray(x),
                                  lambda x: x[:, :1] + x * 0, lambda x: np.broadcast_to(x[:1], x.shape),
                                  lambda x: np.broadcast_to(x[:, :1], x.shape),
                                  lambda x: np.broadcast_to(x[:1, :1], x.shape), lambda x: np.repeat(x, 2, 1)[:, ::2]])
def test_matmul_of_any_layout(view, dtype, rng):
    x, w = view(rng.standard_normal((4, 4)).astype(dtype)), rng.standard_normal((4, 4)).astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for a, b in ((x, w), (w, x), (x, x.T), (x[None], w), (w[None], x)):
        np.testing.assert_allclose(F.matmul(a, b), np.array(a) @ np.array(b), rtol=0, atol=tolerance)


def test_of_nothing():
    a, b = (tm.tensor(np.zeros(shape), requires_grad=True) for shape in ((2, 3, 0), (0, 4)))
    y = a @ b
    y.backward(np.ones((2, 3, 4)))
    assert not y.data.any() and a.grad.shape == (2, 3, 0) and b.grad.shape == (0, 4)


def test_the_gradient_of_a_shared_matrix_is_one_product(monkeypatch, rng):
    """Not a stack of products, summed afterwards."""
    x = tm.tensor(rng.standard_normal((5, 3, 4)), requires_grad=True)
    w = tm.tensor(rng.standard_normal((4, 2)), requires_grad=True)
    y = x @ w
    largest = []
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda a, b: largest.append(matmul(a, b).ndim) or matmul(a, b))
    y.backward(rng.standard_normal(y.shape))
    assert set(largest) <= {2}


@pytest.mark.parametrize("shapes",
                         [((2, 3), (4, 2), None), ((2, 3), (3,), None), ((3,), (2, 3), (3,)), ((), (2, 3), None)])
def test_linear_names_what_does_not_fit(shapes):
    arrays = [None if shape is None else np.zeros(shape) for shape in shapes]
    with pytest.raises(ValueError, match=r"linear: needs input \(\.\.\., K\), weight \(N, K\) and bias \(N,\); got"):
        F.linear(*arrays)


def test_norm_at_zero_has_zero_gradient():
    for order in (0.5, 1, 1.5, 2, 3, np.inf):
        x = tm.tensor(np.zeros(3), requires_grad=True)
        F.norm(x, order).backward()
        np.testing.assert_array_equal(x.grad, np.zeros(3))
    x = tm.tensor(np.array([[0.0, 0.0], [3.0, 4.0]]), requires_grad=True)
    F.norm(x, dim=1).backward([1.0, 10.0])
    np.testing.assert_allclose(x.grad, [[0, 0], [6, 8]], rtol=1e-15)
    for order in (0, -1, -np.inf):
        with pytest.raises(ValueError, match="norm: ord must be positive"):
            F.norm(np.ones(2), order)


def test_second_derivative_of_a_length_at_a_component_that_is_zero():
    """(1 − x xᵀ / y²) / y also along an axis on which x has no part."""
    x = np.array([0.0, 3.0, 4.0])
    expected = (np.eye(3) - np.outer(x, x) / 25) / 5
    for row, e in zip(expected, np.eye(3)):
        t = tm.tensor(x, requires_grad=True)
        d, = tm.grad(F.norm(t), t, create_graph=True)
        np.testing.assert_allclose(tm.grad(d, t, e)[0].data, row, atol=1e-15)
