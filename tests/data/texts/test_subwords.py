"""Words with their letters: known words have a number of their own, unknown ones are known by their parts."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts.subwords import SubwordTokenizer, letter_runs, pad_pieces
from tinymm.data.texts.tokenizer import BOS, EOS, PAD, UNK, split_words

texts = st.text("abc ", max_size=30) | st.text(max_size=20)


@given(st.lists(texts, max_size=5), texts)
def test_a_bag_is_the_word_and_its_frequent_runs(corpus, text):
    tokenizer = SubwordTokenizer.fit(corpus)
    known = {word for each in corpus for word in split_words(each)}
    bags = tokenizer.encode(text)
    assert bags[0] == [BOS] and bags[-1] == [EOS] and len(bags) == len(split_words(text)) + 2
    for word, (own, *runs) in zip(split_words(text), bags[1:-1]):
        assert own == UNK if word not in known else tokenizer.pieces[own] == word
        expected = {run for run in letter_runs(word) if sum(run in letter_runs(other) for other in known) >= 2}
        assert {tokenizer.pieces[run] for run in runs} == expected and len(set(runs)) == len(runs)


@given(st.text("abc", min_size=1, max_size=9))
def test_letter_runs_against_all_substrings(word):
    marked = f"<{word}>"
    substrings = [marked[i:j] for i in range(len(marked)) for j in range(i, len(marked) + 1) if 3 <= j - i <= 5]
    assert sorted(letter_runs(word)) == sorted(substrings)


@given(st.lists(texts, max_size=5))
def test_json_round_trip(corpus):
    tokenizer = SubwordTokenizer.fit(corpus)
    again = SubwordTokenizer.from_json(tokenizer.to_json())
    assert again.pieces == tokenizer.pieces and len(again) == len(tokenizer) == len(again.pieces)
    assert [again.encode(text) for text in corpus] == [tokenizer.encode(text) for text in corpus]


bags = st.lists(st.integers(4, 99), min_size=1, max_size=4)


@given(st.lists(st.lists(bags, max_size=4), min_size=1, max_size=4))
def test_pad_pieces(sequences):
    ids, mask = pad_pieces(sequences)
    assert ids.dtype == np.int64 and mask.dtype == bool and ids.shape[:2] == mask.shape
    for row, real, sequence in zip(ids, mask, sequences):
        assert [[i for i in bag if i != PAD] for bag in row[real].tolist()] == sequence
        assert not row[~real].any()


def test_wrong_calls_say_so():
    with pytest.raises(ValueError, match="got 'a' twice"):
        SubwordTokenizer(["a", "a"], [])
    with pytest.raises(ValueError, match="got none"):
        pad_pieces([])
    for text in ("[]", json.dumps({"words": ["a"]}), json.dumps({"words": [1], "runs": []}), "no json"):
        with pytest.raises(ValueError):
            SubwordTokenizer.from_json(text)
