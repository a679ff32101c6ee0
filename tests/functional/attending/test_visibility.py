"""Masks: each element by its definition, and how they contain each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F

LENGTHS = st.integers(1, 7)
REACH = st.integers(0, 4)


@given(LENGTHS, LENGTHS, REACH, REACH, REACH)
def test_a_window_by_its_definition(T, S, before, after, offset):
    mask = F.sliding_window_mask(T, S, before, after, offset)
    assert mask.dtype == bool and mask.shape == (T, S)
    for t, s in np.ndindex(T, S):
        assert mask[t, s] == (-before <= s - (t + offset) <= after)


@given(LENGTHS, LENGTHS, st.integers(1, 4), st.booleans(), REACH)
def test_blocks_by_their_definition(T, S, size, causal, offset):
    mask = F.block_mask(T, S, size, causal, offset)
    for t, s in np.ndindex(T, S):
        query, key = (t + offset) // size, s // size
        assert mask[t, s] == (key <= query if causal else key == query)


@given(LENGTHS, REACH, st.integers(1, 5))
def test_a_stream_by_its_definition(T, sinks, window):
    mask = F.streaming_mask(T, sinks, window)
    for t, s in np.ndindex(T, T):
        assert mask[t, s] == (s <= t and (s < sinks or t - s < window))
    assert (mask.sum(1) <= sinks + window).all() and mask.diagonal().all()


@given(LENGTHS)
def test_wide_windows_and_blocks_of_one_are_the_causal_mask(T):
    causal = F.causal_mask(T)
    for mask in (F.sliding_window_mask(T, before=T), F.block_mask(T, size=1, causal=True), F.streaming_mask(T, 0, T),
                 F.streaming_mask(T, T, 1)):
        np.testing.assert_array_equal(mask, causal)


@given(LENGTHS, st.integers(0, 3))
def test_the_last_rows_are_what_an_offset_gives(T, more):
    whole = T + more
    np.testing.assert_array_equal(F.sliding_window_mask(T, whole, 2, 1, more),
                                  F.sliding_window_mask(whole, whole, 2, 1)[more:])
    np.testing.assert_array_equal(F.block_mask(T, whole, 2, True, more), F.block_mask(whole, whole, 2, True)[more:])


@pytest.mark.parametrize("call, message", [
    (lambda: F.sliding_window_mask(3, before=-1),
     "sliding_window_mask: a window reaches 0 or more .*got -1 before and 0 after"),
    (lambda: F.block_mask(3, size=0), "block_mask: a block has at least one position; got 0"),
    (lambda: F.streaming_mask(3, -1, 2),
     "streaming_mask: needs 0 or more sinks and a window of 1 or more; got -1 and 2"),
    (lambda: F.streaming_mask(3, 1, 0), "got 1 and 0"),
])
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
