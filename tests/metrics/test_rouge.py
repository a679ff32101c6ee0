"""ROUGE-L on paper; the longest common subsequence against all subsequences."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import longest_common_subsequence, rouge_l

captions = st.lists(st.sampled_from("abc"), max_size=7)
words = st.lists(st.sampled_from("abcd"), min_size=1, max_size=8)
items = st.tuples(words, st.lists(words, min_size=1, max_size=4))


@given(captions, captions)
def test_lcs_equals_a_search_through_all_subsequences(a, b):
    def subsequences(s):
        return {c for length in range(len(s) + 1) for c in combinations(s, length)}
    assert longest_common_subsequence(a, b) == max(map(len, subsequences(a) & subsequences(b)))


def test_precision_and_recall_may_come_from_different_references():
    # h = "a b c d". Against "a b c x y z" LCS = 3: P = 3/4, R = 3/6. Against "a b" LCS = 2: P = 2/4, R = 2/2.
    # Best P = 3/4, best R = 1. With beta = 1.2: 2.44 * 3/4 * 1 / (1 + 1.44 * 3/4) = 1.83 / 2.08.
    score, per_item = rouge_l(["a b c d"], [["a b c x y z", "a b"]])
    assert score == per_item[0] == pytest.approx(1.83 / 2.08)
    # With beta = 2: 5 * 3/4 / (1 + 4 * 3/4) = 15/16.
    assert rouge_l(["a b c d"], [["a b c x y z", "a b"]], beta=2.0)[0] == pytest.approx(15 / 16)


def test_the_score_is_the_mean_over_items():
    score, per_item = rouge_l(["a b", "c d", ""], [["a b"], ["x"], ["", "x"]])
    assert per_item.tolist() == [1, 0, 0] and score == pytest.approx(1 / 3)


@given(words, st.lists(words, max_size=3))
def test_a_right_caption_scores_one(h, others):
    assert rouge_l([h], [[*others, h]])[0] == pytest.approx(1)


@given(items, st.randoms(use_true_random=False), words)
def test_bounds_reference_order_and_monotonicity(item, random, extra):
    h, references = item
    score = rouge_l([h], [references])[0]
    assert 0 <= score <= 1 + 1e-12
    assert (score > 0) == any(set(h) & set(r) for r in references)
    assert rouge_l([h], [random.sample(references, len(references))])[0] == score
    assert rouge_l([h], [[*references, extra]])[0] >= score - 1e-12     # a further reference can only help


@given(st.lists(items, min_size=1, max_size=4))
def test_items_are_scored_independently(corpus):
    per_item = rouge_l(*zip(*corpus))[1]
    np.testing.assert_array_equal(per_item, [rouge_l([h], [references])[0] for h, references in corpus])


def test_beta_must_be_positive():
    with pytest.raises(ValueError, match="rouge_l: beta must be positive; got 0"):
        rouge_l(["a"], [["a"]], beta=0)
