"""References counted once: the scores of every caption are those of the definitions, which count each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import CountedReferences, DocumentFrequency, cider_d, sentence_bleu

WORDS = st.sampled_from("abcd")
REFERENCES = st.lists(st.lists(st.lists(WORDS, max_size=7), min_size=1, max_size=4), min_size=1, max_size=5)
CAPTIONS = st.lists(st.tuples(st.lists(st.sampled_from("abcdx"), max_size=8), st.integers(0, 99)), min_size=1,
                    max_size=6)


@given(REFERENCES, CAPTIONS, st.floats(0.5, 10))
def test_cider_d_is_the_definition(references, captions, sigma):
    hypotheses, images = zip(*captions)
    images = np.array(images) % len(references)
    df = DocumentFrequency.from_references(references)
    _, expected = cider_d(hypotheses, [references[i] for i in images], sigma=sigma, document_frequency=df)
    found = CountedReferences(references).cider_d(hypotheses, images, sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(REFERENCES, REFERENCES, CAPTIONS)
def test_cider_d_with_the_weights_of_other_documents(references, documents, captions):
    """As for validation and test images, whose n-grams are weighted by the training captions."""
    hypotheses, images = zip(*captions)
    images = np.array(images) % len(references)
    df = DocumentFrequency.from_references(documents)
    _, expected = cider_d(hypotheses, [references[i] for i in images], document_frequency=df)
    np.testing.assert_allclose(CountedReferences(references, df).cider_d(hypotheses, images), expected, rtol=1e-12,
                               atol=1e-12)


@given(REFERENCES, CAPTIONS)
def test_bleu_is_the_definition(references, captions):
    hypotheses, images = zip(*captions)
    images = np.array(images) % len(references)
    expected = [sentence_bleu(h, references[i]) for h, i in zip(hypotheses, images)]
    np.testing.assert_allclose(CountedReferences(references).bleu(hypotheses, images), expected, rtol=1e-12, atol=1e-15)


def test_asking_leaves_no_trace():
    """Captions bring new n-grams; the columns of the references stay as they are."""
    counted = CountedReferences([["a b c"], ["b c d"]])
    columns = len(counted.number)
    first = counted.cider_d([("x", "y", "a", "b")], np.array([0]))
    assert len(counted.number) == columns
    np.testing.assert_array_equal(counted.cider_d([("x", "y", "a", "b")], np.array([0])), first)


def test_too_low_an_order_is_refused():
    with pytest.raises(ValueError, match="n-grams up to n = 4; got 2"):
        CountedReferences([["a"]], DocumentFrequency.from_references([["a"]], 2))
