"""The n-gram model: a distribution, values on paper, what Kneser-Ney is about."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import NgramModel

sentences = st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=6)


@given(sentences, st.integers(1, 4), st.lists(st.sampled_from("abcd"), max_size=5))
def test_probabilities_add_up_to_one_after_any_history(heard, order, history):
    model = NgramModel(heard, order, vocabulary="abcd")
    p = {word: math.exp(model(history, word)) for word in [*"abcd", None]}
    assert math.isclose(sum(p.values()), 1) and min(p.values()) > 0


@given(sentences, st.integers(1, 4), st.lists(st.sampled_from("abc"), max_size=6))
def test_only_the_last_words_count(heard, order, history):
    model = NgramModel(heard, order, vocabulary="abc")
    if len(history) >= order:
        assert model(history, "a") == model(history[len(history) - order + 1:], "a")


def test_unigrams_on_paper():
    """a, a, b and two ends: n₁ = 1, n₂ = 2, d = 1/5; three kinds share what is discounted, 3 d, and no c was heard."""
    model = NgramModel(["aa", "b"], 1, vocabulary="abc")
    d, rest = 1 / 5, 3 / 5 / 5 / 4
    for word, count in (("a", 2), ("b", 1), (None, 2), ("c", 0)):
        assert math.isclose(math.exp(model("", word)), max(count - d, 0) / 5 + rest)


def test_bigrams_on_paper():
    """Counts: ^a 2, ab 1, ac 1, b$ 1, c$ 1, so d = 4/6. Unigrams by predecessors: a 1, b 1, c 1, $ 2; d = 3/5."""
    model = NgramModel(["ab", "ac"], 2)
    unigram = {word: (count - 3 / 5) / 5 + 4 * 3 / 5 / 5 / 4
               for word, count in (("a", 1), ("b", 1), ("c", 1), (None, 2))}
    assert math.isclose(math.exp(model("a", "b")), (1 - 4 / 6) / 2 + 4 / 6 * 2 / 2 * unigram["b"])
    assert math.isclose(math.exp(model("", "a")), (2 - 4 / 6) / 2 + 4 / 6 * 1 / 2 * unigram["a"])
    assert math.isclose(math.exp(model("a", "a")), 4 / 6 * 2 / 2 * unigram["a"])
    assert math.isclose(math.exp(model("b", None)), (1 - 4 / 6) + 4 / 6 * unigram[None])


def test_a_word_that_follows_one_word_only_is_improbable_elsewhere():
    """As in "San Francisco": the pair is frequent, yet behind a word never seen before "glasses" comes first."""
    heard = [["san", "francisco"]] * 10 + [["my", "glasses"], ["new", "glasses"], ["red", "glasses"]]
    model = NgramModel(heard, 2, vocabulary={"san", "francisco", "my", "new", "red", "glasses", "reading"})
    assert model(["san"], "francisco") > model(["san"], "glasses")
    assert model(["reading"], "glasses") > model(["reading"], "francisco")
    once = NgramModel(heard, 1)
    assert once([], "francisco") > once([], "glasses")


def test_longer_memory_is_less_surprised_by_what_it_has_heard():
    heard = ["abcabc", "abcab", "cabc"]
    values = [NgramModel(heard, order).perplexity(heard) for order in (1, 2, 3)]
    assert values == sorted(values, reverse=True) and values[0] < 4
    assert math.isclose(NgramModel(["ab"], 1).perplexity(["ba"]), NgramModel(["ab"], 1).perplexity(["ab"]))


def test_perplexity_is_one_over_the_geometric_mean():
    model = NgramModel(["ab", "b"], 2)
    p = [model("", "a"), model("a", "b"), model("ab", None), model("", "b"), model("b", None)]
    assert math.isclose(model.perplexity(["ab", "b"]), math.exp(-sum(p) / 5))


def test_errors():
    for order, heard in ((0, ["a"]), (2, [])):
        with pytest.raises(ValueError, match=f"NgramModel: needs .* got order {order}, {len(heard)} sentences"):
            NgramModel(heard, order)
    with pytest.raises(ValueError, match="NgramModel: words must be of the vocabulary, 1 words; got 'b'"):
        NgramModel(["ab"], vocabulary="a")
    model = NgramModel(["a"])
    for call in (lambda: model("", "b"), lambda: model("b", None), lambda: model.perplexity(["b"])):
        with pytest.raises(ValueError, match="got 'b'"):
            call()
    with pytest.raises(ValueError, match="the perplexity of no sentence"):
        model.perplexity([])
