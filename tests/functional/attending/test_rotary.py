"""Rotary embeddings: scores that know the distance only, two conventions that differ by an order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)
ROTARY = pytest.mark.parametrize("rotary", [F.rotary_interleaved, F.rotary_half_split])


@ROTARY
@given(SEEDS, st.integers(-1000, 1000))
def test_scores_depend_on_the_distance_only(rotary, seed, shift):
    rng = np.random.default_rng(seed)
    query, key = rng.standard_normal((2, 5, 8))
    t, s = rng.integers(-50, 50, 5), rng.integers(-50, 50, 5)
    e = rotary(query, t) @ rotary(key, s).mT
    np.testing.assert_allclose(rotary(query, t + shift) @ rotary(key, s + shift).mT, e, atol=1e-11)
    # and through the distance alone: turning the key by s − t leaves the query as it is
    for i, j in np.ndindex(5, 5):
        np.testing.assert_allclose(e[i, j], query[i] @ rotary(key[j:j + 1], [s[j] - t[i]])[0], atol=1e-11)


@ROTARY
@given(SEEDS)
def test_rotations_keep_lengths_and_can_be_undone(rotary, seed):
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((3, 4, 6)), rng.uniform(-9, 9, 4)
    y = rotary(x, t)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(rotary(y, -t), x, atol=1e-13)
    np.testing.assert_array_equal(rotary(x, np.zeros(4)), x)
    np.testing.assert_array_equal(rotary(x), rotary(x, np.arange(4)))


@given(SEEDS, st.integers(1, 5))
def test_the_two_conventions_differ_by_the_order_of_features(seed, pairs):
    x = np.random.default_rng(seed).standard_normal((7, 2 * pairs))
    # firsts of the pairs, then seconds
    order = np.concatenate([np.arange(0, 2 * pairs, 2), np.arange(1, 2 * pairs, 2)])
    np.testing.assert_allclose(F.rotary_half_split(x[:, order]), F.rotary_interleaved(x)[:, order], atol=1e-13)
    if pairs > 1:
        assert np.abs(F.rotary_half_split(x) - F.rotary_interleaved(x)).max() > 1e-3


@ROTARY
def test_far_positions_keep_their_precision_in_float32(rotary, rng):
    """The angle is a large number: computed in float32 it would be off by 1e5 · 2⁻²⁴ rad, 6e-3."""
    x, t = rng.standard_normal((1, 8)), [100_000]
    y = rotary(x.astype(np.float32), t)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, rotary(x, t), atol=1e-6)


@ROTARY
def test_rotary_errors(rotary):
    with pytest.raises(ValueError, match=r"rotary_\w+: needs an even width and one position per row; got \(2, 3\)"):
        rotary(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(3,\) positions"):
        rotary(np.ones((2, 4)), np.arange(3))


@ROTARY
def test_positions_are_constants(rotary, rng):
    x = tm.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    g = rng.standard_normal((3, 4))
    d, = tm.grad(rotary(x, np.arange(3)), x, g)
    np.testing.assert_allclose(d.data, rotary(g, -np.arange(3)), atol=1e-14)
