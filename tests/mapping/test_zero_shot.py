"""Zero-shot: prompt ensembles by hand, refusals of prompts, none of these, captions from a gallery, its oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import WordTokenizer
from tinymm.mapping import (NONE_OF_THESE, caption_from_gallery, check_prompts, class_vectors, classify, fill_templates,
                            gallery_oracle, rejection_threshold)

WORDS = ["a", "photo", "of", "red", "blue", "circle", "square"]


def encode(texts):
    """A bag of words, each with a vector of its own."""
    table = np.random.default_rng(1).normal(size=(len(WORDS), 5))
    return np.array([sum(table[WORDS.index(word)] for word in text.split()) for text in texts])


def unit(x):
    return x / np.linalg.norm(x)


def test_an_ensemble_is_the_normalised_mean_of_normalised_prompts():
    prompts = fill_templates(["a {}", "a photo of a {}"], ["red circle", "blue square", "red square"])
    found = class_vectors(encode, prompts)
    for vector, group in zip(found, prompts, strict=True):
        np.testing.assert_allclose(vector, unit(np.mean([unit(encode([p])[0]) for p in group], axis=0)), atol=1e-12)
    ragged = class_vectors(encode, [["red"], ["blue", "blue square", "a blue square"]])
    np.testing.assert_allclose(ragged[0], unit(encode(["red"])[0]))
    assert found.shape == (3, 5) and ragged.shape == (2, 5)


def test_long_prompts_count_no_more_than_short_ones():
    """Against an encoder whose vectors grow with the text."""
    def longer(texts):
        return encode(texts) * np.array([[10.0 ** len(text)] for text in texts])

    prompts = [["red circle", "a photo of a red circle"], ["blue"]]
    np.testing.assert_allclose(class_vectors(longer, prompts), class_vectors(encode, prompts), atol=1e-9)


def test_prompts_that_cancel_are_refused():
    with pytest.raises(ValueError, match="an embedding needs a length; row 0 has 0.0"):
        class_vectors(lambda texts: np.array([[1.0, 0.0], [-1.0, 0.0]]), [["a", "b"]])


@pytest.mark.parametrize("prompts, message", [
    ([["a red circle"], ["a red sqare"]], r"got 'sqare' in 'a red sqare' \(known words near it: square\)"),
    ([["a zebra"]], r"got 'zebra' in 'a zebra' \(no known word is near it\)"),
    ([["a circle"], ["blue", "A  Circle"]], "must not have the same prompt; got 'A  Circle' for classes 0 and 1"),
    ([], "there must be at least one class"), ([["red"], []], "a list of at least one prompt"),
    (["red", "blue"], "a list of at least one prompt"), ([["a", " "]], "a text must have words; got ' '"),
])
def test_prompts_that_cannot_work_are_refused(prompts, message):
    known = WordTokenizer.fit([" ".join(WORDS)]).words
    with pytest.raises(ValueError, match=f"prompts: .*{message}"):
        check_prompts(prompts, known)


def test_good_prompts_pass_and_a_class_may_repeat_its_own():
    check_prompts([["A red circle.", "a red circle ."], ["a blue circle"]], {*WORDS, "."})
    check_prompts([["zebra"], ["quagga"]])


@pytest.mark.parametrize("templates", [[], ["a circle"], ["a {} and a {}"]])
def test_a_template_without_one_place_is_refused(templates):
    with pytest.raises(ValueError, match="fill_templates: each template needs one {}"):
        fill_templates(templates, ["x"])
    assert fill_templates(["{}"], ["{0} %s"]) == [["{0} %s"]]


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 999))
def test_classes_are_the_nearest(N, C, seed):
    rng = np.random.default_rng(seed)
    x, vectors = rng.normal(size=(N, 4)), rng.normal(size=(C, 4)) * rng.uniform(0.1, 9, size=(C, 1))
    cosines = np.array([[unit(a) @ unit(b) for b in vectors] for a in x])
    classes, best = classify(x, vectors)
    assert (classes == cosines.argmax(1)).all()
    np.testing.assert_allclose(best, cosines.max(1), atol=1e-12)
    some, _ = classify(x, vectors, threshold=float(np.median(best)))
    assert ((some == NONE_OF_THESE) == (best < np.median(best))).all() and (some[some >= 0] == classes[some >= 0]).all()


def test_a_closed_set_always_has_a_winner_which_is_why_its_softmax_is_no_probability():
    """Noise is given to some class with a large share at CLIP's temperature; the threshold alone says no."""
    rng = np.random.default_rng(0)
    vectors, noise = np.eye(64)[:5], rng.normal(size=(500, 64))
    classes, cosines = classify(noise, vectors)
    logits = 100 * noise @ vectors.T / np.linalg.norm(noise, axis=1, keepdims=True)
    share = np.exp(logits - logits.max(1, keepdims=True))
    share = (share / share.sum(1, keepdims=True)).max(1)
    assert np.median(share) > 0.99 and np.median(cosines) < 0.2
    assert (classify(noise, vectors, threshold=0.6)[0] == NONE_OF_THESE).all()


# None of these --------------------------------------------------------------------------------------------------------

cosines = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.25, 0.3, 1.0]), min_size=1, max_size=8)


@given(cosines, cosines)
def test_no_other_threshold_is_better(known, others):
    found = rejection_threshold(known, others)

    def shares(threshold):
        return np.mean(np.array(known) >= threshold), np.mean(np.array(others) < threshold)

    assert (found.accepted, found.rejected) == pytest.approx(shares(found.threshold))
    for threshold in np.linspace(-1.2, 1.2, 97):
        assert sum(shares(threshold)) <= found.accepted + found.rejected + 1e-12


def test_the_middle_between_two_groups():
    assert rejection_threshold([0.5, 0.6, 0.7], [0.1, 0.2]) == (0.35, 1.0, 1.0)
    assert rejection_threshold([0.1, 0.2], [0.5]).accepted in (0.0, 1.0)            # the wrong way round: one side
    for known, others in (([], [0.1]), ([0.1], []), ([np.nan], [0.1]), ([[0.1]], [0.2])):
        with pytest.raises(ValueError, match="rejection_threshold: needs cosines"):
            rejection_threshold(known, others)


# Galleries ------------------------------------------------------------------------------------------------------------

def test_a_gallery_gives_its_nearest_caption_and_nothing_else(rng):
    captions = ["a red circle", "a blue square", "a red circle"]
    vectors = encode(captions)
    x = vectors[[1, 0, 2]] + 0.01 * rng.normal(size=(3, 5))
    assert caption_from_gallery(x, vectors, captions) == ["a blue square", "a red circle", "a red circle"]


def test_no_search_of_the_gallery_beats_its_oracle(rng):
    captions = ["a red circle", "a blue square", "a red square", "a red circle"]
    references = [["a blue circle"], ["a red circle", "one red circle"], ["the photo"]]
    asked = []

    def score(caption, right):
        """The largest share of words in common."""
        asked.append(caption)
        words = {*caption.split()}
        return max(len(words & {*other.split()}) / len(words | {*other.split()}) for other in right)

    oracle = gallery_oracle(captions, references, score)
    assert len(asked) == 9                                                  # equal captions once
    assert oracle.captions[1] == "a red circle" and oracle.scores[1] == pytest.approx(1)
    for _ in range(5):
        found = caption_from_gallery(rng.normal(size=(3, 5)), encode(captions), captions)
        assert all(score(a, right) <= best for a, right, best in zip(found, references, oracle.scores))


def test_refusals_of_galleries():
    for f in (lambda: caption_from_gallery(np.ones((1, 2)), np.ones((0, 2)), []),
              lambda: gallery_oracle([], [["a"]], lambda a, b: 0.0)):
        with pytest.raises(ValueError, match="gallery: must hold at least one caption; got none"):
            f()
    with pytest.raises(ValueError, match="needs a vector for each caption; got 2 and 1"):
        caption_from_gallery(np.ones((1, 2)), np.eye(2), ["a"])
    with pytest.raises(ValueError, match="a score must not be NaN"):
        gallery_oracle(["a"], [["a"]], lambda a, b: float("nan"))
    for wrong in (np.ones((1, 2), int), np.ones(2), np.zeros((1, 2)), np.full((1, 2), np.nan)):
        with pytest.raises(ValueError, match="zero_shot: "):
            classify(wrong, np.eye(2))
