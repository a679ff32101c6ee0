"""Byte pairs: any text comes back, merges are the most frequent pairs, whatever the order of the texts."""

import json
import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts.byte_pairs import FIRST_BYTE, FIRST_MERGE, BytePairTokenizer, learn_merges, split_chunks
from tinymm.data.texts.tokenizer import BOS, EOS, PAD

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) \
    | st.text(" \n\tabé数🙂'_1\u0301\x85\u2028", max_size=40)
corpora = st.lists(texts | st.text("ab ", max_size=30), max_size=6)


@given(corpora, texts, st.integers(0, 40))
def test_any_text_comes_back_exactly(corpus, text, merges):
    tokenizer = BytePairTokenizer.fit(corpus, FIRST_MERGE + merges)
    for each in [*corpus, text, ""]:
        ids = tokenizer.encode(each)
        assert ids[0] == BOS and ids[-1] == EOS and all(FIRST_BYTE <= i < len(tokenizer) for i in ids[1:-1])
        assert tokenizer.decode(ids) == tokenizer.decode(np.array([*ids, PAD, PAD])) == each


@given(texts)
def test_chunks_leave_nothing_out(text):
    assert "".join(split_chunks(text)) == text


@given(corpora, st.integers(0, 40), st.randoms())
def test_merges_do_not_depend_on_the_order_of_the_texts(corpus, merges, random):
    shuffled = random.sample(corpus, len(corpus))
    assert BytePairTokenizer.fit(corpus, FIRST_MERGE + merges).merges \
        == BytePairTokenizer.fit(shuffled, FIRST_MERGE + merges).merges


@given(corpora, st.integers(0, 25))
def test_merges_equal_a_count_from_scratch_at_every_step(corpus, merges):
    """Sennrich et al., algorithm 1, as it stands there."""
    counts = Counter(chunk for text in corpus for chunk in split_chunks(text))
    words = [([FIRST_BYTE + b for b in chunk.encode()], times) for chunk, times in counts.items()]
    expected = []
    for k in range(merges):
        pairs = Counter()
        for pieces, times in words:
            for pair in pairwise(pieces):
                pairs[pair] += times
        if not pairs or max(pairs.values()) < 2:
            break
        expected.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        words = [(join(pieces, expected[-1], FIRST_MERGE + k), times) for pieces, times in words]
    assert learn_merges(counts, merges) == expected


def join(pieces, pair, new):
    pieces = list(pieces)
    for i in range(len(pieces) - 1):
        if tuple(pieces[i:i + 2]) == pair:
            pieces[i:i + 2] = [new, None]
    return [piece for piece in pieces if piece is not None]


@given(corpora, texts, st.integers(0, 40))
def test_merges_are_applied_in_the_order_they_were_learned(corpus, text, merges):
    tokenizer = BytePairTokenizer.fit(corpus, FIRST_MERGE + merges)
    expected = []
    for chunk in split_chunks(text):
        pieces = [FIRST_BYTE + b for b in chunk.encode()]
        for k, pair in enumerate(tokenizer.merges):
            pieces = join(pieces, pair, FIRST_MERGE + k)
        expected += pieces
    assert tokenizer.encode(text)[1:-1] == expected


@given(corpora)
def test_json_round_trip(corpus):
    tokenizer = BytePairTokenizer.fit(corpus, FIRST_MERGE + 20)
    again = BytePairTokenizer.from_json(tokenizer.to_json())
    assert again.merges == tokenizer.merges and again.words == tokenizer.words and len(again) == len(tokenizer)


def test_one_long_word_is_learned_in_the_time_of_many_short_ones():
    word = "".join(np.random.default_rng(0).choice(list("abcdefgh"), 40_000))
    begin = time.process_time()
    tokenizer = BytePairTokenizer.fit([word], 1024)
    assert tokenizer.decode(tokenizer.encode(word)) == word
    assert time.process_time() - begin < 10                 # 0.5 s on an idle core; merge by merge, over a minute
    assert len(BytePairTokenizer.fit(["a" * 40_000], 1024).encode("a" * 40_000)) < 20


def test_pieces_that_would_fill_the_memory_are_refused():
    doublings = [(4, 4), *((260 + k, 260 + k) for k in range(34))]
    with pytest.raises(ValueError, match="may have 16,777,216 bytes together; merge 23 makes them 33,554,430"):
        BytePairTokenizer(doublings)
    assert len(BytePairTokenizer(doublings[:16]).pieces[-1]) == 2**16


def test_frequent_words_become_one_piece():
    tokenizer = BytePairTokenizer.fit(["my card", "my card is lost", "the card"] * 3, 300)
    assert [tokenizer.words[i] for i in tokenizer.encode("the card")[1:-1]] == ["the", " card"]


def test_bytes_that_are_no_text_are_shown_not_raised():
    tokenizer = BytePairTokenizer([])
    assert tokenizer.decode([FIRST_BYTE + 0xC3, FIRST_BYTE + ord("a")]) == "\ufffda"
    assert tokenizer.words[FIRST_BYTE + 0xC3] == "\ufffd"


def test_wrong_calls_say_so():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        BytePairTokenizer([]).encode("\ud800")
    with pytest.raises(ValueError, match="the specials and bytes alone are 260; got 100"):
        BytePairTokenizer.fit(["a"], 100)
    with pytest.raises(ValueError, match=r"merge 1 must join two of the pieces 4..260; got \(4, 261\)"):
        BytePairTokenizer([(4, 5), (4, 261)])
    with pytest.raises(ValueError, match=r"got \(4, 5\) twice"):
        BytePairTokenizer([(4, 5), (4, 5)])
    for number in (-1, 260):
        with pytest.raises(ValueError, match=rf"ids must be in 0..259; got {number}"):
            BytePairTokenizer([]).decode([number])
    for text in ("[]", "{}", json.dumps({"merges": ["ab"]}), json.dumps({"merges": [[4, 5.0]]}),
                 json.dumps({"merges": [[4]]}), "no json"):
        with pytest.raises(ValueError):
            BytePairTokenizer.from_json(text)
