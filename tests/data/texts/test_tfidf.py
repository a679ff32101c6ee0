"""TF-IDF against its formula, one entry at a time."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts.tfidf import TfIdf, letter_ngrams

documents = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=6)


@given(documents, documents, st.integers(1, 3))
def test_entries_are_those_of_the_formula(train, others, min_count):
    space = TfIdf(train, min_count)
    found = space(others)
    assert found.shape == (len(others), len(space.terms)) and found.dtype == np.float32
    with_term = {t: sum(t in document for document in train) for t in "abcdef"}
    assert space.terms == tuple(t for t in "abcdef" if with_term[t] >= min_count)
    for document, row in zip(others, found.toarray()):
        weights = [(1 + math.log(n)) * (math.log((1 + len(train)) / (1 + with_term[t])) + 1) if (n := document.count(t))
                   else 0.0
                   for t in space.terms]
        np.testing.assert_allclose(row, np.array(weights) / (math.hypot(*weights) or 1.0), rtol=1e-5, atol=1e-7)


@given(st.text("ab c", max_size=12), st.integers(1, 4))
def test_letter_ngrams_against_a_loop(text, n):
    expected = text.split()
    for word in text.split():
        padded = f" {word} "
        expected += ["#" + padded[i:i + n] for i in range(len(padded)) if i + n <= len(padded)]
    assert letter_ngrams(text, (n,)) == expected
