"""Luong's local attention: what lies outside the window, what the position learns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from([0.5, 1.0, 2.5]))
def test_keys_outside_the_window_are_invisible(seed, reach):
    rng = np.random.default_rng(seed)
    scores, positions = rng.standard_normal((2, 3, 9)), rng.uniform(0, 9, (2, 3))
    leaf = tm.tensor(scores, requires_grad=True)
    weights = F.local_weights(leaf, positions, reach)
    far = np.abs(np.arange(9) - positions[..., None]) > reach
    assert not weights.data[far].any() and (weights.data[~far] > 0).all()
    assert (weights.data.sum(-1) <= 1 + 1e-12).all()
    d, = tm.grad(weights, leaf, rng.standard_normal(weights.shape))
    assert not d.data[far].any()


def test_both_ends_of_the_window_are_in_it(rng):
    weights = F.local_weights(rng.standard_normal((1, 9)), np.array([4.0]), 2.0)
    assert np.flatnonzero(weights).tolist() == [2, 3, 4, 5, 6]


def test_a_wide_window_is_soft_attention(rng):
    scores, positions = rng.standard_normal((2, 3, 9)), rng.uniform(0, 9, (2, 3))
    np.testing.assert_allclose(F.local_weights(scores, positions, 1e6), F.attention_weights(scores), atol=1e-9)


@given(SEEDS)
def test_the_position_is_pulled_towards_what_pays(seed):
    """Even scores: a reward on one key of the window moves the position towards it."""
    rng = np.random.default_rng(seed)
    p = tm.tensor(np.array([rng.uniform(3, 6)]), requires_grad=True)
    s = int(rng.choice([round(p.data[0]) - 1, round(p.data[0]) + 1]))
    g = np.zeros((1, 10))
    g[0, s] = 1
    d, = tm.grad(F.local_weights(np.zeros((1, 10)), p, 4.0), p, g)
    assert np.sign(d.data[0]) == np.sign(s - p.data[0])


@given(SEEDS)
def test_predicted_positions_lie_within_the_source(seed):
    rng = np.random.default_rng(seed)
    query, W, v = rng.standard_normal((2, 3, 4)) * 9, rng.standard_normal((5, 4)), rng.standard_normal(5) * 9
    length = rng.integers(1, 20, (2, 1))
    p = F.predicted_positions(query, W, v, length)
    assert p.shape == (2, 3) and (p >= 0).all() and (p <= length).all()
    assert F.predicted_positions(query.astype(np.float32), W.astype(np.float32), v.astype(np.float32),
                                 7).dtype == np.float32


def test_errors():
    with pytest.raises(ValueError, match="local_weights: reach must be positive; got 0"):
        F.local_weights(np.zeros((1, 3)), np.zeros(1), 0)
