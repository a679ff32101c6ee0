"""CIDEr-D on paper, against dense vectors, and its invariances."""

import math
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import DocumentFrequency, cider_d

captions = st.lists(st.sampled_from("abcd"), min_size=1, max_size=7)
items = st.tuples(captions, st.lists(captions, min_size=1, max_size=3))
corpora = st.lists(items, min_size=2, max_size=4)


def test_on_paper():
    # Two images. df: "a" stands in both, so ln 2 - ln 2 = 0; every other n-gram in one: weight ln 2.
    # Item 2: "a cat" against "a black cat sleeps", n = 2.
    #   unigrams: g_h = (cat: ln 2), |g_h| = ln 2; g_r = (black, cat, sleeps: ln 2), |g_r| = sqrt(3) ln 2;
    #             (ln 2 * ln 2) / (ln 2 * sqrt(3) ln 2) = 1/sqrt(3).
    #   bigrams:  "a cat" is not in the reference: 0.
    #   lengths 2 and 4: exp(-2^2 / (2 * 6^2)) = exp(-1/18).
    #   10 * (1/sqrt(3) + 0)/2 * exp(-1/18).
    references = [["a red dog runs"], ["a black cat sleeps"]]
    _, per_item = cider_d(["a red dog runs", "a cat"], references, n=2)
    np.testing.assert_allclose(per_item, [10, 5 / math.sqrt(3) * math.exp(-1 / 18)], rtol=1e-12)


def test_the_mean_over_references_on_paper():
    # One of two references is right, the other shares nothing and has the same length: (1 + 0)/2 * 10.
    _, per_item = cider_d(["a b", "q"], [["a b", "c d"], ["q"]], n=2)
    assert per_item[0] == pytest.approx(5)


def test_clipping_on_paper():
    # "dog" three times against one reference "dog": min(3w, w) * w / (3w * w) = 1/3; without clipping it would be 1.
    # Lengths 3 and 1: exp(-4/72).
    _, per_item = cider_d(["dog dog dog", "cat"], [["dog"], ["cat"]], n=1)
    assert per_item[0] == pytest.approx(10 / 3 * math.exp(-1 / 18))


def test_one_image_scores_zero_unless_the_document_frequency_comes_from_elsewhere():
    assert cider_d(["a b c d"], [["a b c d"]])[0] == 0
    df = DocumentFrequency.from_references([["a b c d"], ["e f"]])
    assert cider_d(["a b c d"], [["a b c d"]], document_frequency=df)[0] == pytest.approx(10)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_every_order_up_to_n_counts(n):
    """Of a caption of five words, k-grams for k = 6 do not exist: a zero term. A shared half of it on paper."""
    references = [["a b c d e"], ["v w x y z"]]
    _, per_item = cider_d(["a b c d e", "v w x p q"], references, n=n)
    # k-grams of "v w x" among 6 − k: max(0, 4 − k), all of one weight
    shares = [max(0, 4 - k) / (6 - k) if k < 6 else 0 for k in range(1, n + 1)]
    np.testing.assert_allclose(per_item, [10 * min(n, 5) / n, 10 * sum(shares) / n], rtol=1e-12)
    assert DocumentFrequency.from_references(references, n).n == n


def test_document_frequency_counts_images_not_captions():
    df = DocumentFrequency.from_references([["dog dog", "dog"], ["cat"], ["dog and cat"]], n=2)
    assert df.counts[("dog",)] == 2 and df.counts[("cat",)] == 2 and df.counts[("dog", "dog")] == 1
    assert df.documents == 3 and max(map(len, df.counts)) == 2
    assert df.idf(("dog",)) == pytest.approx(math.log(3 / 2))
    assert df.idf(("never", "seen")) == pytest.approx(math.log(3))


def dense(corpus, n, sigma):
    """CIDEr-D by vectors over every n-gram the alphabet allows, found by scanning."""
    def count(caption, gram):
        return sum(tuple(caption[i:i + len(gram)]) == gram for i in range(len(caption) - len(gram) + 1))
    scores = np.zeros(len(corpus))
    for k in range(1, n + 1):
        grams = list(product("abcd", repeat=k))
        def vector(caption):
            return np.array([count(caption, gram) for gram in grams])
        df = sum((np.sum([vector(r) for r in references], axis=0) > 0).astype(float) for _, references in corpus)
        idf = np.log(len(corpus) / np.maximum(1, df))
        for i, (h, references) in enumerate(corpus):
            for r in references:
                g_h, g_r = vector(h) * idf, vector(r) * idf
                norm = np.linalg.norm(g_h) * np.linalg.norm(g_r)
                cosine = np.minimum(g_h, g_r) @ g_r / norm if norm else 0.0
                penalty = np.exp(-(len(h) - len(r)) ** 2 / (2 * sigma**2))
                scores[i] += 10 * cosine * penalty / n / len(references)
    return scores


@given(corpora, st.integers(1, 3), st.floats(1, 10))
def test_cider_equals_dense_vectors(corpus, n, sigma):
    mean, per_item = cider_d(*zip(*corpus), n=n, sigma=sigma)
    np.testing.assert_allclose(per_item, dense(corpus, n, sigma), rtol=1e-10, atol=1e-12)
    assert mean == pytest.approx(per_item.mean())


@given(corpora, st.randoms(use_true_random=False))
def test_the_order_of_items_and_references_does_not_matter(corpus, random):
    order = random.sample(range(len(corpus)), len(corpus))
    shuffled = [(corpus[i][0], random.sample(corpus[i][1], len(corpus[i][1]))) for i in order]
    np.testing.assert_allclose(cider_d(*zip(*shuffled))[1], cider_d(*zip(*corpus))[1][order], rtol=1e-12, atol=1e-12)


@given(corpora)
def test_bounds_and_a_table_built_once_gives_the_same_scores(corpus):
    hypotheses, references = zip(*corpus)
    scores = cider_d(hypotheses, references)[1]
    assert (scores >= 0).all() and (scores <= 10 + 1e-9).all()
    df = DocumentFrequency.from_references(references)
    for h, r, score in zip(hypotheses, references, scores):
        assert cider_d([h], [r], document_frequency=df)[0] == score


@given(st.lists(st.lists(st.integers(0, 20), min_size=4, max_size=8), min_size=1, max_size=4))
def test_the_only_reference_itself_scores_ten(captions):
    # 100 stands in every caption's document of its own, so that each order has an n-gram of positive weight.
    captions = [[100 + i] * 4 + caption for i, caption in enumerate(captions)] + [[0]]
    np.testing.assert_allclose(cider_d(captions, [[c] for c in captions])[1][:-1], 10, rtol=1e-12)


def test_the_same_bits_whatever_the_hash_seed():
    root = Path(__file__).resolve().parents[2]
    words = "a man riding his red bike down one long dusty road by the sea at dawn with two dogs".split()
    program = (
        "from tinymm.metrics import cider_d\n"
        f"w = {words!r}\n"
        "R = [[w[i:i + 9], w[2 * i:]] for i in range(9)]\n"
        "print([s.hex() for s in cider_d([w[i:i + 12] for i in range(9)], R)[1].tolist()])"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", program], cwd=root, env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1 and "0x" in outputs.pop()


@pytest.mark.parametrize("keywords, message", [
    ({"n": 0}, "cider_d: n must be at least 1; got 0"),
    ({"sigma": 0.0}, "cider_d: sigma must be positive; got 0.0"),
    ({"document_frequency": DocumentFrequency({}, 3, 2)}, "must count n-grams up to n = 4; got 2"),
])
def test_errors(keywords, message):
    with pytest.raises(ValueError, match=message):
        cider_d(["a"], [["a"]], **keywords)
    with pytest.raises(ValueError, match="DocumentFrequency: every item needs at least one reference; got none"):
        DocumentFrequency.from_references([["a"], []])
    with pytest.raises(ValueError, match="DocumentFrequency: n must be at least 1; got 0"):
        DocumentFrequency.from_references([["a"]], n=0)
