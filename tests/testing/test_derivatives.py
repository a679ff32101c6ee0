"""Jacobians, Hessians and products against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F
from tinymm.testing import check_complex_step, hessian, hvp, jacobian, jvp, vjp

seeds = st.integers(0, 2**32 - 1)


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 3)), rng.standard_normal((2, 3)), rng.standard_normal((3, 3)), \
        rng.standard_normal((2, 3))


@given(seeds)
def test_products_of_a_matrix_product(seed):
    A, B, U, V = drawn(seed)
    f = lambda a, b: b @ a  # noqa: E731
    value, product = jvp(f, [A, B], [U, V])
    np.testing.assert_allclose(value, B @ A)
    np.testing.assert_allclose(product, V @ A + B @ U, atol=1e-12)
    _, (dA, dB) = vjp(f, [A, B], V)
    np.testing.assert_allclose(dA, B.T @ V, atol=1e-12)
    np.testing.assert_allclose(dB, V @ A.T, atol=1e-12)


@given(seeds)
def test_jacobian_of_a_matrix_product(seed):
    A, B, _, _ = drawn(seed)
    JA, JB = jacobian(lambda a, b: b @ a, [A, B])
    np.testing.assert_allclose(JA, np.einsum("ik,jl->ijkl", B, np.eye(3)))
    np.testing.assert_allclose(JB, np.einsum("ik,lj->ijkl", np.eye(2), A))


@given(seeds)
def test_hessian_of_a_quadratic_form_with_a_cubic(seed):
    A, _, U, _ = drawn(seed)
    x, v = U[0], U[1]
    f = lambda x: (x @ A) @ x + (x * x * x).sum()  # noqa: E731
    H = A + A.T + np.diag(6 * x)
    np.testing.assert_allclose(hessian(f, x), H, atol=1e-12)
    np.testing.assert_allclose(hvp(f, x, v)[1], H @ v, atol=1e-12)


def test_blocks_and_unused_inputs():
    x, z = np.array([1.0, 2.0]), np.array([3.0])
    blocks = hessian(lambda x, z: (x * x).sum() * 2, [x, z])
    np.testing.assert_array_equal(blocks[0][0], 4 * np.eye(2))
    assert [[b.shape for b in row] for row in blocks] == [[(2, 2), (2, 1)], [(1, 2), (1, 1)]]
    assert not blocks[0][1].any() and not blocks[1][1].any()
    assert jvp(lambda x: F.sum(x * 0 + 1), x, x)[1] == 0
    np.testing.assert_array_equal(jvp(lambda x: 3 * x, x, x)[1], 3 * x)  # linear: J does not depend on x


def test_float32_stays():
    x = np.ones(2, np.float32)
    assert jacobian(np.exp, x).dtype == jvp(np.exp, x, x)[1].dtype \
        == hvp(lambda x: np.exp(x).sum(), x, x)[1].dtype == np.float32


def test_a_vector_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"jvp: v must have the shapes of the inputs, \[\(2,\)\]; got \[\(3,\)\]"):
        jvp(np.exp, np.ones(2), np.ones(3))


def test_hessian_vector_products_agree_with_complex_steps():
    assert check_complex_step(lambda x: F.softmax(x, -1), [np.array([0.3, -1.0, 2.0])], order=2).error < 1e-12
