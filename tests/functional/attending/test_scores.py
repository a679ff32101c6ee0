"""Where the score functions of article 4.1 agree, and where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, D=3, E=3, A=5):
    """Queries (2, 3, T, D), keys (2, 1, S, E), a network's W over [q; k] and v."""
    rng = np.random.default_rng(seed)
    T, S = rng.integers(1, 5, 2)
    return [rng.standard_normal(s) for s in ((2, 3, T, D), (2, 1, S, E), (A, D + E), (A,))]


@given(SEEDS)
def test_dot_scaled_and_general_are_one_family(seed):
    query, key, *_ = drawn(seed)
    e = F.dot_scores(query, key)
    np.testing.assert_allclose(F.attention_scores(query, key, scale=1), e, atol=1e-13)
    np.testing.assert_allclose(F.attention_scores(query, key) * np.sqrt(3), e, atol=1e-13)
    np.testing.assert_allclose(F.general_scores(query, key, np.eye(3)), e, atol=1e-13)


@given(SEEDS)
def test_concat_is_additive_with_its_matrices_side_by_side(seed):
    """Values, and the gradients of all inputs, W's in two halves."""
    query, key, W, v = (tm.tensor(a, requires_grad=True) for a in drawn(seed, 2, 4))
    halves = [tm.tensor(h.copy(), requires_grad=True) for h in (W.data[:, :2], W.data[:, 2:])]
    joined, split = F.concat_scores(query, key, W, v), F.additive_scores(query, key, *halves, v)
    np.testing.assert_allclose(joined.data, split.data, atol=1e-13)
    g = np.random.default_rng(seed).standard_normal(joined.shape)
    dq, dk, dW, dv = (d.data for d in tm.grad(joined, [query, key, W, v], g))
    for a, b in zip((dq, dk, dW[:, :2], dW[:, 2:], dv), tm.grad(split, [query, key, *halves, v], g)):
        np.testing.assert_allclose(a, b.data, atol=1e-12)


def test_keys_may_have_more_axes_in_front_than_queries(rng):
    query, key, W, v = rng.standard_normal((2, 3)), rng.standard_normal((4, 5, 3)), rng.standard_normal((6, 6)), \
        rng.standard_normal(6)
    e = F.concat_scores(query, key, W, v)
    assert e.shape == (4, 2, 5)
    for k in range(4):
        np.testing.assert_allclose(e[k], F.concat_scores(query, key[k], W, v), atol=1e-13)


@given(SEEDS)
def test_a_network_with_tanh_and_no_bias_is_concat(seed):
    query, key, W, v = drawn(seed)
    network = F.mlp_scores(query, key, W, np.zeros(5), v, F.tanh)
    np.testing.assert_allclose(network, F.concat_scores(query, key, W, v), atol=1e-13)


def test_a_relu_network_holds_the_linear_score_and_more(rng):
    """relu(x) − relu(−x) = x: a network with W, −W and v, −v is linear, and its weights do not depend on the query."""
    query, key, W, v = drawn(0)
    W2, v2 = np.concatenate([W, -W]), np.concatenate([v, -v])
    e = F.mlp_scores(query, key, W2, np.zeros(10), v2)
    np.testing.assert_allclose(F.softmax(e, -1), F.softmax(F.mlp_scores(-query, key, W2, np.zeros(10), v2), -1),
                               atol=1e-12)
    f = F.mlp_scores(query, key, W, rng.standard_normal(5), v)
    assert np.abs(F.softmax(f, -1) - F.softmax(F.mlp_scores(-query, key, W, np.zeros(5), v), -1)).max() > 0.01


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    query, key, W, v = (a.astype(dtype) for a in drawn(1))
    for e in (F.dot_scores(query, key), F.concat_scores(query, key, W, v),
              F.mlp_scores(query, key, W, np.zeros(5, dtype), v)):
        assert e.dtype == dtype


def test_errors():
    query, key, W, v = drawn(2)
    with pytest.raises(ValueError,
                       match=r"dot_scores: query and key must share the last dimension; got .*\b2\) and .*\b3\)"):
        F.dot_scores(query[..., :2], key)
    with pytest.raises(ValueError, match=r"concat_scores: weight must be \(A, 6\), .*got \(5, 5\)"):
        F.concat_scores(query, key, W[:, :5], v)
    with pytest.raises(ValueError, match=r"mlp_scores: weight must be \(A, 5\), .*got \(5, 6\)"):
        F.mlp_scores(query[..., :2], key, W, v, v)
