"""Pairs of sentences: half of them true, the others never true by chance; rows of [CLS] a [SEP] b [SEP]."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinymm.data import BytePairTokenizer, SentencePairs, WordTokenizer, pack_pair, pad_packed, pieces_by_word
from tinymm.data.texts.byte_pairs import split_chunks
from tinymm.data.texts.tokenizer import BOS, EOS, PAD

SENTENCES = st.sampled_from([f"sentence {letter}" for letter in "abcdefgh"])     # few: documents often share some
DOCUMENTS = st.lists(st.lists(SENTENCES, max_size=5), min_size=2, max_size=6)
WORDS = st.lists(st.lists(st.integers(4, 40), min_size=1, max_size=4), max_size=6)


@given(DOCUMENTS, st.integers(0, 2**32 - 1))
def test_a_stranger_shares_no_document_with_the_sentence(documents, seed):
    rng = np.random.default_rng(seed)
    if not any(len(document) > 1 for document in documents):
        with pytest.raises(ValueError, match="SentencePairs: needs two documents"):
            SentencePairs(documents)
        return
    pairs = SentencePairs(documents)
    assert len(pairs) == sum(max(0, len(document) - 1) for document in documents)
    row = int(rng.integers(len(pairs)))
    d, i = pairs.places[row]
    for _ in range(10):
        try:
            first, second, label = pairs.draw(row, rng)
        except ValueError as error:
            assert "must share no document" in str(error)
            assert all(any({documents[d][i], other} <= set(held) for held in documents)
                       for other in {sentence for document in documents for sentence in document})
            continue
        assert first == documents[d][i]
        if label == 0:
            assert second == documents[d][i + 1]
        else:
            assert not any(first in document and second in document for document in documents)


def test_half_of_the_pairs_are_true_and_strangers_come_from_everywhere():
    documents = [[f"{d} {i}" for i in range(4)] for d in range(6)]
    pairs, rng = SentencePairs(documents), np.random.default_rng(0)
    drawn = [pairs.draw(0, rng) for _ in range(4000)]
    labels = np.array([pair.label for pair in drawn])
    assert stats.binomtest(int(labels.sum()), len(labels), 0.5).pvalue > 1e-4
    strangers = [pair.second for pair in drawn if pair.label]
    counts = [strangers.count(sentence) for document in documents[1:] for sentence in document]
    assert sum(counts) == len(strangers) and stats.chisquare(counts).pvalue > 1e-4


def test_the_last_stranger_is_found():
    """Even if a draw at random would hardly meet it."""
    documents = [["a", *map(str, range(50))], ["b"], *(["a", str(i)] for i in range(50))]
    pairs, rng = SentencePairs(documents), np.random.default_rng(0)
    assert {pairs.draw(0, rng) for _ in range(50)} == {("a", "0", 0), ("a", "b", 1)}


@given(WORDS, st.none() | WORDS)
def test_a_row_is_cls_a_sep_b_sep(first, second):
    row = pack_pair(first, second)
    flat = [piece for word in first for piece in word]
    expected = [BOS, *flat, EOS]
    segments = [0] * len(expected)
    if second is not None:
        more = [*(piece for word in second for piece in word), EOS]
        expected, segments = expected + more, segments + [1] * len(more)
    assert row.ids == expected and row.segments == segments and len(row.starts) == len(expected)
    assert sum(row.starts) == 2 + len(first) + (0 if second is None else 1 + len(second))
    assert all(start for piece, start in zip(row.ids, row.starts) if piece in (BOS, EOS))
    assert pack_pair(first, second, len(expected)) == row
    with pytest.raises(ValueError, match=rf"may have {len(expected) - 1} tokens, .*; got {len(expected)}$"):
        pack_pair(first, second, len(expected) - 1)


@given(st.lists(st.tuples(WORDS, st.none() | WORDS), min_size=1, max_size=4))
def test_padding_keeps_the_rows(pairs):
    rows = [pack_pair(*pair) for pair in pairs]
    ids, mask, segments, starts = pad_packed(rows)
    assert ids.shape == mask.shape == segments.shape == starts.shape == (len(rows), max(len(r.ids) for r in rows))
    for row, *own, real in zip(rows, ids, segments, starts, mask):
        assert real.sum() == len(row.ids) and not real[len(row.ids):].any()
        for array, part in zip(own, (row.ids, row.segments, row.starts)):
            assert array[real].tolist() == part
    assert (ids[~mask] == PAD).all() and (segments[~mask] == 0).all()


@given(st.text(max_size=30))
def test_the_pieces_of_all_words_are_the_text(text):
    for tokens in (BytePairTokenizer.fit(["the lower the lowest, low"], 270), WordTokenizer.fit(["the low cost"])):
        words = pieces_by_word(tokens, text)
        assert [piece for word in words for piece in word] == tokens.encode(text)[1:-1]
        assert all(words)
    words = pieces_by_word(BytePairTokenizer.fit(["low lower"], 264), text)
    assert len(words) == len(split_chunks(text))
