"""Decoding of CTC against all transcripts written out."""

import math
from collections import defaultdict
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import NgramModel
from tinymm.functional import ctc_loss, log_softmax
from tinymm.mapping import collapse, ctc_beam_search, ctc_greedy

EVERYTHING = 10_000  # wider than there are prefixes
seeds = st.integers(0, 2**32 - 1)


def drawn(seed, T=5, B=2, V=3, sharpness=1.5):
    rng = np.random.default_rng(seed)
    return log_softmax(rng.standard_normal((T, B, V)) * sharpness, -1), rng.integers(0, T + 1, B)


def transcripts(log_p, blank=0):
    """ln p of each transcript, summed over all paths of one example (T, V)."""
    p = defaultdict(float)
    for path in product(range(log_p.shape[1]), repeat=len(log_p)):
        p[tuple(k for k, _ in groupby(path) if k != blank)] += math.exp(sum(log_p[t, k] for t, k in enumerate(path)))
    return {transcript: math.log(value) for transcript, value in p.items()}


def bigram_model(labels):
    return NgramModel([labels, labels[::-1], labels[:1]], 2, vocabulary=labels)


@given(seeds, st.integers(0, 2))
def test_a_wide_beam_finds_the_most_probable_transcript(seed, blank):
    log_probs, lengths = drawn(seed)
    found = ctc_beam_search(log_probs, lengths, blank, EVERYTHING)
    for b, n in enumerate(lengths):
        p = transcripts(log_probs[:n, b], blank)
        assert math.isclose(p[tuple(found[b])], max(p.values()), rel_tol=1e-12, abs_tol=1e-14)


@given(seeds, st.sampled_from((0.3, 1.0, 3.0)), st.floats(-1, 2))
def test_a_wide_beam_with_a_language_model_is_exact_too(seed, weight, bonus):
    log_probs, lengths = drawn(seed, T=4)
    model = bigram_model([1, 2])
    found = ctc_beam_search(log_probs, lengths, 0, EVERYTHING, model, weight, bonus)
    for b, n in enumerate(lengths):
        score = {transcript: log_p + bonus * len(transcript) + weight * sum(
                     model(transcript[:k], word) for k, word in enumerate((*transcript, None)))
                 for transcript, log_p in transcripts(log_probs[:n, b]).items()}
        assert math.isclose(score[tuple(found[b])], max(score.values()), rel_tol=1e-12, abs_tol=1e-12)


def narrow_beam(log_p, beam, model, weight, bonus):
    """Prefix beam search of one example (T, V) word for word: two probabilities of each prefix, the best kept."""
    def prior(prefix):
        return bonus * len(prefix) + weight * sum(model(prefix[:k], label) for k, label in enumerate(prefix))

    kept = {(): (1.0, 0.0)}                                             # ends in a blank, in a label
    for y in np.exp(log_p):
        found = defaultdict(lambda: [0.0, 0.0])
        for prefix, (blank, label) in kept.items():
            found[prefix][0] += (blank + label) * y[0]
            for k in range(1, len(y)):
                if prefix and prefix[-1] == k:
                    found[prefix][1] += label * y[k]
                    found[(*prefix, k)][1] += blank * y[k]
                else:
                    found[(*prefix, k)][1] += (blank + label) * y[k]
        possible = {prefix: math.log(sum(p)) + prior(prefix) for prefix, p in found.items() if sum(p)}
        kept = {prefix: found[prefix] for prefix in sorted(possible, key=possible.get, reverse=True)[:beam]}
    return max(kept, key=lambda prefix: math.log(sum(kept[prefix])) + prior(prefix) + weight * model(prefix, None))


@given(seeds, st.integers(1, 5), st.sampled_from((0.0, 0.5, 2.0)), st.sampled_from((-1.0, 0.0, 1.5)))
def test_a_narrow_beam_keeps_what_the_language_model_expects(seed, beam, weight, bonus):
    log_probs, lengths = drawn(seed, T=7, V=4)
    model = bigram_model([1, 2, 3])
    assert ctc_beam_search(log_probs, lengths, 0, beam, model, weight, bonus) \
        == [list(narrow_beam(log_probs[:n, b], beam, model, weight, bonus)) for b, n in enumerate(lengths)]


@given(seeds)
def test_the_probability_is_the_ctc_loss(seed):
    """What the search sums over paths is what the loss sums: no transcript found has a higher loss than greedy's."""
    log_probs, _ = drawn(seed, T=8, V=4)
    greedy, best = ctc_greedy(log_probs, [8, 8]), \
        ctc_beam_search(log_probs, [8, 8], beam=EVERYTHING if seed % 2 else 50)
    losses = [ctc_loss(log_probs, sum(found, []), [8, 8], list(map(len, found)), reduction="none")
              for found in (greedy, best)]
    assert (losses[1] <= losses[0] + 1e-12).all()


@given(seeds, st.integers(0, 2))
def test_greedy_is_the_likeliest_path(seed, blank):
    log_probs, lengths = drawn(seed)
    found = ctc_greedy(log_probs, lengths, blank)
    for b, n in enumerate(lengths):
        paths = {path: sum(log_probs[t, b, k] for t, k in enumerate(path)) for path in product(range(3), repeat=n)}
        assert found[b] == collapse(max(paths, key=paths.get), blank)


def test_the_likeliest_path_need_not_spell_the_likeliest_transcript():
    """Two blanks, 0.36, are the likeliest path;
    the other three paths say 1, 0.64 in all (Graves's thesis, figure 7.5)."""
    log_probs = np.log([[[0.6, 0.4]], [[0.6, 0.4]]])
    assert ctc_greedy(log_probs, [2]) == [[]]
    assert ctc_beam_search(log_probs, [2]) == [[1]]


def test_a_beam_of_one_forgets():
    """After one frame nothing, 0.6, looks better than 1, 0.4, and 1 is dropped;
    it comes back from the empty prefix alone, 0.24."""
    log_probs = np.log([[[0.6, 0.4]], [[0.6, 0.4]]])
    assert ctc_beam_search(log_probs, [2], beam=1) == [[]]


@given(seeds)
def test_sure_frames_leave_nothing_to_decide(seed):
    log_probs, lengths = drawn(seed, T=12, V=4, sharpness=200)
    assert ctc_greedy(log_probs, lengths) == ctc_beam_search(log_probs, lengths, beam=2)


def test_a_language_model_decides_between_words_that_sound_alike():
    """Labels 2 and 3 are as likely; after 1 the model has only heard 3."""
    log_probs = np.log(np.array([[0.02, 0.96, 0.01, 0.01], [0.97, 0.01, 0.01, 0.01],
                                 [0.02, 0.01, 0.49, 0.48]]))[:, None]
    model = NgramModel([[1, 3], [1, 3], [2, 1]], 2, vocabulary=[1, 2, 3])
    assert ctc_beam_search(log_probs, [3]) == [[1, 2]]
    assert ctc_beam_search(log_probs, [3], language_model=model) == [[1, 3]]
    assert ctc_beam_search(log_probs, [3], language_model=model, weight=0.0) == [[1, 2]]


def test_the_bonus_is_paid_per_label():
    log_probs = np.log(np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]))[:, None]
    assert ctc_beam_search(log_probs, [3]) == [[]]
    assert ctc_beam_search(log_probs, [3], bonus=3.0) == [[1]]
    assert ctc_beam_search(log_probs, [3], bonus=6.0) == [[1, 1]]
    assert ctc_beam_search(log_probs, [3], bonus=-3.0) == [[]]


def test_frames_of_padding_are_not_read(rng):
    log_probs = log_softmax(rng.standard_normal((6, 2, 4)), -1)
    spoilt = log_probs.copy()
    spoilt[4:, 1] = np.nan
    for decode in (ctc_greedy, ctc_beam_search):
        assert decode(spoilt, [6, 4]) == decode(log_probs, [6, 4])
        assert decode(log_probs, [0, 0]) == [[], []]
        assert decode(np.zeros((3, 0, 2)), []) == []


def test_impossible_labels_do_no_harm():
    log_probs = np.array([[[0.0, -np.inf]], [[-np.inf, 0.0]], [[-np.inf, 0.0]]])
    assert ctc_greedy(log_probs, [3]) == ctc_beam_search(log_probs, [3]) == [[1]]


def test_collapse():
    assert collapse([]) == [] and collapse([0, 0]) == []
    assert collapse([1, 1, 0, 1, 2, 2]) == [1, 1, 2]
    assert collapse(np.array([0, 2, 2, 1]), blank=2) == [0, 1]
    assert all(type(k) is int for k in collapse(np.array([1, 2])))


@pytest.mark.parametrize("decode", [ctc_greedy, ctc_beam_search])
def test_errors(decode):
    for shape, blank in (((2, 3), 0), ((2, 3, 4), 4), ((2, 3, 4), -1)):
        with pytest.raises(ValueError, match=f"{decode.__name__}: log_probs must be .* got .* and {blank}"):
            decode(np.zeros(shape), [2] * shape[1], blank)
    for lengths in ([2, 2], [2, 2, 3], [2, -1, 2]):
        with pytest.raises(ValueError, match=f"{decode.__name__}: needs B = 3 lengths from 0 to T = 2"):
            decode(np.zeros((2, 3, 4)), lengths)


def test_a_beam_needs_room():
    with pytest.raises(ValueError, match="ctc_beam_search: beam must be at least 1; got 0"):
        ctc_beam_search(np.zeros((1, 1, 2)), [1], beam=0)
