"""Tokenizers' files: what one has written is read, and what is damaged is refused with the name of what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import BytePairTokenizer, CharTokenizer, SubwordTokenizer, WordTokenizer

TOKENIZERS = [WordTokenizer, CharTokenizer, BytePairTokenizer, SubwordTokenizer]
EACH = pytest.mark.parametrize("tokenizer", TOKENIZERS)
WRITTEN = {tokenizer: json.loads(tokenizer.fit(["low lower lowest, नमस्ते"] * 2).to_json()) for tokenizer in TOKENIZERS}
# None of these is an entry of any of the lists: wrong types, pairs of wrong lengths, types and ranges.
strange = st.sampled_from([None, True, 1, -1, 1e9, 0.5, [], {}, "", ["a", "b"], [4], [4, 5, 6], [4, 5.0], [True, 5],
                           [-1, 4], [3, 4], [4, 10**9], [4, 10**40], [[4], [5]]])


def refused(tokenizer, text):
    with pytest.raises(ValueError, match=f"^{tokenizer.__name__}") as caught:
        tokenizer.from_json(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@EACH
@given(data=st.data())
def test_a_strange_entry_is_refused(tokenizer, data):
    state = {name: list(entries) for name, entries in WRITTEN[tokenizer].items()}
    entries = state[data.draw(st.sampled_from(sorted(state)))]
    entries.insert(data.draw(st.integers(0, len(entries))), data.draw(strange))
    refused(tokenizer, json.dumps(state))


@EACH
@given(data=st.data())
def test_an_entry_twice_is_refused(tokenizer, data):
    state = {name: list(entries) for name, entries in WRITTEN[tokenizer].items()}
    entries = state[data.draw(st.sampled_from(sorted(state)))]
    entries.append(data.draw(st.sampled_from(entries)))
    refused(tokenizer, json.dumps(state))


@EACH
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
                    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3)))
def test_another_form_is_refused(tokenizer, value):
    name = next(iter(WRITTEN[tokenizer]))
    refused(tokenizer, json.dumps(value))
    refused(tokenizer, json.dumps({**WRITTEN[tokenizer], "more": value}))
    if not isinstance(value, list):
        refused(tokenizer, json.dumps({**WRITTEN[tokenizer], name: value}))


@EACH
def test_what_is_no_json_is_refused(tokenizer):
    text = json.dumps(WRITTEN[tokenizer])
    surrogate = '{"words": ["\\ud800"]}'
    for damaged in ("", "no json", text[:-1], text + "}", "[" * 100_000, "9" * 5000, surrogate, None, b"{}"):
        refused(tokenizer, damaged)
    for other in TOKENIZERS:
        if other is not tokenizer:
            refused(tokenizer, json.dumps(WRITTEN[other]))


@EACH
def test_what_was_written_is_read(tokenizer):
    text = json.dumps(WRITTEN[tokenizer])
    assert json.loads(tokenizer.from_json(text).to_json()) == WRITTEN[tokenizer]


@pytest.mark.parametrize("text, message", [
    ('{"words": ["a", 1]}', "WordTokenizer.from_json: entry 1 of words must be text; got 1"),
    ('{"words": ["a", "b c"]}', "WordTokenizer: words must be distinct and none of the specials, without white space"),
    ('{"words": ["<eos>"]}', "WordTokenizer: words must be .* none of the specials; got '<eos>' twice"),
])
def test_messages_name_the_entry(text, message):
    with pytest.raises(ValueError, match=message):
        WordTokenizer.from_json(text)
