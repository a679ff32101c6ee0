"""Grouped and multi-query attention: copies of heads, and their gradients summed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, H, readers):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) for s in ((2, H, 4, 3), (2, readers, 5, 3), (2, readers, 5, 2))], rng


@pytest.mark.parametrize("H, readers", [(4, 4), (4, 2), (6, 2), (3, 1)])
@given(SEEDS)
def test_the_explicit_form_is_enable_gqa(H, readers, seed):
    arrays, rng = drawn(seed, H, readers)
    inputs = [tm.tensor(a, requires_grad=True) for a in arrays]
    mask = rng.random((4, 5)) < 0.7
    explicit, _ = F.grouped_query_attention(*inputs, mask, scale=0.3)
    inside = F.scaled_dot_product_attention(*inputs, mask, scale=0.3, enable_gqa=True)
    np.testing.assert_allclose(explicit.data, inside.data, atol=1e-12)
    g = rng.standard_normal(explicit.shape)
    for a, b in zip(tm.grad(explicit, inputs, g), tm.grad(inside, inputs, g)):
        np.testing.assert_allclose(a.data, b.data, atol=1e-12)


@given(SEEDS)
def test_one_head_for_all_is_multi_query_attention(seed):
    (query, key, value), _ = drawn(seed, 3, 1)
    output, weights = F.grouped_query_attention(query, key, value, is_causal=True)
    expected, expected_weights = F.attention(query, key, value, is_causal=True)         # the head broadcasts
    np.testing.assert_allclose(output, expected, atol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-12)


def test_a_copied_head_receives_the_sum(rng):
    x = tm.tensor(rng.standard_normal((2, 3, 4, 5)), requires_grad=True)
    y = F.repeat_heads(x, 2)
    np.testing.assert_array_equal(y.data, x.data.repeat(2, 1))
    g = rng.standard_normal(y.shape)
    d, = tm.grad(y, x, g)
    np.testing.assert_allclose(d.data, g[:, ::2] + g[:, 1::2], atol=1e-14)


def test_errors():
    (query, key, value), _ = drawn(0, 3, 2)
    with pytest.raises(ValueError, match=r"grouped_query_attention: .* must .*divide the query's; got \(2, 3, 4, 3\)"):
        F.grouped_query_attention(query, key, value)
    with pytest.raises(ValueError, match=r"grouped_query_attention: .* must .*divide the query's; got \(2, 3, 4, 3\)"):
        F.grouped_query_attention(query, key, value[:, :1])
