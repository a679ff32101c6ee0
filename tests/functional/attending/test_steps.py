"""What the spec rows of attention cannot say: exact zeros, what masks hide, what the query decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


def drawn(rng, dtype=np.float64, B=2, H=3, T=5, S=6, D=4):
    return [rng.standard_normal((B, H, n, D)).astype(dtype) for n in (T, S, S)]


def gradients(output, inputs, g):
    return [d.data for d in tm.grad(output, inputs, g)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32 - 1), padding=st.integers(1, 5))
def test_padded_keys_are_invisible(dtype, seed, padding):
    rng = np.random.default_rng(seed)
    query, key, value = (tm.tensor(a, requires_grad=True) for a in drawn(rng, dtype))
    mask = np.arange(6) < 6 - padding                                           # (S,)
    output, weights = F.attention(query, key, value, mask)
    assert (weights.data[..., -padding:] == 0).all()
    _, dk, dv = gradients(output, [query, key, value], rng.standard_normal(output.shape))
    assert (dk[..., -padding:, :] == 0).all() and (dv[..., -padding:, :] == 0).all()
    key.data[..., -padding:, :] = 1e3
    value.data[..., -padding:, :] = -7
    again = F.scaled_dot_product_attention(query, key, value, mask)
    # another form: rounds otherwise
    np.testing.assert_allclose(again.data, output.data, rtol=0, atol=20 * np.finfo(dtype).eps)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_future_is_invisible(seed, t):
    rng = np.random.default_rng(seed)
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(rng, S=5)]
    output = F.scaled_dot_product_attention(*inputs, is_causal=True)
    g = rng.standard_normal(output.shape)
    g[..., t:, :] = 0                                                           # a loss of the past alone
    for d in gradients(output, inputs, g):
        assert (d[..., t:, :] == 0).all()
    for x in inputs:
        x.data[..., t:, :] += 1
    again = F.scaled_dot_product_attention(*inputs, is_causal=True)
    np.testing.assert_array_equal(again.data[..., :t, :], output.data[..., :t, :])


@pytest.mark.parametrize("additive", [False, True])
def test_a_query_that_may_attend_to_nothing(additive, rng):
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(rng)]
    mask = rng.random((5, 6)) < 0.6
    mask[2] = False
    mask = np.where(mask, 0.0, -np.inf) if additive else mask
    output = F.scaled_dot_product_attention(*inputs, mask)
    assert (output.data[..., 2, :] == 0).all()
    g = rng.standard_normal(output.shape)
    dq, dk, dv = gradients(output, inputs, g)
    assert (dq[..., 2, :] == 0).all() and all(np.isfinite(d).all() for d in (dq, dk, dv))
    g[..., 2, :] = 1e6                                                          # its cotangent reaches nobody
    for a, b in zip(gradients(F.scaled_dot_product_attention(*inputs, mask), inputs, g), (dq, dk, dv)):
        np.testing.assert_array_equal(a, b)


def test_is_causal_is_aligned_at_the_top_left():
    assert F.causal_mask(2, 4).tolist() == [[True, False, False, False], [True, True, False, False]]
    assert F.causal_mask(3, 1).all() and F.causal_mask(2).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("T, S", [(2, 4), (4, 2), (3, 3)])
def test_is_causal_is_the_causal_mask(T, S, rng):
    query, key, value = drawn(rng, T=T, S=S)
    output, weights = F.attention(query, key, value, F.causal_mask(T, S))
    np.testing.assert_array_equal(F.attention(query, key, value, is_causal=True)[1], weights)
    np.testing.assert_array_equal(F.explicit_attention(query, key, value, is_causal=True), output)


def test_a_query_for_every_batch_of_keys(rng):
    query, key, value = drawn(rng)
    output, weights = F.attention(query[0], key, value)
    np.testing.assert_allclose(output, F.attention(np.broadcast_to(query[0], query.shape), key, value)[0], atol=1e-13)
    assert weights.shape == (2, 3, 5, 6)


def test_a_mask_does_not_change_the_dtype(rng):
    scores = rng.standard_normal((5, 6)).astype(np.float32)
    assert F.attention_weights(scores, rng.standard_normal((5, 6))).dtype == np.float32


def test_huge_scores_choose_one_key(rng):
    query, key, value = drawn(rng, np.float32)
    output = F.scaled_dot_product_attention(1e4 * query, key, value)
    best = np.argmax(query @ key.mT, -1)
    np.testing.assert_allclose(output, np.take_along_axis(value, best[..., None], -2), atol=1e-5)


def test_equal_keys_give_the_mean(rng):
    query, key, value = drawn(rng)
    output = F.scaled_dot_product_attention(query, np.ones_like(key), value)
    np.testing.assert_allclose(output, np.broadcast_to(value.mean(-2, keepdims=True), output.shape), atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_attention_does_not_know_the_order_of_keys(seed):
    rng = np.random.default_rng(seed)
    query, key, value = drawn(rng)
    order = rng.permutation(6)
    np.testing.assert_allclose(F.scaled_dot_product_attention(query, key[..., order, :], value[..., order, :]),
                               F.scaled_dot_product_attention(query, key, value), atol=1e-12)


@pytest.mark.parametrize("lead", [(), (2,), (1, 2)])
@pytest.mark.parametrize("shape",
                         [None, (5, 6), (1, 6), (6, 5, 6), (1, 5, 6), (2, 6, 5, 6), (2, 1, 5, 6), (1, 6, 5, 6)])
def test_grouped_queries_are_repeated_keys(lead, shape, rng):
    query, key, value = (rng.standard_normal((*lead, *s)) for s in ((6, 5, 4), (2, 6, 4), (2, 6, 3)))
    mask = None if shape is None else rng.random(shape[max(0, len(shape) - len(lead) - 3):]) < 0.7
    output, weights = F.attention(query, key, value, mask, enable_gqa=True)
    expected, expected_weights = F.attention(query, key.repeat(3, -3), value.repeat(3, -3), mask)
    np.testing.assert_allclose(output, expected, atol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-12)


def test_dropout_drops_weights_and_shows_them_whole(rng):
    query, key, value = drawn(rng)
    output, weights = F.attention(query, key, value, dropout_p=0.5, rng=np.random.default_rng(0))
    np.testing.assert_allclose(weights.sum(-1), 1)
    dropped = F.dropout(weights, 0.5, rng=np.random.default_rng(0))
    np.testing.assert_allclose(output, dropped @ value)
    with pytest.raises(ValueError, match="rng"):
        F.attention(query, key, value, dropout_p=0.5)


def test_a_linear_concat_score_ignores_its_query(rng):
    """e = w_k·k + w_q·q: the second term is the same for every key, and the softmax does not see it."""
    query, key, value = (tm.tensor(a, requires_grad=True) for a in drawn(rng))
    w_q, w_k = (tm.tensor(rng.standard_normal(4), requires_grad=True) for _ in range(2))
    scores = (query @ w_q)[..., :, None] + (key @ w_k)[..., None, :]            # (B, H, T, S)
    output = F.attention_sum(F.attention_weights(scores), value)
    dq, dw_q, dw_k = gradients(output, [query, w_q, w_k], rng.standard_normal(output.shape))
    np.testing.assert_allclose(dq, 0, atol=1e-13)
    np.testing.assert_allclose(dw_q, 0, atol=1e-13)
    assert np.abs(dw_k).max() > 1e-3


def test_an_additive_score_does_not(rng):
    query, key, value = drawn(rng)
    w_q, w_k, w_v = (tm.tensor(rng.standard_normal(s), requires_grad=True) for s in ((7, 4), (7, 4), (7,)))
    output = F.attention_sum(F.attention_weights(F.additive_scores(query, key, w_q, w_k, w_v)), value)
    assert np.abs(gradients(output, [w_q], rng.standard_normal(output.shape))[0]).max() > 1e-3


def test_the_three_steps_make_the_whole(rng):
    query, key, value = drawn(rng)
    mask = F.causal_mask(5, 6)
    scores = F.attention_scores(query, key)
    np.testing.assert_allclose(scores, F.general_scores(query, key, np.eye(4)) / 2, atol=1e-12)
    output = F.attention_sum(F.attention_weights(scores, mask), value)
    np.testing.assert_array_equal(output, F.explicit_attention(query, key, value, is_causal=True))


def test_errors(rng):
    query, key, value = drawn(rng)
    with pytest.raises(ValueError, match=r"share the last dimension; got \(2, 3, 5, 3\) and \(2, 3, 6, 4\)"):
        F.scaled_dot_product_attention(query[..., :3], key, value)
    with pytest.raises(ValueError, match="is_causal makes the mask itself"):
        F.scaled_dot_product_attention(query, key, value, np.ones((5, 6), bool), is_causal=True)
    with pytest.raises(ValueError, match="boolean .* or floating; got int64"):
        F.scaled_dot_product_attention(query, key, value, np.ones((5, 6), np.int64))
    with pytest.raises(ValueError, match=r"attention: the mask must broadcast to \(..., 1, 6\); got \(5, 6\)"):
        F.attention(query[..., :1, :], key, value, np.ones((5, 6), bool))
    with pytest.raises(ValueError, match="divide the query's"):
        F.scaled_dot_product_attention(query, key[:, :2], value[:, :2], enable_gqa=True)
    with pytest.raises(ValueError, match="divide the query's"):
        F.attention(query, key[:, :1], value, enable_gqa=True)
