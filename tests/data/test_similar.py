"""An order in which what is alike comes together: still every row once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tinymm.data import order_by_likeness


@given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once_and_groups_are_a_row_and_its_nearest(n, size, seed, is_sparse):
    rng = np.random.default_rng(seed)
    vectors = rng.random((n, 4)) * (rng.random((n, 4)) < 0.6)
    order = order_by_likeness(csr_array(vectors) if is_sparse else vectors, size, np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(n))
    same = order_by_likeness(vectors, size, np.random.default_rng(seed))
    np.testing.assert_array_equal(order, same)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_clusters_come_whole(seed):
    """Twelve clusters of four, at right angles to each other: each stays together whatever is drawn."""
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(12), 4))
    vectors = np.repeat(np.eye(12), 40, axis=1)[cluster]                     # some of the 40 terms count in any draw
    groups = cluster[order_by_likeness(vectors, 4, rng)].reshape(12, 4)
    assert (groups == groups[:, :1]).all()


def test_groups_are_alike_in_one_thing_or_another():
    """Of rows with two properties, some groups share the one and some the other, hardly any both or none."""
    one, other = np.divmod(np.arange(400), 20)
    vectors = np.concatenate([np.eye(20)[one], np.eye(20)[other]], 1)
    groups = order_by_likeness(vectors, 5, np.random.default_rng(0)).reshape(80, 5)
    shares = [(np.ptp(values[groups], axis=1) == 0).mean() for values in (one, other)]
    assert min(shares) > 0.15


def test_another_seed_gives_another_order():
    vectors = np.random.default_rng(0).random((100, 5))
    one, other = (order_by_likeness(vectors, 5, np.random.default_rng(seed)) for seed in (1, 2))
    assert (one != other).any()


def test_groups_have_a_row():
    with pytest.raises(ValueError, match="order_by_likeness: groups must have at least 1 row; got 0"):
        order_by_likeness(np.eye(3), 0, np.random.default_rng(0))
