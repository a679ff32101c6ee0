"""Batches: every row once, the same again from the same state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.batching import batches


@given(st.integers(1, 60), st.integers(1, 20), st.booleans(), st.none() | st.integers(0, 9))
def test_every_row_once(n, batch_size, drop_last, seed):
    if drop_last and n < batch_size:
        with pytest.raises(ValueError, match="at least one batch"):
            batches(n, batch_size, drop_last=True)
        return
    rng = None if seed is None else np.random.default_rng(seed)
    parts = batches(n, batch_size, rng, drop_last)
    rows = np.concatenate(parts)
    assert len(set(rows.tolist())) == len(rows) == (n - n % batch_size if drop_last else n)
    assert all(len(part) == batch_size for part in parts[:-1]) and all(part.dtype == np.int64 for part in parts)
    if seed is None:
        np.testing.assert_array_equal(rows, np.arange(len(rows)))


def test_resumes_from_the_generators_state():
    rng = np.random.default_rng(3)
    batches(50, 8, rng)
    state = rng.bit_generator.state
    second_epoch = batches(50, 8, rng)
    resumed = np.random.default_rng(0)
    resumed.bit_generator.state = state
    for a, b in zip(second_epoch[4:], batches(50, 8, resumed)[4:], strict=True):
        np.testing.assert_array_equal(a, b)
    assert rng.bit_generator.state == resumed.bit_generator.state


@pytest.mark.parametrize(("n", "batch_size"), [(0, 4), (4, 0), (-1, 1)])
def test_wrong_calls_say_so(n, batch_size):
    with pytest.raises(ValueError, match="at least one batch"):
        batches(n, batch_size)
