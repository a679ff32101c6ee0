"""The tokenizer: exact round trips in the normal form."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts.tokenizer import BOS, EOS, PAD, UNK, WordTokenizer, normalise, pad_batch, split_words

texts = st.text(max_size=40) | st.text(alphabet="abC-',.:!?() ’1_é", max_size=40)


@given(texts)
def test_the_normal_form_is_stable(text):
    assert normalise(normalise(text)) == normalise(text)
    assert split_words(normalise(text)) == split_words(text)


@given(st.lists(texts, min_size=1, max_size=5))
def test_known_words_come_back_exactly(captions):
    tokenizer = WordTokenizer.fit(captions)
    for caption in captions:
        ids = tokenizer.encode(caption)
        assert ids[0] == BOS and ids[-1] == EOS and UNK not in ids and PAD not in ids
        assert tokenizer.decode(ids) == normalise(caption)
        assert tokenizer.decode(np.array([*ids, PAD, PAD])) == normalise(caption)


@given(st.lists(texts, max_size=5))
def test_json_round_trip(captions):
    tokenizer = WordTokenizer.fit(captions)
    again = WordTokenizer.from_json(tokenizer.to_json())
    assert again.words == tokenizer.words and again.ids == tokenizer.ids


@pytest.mark.parametrize(
    "caption",
    ["waving hand: medium-dark skin tone", "waving hand, light skin tone", "one o'clock", "keycap (ten)", "ok, go!"],
)
def test_captions_in_normal_form_stay_as_they_are(caption):
    assert normalise(caption) == caption
    assert WordTokenizer.fit([caption]).decode(WordTokenizer.fit([caption]).encode(caption)) == caption


def test_order_and_min_count():
    tokenizer = WordTokenizer.fit(["b a", "b a", "b c"], min_count=2)
    assert tokenizer.words == ("<pad>", "<bos>", "<eos>", "<unk>", "b", "a") and len(tokenizer) == 6
    assert tokenizer.encode("a c b") == [BOS, 5, UNK, 4, EOS]
    assert tokenizer.decode([5, UNK, 4, EOS, 5]) == "a <unk> b"


def test_a_special_written_out_is_ordinary_text():
    tokenizer = WordTokenizer.fit(["a <pad> b <eos>"])
    assert tokenizer.decode(tokenizer.encode("a <pad> b <eos>")) == normalise("a <pad> b <eos>")
    assert tokenizer.encode("a <eos> b").count(EOS) == 1


@given(st.lists(st.lists(st.integers(4, 99), max_size=9), min_size=1, max_size=6))
def test_pad_batch(sequences):
    ids, mask = pad_batch(sequences)
    assert ids.dtype == np.int64 and mask.dtype == bool
    assert ids.shape == mask.shape == (len(sequences), max(map(len, sequences)))
    assert [row[real].tolist() for row, real in zip(ids, mask)] == sequences
    assert np.all(ids[~mask] == PAD) and np.all(np.diff(mask.astype(int)) <= 0)


def test_wrong_calls_say_so():
    tokenizer = WordTokenizer(["a"])
    with pytest.raises(ValueError, match="got none"):
        pad_batch([])
    for number in (-1, 5):
        with pytest.raises(ValueError, match=rf"ids must be in 0..4; got {number}"):
            tokenizer.decode([number])
    with pytest.raises(ValueError, match="distinct"):
        WordTokenizer(["a", "a"])
    with pytest.raises(ValueError, match="distinct"):
        WordTokenizer(["<pad>"])
    for text in ("[]", "{}", json.dumps({"words": [1]}), "no json"):
        with pytest.raises(ValueError):
            WordTokenizer.from_json(text)
