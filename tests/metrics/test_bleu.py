"""BLEU on paper, against brute force, and its invariances."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import bleu, sentence_bleu

captions = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)
items = st.tuples(captions, st.lists(captions, min_size=1, max_size=4))
corpora = st.lists(items, min_size=1, max_size=5)


def test_clipping_on_paper():
    # Papineni's example: "the" occurs 7 times in the hypothesis, at most 2 times in a reference: p1 = 2/7.
    # No bigram "the the" in a reference: p2 = 1e-15/6, BLEU-2 = sqrt(2/7 * 1e-15/6) = 6.9e-9.
    scores = sentence_bleu("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"], 2)
    # c = 7, closest reference has 7 words: no penalty. The 1e-9 in the denominators moves p1 by 4e-11.
    np.testing.assert_allclose(scores, [2 / 7, math.sqrt(2 / 7 * 1e-15 / 6)], rtol=1e-8)


def test_brevity_penalty_on_paper():
    # c = 2, r = 4: all precisions are 1, penalty exp(1 - 4/2) = exp(-1).
    np.testing.assert_allclose(sentence_bleu("a b", ["a b c d"], 2), [math.exp(-1)] * 2, rtol=1e-8)
    # c = 4, r = 2: no penalty for length, but p1 = 2/4, p2 = 1/3.
    np.testing.assert_allclose(sentence_bleu("a b c d", ["a b"], 2), [1 / 2, math.sqrt(1 / 2 * 1 / 3)], rtol=1e-8)


def test_the_closest_reference_sets_the_length_and_a_tie_goes_to_the_shorter():
    # Lengths 3 and 5 are both 1 away from 4: r = 3, so no penalty. With r = 5 it would be exp(1 - 5/4) = 0.78.
    for references in (["a b c", "a b c d e"], ["a b c d e", "a b c"]):
        np.testing.assert_allclose(sentence_bleu("a b c d", references, 1), [1.0], rtol=1e-8)
    # 5 is closer to 4 than 2 is: r = 5, though "a b" is shorter.
    np.testing.assert_allclose(sentence_bleu("a b c d", ["a b", "a b c d e"], 1), [math.exp(1 - 5 / 4)], rtol=1e-8)


def test_the_corpus_score_sums_counts_before_dividing():
    # Item 1: 1 of 1 words right; item 2: 0 of 3. Corpus: 1/4, not the mean 1/2. Lengths equal: no penalty.
    np.testing.assert_allclose(bleu(["a", "x y z"], [["a"], ["b c d"]], 1), [1 / 4], rtol=1e-8)


def test_short_captions_have_no_four_grams():
    # Three perfect words: p4 = 1e-15/1e-9 = 1e-6, BLEU-4 = 1e-6 ** (1/4) = 0.0316. As documented.
    np.testing.assert_allclose(sentence_bleu("a b c", ["a b c"]), [1, 1, 1, 1e-6 ** 0.25], rtol=1e-6)


def test_an_empty_hypothesis_scores_zero():
    assert sentence_bleu("", ["a b"]).tolist() == [0, 0, 0, 0]


def brute_force(corpus, max_n):
    """BLEU without a dictionary: lists of n-grams, matched one by one and struck out."""
    c = sum(len(h) for h, _ in corpus)
    r = 0
    for h, references in corpus:
        r += sorted((abs(len(ref) - len(h)), len(ref)) for ref in references)[0][1]
    precisions, scores = [], []
    for n in range(1, max_n + 1):
        matched = total = 0
        for h, references in corpus:
            grams = [h[i:i + n] for i in range(len(h) - n + 1)]
            total += len(grams)
            for gram in [g for i, g in enumerate(grams) if g not in grams[:i]]:
                most = max([ref[i:i + n] for i in range(len(ref) - n + 1)].count(gram) for ref in references)
                matched += min(grams.count(gram), most)
        precisions.append((matched + 1e-15) / (total + 1e-9))
        scores.append(math.prod(precisions) ** (1 / n) * min(1.0, math.exp(1 - r / c)))
    return scores


@given(corpora, st.integers(1, 5))
def test_bleu_equals_brute_force(corpus, max_n):
    hypotheses, references = zip(*corpus)
    # 1e-8: the brevity penalty here leaves out the reference code's 1e-15 and 1e-9.
    np.testing.assert_allclose(bleu(hypotheses, references, max_n), brute_force(corpus, max_n), rtol=1e-8, atol=1e-12)


@given(corpora, st.randoms(use_true_random=False))
def test_the_order_of_items_and_references_does_not_matter(corpus, random):
    shuffled = [(h, random.sample(references, len(references))) for h, references in random.sample(corpus, len(corpus))]
    np.testing.assert_allclose(bleu(*zip(*corpus)), bleu(*zip(*shuffled)), rtol=1e-12)


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=4, max_size=9), min_size=1, max_size=4), captions)
def test_a_corpus_of_right_captions_scores_one(hypotheses, other):
    np.testing.assert_allclose(bleu(hypotheses, [[other, h] for h in hypotheses]), 1.0, rtol=1e-8)


@given(corpora)
def test_scores_lie_in_the_unit_interval_and_a_further_match_never_hurts(corpus):
    scores = bleu(*zip(*corpus))
    assert ((0 <= scores) & (scores <= 1)).all()
    # 1e-8: a closer reference length may bring c/r from above 1 to 1/(1 + 1e-9), the reference code's rounding.
    assert (bleu([h for h, _ in corpus], [[h, *references] for h, references in corpus]) >= scores - 1e-8).all()


def test_order_zero_is_an_error():
    with pytest.raises(ValueError, match="bleu: max_n must be at least 1; got 0"):
        bleu(["a"], [["a"]], max_n=0)
