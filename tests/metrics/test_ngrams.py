"""N-gram counts against a search at every position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import ngram_counts


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 5))
def test_counts_equal_a_search_at_every_position(tokens, n):
    counts = ngram_counts(tokens, n)
    assert counts.total() == max(0, len(tokens) - n + 1)
    for ngram, count in counts.items():
        assert count == sum(tuple(tokens[i:i + n]) == ngram for i in range(len(tokens)))


def test_order_zero_is_an_error():
    with pytest.raises(ValueError, match="ngram_counts: n must be at least 1; got 0"):
        ngram_counts("a b".split(), 0)
