"""The n best captions against the enumeration of all; diverse searches against their definition, written slowly."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.mapping import MinimumLength, beam_search, diverse_beam_search, google_length_penalty, n_best

from .languages import BOS, EOS, WORDS, every_caption, language, log_p_of, step_of, without_eos

SEEDS = st.integers(0, 10_000)
PENALTIES = st.sampled_from((0.0, 0.7, 1.0, google_length_penalty(0.6), google_length_penalty(2.0)))


def divisor(penalty, length):
    return penalty(length) if callable(penalty) else length**penalty


@given(SEEDS, PENALTIES, st.integers(1, 12))
def test_a_beam_of_all_captions_ranks_them_as_enumeration_does(seed, penalty, n):
    table, length = language(seed), 3
    found = n_best(step_of(table), 2, BOS, EOS, length, n, beam=WORDS**length, length_penalty=penalty)
    for row, hypotheses in enumerate(found):
        scores = {words: log_p_of(table, row, words) / divisor(penalty, len(words)) for words in every_caption(length)}
        ranked = sorted(scores, key=lambda words: -scores[words])[:n]
        assert len(hypotheses) == n
        for (words, score), expected in zip(hypotheses, ranked):
            assert score == pytest.approx(scores[expected], rel=1e-12)
            assert words == without_eos(expected) or scores[expected] == pytest.approx(
                scores[(*words, EOS) if len(words) < length else tuple(words)], rel=1e-12)      # a tie


@given(SEEDS, PENALTIES, st.integers(1, 6), st.integers(1, 6))
def test_the_best_of_n_is_the_beam_search_and_they_are_in_order(seed, penalty, beam, length):
    table = language(seed, words=9)
    best = beam_search(step_of(table), 2, BOS, EOS, length, beam, penalty)
    for n in range(1, beam + 1):
        found = n_best(step_of(table), 2, BOS, EOS, length, n, beam, penalty)
        for row, hypotheses in enumerate(found):
            scores = [score for _, score in hypotheses]
            assert hypotheses[0].words == best[row] and 1 <= len(hypotheses) <= n
            assert scores == sorted(scores, reverse=True)
            assert len({tuple(words) for words, _ in hypotheses}) == len(hypotheses)


def patient_diverse_search(table, length, beam, groups, diversity, penalty):
    """Of one example: algorithm 1 of the paper, group by group at each step, with nothing shared or stopped early."""
    width = beam // groups
    alive = [[(0.0, 0.0, (BOS,))] for _ in range(groups)]                # (log p less penalties, log p, words)
    closed = [[] for _ in range(groups)]
    for t in range(1, length + 1):
        said = []
        for g in range(groups):
            offers = []
            for worth, log_p, words in alive[g]:
                for word in range(table.shape[-1]):
                    step = table[words[-1], word]
                    offers.append((worth + step - diversity * said.count(word), log_p + step, (*words, word)))
            best = sorted(offers, key=lambda offer: -offer[0])[:width]
            said += [words[-1] for *_, words in best]
            closed[g] += [(log_p / divisor(penalty, t), words) for _, log_p, words in best if words[-1] == EOS]
            alive[g] = [offer for offer in best if offer[2][-1] != EOS]
    for g in range(groups):
        closed[g] += [(log_p / divisor(penalty, length), words) for _, log_p, words in alive[g]]
    best = [max(found, key=lambda pair: pair[0]) for found in closed]
    distinct = dict.fromkeys(words for _, words in sorted(best, key=lambda pair: -pair[0]))
    return [without_eos(words[1:]) for words in distinct]


@given(SEEDS, st.sampled_from([(1, 1), (4, 1), (2, 2), (4, 2), (4, 4), (6, 3)]), st.sampled_from((0.0, 0.3, 2.0)),
       st.sampled_from((0.0, 1.0)))
def test_a_diverse_search_is_its_algorithm(seed, sizes, diversity, penalty):
    beam, groups = sizes
    table = language(seed, words=7)
    found = diverse_beam_search(step_of(table), 2, BOS, EOS, 5, beam, groups, diversity, penalty)
    for row, hypotheses in enumerate(found):
        assert [words for words, _ in hypotheses] == patient_diverse_search(
            table[row], 5, beam, groups, diversity, penalty)
        for words, score in hypotheses:                                  # the model's score, without the penalties
            whole = (*words, EOS) if len(words) < 5 else tuple(words)
            assert score == pytest.approx(log_p_of(table, row, whole) / len(whole)**penalty, rel=1e-12)


@given(SEEDS, st.integers(1, 5), PENALTIES)
def test_one_group_is_a_beam_search_and_groups_that_may_agree_do(seed, beam, penalty):
    table = language(seed, words=9)
    expected = [[words] for words in beam_search(step_of(table), 2, BOS, EOS, 5, beam, penalty)]
    for groups, diversity in ((1, 5.0), (2, 0.0)):
        found = diverse_beam_search(step_of(table), 2, BOS, EOS, 5, groups * beam, groups, diversity, penalty)
        assert [[words for words, _ in hypotheses] for hypotheses in found] == expected


def test_diversity_makes_first_words_differ_and_asks_the_model_no_oftener():
    table, calls = language(3, words=9), []

    def step(words, rows, state):
        calls.append(len(words))
        return step_of(table)(words, rows, state)

    found = diverse_beam_search(step, 2, BOS, EOS, 5, beam=3, groups=3, diversity=1e3)
    assert all(len({words[0] if words else EOS for words, _ in hypotheses}) == 3 for hypotheses in found)
    assert calls[0] == 2 and len(calls) <= 5 and max(calls) <= 6         # a row for each of three captions of two


@given(st.floats(0, 3), st.integers(1, 40))
def test_length_penalties_are_their_formulas_and_never_fall(alpha, length):
    penalty = google_length_penalty(alpha)
    assert penalty(length) == pytest.approx(((5 + length) / 6)**alpha)
    assert penalty(1) == 1 and all(penalty(a) <= penalty(b) for a, b in pairwise(range(1, length + 1)))


@pytest.mark.parametrize("call, message", [
    (lambda step: beam_search(step, 1, BOS, EOS, 3, beam=0), "beam_search: beam must be at least 1; got 0"),
    (lambda step: beam_search(step, 1, BOS, EOS, 3, length_penalty=-1), "length_penalty must not be negative; got -1"),
    (lambda step: n_best(step, 1, BOS, EOS, 3, n=5, beam=4), "n_best: n must lie in 1..beam; got 5 with a beam of 4"),
    (lambda step: n_best(step, 1, BOS, EOS, 3, n=0), "n_best: n must lie in 1..beam; got 0"),
    (lambda step: diverse_beam_search(step, 1, BOS, EOS, 3, beam=4, groups=3),
     "diverse_beam_search: groups must divide beam; got 3 with a beam of 4"),
    (lambda step: diverse_beam_search(step, 1, BOS, EOS, 3, groups=0), "groups must divide beam; got 0"),
    (lambda step: diverse_beam_search(step, 1, BOS, EOS, 3, beam=0, groups=1), "beam must be at least 1; got 0"),
    (lambda step: diverse_beam_search(step, 1, BOS, EOS, 3, diversity=-1.0),
     "diverse_beam_search: diversity must not be negative; got -1.0"),
    (lambda step: google_length_penalty(-1), "google_length_penalty: alpha must not be negative; got -1"),
    (lambda step: n_best(lambda prefixes, rows: None, 1, BOS, EOS, 3, 1), "n_best: step must be step"),
    (lambda step: diverse_beam_search(step, 1, BOS, EOS, 3, rules=[MinimumLength(EOS, 1), lambda p, c: p * np.inf]),
     "diverse_beam_search: a rule must leave"),
])
def test_wrong_settings_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(step_of(language(0)))
