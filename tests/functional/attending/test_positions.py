"""Distances and the biases on them: the slopes of the paper, T5's buckets one by one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)


def test_relative_positions():
    assert F.relative_positions(2, 4, offset=2).tolist() == [[-2, -1, 0, 1], [-3, -2, -1, 0]]


def test_alibi_slopes_of_the_paper():
    """8 heads: 1/2 to 1/256; 16: halfway between in the exponent; otherwise every second of the next larger."""
    np.testing.assert_allclose(F.alibi_slopes(8), [2.0 ** -k for k in range(1, 9)], rtol=1e-15)
    np.testing.assert_allclose(F.alibi_slopes(16), [2.0 ** (-k / 2) for k in range(1, 17)], rtol=1e-15)
    np.testing.assert_allclose(F.alibi_slopes(12), [*F.alibi_slopes(8), *(2.0 ** -(k + 0.5) for k in range(4))],
                               rtol=1e-15)
    with pytest.raises(ValueError, match="alibi_slopes: needs at least one head; got 0"):
        F.alibi_slopes(0)


@given(SEEDS, st.integers(1, 6), st.integers(0, 5))
def test_alibi_bias_is_a_slope_times_the_distance(seed, heads, offset):
    T, S = np.random.default_rng(seed).integers(1, 6, 2)
    bias, slopes = F.alibi_bias(heads, T, S, offset, np.float64), F.alibi_slopes(heads)
    for h, t, s in np.ndindex(heads, T, S):
        assert bias[h, t, s] == -slopes[h] * abs(s - (t + offset))
    np.testing.assert_array_equal(F.alibi_bias(heads, 7, 7, dtype=np.float64)[:, 5:],
                                  F.alibi_bias(heads, 2, 7, 5, np.float64))


def test_alibi_keeps_float32_and_is_a_mask(rng):
    query, key, value = rng.standard_normal((3, 2, 4, 6, 8)).astype(np.float32)
    y, weights = F.attention(query, key, value, F.alibi_bias(4, 6))
    assert y.dtype == np.float32
    e = F.attention_scores(query, key) - F.alibi_slopes(4)[:, None, None] * np.abs(F.relative_positions(6, 6))
    np.testing.assert_allclose(weights, F.softmax(e, -1), atol=1e-6)


def bucket(n, exact, farthest):
    """By exact arithmetic: the number of whole steps of (farthest / exact)^(1 / exact) from exact to n."""
    if n < exact:
        return n
    return max(k for k in range(exact) if exact ** exact * farthest ** k <= n ** exact * exact ** k) + exact


@pytest.mark.parametrize("buckets, farthest", [(32, 128), (32, 1000), (8, 20), (4, 3)])
def test_t5_buckets_one_by_one(buckets, farthest):
    distances = np.arange(-300, 301)
    both, past = F.t5_buckets(distances, buckets, farthest), \
        F.t5_buckets(distances, buckets, farthest, bidirectional=False)
    for d, b, p in zip(distances.tolist(), both.tolist(), past.tolist()):
        assert b == bucket(abs(d), buckets // 4, farthest) + (buckets // 2 if d > 0 else 0)
        assert p == bucket(max(-d, 0), buckets // 2, farthest)


def test_t5_buckets_of_the_published_code():
    """PyTorch's float32 logarithms give the same, at all distances."""
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
    n = torch.arange(0, 2000)
    far = 8 + (torch.log(n.float() / 8) / math.log(128 / 8) * 8).clamp(min=-100).to(torch.long)
    expected = torch.where(n < 8, n, far.clamp(max=15))
    np.testing.assert_array_equal(F.t5_buckets(-n.numpy(), 32, 128), expected.numpy())


def test_t5_bucket_errors():
    for arguments in ((30, 128), (32, 8), (2, 128)):
        with pytest.raises(ValueError, match="t5_buckets: num_buckets must be a multiple of 4"):
            F.t5_buckets(np.arange(3), *arguments)
    with pytest.raises(ValueError, match="multiple of 2 and max_distance above num_buckets / 2; got 32 and 16"):
        F.t5_buckets(np.arange(3), 32, 16, bidirectional=False)
