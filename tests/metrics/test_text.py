"""Tokenising captions, checking pairs, exact match."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import (
    bleu,
    caption_scores,
    caption_tokens,
    cider_d,
    exact_match,
    rouge_l,
    tokenised_pairs,
    tokenised_references,
)


@pytest.mark.parametrize("text, tokens", [
    ("A man, a dog; and (maybe) a cat!", "a man a dog and maybe a cat"),
    ("The dog's ball isn't red - it's blue.", "the dog 's ball is n't red it 's blue"),
    ("They can't; we'll see -- they're here...", "they ca n't we 'll see they 're here"),
    ("A close-up of a black/white 3.5 m boat", "a close-up of a black/white 3.5 m boat"),
    ("'quoted' \"words\" in the u.s. navy", "quoted words in the u.s. navy"),
    ("The dog\u2019s bowl\nis\tempty", "the dog 's bowl is empty"),
    ("Un café été", "un café été"),
    ("?!.,", ""),
])
def test_caption_tokens_by_example(text, tokens):
    assert caption_tokens(text) == tokens.split()


@given(st.text(alphabet=string.ascii_letters + string.digits + " .,'-/!?é\u2019_&", max_size=40))
def test_caption_tokens_are_stable_lower_case_and_never_blank(text):
    tokens = caption_tokens(text)
    assert caption_tokens(" ".join(tokens)) == tokens
    assert all(token == token.lower() and token.split() == [token] for token in tokens)
    kept = "".join(tokens)
    letters = [c for c in text.lower() if c.isalnum()]
    assert [c for c in kept if c.isalnum()] == letters              # no word is lost


def test_caption_tokens_refuses_what_is_not_text():
    with pytest.raises(ValueError, match="caption_tokens: text must be a string; got list"):
        caption_tokens(["a", "dog"])


def test_strings_and_token_sequences_score_alike():
    strings = (["a dog runs on grass", "one cat"], [["a dog runs", "the dog runs on the grass"], ["one black cat"]])
    tokens = ([h.split() for h in strings[0]], [[r.split() for r in item] for item in strings[1]])
    number = {word: i for i, word in enumerate(sorted({w for item in tokens[1] for r in item for w in r} | {"a"}))}
    ids = ([np.array([number[w] for w in h]) for h in tokens[0]],
           [[np.array([number[w] for w in r]) for r in item] for item in tokens[1]])
    for score in (bleu, lambda *pair: cider_d(*pair)[1], lambda *pair: rouge_l(*pair)[1]):
        assert 0 < score(*strings)[0] != 1                          # a score that has something to get wrong
        np.testing.assert_array_equal(score(*strings), score(*tokens))
        np.testing.assert_array_equal(score(*strings), score(*ids))


@pytest.mark.parametrize("score", [bleu, cider_d, rouge_l, exact_match, caption_scores])
@pytest.mark.parametrize("hypotheses, references, message", [
    (["a", "b"], [["a"]], "must have the same length; got 2 and 1"),
    ([], [], "at least one item is needed; got none"),
    (["a", "b"], [["a"], []], "every item needs at least one reference; got none for item 1"),
    ("a dog", [["a dog"]], "hypotheses must be a list with one caption per item; got the string 'a dog'"),
    (["a dog"], "a dog", "references must be a list with one list per item; got the string 'a dog'"),
    (["a dog"], ["a dog"], "every item needs a list of references; got the string 'a dog' for item 0"),
    ([["a", "dog"]], [["a", "dog"]], "all strings or all token sequences; got both in item 0"),
    ([[1, 2]], [[1, 2]], "a caption must be a string or a sequence of hashable tokens"),
    ([[["a"], ["b"]]], [[[["a"]]]], "a caption must be a string or a sequence of hashable tokens"),
])
def test_wrong_nesting_is_an_error_that_names_the_score(score, hypotheses, references, message):
    with pytest.raises(ValueError, match=f"^{score.__name__}: .*{message}"):
        score(hypotheses, references)


def test_references_alone_are_checked_alike():
    assert tokenised_references([["a b"], [[1, 2], (3,)]], "x") == [[("a", "b")], [(1, 2), (3,)]]
    assert tokenised_pairs([[9]], [[[1, 2]]], "x") == [((9,), [(1, 2)])]
    with pytest.raises(ValueError, match="x: every item needs at least one reference; got none for item 0"):
        tokenised_references([[]], "x")


def test_exact_match_normalises_strings_only():
    score, per_item = exact_match(
        ["A dog!", "a dog", "dog a"], [["one dog", "a dog"], ["A DOG"], ["a dog"]])
    assert per_item.tolist() == [True, True, False] and score == pytest.approx(2 / 3)
    assert exact_match([["A", "dog"]], [[["a", "dog"]]])[0] == 0.0
