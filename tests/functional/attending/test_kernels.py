"""Linear attention: its three forms are one function, its chunks do not show, its memory does not grow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.attending.kernels import CHUNK

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, T=6, S=6, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in ((2, 3, T, 4), (2, 3, S, 4), (2, 3, S, 5))]


@given(SEEDS, st.booleans())
def test_linear_and_quadratic_form_agree(seed, causal):
    """Values and gradients, with padding."""
    rng = np.random.default_rng(seed)
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(seed)]
    mask = rng.random((2, 1, 6)) < 0.7
    linear = F.linear_attention(*inputs, mask, causal)
    quadratic, weights = F.quadratic_linear_attention(*inputs, mask, causal)
    np.testing.assert_allclose(linear.data, quadratic.data, atol=1e-12)
    seen = (mask[:, :, None, :] & (F.causal_mask(6) | (not causal))).any(-1)
    np.testing.assert_allclose(weights.data.sum(-1), np.broadcast_to(seen, weights.shape[:-1]), atol=1e-12)
    g = rng.standard_normal(linear.shape)
    for a, b in zip(tm.grad(linear, inputs, g), tm.grad(quadratic, inputs, g)):
        np.testing.assert_allclose(a.data, b.data, atol=1e-11)


@given(SEEDS)
def test_decoding_step_by_step_is_the_causal_form(seed):
    query, key, value = drawn(seed)
    whole, state = F.linear_attention(query, key, value, is_causal=True), None
    for t in range(6):
        output, state = F.linear_attention_step(query[..., t, :], key[..., t, :], value[..., t, :], state)
        np.testing.assert_allclose(output, whole[..., t, :], atol=1e-12)
        assert [a.shape for a in state] == [(2, 3, 4, 5), (2, 3, 4)]


@pytest.mark.parametrize("T", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3, 3 * CHUNK, 4 * CHUNK + 5])
# sums of T products of size 1 to 10
@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-11), (np.float32, 2e-3)])
def test_chunks_do_not_show(T, dtype, close, rng):
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(3, T, T, dtype)]
    y, plain = F.causal_product(*inputs), F.tril(inputs[0] @ inputs[1].mT) @ inputs[2]
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, plain.data, atol=close)
    g = rng.standard_normal(y.shape).astype(dtype)
    for a, b in zip(tm.grad(y, inputs, g), tm.grad(plain, inputs, g)):
        np.testing.assert_allclose(a.data, b.data, atol=close)


@given(SEEDS, st.integers(1, 5))
def test_the_future_and_the_padding_are_invisible(seed, cut):
    rng = np.random.default_rng(seed)
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(seed)]
    y = F.linear_attention(*inputs, is_causal=True)
    g = rng.standard_normal(y.shape)
    g[..., cut:, :] = 0
    for d in tm.grad(y, inputs, g):
        assert not d.data[..., cut:, :].any() and d.data[..., :cut, :].any()
    mask = np.arange(6) < cut
    padded = F.linear_attention(*inputs, mask)
    alone = F.linear_attention(inputs[0], *(x[..., :cut, :] for x in inputs[1:]))
    np.testing.assert_allclose(padded.data, alone.data, atol=1e-12)
    for d in tm.grad(padded, inputs[1:], rng.standard_normal(y.shape)):
        assert not d.data[..., cut:, :].any()


def test_a_query_that_may_attend_to_nothing(rng):
    inputs = [tm.tensor(a, requires_grad=True) for a in drawn(5)]
    mask = np.ones((2, 1, 6), bool)
    mask[1] = False
    y = F.linear_attention(*inputs, mask)
    assert not y.data[1].any()
    for d in tm.grad(y, inputs, rng.standard_normal(y.shape)):
        assert np.isfinite(d.data).all() and not d.data[1].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_feature_map_is_positive_far_below_zero(dtype):
    """elu(x) + 1 would be 0 there, and the weights 0 / 0."""
    x = np.array([-80.0, -40.0, -20.0, 0.0, 5.0], dtype)
    y = F.elu_feature_map(x)
    assert y.dtype == dtype and (y > 0).all()
    np.testing.assert_allclose(y, [*np.exp(x[:3], dtype=np.float64), 1, 6], rtol=1e-5)
    np.testing.assert_allclose(F.elu_feature_map(x)[2:], (F.elu(x) + 1)[2:], atol=1e-6)
    leaf = tm.tensor(x, requires_grad=True)
    F.elu_feature_map(leaf).backward(np.ones(5))
    np.testing.assert_allclose(leaf.grad, [*y[:3], 1, 1], rtol=1e-6)                    # at 0 both sides have slope 1


def test_another_feature_map(rng):
    query, key, value = drawn(7)
    output, weights = F.quadratic_linear_attention(query, key, value, feature_map=np.exp)
    np.testing.assert_allclose(F.linear_attention(query, key, value, feature_map=np.exp), output, atol=1e-12)
    np.testing.assert_allclose(weights[0, 0, 0, 0], np.exp(query[0, 0, 0]) @ np.exp(key[0, 0, 0])
                               / (np.exp(query[0, 0, 0]) @ np.exp(key[0, 0]).T).sum())


def test_errors():
    q, k, v = drawn(0, 4, 5)
    with pytest.raises(ValueError,
                       match=r"causal_product: query and key must share .*got \(2, 3, 4, 4\), \(2, 3, 5, 4\)"):
        F.linear_attention(q, k, v, is_causal=True)


@pytest.mark.parametrize("q", [-60.0, -30.0, 0.0, 60.0])
@pytest.mark.parametrize("k", [-60.0, 0.0])
@pytest.mark.parametrize("causal", [False, True])
def test_products_of_small_features_stay_in_range(q, k, causal):
    """e⁻⁶⁰ · e⁻⁶⁰ is 0 in float32; in the quotient it cancels."""
    query, key, value = drawn(0)
    inputs = query + q, key + k, value
    forms = [lambda *a: F.linear_attention(*a, is_causal=causal),
             lambda *a: F.quadratic_linear_attention(*a, is_causal=causal)[0],
             lambda *a: F.linear_attention_step(*(t[:, :, 0] for t in a))[0]]
    for form in forms:
        leaves = [[tm.tensor(a.astype(dtype), requires_grad=True) for a in inputs]
                  for dtype in (np.float32, np.float64)]
        found, exact = (form(*group) for group in leaves)
        np.testing.assert_allclose(found.data, exact.data, rtol=1e-4, atol=1e-5)
        g = np.random.default_rng(1).standard_normal(found.shape)
        for a, b in zip(tm.grad(found, leaves[0], g), tm.grad(exact, leaves[1], g)):
            np.testing.assert_allclose(a.data, b.data, rtol=1e-3, atol=1e-4)
