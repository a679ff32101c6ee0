"""Characters: known ones come back exactly, unknown ones are marked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts.characters import CharTokenizer
from tinymm.data.texts.tokenizer import BOS, EOS, PAD, UNK

texts = st.text(max_size=40)


@given(st.lists(texts, max_size=5))
def test_known_characters_come_back_exactly(corpus):
    tokenizer = CharTokenizer.fit(corpus)
    for text in corpus:
        ids = tokenizer.encode(text)
        assert len(ids) == len(text) + 2 and ids[0] == BOS and ids[-1] == EOS and UNK not in ids
        assert tokenizer.decode(np.array([*ids, PAD, PAD])) == text


@given(st.lists(texts, max_size=5), texts)
def test_unknown_characters_are_marked(corpus, text):
    tokenizer = CharTokenizer.fit(corpus)
    known = set("".join(corpus))
    assert tokenizer.decode(tokenizer.encode(text)) == "".join(c if c in known else "\ufffd" for c in text)


@given(st.lists(texts, max_size=5))
def test_json_round_trip(corpus):
    tokenizer = CharTokenizer.fit(corpus)
    again = CharTokenizer.from_json(tokenizer.to_json())
    assert again.words == tokenizer.words and again.ids == tokenizer.ids


def test_order_and_min_count():
    tokenizer = CharTokenizer.fit(["bab", "c"], min_count=1)
    assert tokenizer.words[4:] == ("b", "a", "c") and len(tokenizer) == 7
    assert CharTokenizer.fit(["bab", "c"], min_count=2).encode("cb") == [BOS, UNK, 4, EOS]


def test_wrong_calls_say_so():
    for characters in (["a", "a"], ["ab"]):
        with pytest.raises(ValueError, match="needs distinct single characters"):
            CharTokenizer(characters)
    for number in (-1, 5):
        with pytest.raises(ValueError, match=rf"ids must be in 0..4; got {number}"):
            CharTokenizer("a").decode([number])
    for text in ("[]", "{}", json.dumps({"characters": [1]}), json.dumps({"characters": ["ab"]}), "no json"):
        with pytest.raises(ValueError):
            CharTokenizer.from_json(text)
