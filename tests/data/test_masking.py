"""What a masked language model is shown: counts, shares, and the places that are never chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinymm.data.masking import UNCHOSEN, mask_regions, mask_tokens

MASK, WORDS = 4, np.arange(5, 40)


@st.composite
def batches(draw):
    """Texts between <bos> and <eos>, padded with 0, and which of their places are words."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=5))
    ids = np.zeros((len(lengths), max(lengths) + 2), int)
    for row, n in zip(ids, lengths):
        row[:n + 2] = [1, *rng.choice(WORDS, n), 2]
    return ids, ids >= 5, rng


@given(batches(), st.floats(0.01, 1))
def test_counts_labels_and_special_tokens(batch, share):
    ids, words, rng = batch
    if not words.any():
        with pytest.raises(ValueError, match="mask_tokens: some word must be maskable"):
            mask_tokens(ids, words, MASK, WORDS, rng, share)
        return
    shown, labels = mask_tokens(ids, words, MASK, WORDS, rng, share)
    chosen = labels != UNCHOSEN
    assert not chosen[~words].any()
    assert (shown[~chosen] == ids[~chosen]).all() and (labels[chosen] == ids[chosen]).all()
    assert np.isin(shown[chosen], [MASK, *WORDS]).all()
    n = words.sum(1)
    assert (chosen.sum(1) == np.where(n == 0, 0, np.maximum(1, np.rint(share * n)))).all()


def test_shares_and_places():
    """80 % hidden, 10 % replaced, 10 % left, and every place equally likely: chi-square tests at 1e-4."""
    rng = np.random.default_rng(0)
    ids = np.tile(np.array([1, *range(5, 25), 2]), (4000, 1))            # 20 words: 3 of them are chosen
    shown, labels = mask_tokens(ids, ids >= 5, MASK, WORDS, rng)
    chosen = labels != UNCHOSEN
    hidden = (shown == MASK)[chosen].sum()
    same = (shown == ids)[chosen].sum()                                  # left, or replaced by itself
    n, itself = chosen.sum(), 0.1 / len(WORDS)
    expected = n * np.array([0.8, 0.1 + itself, 0.1 - itself])
    assert stats.chisquare([hidden, same, n - hidden - same], expected).pvalue > 1e-4
    assert stats.chisquare(chosen.sum(0)[1:-1]).pvalue > 1e-4
    assert n == 4000 * 3


@given(batches(), st.floats(0.05, 0.6))
def test_whole_words_are_chosen_whole(batch, share):
    ids, words, rng = batch
    starts = ~words | (rng.random(ids.shape) < 0.5)
    starts[:, 1] = True
    if not words.any():
        return
    _, labels = mask_tokens(ids, words, MASK, WORDS, rng, share, starts)
    chosen = labels != UNCHOSEN
    for row in range(len(ids)):
        word = np.cumsum(starts[row])
        for number in np.unique(word[words[row]]):
            assert np.unique(chosen[row, (word == number) & words[row]]).size == 1
        if words[row].any():
            assert chosen[row].any()
    assert not chosen[~words].any()


def test_every_piece_a_word_is_the_plain_form():
    """With words of one piece each, as many are chosen, and all places are equally likely."""
    rng = np.random.default_rng(0)
    ids = np.tile(np.array([1, *range(5, 15), 2]), (2000, 1))
    _, labels = mask_tokens(ids, ids >= 5, MASK, WORDS, rng, 0.2, np.ones(ids.shape, bool))
    chosen = labels != UNCHOSEN
    assert (chosen.sum(1) == 2).all()
    assert stats.chisquare(chosen.sum(0)[1:-1]).pvalue > 1e-4


@pytest.mark.parametrize("share", [0, -0.1, 1.5, np.nan])
def test_a_share_that_is_none(share):
    with pytest.raises(ValueError, match=r"mask_tokens: share must lie in \(0, 1\]"):
        mask_tokens(np.array([[5]]), np.array([[True]]), MASK, WORDS, np.random.default_rng(0), share)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5), st.floats(0.01, 1))
def test_regions_are_chosen_where_they_may_be_and_nine_in_ten_become_zero(seed, batch, regions, share):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((batch, regions, 3)).astype(np.float32)
    maskable = rng.random((batch, regions)) < 0.7
    features[~maskable] = np.nan                                         # what stands where there is none is left
    shown, chosen, emptied = mask_regions(features, maskable, rng, share)
    n = maskable.sum(1)
    assert (chosen.sum(1) == np.where(n == 0, 0, np.maximum(1, np.rint(share * n)))).all()
    assert not chosen[~maskable].any() and not emptied[~chosen].any() and shown.dtype == np.float32
    assert (shown[emptied] == 0).all()
    np.testing.assert_array_equal(shown[~emptied], features[~emptied])


def test_the_share_of_emptied_regions():
    _, chosen, emptied = mask_regions(np.ones((4000, 5, 1)), np.ones((4000, 5), bool), np.random.default_rng(0))
    n = chosen.sum()
    assert n == 4000 and abs(emptied.sum() - 0.9 * n) < 4 * np.sqrt(n * 0.09)
    assert stats.chisquare(chosen.sum(0)).pvalue > 1e-4                  # every region equally likely


def test_regions_refused_by_name():
    with pytest.raises(ValueError, match=r"mask_regions: share must lie in \(0, 1\]; got 0"):
        mask_regions(np.ones((1, 2, 1)), np.ones((1, 2), bool), np.random.default_rng(0), 0)
    with pytest.raises(ValueError, match=r"mask_regions: features must be \(B, N, F\), maskable \(B, N\); got"):
        mask_regions(np.ones((1, 2)), np.ones((1, 2), bool), np.random.default_rng(0))
