"""Rules are never broken, by any decoder; and what they leave is the model's, as enumeration tells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.mapping import (
    AllowedAfter,
    AllowedWords,
    ForbiddenWords,
    MinimumLength,
    NoRepeatNgram,
    RepetitionPenalty,
    beam_search,
    diverse_beam_search,
    greedy,
    n_best,
    sample,
)

from .languages import BOS, EOS, WORDS, every_caption, language, log_p_of, step_of, without_eos

SEEDS = st.integers(0, 10_000)
LENGTH = 5
DECODERS = {
    "greedy": lambda step, rules: greedy(step, 2, BOS, EOS, LENGTH, rules),
    "sample": lambda step, rules: sample(step, 2, BOS, EOS, LENGTH, np.random.default_rng(0), 2.0, rules=rules),
    "beam_search": lambda step, rules: beam_search(step, 2, BOS, EOS, LENGTH, 3, rules=rules),
    "diverse_beam_search": lambda step, rules: [words for found in diverse_beam_search(
        step, 2, BOS, EOS, LENGTH, 4, 2, 0.5, rules=rules) for words, _ in found],
}
every_decoder = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)


def ngrams(words, n):
    return [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]


@every_decoder
@given(SEEDS, st.integers(0, 4), st.integers(1, 3), st.integers(2, 5))
def test_no_caption_breaks_a_rule(decode, seed, shortest, n, forbidden):
    rules = [ForbiddenWords((forbidden,)), MinimumLength(EOS, shortest), NoRepeatNgram(n), RepetitionPenalty(1.5)]
    for words in decode(step_of(language(seed, words=9)), rules):
        assert forbidden not in words and len(words) >= shortest
        assert len(set(ngrams(words, n))) == len(ngrams(words, n))


@every_decoder
@given(SEEDS, st.sets(st.integers(2, 8), min_size=1))
def test_only_allowed_words_are_said(decode, seed, allowed):
    for words in decode(step_of(language(seed, words=9)), [AllowedWords((EOS, *allowed))]):
        assert set(words) <= allowed


@every_decoder
@given(SEEDS, st.lists(st.lists(st.integers(2, 8), min_size=1, max_size=4).map(tuple), min_size=1, max_size=5))
def test_captions_come_from_a_list(decode, seed, captions):
    """Every prefix of the list is allowed, and nothing else."""
    def allowed(words):
        return {(*caption, EOS)[len(words)] for caption in captions if list(caption[:len(words)]) == words}

    found = decode(step_of(language(seed, words=9)), [AllowedAfter(lambda words: allowed(list(words)))])
    assert {tuple(words) for words in found} <= set(captions)


@given(SEEDS, st.integers(0, 3), st.sampled_from((0.0, 1.0)))
def test_a_beam_of_all_finds_the_best_of_what_is_allowed(seed, shortest, penalty):
    """With the model's own scores: nothing becomes likelier because its rivals are forbidden."""
    table, rules = language(seed), [MinimumLength(EOS, shortest), NoRepeatNgram(2)]
    allowed = [words for words in every_caption(4) if len(without_eos(words)) >= min(shortest, 4)
               and len(set(ngrams(without_eos(words), 2))) == len(ngrams(without_eos(words), 2))]
    found = n_best(step_of(table), 2, BOS, EOS, 4, 3, beam=WORDS**4, length_penalty=penalty, rules=rules)
    for row, hypotheses in enumerate(found):
        scores = {words: log_p_of(table, row, words) / len(words)**penalty for words in allowed}
        ranked = sorted(scores, key=lambda words: -scores[words])
        assert [score for _, score in hypotheses] == pytest.approx([scores[words] for words in ranked[:3]], rel=1e-12)
        wholes = [(*words, EOS) if len(words) < 4 else tuple(words) for words, _ in hypotheses]
        assert [scores[words] for words in wholes] == pytest.approx([score for _, score in hypotheses], rel=1e-12)


@given(SEEDS, st.floats(1, 3))
def test_the_repetition_penalty_is_a_power_of_the_probability(seed, penalty):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(6), 3)
    captions = [rng.integers(0, 6, 4).tolist() for _ in range(3)]
    after = np.exp(RepetitionPenalty(penalty)(np.log(p), captions))
    for row in range(3):
        said = np.isin(np.arange(6), captions[row])
        np.testing.assert_allclose(after[row], np.where(said, p[row]**penalty, p[row]), rtol=1e-12)
    with np.errstate(divide="ignore"):
        sure = RepetitionPenalty(penalty)(np.log([[1.0, 0.0]]), [[0, 1]])
    assert sure.tolist() == [[0.0, -np.inf]]                             # p = 1 stays 1, p = 0 stays 0


@given(SEEDS)
def test_rules_change_nothing_in_place_and_keep_the_dtype(seed):
    log_p = np.log(np.random.default_rng(seed).dirichlet(np.ones(6), 2)).astype(np.float32)
    before = log_p.copy()
    for rule in (AllowedWords((1, 2)), ForbiddenWords((1,)), AllowedAfter(lambda words: [3]), MinimumLength(1, 9),
                 NoRepeatNgram(1), RepetitionPenalty(1.3)):
        after = rule(log_p, [[1, 2], [3, 3]])
        assert after.dtype == np.float32 and (after != before).any() and (after <= before).all()
        np.testing.assert_array_equal(log_p, before)


def test_no_repeat_looks_at_whole_ngrams():
    """1 2 3 1 2: with n = 3 word 3 would repeat 1 2 3; with n = 2 so would it 2 3; with n = 4 nothing would."""
    zeros = np.zeros((1, 5))
    for n, forbidden in ((1, [1, 2, 3]), (2, [3]), (3, [3]), (4, []), (9, [])):
        after = NoRepeatNgram(n)(zeros, [[1, 2, 3, 1, 2]])
        assert np.flatnonzero(np.isinf(after)).tolist() == forbidden
    assert np.isfinite(NoRepeatNgram(1)(zeros, [[]])).all()


@pytest.mark.parametrize("name", DECODERS)
def test_a_rule_that_leaves_no_word_is_named_with_its_step(name):
    step = step_of(language(5))
    for rules, told in (([AllowedWords(())], r"got AllowedWords\(words=\(\)\), which leaves none at step 1"),
                        ([MinimumLength(EOS, 9), NoRepeatNgram(1), ForbiddenWords((BOS,))],
                         r"got ForbiddenWords\(words=\(0,\)\), which leaves none at step 3"),
                        ([nothing_at_all], "got nothing_at_all, which leaves none at step 1")):
        with pytest.raises(ValueError, match=f"^{name}: a rule must leave every caption at least one word; {told}"):
            DECODERS[name](step, rules)


def nothing_at_all(log_p, captions):
    return np.full_like(log_p, -np.inf)


@every_decoder
def test_a_rule_that_raises_a_probability_is_refused(decode):
    """A search that stops when nothing can win any more would be wrong."""
    def prefer(log_p, captions):
        return log_p + 1

    with pytest.raises(ValueError, match="or lower their log-probabilities, not raise them; got .*prefer at step 1"):
        decode(step_of(language(0)), [prefer])


@pytest.mark.parametrize("rule, message", [
    (lambda: MinimumLength(EOS, -1), "MinimumLength: length must not be negative; got -1"),
    (lambda: NoRepeatNgram(0), "NoRepeatNgram: n must be at least 1; got 0"),
    (lambda: RepetitionPenalty(0.9), "RepetitionPenalty: penalty must be at least 1; got 0.9"),
    (lambda: RepetitionPenalty(float("inf")), "RepetitionPenalty: penalty must be at least 1; got inf"),
])
def test_wrong_settings_are_named(rule, message):
    with pytest.raises(ValueError, match=message):
        rule()
