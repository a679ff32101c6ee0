"""Rewards: the metric of the reports without the closing word, another name with it; and what fragments earn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import ShapesWorld
from tinymm.mapping import BleuReward, CiderReward, TruthReward
from tinymm.metrics import DocumentFrequency, caption_scores, caption_tokens, cider_d, sentence_bleu

TEXTS = st.lists(st.sampled_from(["a", "dog", "Cat", "red", ":", "runs!"]), max_size=7).map(" ".join)
REFERENCES = st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=2, max_size=5)


def tokens(captions):
    return [caption_tokens(caption) for caption in captions]


@given(REFERENCES, st.lists(TEXTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_without_the_closing_word_the_reward_is_the_metric(references, captions, random):
    """Of every sentence, from text to number, as `caption_scores` reads text."""
    images = np.array([random.randrange(len(references)) for _ in captions])
    theirs = [references[i] for i in images]
    closed = [random.random() < 0.5 for _ in captions]                          # does not count here
    df = DocumentFrequency.from_references([tokens(group) for group in references])
    cider, bleu = CiderReward(references, closing=False), BleuReward(references, closing=False)
    assert (cider.name, bleu.name) == ("cider", "bleu")
    _, expected = cider_d(tokens(captions), [tokens(group) for group in theirs], document_frequency=df)
    np.testing.assert_allclose(cider(captions, closed, images), expected, rtol=1e-12, atol=1e-12)
    expected = [sentence_bleu(*pair)[-1] for pair in zip(tokens(captions), map(tokens, theirs))]
    np.testing.assert_allclose(bleu(captions, closed, images), expected, rtol=1e-12, atol=1e-15)
    mean = caption_scores(captions, theirs, df)["cider_d"]
    np.testing.assert_allclose(cider(captions, closed, images).mean(), mean, rtol=1e-12, atol=1e-12)


@given(REFERENCES, st.lists(TEXTS, min_size=1, max_size=5))
def test_the_closing_word_is_one_more_token(references, captions):
    """Of the captions that are closed and of all references, those that make the document frequencies too."""
    closed = np.arange(len(captions)) % 2 == 0
    images = np.arange(len(captions)) % len(references)
    ended = [[[*caption_tokens(text), "."] for text in group] for group in references]
    said = [[*caption_tokens(text), "."] if end else caption_tokens(text) for text, end in zip(captions, closed)]
    cider, bleu = CiderReward(references), BleuReward(references)
    assert (cider.name, bleu.name) == ("cider_closed", "bleu_closed")
    _, expected = cider_d(said, [ended[i] for i in images], document_frequency=DocumentFrequency.from_references(ended))
    np.testing.assert_allclose(cider(captions, closed, images), expected, rtol=1e-12, atol=1e-12)
    expected = [sentence_bleu(h, ended[i])[-1] for h, i in zip(said, images)]
    np.testing.assert_allclose(bleu(captions, closed, images), expected, rtol=1e-12, atol=1e-15)


MEN = [["a man with a hat", "a man in a hat"], ["a man on a horse"], ["the cat sleeps"]]


@pytest.mark.parametrize("make", [CiderReward, BleuReward])
def test_fragments_repeats_and_nothing_earn_little(make):
    reward = make(MEN)
    captions = ["a man with a hat", "a man with a hat", "a man with a", "a man with a", "hat hat hat hat", ""]
    full, cut, fragment, cut_fragment, repeated, empty = reward(captions, [True, False, True, False, True, True],
                                                                np.zeros(6, int))
    assert full > cut > cut_fragment > repeated
    assert full > fragment > repeated
    assert 0 <= empty < 1e-2                                                    # BLEU's smoothing is not quite zero
    assert reward([""], [False], np.array([0]))[0] <= empty


def test_the_closing_word_alone_earns_nothing():
    """Every reference has it: its weight is ln 1 = 0; what counts is the word before it."""
    assert CiderReward(MEN)([""], [True], np.array([0])).tolist() == [0.0]


def test_without_the_closing_word_a_fragment_is_not_told_from_a_caption_that_was_cut():
    for make in (CiderReward, BleuReward):
        one, other = make(MEN, closing=False)(["a man with a"] * 2, [True, False], np.zeros(2, int))
        assert one == other
        one, other = make(MEN)(["a man with a hat"] * 2, [True, False], np.zeros(2, int))
        assert one > other


def test_for_other_images_the_weights_stay():
    train = CiderReward(MEN)
    other = train.of([["a man with a cat"]])
    ended = [[[*text.split(), "."] for text in group] for group in MEN]
    _, expected = cider_d([[*"the cat with a hat".split(), "."]], [[[*"a man with a cat".split(), "."]]],
                          document_frequency=DocumentFrequency.from_references(ended))
    np.testing.assert_allclose(other(["the cat with a hat"], [True], np.array([0])), expected, rtol=1e-12)
    assert other.name == "cider_closed"


def test_truth_needs_an_end(rng):
    world = ShapesWorld()
    scenes = world.sample(5, rng)
    reward, texts = TruthReward(scenes), [group[0] for group in world.captions(scenes, rng)]
    images = np.arange(5)
    assert reward(texts, [True] * 5, images).tolist() == [1.0] * 5
    assert reward(texts, [False] * 5, images).tolist() == [0.0] * 5
    assert reward([""] * 5, [True] * 5, images).tolist() == [0.0] * 5
    assert reward.of(scenes[:1])(texts[:1], [True], [0]).tolist() == [1.0]
    thing = scenes[0].things[0]
    part = f"a {thing.colour} {thing.shape}"                                    # true, but not all of it
    assert reward([part], [True], [0]).tolist() == [0.0]
