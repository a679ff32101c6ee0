"""Batches: every row once, the same again from the same state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.batching import batches, batches_by_length


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


@given(st.lists(st.integers(1, 30), min_size=1, max_size=80), st.integers(1, 20), st.none() | st.integers(0, 9))
def test_batches_by_length_hold_every_row_once_and_neighbours_in_length(lengths, batch_size, seed):
    parts = batches_by_length(lengths, batch_size, None if seed is None else np.random.default_rng(seed))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(lengths)))
    assert len(parts) == len(batches(len(lengths), batch_size)) and all(len(part) <= batch_size for part in parts)
    spans = sorted((min(np.array(lengths)[part]), max(np.array(lengths)[part])) for part in parts)
    assert all(high <= low for (_, high), (low, _) in zip(spans, spans[1:]))  # no batch reaches into another's lengths
    if seed is None:
        assert [min(np.array(lengths)[part]) for part in parts] == [low for low, _ in spans]


def test_rows_of_one_length_meet_others_each_time(rng):
    first, second = ({frozenset(part.tolist()) for part in batches_by_length([5] * 40, 8, rng)} for _ in range(2))
    assert first != second


@pytest.mark.parametrize(("lengths", "batch_size"), [([], 4), ([3], 0)])
def test_batches_by_length_needs_a_batch(lengths, batch_size):
    with pytest.raises(ValueError, match="batches_by_length: needs rows for at least one batch"):
        batches_by_length(lengths, batch_size)
